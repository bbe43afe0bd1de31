"""The whole program in front of a random internet, in virtual time, and what each question cost it."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import dns.message

from resolver import hints
from resolver.app import build
from resolver.arranged import Arranged
from resolver.auth.authority import Authority
from resolver.auth.zone import Zone
from resolver.config import Config
from resolver.engine.delegation import NameServer
from resolver.message import Client, Edns, Message, Question, Transport
from resolver.network.base import Endpoint
from resolver.network.simulated import Link
from resolver.observe.log import Log
from resolver.program import Program
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import zone_text
from tests.support.hierarchies import LONG, Plan
from tests.support.internet import Internet
from tests.support.strict import run_strictly

ROOTS = {"resolver": {"roots": "internet"}, "dnssec": {"validation": False}}
"""No world of the program's own: the root is handed in."""
EDNS = Edns()
WORK_S = 8.0
CLIENT_S = 4.5
MAX_SENDS = 100


@dataclass
class Told:
    """What came of one question: the reply, when it was asked, how long it took, what it cost until it was quiet."""

    question: str
    message: Message
    wire: bytes
    began: float
    took: float
    sends: int = 0

    @property
    def codes(self) -> set[int]:
        """The codes of its extended errors."""
        options = self.message.edns.options if self.message.edns else ()
        return {int.from_bytes(data[:2], "big") for code, data in options if code == 15}

    def records(self) -> tuple[int, frozenset[tuple[bytes, int, bytes]]]:
        """Rcode and answer section, without TTLs and letter case: an answer may have the spelling of an earlier one."""
        found = {
            (names.fold(each.name), each.type, data.lower()) for each in self.message.answer for data in each.rdatas
        }
        return self.message.rcode, frozenset(found)

    def __str__(self) -> str:
        answers = [f"{names.to_text(each.name)} {each.ttl} {types.to_text(each.type)}" for each in self.message.answer]
        took = f"{self.took:.2f} s, {self.sends} sends"
        return f"{self.question}: rcode {self.message.rcode} {answers} EDE {sorted(self.codes)} in {took}"


@dataclass
class Stage:
    """An internet that serves `plan`, and the program that resolves over it."""

    plan: Plan
    internet: Internet
    program: Program
    log: io.StringIO
    tells: list[Told] = field(default_factory=list)

    async def octets(self, name: str, rtype: str, *, tcp: bool = False, edns: Edns | None = EDNS, id: int = 7) -> bytes:
        """The response that one client gets."""
        client = Client("192.0.2.200", 4242, Transport.TCP if tcp else Transport.UDP)
        waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        question = Question(names.from_text(name), types.from_text(rtype))
        self.program.respond(render_query(id, question, rd=True, edns=edns), client, waiting.set_result)
        response = await waiting
        assert response is not None, f"{name} {rtype} got no response"
        return response

    async def ask(self, name: str, rtype: str, *, quiet: bool = True, **options: Any) -> Told:
        """What one question comes to; with `quiet`, once all that it set off has ended."""
        clock, history = self.internet.clock, self.internet.network.history
        sent, began = len(history), clock.monotonic()
        response = await self.octets(name, rtype, **options)
        told = Told(f"{name} {rtype}", parse(response), response, began, clock.monotonic() - began)
        self.tells.append(told)
        if quiet:
            await self.settle()
            told.sends = len(history) - sent
        return told

    async def settle(self) -> None:
        """Nothing is in progress, or the longest that anything may take has passed."""
        clock = self.internet.clock
        until = clock.monotonic() + WORK_S + 1
        while self.program.stats()["tasks.running"] and clock.monotonic() < until:
            await clock.advance(0.25)

    def outside(self, insiders: set[str]) -> Callable[[bytes], bool]:
        """Whether a name belongs to none of the zones `insiders`."""
        return lambda name: self.plan.enclosing(names.to_text(name)) not in insiders

    def __str__(self) -> str:
        sent = [
            f"{each.time:.3f} {each.to} {each.transport} {_asked(each.wire)} -> {_said(each.response)}"
            for each in self.internet.network.history
        ]
        whole = "\n".join((str(self.plan), *sent, *map(str, self.tells), self.log.getvalue()))
        return whole.replace(LONG, '"..."')


@lru_cache(maxsize=256)
def _zone(origin: str, text: str) -> Zone:
    """The zone of a text. It never changes, and many stages have it."""
    return zone_text.zone(origin, text)


def _asked(wire: bytes) -> str:
    question = parse(wire).question
    return f"{names.to_text(question.name)} {types.to_text(question.type)}" if question else "?"


def _said(response: object) -> str:
    if not isinstance(response, bytes):
        return str(response)
    try:
        return str(dns.message.from_wire(response)).replace("\n", " | ")
    except Exception:
        return response.hex()


def on_stage(
    plan: Plan,
    main: Callable[[Stage], Coroutine[Any, Any, Any]],
    *,
    seed: int = 1,
    settings: dict[str, Any] | None = None,
    link: Link | None = None,
    explain: Callable[[str], None] | None = None,
) -> Any:
    """What `main` returns; every exception that only the loop saw fails. `explain` is told all when it fails."""

    async def go() -> Any:
        internet = Internet(seed=seed, link=link)
        for address in plan.addresses.values():
            internet.serve(address, internet._responder(Authority(itertools.starmap(_zone, plan.texts(address)))))
        log = io.StringIO()
        config = Config.model_validate({**ROOTS, **(settings or {})})
        program = build(
            config,
            clock=internet.clock,
            entropy=internet.entropy,
            log=Log(log, internet.clock.wall, config.log.level, config.log.format),
            arranged=Arranged(
                internet.network,
                root=hints.root(
                    NameServer(names.from_text(name), (Endpoint(at, 53),)) for name, at in plan.roots().items()
                ),
            ),
        )
        stage = Stage(plan, internet, program, log)
        try:
            result = await main(stage)
            assert "internal_error" not in log.getvalue(), log.getvalue()
        except BaseException:
            if explain is not None:
                explain(str(stage))
            raise
        finally:
            await program.stop()
            internet.tasks.cancel()
        return result

    return run_strictly(go())
