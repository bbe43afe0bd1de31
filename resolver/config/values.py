"""How the values of settings are read: addresses with ports, zone names, texts.

Each function takes what TOML, JSON or Python gave and either returns the value or raises `ValueError` with
what is wrong and, after a semicolon, what to write instead.

Limits: no host names, no link-local scopes (`%eth0`), no IPv4-mapped IPv6 addresses: an address has one
spelling.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final

from resolver.dnssec import anchors, negative
from resolver.errors import BadName
from resolver.network.base import Endpoint
from resolver.text import printable
from resolver.wire import names
from resolver.wire.special import SPECIAL

DNS_PORT: Final = 53
TLS_PORT: Final = 853
"""The port of DNS over TLS (RFC 7858 section 3.1)."""
HTTPS_PORT: Final = 443
"""The port of HTTPS (RFC 9110 section 4.2.2)."""
HTTP_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/-]{0,254}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SECRET: Final = 16
"""Octets of the key of SipHash (RFC 9018 section 4.4)."""

MAX_WORKERS: Final = 64
"""Processes of one daemon: as many as machines that resolve for others have cores."""

TOKEN: Final = re.compile(r"(?=.{16,512}\Z)[A-Za-z0-9._~+/-]+=*")
CLASS_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
HOST: Final = re.compile(
    r"(?=[A-Za-z0-9])(?=.{1,253}\.?\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*(?<=[A-Za-z0-9])\.?"
)

MAX_PATH: Final = 400
"""Characters that are shown of a path."""

MAX_TEXT: Final = 255
"""Octets in a character-string (RFC 1035 section 3.3)."""


def shown(value: object) -> str:
    """`value` as a person wrote it, short and without control characters."""
    import json

    text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 80 else text[:77] + "..."


def shown_path(path: Path) -> str:
    """`path` as a person may look for it: whole as far as most are, for it is the end that tells."""
    text = printable(f'"{path}"')
    return text if len(text) <= MAX_PATH else f'"...{text[4 - MAX_PATH :]}'


def listen_endpoint(value: object) -> Endpoint:
    """The endpoint that "ADDR:PORT" or "[ADDR]:PORT" names."""
    return _endpoint(value, None, 'write "ADDR:PORT", as in "127.0.0.1:5300" or "[::1]:5300"')


def upstream_endpoint(value: object) -> Endpoint:
    """The endpoint that "ADDR", "ADDR:PORT" or "[ADDR]:PORT" names; a port not given is 53."""
    return _endpoint(value, DNS_PORT, 'write "ADDR" or "ADDR:PORT", as in "192.0.2.1" or "[2001:db8::1]:53"')


def tls_endpoint(value: object) -> Endpoint:
    """The endpoint to listen on that "ADDR", "ADDR:PORT" or "[ADDR]:PORT" names; a port not given is 853."""
    return _endpoint(value, TLS_PORT, 'write "ADDR" or "ADDR:PORT", as in "192.0.2.1" or "[2001:db8::1]:853"', lowest=0)


def relay_endpoint(value: object) -> Endpoint:
    """The endpoint to listen on that "ADDR", "ADDR:PORT" or "[ADDR]:PORT" names; a port not given is 53."""
    return _endpoint(value, DNS_PORT, 'write "ADDR" or "ADDR:PORT", as in "192.0.2.1" or "[2001:db8::1]:53"', lowest=0)


def https_endpoint(value: object) -> Endpoint:
    """The endpoint to listen on that "ADDR", "ADDR:PORT" or "[ADDR]:PORT" names; a port not given is 443."""
    instead = 'write "ADDR" or "ADDR:PORT", as in "192.0.2.1" or "[2001:db8::1]:443"'
    return _endpoint(value, HTTPS_PORT, instead, lowest=0)


def http_path(value: object) -> str:
    """A path of a URL (RFC 3986 section 3.3), as clients send it."""
    if not isinstance(value, str) or not HTTP_PATH.fullmatch(value):
        instead = 'write one of at most 255 characters that are not encoded, as in "/dns-query"'
        raise ValueError(f"{shown(value)} is no path; {instead}")
    return value


def one_or_more(value: object) -> object:
    """A list; a text, a path or nothing becomes one."""
    if value is None:
        return ()
    return (value,) if isinstance(value, (str, Path)) else value


def split_endpoint(text: str, default_port: int, instead: str) -> Endpoint:
    """The endpoint that "ADDR", "ADDR:PORT" or "[ADDR]:PORT" names; `instead` is what to write in place of others."""
    return _endpoint(text, default_port, instead)


def _endpoint(value: object, default_port: int | None, instead: str, lowest: int | None = None) -> Endpoint:
    if lowest is None:
        lowest = 0 if default_port is None else 1
    if isinstance(value, Endpoint):
        return Endpoint(_address(value.host, value, instead), _port(str(value.port), value, lowest, instead))
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no address; {instead}")
    host, port = _split(value, default_port)
    if not port and default_port is None:
        raise ValueError(f"{shown(value)} has no port; {instead}")
    return Endpoint(_address(host, value, instead), _port(port, value, lowest, instead))


def _split(text: str, default_port: int | None) -> tuple[str, str]:
    plain = str(default_port or "")
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return text, plain
        return host, rest[1:] if rest else plain
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port or "none"
    return text, plain


def _address(host: str, given: object, instead: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{shown(given)} is no address; {instead}") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise ValueError(f"{shown(given)} has a scope; write an address without %")
        if address.ipv4_mapped is not None:
            raise ValueError(f"{shown(given)} is an IPv4 address in disguise; write {address.ipv4_mapped}")
    return str(address)


def ip_address(value: object, instead: str) -> str:
    """The address that a text is, in canonical form; else what to write `instead` is told."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no address; {instead}")
    return _address(value, value, instead)


def _port(text: str, given: object, lowest: int, instead: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and lowest <= int(text) <= 65535):
        raise ValueError(f"{shown(given)} has no usable port ({lowest} to 65535); {instead}")
    return int(text)


def ip_network(value: object) -> Network:
    """The network that "ADDR/LENGTH" names; an address alone is a network of its own."""
    instead = 'write "ADDR/LENGTH", as in "192.0.2.0/24" or "2001:db8::/32"'
    if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no network; {instead}")
    try:
        return ipaddress.ip_network(value)
    except ValueError as wrong:
        if "host bits" not in str(wrong):
            raise ValueError(f"{shown(value)} is no network; {instead}") from None
        whole = ipaddress.ip_network(value, strict=False)
        raise ValueError(f"{shown(value)} names an address within its network; write {whole}") from None


def worker_count(value: object) -> int:
    """How many processes answer; "auto" is 0, which is as many as there are CPUs for them."""
    if value == "auto":
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_WORKERS:
        raise ValueError(f'{shown(value)} is no number of workers; write 1 to {MAX_WORKERS}, or "auto"')
    return value


def hex_secret(value: object) -> str | None:
    """A key of 16 octets, as hexadecimal digits."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) != 2 * SECRET or set(value.lower()) - set("0123456789abcdef"):
        instead = "`openssl rand -hex 16` makes one"
        raise ValueError(f"this is no secret of {2 * SECRET} hexadecimal digits; {instead}")
    return value.lower()


def secret_token(value: object) -> str | None:
    """A bearer token (RFC 6750 section 2.1)."""
    if value is None:
        return None
    if not isinstance(value, str) or not TOKEN.fullmatch(value):
        instead = "`openssl rand -hex 32` makes one"
        raise ValueError(f"this is no token of 16 to 512 letters, digits and -._~+/=; {instead}")
    return value


def host_name(value: object) -> str:
    """A host name as it stands in a URL, without a port: lower-cased, without a final dot."""
    if not isinstance(value, str) or not HOST.fullmatch(value):
        raise ValueError(f'{shown(value)} is no host name; write one without a port, as in "resolver.test"')
    return value.lower().removesuffix(".")


def parsed_zone(value: object) -> str:
    """The name of a zone: absolute, lower-cased, in presentation format."""
    if not isinstance(value, str) or not value:
        raise ValueError(f'{shown(value)} is no zone name; write one as in "example.com" or "."')
    try:
        return names.to_text(names.fold(names.from_text(value)))
    except BadName as wrong:
        raise ValueError(f'{shown(value)} is no zone name ({wrong}); write one as in "example.com"') from None


def zones_once(value: object) -> object:
    """`value`, a table by zone, in which no two keys are the same zone: one of them would be lost."""
    seen: dict[str, object] = {}
    for key in value if isinstance(value, dict) else ():
        try:
            zone = parsed_zone(key)
        except ValueError:  # which is told of the key by itself
            continue
        if zone in seen:
            raise ValueError(f"{shown(seen[zone])} and {shown(key)} are the same zone; remove one")
        seen[zone] = key
    return value


def possible_path(value: Path) -> Path:
    """A path where something may be one day."""
    if "\0" in str(value):
        raise ValueError(f"{shown(str(value))} has a NUL, which no path can have; remove it")
    return value


def optional_zone(value: object) -> str | None:
    """The same, or nothing."""
    return None if value is None else parsed_zone(value)


def trust_anchor(value: object) -> str:
    """A DS or DNSKEY record that can be believed, its blanks made single ones."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no trust anchor; {anchors.INSTEAD}")
    text = " ".join(value.replace("(", " ").replace(")", " ").split())
    anchors.read_record(text)
    return text


def negative_anchor(value: object) -> negative.NegativeAnchor:
    """The zone that is taken for unsigned, and until when."""
    if isinstance(value, negative.NegativeAnchor):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no negative trust anchor; {negative.INSTEAD}")
    return negative.read(value)


def special_zone(value: object) -> str:
    """A special-use name, or one above such names: absolute, lower-cased, in presentation format."""
    zone = parsed_zone(value)
    if not any(names.is_below(name, names.from_text(zone)) for name in SPECIAL):
        raise ValueError(f'{shown(value)} is no special-use name; write one as in "internal" or "10.in-addr.arpa"')
    return zone


def class_name(value: object) -> str:
    """A name by which rules refer to something."""
    if not isinstance(value, str) or not CLASS_NAME.fullmatch(value):
        raise ValueError(f"{shown(value)} is no name; write 1 to 63 letters, digits, - and _")
    return value


def text_string(value: object) -> str:
    """A text that fits into one character-string."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.encode()) <= MAX_TEXT:
        raise ValueError(f"{shown(value)} does not fit; write a printable text of 1 to {MAX_TEXT} octets")
    return value
