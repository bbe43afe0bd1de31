"""How often a query is decided on, for what is at hand and for what takes work."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.answering import Told
from resolver.message import Query, Reply
from resolver.observe.counters import Counters
from resolver.pipeline.routed import Routed
from resolver.routing.rules import Decision
from resolver.routing.table import Table
from tests.support.rules import NOON, query, rules

SIMPLE: tuple[dict[str, Any], ...] = ({"action": "pool", "pool": "office", "suffixes": ["test"]},)
CHANGED = ({"action": "rewrite", "to_name": "other.test", "names": ["a.test"]}, *SIMPLE)
ALIASED = ({"action": "answer", "names": ["a.test"], "records": ["CNAME elsewhere.example."]},)


class Branch:
    """A stage with nothing at hand, that has a reply to everything once it works."""

    def __init__(self, name: str, worked: list[str]) -> None:
        self._name, self._worked = name, worked

    def answer(self, query: Query, done: Told) -> None:
        raise AssertionError("it is asked for what is at hand, and to work")

    def peek(self, query: Query) -> Reply | None:
        return None

    def work(self, query: Query, done: Told) -> None:
        self._worked.append(self._name)
        done(Reply(0))


class Counted(Table):
    """Rules that count how often they are asked."""

    asked = 0

    def decide(self, query: Query) -> Decision:
        self.asked += 1
        return super().decide(query)


class Made:
    """The stage by these rules, and who worked."""

    def __init__(self, *settings: dict[str, Any]) -> None:
        self.worked: list[str] = []
        self.table = Counted(rules(*settings), lambda: NOON)
        office, usual = Branch("office", self.worked), Branch("usual", self.worked)
        self.routed = Routed(self.table, usual, {"office": office}, Counters(), lambda: NOON)


@pytest.mark.parametrize(
    ("settings", "way"), [((), "usual"), (SIMPLE, "office"), (CHANGED, "office"), (ALIASED, "usual")]
)
def test_what_is_worked_on_is_decided_once(settings: tuple[dict[str, Any], ...], way: str):
    made, told = Made(*settings), []
    made.routed.answer(query("a.test."), told.append)
    assert (made.table.asked, made.worked, len(told)) == (1, [way], 1)


def test_queries_that_come_between_have_their_own_ways():
    made, told = Made(*SIMPLE), []
    one, other, third = query("a.test."), query("b.example."), query("c.test.")
    for each in (one, other, third):
        assert made.routed.peek(each) is None
    for each in (one, other, third):
        made.routed.work(each, told.append)
    assert (made.worked, len(told)) == (["office", "usual", "office"], 3)
    assert made.table.asked == 3 + 2


def test_an_equal_query_of_another_client_is_decided_for_itself():
    made, told = Made({**SIMPLE[0], "clients": ["192.0.2.1"]}), []
    assert made.routed.peek(query("a.test.")) is None
    made.routed.work(query("a.test.", client="192.0.2.2"), told.append)
    assert made.worked == ["usual"]
