"""Decides which keys are believed without proof: trust anchors (RFC 4033 section 2), and the forms they are written in.

Rules
* A trust anchor is a DS or DNSKEY record of its zone in master-file form, or IANA's file for the root in XML (RFC 9718,
  before it RFC 7958), in which a digest counts from its validFrom until its validUntil. Which form a file has is told
  from its first character.
* What is no anchor is refused, one line for each, with what to write instead: another type, a key that may not sign a
  zone or is revoked, a digest of the wrong length. An algorithm or digest type that is not known here is none of these:
  its zone is then taken for unsigned (RFC 4035 section 5.2), as with a DS from a parent.
* What is configured for a zone takes the place of what is built in for it: who runs a root of their own trusts no
  other.
* A document type declaration is refused in XML, so that no entity is ever expanded.

Limits: names are absolute with or without their last dot, each record has its owner, and nothing is included. The
signature beside IANA's file is not looked at: whoever fetches the file checks it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

from resolver.dnssec import moments
from resolver.dnssec.records import Dnskey, Ds, read_dnskey, read_ds
from resolver.errors import BadName, ConfigError
from resolver.message import RRset, Type
from resolver.text import printable, quoted
from resolver.wire import names

MAX_LISTED: Final = 100
"""Trust anchors that a configuration may list one by one."""

MAX_FILE: Final = 1 << 20
"""Octets of a file with trust anchors; a larger one is a mistake, such as a zone given in its place."""

INSTEAD: Final = 'write a record as in ". IN DS 20326 8 2 E06D44…" or "example.com. IN DNSKEY 257 3 13 …"'

ALGORITHMS: Final = {
    "RSAMD5": 1, "DH": 2, "DSA": 3, "RSASHA1": 5, "DSA-NSEC3-SHA1": 6, "DSANSEC3SHA1": 6, "RSASHA1-NSEC3-SHA1": 7,
    "RSASHA1NSEC3SHA1": 7, "RSASHA256": 8, "RSASHA512": 10, "ECC-GOST": 12, "ECCGOST": 12, "ECDSAP256SHA256": 13,
    "ECDSAP384SHA384": 14, "ED25519": 15, "ED448": 16,
}  # fmt: skip
"""Signing algorithms by their mnemonics (IANA registry; RFC 4034 appendix A.1)."""

DIGESTS: Final = {"SHA-1": 1, "SHA1": 1, "SHA-256": 2, "SHA256": 2, "SHA-384": 4, "SHA384": 4}
"""Digest types by their mnemonics (IANA registry)."""

DIGEST_OCTETS: Final = {1: 20, 2: 32, 3: 32, 4: 48}
"""The length of a digest, by its type."""

_TTL: Final = re.compile(r"(\d{1,10}[smhdw]?)+", re.IGNORECASE)
_TYPES: Final = {"DS": Type.DS, "DNSKEY": Type.DNSKEY}


class Anchor(NamedTuple):
    """What is believed of `zone`, folded: digests of its keys and keys themselves, of which one has to sign its
    keys."""

    zone: bytes
    ds: tuple[Ds, ...] = ()
    dnskeys: tuple[Dnskey, ...] = ()

    def lines(self) -> Iterator[str]:
        """The records in master-file form, as they are read here."""
        zone = names.to_text(self.zone)
        for ds in self.ds:
            yield f"{zone} IN DS {ds.tag} {ds.algorithm} {ds.digest_type} {ds.digest.hex().upper()}"
        for key in self.dnskeys:
            encoded = binascii.b2a_base64(key.key, newline=False).decode()
            yield f"{zone} IN DNSKEY {key.flags} {key.protocol} {key.algorithm} {encoded}"


INTERNET: Final = Anchor(
    names.ROOT,
    (
        Ds(20326, 8, 2, bytes.fromhex("E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D")),
        Ds(38696, 8, 2, bytes.fromhex("683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16")),
    ),
)
"""The keys of the Internet's root, of 2017 and 2024 (https://data.iana.org/root-anchors/root-anchors.xml)."""


def gather(
    texts: Iterable[str], files: Iterable[Path], wall: float, built_in: Iterable[Anchor] = ()
) -> dict[bytes, Anchor]:
    """The trust anchors in force by their zones, at `wall`, in seconds since 1970: those of `texts`, each a record, and
    of `files`, and of `built_in` for zones of which neither says anything. Raises `ConfigError`, a line a problem."""
    found: list[Anchor] = []
    problems: list[str] = []
    for text in texts:
        try:
            found.append(read_record(text))
        except ValueError as wrong:
            problems.append(f"dnssec.trust_anchors: {wrong}")
    for path in files:
        try:
            found += read_file(path, wall)
        except ConfigError as wrong:
            problems.append(str(wrong))
    if problems:
        raise ConfigError("\n".join(problems))
    return {anchor.zone: anchor for anchor in (*united(built_in), *united(found))}


def united(anchors: Iterable[Anchor]) -> list[Anchor]:
    """The same anchors, one for each zone, nothing in them twice."""
    found: dict[bytes, Anchor] = {}
    for one in anchors:
        known = found.get(one.zone, Anchor(one.zone))
        found[one.zone] = Anchor(
            one.zone,
            tuple(dict.fromkeys((*known.ds, *one.ds))),
            tuple(dict.fromkeys((*known.dnskeys, *one.dnskeys))),
        )
    return list(found.values())


def of_rrset(rrset: RRset) -> Anchor:
    """The anchor that a DS or DNSKEY RRset is. Raises `WireError` for rdata that is malformed."""
    zone = names.fold(rrset.name)
    if rrset.type == Type.DS:
        return Anchor(zone, ds=tuple(map(read_ds, rrset.rdatas)))
    return Anchor(zone, dnskeys=tuple(map(read_dnskey, rrset.rdatas)))


def read_file(path: Path, wall: float) -> list[Anchor]:
    """The anchors in the file `path`, in master-file form or IANA's XML, one for each zone; of the latter those that
    are valid at `wall`. Raises `ConfigError` with a line for each problem, and for a file without anchors."""
    try:
        with path.open("rb") as opened:
            octets = opened.read(MAX_FILE + 1)
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) else wrong
        raise ConfigError(
            f"cannot be read: {why}", where=str(path), instead="give a file with DS or DNSKEY records"
        ) from None
    if len(octets) > MAX_FILE:
        raise ConfigError(
            f"larger than {MAX_FILE} octets", where=str(path), instead="give a file of trust anchors alone"
        )
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = octets.count(b"\n", 0, wrong.start) + 1
        raise ConfigError("is not UTF-8", where=f"{path}:{line}", instead="save the file as UTF-8") from None
    return read_xml(text, str(path), wall) if text.lstrip()[:1] == "<" else read_text(text, str(path))


def read_text(text: str, where: str) -> list[Anchor]:
    """The anchors in `text`, in master-file form, one for each zone. Raises `ConfigError` with a line for each problem,
    which names `where` and its line."""
    found: list[Anchor] = []
    problems: list[str] = []
    for line, entry in _entries(text):
        try:
            if not _directive(entry):
                found.append(read_record(entry))
        except ValueError as wrong:
            problems.append(f"{where}:{line}: {wrong}")
    if not found and not problems:
        problems.append(f"{where}: there is no trust anchor in it; {INSTEAD}")
    if problems:
        raise ConfigError("\n".join(problems))
    return united(found)


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Each entry of a master file with its first line: comments and parentheses are taken out. No word of a DS or
    DNSKEY holds a character that would need quotes."""
    parts: list[str] = []
    start = depth = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition(";")[0]
        if not depth:
            start, parts = number, []
        depth = max(0, depth + line.count("(") - line.count(")"))
        parts.append(line.replace("(", " ").replace(")", " "))
        if not depth and (entry := " ".join(parts)).strip():
            yield start, entry
    if depth:
        yield start, " ".join(parts)


def _directive(entry: str) -> bool:
    """Whether `entry` is a directive that changes nothing. Raises ValueError for one that would."""
    word, *rest = entry.split()
    if not word.startswith("$"):
        return False
    if word.upper() == "$TTL" or (word.upper() == "$ORIGIN" and rest == ["."]):
        return True
    raise ValueError(f"{quoted(word)} means nothing here; write each name in full, and each record in this file")


def read_record(text: str) -> Anchor:
    """The anchor that one record in master-file form is: `OWNER [TTL] [IN] DS|DNSKEY RDATA`. Raises ValueError with
    what is wrong and, behind a semicolon, what to write instead."""
    if text[:1].isspace():
        raise ValueError(f"a record without an owner; {INSTEAD}")
    owner, *words = text.split() or [""]
    while words and (_TTL.fullmatch(words[0]) or words[0].upper() == "IN"):
        words.pop(0)
    if not words or words[0].upper() not in _TYPES:
        what = f"{quoted(words[0][:20])} is neither DS nor DNSKEY" if words else f"{quoted(text[:40])} is no record"
        raise ValueError(f"{what}; {INSTEAD}")
    try:
        zone = names.fold(names.from_text(owner))
    except BadName as wrong:
        raise ValueError(f"{quoted(owner[:40])} is no zone name ({wrong}); {INSTEAD}") from None
    if _TYPES[words[0].upper()] is Type.DS:
        return Anchor(zone, ds=(_ds(words[1:]),))
    return Anchor(zone, dnskeys=(_dnskey(words[1:]),))


def _ds(words: list[str]) -> Ds:
    if len(words) < 4:
        raise ValueError("a DS has a key tag, an algorithm, a digest type and a digest; write all four")
    tag = _number(words[0], 0xFFFF, "key tag")
    algorithm = _number(words[1], 0xFF, "algorithm", ALGORITHMS)
    kind = _number(words[2], 0xFF, "digest type", DIGESTS)
    return _checked(
        Ds(tag, algorithm, kind, _octets("".join(words[3:]), "digest", bytes.fromhex, "hexadecimal digits"))
    )


def _checked(ds: Ds) -> Ds:
    wanted = DIGEST_OCTETS.get(ds.digest_type, len(ds.digest))
    if len(ds.digest) != wanted or not ds.digest:
        what = f"a digest of {len(ds.digest)} octets, where type {ds.digest_type} has {wanted or 'some'}"
        raise ValueError(f"{what}; copy the whole of it")
    return ds


def _dnskey(words: list[str]) -> Dnskey:
    if len(words) < 4:
        raise ValueError("a DNSKEY has flags, a protocol, an algorithm and a key; write all four")
    flags = _number(words[0], 0xFFFF, "number of flags")
    protocol = _number(words[1], 0xFF, "protocol")
    algorithm = _number(words[2], 0xFF, "algorithm", ALGORITHMS)
    key = _octets("".join(words[3:]), "key", lambda text: binascii.a2b_base64(text, strict_mode=True), "base 64")
    made = read_dnskey(bytes((*flags.to_bytes(2, "big"), protocol, algorithm)) + key)
    if not made.signs_zones:
        raise ValueError(
            f"a key with flags {flags} and protocol {protocol} signs no zone; copy the zone's 257 3 or 256 3"
        )
    if made.revoked:
        raise ValueError(f"the key with tag {made.tag} is revoked (RFC 5011); copy the one that has taken its place")
    return made


def _number(word: str, most: int, what: str, mnemonics: dict[str, int] | None = None) -> int:
    if mnemonics is not None and word.upper() in mnemonics:
        return mnemonics[word.upper()]
    if not (word.isascii() and word.isdecimal() and len(word) <= 5 and int(word) <= most):
        raise ValueError(f"{quoted(word[:20])} is no {what}; write 0 to {most}")
    return int(word)


def _octets(text: str, what: str, decode: Callable[[str], bytes], form: str) -> bytes:
    try:
        found = decode(text)
    except ValueError:
        found = b""
    if not found:
        raise ValueError(f"the {what} is not in {form}; copy the whole of it")
    return found


def read_xml(text: str, where: str, wall: float) -> list[Anchor]:
    """The anchor in IANA's XML form (RFC 9718 section 2) with the digests that are valid at `wall`, in seconds since
    1970. Raises `ConfigError` when it is not of that form, or when none is valid."""

    def refuse(what: str, instead: str = "fetch https://data.iana.org/root-anchors/root-anchors.xml") -> ConfigError:
        return ConfigError(what, where=where, instead=instead)

    if "<!DOCTYPE" in text:
        raise refuse("declares a document type, whose entities are not expanded", "remove the declaration")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 — as above
    except ElementTree.ParseError as wrong:
        raise refuse(f"no XML: {wrong}") from None
    except ValueError as wrong:
        raise refuse(f"no XML: {quoted(str(wrong))}") from None
    if root.tag != "TrustAnchor":
        raise refuse(f"is <{printable(root.tag[:40])}> and no <TrustAnchor>")
    found: list[Ds] = []
    try:
        zone = names.fold(names.from_text((root.findtext("Zone") or "").strip()))
        listed = root.findall("KeyDigest")
        for one in listed:
            ds = _key_digest(one)
            begins, ends = _moment(one, "validFrom", wall), _moment(one, "validUntil", float("inf"))
            if begins <= wall < ends:
                found.append(ds)
    except ValueError as wrong:
        raise refuse(str(wrong)) from None
    if not found:
        raise refuse(f"none of its {len(listed)} digests is valid on {moments.written(wall)[:10]}")
    return [Anchor(zone, tuple(dict.fromkeys(found)))]


def _key_digest(element: ElementTree.Element) -> Ds:
    """The digest in a <KeyDigest>. Where the key stands beside it (RFC 9718 section 2.1) its tag must be the same."""
    words = ["".join((element.findtext(tag) or "").split()) for tag in ("KeyTag", "Algorithm", "DigestType", "Digest")]
    if not all(words):
        raise ValueError("a <KeyDigest> has no KeyTag, Algorithm, DigestType or Digest")
    ds = _ds(words)
    key = "".join((element.findtext("PublicKey") or "").split())
    if key:
        made = _dnskey(["".join((element.findtext("Flags") or "257").split()), "3", words[1], key])
        if made.tag != ds.tag:
            raise ValueError(f"the PublicKey beside the digest of key {ds.tag} is that of key {made.tag}")
    return ds


def _moment(element: ElementTree.Element, attribute: str, absent: float) -> float:
    given = element.get(attribute)
    if given is None:
        return absent
    try:
        return moments.read(given.strip())
    except ValueError:
        raise ValueError(f"{attribute} is {quoted(given[:40])}, which is no time") from None
