"""Decides how the links of a chain of trust are written: a line with a mark for each, and below it what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from resolver.cli.chain import Digest, Key, Link, Signature
from resolver.text import printable

MARKS: Final = {"secure": "✓", "bogus": "✗", "failed": "✗", "insecure": "○", "indeterminate": "?", "unchecked": "?"}
"""Behind each stands the word, too, where it is not the first."""
_ENTRY_POINT: Final = 1
"""The flag of a key-signing key (RFC 4034 section 2.1.1)."""


def lines(links: Iterable[Link]) -> Iterator[str]:
    """All `links`, one after the other."""
    for link in links:
        status = "" if link.status == "secure" else f": {link.status}"
        yield printable(f"{MARKS[link.status]} {link.name} {link.what}{status}")
        for each in _below(link):
            yield printable(f"    {each}")


def _below(link: Link) -> Iterator[str]:
    yield from (_ds(ds) for ds in link.ds)
    yield from map(_key, link.keys)
    brief = " " in link.what or link.what in ("DS", "DNSKEY")
    by = () if link.signature is None else _signature(link.signature, brief=brief)
    yield from (*link.shown, *by) if brief else (*by, *link.shown)
    if link.text:
        yield link.text


def _ds(ds: Digest) -> str:
    return f"DS: key {ds.tag}, {ds.algorithm}, by {ds.digest}"


def _key(key: Key) -> str:
    role = "key-signing" if key.flags & _ENTRY_POINT else "zone-signing"
    parts = [f"key {key.tag}, {key.algorithm}, {role}"]
    if key.revoked:
        parts.append("revoked")
    if key.named:
        parts.append(f"named by the {key.named}")
    return ", ".join(parts)


def _signature(signature: Signature, *, brief: bool) -> Iterator[str]:
    """`brief`: without what is to be seen from the keys above."""
    tag, algorithm, signer, begins, expires, labels, wildcard = signature
    more = "" if brief else f", {algorithm}, {labels} label{'s' * (labels != 1)}"
    yield f"RRSIG: by key {tag} of {signer}, {begins} to {expires}{more}"
    if wildcard:
        yield f"made from the wildcard {wildcard}, as its signature has fewer labels than the name"
