from __future__ import annotations

from resolver.message import Question
from resolver.routing.actions import Rewrite
from resolver.routing.rules import Decision, decide, rewritten
from resolver.wire import names
from tests.support.rules import NOON, query, rules, wire

POOL = {"action": "pool", "pool": "p"}


def decided(*settings: dict, **asked) -> Decision:
    return decide(rules(*settings), query(**asked), lambda: NOON)


def test_all_matchers_of_a_rule_must_fit_and_no_exception():
    both = {"suffixes": ["example.com"], "types": ["A"], "unless": {"names": ["x.example.com"]}}
    assert decided(POOL | both).rule is not None
    assert decided(POOL | both, rtype=28).rule is None
    assert decided(POOL | both, name="x.example.com.").rule is None


def test_the_first_rule_that_decides_ends_it():
    found = decided({"action": "tag", "tags": ["t"]}, {"action": "drop"}, {"action": "tag", "tags": ["u"]})
    assert [rule.number for rule in found.fitted] == [1, 2]
    assert found.tags == {"t"}


def test_what_changes_a_query_adds_up_until_something_decides():
    found = decided(
        {"action": "ttl", "ttl_max_s": 60},
        {"action": "add-subnet"},
        {"action": "limit", "limit": "slow"},
        {"action": "limit", "limit": "guests"},
        {"action": "rewrite", "to_type": "AAAA"},
        POOL | {"types": ["AAAA"]},
    )
    assert (found.ttl.least, found.ttl.most, found.subnet.ipv4) == (0, 60, 24)
    assert found.limits == ("slow", "guests")
    assert found.question.type == 28
    assert found.number == 6


def test_a_subnet_that_was_added_can_be_stripped_again():
    assert decided({"action": "add-subnet"}, {"action": "strip-subnet"}).subnet is None


def test_time_and_chance_are_looked_at_last_and_only_where_all_else_fits():
    loose = {"chance": 0.5, "times": ["mon"]}
    assert decided(POOL | loose | {"types": ["MX"]}).keeps
    found = decided(POOL | loose)
    assert (found.keeps, found.within_minute) == (False, True)


def test_the_nearest_suffix_is_replaced_and_the_spelling_before_it_kept():
    old = frozenset((wire("example.com."), wire("sub.example.com.")))
    action = Rewrite(names.from_text("New.test."), old)
    asked = Question(names.from_text("WWW.Sub.Example.com."), 1)
    assert names.to_text(rewritten(asked, action).name) == "WWW.New.test."


def test_a_name_that_would_be_too_long_stays_as_it_is():
    long = names.from_text(".".join(["a" * 60] * 4) + ".x.")
    action = Rewrite(names.from_text("much.longer.example."), frozenset((wire("x."),)))
    assert rewritten(Question(long, 1), action).name == long
