"""Which server is asked next, and how long its reply is waited for.

Rules
* Round-trip times are smoothed and their variance kept as TCP does (RFC 6298 section 2). Silence says nothing of
  them: it is a handicap apart, which the next reply takes away, so that a lost datagram slows nobody down.
* The server with the lowest smoothed time and handicap is asked first. A server not yet tried counts as fast, so that
  each is tried once; those passed over age by `_DECAY`, so that a server that has become faster is found.
* A server that did not reply `_DEAD_AFTER` times in a row is asked last for a while that doubles each time; then one
  question finds out whether it is back, and the others still pass it over. While no server at all replies, it is the
  network that is silent, and no while grows.
* What is known of a server is apart from data, and forgotten after `_KEPT_S`: 15 minutes, as Unbound's host TTL. So is
  what it cannot do, however often it replies: it may have been repaired.
* EDNS is given up for a server only when it said FORMERR or NOTIMP to it and answered without (RFC 6891
  section 6.2.2), never on a timeout.
* A server that has no authority over a zone is asked last for that zone. So is one to whose address family nothing can
  be sent from here, or from which nothing comes back while others reply (IPv6 that leads nowhere), and one with
  `max_in_flight` messages on their way to it.

Limits: `maximum` addresses and as many lame pairs of address and zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from resolver.cache.table import Table
from resolver.network.base import Clock, Endpoint, Entropy

MAX_SERVERS: Final = 10_000
UNKNOWN_TIMEOUT_S: Final = 0.376
"""The first wait for a server never heard of: Unbound's value, above nearly all round trips on earth."""
MIN_TIMEOUT_S: Final = 0.1
MAX_TIMEOUT_S: Final = 2.0
_DECAY: Final = 0.98
_NEW_SPREAD_S: Final = 0.03
_DEAD_AFTER: Final = 3
_BACKOFF_FIRST_S: Final = 2.0
_BACKOFF_MAX_S: Final = 300.0
_KEPT_S: Final = 900.0
_NO_ROUTE_S: Final = 10.0
"""How long a family of addresses to which nothing could be sent is asked last."""
_FAMILY_DEAD_AFTER: Final = 8
"""Silences in a row, of whichever servers, after which a family that nobody was heard of is asked last."""
_FAMILY_S: Final = 60.0
_PROBE_S: Final = 4.0
"""How long the one question that probes a dead server may take."""
NETWORK_WORKS_S: Final = 30.0
"""So long after a server replied, silence is put down to servers and not to the network."""
ALIVE_S: Final = 10.0
"""So long after a reply, silence is put down to what was asked: some servers drop questions for certain names."""
MAX_IN_FLIGHT: Final = 200


@dataclass(slots=True)
class ServerState:
    """What is known of one address; times in seconds."""

    smoothed: float
    known_until: float
    variance: float = 0.0
    replies: int = 0
    heard: float = float("-inf")
    silent: int = 0
    handicap: float = 0.0
    dead_until: float = 0.0
    edns_from: float = 0.0
    case_from: float = 0.0
    in_flight: int = 0


class Standing(NamedTuple):
    """What a server has shown: the first two are True until it has shown otherwise, the third not while given up."""

    knows_edns: bool
    keeps_case: bool
    has_replied: bool


_GOOD: Final = Standing(True, True, True)


@dataclass(slots=True)
class _Family:
    """What is known of sending to the addresses of one family."""

    passed_over_until: float = 0.0
    silent: int = 0


class Servers:
    """Everything known of the servers of the world, by endpoint."""

    def __init__(self, clock: Clock, entropy: Entropy, maximum: int = MAX_SERVERS) -> None:
        self._states: dict[Endpoint, ServerState] = {}
        self._maximum = maximum
        self._lame: Table[tuple[Endpoint, bytes], bool] = Table(maximum, clock)
        self._families = {False: _Family(), True: _Family()}  # by whether it is IPv6
        self._heard = float("-inf")
        self._monotonic, self._boottime = clock.monotonic, clock.boottime
        self._entropy = entropy
        self.max_in_flight = MAX_IN_FLIGHT

    def __len__(self) -> int:
        return len(self._states)

    def state(self, server: Endpoint) -> ServerState:
        """What is known of `server`, to be read."""
        state = self._states.get(server)
        now = self._boottime()
        if state is not None and state.known_until > now:
            return state
        self._states.pop(server, None)
        if len(self._states) >= self._maximum:
            del self._states[next(iter(self._states))]
        state = ServerState(self._entropy.fraction() * _NEW_SPREAD_S, now + _KEPT_S)
        self._states[server] = state
        return state

    @property
    def network_works(self) -> bool:
        """Whether any server has replied lately."""
        return self._monotonic() - self._heard < NETWORK_WORKS_S

    def ordered(self, servers: Sequence[Endpoint], zone: bytes) -> Sequence[Endpoint]:
        """`servers` of `zone`, the one to ask first in front."""
        if len(servers) < 2:
            return servers
        now = self._monotonic()
        states = [(self.state(each), each) for each in servers]
        ranked = sorted(
            (self._passed_over(state, each, zone, now), state.smoothed + state.handicap, each) for state, each in states
        )
        first = ranked[0][2]
        for state, each in states:
            if each is not first:
                state.smoothed *= _DECAY
                state.handicap *= _DECAY
            elif state.silent >= _DEAD_AFTER and state.dead_until <= now:
                state.dead_until = now + _PROBE_S
        return [each for _, _, each in ranked]

    def _passed_over(self, state: ServerState, server: Endpoint, zone: bytes, now: float) -> int:
        """How much speaks against `server`, apart from its time."""
        lame = len(self._lame) and self._lame.get((server, zone))
        return (
            4 * (state.dead_until > now)
            + 2 * (self._families[":" in server.host].passed_over_until > now)
            + (1 if lame or state.in_flight >= self.max_in_flight else 0)
        )

    def enter(self, server: Endpoint) -> bool:
        """Whether one more message may be on its way to `server`; if so it is counted until `leave`."""
        state = self._states.get(server) or self.state(server)
        if state.in_flight >= self.max_in_flight:
            return False
        state.in_flight += 1
        return True

    def leave(self, server: Endpoint) -> None:
        """One message less is on its way to `server`."""
        state = self._states.get(server)
        if state is not None and state.in_flight:
            state.in_flight -= 1

    def timeout(self, server: Endpoint) -> float:
        """Seconds to wait for the first try."""
        state = self._states.get(server) or self.state(server)
        if not state.replies:
            return UNKNOWN_TIMEOUT_S
        seconds = state.smoothed + 4 * state.variance
        if seconds < MIN_TIMEOUT_S:
            return MIN_TIMEOUT_S
        return seconds if seconds < MAX_TIMEOUT_S else MAX_TIMEOUT_S

    def standing(self, server: Endpoint) -> Standing:
        """What `server` has shown so far."""
        now = self._boottime()
        state = self._states.get(server)
        if state is None or state.known_until <= now:
            state = self.state(server)
        elif state.replies and not (state.dead_until or state.edns_from or state.case_from):
            return _GOOD
        replied = state.replies > 0 and state.dead_until <= self._monotonic()
        return Standing(state.edns_from <= now, state.case_from <= now, replied)

    def has_replied(self, server: Endpoint) -> bool:
        """True when it ever did, as far as is remembered, and has not been given up since."""
        return self.standing(server).has_replied

    def heard_lately(self, server: Endpoint) -> bool:
        """Whether `server` has replied within `ALIVE_S`, to whatever it was."""
        state = self._states.get(server)
        return state is not None and self._monotonic() - state.heard < ALIVE_S

    def replied(self, server: Endpoint, seconds: float) -> None:
        """`server` replied after `seconds`."""
        now = self._boottime()
        state = self._states.get(server)
        if state is None or state.known_until <= now:
            state = self.state(server)
        self._heard = state.heard = self._monotonic()
        self._families[":" in server.host].silent = 0
        if state.replies:
            longer = seconds - state.smoothed
            state.variance += ((longer if longer > 0 else -longer) - state.variance) / 4
            state.smoothed += longer / 8
        else:
            state.smoothed, state.variance = seconds, seconds / 2
        state.replies += 1
        state.silent, state.handicap, state.dead_until = 0, 0.0, 0.0
        state.known_until = now + _KEPT_S

    def silent(self, server: Endpoint, waited: float) -> None:
        """`server` did not reply within `waited` seconds, or could not be reached."""
        state = self.state(server)
        state.silent += 1
        family = self._families[":" in server.host]
        family.silent += 1
        if family.silent >= _FAMILY_DEAD_AFTER and self.network_works:
            self._pass_over(family, _FAMILY_S)
        state.handicap = min(MAX_TIMEOUT_S, max(2 * state.handicap, waited))
        if state.silent >= _DEAD_AFTER:
            doublings = min(state.silent - _DEAD_AFTER, 16) if self.network_works else 0
            pause = min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2**doublings)
            state.dead_until = self._monotonic() + pause

    def without_edns(self, server: Endpoint) -> None:
        """`server` does not know EDNS."""
        self.state(server).edns_from = self._boottime() + _KEPT_S

    def changes_case(self, server: Endpoint) -> None:
        """`server` does not echo the letter case of a question: it is asked over TCP instead (draft dns-0x20)."""
        self.state(server).case_from = self._boottime() + _KEPT_S

    def lame(self, server: Endpoint, zone: bytes) -> None:
        """`server` has no authority over `zone`, which is delegated to it."""
        self._lame.put((server, zone), True, _KEPT_S)

    def no_route(self, server: Endpoint) -> None:
        """Nothing can be sent from here to addresses of the family of `server`, for the time being."""
        self._pass_over(self._families[":" in server.host], _NO_ROUTE_S)

    def _pass_over(self, family: _Family, seconds: float) -> None:
        family.silent = 0
        family.passed_over_until = self._monotonic() + seconds

    def clear(self) -> None:
        """Nothing is known."""
        self._states.clear()
        self._lame.clear()
