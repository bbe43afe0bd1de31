"""What becomes of a datagram or a frame: served from stored octets, refused as the RFCs say, or handed to the
pipeline.

Rules
* Who may not ask (`access.py`) is told so, or nothing; this is decided first.
* A stored answer is found before anything is parsed.
* Never answered: QR=1, and what is shorter than a header (an answer to a reply is how loops begin).
* FORMERR for what cannot be parsed and for QDCOUNT other than 1 (RFC 9619), but for a query without a question that
  asks for a cookie (RFC 7873 section 5.4); NOTIMP for opcodes other than QUERY (RFC 8906 section 3.1.4); BADVERS for
  EDNS versions other than 0 (RFC 6891 section 6.1.3).
* What the pipeline has at hand (`peek`) is answered at once. What needs work needs a place (`flights.py`) and waits for
  its turn (`waiting.py`), so that a flood of new names keeps nobody from what is known.
* A bug is answered SERVFAIL and logged; it never ends the daemon nor shows a client where it was.

Limits: `max_in_flight` queries are worked on at most, of one client its share, and an eighth of that may wait to be
begun; beyond, UDP queries are dropped and TCP ones answered SERVFAIL. All are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from resolver.cache.answers import AnswerStore
from resolver.errors import ResolutionFailed, WireError
from resolver.message import (
    AD,
    CD,
    EDNS_PAYLOAD,
    RD,
    TC,
    Answerer,
    Client,
    Ede,
    Message,
    Query,
    Rcode,
    Reply,
    Spawn,
    Transport,
    Type,
)
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.observe.log import Log, place_of
from resolver.server.access import Access
from resolver.server.cookies import Cookies, Standing
from resolver.server.flights import BUSY, MOST, Flights
from resolver.server.options import NOTHING, Heard, Options, hear
from resolver.server.saying import brief, fits_all, full
from resolver.server.waiting import Waiting
from resolver.wire import names, stored, types
from resolver.wire.parse import DEFAULT_BOUNDS, Bounds, parse

HEADER: Final = 12
ANSWERING_S: Final = 0.02
"""Of a client's time, what is kept for telling it that there is no answer."""

_INTERNAL: Final = Reply(Rcode.SERVFAIL, ra=True, ede=(Ede(0, "internal error, see the log [OOPS]"),))
_PROHIBITED: Final = 18
_DENIED: Final = Ede(_PROHIBITED, "clients of this address may not ask here [DENY]")

Send = Callable[[bytes | None], None]
Peek = Callable[[Query], Reply | None]
"""What an answerer can say without work; None when it needs to work."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a server of messages behaves. `payload` in octets; `client_timeout_s` is what a client waits at most.

    `max_per_client` is the share of `max_in_flight` that one client may have when half of it is taken; `bounds` is how
    much of a query is read.
    """

    payload: int = EDNS_PAYLOAD
    max_in_flight: int = MOST
    max_per_client: int = 200
    client_timeout_s: float = 4.5
    log_queries: bool = False
    recursion_available: bool = True
    bounds: Bounds = DEFAULT_BOUNDS


class _Job(NamedTuple):
    """A query that was read: its octets, the options it is answered, the key to store the answer under, its asker."""

    wire: bytes
    query: Query
    told: Options
    key: bytes | None
    send: Send


class Responder:
    """A server at the level of bytes (`message.Respond`) in front of `answerer`."""

    def __init__(
        self,
        answerer: Answerer,
        *,
        spawn: Spawn,
        clock: Clock,
        counters: Counters,
        log: Log,
        conduct: Conduct | None = None,
        answers: AnswerStore | None = None,
        access: Access | None = None,
        cookies: Cookies | None = None,
        idle_seconds: Callable[[], float] | None = None,
    ) -> None:
        """`access` says who may ask, `cookies` makes cookies, `idle_seconds` says how long a connection may be idle.

        Without them everybody may ask, and the options COOKIE and edns-tcp-keepalive are ignored.
        """
        self._answerer, self._peek = answerer, _peek_of(answerer)
        self.conduct = conduct or Conduct()
        self._spawn = spawn
        self._clock = clock
        self._counters = counters
        self._log = log
        self.answers, self.access, self.cookies, self._idle_seconds = answers, access, cookies, idle_seconds
        self._flights = Flights(counters)
        self._waiting = Waiting(clock, self._begin)
        self._last_id = 0

    @property
    def answerer(self) -> Answerer:
        """What answers from the next query on."""
        return self._answerer

    @answerer.setter
    def answerer(self, answerer: Answerer) -> None:
        """Questions that are worked on already go on with the one they have."""
        self._answerer, self._peek = answerer, _peek_of(answerer)

    def __call__(self, wire: bytes, client: Client, send: Send) -> None:
        """Call `send` once with the response to `wire`, or with None when there is to be none."""
        counters = self._counters
        match client.transport:
            case Transport.UDP:
                counters.queries_udp += 1
            case Transport.TCP:
                counters.queries_tcp += 1
            case Transport.TLS:
                counters.queries_tls += 1
        if self.access is not None and not self.access.allows(client.host):
            send(self._denial(wire, client, self.access))
            return
        key, response = self._look_up(wire, client.transport is not Transport.UDP)
        if response is not None:
            send(response)
            return
        if len(wire) < HEADER or wire[2] & 0x80:
            counters.queries_ignored += 1
            send(None)
            return
        read = self._read(wire, client)
        if isinstance(read, bytes):
            send(read)
            return
        job = _Job(wire, *read, key, send)
        if self._peek is not None and self._at_once(job, self._peek):
            return
        refusal = self._flights.refusal(client.host, self.conduct.max_in_flight, self.conduct.max_per_client)
        if refusal is not None:
            self._turn_away(job, refusal)
            return
        self._flights.take(client.host)
        if self._peek is None:
            self._begin(job)
            return
        given_up = self._waiting.put(client.host, job, max(1, self.conduct.max_in_flight // 8))
        if given_up is not None:
            self._flights.leave(given_up.query.client.host)
            self._turn_away(given_up, BUSY)

    def give_up(self) -> None:
        """Queries that wait to be begun get no answer any more: the program ends."""
        for job in self._waiting.clear():
            self._flights.leave(job.query.client.host)
            job.send(None)

    def stored(self, wire: bytes) -> bytes | None:
        """The stored response to a datagram, if there is one: what a listener looks at first."""
        response = self._look_up(wire, tcp=False)[1]
        if response is not None:
            self._counters.queries_udp += 1
        return response

    def stored_tcp(self, wire: bytes) -> bytes | None:
        """The same for a message that came over TCP."""
        response = self._look_up(wire, tcp=True)[1]
        if response is not None:
            self._counters.queries_tcp += 1
        return response

    def stored_tls(self, wire: bytes) -> bytes | None:
        """The same for a message that came over TLS, which is answered alike. One with padding is never stored."""
        response = self._look_up(wire, tcp=True)[1]
        if response is not None:
            self._counters.queries_tls += 1
        return response

    def _look_up(self, wire: bytes, tcp: bool) -> tuple[bytes | None, bytes | None]:
        """The key under which the answer to `wire` may be stored, and the response that is stored there."""
        if self.answers is None or self.conduct.log_queries:
            return None, None
        key = stored.key(wire, tcp)
        return key, None if key is None else self.answers.answer(key, wire)

    def _denial(self, wire: bytes, client: Client, access: Access) -> bytes | None:
        """What a client is told that may not ask: REFUSED, or nothing where that might strike somebody else."""
        self._counters.queries_denied += 1
        if len(wire) < HEADER or wire[2] & 0x80 or (client.transport is Transport.UDP and not access.tells()):
            return None
        self._counters.queries_denied_told += 1
        return self._brief(wire, client, Rcode.REFUSED, _DENIED)

    def _at_once(self, job: _Job, peek: Peek) -> bool:
        """Whether `job` was answered with what is at hand."""
        wire, query, told, key, send = job
        answers = self.answers
        try:
            reply = peek(query)
            if reply is None:
                return False
            response = full(wire, query, reply, told, self.conduct.payload)
            if answers is not None:
                self._keep(answers, key, response, query, reply, answers.generation)
        except Exception as error:
            reply, response = self._broken(job, error)
        send(response)
        self._account(query, reply)
        return True

    def _begin(self, job: _Job) -> None:
        """`job`, which has a place, is worked on."""
        self._spawn(self._work(job))

    def _turn_away(self, job: _Job, refusal: Ede) -> None:
        """There is no place for `job`."""
        if refusal is BUSY:
            self._counters.queries_dropped_busy += 1
        else:
            self._counters.queries_dropped_client += 1
        client = job.query.client
        udp = client.transport is Transport.UDP
        job.send(None if udp else self._brief(job.wire, client, Rcode.SERVFAIL, refusal))

    def _read(self, wire: bytes, client: Client) -> tuple[Query, Options] | bytes:
        """The query in `wire` and the options it is answered, or the response that it deserves instead."""
        if wire[2] & 0x78:
            return self._brief(wire, client, Rcode.NOTIMP)
        try:
            message = parse(wire, self.conduct.bounds)
            heard = self._hear(message, client)
        except WireError as error:
            self._counters.queries_malformed += 1
            self._log.debug("malformed", client=client.host, reason=str(error))
            return self._brief(wire, client, Rcode.FORMERR)
        question, edns = message.question, message.edns
        if question is None and heard.cookie is not None and not message.flags & TC and _is_empty(message):
            rcode = Rcode.BADCOOKIE if heard.cookie is Standing.BAD else Rcode.NOERROR
            return self._brief(wire, client, rcode)
        # An IXFR query brings the SOA that the client has (RFC 1995 section 3).
        unexpected = message.answer or (message.authority and question and question.type != Type.IXFR)
        if question is None or unexpected or message.flags & TC:
            self._counters.queries_malformed += 1
            return self._brief(wire, client, Rcode.FORMERR)
        if edns is not None and edns.version:
            return self._brief(wire, client, Rcode.BADVERS)
        self._last_id += 1
        deadline = self._clock.monotonic() + self.conduct.client_timeout_s - ANSWERING_S
        rd, cd, ad = bool(message.flags & RD), bool(message.flags & CD), bool(message.flags & AD)
        return Query(question, client, self._last_id, deadline, rd, cd, ad, edns), heard.told

    def _hear(self, message: Message, client: Client) -> Heard:
        """What the EDNS options of `message` say. Those of a version that we do not know say nothing."""
        edns = message.edns
        if edns is None or not edns.options or edns.version:
            return NOTHING
        return hear(edns, client, self.cookies, self._idle_seconds)

    def _brief(self, wire: bytes, client: Client, rcode: int, *ede: Ede) -> bytes:
        """The response to `wire` that says `rcode` and has no records; it is logged where queries are."""
        if self.conduct.log_queries:
            self._last_id += 1
            self._log.info(
                "query",
                query=self._last_id,
                client=client.host,
                transport=str(client.transport),
                rcode=types.rcode_to_text(rcode),
            )
        conduct = self.conduct
        return brief(
            wire,
            rcode,
            ede,
            lambda message: self._hear(message, client).told,
            conduct.payload,
            ra=conduct.recursion_available,
        )

    async def _work(self, job: _Job) -> None:
        """Answer `job`; its `send` is called whatever happens, cancellation included."""
        wire, query, told, key, send = job
        response: bytes | None = None
        reply = _INTERNAL
        answers = self.answers
        generation = 0 if answers is None else answers.generation
        try:
            reply = await self._reply(query)
            response = full(wire, query, reply, told, self.conduct.payload)
            if answers is not None:
                self._keep(answers, key, response, query, reply, generation)
        except Exception as error:
            reply, response = self._broken(job, error)
        finally:
            self._flights.leave(query.client.host)
            send(response)
        self._account(query, reply)

    def _broken(self, job: _Job, error: Exception) -> tuple[Reply, bytes]:
        """What the client is told about a bug, which is logged."""
        self._log.error("internal_error", query=job.query.id, error=repr(error), where=place_of(error))
        self._counters.answers_internal_error += 1
        return _INTERNAL, full(job.wire, job.query, _INTERNAL, job.told, self.conduct.payload)

    def _keep(
        self, answers: AnswerStore, key: bytes | None, response: bytes, query: Query, reply: Reply, generation: int
    ) -> None:
        """`response` is stored under `key` where others may be served with it."""
        if key is not None and reply.storable and fits_all(response, query):
            answers.keep(key, response, generation, reply.again_s)

    async def _reply(self, query: Query) -> Reply:
        try:
            return await self._answerer.answer(query)
        except ResolutionFailed as failure:
            return Reply(failure.rcode, ra=self.conduct.recursion_available, ede=failure.ede)

    def _account(self, query: Query, reply: Reply) -> None:
        counters = self._counters
        match reply.rcode:
            case Rcode.NOERROR:
                counters.answers_noerror += 1
            case Rcode.NXDOMAIN:
                counters.answers_nxdomain += 1
            case Rcode.SERVFAIL:
                counters.answers_servfail += 1
            case _:
                counters.answers_other += 1
        if self.conduct.log_queries:
            took = self._clock.monotonic() - (query.deadline + ANSWERING_S - self.conduct.client_timeout_s)
            self._log.info(
                "query",
                query=query.id,
                client=query.client.host,
                transport=str(query.client.transport),
                name=names.to_text(query.question.name),
                type=types.to_text(query.question.type),
                rcode=types.rcode_to_text(reply.rcode),
                answers=sum(len(rrset.rdatas) for rrset in reply.answer),
                ms=round(took * 1000, 1),
                ede=reply.ede[0].text if reply.ede else None,
            )


def _peek_of(answerer: Answerer) -> Peek | None:
    """The `peek` of an answerer that has one. Those without are simulated servers, which have everything at hand."""
    peek: Peek | None = getattr(answerer, "peek", None)
    return peek


def _is_empty(message: Message) -> bool:
    """Whether `message` has no records but its OPT."""
    return not (message.answer or message.authority or message.additional)
