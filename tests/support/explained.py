"""Answers of the whole program with why they are what they are: over the shipped world, or over scripted servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from resolver import hints
from resolver.app import build
from resolver.arranged import Arranged
from resolver.auth.hierarchy import World
from resolver.auth.plan import Plan
from resolver.auth.shipped import find_zones, load_world
from resolver.config import Config
from resolver.engine.delegation import Delegation, NameServer
from resolver.explain import Declared, Explanation, explain, explain_octets
from resolver.message import Class, Client, Edns, Question, Transport
from resolver.network.base import Deliver, Endpoint, Network, Reuse, Sending, Trouble
from resolver.network.entropy import SeededEntropy
from resolver.network.undelivered import Undelivered
from resolver.observe.log import Log
from resolver.observe.transcript import Root, Transcript
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from resolver.wire.render import render_query
from tests.support.internet import ROOT_SERVER, Internet
from tests.support.strict import run_strictly

WALL = 1_795_000_000
"""The wall clock of explanations, in 2026: signatures are made and judged by it."""


@cache
def shipped_world() -> World:
    """The shipped world, read once."""
    return load_world()


@cache
def shipped_plan() -> Plan:
    """The same as it is declared, which knows the lines."""
    return Plan.read(find_zones())


class Explaining:
    """A program that keeps a transcript, and its clients."""

    def __init__(
        self,
        clock: VirtualClock,
        settings: dict[str, Any],
        *,
        declared: Declared | None = None,
        seed: int = 1,
        world: World | None = None,
        log: Log | None = None,
        network: Network | None = None,
        root: Delegation | None = None,
    ) -> None:
        self.clock, self.declared = clock, declared
        self.transcript = Transcript()
        self.program = build(
            Config.model_validate(settings),
            world,
            clock=clock,
            entropy=SeededEntropy(seed),
            log=log,
            arranged=Arranged(network, root=root, transcript=self.transcript),
        )

    async def response(self, query: bytes, client: Client) -> bytes:
        """What `client` is told."""
        waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self.program.respond(query, client, waiting.set_result)
        response = await waiting
        assert response is not None
        return response

    async def why(
        self,
        name: str,
        rtype: str = "A",
        *,
        cls: int = Class.IN,
        rd: bool = True,
        cd: bool = False,
        host: str = "127.0.0.1",
    ) -> Explanation:
        """Why the question is answered as it is."""
        question = Question(names.from_text(name), types.from_text(rtype), cls)
        client = Client(host, 4242, Transport.TCP)
        query = render_query(7, question, rd=rd, cd=cd, edns=Edns())
        before = len(self.transcript.asked_for)
        response = await self.response(query, client)
        roots = [root for root in self.transcript.asked_for[before:] if root.query is not None]
        if not roots:
            return explain_octets(query, response, client, self.declared)
        mine = next(root for root in roots if root.query and root.query.question == question)
        return explain(mine, self.declared)

    def root(self) -> Root:
        """The question that was asked last."""
        return next(root for root in reversed(self.transcript.asked_for) if root.query is not None)


Main = Callable[[Any], Coroutine[Any, Any, Any]]


def shipped(main: Main, settings: dict[str, Any] | None = None, *, seed: int = 1) -> Any:
    """What `main` returns for a program over the shipped world, in virtual time."""

    async def go() -> Any:
        declared = Declared(shipped_world(), shipped_plan().where)
        made = Explaining(VirtualClock(wall=WALL), settings or {}, declared=declared, world=shipped_world(), seed=seed)
        try:
            return await main(made)
        finally:
            await made.program.stop()

    return run_strictly(go())


class Troubled:
    """A network in which some addresses are in trouble."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self.troubles: dict[str, Trouble] = {}
        self.by_tcp: dict[str, Trouble] = {}

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """See `network.base.Network`."""
        trouble = self.troubles.get(to.host) or (self.by_tcp.get(to.host) if transport is not Transport.UDP else None)
        if trouble is not None:
            return Undelivered(self._internet.clock, deliver, trouble)
        return self._internet.network.send(to, wire, transport, deliver, reuse=reuse)


class Scripted(Explaining):
    """The same over an `Internet` of scripted servers, none of which signs anything."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.internet = Internet()
        self.network = Troubled(self.internet)
        plain = {"resolver": {"roots": "internet", "use_0x20": False, "qname_minimisation": False}}
        plain["resolver"] |= settings.get("resolver", {})
        super().__init__(
            self.internet.clock,
            {"dnssec": {"validation": False}, **settings, **plain},
            network=self.network,
            root=hints.root([NameServer(names.from_text("r.hints."), (Endpoint(ROOT_SERVER, 53),))]),
            log=Log(self.internet.log, self.internet.clock.wall),
        )

    def delegate(self, *more: str) -> None:
        """The root delegates shop.test to ns1 at 10.0.0.2 and, with glue for it, ns2 at 10.0.0.3."""
        lines = [
            ". 9 IN SOA r. a. 1 2 3 4 5", ". 9 IN NS r.hints.", "r.hints. 9 IN A 10.0.0.1",
            "shop.test. 9 IN NS ns1.shop.test.", "ns1.shop.test. 9 IN A 10.0.0.2", *more,
        ]  # fmt: skip
        self.internet.zones(ROOT_SERVER, (".", "\n".join(lines)))

    def shop(self, host: str = "10.0.0.2", **options: Any) -> None:
        """shop.test is served at `host`."""
        self.internet.zones(host, ("shop.test.", SHOP), **options)


SHOP = """
shop.test. 9 IN SOA ns1.shop.test. admin.shop.test. 1 2 3 4 5
shop.test. 9 IN NS ns1.shop.test.
ns1.shop.test. 9 IN A 10.0.0.2
www.shop.test. 60 IN A 192.0.2.1
"""


def scripted(main: Main, settings: dict[str, Any] | None = None) -> Any:
    """What `main` returns for a program over servers that it scripts, in virtual time."""

    async def go() -> Any:
        made = Scripted(settings or {})
        try:
            return await main(made)
        finally:
            await made.program.stop()
            made.internet.tasks.cancel()

    return run_strictly(go())
