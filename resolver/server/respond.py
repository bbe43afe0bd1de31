"""What becomes of a datagram or a frame: served from stored octets, refused as the RFCs say, or handed to the
pipeline.

Rules
* Who may not ask (`access.py`) is told so, or nothing; this is decided first.
* A stored answer is found before anything is parsed.
* Never answered: QR=1, and what is shorter than a header (an answer to a reply is how loops begin).
* FORMERR for what cannot be parsed and for QDCOUNT other than 1 (RFC 9619), but for a query without a question that
  asks for a cookie (RFC 7873 section 5.4); NOTIMP for opcodes other than QUERY (RFC 8906 section 3.1.4); BADVERS for
  EDNS versions other than 0 (RFC 6891 section 6.1.3).
* OPT is sent exactly when it was received, and could be read. UDP responses have at most the octets that client and
  server both allow, 512 without EDNS; what does not fit is left out in whole RRsets, with TC. ANY gets one RRset over
  UDP (RFC 8482 section 4.1): all of them are for those who can be seen to ask, over TCP.
* A bug is answered SERVFAIL and logged; it never ends the daemon nor shows a client where it was.

Limits: `max_in_flight` queries are worked on at most, of one client its share (`flights.py`); beyond that what is held
in records is still answered, other UDP queries are dropped and TCP ones answered SERVFAIL. All are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from resolver.cache.answers import AnswerStore
from resolver.errors import ResolutionFailed, WireError
from resolver.message import (
    AA,
    AD,
    CD,
    EDNS_PAYLOAD,
    OPCODE_MASK,
    QR,
    RA,
    RD,
    TC,
    Answerer,
    Client,
    Ede,
    Edns,
    Message,
    Query,
    Rcode,
    Reply,
    RRset,
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
from resolver.server.options import NOTHING, Heard, Options, extended_errors, hear
from resolver.wire import names, stored, types
from resolver.wire.parse import parse
from resolver.wire.render import render

HEADER: Final = 12
_MAX_MESSAGE: Final = 65_535
_PLAIN_UDP: Final = 512
ANSWERING_S: Final = 0.02
"""Of a client's time, what is kept for telling it that there is no answer."""

_INTERNAL: Final = Reply(Rcode.SERVFAIL, ra=True, ede=(Ede(0, "internal error, see the log [OOPS]"),))
_PROHIBITED: Final = 18
_DENIED: Final = Ede(_PROHIBITED, "clients of this address may not ask here [DENY]")

Send = Callable[[bytes | None], None]


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a server of messages behaves. `payload` in octets; `client_timeout_s` is what a client waits at most.

    `max_per_client` is the share of `max_in_flight` that one client may have when half of it is taken.
    """

    payload: int = EDNS_PAYLOAD
    max_in_flight: int = MOST
    max_per_client: int = 200
    client_timeout_s: float = 4.5
    log_queries: bool = False
    recursion_available: bool = True


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
        self.answerer = answerer
        self.conduct = conduct or Conduct()
        self._spawn = spawn
        self._clock = clock
        self._counters = counters
        self._log = log
        self.answers, self.access, self.cookies, self._idle_seconds = answers, access, cookies, idle_seconds
        self._flights = Flights(counters)
        self._last_id = 0

    def __call__(self, wire: bytes, client: Client, send: Send) -> None:
        """Call `send` once with the response to `wire`, or with None when there is to be none."""
        counters = self._counters
        tcp = client.transport is Transport.TCP
        if tcp:
            counters.queries_tcp += 1
        else:
            counters.queries_udp += 1
        if self.access is not None and not self.access.allows(client.host):
            send(self._denial(wire, client, self.access))
            return
        key, response = self._look_up(wire, tcp)
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
        query, told = read
        refusal = self._flights.refusal(client.host, self.conduct.max_in_flight, self.conduct.max_per_client)
        if refusal is None:
            self._flights.take(client.host)
            self._spawn(self._work(wire, query, told, key, send))
        else:
            send(self._without_work(wire, query, told, key, refusal))

    def stored(self, wire: bytes) -> bytes | None:
        """The stored response to a datagram, if there is one: what a listener looks at first."""
        response = self._look_up(wire, tcp=False)[1]
        if response is not None:
            self._counters.queries_udp += 1
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

    def _without_work(self, wire: bytes, query: Query, told: Options, key: bytes | None, refusal: Ede) -> bytes | None:
        """The response to `query`, for which there is no place: what is held anyway, or that there is none."""
        peek: Callable[[Query], Reply | None] | None = getattr(self.answerer, "peek", None)
        reply = None if peek is None else peek(query)
        if reply is not None:
            self._account(query, reply)
            response = self._render(int.from_bytes(wire[:2], "big"), query, reply, told)
            if self.answers is not None:
                self._keep(self.answers, key, response, query, reply, self.answers.generation)
            return response
        if refusal is BUSY:
            self._counters.queries_dropped_busy += 1
        else:
            self._counters.queries_dropped_client += 1
        tcp = query.client.transport is Transport.TCP
        return self._brief(wire, query.client, Rcode.SERVFAIL, refusal) if tcp else None

    def _read(self, wire: bytes, client: Client) -> tuple[Query, Options] | bytes:
        """The query in `wire` and the options it is answered, or the response that it deserves instead."""
        if wire[2] & 0x78:
            return self._brief(wire, client, Rcode.NOTIMP)
        try:
            message = parse(wire)
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
        """The response that says `rcode`: id, opcode, RD and CD of `wire`, its question and an OPT where it has them.

        What cannot be parsed gets a header alone (RFC 8906 section 3, RFC 6891 section 6.1.1).
        """
        if self.conduct.log_queries:
            self._last_id += 1
            self._log.info(
                "query",
                query=self._last_id,
                client=client.host,
                transport=str(client.transport),
                rcode=types.rcode_to_text(rcode),
            )
        copied = int.from_bytes(wire[2:4], "big") & (OPCODE_MASK | RD | CD)
        flags = QR | copied | RA * self.conduct.recursion_available
        try:
            message = parse(wire)
        except WireError:
            return wire[:2] + (flags | rcode & 0xF).to_bytes(2, "big") + bytes(8)
        edns = None
        if message.edns is not None:
            try:
                told = self._hear(message, client).told
            except WireError:
                told = ()
            edns = Edns(self.conduct.payload, do=message.edns.do, options=told + extended_errors(ede))
        return render(Message(message.id, flags, rcode, message.question, edns=edns), _PLAIN_UDP)

    async def _work(self, wire: bytes, query: Query, told: Options, key: bytes | None, send: Send) -> None:
        """Answer `query`; `send` is called whatever happens, cancellation included."""
        response: bytes | None = None
        reply = _INTERNAL
        answers = self.answers
        generation = 0 if answers is None else answers.generation
        try:
            reply = await self._reply(query)
            response = self._render(int.from_bytes(wire[:2], "big"), query, reply, told)
            if answers is not None:
                self._keep(answers, key, response, query, reply, generation)
        except Exception as error:
            reply = _INTERNAL
            self._log.error("internal_error", query=query.id, error=repr(error), where=place_of(error))
            response = self._render(int.from_bytes(wire[:2], "big"), query, _INTERNAL, told)
            self._counters.answers_internal_error += 1
        finally:
            self._flights.leave(query.client.host)
            send(response)
        self._account(query, reply)

    def _keep(
        self, answers: AnswerStore, key: bytes | None, response: bytes, query: Query, reply: Reply, generation: int
    ) -> None:
        """`response` is stored under `key` where others may be served with it."""
        if key is not None and reply.storable and _fits_all(response, query):
            answers.keep(key, response, generation, reply.again_s)

    async def _reply(self, query: Query) -> Reply:
        try:
            return await self.answerer.answer(query)
        except ResolutionFailed as failure:
            return Reply(failure.rcode, ra=self.conduct.recursion_available, ede=failure.ede)

    def _render(self, message_id: int, query: Query, reply: Reply, told: Options) -> bytes:
        """The octets that tell `query` what `reply` says, within what the client can take, with the options `told`."""
        flags = QR | AA * reply.aa | RA * reply.ra | AD * reply.ad | RD * query.rd | CD * query.cd
        answer, edns = reply.answer, None
        if query.edns is not None:
            edns = Edns(self.conduct.payload, do=query.edns.do, options=told + extended_errors(reply.ede))
        if query.client.transport is Transport.TCP:
            limit = _MAX_MESSAGE
        else:
            limit = _PLAIN_UDP if query.edns is None else min(max(query.edns.payload, _PLAIN_UDP), self.conduct.payload)
            if query.question.type == Type.ANY:
                answer = _least(answer)
        sections = (answer, reply.authority, reply.additional)
        return render(Message(message_id, flags, reply.rcode, query.question, *sections, edns), limit)

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


def _fits_all(response: bytes, query: Query) -> bool:
    """Whether `response` fits each client whose query has the same key: those that offer at least `EDNS_PAYLOAD`."""
    return len(response) <= EDNS_PAYLOAD or query.client.transport is Transport.TCP


def _is_empty(message: Message) -> bool:
    """Whether `message` has no records but its OPT."""
    return not (message.answer or message.authority or message.additional)


def _least(answer: tuple[RRset, ...]) -> tuple[RRset, ...]:
    """Of sets of one owner the shortest; anything else as it is, such as an alias made of the DNAME above it."""
    if len({rrset.name.lower() for rrset in answer}) != 1:
        return answer
    return (min(answer, key=lambda rrset: sum(map(len, rrset.rdatas))),)
