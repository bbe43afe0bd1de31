"""The section `[resolver]`: how answers are found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, ForwardTable, OptionalPath, Section, StubTable, Zone
from resolver.config.values import special_zone

SpecialNames = Annotated[
    tuple[Annotated[str, PlainValidator(special_zone)], ...],
    Field(strict=False, max_length=200),
    Doc(form="a list of names"),
]


class Resolver(Section):
    """How answers are found."""

    mode: Literal["iterative", "recursive"] = "iterative"
    """`"iterative"`: the resolver asks root, TLD and authority itself. `"recursive"`: it asks a root server
    that offers recursion, which asks on its behalf (RFC 1034 section 4.3.1)."""

    roots: Literal["simulated", "internet", "file"] = "simulated"
    """Where iteration begins: the simulated root, the built-in hints of the Internet's root servers (IANA),
    or `hints_file`."""

    hints_file: OptionalPath = None
    """A master file with the NS records of the root and their addresses, for `roots = "file"`."""

    stub_zones: StubTable = Field(default_factory=dict)
    """Zones whose authoritative servers are given here: they are asked without recursion (RD=0), and what
    lies below is iterated from them. The longest match wins. A port not given is 53; `"tcp://192.0.2.1"` is asked over
    TCP alone. A zone that is not signed, and
    that the zones above prove not to be there, such as `corp`, is believed where `dnssec.negative_trust_anchors`
    has it. Peers: Unbound `domain-insecure`, BIND `validate-except`."""

    forward_zones: ForwardTable = Field(default_factory=dict)
    """Zones for which other resolvers are asked, with recursion (RD=1); `"."` forwards everything. The longest match
    wins. They are a list of upstreams, each written as in a pool (`"192.0.2.1"`, `"tls://192.0.2.1#dns.example"`); or a
    pool, by its name; or `"system"`, those in /etc/resolv.conf. A list is a pool with all settings at their defaults,
    whose members are not checked but by what they answer. Of zones that are not signed the same is true as of
    `stub_zones`. Peers: Unbound `forward-zone`, BIND `forwarders`, dnsmasq `server`, CoreDNS `forward`."""

    forward_first: Annotated[tuple[Zone, ...], Field(strict=False, max_length=1024), Doc(form="a list of zones")] = ()
    """Those of `forward_zones` that are iterated, from the root or a stub zone, where none of the upstreams is of use,
    for which they have half of the time that a client waits. The others are forwarded only. Peers: Unbound
    `forward-first`, BIND `forward first`."""

    unreserved: SpecialNames = ()
    """Special-use names that are looked up like any other, with all that are special below them, such as
    `["internal"]`, `["10.in-addr.arpa"]` or, for all, `["."]`. The others are answered here, as their RFCs say, and
    nobody is asked: `localhost`, `invalid`, `local`, `onion`, `alt`, `internal`, `home.arpa`, `resolver.arpa`,
    `service.arpa` and the reverse zones of private addresses (RFC 6303). A stub or forward zone, or a zone of the
    simulated world, needs no mention here: it always comes first. Peers: Unbound `local-zone: NAME nodefault`, BIND
    `disable-empty-zone`, PowerDNS `serve-rfc1918`, Knot Resolver a policy rule."""

    allow_private_upstreams: bool = False
    """Private addresses (RFC 1918, RFC 4193) may be asked, as networks with a DNS of their own need. Off, a
    zone on the Internet cannot make the resolver probe the network it stands in. Peers: PowerDNS the same
    (`dont-query`), Unbound loopback alone (`do-not-query-localhost`), BIND and Knot Resolver ask any."""

    qname_minimisation: bool = True
    """A server is told no more labels of the name than it needs (RFC 9156). Peers: all four on, relaxed as here
    (`qname-minimisation`, BIND and PowerDNS `qname-minimization`)."""

    use_0x20: bool = True
    """The letters of the names that are asked are in random case, which forged replies must guess
    (draft-vixie-dnsext-dns0x20). Peers: Knot Resolver on, Unbound off (`use-caps-for-id`), BIND and PowerDNS
    without."""

    client_timeout_ms: Annotated[int, Field(ge=100, le=4900)] = 4500
    """A client has its answer, or SERVFAIL, after this time. Stub resolvers give up at 5 s. The work
    goes on until `budget.work_ms`. Peers: BIND 10 s (`resolver-query-timeout`), Knot Resolver 10 s, PowerDNS 7 s
    (`max-total-msec`), Unbound when it is found out, but told to nobody after 1.9 s (`discard-timeout`)."""

    max_per_zone: Annotated[int, Field(ge=1, le=65536), Doc("questions")] = 200
    """Questions that wait for servers of one zone at once; a further one fails at once (`BUSZ`), so that a silent zone
    or a flood of names below it cannot take what others need. Half of them may have been met with
    silence. Peers: BIND 0, which is no limit (`fetches-per-zone`)."""

    max_per_server: Annotated[int, Field(ge=1, le=65536), Doc("messages")] = 200
    """Messages on their way to one address at once; with more another server of the zone is asked, and where there is
    none the question fails. Forwarders are exempt from both. Peers: BIND 0, no limit (`fetches-per-server`)."""

    cookies: bool = True
    """Servers are sent DNS cookies (RFC 7873), and one that has returned its own is believed over UDP only with ours in
    the reply. Costs 12 to 44 octets a query. Peers: BIND on (`send-cookie`), PowerDNS off; Unbound and Knot Resolver
    send none by default."""
