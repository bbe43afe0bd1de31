"""Where iteration begins: the root servers of the Internet as built in, or those that a hints file names.

The built-in list is IANA's root hints (https://www.internic.net/domain/named.root). It may age: the root is
primed before it is used (RFC 9609), so one address that still answers is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from resolver.engine.delegation import UNTOUCHED, Delegation, NameServer, endpoints
from resolver.errors import ConfigError
from resolver.message import RRset, Type
from resolver.network.base import Endpoint
from resolver.wire import names

PORT: Final = 53

_INTERNET: Final = {
    "a": ("198.41.0.4", "2001:503:ba3e::2:30"),
    "b": ("170.247.170.2", "2801:1b8:10::b"),
    "c": ("192.33.4.12", "2001:500:2::c"),
    "d": ("199.7.91.13", "2001:500:2d::d"),
    "e": ("192.203.230.10", "2001:500:a8::e"),
    "f": ("192.5.5.241", "2001:500:2f::f"),
    "g": ("192.112.36.4", "2001:500:12::d0d"),
    "h": ("198.97.190.53", "2001:500:1::53"),
    "i": ("192.36.148.17", "2001:7fe::53"),
    "j": ("192.58.128.30", "2001:503:c27::2:30"),
    "k": ("193.0.14.129", "2001:7fd::1"),
    "l": ("199.7.83.42", "2001:500:9f::42"),
    "m": ("202.12.27.33", "2001:dc3::35"),
}


def internet() -> Delegation:
    """The root servers of the Internet."""
    return root(
        NameServer(names.from_text(f"{letter}.root-servers.net."), tuple(Endpoint(host, PORT) for host in hosts))
        for letter, hosts in _INTERNET.items()
    )


def from_file(path: Path) -> Delegation:
    """The root servers that the master file `path` names. Raises `ConfigError` or `ZoneError`."""
    from resolver.auth import master

    rrsets: dict[tuple[bytes, int], RRset] = {
        (names.fold(rrset.name), rrset.type): rrset for rrset in master.read(path, names.ROOT).rrsets()
    }
    ns = rrsets.get((names.ROOT, Type.NS))
    servers = []
    for target in ns.rdatas if ns is not None else ():
        name = names.fold(target)
        found = [
            endpoint
            for rtype in (Type.A, Type.AAAA)
            if (rrset := rrsets.get((name, rtype))) is not None
            for endpoint in endpoints(rrset, PORT)
        ]
        if found:
            servers.append(NameServer(name, tuple(found)))
    if not servers:
        raise ConfigError(
            "names no root server with an address",
            where=str(path),
            instead='write ". NS a.root-servers.net." and an A or AAAA record for each name',
        )
    return root(servers)


def root(servers: Iterable[NameServer]) -> Delegation:
    """The root, known from configuration: `servers` with their addresses."""
    listed = tuple(servers)[: UNTOUCHED.names]
    return Delegation(names.ROOT, listed, 0, configured=True)
