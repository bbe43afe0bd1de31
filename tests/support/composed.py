"""The real program over an `Internet`, in virtual time: queries go in and come out as octets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from resolver import hints
from resolver.app import build
from resolver.arranged import Arranged
from resolver.config import Config
from resolver.engine.delegation import NameServer
from resolver.message import Client, Edns, Message, Question, Transport
from resolver.network.base import Endpoint
from resolver.observe.log import Log
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import zone_text
from tests.support.internet import ROOT_SERVER, Internet
from tests.support.strict import run_strictly

EDNS = Edns()


class Composed:
    """A program whose network is `internet`, with the root at `ROOT_SERVER`. Nothing in it is signed."""

    def __init__(self, internet: Internet, settings: dict[str, Any]) -> None:
        self.internet, self.clock, self.network = internet, internet.clock, internet.network
        self.program = build(
            Config.model_validate({"resolver": {"roots": "internet"}, "dnssec": {"validation": False}, **settings}),
            clock=internet.clock,
            entropy=internet.entropy,
            log=Log(internet.log, internet.clock.wall),
            arranged=Arranged(
                internet.network,
                root=hints.root([NameServer(names.from_text("r.hints."), (Endpoint(ROOT_SERVER, 53),))]),
            ),
        )
        self.took = 0.0

    async def ask(
        self, name: str, rtype: str = "A", *, rd: bool = True, edns: Edns | None = EDNS, host: str = "127.0.0.1"
    ) -> Message:
        """The response to a query over UDP."""
        question = Question(names.from_text(name), types.from_text(rtype))
        waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        began = self.clock.monotonic()
        query = render_query(7, question, rd=rd, edns=edns)
        self.program.respond(query, Client(host, 4242, Transport.UDP), waiting.set_result)
        response = await waiting
        self.took = self.clock.monotonic() - began
        assert response is not None
        return parse(response)

    async def lines(self, name: str, rtype: str = "A") -> list[str]:
        """The answer section of the response."""
        return zone_text.lines((await self.ask(name, rtype)).answer)

    def count(self, name: str) -> Any:
        """What `resolver stats` says under `name`."""
        return self.program.stats()[name]


def composed(main: Callable[[Composed], Coroutine[Any, Any, Any]], settings: dict[str, Any] | None = None) -> Any:
    """What `main` returns for a program over an internet that is still empty."""

    async def go() -> Any:
        made = Composed(Internet(), settings or {})
        try:
            return await main(made)
        finally:
            await made.program.stop()
            made.internet.tasks.cancel()

    return run_strictly(go())
