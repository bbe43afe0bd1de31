"""Causes of answers that come from what was learnt before: from the cache, from what has expired, from what is proven
of other names, from a failure that is remembered."""

from __future__ import annotations

from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.message import Rcode, Type
from resolver.observe.notes import At, Held, Inferred, Stage
from resolver.pipeline.stale import STALE
from resolver.wire import names


def stale(case: Case) -> Said | None:
    """What has expired is told, because nothing newer is to be had."""
    if case.reply is None or case.tagged("stal") is None:
        return None
    held = case.note(Held)
    when = "" if held is None else f" {_time(-held.left)} ago"
    why = next((each.text for each in case.ede if each.code not in STALE and each.text), "")
    failed = f"asking again failed ({why})" if why else "asking again takes longer than the client should wait"
    text = f"The answer to {case.asked} expired{when}, but {failed}, so the old one is told (RFC 8767)."
    return Said(text, "See why its servers cannot be had; cache.serve_stale = false turns this off.")


def inferred(case: Case) -> Said | None:
    """What is proven of other names answers."""
    note = case.note(Inferred)
    if note is None or case.reply is None or case.concluding is not None:
        return None
    zone = "the zone" if note.zone is None else names.to_text(note.zone)
    name = names.to_text(note.name)
    if case.answer and case.reply.rcode == Rcode.NOERROR and not case.reply.authority:
        text = f"A wildcard of {zone} that is held answers {case.wanted}: what {zone} has signed shows that {name} has "
        return Said(f"{text}no records of its own (RFC 8198), so nobody was asked.")
    what = "does not exist" if case.reply.rcode == Rcode.NXDOMAIN else "has no such records"
    text = f"{case.led}{name} {what}: that follows from denials of {zone} that are held and proven (RFC 8198, RFC 8020)"
    return Said(f"{text}, so nobody was asked.", f"If it is new: `resolver cache flush {zone.rstrip('.')}/subtree`, or "
                "wait until the denial ends.")  # fmt: skip


def cached(case: Case) -> Said | None:
    """The answer was held."""
    if At(Stage.CACHED) not in case.root.notes or not case.answer or case.reply is None or case.reply.authority:
        return None
    text = f"{case.led}{case.wanted} was in the cache{_since(case)}, so nobody was asked."
    return Said(text, f"{case.flush} has it asked again.")


def referred(case: Case) -> Said | None:
    """Recursion was not desired, and of what was asked no more than a delegation was held."""
    if At(Stage.CACHED) not in case.root.notes or case.query.rd or case.reply is None:
        return None
    ns = next((rrset for rrset in case.reply.authority if rrset.type == Type.NS), None)
    if ns is None:
        return None
    text = (
        f"{case.led}{case.wanted} is not in the cache, and the query did not desire recursion (RD=0), so the closest "
    )
    return Said(f"{text}delegation that is held is told, that of {names.to_text(ns.name)}.", "Ask with RD=1.")


def cached_denial(case: Case) -> Said | None:
    """That there is nothing was held."""
    if At(Stage.CACHED) not in case.root.notes or case.reply is None:
        return None
    what = "does not exist" if case.reply.rcode == Rcode.NXDOMAIN else "has no such records"
    text = f"{case.led}that {case.wanted} {what} was in the cache{_since(case)}, so nobody was asked (RFC 2308)."
    return Said(text, f"{case.flush} has it asked again.")


def _since(case: Case) -> str:
    held = case.note(Held)
    rrsets = () if case.reply is None else (*case.reply.answer, *case.reply.authority)
    left = min((rrset.ttl for rrset in rrsets), default=0)
    if held is None:
        return f", good for {left} s more"
    return f": learnt {_time(held.age)} ago with a TTL of {held.age + held.left} s, good for {left} s more"


def _time(seconds: int) -> str:
    """So many seconds, as people say it."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
