"""What flows through the program: questions, record sets, messages.

A *name* is its uncompressed wire form as `bytes`. As a key it is lower-cased (`wire.names.fold`); in data
that is answered it keeps the spelling of its zone. Types, classes and rcodes are plain integers with names
here. The hot classes are named tuples: immutable, hashable, and three times cheaper to make than a frozen
dataclass.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

# Flag bits of the second header word (RFC 1035 section 4.1.1, RFC 4035 section 3.2).
QR: Final = 0x8000
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
CD: Final = 0x0010
OPCODE_MASK: Final = 0x7800

EDE_OPTION: Final = 15
"""The EDNS option that holds an extended error (RFC 8914 section 2)."""

EDNS_PAYLOAD: Final = 1232
"""Octets we offer and send over UDP: fits an IPv6 minimum MTU unfragmented (DNS flag day 2020, RFC 9715)."""


class Type(enum.IntEnum):
    """Record types that the program itself knows by name; any other number is carried as it is (RFC 3597)."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    DNAME = 39
    OPT = 41
    DS = 43
    RRSIG = 46
    NSEC = 47
    DNSKEY = 48
    NSEC3 = 50
    SVCB = 64
    HTTPS = 65
    TSIG = 250
    IXFR = 251
    AXFR = 252
    MAILB = 253
    MAILA = 254
    ANY = 255
    CAA = 257


class Class(enum.IntEnum):
    """Record classes (RFC 1035 section 3.2.4, RFC 2136)."""

    IN = 1
    CH = 3
    NONE = 254
    ANY = 255


class Rcode(enum.IntEnum):
    """Response codes, extended ones included (RFC 6895)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    YXDOMAIN = 6
    NOTAUTH = 9
    BADVERS = 16
    BADCOOKIE = 23


class Question(NamedTuple):
    """What is asked: the name as it was spelled, its type and class."""

    name: bytes
    type: int
    cls: int = Class.IN


class Status(enum.IntEnum):
    """How far data is proven (RFC 4035 section 4.3); the status of a whole is the lowest of its parts.

    Bogus is none: it is a failure (`errors.ResolutionFailed` with the label "bogus"), and never held.
    """

    UNCHECKED = 0
    """Nobody looked: validation is off, its client said so (CD), or only the resolver itself uses it."""
    INDETERMINATE = 1
    """No trust anchor is above it."""
    INSECURE = 2
    """Proven to be unsigned: a parent's denial of the DS, or an algorithm that is not known here."""
    SECURE = 3
    """Signed by keys that a trust anchor leads to."""


class Proof(NamedTuple):
    """How far an RRset is proven, and by what. `signatures` are the rdatas of the RRSIGs that cover it.

    `beside` are sets of NSEC or NSEC3, with proofs of their own: those that let a wildcard stand for the name, or at
    the SOA of a denial those that deny.
    """

    status: Status
    signatures: tuple[bytes, ...] = ()
    beside: tuple[RRset, ...] = ()


class RRset(NamedTuple):
    """Records of one name, type and class; `rdatas` are uncompressed, without repetition; `ttl` in seconds.

    `proof` None stands for one that is unchecked and unsigned.
    """

    name: bytes
    type: int
    cls: int
    ttl: int
    rdatas: tuple[bytes, ...]
    proof: Proof | None = None

    @property
    def status(self) -> Status:
        """How far it is proven."""
        return Status.UNCHECKED if self.proof is None else self.proof.status


class Edns(NamedTuple):
    """An OPT record (RFC 6891): `payload` in octets; options as (code, data) in their order."""

    payload: int = EDNS_PAYLOAD
    version: int = 0
    do: bool = False
    options: tuple[tuple[int, bytes], ...] = ()


class Message(NamedTuple):
    """A whole DNS message. `flags` is the second header word without its rcode; `rcode` has all 12 bits."""

    id: int
    flags: int
    rcode: int
    question: Question | None
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    edns: Edns | None = None

    @property
    def opcode(self) -> int:
        """The kind of request, 0 for QUERY."""
        return (self.flags & OPCODE_MASK) >> 11


class Transport(enum.StrEnum):
    """How a message travels."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    HTTPS = "https"


class Session(NamedTuple):
    """What an encrypted connection says of who asks: the name that TLS was begun with (SNI, RFC 6066 section 3); over
    HTTPS the path of the request and its header fields, their names lower-cased."""

    server_name: str = ""
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Client(NamedTuple):
    """Who asked: an IP address as text, a port, the transport, and what is known of its session if it is encrypted."""

    host: str
    port: int
    transport: Transport
    session: Session | None = None


class Ede(NamedTuple):
    """An extended DNS error (RFC 8914): its info-code and a text that ends in its tag, as in `... [LAME]`."""

    code: int
    text: str


class Query(NamedTuple):
    """A question as a client put it, checked and ready for the pipeline.

    `id` is the query's id in the log; `deadline` is the monotonic time in seconds by which it wants its
    reply.
    """

    question: Question
    client: Client
    id: int
    deadline: float
    rd: bool = True
    cd: bool = False
    ad: bool = False
    edns: Edns | None = None

    @property
    def do(self) -> bool:
        """Whether its client wants signatures (RFC 3225 section 3)."""
        return self.edns is not None and self.edns.do


class Reply(NamedTuple):
    """What to tell the client; the server adds id, question, OPT and truncation.

    `storable` says that the rendered reply may be kept and served again until its lowest TTL has run down, or for
    `again_s` seconds: then the question should pass through the stages again, so that they can renew the answer. `tc`:
    a datagram says that it is truncated, whatever it holds, so that its client comes back over TCP.
    """

    rcode: int
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    aa: bool = False
    ra: bool = False
    ad: bool = False
    ede: tuple[Ede, ...] = ()
    storable: bool = False
    again_s: int | None = None
    tc: bool = False


UNTOLD: Final = Reply(-1)
"""The reply of which nothing is told: its client gets no response at all. No rcode is below 0."""


class Respond(Protocol):
    """A server at the level of bytes: listeners and the simulated network call it."""

    def __call__(self, wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
        """Call `send` exactly once, now or later: with the response, or with None when none is to be sent."""
        ...
