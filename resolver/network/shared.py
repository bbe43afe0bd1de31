"""What a UDP socket does that carries several messages to one server: each gets what has its id.

Rules
* It is connected, so that the kernel drops what comes from elsewhere. What comes for an id is delivered until the
  sending is closed.
* What the kernel reports of one message, such as a refusal (ICMP), is trouble for all that are outstanding there.
* What has an id that nobody waits for is a *stray*. A lasting socket is retired after `MAX_STRAYS` of them, so that who
  has found the port must seek another. Any other is retired after the first, which is handed to all that wait: whoever
  guesses is told apart there, message by message, as on a socket of its own. What comes again, or late, is no stray.
* A retired socket takes no new message and is closed once none is outstanding.

Limits: `UDP_BATCH` datagrams of one socket in a turn; as many sockets as an `Opener` may open, for all that share one.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from resolver.network.base import Deliver, Endpoint, Entropy, Timer, Trouble
from resolver.network.poller import Poller
from resolver.network.ports import family_of, udp_socket
from resolver.network.tally import Tally
from resolver.network.troubles import trouble_of

MAX_STRAYS: Final = 4
"""Datagrams with an id that nobody waits for, after which a socket is retired. Duplicates and late replies are some."""

UDP_BUFFER: Final = 4096
"""Octets read of one datagram: three times what we offer to take (`EDNS_PAYLOAD`)."""

UDP_BATCH: Final = 16
"""Datagrams read per wake-up of one socket, so that a flood of forged ones cannot hold the loop."""


class Message:
    """A `Sending` by a shared socket."""

    __slots__ = ("deliver", "key", "shared")

    def __init__(self, shared: Shared, key: bytes, deliver: Deliver) -> None:
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


class Shared:
    """A connected socket with the messages that are outstanding on it, by id."""

    __slots__ = (
        *("_fd", "_free", "_poller", "_sock", "_strays", "_tally"),
        *("had", "lasting", "left", "retired", "send", "timer", "to", "until", "used", "waiting"),
    )

    def __init__(
        self,
        sock: socket.SocketType,
        poller: Poller,
        tally: Tally,
        free: Callable[[Shared], None],
        to: Endpoint,
        *,
        left: int,
        lasting: bool,
    ) -> None:
        """It leads `to` a server. `left` messages may still be sent; `free` is called with it when it is closed."""
        self._sock: socket.SocketType | None = sock
        self.send: Callable[[bytes], int] = sock.send
        """Lets a message leave. Raises OSError, which may be about an earlier one."""
        self._fd = sock.fileno()
        self._poller, self._tally, self._free = poller, tally, free
        self.to = to
        self._strays = 0
        self.left = left
        self.until = self.used = 0.0
        """Monotonic times for its owner: when it is to be retired, and when a message was last sent."""
        self.retired = False
        self.timer: Timer | None = None
        """Of its end, if that has one."""
        self.waiting: dict[bytes, Message] = {}
        self.lasting = lasting
        self.had: set[bytes] = set()
        """The ids of all its messages, unless it is lasting."""
        poller.add(self._fd, self)

    def add(self, key: bytes, deliver: Deliver) -> Message:
        """`deliver` gets what has the id `key`, of a message that has left."""
        message = self.waiting[key] = Message(self, key, deliver)
        self._tally.pooled += 1
        if not self.lasting:
            self.had.add(key)
        self.left -= 1
        if not self.left:
            self.retire()
        return message

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
                self._stray(datagram)
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
        if self.timer is not None:
            self.timer.cancel()
        if sock is not None:
            self._poller.remove(self._fd)
            sock.close()
            self._free(self)

    def _stray(self, datagram: bytes) -> None:
        if self.lasting:
            self._tally.strays += 1
            self._strays += 1
            if self._strays == MAX_STRAYS:
                self.retire()
        elif datagram[:2] not in self.had:
            self._tally.strays += 1
            self.retire()
            for message in tuple(self.waiting.values()):
                if message.deliver is not None:  # not closed by the receiver of another
                    message.deliver(datagram)


class Opener:
    """Opens them, from the address `source` if that is given: `share` at a time, for all who share sockets."""

    __slots__ = ("_entropy", "_poller", "_share", "_source", "_tally", "open")

    def __init__(self, poller: Poller, entropy: Entropy, tally: Tally, share: int, source: str) -> None:
        self._poller, self._entropy, self._tally = poller, entropy, tally
        self._share, self._source = share, source
        self.open = 0
        """Sockets open now, retired ones that still wait for a reply among them."""

    @property
    def is_full(self) -> bool:
        """Whether no more may be opened now."""
        return self.open >= self._share

    def opened(self, to: Endpoint, free: Callable[[Shared], None], *, left: int, lasting: bool) -> Shared:
        """A socket that leads `to` a server from a port that was drawn for it. Raises OSError and OverflowError."""
        sock = udp_socket(family_of(to.host), self._entropy, self._source)
        try:
            sock.connect(to)
            shared = Shared(sock, self._poller, self._tally, partial(self._freed, free), to, left=left, lasting=lasting)
        except BaseException:
            sock.close()
            raise
        self.open += 1
        return shared

    def _freed(self, free: Callable[[Shared], None], shared: Shared) -> None:
        self.open -= 1
        free(shared)
