"""The tables `[pools.NAME]`: servers that recurse on our behalf, and how one is chosen for each question."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, OptionalPath, Section
from resolver.config.upstreams import SYSTEM, PoolMember, members

POLICIES: Final = (
    "round-robin",
    "weighted-round-robin",
    "weighted-random",
    "least-outstanding",
    "least-response-time",
    "client-hash",
    "qname-hash",
    "consistent-hash",
    "first-available",
)


class Pool(Section):
    """Servers that recurse on our behalf, under a name by which `resolver.forward_zones` and rules send questions to
    them. docs/balancing.md says which policy is for what."""

    members: Annotated[
        tuple[PoolMember, ...] | Literal["system"],
        PlainValidator(members),
        Doc(form=f'a list of upstreams, or of tables with `address`, `weight`, `name`; or `"{SYSTEM}"`'),
    ]
    """Who is in it: `"192.0.2.1"` and `"udp://192.0.2.1:53"` (UDP, and TCP where a reply is truncated),
    `"tcp://192.0.2.1"`, `"tls://192.0.2.1#dns.example"` (RFC 7858; the certificate must be for the name behind `#`, or
    for the address where there is none, RFC 8310), `"https://192.0.2.1/dns-query#dns.example"` (RFC 8484). `"system"`
    is who stands in /etc/resolv.conf, which is read again when it changes."""

    policy: Annotated[str, Doc(form=" or ".join(f'`"{each}"`' for each in POLICIES))] = "least-response-time"
    """How a member is chosen."""

    mode: Literal["forward", "relay"] = "forward"
    """`"forward"`: questions are read, answered from the cache, joined, and what comes back is checked. `"relay"`: what
    arrives at `listen` is passed on by the client's address, and nothing of it but its id is looked at."""

    tls_ca: OptionalPath = None
    """The certificates that are trusted, as a PEM file; not set, those of the system."""

    check: Literal["dns", "tcp", "tls", "http", "https", "none"] = "dns"
    """How members are checked: with a query whose answer is looked at, by connecting, by a TLS handshake with a look at
    the certificate, by a request over HTTP/1.1 or over that within TLS, or not at all."""

    check_interval_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 5000
    """Between two checks of a member."""

    check_jitter_percent: Annotated[int, Field(ge=0, le=50)] = 20
    """By how much of it the interval is shorter or longer, drawn each time."""

    check_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 1000
    """After which a check without a result has failed."""

    check_rise: Annotated[int, Field(ge=1, le=100)] = 2
    """Good checks in a row that bring a member back."""

    check_fall: Annotated[int, Field(ge=1, le=100)] = 3
    """Failed checks in a row that take a member down."""

    check_name: str = "."
    """What a query asks for."""

    check_type: str = "NS"
    """Of which type."""

    check_rcodes: Annotated[
        tuple[str, ...], Field(strict=False, min_length=1, max_length=16), Doc(form="a list of response codes")
    ] = ("NOERROR", "NXDOMAIN")
    """Which response codes are good."""

    passive_fall: Annotated[int, Field(ge=0, le=1000)] = 5
    """Questions of clients in a row that a member has failed, by which it is suspect; 0: that says nothing."""

    passive_percent: Annotated[int, Field(ge=0, le=100)] = 50
    """Of the last 32 questions of clients, by which it is suspect, too; 0: that says nothing."""

    passive_confirm: bool = True
    """Whether a suspect is checked at once, and that check decides; otherwise it is down by what traffic says alone."""

    passive_down_s: Annotated[int, Field(ge=1, le=300)] = 10
    """For how long at least a member is down that traffic alone took down; twice as long each time it fails again soon,
    up to 300."""

    when_all_down: Literal["open", "closed"] = "open"
    """Whom questions go to when no member is up: `"open"` to all that are not drained, `"closed"` to none, which is
    SERVFAIL."""
