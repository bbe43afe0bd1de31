"""What the supervisor and a worker say to each other."""

from __future__ import annotations

import pytest

from resolver.config import load
from resolver.network.base import Endpoint
from resolver.workers import messages
from resolver.workers.messages import End, Question, Settings


def test_orders_arrive_as_they_were_given() -> None:
    overrides = {
        "resolver.forward_zones": {"example.com": ["192.0.2.1:53"]},
        "server.allow": ["192.0.2.0/24"],
        "server.listen": ["0.0.0.0:53"],
        "server.cookie_secret": "ab" * 16,
    }
    config = load(None, {}, overrides).config
    opened = ((Endpoint("127.0.0.1", 0), Endpoint("127.0.0.1", 5300), False),)
    for order in (Question(7, "GET", "/stats", b""), Settings(8, config, opened), End(now=True)):
        assert messages.ordered(messages.written(order)) == order


@pytest.mark.parametrize("frame", [b"", b"\xff", b"[]", b"{}", b'{"kind": 3}', b'"ready"', b"[" * 100_000])
def test_what_a_worker_must_not_say_says_nothing(frame: bytes) -> None:
    assert messages.heard(frame) == {"kind": ""}


def test_what_a_worker_says_is_heard() -> None:
    said = messages.said("answer", number=3, status=200, value={"a": [1]})
    assert messages.heard(said) == {"kind": "answer", "number": 3, "status": 200, "value": {"a": [1]}}
