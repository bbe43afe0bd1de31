"""The section `[limits]`: how much one client may ask."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, Networks, Section
from resolver.config.values import Network, class_name

_LOOPBACK: Final[tuple[Network, ...]] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

Rate = Annotated[int, Field(ge=0, le=1_000_000), Doc("per second")]
ClassRate = Annotated[int, Field(ge=1, le=1_000_000)]


class Limits(Section):
    """How much one client may ask, and be answered. docs/limits.md says how the limits go together. Of several workers
    each keeps them by itself."""

    queries_per_s: Rate = 0
    """Queries of one client network that are answered; 0 is no limit. Beyond it one of `slip` datagrams is answered
    with TC and the others are dropped; over a stream the answer is REFUSED (`RATE`). Streams, and datagrams with a
    valid DNS cookie (RFC 7873), count apart from other datagrams, which anybody can forge. Peers: off (Unbound
    `ip-ratelimit`, dnsdist `MaxQPSIPRule`, Knot Resolver 6 `rate-limiting`; BIND and PowerDNS have none)."""

    burst_s: Annotated[float, Field(ge=0.01, le=60)] = 1.0
    """Seconds' worth of `queries_per_s`, and of `classes`, that may come at once after a pause."""

    ipv4_prefix: Annotated[int, Field(ge=1, le=32), Doc("bits")] = 32
    """Length of the prefix by which IPv4 clients are taken together. Peers: 32 (Unbound, dnsdist)."""

    ipv6_prefix: Annotated[int, Field(ge=1, le=128), Doc("bits")] = 56
    """The same for IPv6, of which a client has a whole network. Peers: dnsdist 64, Unbound 128."""

    exempt: Annotated[Networks, Doc(form='a list of "ADDR/LENGTH"')] = _LOOPBACK
    """Whose queries and answers are never limited. Set, these networks and no others: a proxy or a sidecar on loopback
    speaks for many, and `[]` limits it too. Peers: none unless named (BIND `exempt-clients`, NSD `rrl-whitelist`)."""

    classes: Annotated[
        dict[Annotated[str, PlainValidator(class_name)], ClassRate],
        Field(strict=False, max_length=64),
        Doc("queries per second", "a table: name = rate"),
    ] = Field(default_factory=dict)
    """Rates of their own for what rules pick out (`[[rules]]`), by a name that the rules use; per client network, with
    the same prefixes, burst and exemptions."""

    responses_per_s: Rate = 0
    """Equal answers, those to one name and type, that leave as datagrams for one network unless it shows a valid DNS
    cookie; twice as many of those that say the same of several names of a domain, as wildcards do. 0 is no limit.
    Others use resolvers that anybody may ask to strike the owner of a forged address. Beyond it one of `slip` is cut to
    TC and the others are dropped. Peers: BIND off (`responses-per-second`), NSD 200 (`rrl-ratelimit`); resolvers other
    than BIND have none."""

    nodata_per_s: Rate | None = None
    """The same for answers without records of one name; not set, as `responses_per_s` (BIND `nodata-per-second`)."""

    nxdomains_per_s: Rate | None = None
    """The same for name errors of one zone, whatever the names; not set, as `responses_per_s` (BIND
    `nxdomains-per-second`)."""

    errors_per_s: Rate | None = None
    """The same for all errors, such as SERVFAIL and REFUSED; not set, as `responses_per_s` (BIND
    `errors-per-second`)."""

    responses_window_s: Annotated[float, Field(ge=0, le=3600)] = 15.0
    """How long answers that were beyond the limit count against their network when a flood has ceased. Peers: BIND 15
    (`window`)."""

    responses_ipv4_prefix: Annotated[int, Field(ge=1, le=32), Doc("bits")] = 24
    """Length of the prefix by which the victims of a flood are taken together. Peers: BIND 24, NSD 24."""

    responses_ipv6_prefix: Annotated[int, Field(ge=1, le=128), Doc("bits")] = 56
    """The same for IPv6. Peers: BIND 56, NSD 64."""

    slip: Annotated[int, Field(ge=0, le=10), Doc("datagrams")] = 2
    """Of so many datagrams beyond a limit one is answered with TC, so that a client which is really there can come by
    TCP; 1 answers all of them so, 0 none. Peers: 2 (BIND `slip`, NSD `rrl-slip`)."""

    max_entries: Annotated[int, Field(ge=100, le=10_000_000), Doc("entries")] = 100_000
    """Networks that are counted at once, and as many kinds of answers of each sort, some 150 octets each; beyond it
    those that were quiet for longest are forgotten. Peers: BIND 20,000 (`max-table-size`), NSD 1,000,000
    (`rrl-size`)."""
