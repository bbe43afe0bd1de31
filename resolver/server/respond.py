"""What becomes of a datagram or a frame: served from stored octets, refused as the RFCs say, or handed to the
pipeline.

Rules
* A stored answer is found before anything is parsed.
* Never answered: QR=1, and what is shorter than a header (an answer to a reply is how loops begin).
* FORMERR for what cannot be parsed and for QDCOUNT other than 1 (RFC 9619); NOTIMP for opcodes other than
  QUERY (RFC 8906 section 3.1.4); BADVERS for EDNS versions other than 0 (RFC 6891 section 6.1.3).
* OPT is sent exactly when it was received, and could be read. UDP responses have at most the octets that client and
  server both allow, 512 without EDNS; what does not fit is left out in whole RRsets, with TC.
* A bug is answered SERVFAIL and logged; it never ends the daemon nor shows a client where it was.

Limits: at most `max_in_flight` queries are worked on; beyond that UDP queries are dropped and TCP ones answered
SERVFAIL. Both are counted.
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
    Spawn,
    Transport,
    Type,
)
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.observe.log import Log, place_of
from resolver.wire import names, stored, types
from resolver.wire.parse import parse
from resolver.wire.render import render

HEADER: Final = 12
_EDE_OPTION: Final = 15
MAX_EDE_TEXT: Final = 200
"""Octets: with the longest name as question, an option of this size still fits into 512 (RFC 8914 section 2)."""
_EDE_TAIL: Final = 60
_CUT: Final = b" ... "
_MAX_MESSAGE: Final = 65_535
_PLAIN_UDP: Final = 512
ANSWERING_S: Final = 0.02
"""Of a client's time, what is kept for telling it that there is no answer."""

_INTERNAL: Final = Reply(Rcode.SERVFAIL, ra=True, ede=(Ede(0, "internal error, see the log [OOPS]"),))

_BUSY: Final = Ede(0, "too many queries are being worked on [BUSY]")


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a server of messages behaves. `payload` in octets; `client_timeout_s` is what a client waits at most."""

    payload: int = EDNS_PAYLOAD
    max_in_flight: int = 2048
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
    ) -> None:
        self.answerer = answerer
        self.conduct = conduct or Conduct()
        self._spawn = spawn
        self._clock = clock
        self._counters = counters
        self._log = log
        self.answers = answers
        self._last_id = 0

    def __call__(self, wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
        """Call `send` once with the response to `wire`, or with None when there is to be none."""
        counters = self._counters
        tcp = client.transport is Transport.TCP
        if tcp:
            counters.queries_tcp += 1
        else:
            counters.queries_udp += 1
        key, response = self._look_up(wire, tcp)
        if response is not None:
            send(response)
            return
        if len(wire) < HEADER or wire[2] & 0x80:
            counters.queries_ignored += 1
            send(None)
            return
        query = self._read(wire, client)
        if isinstance(query, bytes):
            send(query)
        elif counters.queries_in_flight >= self.conduct.max_in_flight:
            counters.queries_dropped_busy += 1
            send(self._error(wire, client, Rcode.SERVFAIL, _BUSY) if tcp else None)
        else:
            counters.queries_in_flight += 1
            self._spawn(self._work(wire, query, key, send))

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

    def _read(self, wire: bytes, client: Client) -> Query | bytes:
        """The query in `wire`, or the error response that it deserves."""
        if wire[2] & 0x78:
            return self._error(wire, client, Rcode.NOTIMP)
        try:
            message = parse(wire)
        except WireError as error:
            self._counters.queries_malformed += 1
            self._log.debug("malformed", client=client.host, reason=str(error))
            return self._error(wire, client, Rcode.FORMERR)
        question = message.question
        # An IXFR query brings the SOA that the client has (RFC 1995 section 3).
        unexpected = message.answer or (message.authority and question and question.type != Type.IXFR)
        if question is None or unexpected or message.flags & TC:
            self._counters.queries_malformed += 1
            return self._error(wire, client, Rcode.FORMERR)
        if message.edns is not None and message.edns.version:
            return self._error(wire, client, Rcode.BADVERS)
        self._last_id += 1
        return Query(
            question,
            client,
            self._last_id,
            self._clock.monotonic() + self.conduct.client_timeout_s - ANSWERING_S,
            bool(message.flags & RD),
            bool(message.flags & CD),
            bool(message.flags & AD),
            message.edns,
        )

    def _error(self, wire: bytes, client: Client, rcode: int, *ede: Ede) -> bytes:
        """The response that says `rcode`: id, opcode and RD of `wire`, its question and an OPT where it has them.

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
        flags = QR | int.from_bytes(wire[2:4], "big") & (OPCODE_MASK | RD) | RA * self.conduct.recursion_available
        try:
            message = parse(wire)
        except WireError:
            return wire[:2] + (flags | rcode & 0xF).to_bytes(2, "big") + bytes(8)
        edns = None if message.edns is None else Edns(self.conduct.payload, options=_options(ede))
        return render(Message(message.id, flags, rcode, message.question, edns=edns), _PLAIN_UDP)

    async def _work(self, wire: bytes, query: Query, key: bytes | None, send: Callable[[bytes | None], None]) -> None:
        """Answer `query`; `send` is called whatever happens, cancellation included."""
        response: bytes | None = None
        reply = _INTERNAL
        answers = self.answers
        generation = 0 if answers is None else answers.generation
        try:
            reply = await self._reply(query)
            response = self.render(int.from_bytes(wire[:2], "big"), query, reply)
            if key is not None and reply.storable and answers is not None and _fits_all(response, query):
                answers.keep(key, response, generation, reply.again_s)
        except Exception as error:
            reply = _INTERNAL
            self._log.error("internal_error", query=query.id, error=repr(error), where=place_of(error))
            response = self.render(int.from_bytes(wire[:2], "big"), query, _INTERNAL)
            self._counters.answers_internal_error += 1
        finally:
            self._counters.queries_in_flight -= 1
            send(response)
        self._account(query, reply)

    async def _reply(self, query: Query) -> Reply:
        try:
            return await self.answerer.answer(query)
        except ResolutionFailed as failure:
            return Reply(failure.rcode, ra=self.conduct.recursion_available, ede=failure.ede)

    def render(self, message_id: int, query: Query, reply: Reply) -> bytes:
        """The octets that tell `query` what `reply` says, within what the client can take."""
        flags = QR | AA * reply.aa | RA * reply.ra | AD * reply.ad | RD * query.rd | CD * query.cd
        edns = None
        if query.edns is not None:
            edns = Edns(self.conduct.payload, do=query.edns.do, options=_options(reply.ede))
        if query.client.transport is Transport.TCP:
            limit = _MAX_MESSAGE
        elif query.edns is None:
            limit = _PLAIN_UDP
        else:
            limit = min(max(query.edns.payload, _PLAIN_UDP), self.conduct.payload)
        sections = (reply.answer, reply.authority, reply.additional)
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


def _options(ede: tuple[Ede, ...]) -> tuple[tuple[int, bytes], ...]:
    """Extended errors as EDNS options (RFC 8914 section 2)."""
    return tuple((_EDE_OPTION, each.code.to_bytes(2, "big") + _ede_text(each.text)) for each in ede)


def _ede_text(text: str) -> bytes:
    """`text` as octets, shortened in the middle so that its tag stays and the option fits into any response."""
    octets = text.encode()
    if len(octets) <= MAX_EDE_TEXT:
        return octets
    head = octets[: MAX_EDE_TEXT - _EDE_TAIL - len(_CUT)].decode(errors="ignore")
    return head.encode() + _CUT + octets[-_EDE_TAIL:].decode(errors="ignore").encode()
