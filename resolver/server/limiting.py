"""Decides how much one client may ask, and how often it is told the same: token buckets by the client's network.

Rules
* Each network, of a prefix length that is set, has two buckets of `queries_per_s`: one for what anybody can send in its
  name, datagrams, and one for what only its clients can, streams and datagrams with a cookie of ours (RFC 7873). So who
  forges addresses takes nothing from those who show theirs.
* Over it, of datagrams every `slip`-th is answered with TC, so that a client which is really there comes by TCP, and
  the others are dropped. Over a stream the answer is REFUSED (`RATE`).
* Responses that are alike (`wire/responses.py`) leave as datagrams `responses_per_s` times for a network, unless it
  shows a cookie: others use us to strike the owner of an address. Answers that say the same of several names of a
  domain, as a wildcard makes them of whatever is asked for, leave `SIBLINGS` times as often all together.
* Beyond that every `slip`-th is cut to TC, which strikes with no more octets than were sent to us. A flood that goes on
  is told nothing else until it has ceased, for `window_s` at most (as BIND's and NSD's response rate limiting).
* What is served from store is counted like all else, once it has been looked up, and costs its bucket nothing twice.
* Whoever is exempt is not looked at again.

Limits: `table` networks, and as many responses of each sort, are held; `cache/buckets.py` says what becomes of the
others. The clock is read once for a batch of datagrams.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from resolver.cache.answers import Serve
from resolver.cache.buckets import REMEMBERED, Buckets, Network, Prefixes, RateClass
from resolver.message import UNTOLD, Client, Ede, Query, Rcode, Reply, Transport
from resolver.network.base import Clock, Datagram, Datagrams
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.server.cookies import Standing
from resolver.server.options import Heard
from resolver.server.reading import Reading
from resolver.wire import responses

_UDP: Final = Transport.UDP
_TC: Final = 0x02
_CUT: Final = Reply(Rcode.NOERROR, ra=True, tc=True)
_OF_CLASS: Final = Ede(0, "more queries of this kind a second than a client may send [RATC]")
_RATE: Final = Ede(0, "more queries a second than a client may send [RATE]")

SIBLINGS: Final = 2
"""How much more often answers leave that say the same of several names of a domain, than those to one name: a flood for
one of the names leaves as much for the others."""

QUIET_S: Final = 5.0
"""Seconds for which the log names no other network that is over a limit of the same kind."""

Send = Callable[[bytes | None], None]
Read = tuple[Query, Heard] | bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask and be told. Rates are per second and network, 0 is without limit.

    Prefix lengths are those of IPv4 and of IPv6.
    """

    queries_per_s: int = 0
    burst_s: float = 1.0
    """Seconds' worth of queries that may come at once."""
    prefixes: tuple[int, int] = (32, 56)
    exempt: tuple[Network, ...] = ()
    responses_per_s: Mapping[bytes, int] | None = None
    """By what likenesses begin with."""
    response_prefixes: tuple[int, int] = (24, 56)
    window_s: float = 15.0
    slip: int = 2
    table: int = 100_000


class _Who(NamedTuple):
    """The networks of a client: the one that its queries count for, and the one that responses to it do."""

    asking: int
    told: int


class Slips:
    """Tells of every so many-th that it should come by TCP; of none, with 0."""

    __slots__ = ("_count", "_each")

    def __init__(self, each: int) -> None:
        self._each, self._count = each, 0

    def next(self) -> bool:
        """Whether it is told to this one."""
        if not self._each:
            return False
        self._count = (self._count + 1) % self._each
        return not self._count


class Classes:
    """Keeps the rates of the classes that rules put queries into (`pipeline/routed.py`)."""

    __slots__ = ("_classes", "_slips")

    def __init__(self, classes: Mapping[str, RateClass], slip: int) -> None:
        self._classes, self._slips = classes, Slips(slip)

    def __call__(self, name: str, client: Client) -> Reply | None:
        """What `client` is told whose query is one too many of the class `name`; None where it is not. It counts."""
        if self._classes[name].take(client):
            return None
        if client.transport is not _UDP:
            return Reply(Rcode.REFUSED, ra=True, ede=(_OF_CLASS,))
        return _CUT if self._slips.next() else UNTOLD


class Limiting:
    """Keeps `limits`."""

    def __init__(self, limits: Limits, clock: Clock, counters: Counters, log: Log) -> None:
        self.limits = limits
        self._monotonic, self._counters, self._log = clock.monotonic, counters, log
        self._asking = Prefixes(*limits.prefixes, limits.exempt)
        self._telling = Prefixes(*limits.response_prefixes, limits.exempt)
        rate, table = limits.queries_per_s, limits.table
        self._shown: Buckets[int] | None = None
        self._forgeable: Buckets[int] | None = None
        if rate:
            self._shown = Buckets(rate, rate * limits.burst_s, table)
            self._forgeable = Buckets(rate, rate * limits.burst_s, table)
        self._alike: dict[bytes, Buckets[tuple[int, bytes]]] = {
            kind: Buckets(each, each, table, limits.window_s)
            for kind, each in (limits.responses_per_s or {}).items()
            if each
        }
        answers = (limits.responses_per_s or {}).get(responses.ANSWER, 0) * SIBLINGS
        self._siblings: Buckets[tuple[int, bytes]] | None = None
        if answers:
            self._siblings = Buckets(answers, answers, table, limits.window_s)
        self._hosts: dict[Hashable, _Who | None] = {}
        self._slips = Slips(limits.slip)
        self._quiet_until = {"queries": 0.0, "responses": 0.0}

    def counts(self) -> dict[str, int]:
        """Gauges by public name."""
        asking = [each for each in (self._shown, self._forgeable) if each is not None]
        return {
            "limits.networks": sum(map(len, asking)),
            "limits.responses": sum(map(len, self._alike.values())) + len(self._siblings or ()),
        }

    # What is answered from store

    def datagrams(self, answers: list[Datagram], moved: Datagrams) -> list[Datagram]:
        """What of `answers`, stored ones to queries without a cookie, is to be sent by `moved`: some of them cut."""
        now, hosts, host_of = self._monotonic(), self._hosts, moved.host
        fitting = []
        for answer in answers:
            response, address = answer
            host = host_of(address)
            try:
                who = hosts[host]
            except KeyError:
                who = self._learn(host, moved.peer(address)[0])
            if who is None:
                fitting.append(answer)
                continue
            told: bytes | None
            if self._forgeable is not None and not self._forgeable.take(who.asking, now):
                told = self._over(who, response, now)
            else:
                told = self._fitting(who, response, now)
            if told is not None:
                fitting.append((told, address))
        return fitting

    def stream(self, serve: Serve, host: str) -> Serve:
        """`serve`, which gives nothing to the client at `host` while that may not ask; `read` tells it so then."""
        key = None if self._shown is None else self._asking.key(host)
        return serve if key is None else partial(self._within, serve, key)

    def _within(self, serve: Serve, key: int, wire: bytes) -> bytes | None:
        response = serve(wire)
        if response is None or self._shown is None or self._shown.take(key, self._monotonic()):
            return response
        return None

    # What is not

    def read(self, reading: Reading, wire: bytes, client: Client, send: Send) -> tuple[Read, Send] | None:
        """What `reading` makes of `wire`, and who is to be told of it, if `client` may ask. Otherwise `send` is told.

        A datagram that can have no cookie is not read when its client may not ask.
        """
        asking = self._asking.key(client.host)
        if asking is None:
            return reading.read(wire, client), send
        now = self._monotonic()
        if client.transport is not _UDP:
            if self._shown is None or self._shown.take(asking, now):
                return reading.read(wire, client), send
            self._counters.limits_queries_refused += 1
            self._warn("queries", self._asking, asking, now)
            send(reading.brief(wire, client, Rcode.REFUSED, _RATE))
            return None
        charged = not wire[10] and not wire[11]
        who = _Who(asking, self._telling.key(client.host) or 0)
        if charged and not self._may(self._forgeable, who, now):
            self._turn_away(reading, wire, client, send, who, now)
            return None
        read = reading.read(wire, client)
        shows = not isinstance(read, bytes) and read[1].cookie is Standing.GOOD
        if not charged and not self._may(self._shown if shows else self._forgeable, who, now):
            self._turn_away(reading, wire, client, send, who, now)
            return None
        return (read, send) if shows or not self._alike else (read, partial(self._tell, who, send))

    def _may(self, buckets: Buckets[int] | None, who: _Who, now: float) -> bool:
        return buckets is None or buckets.take(who.asking, now)

    def _turn_away(self, reading: Reading, wire: bytes, client: Client, send: Send, who: _Who, now: float) -> None:
        """The datagram `wire` is over the limit: its client hears nothing, or that it should come by TCP."""
        self._warn("queries", self._asking, who.asking, now)
        if self._slips.next():
            self._counters.limits_queries_truncated += 1
            said = reading.brief(wire, client, Rcode.NOERROR)
            send(said[:2] + bytes((said[2] | _TC,)) + said[3:])
        else:
            self._counters.limits_queries_dropped += 1
            send(None)

    def _tell(self, who: _Who, send: Send, response: bytes | None) -> None:
        send(None if response is None else self._fitting(who, response, self._monotonic()))

    # Both

    def _fitting(self, who: _Who, response: bytes, now: float) -> bytes | None:
        """`response` as it is to be sent, if at all."""
        if not self._alike:
            return response
        like, *siblings = responses.likenesses(response)
        buckets = self._alike.get(like[:1])
        if buckets is None or (buckets.take((who.told, like), now) and self._may_siblings(who, siblings, now)):
            return response
        self._warn("responses", self._telling, who.told, now)
        if self._slips.next():
            self._counters.limits_responses_truncated += 1
            return responses.cut(response)
        self._counters.limits_responses_dropped += 1
        return None

    def _may_siblings(self, who: _Who, likes: list[bytes], now: float) -> bool:
        """Whether what a response has in common with those to other names may leave once more."""
        buckets = self._siblings
        return buckets is None or all(buckets.take((who.told, like), now) for like in likes)

    def _over(self, who: _Who, response: bytes, now: float) -> bytes | None:
        """What is sent in place of a stored `response` to a query over the limit."""
        self._warn("queries", self._asking, who.asking, now)
        if self._slips.next():
            self._counters.limits_queries_truncated += 1
            return responses.cut(response)
        self._counters.limits_queries_dropped += 1
        return None

    def _learn(self, address: Hashable, host: str) -> _Who | None:
        if len(self._hosts) >= REMEMBERED:
            self._hosts.clear()
        asking, told = self._asking.key(host), self._telling.key(host)
        who = self._hosts[address] = None if asking is None or told is None else _Who(asking, told)
        return who

    def _warn(self, what: str, prefixes: Prefixes, key: int, now: float) -> None:
        """The log names one of those that are over a limit, and not each of them: a flood would be one of lines."""
        if now >= self._quiet_until[what]:
            self._quiet_until[what] = now + QUIET_S
            self._log.warning("limited", what=what, network=prefixes.text(key))
