"""What becomes of a datagram or a frame: served from stored octets, refused as the RFCs say, or handed to the
pipeline.

Rules
* Who may not ask (`access.py`) is told so, or nothing; this is decided first.
* How much who may ask is limited (`limiting.py`) is decided next.
* A stored answer is found before anything is parsed. Listeners look for it themselves (`hits.py`), and hand the rest
  to `fresh`.
* Never answered: QR=1, and what is shorter than a header (an answer to a reply is how loops begin). What is no query
  otherwise is told so (`reading.py`).
* What the pipeline has at hand (`peek`) is answered at once. What needs work needs a place (`flights.py`) and waits for
  its turn (`waiting.py`), so that a flood of new names keeps nobody from what is known. What has no place is told what
  has expired (`spare`), if anything.
* A bug is answered SERVFAIL and logged; it never ends the daemon nor shows a client where it was.

Limits: `max_in_flight` queries are worked on at most, of one client its share, and an eighth of that may wait to be
begun; beyond, UDP queries of which nothing is held are dropped and TCP ones answered SERVFAIL. All are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from resolver.answering import Answerer, Told
from resolver.cache.answers import AnswerStore
from resolver.errors import ResolutionFailed
from resolver.message import Client, Ede, Query, Rcode, Reply, Transport
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.observe.log import Log, place_of
from resolver.server import accounting
from resolver.server.access import Access
from resolver.server.conduct import Conduct
from resolver.server.cookies import Cookies
from resolver.server.flights import BUSY, Flights
from resolver.server.hits import Hits
from resolver.server.kinds import Kinds
from resolver.server.options import Options
from resolver.server.reading import Reading
from resolver.server.saying import for_all, full
from resolver.server.waiting import Waiting
from resolver.wire.compression import HEADER

if TYPE_CHECKING:  # where nothing is limited it is not loaded
    from resolver.server.limiting import Limiting

_UDP: Final = Transport.UDP
_INTERNAL: Final = Reply(Rcode.SERVFAIL, ra=True, ede=(Ede(0, "internal error, see the log [OOPS]"),))

Send = Callable[[bytes | None], None]
Peek = Callable[[Query], Reply | None]
"""What an answerer can say without work; None when it needs to work."""
Work = Callable[[Query, Told], None]
"""What an answerer does when it has looked in vain at what is at hand."""


class _Job:
    """A query that was read: its octets, the options it is answered, its asker, and whether that has its answer.

    What is worked out for it may be stored in `answers` as long as their `generation` is the one that it began in.
    """

    __slots__ = ("answered", "answers", "generation", "query", "send", "told", "wire")

    def __init__(self, wire: bytes, query: Query, told: Options, send: Send, answers: AnswerStore | None) -> None:
        self.wire, self.query, self.told, self.send, self.answers = wire, query, told, send, answers
        self.answered = False
        self.generation = 0 if answers is None else answers.generation


class Responder:
    """A server at the level of bytes (`message.Respond`) in front of `answerer`."""

    def __init__(
        self,
        answerer: Answerer,
        *,
        clock: Clock,
        counters: Counters,
        log: Log,
        conduct: Conduct | None = None,
        answers: AnswerStore | None = None,
        access: Access | None = None,
        cookies: Cookies | None = None,
        idle_seconds: Callable[[], float] | None = None,
        limiting: Limiting | None = None,
    ) -> None:
        """`access` says who may ask, `limiting` how much, `cookies` makes cookies, `idle_seconds` says how long a
        connection may be idle.

        Without them everybody may ask, and the options COOKIE and edns-tcp-keepalive are ignored.
        """
        self._clock = clock
        self._counters = counters
        self._log = log
        self._reading = Reading(conduct or Conduct(), cookies, idle_seconds, clock=clock, counters=counters, log=log)
        self._flights = Flights(counters)
        self._waiting = Waiting(clock, self._begin)
        self.datagrams = Hits(self._store, counters, Transport.UDP, self._limits, self._by_kind)
        """What listeners look into before they hand a datagram to `fresh`."""
        self.streams = Hits(self._store, counters, Transport.TCP, self._limits, self._by_kind)
        """The same for messages over TCP."""
        self.encrypted = Hits(self._store, counters, Transport.TLS, self._limits, self._by_kind)
        """The same for messages over TLS."""
        self.https = Hits(self._store, counters, Transport.HTTPS, self._limits, self._by_kind)
        """The same for messages over HTTPS."""
        self.adjust(answerer, conduct or Conduct(), answers, access, cookies, limiting)

    def adjust(
        self,
        answerer: Answerer,
        conduct: Conduct,
        answers: AnswerStore | None,
        access: Access | None,
        cookies: Cookies | None,
        limiting: Limiting | None = None,
    ) -> None:
        """These are in force from the next query on. What is worked on already goes on with what it began with."""
        self.answerer = answerer
        self.conduct = self._reading.conduct = conduct
        self.answers, self.access, self._reading.cookies = answers, access, cookies
        self.limiting = limiting
        kind_of = conduct.kind_of
        self._kinds = None if answers is None or kind_of is None else Kinds(answers, kind_of)

    @property
    def answerer(self) -> Answerer:
        """What answers from the next query on."""
        return self._answerer

    @answerer.setter
    def answerer(self, answerer: Answerer) -> None:
        """Questions that are worked on already go on with the one they have."""
        self._answerer, self._peek = answerer, _peek_of(answerer)
        self._spare: Peek | None = getattr(answerer, "spare", None)
        self._work_on: Work = getattr(answerer, "work", answerer.answer)

    def __call__(self, wire: bytes, client: Client, send: Send) -> None:
        """Call `send` once with the response to `wire`, or with None when there is to be none."""
        if self.limiting is None and (self.access is None or self.access.allows(client.host)):
            hits = self._hits(client.transport)
            stored = hits.begin()
            response = None if stored is None else stored(wire)
            if response is not None:
                hits.served(1)
                send(response)
                return
        self.fresh(wire, client, send)

    def fresh(self, wire: bytes, client: Client, send: Send) -> None:
        """The same for what has no stored response."""
        counters, host = self._counters, client.host
        accounting.came(counters, client.transport)
        if self.access is not None and not self.access.allows(host):
            send(self._reading.denial(wire, client, self.access))
            return
        if len(wire) < HEADER or wire[2] & 0x80:
            counters.queries_ignored += 1
            send(None)
            return
        answers = self.answers
        if self._kinds is not None:
            answers = self._kinds.of(client)
            stored = self._of_its_kind(wire, client, answers)
            if stored is not None:
                send(stored)
                return
        if self.limiting is None:
            read = self._reading.read(wire, client)
        else:
            within = self.limiting.read(self._reading, wire, client, send)
            if within is None:
                return
            read, send = within
        if isinstance(read, bytes):
            send(read)
            return
        query, heard = read
        self._take(_Job(wire, query, heard.told, send, answers))

    def _take(self, job: _Job) -> None:
        """`job` is answered at once, or gets a place, or is turned away."""
        query = job.query
        if self._peek is not None:
            try:
                reply = self._peek(query)
            except Exception as error:
                self._broke(job, error)
                return
            if reply is not None:
                self._answer(job, reply)
                return
        conduct, host = self.conduct, query.client.host
        refusal = self._flights.enter(host, conduct.max_in_flight, conduct.max_per_client)
        if refusal is not None:
            self._turn_away(job, refusal)
            return
        if self._peek is None:
            self._begin(job)
            return
        given_up = self._waiting.put(host, job, conduct.max_in_flight // 8 or 1)
        if given_up is not None:
            self._flights.leave(given_up.query.client.host)
            self._turn_away(given_up, BUSY)

    def _by_kind(self) -> Kinds | None:
        """What is served by kinds of clients; nothing is where each query is logged."""
        return None if self.conduct.log_queries else self._kinds

    def _of_its_kind(self, wire: bytes, client: Client, answers: AnswerStore | None) -> bytes | None:
        """What is stored in `answers` for such as `client`, where it may be told without being counted by limits."""
        if answers is None or self.limiting is not None or self.conduct.log_queries:
            return None
        answers.begin()
        response = answers.datagram(wire) if client.transport is _UDP else answers.stream(wire)
        if response is not None and self.answers is not None:
            self.answers.hits += 1
        return response

    def give_up(self) -> None:
        """Queries that wait to be begun get no answer any more: the program ends."""
        for job in self._waiting.clear():
            self._flights.leave(job.query.client.host)
            job.send(None)

    def _limits(self) -> Limiting | None:
        """What clients may ask and be told."""
        return self.limiting

    def _hits(self, transport: Transport) -> Hits:
        """The stored answers for what comes by `transport`."""
        if transport is _UDP:
            return self.datagrams
        if transport is Transport.TCP:
            return self.streams
        return self.encrypted if transport is Transport.TLS else self.https

    def _store(self) -> AnswerStore | None:
        """What is served to whoever asks; nothing is where each query is logged, or clients are told apart."""
        return None if self._reading.conduct.log_queries or self._kinds is not None else self.answers

    def _turn_away(self, job: _Job, refusal: Ede) -> None:
        """There is no place for `job`: it is told what has expired, if anything is held; else nothing, or why."""
        if refusal is BUSY:
            self._counters.queries_dropped_busy += 1
        else:
            self._counters.queries_dropped_client += 1
        spare = None if self._spare is None else self._spare(job.query)
        if spare is not None:
            self._answer(job, spare)
            return
        client = job.query.client
        silent = client.transport is _UDP
        job.send(None if silent else self._reading.brief(job.wire, client, Rcode.SERVFAIL, refusal))

    def _begin(self, job: _Job) -> None:
        """`job`, which has a place, is worked on."""
        try:
            self._work_on(job.query, partial(self._worked, job))
        except Exception as error:
            if not job.answered:
                self._flights.leave(job.query.client.host)
            self._broke(job, error)

    def _worked(self, job: _Job, result: Reply | ResolutionFailed) -> None:
        """`result` came of the work on `job`."""
        if job.answered:
            return
        self._flights.leave(job.query.client.host)
        if isinstance(result, ResolutionFailed):
            if result.label == "bogus" and not result.is_remembered:
                accounting.distrusted(self._log, job.query, result)
            result = Reply(result.rcode, ra=self.conduct.recursion_available, ede=result.ede)
        self._answer(job, result)

    def _answer(self, job: _Job, reply: Reply) -> None:
        """`job` is told `reply`, which is stored if it may be."""
        wire, query, conduct = job.wire, job.query, self.conduct
        if reply.rcode < 0:  # `message.UNTOLD`
            job.answered = True
            self._counters.answers_untold += 1
            job.send(None)
            return
        try:
            response = full(wire, query, reply, job.told, conduct.payload)
            if reply.storable and job.answers is not None:
                stored = for_all(response, wire, query, reply, conduct.payload)
                if stored is not None:
                    stream = query.client.transport is not _UDP
                    job.answers.keep(wire, stored, job.generation, reply.again_s, stream=stream)
        except Exception as error:
            self._broke(job, error)
            return
        self._tell(job, reply, response)

    def _broke(self, job: _Job, error: Exception) -> None:
        """A bug is logged, and `job` told so if it has no answer yet."""
        self._log.error("internal_error", query=job.query.id, error=repr(error), where=place_of(error))
        self._counters.answers_internal_error += 1
        if not job.answered:
            self._tell(job, _INTERNAL, full(job.wire, job.query, _INTERNAL, job.told, self.conduct.payload))

    def _tell(self, job: _Job, reply: Reply, response: bytes) -> None:
        """The asker of `job`, which has no answer yet, has the `response` that says `reply`."""
        job.answered = True
        job.send(response)
        accounting.count(self._counters, reply.rcode)
        if self.conduct.log_queries:
            accounting.write(self._log, self._clock, self.conduct, job.query, reply)


def _peek_of(answerer: Answerer) -> Peek | None:
    """The `peek` of an answerer that has one. Those without are simulated servers that recurse."""
    return getattr(answerer, "peek", None)
