"""Decides which datagrams share a socket: those to servers whose replies are believable without a fresh port.

A server that has given a DNS cookie must show ours, 64 random bits, in each reply (RFC 7873 section 5.3). Who cannot
see our queries gains nothing from knowing the port, so one socket may carry many of them; only the sender of a message
knows whether that holds, and says so.

Rules:
* A server has up to `2**SLOT_BITS` sockets, each connected and on a random port of its own; each message draws one.
* Messages on one socket are told apart by id (`shared`). One whose id is in use there, or that would be the
  `MAX_OUTSTANDING + 1`st, takes a fresh socket.
* A socket is retired after `MESSAGES` to twice as many, after `AGE_S` to twice that, both drawn; after `IDLE_S` without
  a message; and after `shared.MAX_STRAYS` datagrams that nobody waits for.

Limits: as many sockets as the opener may open; beyond that, fresh ones. A datagram that comes twice is a stray.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from resolver.network.base import Clock, Deliver, Endpoint, Entropy, Sending
from resolver.network.shared import Opener, Shared
from resolver.network.troubles import trouble_of

SLOT_BITS: Final = 3
"""A server has up to eight sockets, so that each stays far from `MAX_OUTSTANDING`."""

MAX_OUTSTANDING: Final = 64
"""Messages outstanding on one socket: the replies fit its receive buffer of 208 KiB."""

MESSAGES: Final = 512
"""A socket is retired after so many messages, and up to as many more."""

AGE_S: Final = 15.0
"""A socket is retired after so many seconds, and up to as many more."""

IDLE_S: Final = 5.0
"""Seconds without a message after which a socket is retired."""


class Pool:
    """The shared sockets, by server."""

    def __init__(self, opener: Opener, clock: Clock, entropy: Entropy) -> None:
        self._opener, self._clock, self._entropy = opener, clock, entropy
        self._slots: dict[Endpoint, list[Shared | None]] = {}
        self._now = 0.0

    def send(self, to: Endpoint, wire: bytes, deliver: Deliver, has_room: bool) -> Sending | None:
        """`wire` is on its way by a shared socket; None when it must have a fresh one. Raises OSError, OverflowError.

        `has_room`: a socket may be opened.
        """
        number = self._entropy.bits(SLOT_BITS)
        slots = self._slots.get(to)
        shared = None if slots is None else slots[number]
        if shared is None or shared.retired:
            if not has_room or self._opener.is_full:
                return None
            shared = self._opened(to, number)
        key, waiting = wire[:2], shared.waiting
        if key in waiting or len(waiting) >= MAX_OUTSTANDING:
            return None
        try:
            shared.send(wire)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:  # of a message before this one: those who wait hear of it from the loop
            shared.retire()
            self._clock.after(0, partial(shared.fail, trouble_of(error)))
            return None
        shared.used = self._now
        return shared.add(key, deliver)

    def sweep(self, now: float) -> bool:
        """Sockets that are too old or idle at the monotonic time `now` are retired; whether any are left."""
        self._now = now
        for to, slots in tuple(self._slots.items()):
            for shared in slots:
                if shared is not None and (now >= shared.until or now >= shared.used + IDLE_S):
                    shared.retire()
            if all(shared is None or shared.retired for shared in slots):
                del self._slots[to]
        return bool(self._slots)

    def _opened(self, to: Endpoint, number: int) -> Shared:
        """A new socket to `to`, in its slot. Raises OSError and OverflowError."""
        entropy = self._entropy
        self._now = self._clock.monotonic()
        shared = self._opener.opened(to, _forgotten, left=MESSAGES + entropy.bits(9), lasting=True)
        shared.until = self._now + AGE_S * (1 + entropy.fraction())
        self._slots.setdefault(to, [None] * (1 << SLOT_BITS))[number] = shared
        return shared


def _forgotten(_: Shared) -> None:
    """A closed socket leaves its slot when the next is opened there, or at the next look."""
