"""Decides which datagrams share a socket: those to servers whose replies are believable without a fresh port.

A server that has given a DNS cookie must show ours, 64 random bits, in each reply (RFC 7873 section 5.3). Who cannot
see our queries gains nothing from knowing the port, so one socket may carry many of them; only the sender of a message
knows whether that holds, and says so.

Rules:
* A server has up to `2**SLOT_BITS` sockets, each connected and on a random port of its own; each message draws one.
* Messages on one socket are told apart by id. One whose id is in use there, or that would be the
  `MAX_OUTSTANDING + 1`st, takes a fresh socket. What comes for an id is delivered until the sending is closed.
* A socket is retired after `MESSAGES` to twice as many, after `AGE_S` to twice that, both drawn; after `IDLE_S` without
  a message; and after `MAX_STRAYS` datagrams that nobody waits for, so that who has found the port must seek another.
  A retired socket takes no new message and is closed once none is outstanding.
* What the kernel reports of one message, such as a refusal (ICMP), is trouble for all that are outstanding there.

Limits: at most `share` sockets in all; beyond that, fresh ones. A datagram that comes twice is a stray.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from resolver.network.base import Clock, Deliver, Endpoint, Entropy, Sending, Trouble
from resolver.network.poller import Poller
from resolver.network.ports import family_of, udp_socket
from resolver.network.tally import Tally
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

MAX_STRAYS: Final = 4
"""Datagrams with an id that nobody waits for, after which a socket is retired. Duplicates and late replies are some."""

UDP_BUFFER: Final = 4096
"""Octets read of one datagram: three times what we offer to take (`EDNS_PAYLOAD`)."""

UDP_BATCH: Final = 16
"""Datagrams read per wake-up of one socket, so that a flood of forged ones cannot hold the loop."""


class _Message:
    """A `Sending` by a shared socket."""

    __slots__ = ("deliver", "key", "shared")

    def __init__(self, shared: _Shared, key: bytes, deliver: Deliver) -> None:
        self.shared, self.key = shared, key
        self.deliver: Deliver | None = deliver

    def close(self) -> None:
        """Deliver nothing more; the id is free again. Calling it again does nothing."""
        if self.deliver is not None:
            self.deliver = None
            shared = self.shared
            shared.waiting.pop(self.key, None)
            if shared.retired and not shared.waiting:
                shared.close()


class _Shared:
    """A connected socket with the messages that are outstanding on it, by id."""

    __slots__ = (
        "_fd",
        "_free",
        "_poller",
        "_sock",
        "_strays",
        "_tally",
        "left",
        "retired",
        "send",
        "until",
        "used",
        "waiting",
    )

    def __init__(
        self,
        sock: socket.SocketType,
        poller: Poller,
        tally: Tally,
        free: Callable[[], None],
        *,
        left: int,
        until: float,
    ) -> None:
        """`left` messages may still be sent, until the monotonic time `until`; `free` is called when it is closed."""
        self._sock: socket.SocketType | None = sock
        self.send: Callable[[bytes], int] = sock.send
        """Lets a message leave. Raises OSError, which may be about an earlier one."""
        self._fd = sock.fileno()
        self._poller, self._tally, self._free = poller, tally, free
        self._strays = 0
        self.left, self.until, self.used = left, until, 0.0
        self.retired = False
        self.waiting: dict[bytes, _Message] = {}
        poller.add(self._fd, self)

    def ready(self, _events: int) -> None:
        """What has come is delivered. Stops when nothing is outstanding: what else there is will be reported again."""
        waiting = self.waiting
        for _ in range(UDP_BATCH):
            sock = self._sock
            if sock is None:  # closed by a receiver, or earlier in this turn of the loop
                return
            try:
                datagram = sock.recv(UDP_BUFFER)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.fail(trouble_of(error))
                return
            message = waiting.get(datagram[:2])
            if message is not None and message.deliver is not None:
                message.deliver(datagram)
            else:
                self._stray()
            if not waiting:
                return

    def fail(self, trouble: Trouble) -> None:
        """Closed; all that is outstanding has `trouble`."""
        messages = tuple(self.waiting.values())
        self.close()
        for message in messages:
            if message.deliver is not None:  # not closed by the receiver of another
                message.deliver(trouble)

    def retire(self) -> None:
        """No message is sent by it any more; closed as soon as none is outstanding."""
        if not self.retired:
            self.retired = True
            self._tally.retired += 1
            if not self.waiting:
                self.close()

    def close(self) -> None:
        """Nothing more is delivered. Calling it again does nothing."""
        sock, self._sock = self._sock, None
        self.retired = True
        self.waiting.clear()
        if sock is not None:
            self._poller.remove(self._fd)
            sock.close()
            self._free()

    def _stray(self) -> None:
        self._tally.strays += 1
        self._strays += 1
        if self._strays == MAX_STRAYS:
            self.retire()


class Pool:
    """The shared sockets, by server."""

    def __init__(
        self, poller: Poller, clock: Clock, entropy: Entropy, tally: Tally, share: int, source: str = ""
    ) -> None:
        """They are bound to the address `source`, if that is given."""
        self._poller, self._clock, self._entropy, self._tally = poller, clock, entropy, tally
        self._share, self._source = share, source
        self._slots: dict[Endpoint, list[_Shared | None]] = {}
        self._now = 0.0
        self.open = 0
        """Sockets open now, retired ones that still wait for a reply among them."""

    def send(self, to: Endpoint, wire: bytes, deliver: Deliver, has_room: bool) -> Sending | None:
        """`wire` is on its way by a shared socket; None when it must have a fresh one. Raises OSError, OverflowError.

        `has_room`: a socket may be opened.
        """
        number = self._entropy.bits(SLOT_BITS)
        slots = self._slots.get(to)
        shared = None if slots is None else slots[number]
        if shared is None or shared.retired:
            if not has_room or self.open >= self._share:
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
        message = waiting[key] = _Message(shared, key, deliver)
        self._tally.pooled += 1
        shared.used = self._now
        shared.left -= 1
        if not shared.left:
            shared.retire()
        return message

    def sweep(self, now: float) -> bool:
        """Sockets that are too old or idle at the monotonic time `now` are retired; whether any are left."""
        self._now = now
        for to, slots in tuple(self._slots.items()):
            for shared in slots:
                if shared is not None and (now >= shared.until or now >= shared.used + IDLE_S):
                    shared.retire()
            if all(shared is None or shared.retired for shared in slots):
                del self._slots[to]
        return self.open > 0

    def _opened(self, to: Endpoint, number: int) -> _Shared:
        """A new socket to `to`, in its slot. Raises OSError and OverflowError."""
        entropy = self._entropy
        self._now = self._clock.monotonic()
        sock = udp_socket(family_of(to.host), entropy, self._source)
        try:
            sock.connect(to)
            shared = _Shared(
                sock,
                self._poller,
                self._tally,
                self._freed,
                left=MESSAGES + entropy.bits(9),
                until=self._now + AGE_S * (1 + entropy.fraction()),
            )
        except BaseException:
            sock.close()
            raise
        self.open += 1
        self._slots.setdefault(to, [None] * (1 << SLOT_BITS))[number] = shared
        return shared

    def _freed(self) -> None:
        self.open -= 1
