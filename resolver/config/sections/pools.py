"""The tables `[pools.NAME]`: servers that recurse on our behalf, and how one is chosen for each question."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, PlainValidator

from resolver.config.checks import Statuses, body_text, host, path, rcodes, record_type, statuses
from resolver.config.sections.base import Doc, OptionalPath, Section
from resolver.config.stores import sticky_table
from resolver.config.upstreams import SYSTEM, PoolMember, members, sources
from resolver.config.values import parsed_zone, possible_path, relay_endpoint, shown
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
        Doc(form=f'a list of upstreams, or of tables with `address`, `weight`, `name`, `pins`; or `"{SYSTEM}"`'),
    ]
    """Who is in it: `"192.0.2.1"` and `"udp://192.0.2.1:53"` (UDP, and TCP where a reply is truncated),
    `"tcp://192.0.2.1"`, `"tls://192.0.2.1#dns.example"` (RFC 7858; the certificate must be for the name behind `#`, or
    for the address where there is none, RFC 8310), `"https://192.0.2.1/dns-query#dns.example"` (RFC 8484). `pins` are
    a list of the SHA-256 of public keys in base64, of which such a server must have one (RFC 7858 section 4.2); where
    it has no name behind `#`, nothing else of its certificate is looked at. `"system"` is who stands in `resolv_conf`,
    but for this daemon itself."""

    policy: Annotated[
        str | None, PlainValidator(policy_name), Doc(form=" or ".join(f'`"{each}"`' for each in POLICIES))
    ] = None
    """How a member is chosen; docs/balancing.md says when to use which. Not set: `"least-response-time"`, and
    `"client-hash"` where `mode` is `"relay"`. Peers: dnsdist `leastOutstanding`, CoreDNS `random`."""

    client_ipv4_prefix: Annotated[int, Field(ge=1, le=32)] = 32
    """How many bits of an IPv4 address are one client, for `"client-hash"`, `sticky` and relays. Peers: NGINX `ip_hash`
    24."""

    client_ipv6_prefix: Annotated[int, Field(ge=1, le=128)] = 64
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
    """Clients in the table of this daemon; who asked least lately is forgotten first. A store is told of no more new
    ones in `sticky_s`, so that made-up addresses do not fill it."""

    mode: Literal["forward", "relay"] = "forward"
    """`"forward"`: questions are read, answered from the cache, joined, and what comes back is checked. `"relay"`: what
    arrives at `listen` is passed on by the client's address, and nothing of it but its id is looked at."""

    retry_ms: Annotated[int, Field(ge=50, le=4000)] = 800
    """How long a member may be silent before the question goes to another one, too. Peers: dnsdist none, CoreDNS
    `forward` 2 s, dnsmasq when the client asks again."""

    hedge_percent: Annotated[int, Field(ge=0, le=50)] = 5
    """Of a hundred questions, how many may be asked of a second member while the first is only slow: slower than all
    but so many of a hundred replies of the pool were lately. The first good reply is the answer. 0: a second one is
    asked only after `retry_ms`."""

    resolv_conf: Annotated[Path, Field(strict=False), AfterValidator(possible_path), Doc(form="a path")] = Path(
        "/etc/resolv.conf"
    )
    """The file that names the members of a pool with `members = "system"`. It is read again when it changes."""

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

    source: Annotated[tuple[str, ...], PlainValidator(sources), Doc(form="an address, or a list of two")] = ()
    """From which address of this machine members are asked and checked, whether in plain, over TLS or over HTTPS: one
    of IPv4, one of IPv6, or both. Where the machine has no such address nothing leaves. Not set: whichever the kernel
    takes. Peers: dnsdist `source`, BIND `query-source`, Unbound `outgoing-interface`."""

    tls_ca: OptionalPath = None
    """The certificates that are trusted, as a PEM file; not set, those of the system."""

    https_method: Literal["POST", "GET"] = "POST"
    """How upstreams over HTTPS are asked (RFC 8484 section 4.1): `"GET"` lets caches of HTTP on the way answer,
    `"POST"` is shorter."""

    when_all_down: Literal["open", "closed"] = "open"
    """Whom questions go to when no member is up: `"open"` to all that are not drained, since a wrong finding is more
    likely than none of them working; `"closed"` to none, so that clients are told SERVFAIL. Peers: dnsdist answers
    nothing, CoreDNS is open."""

    check: Literal["dns", "tcp", "tls", "http", "https", "none"] = "dns"
    """How members are checked (docs/health.md): with a query whose answer is looked at, by connecting, by a TLS
    handshake with a look at the certificate, by a request over HTTP/1.1 or over that within TLS, or not at all. Peers:
    dnsdist `checkType` A, CoreDNS a query, and only of members that have failed."""

    check_interval_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 5000
    """From one check of a member to the next. Peers: dnsdist `checkInterval` 1000, HAProxy `inter` 2000."""

    check_jitter_percent: Annotated[int, Field(ge=0, le=50), Doc("percent")] = 20
    """By how much of it that is shorter or longer, drawn each time. Peers: HAProxy `spread-checks` 0."""

    check_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 1000
    """After which a check without a result has failed; never longer than the interval. Peers: dnsdist `checkTimeout`
    1000."""

    check_rise: Annotated[int, Field(ge=1, le=100), Doc("checks")] = 2
    """Good ones in a row that bring a member back. Peers: HAProxy `rise` 2, dnsdist `rise` 1."""

    check_fall: Annotated[int, Field(ge=1, le=100), Doc("checks")] = 3
    """Failed ones in a row that take a member down; the very first alone does. Peers: HAProxy `fall` 3, dnsdist
    `maxCheckFailures` 1."""

    check_port: Annotated[int | None, Field(ge=1, le=65535), Doc("port")] = None
    """Where `"tcp"`, `"tls"`, `"http"` and `"https"` connect to. Not set: to the member's own port where it speaks that
    there, else to 853, 80 or 443."""

    check_name: Annotated[str, PlainValidator(parsed_zone), Doc(form="a domain name")] = "."
    """What `"dns"` asks for. Who does not recurse for us, such as a server of a stub zone, is asked for a name that it
    has. Peers: dnsdist `checkName` a.root-servers.net, CoreDNS `.`."""

    check_type: Annotated[str, PlainValidator(record_type), Doc(form="a record type")] = "NS"
    """Of which type."""

    check_rcodes: Annotated[tuple[str, ...], PlainValidator(rcodes), Doc(form="a list of response codes")] = (
        "NOERROR",
        "NXDOMAIN",
    )
    """Which response codes are good. Peers: dnsdist all but SERVFAIL, NXDOMAIN and REFUSED with `mustResolve`."""

    check_answer: Annotated[str | None, Doc(form="the data of a record")] = None
    """What must be in the answer, as it stands in a zone file: `"192.0.2.1"` for type A. Not set: any answer does."""

    check_host: Annotated[str | None, PlainValidator(host), Doc(form="a host name")] = None
    """For whom the certificate must be, of `"tls"` and `"https"`, and the `Host` of requests. Not set: the name behind
    `#` of the member, else its address."""

    check_certificate_days: Annotated[int, Field(ge=0, le=365), Doc("days")] = 0
    """For how many days more the certificate must be valid, of `"tls"` and `"https"`; one that has expired never is."""

    check_path: Annotated[str, PlainValidator(path), Doc(form="a path of a URL")] = "/"
    """What `"http"` and `"https"` ask for. It is not followed where it leads elsewhere."""

    check_status: Annotated[
        tuple[Statuses, ...], PlainValidator(statuses), Doc(form="a list of statuses or ranges of them")
    ] = (Statuses(200, 299),)
    """Which statuses are good. Peers: HAProxy `http-check expect` 200-399."""

    check_body: Annotated[str, PlainValidator(body_text), Doc(form="a text")] = ""
    """What must be found in the first 64 KiB of the body, letter by letter; nothing if it is empty."""

    passive_fall: Annotated[int, Field(ge=0, le=1000), Doc("questions")] = 5
    """Of clients, in a row, that a member has failed, by which it is suspect; 0: that says nothing. Peers: CoreDNS
    `max_fails` 2, NGINX `max_fails` 1."""

    passive_percent: Annotated[int, Field(ge=0, le=100), Doc("percent")] = 50
    """Of the last 32 questions of clients that a member has failed, by which it is suspect, too; 0: that says
    nothing."""

    passive_confirm: bool = True
    """Whether a suspect is checked at once, and that check decides alone. Otherwise, and where there are no checks, it
    is down by what traffic says."""

    passive_down_s: Annotated[int, Field(ge=1, le=300)] = 10
    """For how long at least a member is down that traffic took down; twice as long each time that it fails again soon,
    up to 300. Peers: NGINX `fail_timeout` 10."""

    @property
    def chosen_by(self) -> str:
        """The name of the policy in force."""
        return self.policy or ("client-hash" if self.mode == "relay" else "least-response-time")

    def source_of(self, host: str) -> str:
        """The address from which the one at the address `host` is asked; "" for any."""
        return next((each for each in self.source if (":" in each) is (":" in host)), "")

    @property
    def places(self) -> tuple[Endpoint, ...]:
        """Where its members are that stand in the configuration."""
        return () if self.members == "system" else tuple(each.upstream.endpoint for each in self.members)
