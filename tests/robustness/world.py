"""A hostile internet in virtual time, the real program with its defaults in front of it, and what an attack costs.

Rules
* The root is honest, and so are the victims; every other zone is its owner's weapon and is delegated by the root
  itself, so that what a question costs above it is always one message. A round trip takes `ROUND_TRIP_MS`.
* The root is signed, and the resolver has its key as trust anchor and validates, as by default. What it delegates is
  unsigned, which each referral proves (RFC 4035 section 3.1.4.1), unless the attacker wants a DS.
* What is counted is every message that leaves the resolver for one question of one client with a cold cache: UDP
  datagrams and TCP queries, and what goes on after the client has its answer. The root is primed before (RFC 9609), and
  its keys are known, as to a daemon that has started: that is no client's question.
* Each attack runs alone, when it is counted, and with questions for good names in the middle of it.
"""

from __future__ import annotations

import asyncio
import gc
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import dns.rcode

from resolver.app import build
from resolver.arranged import Arranged
from resolver.auth.authority import Authority
from resolver.auth.signed import SignedZone
from resolver.config import Config
from resolver.engine.delegation import Delegation, NameServer
from resolver.message import AA, QR, TC, Class, Client, Edns, Message, Question, RRset, Transport, Type
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.simulated import Link
from resolver.observe.log import Log
from resolver.program import Program
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import signed_zones
from tests.support.internet import ROOT_SERVER, Internet, Said, Script, leaf, root_with
from tests.support.messages import reply
from tests.support.strict import run_strictly
from tests.support.whole import extended_errors

ROUND_TRIP_MS: Final = 20.0
LINK: Final = Link(latency_ms=ROUND_TRIP_MS)

IMPATIENT_S: Final = 0.5
"""Seconds after which a client asks again: failures are remembered for longer (RFC 9520 section 3.2)."""

ATTACKER: Final = "192.0.2.200"
"""The client who asks for hostile names."""

BYSTANDER: Final = "192.0.2.201"
"""A client who asks for good ones."""

CLIENT_S: Final = 4.5
"""Seconds in which a client must have its answer: stub resolvers give up at 5."""

SETTLED_S: Final = 120.0
"""Virtual seconds after which nothing that a question began can still be going on."""

DURING_S: Final = (0.03, 0.11, 1.0)
"""When, after the attack began, good names are asked: once the root is primed, and later on."""


class Hostile(Internet):
    """An internet in which zones are handed out to whoever asks the root for one."""

    def __init__(self, *, seed: int = 1, link: Link = LINK) -> None:
        super().__init__(seed=seed, link=link)
        self._root_lines: list[str] = []
        self._hosts = 0
        self.root: SignedZone | None = None
        self.silent(*(f"10.9.{number}.{host}" for number in range(4) for host in range(1, 65)))
        self.zone("good.", ["*.good. 300 IN A 192.0.2.80"])

    def host(self) -> str:
        """An address that nobody has yet."""
        self._hosts += 1
        return f"10.1.{self._hosts // 250}.{1 + self._hosts % 250}"

    def delegate(self, zone: str, *hosts: str) -> None:
        """The root says that `zone` is served at `hosts`, each with a name in it and glue."""
        for number, host in enumerate(hosts, 1):
            self._root_lines += [f"{zone} 3600 IN NS ns{number}.{zone}", f"ns{number}.{zone} 3600 IN A {host}"]

    def delegate_by(self, *lines: str) -> None:
        """The root says `lines`."""
        self._root_lines += lines

    def zone(self, origin: str, lines: Sequence[str] = (), *, servers: int = 2) -> None:
        """An honest zone with those records."""
        hosts = [self.host() for _ in range(servers)]
        for host in hosts:
            self.zones(host, leaf(origin, hosts[0], *lines))
        self.delegate(origin, *hosts)

    def weapon(self, zone: str, script: Script, *, servers: int = 2, link: Link = LINK) -> list[str]:
        """`zone` is answered by `script`; returns where."""
        hosts = [self.host() for _ in range(servers)]
        for host in hosts:
            self.script(host, script, link=link)
        self.delegate(zone, *hosts)
        return hosts

    def silent(self, *hosts: str) -> None:
        """`hosts` exist and never say a word."""
        for host in hosts:
            self.serve(host, lambda wire, client, send: send(None))

    def opened(self) -> Hostile:
        """The root is signed, and answers."""
        self.root = signed_zones.zone(*root_with(*self._root_lines))
        self.serve(ROOT_SERVER, self._responder(Authority((self.root,), self.clock.wall)))
        return self

    @property
    def anchor(self) -> str:
        """The trust anchor of the root, which answers already."""
        assert self.root is not None
        ds = self.root.signer.ds
        return f". IN DS {int.from_bytes(ds[:2], 'big')} {ds[2]} {ds[3]} {ds[4:].hex()}"


@dataclass(frozen=True, slots=True)
class Attack:
    """One question that hurts, what it may cost, and who answers it.

    `kind` is a line of the table, of which this is one variant, told in `variant`. `bound` is what the best peer sends
    (Unbound, BIND, PowerDNS Recursor and Knot Resolver, with a cold cache), or `ours` where nobody has measured them.
    `servers`: the name servers of the hostile zone, in words.
    """

    kind: str
    variant: str
    bound: int
    build: Callable[[Hostile], Any]
    question: str
    servers: str = "2"
    rtype: str = "A"
    rcodes: tuple[str, ...] = ("SERVFAIL",)
    ours: bool = False

    @property
    def id(self) -> str:
        """Its name on the command line and in the list of tests."""
        return "-".join(f"{self.kind} {self.variant}".lower().replace(",", "").replace(":", "").split())


@dataclass(slots=True)
class Seen:
    """What came of an attack. Times in virtual seconds since the question was asked."""

    rcode: str = ""
    errors: list[tuple[int, str]] = field(default_factory=list)
    answered: float = 0.0
    packets: list[str] = field(default_factory=list)
    """`seconds address transport name type -> what came of it`, a line for each."""

    @property
    def count(self) -> int:
        """Messages that left the resolver."""
        return len(self.packets)

    @property
    def ede(self) -> str:
        """The extended errors in short: their codes and tags."""
        return ", ".join(f"{code}{' ' + text[text.rindex('[') :] if '[' in text else ''}" for code, text in self.errors)


class Front:
    """The program with its defaults, before a hostile internet."""

    def __init__(self, internet: Hostile, settings: dict[str, Any] | None = None) -> None:
        self.internet = internet
        root = Delegation(names.ROOT, (NameServer(names.from_text("a.root."), (Endpoint(ROOT_SERVER, 53),)),), 0, True)
        self.program: Program = build(
            Config.model_validate(
                {"resolver": {"roots": "internet"}, "dnssec": {"trust_anchors": [internet.anchor]}, **(settings or {})}
            ),
            clock=internet.clock,
            entropy=SeededEntropy(7),
            log=Log(io.StringIO(), internet.clock.wall),
            arranged=Arranged(internet.network, root=root),
        )

    def send(self, name: str, rtype: str = "A", host: str = ATTACKER) -> asyncio.Future[bytes | None]:
        """A query is on its way; the future has its response, or None when there is to be none."""
        question = Question(names.from_text(name), types.from_text(rtype))
        waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        client = Client(host, 4242, Transport.UDP)
        self.program.respond(render_query(7, question, rd=True, edns=Edns()), client, waiting.set_result)
        return waiting

    async def prime(self) -> None:
        """The root is known, as to a daemon that has started; what that took is not counted."""
        await self.ask(".", "NS")
        self.internet.network.history.clear()

    async def try_ask(self, name: str, rtype: str = "A", host: str = ATTACKER) -> tuple[Message, float] | None:
        """The response to a client, and the seconds that it took; None when its query was dropped."""
        began = self.internet.clock.monotonic()
        response = await self.send(name, rtype, host)
        return None if response is None else (parse(response), self.internet.clock.monotonic() - began)

    async def ask(self, name: str, rtype: str = "A", host: str = ATTACKER) -> tuple[Message, float]:
        """The response to a client, and the seconds that it took. Fails when there is none."""
        response = await self.try_ask(name, rtype, host)
        assert response is not None, "a client's query was dropped"
        return response


def in_front_of(
    prepare: Callable[[Hostile], Any],
    main: Callable[[Front], Any],
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """What `main` returns for a resolver in a hostile internet that `prepare` has prepared, whose root it knows."""

    async def go() -> Any:
        internet = Hostile(**options)
        prepare(internet)
        front = Front(internet.opened(), settings)
        try:
            await front.prime()
            return await main(front)
        finally:
            await front.program.stop()
            internet.tasks.cancel()

    return run_strictly(go())


def cost(attack: Attack) -> Seen:
    """What one question of `attack` costs, and what its client is told."""

    async def main(front: Front) -> Seen:
        began = front.internet.clock.monotonic()
        message, seconds = await front.ask(attack.question, attack.rtype)
        await front.internet.clock.advance(SETTLED_S)
        seen = Seen(dns.rcode.to_text(dns.rcode.Rcode(message.rcode)), extended_errors(message), seconds)
        seen.packets = [_line(each, began) for each in front.internet.network.history]
        return seen

    seen: Seen = in_front_of(attack.build, main)
    return seen


def twice(attack: Attack) -> int:
    """What `attack` costs whose client asks again `IMPATIENT_S` after its answer."""

    async def main(front: Front) -> int:
        await front.ask(attack.question, attack.rtype)
        await front.internet.clock.advance(IMPATIENT_S)
        await front.ask(attack.question, attack.rtype)
        await front.internet.clock.advance(SETTLED_S)
        return len(front.internet.network.history)

    count: int = in_front_of(attack.build, main)
    return count


def beside(attack: Attack) -> float:
    """Seconds of the slowest good name that is asked in the middle of `attack`. Fails when one is not found."""

    async def main(front: Front) -> float:
        async def good(after: float) -> float:
            await front.internet.clock.advance(after)
            message, seconds = await front.ask(f"at-{after}.good.".replace(".", "-", 1), host=BYSTANDER)
            assert message.rcode == 0, message
            assert message.answer, message
            return seconds

        _, *seconds = await asyncio.gather(front.ask(attack.question, attack.rtype), *map(good, DURING_S))
        await front.internet.clock.advance(SETTLED_S)
        return max(seconds)

    slowest: float = in_front_of(attack.build, main)
    return slowest


def litter(attack: Attack) -> Counter[str]:
    """What `attack` leaves behind that only the garbage collector can free, by type, exceptions and frames alone.

    A failure that is part of a cycle keeps every frame that it passed. Under a flood of failing questions a collection
    then takes long enough to be seen by clients of other names.
    """

    async def main(front: Front) -> Counter[str]:
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        await front.ask(attack.question, attack.rtype)
        await front.internet.clock.advance(SETTLED_S)
        gc.collect()
        return Counter(type(each).__name__ for each in gc.garbage if isinstance(each, BaseException | FrameType))

    was_on = gc.isenabled()
    gc.disable()
    try:
        found: Counter[str] = in_front_of(attack.build, main)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        if was_on:
            gc.enable()
    return found


def _line(sent: Any, began: float) -> str:
    asked = parse(sent.wire).question
    assert asked is not None
    said = sent.response
    if isinstance(said, bytes):
        said = f"{len(said)} octets"
    name = names.to_text(names.fold(asked.name))
    shown = name if len(name) <= 60 else f"{name[:28]}...{name[-28:]}"
    return f"{sent.time - began:7.3f} {sent.to.host} {sent.transport} {shown} {types.to_text(asked.type)} -> {said}"


# -- what hostile servers say


def referral(query: Message, zone: str, hosts: Sequence[str], glue: Sequence[tuple[str, str]] = ()) -> Message:
    """`zone` is served by the names `hosts`; `glue` gives addresses to names."""
    owner = names.from_text(zone)
    ns = RRset(owner, Type.NS, Class.IN, 3600, tuple(names.from_text(host) for host in hosts))
    sets: dict[str, list[bytes]] = {}
    for host, address in glue:
        sets.setdefault(host, []).append(bytes(int(each) for each in address.split(".")))
    additional = tuple(
        RRset(names.from_text(host), Type.A, Class.IN, 3600, tuple(found)) for host, found in sets.items()
    )
    return Message(0, QR, 0, query.question, (), (ns,), additional)


def asked(query: Message) -> str:
    """The name that is asked for, in lower case."""
    assert query.question is not None
    return names.to_text(names.fold(query.question.name))


def alias(query: Message, target: str) -> Message:
    """The name that is asked for is an alias."""
    assert query.question is not None
    cname = RRset(query.question.name, Type.CNAME, Class.IN, 3600, (names.from_text(target),))
    return Message(0, QR | AA, 0, query.question, (cname,))


def nothing(query: Message, zone: str, *, rcode: int = 0) -> Message:
    """NODATA, or another denial, with a SOA."""
    return reply(query.question, (), f"{zone} 300 IN SOA ns1.{zone} admin.{zone} 1 2 3 4 300", rcode=rcode)


def only_by_stream(script: Script) -> Script:
    """`script` over TCP, and TC over UDP."""

    def cut(query: Message, transport: Transport) -> Said:
        if transport is Transport.UDP:
            return Message(0, QR | AA | TC, 0, query.question)
        return script(query, transport)

    return cut
