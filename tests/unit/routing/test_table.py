from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.message import Session, Transport
from resolver.routing.rules import Decision, Rule, decide
from resolver.routing.table import MAX_HOSTS, Table
from tests.support.rules import NOON, lists, queries, query, rules


def as_data(decision: Decision) -> dict[str, object]:
    return {each.name: getattr(decision, each.name) for each in dataclasses.fields(decision) if each.name != "simple"}


@settings(max_examples=60)
@given(lists(), st.lists(queries, min_size=1, max_size=5), st.sampled_from((NOON, NOON + 7200)))
def test_a_table_decides_as_the_list_of_its_rules_does(rules: tuple[Rule, ...], asked: list, wall: float):
    table = Table(rules, lambda: wall, secret=7)
    for each in asked:
        wanted = decide(rules, each, lambda: wall, 7)
        assert as_data(table.decide(each)) == as_data(wanted)
        assert as_data(table.decide(each)) == as_data(wanted), "and again"


@settings(max_examples=60)
@given(lists(), queries, queries)
def test_clients_of_one_kind_are_told_the_same_of_the_same_question(rules: tuple[Rule, ...], one, two):
    """Octets are stored by kind and question: what differs beside them must not be kept."""
    table = Table(rules, lambda: NOON, secret=7)
    two = two._replace(question=one.question)
    one, two = one._replace(edns=None), two._replace(edns=None)  # what has options is never served from store
    if table.kind(one.client) == table.kind(two.client) or not table.tells_clients_apart:
        first, second = table.decide(one), table.decide(two)
        if first.keeps and second.keeps:
            assert as_data(first) == as_data(second)


def test_what_only_looks_at_questions_does_not_tell_clients_apart():
    assert not Table(rules({"action": "drop", "names": ["a.test"]}), lambda: NOON).tells_clients_apart
    for each in ({"clients": ["10.0.0.0/8"]}, {"transports": ["tcp"]}, {"paths": ["/x"]}, {"server_names": ["a"]}):
        assert Table(rules({"action": "drop", **each}), lambda: NOON).tells_clients_apart


def test_the_sessions_of_a_kind_fit_the_same_rules():
    table = Table(rules({"action": "drop", "server_names": ["kids.*"]}), lambda: NOON)

    def kind(name: str):
        return table.kind(query(transport=Transport.TLS, session=Session(name)).client)

    assert kind("kids.one") == kind("kids.two") != kind("other")


def test_hosts_are_forgotten_before_they_are_too_many():
    table = Table(rules({"action": "drop", "clients": ["10.0.0.0/8"]}), lambda: NOON)
    for number in range(MAX_HOSTS + 10):
        table.decide(query(client=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
    assert len(table._hosts) == 10


def test_a_client_without_an_address_is_in_no_network():
    table = Table(rules({"action": "drop", "clients": ["0.0.0.0/0", "::/0"]}), lambda: NOON)
    assert table.decide(query(client="")).rule is None


def test_a_name_is_compared_by_labels_and_not_by_octets():
    table = Table(rules({"action": "drop", "suffixes": ["example.com"]}), lambda: NOON)
    found = [table.decide(query(name)).rule is not None for name in ("example.com.", "a.EXAMPLE.com.", "xexample.com.")]
    assert found == [True, True, False]
    assert table.decide(query(r"x\007example.com.")).rule is None


def test_what_fits_is_counted_under_the_name_of_its_rule():
    table = Table(rules({"action": "drop", "name": "ads"}, {"action": "tag", "tags": ["x"]}), lambda: NOON)
    table.fits[0] += 3
    assert table.counts() == {"rules.ads": 3, "rules.2": 0}
