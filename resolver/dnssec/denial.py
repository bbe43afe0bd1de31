"""Decides whether the NSEC or NSEC3 records in a reply prove what it denies (RFC 4035 section 5.4, RFC 5155 section 8).

Rules
* A name error needs the name's absence and that of the wildcard at its closest encloser. NODATA needs a record at the
  name without the type, or its absence and a wildcard without the type. An answer from a wildcard needs the proof that
  nothing is closer to the name. The cases and what each rests on are in `standing`.
* Under an opted-out span an unsigned delegation may stand: what rests on one is insecure (RFC 5155 section 9.2).
* NXNAME says that the name does not exist, whichever rcode told it (RFC 9824 section 3.1).
* More iterations than the first limit are not worked out, and the answer is insecure; more than the second, and it is
  not believed (RFC 9276 section 3.2).
* A reply may have both kinds of records while its zone changes from one to the other: either kind proves by itself.

Limits: the sets handed in are valid, and signed by the zone. What `spend` raises ends the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from resolver.dnssec import nsec, nsec3
from resolver.dnssec.nsec3 import Spend
from resolver.dnssec.standing import (
    BOGUS,
    NSEC_MISSING,
    At,
    Chain,
    Empty,
    Missing,
    Standing,
    is_cut,
    is_no_name,
    objection,
)
from resolver.message import Rcode, RRset, Type
from resolver.wire import names
from resolver.wire.names import WILDCARD

ITERATIONS: Final = 27
"""EDE info-code: unsupported NSEC3 iterations value (RFC 9276 section 5)."""


class Iterations(NamedTuple):
    """Above how many iterations of NSEC3 an answer is insecure, and above how many it is not believed."""

    insecure: int
    bogus: int


class Proven(NamedTuple):
    """The records `by` prove it. `absent`: they say that the name does not exist."""

    by: tuple[RRset, ...]
    absent: bool = False


class Insecure(NamedTuple):
    """It cannot be proven, and need not be: why, and the EDE info-code where there is one to tell."""

    why: str
    ede: int | None = None


class Unproven(NamedTuple):
    """It had to be proven and is not: why, in one sentence, and the EDE info-code."""

    why: str
    ede: int


Verdict: TypeAlias = Proven | Insecure | Unproven


class Said(NamedTuple):
    """What records say of a question: NOERROR that there is no such data, NXDOMAIN that the name does not exist.

    `opt_out`: it is true only if there is no unsigned delegation. `compact`: a record at the name says NXNAME.
    """

    rcode: Rcode
    by: tuple[RRset, ...]
    opt_out: bool = False
    compact: bool = False


class Unsaid(NamedTuple):
    """What is missing of a proof, as the rest of a sentence about the name `of`."""

    of: bytes
    why: str
    ede: int


def prove(
    name: bytes,
    rtype: int,
    rcode: int,
    sets: Iterable[RRset],
    zone: bytes,
    spend: Spend,
    iterations: Iterations,
) -> Verdict:
    """Whether `sets`, of `zone`, prove NXDOMAIN or NODATA as `rcode` says. Names need not be folded."""
    name = names.fold(name)
    return _by_either(sets, name, zone, spend, iterations, lambda chain: _denied(chain, name, rtype, rcode))


def wildcard_expansion(
    name: bytes,
    encloser: bytes,
    sets: Iterable[RRset],
    zone: bytes,
    spend: Spend,
    iterations: Iterations,
) -> Verdict:
    """Whether `sets`, of `zone`, prove that the wildcard below `encloser` may answer for `name` (RFC 4035 5.3.4)."""
    name, encloser = names.fold(name), names.fold(encloser)

    def expanded(chain: Chain) -> Verdict:
        missing = chain.without_closer(name, encloser)
        if missing is None:
            shown = names.to_text(WILDCARD + encloser)
            return Unproven(f"{names.to_text(name)}: nothing proves that no name is closer than {shown}", NSEC_MISSING)
        return _opted_out(name) if missing.opt_out else Proven(missing.by)

    return _by_either(sets, name, zone, spend, iterations, expanded)


def no_ds(
    name: bytes,
    sets: Iterable[RRset],
    zone: bytes,
    spend: Spend,
    iterations: Iterations,
) -> Verdict:
    """What `sets`, of `zone`, make of a denial of the DS at `name` on the way down (RFC 6840 section 4.4).

    Proven: `name` is no cut, and `zone` goes on below it. Insecure: it is an unsigned delegation, or may be one.
    """
    name = names.fold(name)

    def delegated(chain: Chain) -> Verdict:
        standing = chain.stand(name)
        said = read(chain, standing, name, Type.DS)
        if isinstance(said, Unsaid):
            return _unproven(said)
        if isinstance(standing, At) and is_cut(standing.types):
            return Insecure(f"{names.to_text(name)} is an unsigned delegation from {names.to_text(zone)}")
        return _opted_out(name) if said.opt_out else Proven(said.by, said.rcode == Rcode.NXDOMAIN)

    return _by_either(sets, name, zone, spend, iterations, delegated)


def read(chain: Chain, standing: Standing | None, name: bytes, rtype: int) -> Said | Unsaid:
    """What `chain` says of `rtype` at `name`, which stands as `standing`; a wildcard there is taken into account."""
    match standing:
        case None:
            return Unsaid(name, "no NSEC or NSEC3 says whether it exists", NSEC_MISSING)
        case At(types, by):
            if is_no_name(types):
                return Said(Rcode.NXDOMAIN, by, compact=True)
            why = objection(name, rtype, types)
            return Said(Rcode.NOERROR, by) if why is None else Unsaid(name, f"the record there {why}", BOGUS)
        case Empty(by):
            return Said(Rcode.NOERROR, by)
        case Missing(encloser, by, opt_out):
            return _at_wildcard(chain, encloser, rtype, by, opt_out)


def _at_wildcard(chain: Chain, encloser: bytes, rtype: int, by: tuple[RRset, ...], opt_out: bool) -> Said | Unsaid:
    """What there is to say of a name that is missing by the proof `by`, as the wildcard below `encloser` stands."""
    wildcard = WILDCARD + encloser
    match chain.stand_wildcard(encloser):
        case None:
            if opt_out:
                return Said(Rcode.NOERROR, by, opt_out=True)
            return Unsaid(wildcard, "no NSEC or NSEC3 says whether this wildcard exists", NSEC_MISSING)
        case At(types, beside):
            why = objection(wildcard, rtype, types)
            if why is not None:
                return Unsaid(wildcard, f"the record at this wildcard {why}", BOGUS)
            return Said(Rcode.NOERROR, _together(by, beside), opt_out)
        case Empty(beside):
            return Said(Rcode.NOERROR, _together(by, beside), opt_out)
        case Missing(_, beside):
            return Said(Rcode.NXDOMAIN, _together(by, beside), opt_out)


def _denied(chain: Chain, name: bytes, rtype: int, rcode: int) -> Verdict:
    """Whether `chain` says what `rcode` does."""
    said = read(chain, chain.stand(name), name, rtype)
    if isinstance(said, Unsaid):
        return _unproven(said)
    # A reply without data may come from an opted-out span whatever else is proven: an unsigned delegation has no DS.
    if said.opt_out and rcode in (said.rcode, Rcode.NOERROR):
        return _opted_out(name)
    if said.compact or said.rcode == rcode:
        return Proven(said.by, said.rcode == Rcode.NXDOMAIN)
    if said.opt_out:
        return Unproven(f"{names.to_text(name)}: nothing proves that no wildcard answers for it", NSEC_MISSING)
    told, proven = ("exists", "does not") if rcode == Rcode.NOERROR else ("does not exist", "does")
    return Unproven(f"{names.to_text(name)}: the reply says that it {told}, its records that it {proven}", BOGUS)


def _by_either(
    sets: Iterable[RRset],
    name: bytes,
    zone: bytes,
    spend: Spend,
    iterations: Iterations,
    judge: Callable[[Chain], Verdict],
) -> Verdict:
    """The verdict of `judge` over the NSEC records in `sets`, or where they do not prove it over the NSEC3 records."""
    sets, zone = tuple(sets), names.fold(zone)
    if not names.is_below(name, zone):
        return Unproven(f"{names.to_text(name)} is not in {names.to_text(zone)}, whose records deny it", BOGUS)
    verdict: Verdict = Unproven(f"{names.to_text(name)}: denied without NSEC or NSEC3 records", NSEC_MISSING)
    links = [link for rrset in sets if rrset.type == Type.NSEC and (link := nsec.read(rrset, zone))]
    if links:
        verdict = judge(nsec.NsecChain(nsec.Few(links)))
    if not isinstance(verdict, Unproven):
        return verdict
    spans = [span for rrset in sets if rrset.type == Type.NSEC3 and (span := nsec3.read(rrset, zone))]
    return _by_spans(spans, zone, spend, iterations, judge) if spans else verdict


def _by_spans(
    spans: list[nsec3.Span], zone: bytes, spend: Spend, iterations: Iterations, judge: Callable[[Chain], Verdict]
) -> Verdict:
    """The verdict of `judge` over NSEC3 records, if they are hashed alike and not too often."""
    params = spans[0].params
    shown = names.to_text(zone)
    if any(span.params != params for span in spans):
        return Unproven(f"{shown} has NSEC3 records in one reply that are hashed in different ways", BOGUS)
    if params.iterations > iterations.bogus:
        why = f"{shown} hashes its names {params.iterations} times more; {iterations.bogus} is the limit"
        return Unproven(why, ITERATIONS)
    if params.iterations > iterations.insecure:
        why = f"{shown} hashes its names {params.iterations} times more; above {iterations.insecure} nothing is proven"
        return Insecure(why, ITERATIONS)
    return judge(nsec3.Nsec3Chain(zone, nsec3.Few(spans), nsec3.Hashes(params, spend)))


def _together(some: tuple[RRset, ...], more: tuple[RRset, ...]) -> tuple[RRset, ...]:
    """Both, each once."""
    return some + tuple(each for each in more if each not in some)


def _opted_out(name: bytes) -> Insecure:
    return Insecure(f"{names.to_text(name)} may be an unsigned delegation: it lies in an opted-out span")


def _unproven(said: Unsaid) -> Unproven:
    return Unproven(f"{names.to_text(said.of)}: {said.why}", said.ede)
