"""An internet of scripted servers in virtual time, and a resolver in front of it, composed as `app.py` does."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from resolver import hints
from resolver.answering import awaited
from resolver.auth.authority import Authority
from resolver.balance.policies import FirstAvailable
from resolver.balance.pool import Member, Pool
from resolver.cache.answers import AnswerStore
from resolver.cache.cookies import Cookies
from resolver.cache.records import Records, TtlLimits
from resolver.cache.servers import Servers
from resolver.config.upstreams import upstream
from resolver.engine.actions import Steps
from resolver.engine.budget import Budget, Limits
from resolver.engine.delegation import Delegation, NameServer, Trim
from resolver.engine.knowledge import Route
from resolver.engine.outcome import Conclusion
from resolver.errors import ResolutionFailed
from resolver.forwarding import route
from resolver.message import Client, Edns, Message, Query, Question, Reply, Respond, Transport
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.simulated import Link, SimulatedNetwork
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.observe.transcript import Transcript
from resolver.pipeline.cached import Cached
from resolver.pipeline.driving import Tools
from resolver.pipeline.forwarded import Forwarded, Hedging
from resolver.pipeline.knowledge import Known
from resolver.pipeline.overheard import Overheard
from resolver.pipeline.resolved import Resolved
from resolver.pipeline.routes import Routes
from resolver.pipeline.snooped import Snooped
from resolver.pipeline.staged import Staged
from resolver.pipeline.verifying import Inline, Verifier
from resolver.server.conduct import Conduct
from resolver.server.respond import Responder
from resolver.tasks import Tasks
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support import zone_text
from tests.support.messages import reply as make_reply

ROOT_SERVER = "10.0.0.1"

Said = Message | bytes | None
Script = Callable[[Message, Transport], Said]
"""What a scripted server says to a query: a message, octets as they are, or nothing."""


class Internet:
    """Servers by address, and what was sent to them. The root is at `ROOT_SERVER` unless a test says otherwise."""

    def __init__(self, *, seed: int = 1, link: Link | None = None) -> None:
        self.clock = VirtualClock()
        self.entropy = SeededEntropy(seed)
        self.network = SimulatedNetwork({}, self.clock, self.entropy, link=link, history=100_000)
        self.tasks = Tasks()
        self.counters = Counters()
        self.log = io.StringIO()

    def zones(self, host: str, *zones: tuple[str, str], link: Link | None = None) -> None:
        """An authority at `host` serves `zones`: (origin, lines)."""
        authority = Authority(zone_text.zone(origin, text) for origin, text in zones)
        self.serve(host, self._responder(authority), link)

    def script(self, host: str, script: Script, *, link: Link | None = None) -> None:
        """`script` answers at `host`."""

        def respond(wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
            said = script(parse(wire), client.transport)
            if isinstance(said, Message):
                said = render(said._replace(id=int.from_bytes(wire[:2], "big")))
            send(said)

        self.serve(host, respond, link)

    def serve(self, host: str, respond: Respond, link: Link | None = None) -> None:
        """`respond` answers at `host`."""
        self.network.declare(host, respond, link)

    def sent(self, host: str | None = None) -> list[tuple[str, str, str]]:
        """What was sent, or was sent to `host`: (name in lower case, type, transport)."""
        found = []
        for each in self.network.history:
            if host in (None, each.to.host):
                question = parse(each.wire).question
                assert question is not None
                asked = names.to_text(names.fold(question.name))
                found.append((asked, types.to_text(question.type), str(each.transport)))
        return found

    def asked(self, host: str | None = None) -> list[str]:
        """The names and types that were sent, or were sent to `host`."""
        return [f"{name} {rtype}" for name, rtype, _ in self.sent(host)]

    def _responder(self, answerer: Authority) -> Responder:
        log = Log(self.log, self.clock.wall)
        return Responder(answerer, clock=self.clock, counters=Counters(), log=log)


Proving = Callable[[Question, Conclusion, Message, bytes, Budget], Steps[Conclusion]]
"""Stands in for the chain of trust: proves what was concluded from the message of a server of a zone."""


class _Proving:
    """Knowledge that proves by a stand-in; in all else it is `known`. What is compiled has no subclasses here."""

    validates = True

    def __init__(self, proving: Proving, known: Known) -> None:
        known.validates = True
        known._below_denied = lambda name, recall: None
        self._known, self.prove = known, proving

    def __getattr__(self, name: str) -> Any:
        return getattr(self._known, name)


class Resolver:
    """A resolver over an `Internet`, and its clients."""

    def __init__(
        self,
        internet: Internet,
        *,
        roots: tuple[str, ...] = (ROOT_SERVER,),
        stubs: dict[str, tuple[str, ...]] | None = None,
        forwards: dict[str, tuple[str, ...]] | None = None,
        first: tuple[str, ...] = (),
        hedge: int = 0,
        limits: Limits | None = None,
        use_0x20: bool = False,
        minimises: bool = False,
        ttls: TtlLimits | None = None,
        answers: bool = False,
        failure_ttl_s: float = 5.0,
        transcript: Transcript | None = None,
        primed: bool = True,
        work_s: float = 8.0,
        max_per_zone: int = 200,
        cookies: bool = False,
        proving: Proving | None = None,
        verifier: Verifier | None = None,
        snoops: Callable[[str], bool] | None = None,
    ) -> None:
        """`snoops` says which clients may look into the cache."""
        clock = internet.clock
        self.internet = internet
        self.counters = internet.counters
        self.transcript = transcript
        self.records = Records(1 << 20, clock, ttls)
        self.servers = Servers(clock, internet.entropy)
        self.pools: dict[str, Pool] = {}
        named = (
            NameServer(names.from_text(f"r{number}.hints."), (Endpoint(host, 53),)) for number, host in enumerate(roots)
        )
        routes = Routes(
            hints.root(named),
            stubs=_configured(stubs),
            forwards={
                names.from_text(zone): self.forward(zone, hosts, hedge) for zone, hosts in (forwards or {}).items()
            },
            first=frozenset(map(names.from_text, first)),
        )
        trim = Trim(shuffle=internet.entropy.shuffle)
        borders = frozenset((*routes.stubs, *routes.forwards))
        known = Known(
            self.records,
            self.servers,
            routes,
            clock,
            port=53,
            minimises=minimises,
            transcript=transcript,
            trim=trim,
            heard=None if snoops is None else Overheard(clock, borders, trim, (ttls or TtlLimits()).maximum),
        )
        self.known: Any = known if proving is None else _Proving(proving, known)
        if primed:
            self.known.wants_priming()
        self.cookies = Cookies(clock, internet.entropy) if cookies else None
        tools = Tools(
            internet.network,
            clock,
            internet.entropy,
            internet.counters,
            transcript,
            cookies=self.cookies,
            verifier=verifier or Inline(),
        )
        self.resolved = Resolved(
            self.known,
            tools,
            owner=internet.tasks,
            limits=limits or Limits(),
            work_s=work_s,
            max_per_zone=max_per_zone,
            use_0x20=use_0x20,
            failure_ttl_s=failure_ttl_s,
        )
        snooped = None if snoops is None else Snooped(known, snoops, 11)
        cached = Cached(self.known, internet.counters, failed=self.resolved.remembered, snoops=snooped)
        self.cached = Staged((cached.peek,), self.resolved)
        self.answers = AnswerStore(1 << 20, clock) if answers else None
        self.responder = Responder(
            self.cached,
            clock=clock,
            counters=internet.counters,
            log=Log(internet.log, clock.wall),
            conduct=Conduct(),
            answers=self.answers,
        )

    def forward(self, zone: str, hosts: tuple[str, ...], hedge: int) -> Route:
        """All below `zone` is asked of a pool, of which the first that works is asked; each of `hosts` is an address
        or a URL."""
        clock, counters = self.internet.clock, self.internet.counters
        members = [Member(host, upstream(host)) for host in hosts]
        pool = self.pools[zone] = Pool(zone, members, FirstAvailable(self.internet.entropy), clock)
        whom = Forwarded(
            pool,
            clock,
            counters,
            Hedging(hedge),
            retry_s=0.8,
            patience_s=4.0,
            by_client=False,
        )
        return route(names.from_text(zone), whom)

    async def ask(
        self,
        name: str,
        rtype: str = "A",
        *,
        seconds: float = 4.5,
        do: bool = False,
        ad: bool = False,
        cd: bool = False,
        rd: bool = True,
        host: str = "192.0.2.1",
    ) -> Reply:
        """The reply to a client's question. Raises ResolutionFailed."""
        question = zone_text.question(name, rtype)
        deadline = self.internet.clock.monotonic() + seconds
        client = Client(host, 0, Transport.UDP)
        return await awaited(self.cached, Query(question, client, 0, deadline, rd=rd, cd=cd, ad=ad, edns=Edns(do=do)))

    async def lines(self, name: str, rtype: str = "A") -> list[str]:
        """The answer section, in presentation form and in its order."""
        return [line for one in (await self.ask(name, rtype)).answer for line in zone_text.lines([one])]

    async def failure(self, name: str, rtype: str = "A", **options: Any) -> ResolutionFailed:
        """The failure that the question ends in."""
        try:
            reply = await self.ask(name, rtype, **options)
        except ResolutionFailed as failed:
            return failed
        raise AssertionError(f"{name} {rtype} was answered: {reply}")


def _configured(zones: dict[str, tuple[str, ...]] | None) -> dict[bytes, Delegation]:
    return {
        names.from_text(zone): Delegation(
            names.from_text(zone),
            tuple(NameServer(names.from_text(zone), (Endpoint(host, 53),)) for host in hosts),
            0,
            configured=True,
        )
        for zone, hosts in (zones or {}).items()
    }


def root_with(*delegations: str) -> tuple[str, str]:
    """A root zone with these further lines."""
    return ".", "\n".join(
        (
            ". 86400 IN SOA a.root. admin. 1 2 3 4 300",
            ". 86400 IN NS a.root.",
            f"a.root. 86400 IN A {ROOT_SERVER}",
            *delegations,
        )
    )


def leaf(origin: str, host: str, *lines: str) -> tuple[str, str]:
    """A zone with the server `ns.ORIGIN` at `host` and these further lines."""
    return origin, "\n".join(
        (
            f"{origin} 900 IN SOA ns.{origin} admin.{origin} 1 2 3 4 300",
            f"{origin} 3600 IN NS ns.{origin}",
            f"ns.{origin} 3600 IN A {host}",
            *lines,
        )
    )


def delegate(zone: str, host: str, ttl: int = 3600) -> tuple[str, str]:
    """The lines of a delegation to `ns.ZONE` with glue."""
    return f"{zone} {ttl} IN NS ns.{zone}", f"ns.{zone} {ttl} IN A {host}"


def says(answer: object = (), authority: object = (), additional: object = (), **options: object) -> Script:
    """A script that always says this."""

    def script(query: Message, transport: Transport) -> Message:
        return make_reply(query.question, answer, authority, additional, **options)  # type: ignore[arg-type]

    return script
