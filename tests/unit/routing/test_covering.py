from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.routing.covering import contradiction, shadow
from resolver.routing.rules import Rule, decide
from tests.support.rules import NOON, lists, queries, rules


@settings(max_examples=60)
@given(lists(4), st.lists(queries, min_size=5, max_size=10))
def test_a_rule_that_is_said_never_to_fit_never_does(rules: tuple[Rule, ...], asked: list):
    never = {rule.number for rule in rules if contradiction(rule) or shadow(rules, rule)}
    for each in asked:
        fitted = {rule.number for rule in decide(rules, each, lambda: NOON, 7).fitted}
        assert not fitted & never


DROP = {"action": "drop"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {"names": ["a.test"]}),
        ({"suffixes": ["test"]}, {"names": ["a.test"]}),
        ({"suffixes": ["test"]}, {"suffixes": ["b.a.test", "test"]}),
        ({"names": ["a.test", "b.test"]}, {"names": ["A.test"]}),
        ({"clients": ["10.0.0.0/8", "2001:db8::/32"]}, {"clients": ["10.1.0.0/16"], "types": ["A"]}),
        ({"transports": ["udp", "tcp"]}, {"transports": ["udp"]}),
        ({"types": ["A", "AAAA"]}, {"types": ["AAAA"]}),
        ({"times": ["mon-fri"]}, {"times": ["tue 10:00-11:00"]}),
        ({"paths": ["/a*"]}, {"paths": ["/a/b", "/ab*"]}),
        ({"headers": {"x": "*"}}, {"headers": {"X": "y", "z": "1"}}),
        ({"chance": 1.0}, {"types": ["A"]}),
        ({"suffixes": ["test"], "unless": {"types": ["A"]}}, {"names": ["a.test"], "types": ["AAAA"]}),
        ({"unless": {"clients": ["10.0.0.0/8"]}}, {"clients": ["192.0.2.0/24"]}),
        ({"unless": {"names": ["a.test"]}}, {"unless": {"suffixes": ["test"]}}),
    ],
)
def test_a_broader_rule_that_decides_before_it_hides_a_rule(earlier: dict, later: dict):
    first, second = made = rules(DROP | earlier, DROP | later)
    assert shadow(made, second) is first


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"names": ["a.test"]}, {"suffixes": ["a.test"]}),
        ({"clients": ["10.1.0.0/16"]}, {"clients": ["10.0.0.0/8"]}),
        ({"types": ["A"]}, {}),
        ({"chance": 0.5}, {"chance": 0.5}),
        ({"unless": {"types": ["A"]}}, {"names": ["a.test"]}),
        ({"times": ["mon"]}, {"times": ["mon"], "time_zone": "Europe/Zurich"}),
        ({"suffixes": ["example.com"]}, {"names": ["xexample.com"]}),
    ],
)
def test_a_rule_that_leaves_something_over_hides_nothing(earlier: dict, later: dict):
    made = rules(DROP | earlier, DROP | later)
    assert shadow(made, made[1]) is None


def test_what_does_not_decide_hides_nothing():
    made = rules({"action": "tag", "tags": ["x"]}, DROP)
    assert shadow(made, made[1]) is None


def test_a_rule_that_answers_from_zones_leaves_the_names_outside_of_them():
    made = rules({"action": "authority", "zone_files": ["inside.zone"]}, DROP)
    assert shadow(made, made[1]) is None


def test_a_question_that_is_rewritten_on_the_way_may_fit_what_the_first_rule_missed():
    rewrite = {"action": "rewrite", "names": ["b.test"], "to_name": "a.test"}
    made = rules(DROP | {"names": ["a.test"]}, rewrite, DROP | {"names": ["a.test"]})
    assert shadow(made, made[2]) is None
    made = rules(DROP | {"clients": ["10.0.0.0/8"]}, rewrite, DROP | {"clients": ["10.0.0.0/8"]})
    assert shadow(made, made[2]) is made[0], "who asks is not rewritten"


def test_a_tag_that_is_put_on_between_may_fit_what_the_first_rule_missed():
    tag = {"action": "tag", "tags": ["x"]}
    made = rules(tag | {"types": ["A"]}, DROP | {"tagged": ["x"]}, tag, DROP | {"tagged": ["x"]})
    assert shadow(made, made[3]) is None


@pytest.mark.parametrize(
    ("matchers", "why"),
    [
        ({"transports": ["udp"], "paths": ["/a"]}, "nothing that came over udp has paths"),
        ({"transports": ["tls"], "headers": {"a": "b"}}, "nothing that came over tls has headers"),
        ({"transports": ["tcp"], "server_names": ["a"]}, "nothing that came over tcp has server_names"),
        ({"types": ["A"], "unless": {"types": ["A", "MX"]}}, "whatever has types A is excepted by `unless`"),
        ({"names": ["a.test"], "unless": {"suffixes": ["test"]}}, "whatever has names a.test. is excepted by `unless`"),
    ],
)
def test_a_rule_that_excludes_itself_is_told_why(matchers: dict, why: str):
    (rule,) = rules(DROP | matchers)
    assert contradiction(rule) == why


def test_a_truncation_of_what_is_no_datagram_excludes_itself():
    (rule,) = rules({"action": "truncate", "transports": ["tcp"]})
    assert contradiction(rule) == "only datagrams can be truncated"
