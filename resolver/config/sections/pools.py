"""The tables `[pools.NAME]`: servers that recurse on our behalf, and how one is chosen for each question."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, OptionalPath, Section
from resolver.config.stores import sticky_table
from resolver.config.upstreams import SYSTEM, PoolMember, members
from resolver.config.values import relay_endpoint, shown
from resolver.network.base import Endpoint
from resolver.text import nearest

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


def policy_name(value: object) -> str | None:
    """The name of a policy."""
    if value is None or value in POLICIES:
        return value
    raise ValueError(f"{shown(value)} is no policy; {nearest(str(value), POLICIES)}")


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

    policy: Annotated[
        str | None, PlainValidator(policy_name), Doc(form=" or ".join(f'`"{each}"`' for each in POLICIES))
    ] = None
    """How a member is chosen; docs/balancing.md says when to use which. Not set: `"least-response-time"`, and
    `"client-hash"` where `mode` is `"relay"`. Peers: dnsdist `leastOutstanding`, CoreDNS `random`."""

    client_prefix_v4: Annotated[int, Field(ge=1, le=32)] = 32
    """How many bits of an IPv4 address are one client, for `"client-hash"`, `sticky` and relays. Peers: NGINX `ip_hash`
    24."""

    client_prefix_v6: Annotated[int, Field(ge=1, le=128)] = 64
    """The same of an IPv6 address: hosts change their address within their /64. Peers: NGINX `ip_hash` 128."""

    load_bound: Annotated[float, Field(ge=1.05, le=100, strict=False)] = 1.25
    """How many times its share of what is outstanding a member may have before `"consistent-hash"` passes it over.
    Peers: HAProxy `hash-balance-factor` off, dnsdist `setConsistentHashingBalancingFactor` off."""

    slow_start_s: Annotated[int, Field(ge=0, le=3600)] = 10
    """How long a member that comes back gets less than its share, growing from 1/20 to all of it; 0: it has all of it
    at once. Peers: HAProxy `slowstart` and NGINX `slow_start` 0."""

    sticky: Annotated[
        str | None, PlainValidator(sticky_table), Doc(form='`"memory"`, or `"valkey://ADDR:PORT/DB"` (also `redis://`)')
    ] = None
    """Whether a client keeps the member that it was given once, while that takes questions: in a table of this daemon,
    or in one that several share by Valkey or Redis (`pip install resolverd[valkey]`). Not set: no table. While the
    store is not there, the daemon goes on with its own table. Workers have a table each."""

    sticky_password: str | None = None
    """The password of that store, of the user that the URL names before `@`, if any."""

    sticky_s: Annotated[int, Field(ge=1, le=604_800)] = 600
    """How long a client keeps its member after its last question."""

    sticky_max_clients: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """Clients in the table of this daemon; who asked least lately is forgotten first."""

    mode: Literal["forward", "relay"] = "forward"
    """`"forward"`: questions are read, answered from the cache, joined, and what comes back is checked. `"relay"`: what
    arrives at `listen` is passed on by the client's address, and nothing of it but its id is looked at."""

    listen: Annotated[
        tuple[Annotated[Endpoint, PlainValidator(relay_endpoint)], ...],
        Field(strict=False, max_length=64),
        Doc(form='a list of "ADDR" or "ADDR:PORT"'),
    ] = ()
    """Where a relay takes datagrams and streams; port 0 is any that is free. Members of a relay are `udp://`: both
    kinds go to their port. Who may ask is `server.allow`, as everywhere."""

    relay_timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 5000
    """How long a relay waits for the reply to a datagram, before it forgets who asked. Peers: dnsdist `setUDPTimeout`
    2000."""

    relay_max_pending: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Datagrams whose reply a relay waits for; the oldest is given up for a new one."""

    relay_max_streams: Annotated[int, Field(ge=1, le=65_536)] = 500
    """Streams that a relay holds open; a further one is closed at once."""

    relay_idle_s: Annotated[int, Field(ge=1, le=3600)] = 30
    """How long a stream of a relay may carry nothing before both its ends are closed."""

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

    @property
    def chosen_by(self) -> str:
        """The name of the policy in force."""
        return self.policy or ("client-hash" if self.mode == "relay" else "least-response-time")
