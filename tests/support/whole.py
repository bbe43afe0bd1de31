"""The whole program in virtual time, with its own simulated world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from resolver.app import build
from resolver.arranged import Arranged
from resolver.auth.hierarchy import World
from resolver.config import Config
from resolver.message import Client, Edns, Message, Question, Transport
from resolver.network.entropy import SeededEntropy
from resolver.observe.transcript import Node, Transcript
from resolver.program import Program
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support.strict import run_strictly

EDNS = Edns()


class Whole:
    """A program that does not listen: queries reach it as octets, like those of its listeners."""

    def __init__(self, settings: dict[str, Any], world: World | None, seed: int, transcribed: bool) -> None:
        self.clock = VirtualClock()
        self.transcript = Transcript()
        self.program: Program = build(
            Config.model_validate(settings),
            world,
            clock=self.clock,
            entropy=SeededEntropy(seed),
            arranged=Arranged(transcript=self.transcript if transcribed else None),
        )
        self.took = 0.0

    async def octets(
        self,
        name: str,
        rtype: str = "A",
        *,
        tcp: bool = False,
        rd: bool = True,
        edns: Edns | None = EDNS,
        id: int = 7,
    ) -> bytes:
        """The response to a query, as octets."""
        question = Question(names.from_text(name), types.from_text(rtype))
        client = Client("127.0.0.1", 4242, Transport.TCP if tcp else Transport.UDP)
        waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        began = self.clock.monotonic()
        self.program.respond(render_query(id, question, rd=rd, edns=edns), client, waiting.set_result)
        response = await waiting
        self.took = self.clock.monotonic() - began
        assert response is not None
        return response

    async def swap(self, world: World) -> None:
        """The simulated servers serve `world` from now on, and the resolver knows what it knew."""
        await self.program.change(world)

    async def ask(self, name: str, rtype: str = "A", **options: Any) -> Message:
        """The response to a query."""
        return parse(await self.octets(name, rtype, **options))


def whole(
    main: Callable[[Whole], Coroutine[Any, Any, Any]],
    settings: dict[str, Any] | None = None,
    *,
    world: World | None = None,
    seed: int = 1,
    transcribed: bool = False,
) -> Any:
    """What `main` returns for a program with `settings`, in virtual time; `transcribed` keeps its transcript, without
    which answers are stored as octets."""

    async def go() -> Any:
        made = Whole(settings or {}, world, seed, transcribed)
        try:
            return await main(made)
        finally:
            await made.program.stop()

    return run_strictly(go())


def extended_errors(message: Message) -> list[tuple[int, str]]:
    """Code and text of each extended error."""
    options = () if message.edns is None else message.edns.options
    return [(int.from_bytes(data[:2], "big"), data[2:].decode()) for code, data in options if code == 15]


def outline(nodes: list[Node], depth: int = 0) -> list[str]:
    """A transcript as lines: indentation, server, question."""
    found = []
    for node in nodes:
        found.append(f"{'  ' * depth}{node.server or '?'} {node.asked}")
        found += outline(node.below, depth + 1)
    return found
