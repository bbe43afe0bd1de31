"""The section `[filters]`: names and answers that are decided here, whatever others say."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainValidator

from resolver.config.filtering import block_answer, dns64_prefix, listed_name, local_kind, local_record
from resolver.config.sections.base import Doc, Networks, Section
from resolver.config.values import parsed_zone, zones_once
from resolver.filters.kinds import BlockAnswer

MAX_LISTS: Final = 64
"""Lists of one kind."""

Lists = Annotated[
    tuple[Annotated[Path, Field(strict=False)], ...],
    Field(strict=False, max_length=MAX_LISTS),
    Doc(form="a list of paths"),
]
ListedNames = Annotated[
    tuple[Annotated[str, PlainValidator(listed_name)], ...],
    Field(strict=False, max_length=10_000),
    Doc(form="a list of names"),
]
Zones = Annotated[
    tuple[Annotated[str, PlainValidator(parsed_zone)], ...],
    Field(strict=False, max_length=1_000),
    Doc(form="a list of names"),
]
Excluded = Annotated[Networks, Doc(form='a list of "ADDR/LENGTH"')]
LocalZones = Annotated[
    dict[Annotated[str, PlainValidator(parsed_zone)], Annotated[str, PlainValidator(local_kind)]],
    BeforeValidator(zones_once),
    Field(strict=False, max_length=10_000),
    Doc(form="a table: zone = type"),
]
LocalData = Annotated[
    tuple[Annotated[str, PlainValidator(local_record)], ...],
    Field(strict=False, max_length=100_000),
    Doc(form="a list of records"),
]
Prefixes = Annotated[
    tuple[Annotated[ipaddress.IPv6Network, PlainValidator(dns64_prefix)], ...],
    Field(strict=False, max_length=8),
    Doc(form='a list of "ADDR/LENGTH"'),
]
BlockAnswers = Annotated[
    str | tuple[str, ...],
    PlainValidator(block_answer),
    Doc(form=" or ".join(f'`"{each}"`' for each in BlockAnswer) + " or a list of addresses"),
]


class Filters(Section):
    """Names and answers that are decided here, whatever others say: local data, block lists, private addresses, DNS64.
    docs/filtering.md says how they go together."""

    local_zones: LocalZones = Field(default_factory=dict)
    """Local zones, by what becomes of names in them that have no record in `local_data` or a hosts file: `static` does
    not exist, `transparent` is looked up, `typetransparent` too if there are records of other types, `redirect` is
    answered from the records of the zone's own name, `refuse`, `deny` (no answer), `block_a`; `always_nxdomain`,
    `always_nodata`, `always_refuse`, `always_null` (0.0.0.0 and ::), `always_deny` and `always_transparent` do not look
    at records; `nodefault` is looked up although it is a special-use name. The nearest zone counts. Peers: Unbound
    `local-zone`, PowerDNS `auth-zones`, Knot Resolver `local-data`."""

    local_data: LocalData = ()
    """Records that are answered here, such as `"www.corp.example 300 A 192.0.2.1"`, whatever the DNS says. Of a name
    that has some no other types are there. They come before special-use names and block lists. Peers: Unbound
    `local-data`, dnsmasq `address` and `host-record`, Knot Resolver `local-data`."""

    hosts_files: Lists = ()
    """Files like /etc/hosts, whose names and addresses are answered here, and the first name of each address for its
    reverse name. Read at the start and at each reload. Peers: dnsmasq /etc/hosts (`addn-hosts`), PowerDNS
    `etc-hosts-file`, Knot Resolver `addresses-files`; Unbound without."""

    local_ttl_s: Annotated[int, Field(ge=0, le=86_400)] = 300
    """TTL of local records that have none, those of hosts files among them, and of denials in local zones. Peers:
    Unbound 3,600, dnsmasq 0 (`local-ttl`)."""

    block_lists: Lists = ()
    """Files of names that are blocked, with all below them, in any of three forms, which is found out for each: a name
    on each line (`*.name`: only what is below it), a hosts file with addresses that lead nowhere, or the rules of an
    adblock list, of which those that begin with `@@` allow. Lines that cannot be read are counted, the first few
    logged, and skipped. Read at the start and at each reload; if a file is missing, or is no list, the lists in force
    stay. A million names take some 45 MB. Peers: Unbound and Knot Resolver by RPZ, dnsmasq `addn-hosts`."""

    block: ListedNames = ()
    """Names that are blocked besides."""

    allow_lists: Lists = ()
    """Files of names that are never blocked, with all below them, in the same forms."""

    allow: ListedNames = ()
    """Names that are never blocked besides."""

    block_answer: BlockAnswers = "nxdomain"
    """What is told of a blocked name: that it does not exist, that it has no data, the addresses 0.0.0.0 and ::,
    REFUSED, or addresses of your own; always with the extended error 15 (Blocked). Peers: Unbound by zone type,
    dnsmasq an address, RPZ by record."""

    block_ttl_s: Annotated[int, Field(ge=0, le=86_400)] = 60
    """TTL of what is told of blocked names. Peers: Unbound 3,600, RPZ by record."""

    max_names: Annotated[int, Field(ge=1, le=20_000_000), Doc("names")] = 2_000_000
    """Names in all lists together, and records in all hosts files; with more a list is refused. A million take some
    45 MB, twice that for a moment at a reload. Peers: none has one."""

    rebinding: bool = False
    """Answers from outside with private addresses are refused, by which pages of others could reach the network that
    the client is in (DNS rebinding). Peers: Unbound `private-address`, dnsmasq `stop-dns-rebind`, Knot Resolver
    `rebinding-protection`, all off by default."""

    rebinding_names: Zones = ()
    """Names that may have private addresses, with all below them. Zones of `resolver.stub_zones` and
    `resolver.forward_zones` may without being here, but for `"."`. Peers: Unbound `private-domain`, dnsmasq
    `rebind-domain-ok`."""

    rebinding_networks: Excluded = ()
    """Private networks that may be in answers. Peers: dnsmasq `rebind-localhost-ok` for 127.0.0.0/8."""

    rebinding_pools: Annotated[tuple[str, ...], Field(strict=False, max_length=100), Doc(form="a list of names")] = ()
    """Pools (`[pools.NAME]`) whose answers may have private addresses: those of the network that we are in."""

    dns64: Prefixes = ()
    """Prefixes behind which a translator (NAT64) reaches IPv4 addresses, such as `["64:ff9b::/96"]`: names without an
    AAAA record get one for each that is made of their A record (RFC 6147). Peers: Unbound `dns64-prefix`, BIND
    `dns64`, Knot Resolver `dns64`, PowerDNS by script."""

    dns64_clients: Excluded = ()
    """Clients for whom such records are made; none listed means all. Peers: BIND `dns64 { clients }`."""

    dns64_exclude_aaaa: Excluded = (ipaddress.ip_network("::ffff:0:0/96"),)
    """AAAA records in these networks count for nothing. Peers: BIND the same (`exclude`), Knot Resolver
    `exclude-subnets`, Unbound by name (`dns64-ignore-aaaa`)."""

    dns64_exclude_a: Excluded = ()
    """A records in these networks get no address. With `64:ff9b::/96` private ones never do (RFC 6052 section 3.1).
    Peers: BIND `mapped`."""

    log: bool = False
    """Each answer that was decided here is a line of the log: the name, what it met, and where that is written. Peers:
    Unbound `inform`, dnsmasq `log-queries`."""
