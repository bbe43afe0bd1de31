"""The tables `[pools.NAME]`: servers that recurse on our behalf, and how one is chosen for each question."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator

from resolver.config.checks import Statuses, body_text, host, path, rcodes, record_type, statuses
from resolver.config.sections.base import Doc, OptionalPath, Section
from resolver.config.upstreams import SYSTEM, PoolMember, members
from resolver.config.values import parsed_zone

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
