"""Decides who may drive a daemon over TCP: who reaches its address, says its name, is no page of another site, and has
its token if there is one.

Rules
* A name that an attacker owns may be made to lead here after a browser has loaded a page from it ("DNS rebinding"), and
  then that page is of the same site as we are, for the browser. So the Host (RFC 9110 section 7.2) must be an address
  that was asked, `localhost`, an address of the loopback or a name that is configured: none that an attacker can have.
  Its port does not count, for it may be forwarded. Else 421 (RFC 9110 section 15.5.20).
* A browser says which site a request comes from: `Origin` (RFC 6454 section 7) with whatever may change something,
  `Sec-Fetch-Site` with everything. Another one than ours is refused (403); programs say neither.
* A token is sent as `Authorization: Bearer` (RFC 6750 section 2.1) and compared in constant time. Else 401.
* What is refused is a warning in the log, with the client's address and never the token.

Limits: whoever may read what is sent has the token, as it is not encrypted. It is not counted who guesses how often: at
16 characters that leads nowhere.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from resolver.config.sections.service import Admin
from resolver.config.values import secret_token
from resolver.errors import ConfigError
from resolver.text import printable

_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(:[0-9]{1,5})?")
_BEARER: Final = re.compile(r"bearer +(?P<token>[!-~]+)", re.IGNORECASE)

SAME_SITE: Final = frozenset(("same-origin", "none"))
"""What a browser says of a request that our own page made, or that a person typed."""

MAX_TOKEN_FILE: Final = 4096
MAX_TOLD: Final = 80
"""Characters of what was refused that are logged."""


class Head(NamedTuple):
    """What is known of a request before its body: the address of ours that was asked, and the headers by lower-cased
    name."""

    asked: str
    headers: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str | None:
        """The value of the header `name`; several are one that nobody can mean. None where it is not there."""
        values = self.headers.get(name)
        return None if not values else ", ".join(values)


class Refusal(NamedTuple):
    """What is said to who may not ask, and what is logged."""

    status: int
    why: str
    event: str
    reason: str
    headers: Mapping[str, str] = {}


class Guard:
    """Who may ask: with the `token` if there is one, for one of `hosts`."""

    def __init__(self, token: str | None, hosts: Sequence[str]) -> None:
        self._token = None if token is None else token.encode()
        self._hosts = frozenset(("localhost", *hosts))

    def refusal(self, head: Head) -> Refusal | None:
        """Why a request with this head is not answered; None where it is."""
        return self._wrong_host(head) or _wrong_site(head) or self._wrong_token(head)

    def _wrong_host(self, head: Head) -> Refusal | None:
        given = head.one("host") or ""
        found = _HOST.fullmatch(given)
        if found is not None and self._is_ours(found["host"].lower(), head.asked):
            return None
        why = f'the Host "{_told(given)}" is none of ours; write the address, or add the name to admin.hosts'
        return Refusal(HTTPStatus.MISDIRECTED_REQUEST, why, "admin_wrong_host", _told(given))

    def _is_ours(self, host: str, asked: str) -> bool:
        if host.removesuffix(".") in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or str(address) == asked

    def _wrong_token(self, head: Head) -> Refusal | None:
        if self._token is None:
            return None
        given = head.one("authorization")
        found = None if given is None else _BEARER.fullmatch(given)
        if found is not None and hmac.compare_digest(found["token"].encode(), self._token):
            return None
        reason = "no token" if given is None else "no bearer token" if found is None else "another token"
        why = "the token is wrong" if found is not None else 'a token is needed; send "Authorization: Bearer TOKEN"'
        challenge = {"www-authenticate": 'Bearer realm="resolverd"'}
        return Refusal(HTTPStatus.UNAUTHORIZED, why, "admin_wrong_token", reason, challenge)


def _wrong_site(head: Head) -> Refusal | None:
    origin, site = head.one("origin"), head.one("sec-fetch-site")
    host = (head.one("host") or "").lower()
    foreign = origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}")
    if not foreign and (site is None or site in SAME_SITE):
        return None
    reason = _told(origin if foreign and origin is not None else f"sec-fetch-site: {site}")
    why = "a page of another site must not ask this; use a program, or a page of our own"
    return Refusal(HTTPStatus.FORBIDDEN, why, "admin_wrong_site", reason)


def _told(text: str) -> str:
    return printable(text[:MAX_TOLD])


def guard_of(admin: Admin) -> Guard:
    """Who may ask by these settings. Raises `ConfigError` for a token that cannot be read or used."""
    return Guard(token_of(admin), admin.hosts)


def token_of(admin: Admin) -> str | None:
    """The token, from the settings or the file that they name; None without one. Raises `ConfigError`."""
    if admin.token_file is None:
        return admin.token
    where, instead = "admin.token_file", "give a file with a token and nothing else"
    try:
        with admin.token_file.open("rb") as file:
            octets = file.read(MAX_TOKEN_FILE + 1)
    except OSError as wrong:
        raise ConfigError(
            f"{admin.token_file} cannot be read: {wrong.strerror}", where=where, instead=instead
        ) from None
    try:
        return secret_token(octets.decode("ascii", "replace").strip())
    except ValueError as wrong:
        raise ConfigError(f"{admin.token_file}: {wrong}", where=where) from None
