"""How upstreams are read: servers that recurse on our behalf, by URL, and by the keys that they must have.

Each function takes what TOML, JSON or Python gave and either returns the value or raises `ValueError` with what is
wrong and, after a semicolon, what to write instead.

Limits: the server of a URL is an address: to look up its name would take the server that it is.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from resolver.config.values import DNS_PORT, TLS_PORT, host_name, ip_address, shown, split_endpoint
from resolver.message import Transport
from resolver.network.base import Endpoint, Upstream

SYSTEM: Final = "system"
HTTPS_PORT: Final = 443
_PORTS: Final[Mapping[Transport, int]] = {
    Transport.UDP: DNS_PORT,
    Transport.TCP: DNS_PORT,
    Transport.TLS: TLS_PORT,
    Transport.HTTPS: HTTPS_PORT,
}
ENCRYPTED: Final = (Transport.TLS, Transport.HTTPS)
PATH: Final = "/dns-query"
"""Where most servers answer; RFC 8484 leaves it open."""
TEMPLATE: Final = "{?dns}"
"""What ends the URI of a server where it is written as a template (RFC 8484 section 3)."""
_UPSTREAM_KEYS: Final = ("address", "pins")
_MEMBER_KEYS: Final = ("address", "weight", "name", "pins")
MAX_MEMBERS: Final = 256
MAX_WEIGHT: Final = 1000
MAX_PINS: Final = 16
"""Pins of one upstream: of its key, of the next one, and of those of a few machines behind one address."""
PIN_OCTETS: Final = 32
MAX_LISTED: Final = 32
"""Upstreams of one zone that has no pool of its own."""
POOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_INSTEAD: Final = (
    'write one as in "192.0.2.1", "tls://192.0.2.1#dns.example" or "https://192.0.2.1/dns-query#dns.example"'
)
_PIN: Final = '"' + "A" * 43 + '="'


@dataclass(frozen=True, slots=True)
class PoolMember:
    """One member of a pool. `weight` is relative to those of the others."""

    upstream: Upstream
    weight: int = 1
    name: str = ""

    def __str__(self) -> str:
        return self.name or str(self.upstream)


def members(value: object) -> tuple[PoolMember, ...] | Literal["system"]:
    """The members of a pool."""
    if value == SYSTEM:
        return SYSTEM
    if not isinstance(value, (list, tuple)):
        raise ValueError(f'{shown(value)} is no list of upstreams; write a list, or "{SYSTEM}"')
    if not value:
        raise ValueError(f'a pool needs members; write at least one upstream, or "{SYSTEM}"')
    if len(value) > MAX_MEMBERS:
        raise ValueError(f"{len(value)} members are too many; write {MAX_MEMBERS} at most")
    made = tuple(map(member, value))
    names = [str(each) for each in made]
    for each in names:
        if names.count(each) > 1:
            raise ValueError(f"{shown(each)} stands there twice; remove one, or give it another `name`")
    return made


def member(value: object) -> PoolMember:
    """The member that a text or a table describes."""
    if isinstance(value, PoolMember):
        return value
    if isinstance(value, str):
        return PoolMember(upstream(value))
    if not isinstance(value, Mapping):
        raise ValueError(f"{shown(value)} is no upstream; {_INSTEAD}")
    _check_keys(value, _MEMBER_KEYS, "a member of a pool")
    weight, name = value.get("weight", 1), value.get("name", "")
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= MAX_WEIGHT:
        raise ValueError(f"{shown(weight)} is no weight; write 1 to {MAX_WEIGHT}")
    if not isinstance(name, str) or not name.isprintable() or len(name) > 63:
        raise ValueError(f"{shown(name)} is no name of a member; write a text of at most 63 characters")
    return PoolMember(_described(value), weight, name)


def _check_keys(table: Mapping[object, object], keys: Sequence[str], what: str) -> None:
    """`table`, which is `what`, has no other keys, and an address. Raises ValueError."""
    unknown = sorted(map(str, set(table) - set(keys)))
    if unknown or "address" not in table:
        from resolver.text import closest

        wrong = f"has no key {shown(unknown[0])}" if unknown else "needs an `address`"
        near = closest(unknown[0], keys) if unknown else None
        instead = f"did you mean '{near}'?" if near else f"its keys are {', '.join(keys[:-1])} and {keys[-1]}"
        raise ValueError(f"{what} {wrong}; {instead}")


def _described(table: Mapping[object, object]) -> Upstream:
    """The upstream at the `address` of `table`, with its `pins`."""
    made = _named(table["address"])
    if "pins" not in table:
        return made
    if made.transport not in ENCRYPTED:
        raise ValueError(f"{shown(str(made))} has pins, but no certificate; write tls:// or https://, or no pins")
    return made._replace(pins=_pins(table["pins"]))


def _pins(value: object) -> frozenset[bytes]:
    """The pins of a list of them."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{shown(value)} is no list of pins; write one as in [{_PIN}]")
    if not 1 <= len(value) <= MAX_PINS:
        raise ValueError(f"a list of {len(value)} pins; write 1 to {MAX_PINS}, or leave the key out")
    made = tuple(map(_pin, value))
    for pin, text in zip(made, value, strict=True):
        if made.count(pin) > 1:
            raise ValueError(f"the pin {shown(text)} stands there twice; remove one")
    return frozenset(made)


def _pin(value: object) -> bytes:
    """The SHA-256 that a text in base64 says."""
    octets = _base64(value) if isinstance(value, str) else b""
    if len(octets) == PIN_OCTETS:
        return octets
    instead = f"write the SHA-256 of its public key in base64, as in {_PIN}"
    if isinstance(value, str):
        bare = re.sub(r"^(pin-)?sha256[-/=:]*|[\s\":]", "", value, flags=re.IGNORECASE)
        octets = bytes.fromhex(bare) if re.fullmatch(r"[0-9a-fA-F]{64}", bare) else _base64(f"{bare.rstrip('=')}=")
        if len(octets) == PIN_OCTETS:
            instead = f"write {shown(base64.b64encode(octets).decode())}"
    raise ValueError(f"{shown(value)} is no pin; {instead}")


def _base64(text: str) -> bytes:
    """What `text` says in base64; b"" if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def shown_pins(upstream: Upstream) -> list[str]:
    """Its pins as they are written, in an order that is always the same."""
    return sorted(base64.b64encode(pin).decode() for pin in upstream.pins)


def forwarders(value: object) -> tuple[Upstream, ...] | str:
    """Who is asked for a forward zone: upstreams, or the name of a pool."""
    if isinstance(value, str):
        if not POOL_NAME.fullmatch(value):
            raise ValueError(f'{shown(value)} is no name of a pool; write one, or a list as in ["192.0.2.1"]')
        return value
    return _listed(value)


def authorities(value: object) -> tuple[Upstream, ...]:
    """The servers of a stub zone, which are asked as those of any other zone are."""
    made = _listed(value)
    for each in made:
        if each.transport not in (Transport.UDP, Transport.TCP):
            raise ValueError(f"{shown(str(each))} is no server of a zone; write udp:// or tcp://, or a forward zone")
    return made


def _listed(value: object) -> tuple[Upstream, ...]:
    """The upstreams of a list."""
    if not isinstance(value, (list, tuple)) or isinstance(value, Upstream):
        raise ValueError(f'{shown(value)} is no list of upstreams; write one as in ["192.0.2.1"]')
    if not 1 <= len(value) <= MAX_LISTED:
        raise ValueError(f"a list of {len(value)} upstreams; write 1 to {MAX_LISTED}")
    made = tuple(map(upstream, value))
    for each in made:
        if made.count(each) > 1:
            raise ValueError(f"{shown(str(each))} stands there twice; remove one")
    return made


def sources(value: object) -> tuple[str, ...]:
    """The addresses that something leaves from: one of IPv4, one of IPv6, or both."""
    instead = 'write one of this machine, as in "192.0.2.1", or one of IPv4 and one of IPv6 as a list'
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)):
        raise ValueError(f"{shown(value)} is no address; {instead}")
    made = tuple(ip_address(each, instead) for each in given)
    for each in made:
        if (address := ipaddress.ip_address(each)).is_unspecified or address.is_multicast:
            raise ValueError(f"{shown(each)} is no address to send from; {instead}")
    if len({":" in each for each in made}) < len(made):
        raise ValueError(f"{shown(value)} has two addresses of one family; write one of each")
    return made


def upstream(value: object) -> Upstream:
    """The upstream that "ADDR", "ADDR:PORT" or a URL names, or a table with that as its `address` and with `pins`."""
    if isinstance(value, Upstream):
        return value
    if isinstance(value, Mapping):
        _check_keys(value, _UPSTREAM_KEYS, "an upstream")
        return _described(value)
    return _named(value)


def _named(value: object) -> Upstream:
    """The upstream that a text names."""
    if isinstance(value, Upstream):
        return value
    if isinstance(value, Endpoint):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no upstream; {_INSTEAD}")
    scheme, separator, rest = value.partition("://")
    if not separator:
        if slashes := re.match(r"(udp|tcp|tls|https):/?(?!/)", value, re.IGNORECASE):
            corrected = f"{slashes[1].lower()}://{value[slashes.end() :]}"
            raise ValueError(f"{shown(value)} has not two slashes behind its scheme; write {shown(corrected)}")
        scheme, rest = "udp", value
    try:
        transport = Transport(scheme.lower())
    except ValueError:
        raise ValueError(f"{shown(value)} has no scheme of ours; write udp://, tcp://, tls:// or https://") from None
    rest, _, name = rest.partition("#")
    place, slash, path = rest.removesuffix(TEMPLATE).partition("/")
    if name and transport not in ENCRYPTED:
        raise ValueError(f"{shown(value)} has a name, but no certificate; write tls:// or https://, or no #")
    if slash and transport is not Transport.HTTPS:
        raise ValueError(f"{shown(value)} has a path; write https://, or no /")
    endpoint = split_endpoint(place, _PORTS[transport], _instead(transport, place, slash + path))
    if transport is not Transport.HTTPS:
        return Upstream(endpoint, transport, host_name(name) if name else "")
    if not f"/{path}".isascii() or not f"/{path}".isprintable() or " " in path:
        raise ValueError(f"{shown(value)} has no usable path; {_INSTEAD}")
    return Upstream(endpoint, transport, host_name(name) if name else "", f"/{path}" if path else PATH)


def _instead(transport: Transport, place: str, path: str) -> str:
    """What to write where `place` should be an address: of a host, its address, and its name where TLS checks it."""
    host, _, port = place.partition(":")
    try:
        host_name(host)
    except ValueError:
        return _INSTEAD
    if "." not in host or host.replace(".", "").isdigit():
        return _INSTEAD
    behind = f":{port}" if port else ""
    if transport in ENCRYPTED:
        example = f"{transport}://192.0.2.1{behind}{path}#{host}"
        return f'names are not looked up: write its address, and the name behind #, as in "{example}"'
    return f'names are not looked up: write its address, as in "192.0.2.1{behind}"'
