"""Causes around DNSSEC: what does not prove itself, and what need not, or is not to be proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.dnssec.evidence import Begun
from resolver.dnssec.negative import NegativeAnchor
from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.explain.doing import ending, signed_wrongly

_ADVICE: Final = {
    "sigx": "The owner of the zone must sign it again; if our clock is wrong, set it right.",
    "sigf": "Check the clock of this machine, and that of the zone's owner.",
    "sigk": "The owner must publish that key as a DNSKEY, or sign with one that is there.",
    "sigu": "Have the zone's servers serve its signed version; if it is not to be signed, take its DS from the parent.",
    "sigb": "Somebody changed the data, or the zone was edited without being signed again: find out who.",
    "keym": "Put the DS of the key that is in use at the parent.",
    "keyn": "Publish the zone's DNSKEY records, or take its DS from the parent.",
    "keyr": "Put the DS of a key that is not revoked at the parent, or correct dnssec.trust_anchors.",
    "nsun": "Have the zone signed again, with its NSEC or NSEC3 records; its servers must send them.",
    "dsun": "Have the zone above signed again, with its NSEC or NSEC3 records.",
    "chnf": "Repair the servers of that zone; until then nothing below it can be proven.",
}
_REMOVED: Final = ("sigu", "keyn", "nsun", "dsun")
"""What it looks like when signatures and their kind are taken out of answers."""
_LEAVE_THEM_IN: Final = (
    "If whoever is asked in our stead takes signatures out, ask another one, or set dnssec.validation = false; if it"
    " alone knows the zone, name that in dnssec.negative_trust_anchors."
)
OTHER_SIGNATURES: Final = ("sigr", "sigz", "sigl", "sigo", "siga", "sigm", "sigp")
_TOO_MANY_ITERATIONS: Final = 27
ALL_THE_SAME: Final = "With CD=1 (`dig +cd`) it is told all the same."


def bogus(*tags: str) -> Callable[[Case], Said | None]:
    """The cause of failures with one of `tags`: their text says it all."""

    def applies(case: Case) -> Said | None:
        if case.tag not in tags:
            return None
        advice = _ADVICE.get(case.tag, "Have the zone's owner look at how it is signed.")
        if case.tag in _REMOVED and _forwarded(case):
            advice = _LEAVE_THEM_IN
        text = f"{case.led}{case.wanted} is bogus: {case.reason}{_on_purpose(case)}."
        return Said(text, f"{_ending(case) or advice} {ALL_THE_SAME}")

    return applies


def too_many_iterations(case: Case) -> Said | None:
    """NSEC3 records that cost too much."""
    if case.tag not in ("nsun", "dsun") or case.ede[0].code != _TOO_MANY_ITERATIONS:
        return None
    text = f"{case.led}{case.wanted} is bogus: {case.reason}{_on_purpose(case)}."
    return Said(text, f"{_ending(case) or 'Have the zone signed with 0 iterations (RFC 9276).'} {ALL_THE_SAME}")


def chain_failed(case: Case) -> Said | None:
    """What the chain of trust needs could not be had."""
    if case.tag not in ("chnf", "dsno"):
        return None
    text = f"{case.led}{case.wanted} cannot be proven: {case.reason}{_on_purpose(case)}."
    return Said(text, _ADVICE.get(case.tag, "See `resolver trace --dnssec`."))


def unknown_algorithm(case: Case) -> Said | None:
    """Signed in a way that is not known here."""
    return _insecure(case, "algo", "counts as unsigned (RFC 4035 section 5.2)",
                     "Sign it with an algorithm that is in use, such as ECDSAP256SHA256.")  # fmt: skip


def unknown_digest(case: Case) -> Said | None:
    """A DS that cannot be read."""
    return _insecure(case, "dgst", "counts as unsigned (RFC 4035 section 5.2)", "Give the parent a DS with SHA-256.")


def iterations(case: Case) -> Said | None:
    """NSEC3 records that are taken for no proof."""
    return _insecure(case, "iter", "counts as unsigned (RFC 9276 section 3.2)", "Sign the zone with 0 iterations.")


def negative_anchor(case: Case) -> Said | None:
    """Somebody has excepted the zone from validation."""
    if case.reply is None:
        return None
    found = (each.anchor for each in case.root.evidence if isinstance(each, Begun))
    anchor = next((each for each in found if isinstance(each, NegativeAnchor)), None)
    if anchor is None:
        return None
    text = f"{case.led}{case.wanted} was not validated: a negative trust anchor takes {anchor} for unsigned (RFC 7646)."
    return Said(text, "Take it out of dnssec.negative_trust_anchors once the zone is repaired.")


def checking_disabled(case: Case) -> Said | None:
    """The client wants nothing checked, of a zone that is signed wrongly on purpose."""
    if not case.query.cd or case.reply is None or case.declared is None:
        return None
    fault = case.declared.dnssec_fault(case.end)
    if fault is None:
        return None
    text = f"{case.led}{case.wanted} is told although {fault[0]} is signed wrongly (dnssec.fault = {fault[1]!r})"
    return Said(f"{text}: the query has CD=1, so nothing was validated.", "Ask without CD to have it checked.")


def _insecure(case: Case, tag: str, counts: str, advice: str) -> Said | None:
    found = case.tagged(tag)
    if found is None or case.reply is None:
        return None
    why = found.text.removesuffix(f" [{tag.upper()}]")
    text = f"{case.led}{case.wanted} was answered, and not proven: {why}{_on_purpose(case)}, so it {counts}."
    return Said(text, advice)


def _forwarded(case: Case) -> bool:
    """Whether somebody was asked who recurses for us."""
    return any(node.upstream or (node.recursion_desired and not node.server) for node in case.nodes)


def _ending(case: Case) -> str:
    rules = signed_wrongly(case)
    return ending(rules) if rules else ""


def _on_purpose(case: Case) -> str:
    rules = signed_wrongly(case)
    if rules:
        return f" (on purpose: fault rule {rules[0].rule}: {rules[0].fault})"
    fault = None if case.declared is None else case.declared.dnssec_fault(case.end)
    return "" if fault is None else f" (on purpose: dnssec.fault = {fault[1]!r} of {fault[0]})"
