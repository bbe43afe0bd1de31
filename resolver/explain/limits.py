"""Causes of failures of the question itself: its aliases, its limits, its time."""

from __future__ import annotations

from typing import Final

from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.explain.doing import by_fault, is_silent, silence
from resolver.wire import names

SLOW_S: Final = 0.5
"""Seconds from which a reply counts as slow: more than once around the earth."""

_SETTINGS: Final = {
    "budx": "budget.sends",
    "budr": "budget.referrals",
    "budf": "budget.sends_per_fetch",
    "budn": "budget.failed_address_fetches",
    "budd": "budget.depth",
}
"""The setting of the limit that each tag stands for."""
_PROOF: Final = {"buds": "budget.signature_checks", "budh": "budget.nsec3_hashes"}


def alias_loop(case: Case) -> Said | None:
    """Aliases lead back."""
    if case.tag != "loop":
        return None
    way = f": {' → '.join(dict.fromkeys(case.chain))} → …" if case.aliases else ""
    return Said(f"The {case.reason}{way}, so there is no end of them.", "Break the circle: one of these CNAME records "
                "must go.")  # fmt: skip


def too_many_aliases(case: Case) -> Said | None:
    """More aliases than are followed."""
    if case.tag != "buda":
        return None
    text = f"{names.to_text(case.name)} begins {case.reason}, and no more are followed for one question."
    return Said(text, "Shorten the chain of CNAME records, or raise budget.aliases.")


def budget(case: Case) -> Said | None:
    """Another limit of one question is used up."""
    setting = _SETTINGS.get(case.tag)
    if setting is None:
        return None
    text = f"{case.led}{case.asked} took {case.reason}, which is the limit {setting}."
    return Said(
        text, f"See `resolver trace` for what takes so many; if the zones are to be like that, raise {setting}."
    )


def proof_budget(case: Case) -> Said | None:
    """A proof takes more than one may."""
    setting = _PROOF.get(case.tag)
    if setting is None:
        return None
    text = f"{case.led}the proof of {case.wanted} takes {case.reason}, which is the limit {setting}"
    return Said(
        f"{text}: so it is not believed.",
        "The zone's keys or NSEC3 records are unusually many, as in an attack; look at them.",
    )


def too_late(case: Case) -> Said | None:
    """The client's time is over."""
    if case.tag not in ("late", "chnl"):
        return None
    zones = {node.zone: None for node in case.exchanges}
    took = {zone: silence(case.exchanges, zone) for zone in zones}
    worst = max(took, key=lambda zone: took[zone], default="")
    blamed = ""
    if worst and (nodes := [node for node in case.of_zone(worst) if is_silent(node)]):
        blamed = (
            f"; most of it went to servers of {worst} that kept silent, such as {case.who(nodes[0])}{by_fault(nodes)}"
        )
    elif open_now := [node for node in case.exchanges if node.event is None]:
        blamed = f"; {case.who(open_now[-1])} had not replied yet{by_fault(open_now)}"
    text = f"There was {case.reason if case.tag == 'late' else f'no proof in time: {case.reason}'}{blamed}."
    return Said(text, "Ask again: the work goes on for the cache. Or raise resolver.client_timeout_ms.")


def crowded(case: Case) -> Said | None:
    """Too much is going on at once."""
    if case.tag not in ("busz", "busv"):
        return None
    what = f"the root{case.reason[1:]}" if case.reason.startswith(". ") else case.reason
    return Said(f"{case.asked} was given up at once: {what}.", "Ask again; if it lasts, somebody floods these names.")


def remembered(case: Case) -> Said | None:
    """It has failed before, and is not tried again yet."""
    if not case.is_remembered or case.tagged("stal"):
        return None
    text = f"{case.led}{case.asked} failed a moment ago, and is not tried again yet (RFC 9520): {case.reason}."
    return Said(text, f"It is tried again after cache.failure_ttl_s, or at once after {case.flush}.")


def dead_zone(case: Case) -> Said | None:
    """All servers of the zone were silent a moment ago."""
    if case.failure is None or case.failure.label != "dead_zone":
        return None
    text = f"{case.led}{case.wanted} was not asked: a moment ago {case.reason} to another question, and the zone "
    return Said(f"{text}counts as dead for a while.",
                f"When its servers are back: wait cache.failure_ttl_s, or {case.flush}.")  # fmt: skip
