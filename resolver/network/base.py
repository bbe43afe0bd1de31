"""The only seam between the program and the world: time, randomness, timers and messages to other servers.

Rules: nothing outside `resolver.network` and `resolver.testing` reads a clock, draws a random number or opens a
socket; each is handed one of the protocols below. The real ones are in `sockets.py` and `datagrams.py`, the simulated
in `simulated.py`; `reach.py` decides which addresses may be asked at all.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, MutableSequence, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from resolver.message import Transport

T = TypeVar("T")


class Endpoint(NamedTuple):
    """Where a server is: an IP address in canonical text form, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Upstream(NamedTuple):
    """A server that recurses on our behalf, and how it is reached. `name`: whom its certificate must be for, where that
    is not its address (RFC 8310 section 8.1); `path`: where it answers over HTTPS; `pins`: SHA-256 of the keys of which
    it must have one, if there are any (RFC 7858 section 4.2). Where a datagram is truncated, TCP is next."""

    endpoint: Endpoint
    transport: Transport
    name: str = ""
    path: str = ""
    pins: frozenset[bytes] = frozenset()

    @property
    def is_known_by_pins_alone(self) -> bool:
        """Whether nothing but its key says that it is the right one, since it has no name that a certificate could be
        for."""
        return bool(self.pins) and not self.name

    def __str__(self) -> str:
        return f"{self.transport}://{self.endpoint}{self.path}{'#' if self.name else ''}{self.name}"


class Trouble(enum.StrEnum):
    """Why a message could not be delivered or will not be replied to."""

    REFUSED = "connection refused"
    UNREACHABLE = "unreachable"
    NO_ROUTE = "no way there from here"
    RESET = "connection reset"
    UNDECLARED = "not declared in this world"
    FORBIDDEN = "must not be asked"
    LOCAL = "cannot be sent from here"
    BUSY = "too many messages are on their way to it"
    LOOP = "asks us in turn"
    TIMEOUT = "no reply"
    NO_TLS = "no TLS can be spoken with it"
    UNTRUSTED = "its certificate is refused"
    HTTP = "no answer over HTTPS"

    def because(self, reason: str) -> Trouble:
        """The same kind of trouble, told with its `reason`, which must be printable. It equals no other by chance."""
        told = str.__new__(Trouble, f"{self.kind.value}: {reason}")
        told._name_, told._value_ = self._name_, str(told)
        return told

    @property
    def kind(self) -> Trouble:
        """What it is without its reason: a member of this class."""
        return Trouble[self._name_]


Deliver = Callable[[bytes | Trouble], None]
"""Called with each message that arrives (UDP: possibly more than one, possibly forged) or once with the trouble."""


class Reuse(enum.IntEnum):
    """Which others may share the socket by which a datagram leaves. Streams are shared in any case."""

    NONE = 0
    """None: it has a port that was drawn for it alone (RFC 5452 section 9.2)."""
    BRIEF = 1
    """Those that leave for the same server in the same moment: the port is new for all of them, and soon gone. For
    servers that somebody has configured, to which all questions go."""
    LASTING = 2
    """All to the same server, which has given a cookie that makes its datagrams believable."""


class Sending(Protocol):
    """A message on its way; what arrives is delivered until it is closed."""

    def close(self) -> None:
        """Deliver nothing more and free the socket. Calling it again does nothing."""
        ...


class Timer(Protocol):
    """A callback that is due."""

    def cancel(self) -> None:
        """It will not be called. Calling it again does nothing."""
        ...


class Clock(Protocol):
    """All the time there is, in seconds."""

    def monotonic(self) -> float:
        """For round-trip times and timeouts; stands still in suspend."""
        ...

    def boottime(self) -> float:
        """For TTLs; runs on in suspend, never jumps."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 UTC: for people, and for the validity of signatures."""
        ...

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """`callback` is called once in the loop, `seconds` of monotonic time from now."""
        ...


class Entropy(Protocol):
    """All the randomness there is: from the operating system in production, from a seed in simulations."""

    def bits(self, count: int) -> int:
        """A uniform integer of `count` bits, 1 to 2,040: those of a name."""
        ...

    def fraction(self) -> float:
        """A uniform float in [0, 1)."""
        ...

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, which must not be empty."""
        ...

    def shuffle(self, items: MutableSequence[T]) -> None:
        """`items` is in random order."""
        ...


class Network(Protocol):
    """Carries messages to other servers. It neither retries nor waits: timeouts are its caller's."""

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way. Raises for no reason of the network: trouble is delivered, later, from the loop.

        What comes by a socket that others use as `reuse` allows is delivered to the one with the id that it has.
        """
        ...


Address = Any
"""Where a datagram came from, and on which of our addresses: to be given back to `Datagrams`, which can read it."""

Datagram = tuple[bytes, Address]


class Sent(NamedTuple):
    """What became of a batch: how many left, found no room in the socket, and were refused by the kernel."""

    sent: int
    full: int
    failed: int


class Datagrams(Protocol):
    """Moves datagrams of clients in batches, through a socket that is its own."""

    @property
    def receive(self) -> Callable[[int], tuple[list[Datagram], int]]:
        """Takes at most so many (1 to `datagrams.MOST`) of what waits, without waiting, and gives those that may be
        answered, and how many came from ports that never are. Raises OSError when closed."""
        ...

    @property
    def send(self) -> Callable[[list[Datagram]], Sent]:
        """Gives each of them to the kernel once, in their order, and tells what became of them."""
        ...

    @property
    def host(self) -> Callable[[Address], Hashable]:
        """Gives what equal hosts have in common, at the price of a look: it is asked for each datagram."""
        ...

    @property
    def peer(self) -> Callable[[Address], tuple[str, int]]:
        """Gives the host of an address, as text, and its port."""
        ...

    def fileno(self) -> int:
        """The descriptor to wait on; -1 when it is closed."""
        ...

    def close(self) -> None:
        """Nothing is moved any more. Calling it again does nothing."""
        ...
