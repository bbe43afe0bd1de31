from __future__ import annotations

import pytest

from resolver.cache.answers import AnswerStore
from resolver.message import Client, Transport
from resolver.server import kinds
from resolver.server.kinds import Kinds
from tests.support.clocks import ManualClock


def client(host: str) -> Client:
    return Client(host, 1, Transport.UDP)


def test_each_kind_of_clients_has_a_view_of_its_own_until_all_is_forgotten():
    answers = AnswerStore(1 << 20, ManualClock())
    made = Kinds(answers, lambda each: each.host[0])
    one, two = made.of(client("a1")), made.of(client("b1"))
    assert one is made.of(client("a2"))
    assert one is not two
    answers.clear()
    assert made.of(client("a1")) not in (one, two)


def test_what_more_kinds_than_may_be_are_told_is_not_stored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kinds, "MAX_KINDS", 2)
    made = Kinds(AnswerStore(1 << 20, ManualClock()), lambda each: each.host)
    assert [made.of(client(host)) is None for host in "abca"] == [False, False, True, False]
