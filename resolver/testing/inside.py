"""Decides how the internet of a test stands in its loop: a plan, and from the first question on a program over it.

Rules
* The plan is put in force by whoever needs it next, so that zones which are declared one after the other cost one
  change; once there is a nameserver, at once. The resolver's cache is kept.
* Nothing is bound before `listen`.
* A question goes the way of a client's octets: what a fault, a limit or an option makes of it is seen by the test, too.
  A datagram that is cut short is asked for again over TCP, as a stub resolver does.

Everything here belongs to the loop.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from resolver.app import build
from resolver.arranged import Arranged
from resolver.auth.plan import Plan
from resolver.auth.planned import ROOT_SERVER
from resolver.config import Config
from resolver.explain import Declared, Explanation, explain
from resolver.laboratory import Laboratory
from resolver.listeners import Bound, Kind, bind_all
from resolver.message import AD, TC, Client, Edns, Message, Question, Transport
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.faults import FaultTable, rule
from resolver.observe.history import History
from resolver.observe.log import Log
from resolver.observe.transcript import Root, Transcript
from resolver.program import Program
from resolver.testing.advice import in_a_test
from resolver.testing.options import Options
from resolver.testing.undeclared import Guard, Undeclared, UndeclaredName
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query

HISTORY: Final = 10_000
"""Messages that are kept of one test."""
CLIENT: Final = "127.0.0.1"
"""Who asks, where a test does."""


class Told(NamedTuple):
    """The response to a question of the test, the milliseconds until it came, and the tree of what was done for it."""

    message: Message
    ms: float
    root: Root


class Inside:
    """A program over a plan, with all that a test arranges of it."""

    def __init__(self, options: Options, config: Config) -> None:
        """The resolver is set as `config` says. Raises `ZoneError`."""
        self.config = config
        self.clock = VirtualClock(wall=options.wall)
        if options.world is None:
            self.plan = Plan(ttl=options.ttl, seed=f"seed {options.seed}")
            if options.mode == "recursive":
                self.plan.server(names.to_text(ROOT_SERVER), recursion=True)
        else:
            self.plan = Plan.read(options.world)
        self.undeclared = Undeclared(self.plan, allowed=options.undeclared == "nxdomain")
        self.transcript = Transcript()
        self.history = History(HISTORY)
        self.faults = FaultTable(options.seed)
        self.faults.begin(self.clock)
        self._entropy = SeededEntropy(options.seed)
        self._errors = io.StringIO()
        self._laboratory: Laboratory | None = None
        self._in_force = -1
        self._binds = False

    @property
    def errors(self) -> str:
        """What the program has logged of its own mistakes."""
        return self._errors.getvalue()

    async def laboratory(self) -> Laboratory:
        """The program with what can be changed of it, its plan in force. Raises `ZoneError`."""
        if self._laboratory is None:
            version = self.plan.version
            log = Log(self._errors, self.clock.wall, self.config.log.level, self.config.log.format)
            program = build(
                self.config,
                self.plan.world(),
                clock=self.clock,
                entropy=self._entropy,
                log=log,
                bind=self._bind,
                arranged=Arranged(
                    before=lambda stages: Guard(stages, self.undeclared, self.transcript),
                    transcript=self.transcript,
                    faults=self.faults,
                    history=self.history,
                ),
            )
            self._laboratory, self._in_force = Laboratory(program, self.clock, self.plan), version
        elif self.plan.version != self._in_force:
            version = self.plan.version
            await self._laboratory.apply()
            self._in_force = version
        return self._laboratory

    async def program(self) -> Program:
        """The program, its plan in force."""
        return (await self.laboratory()).program

    def taken(self) -> None:
        """The plan that is in force is this one, whoever saw to that."""
        assert self._laboratory is not None
        self._in_force = self.plan.version

    def zone_names(self) -> list[str]:
        """The zones that somebody declared."""
        return [each["name"] for each in self.plan.described()]

    async def add_fault(self, given: Mapping[str, Any]) -> int:
        """The rule that `given` says is in force: its number. Raises `InputError`, and `UndeclaredName` for a zone or a
        name that is none: it would never be applied, and a test that bears it passes."""
        made = rule(given)
        for each in (*made.zone, *made.name):
            mistake = self.undeclared.mistake(names.fold(names.from_text(each.removeprefix("*.") or ".")))
            if mistake is not None:
                raise UndeclaredName(mistake)
        await self.laboratory()
        self.faults.check(made)
        return self.faults.add(made)

    def clear_faults(self, number: int | None, server: str | None) -> int:
        """That rule, or those for that server alone, or all, are in force no more: how many. Raises `InputError`."""
        if server is None:
            return self.faults.clear(number)
        meant = [each["id"] for each in self.faults.listed() if each.get("server") == server]
        return sum(self.faults.clear(int(str(each))) for each in meant)

    def end_fault(self, number: int) -> None:
        """That rule is in force no more, if it still is."""
        if any(each["id"] == number for each in self.faults.listed()):
            self.faults.clear(number)

    async def changed(self) -> None:
        """The plan has changed; whoever asks from outside sees that now. Raises `ZoneError` where no world follows from
        it; then it is what it was."""
        self.plan.world()
        if self._binds:
            await self.laboratory()

    async def listen(self) -> Endpoint:
        """Where clients are answered over UDP and TCP. The loop must be real."""
        program = await self.program()
        if not self._binds:
            self._binds = True
            await program.start()
        return program.listening[0]

    async def ask(self, question: Question, *, tcp: bool, edns: Edns | None, cd: bool) -> Told:
        """What a client is told."""
        program = await self.program()
        began = self.clock.monotonic()
        message, root = await self._exchange(program, question, Transport.TCP if tcp else Transport.UDP, edns, cd)
        if message.flags & TC and not tcp:
            message, root = await self._exchange(program, question, Transport.TCP, edns, cd)
        return Told(message, round((self.clock.monotonic() - began) * 1000, 3), root)

    def explain(self, root: Root) -> Explanation:
        """Why a client was told what it was."""
        world = None if self._laboratory is None else self.plan.world()
        return in_a_test(explain(root, None if world is None else Declared(world, self.plan.where)))

    async def flush(self, name: bytes) -> int:
        """`name` and all below it are forgotten, and so is what failed: how many records and delegations that were."""
        return (await self.program()).flush(name, subtree=True)

    def forget_what_happened(self) -> None:
        """What was asked before does not show in transcript and history."""
        self.transcript.clear()
        self.history.clear()

    async def stop(self) -> None:
        """Nothing is under way any more, and nothing listens."""
        if self._laboratory is not None:
            await self._laboratory.program.stop(0.0)

    # -- parts

    async def _exchange(
        self, program: Program, question: Question, transport: Transport, edns: Edns | None, cd: bool
    ) -> tuple[Message, Root]:
        wire = _wants_to_know(render_query(self._entropy.bits(16), question, rd=True, edns=edns, cd=cd))
        told: asyncio.Future[tuple[bytes | None, Root]] = asyncio.get_running_loop().create_future()

        def send(response: bytes | None) -> None:
            if not told.done():
                told.set_result((response, program.responder.answerer.last))  # type: ignore[attr-defined]

        client = Client(CLIENT, 1024 + self._entropy.bits(15), transport)
        program.respond(wire, client, send)
        response, root = await told
        assert response is not None, "the resolver has dropped a question, which it does under a flood alone"
        return parse(response), root

    def _bind(self, endpoints: Iterable[Endpoint], receive_buffer: int, kind: Kind) -> list[Bound]:
        return bind_all(endpoints, receive_buffer, kind) if self._binds else []


def _wants_to_know(query: bytes) -> bytes:
    """`query` with AD: whoever asks wants to be told whether the answer is proven (RFC 6840 section 5.7)."""
    return query[:3] + bytes((query[3] | AD,)) + query[4:]
