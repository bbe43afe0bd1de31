"""Histories for tests: what a few servers and a resolver have seen."""

from __future__ import annotations

from typing import Any

from resolver.message import Edns, Message, Question, Transport
from resolver.observe.history import CLIENT, SERVER, History, Seen
from resolver.wire import names, types
from resolver.wire.render import render, render_query
from tests.support import messages

BEGAN = 1_700_000_000.0
"""Seconds since 1970."""


class Kept:
    """A history that is filled by hand, a message each second."""

    def __init__(self, limit: int = 1_000) -> None:
        self.history = History(limit)
        self.now = BEGAN

    def asked(
        self,
        name: str,
        rtype: str = "A",
        *,
        server: str = "",
        address: str = "",
        client: str = "127.0.0.1",
        transport: Transport = Transport.UDP,
        edns: Edns | None = None,
    ) -> Seen:
        """A query for `name`, of which nothing has come yet."""
        question = Question(names.from_text(name), types.from_text(rtype))
        side = SERVER if server else CLIENT
        query = render_query(7, question, rd=not server, edns=edns)
        seen = self.history.asked(self.now, side, server, address, client, transport, query)
        self.now += 1
        return seen

    def answered(self, name: str, rtype: str = "A", *lines: str, rcode: int = 0, **options: Any) -> Seen:
        """A query for `name`, and its answer after 1.5 ms."""
        seen = self.asked(name, rtype, **options)
        assert seen.question is not None
        response = messages.reply(seen.question, lines, rcode=rcode, id=7)
        self.history.replied(seen, render(response), 1.5)
        return seen


def response(seen: Seen, **options: Any) -> bytes:
    """A response to `seen`."""
    assert seen.question is not None
    made: Message = messages.reply(seen.question, **options)
    return render(made)
