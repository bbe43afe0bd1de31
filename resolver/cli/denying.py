"""Decides how a denial is told: what each NSEC or NSEC3 record says of the name, in a sentence.

Rules: nothing is decided anew. The records are those that were judged, and are read by what judged them (`nsec`,
`nsec3`); where that was told in a sentence already, as of what could not be proven, the sentence stands.

Limits: of an NSEC3 hash the first `SHOWN` characters are told; the whole record is in the message.
"""

from __future__ import annotations

from base64 import b32hexencode
from collections.abc import Iterator
from typing import Final

from resolver.dnssec import nsec, nsec3
from resolver.dnssec.denial import ITERATIONS, Insecure, Unproven
from resolver.dnssec.evidence import Judged
from resolver.dnssec.records import read_nsec, read_nsec3
from resolver.dnssec.standing import At, Empty, Missing, all_types, is_cut, is_no_name
from resolver.message import RRset, Type
from resolver.wire import names, types
from resolver.wire.names import WILDCARD

SHOWN: Final = 8
"""Characters of a hash: enough to find it in a zone of any size that a person looks at."""


def told(judged: Judged) -> Iterator[str]:
    """What the records of `judged` say, one after the other."""
    telling = _telling(judged)
    if telling is None:
        return
    if judged.encloser is not None:
        missing = telling.chain.without_closer(judged.name, judged.encloser)
        if missing is not None:
            yield from telling.missing(judged.name, missing, closer_only=True)
        return
    yield from telling.standing(judged.name, judged.rtype)


class _Telling:
    """The records of one denial: `chain` reads them, `hashes` is there for NSEC3."""

    def __init__(self, chain: nsec.NsecChain | nsec3.Nsec3Chain, hashes: nsec3.Hashes | None) -> None:
        self.chain, self._hashes = chain, hashes

    def standing(self, name: bytes, rtype: int) -> Iterator[str]:
        """How `name` stands, and the wildcard that could answer for it."""
        match self.chain.stand(name):
            case At(bitmap, (record, *_)):
                yield f"{self._at(record, name)} lists {_types(bitmap)}{_lacks(bitmap, rtype)}"
            case Empty((record, *_)):
                yield f"{_span(record)}: the next name is below {names.to_text(name)}, which so exists, without data"
            case Missing() as missing:
                yield from self.missing(name, missing)
                yield from self._wildcard(missing.encloser, rtype)

    def missing(self, name: bytes, missing: Missing, *, closer_only: bool = False) -> Iterator[str]:
        """Why `name` is not there: the record of its closest encloser where it takes one, and the one around it."""
        *above, around = missing.by
        encloser = names.to_text(missing.encloser)
        if self._hashes is None:
            yield f"{_span(around)}: {names.to_text(name)} would stand between, and is not there"
            return
        if not closer_only:
            yield f"NSEC3 {_hash(_start((*above, around)[0]))} is the hash of {encloser}, which so exists"
        closer = names.last_labels(name, names.depth(missing.encloser) + 1)
        excepted = ", if it is no unsigned delegation (opt-out)" if missing.opt_out else ""
        yield f"{_span(around)}: {self._hashed(closer)} would stand between, and is not there{excepted}"

    def _wildcard(self, encloser: bytes, rtype: int) -> Iterator[str]:
        wildcard = WILDCARD + encloser
        match self.chain.stand_wildcard(encloser):
            case At(bitmap, (record, *_)):
                yield f"{self._at(record, wildcard)} lists {_types(bitmap)}{_lacks(bitmap, rtype)}"
            case Empty((record, *_)):
                yield f"{_span(record)}: the wildcard {names.to_text(wildcard)} has no data"
            case Missing(_, (*_, record)):
                which = names.to_text(wildcard) if self._hashes is None else self._hashed(wildcard)
                yield f"{_span(record)}: so would the wildcard {which}"

    def _at(self, record: RRset, name: bytes) -> str:
        """A record that stands at `name`, or at its hash."""
        if record.type == Type.NSEC:
            return f"NSEC of {names.to_text(name)}"
        return f"NSEC3 {_hash(_start(record))}, the hash of {names.to_text(name)},"

    def _hashed(self, name: bytes) -> str:
        assert self._hashes is not None
        return f"{names.to_text(name)} ({_hash(_written(self._hashes.of(name)))})"


def _telling(judged: Judged) -> _Telling | None:
    """What reads the records of `judged`; None where they were not read either."""
    if isinstance(judged.verdict, Insecure | Unproven) and judged.verdict.ede == ITERATIONS:
        return None
    links = [link for each in judged.sets if each.type == Type.NSEC and (link := nsec.read(each, judged.zone))]
    if links:
        return _Telling(nsec.NsecChain(nsec.Few(links)), None)
    spans = [span for each in judged.sets if each.type == Type.NSEC3 and (span := nsec3.read(each, judged.zone))]
    if not spans or any(span.params != spans[0].params for span in spans):
        return None
    hashes = nsec3.Hashes(spans[0].params, lambda _: None)
    return _Telling(nsec3.Nsec3Chain(judged.zone, nsec3.Few(spans), hashes), hashes)


def _span(record: RRset) -> str:
    """From where to where a record goes."""
    if record.type == Type.NSEC:
        following = read_nsec(record.rdatas[0]).next
        return f"NSEC from {names.to_text(names.fold(record.name))} to {names.to_text(following)}"
    return f"NSEC3 from {_hash(_start(record))} to {_hash(_written(read_nsec3(record.rdatas[0]).next_hash))}"


def _start(record: RRset) -> str:
    """The hash that an NSEC3 stands at."""
    return names.labels(names.fold(record.name))[0].decode()


def _written(hashed: bytes) -> str:
    return b32hexencode(hashed).decode().lower().rstrip("=")


def _hash(written: str) -> str:
    return written if len(written) <= SHOWN else f"{written[:SHOWN]}…"


def _types(bitmap: bytes) -> str:
    return " ".join(types.to_text(each) for each in sorted(all_types(bitmap))) or "no types"


def _lacks(bitmap: bytes, rtype: int) -> str:
    """What follows from it that `rtype` is not in `bitmap`."""
    if is_no_name(bitmap):
        return ": the name does not exist"
    lacking = f", and no {types.to_text(rtype)}"
    if rtype != Type.DS:
        return lacking
    return f"{lacking}: a zone that is not signed" if is_cut(bitmap) else f"{lacking}, nor a delegation"
