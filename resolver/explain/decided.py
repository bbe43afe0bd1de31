"""Causes of answers that were decided here, whatever others say: rules, local data, policy zones, block lists, private
addresses, DNS64."""

from __future__ import annotations

from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.message import Type
from resolver.observe.notes import Decided, Ruled
from resolver.wire import names


def by_rule(case: Case) -> Said | None:
    """A rule says what is told."""
    note = next((each for each in case.root.notes if isinstance(each, Ruled) and each.answers), None)
    if note is None:
        return None
    text = f"{case.asked} was decided by {note.rule} of [[rules]], without asking others: {note.action}."
    return Said(text, "Change that rule, or put another before it; `resolver which` says why it fits.")


def local_data(case: Case) -> Said | None:
    """The configuration has data of its own for the name."""
    note = _decided(case, "local")
    if note is None:
        return None
    text = f"{case.asked} is answered from {note.source}, whatever others say."
    return Said(text, "If others are to answer it, change filters.local_data, local_zones or hosts_files.")


def policy_zone(case: Case) -> Said | None:
    """A response policy zone has a rule for it."""
    note = _decided(case, "rpz")
    if note is None:
        return None
    text = f"{case.asked} is decided by the policy zone {note.source}, which has a rule for {note.trigger}."
    instead = "If that is a mistake, change the rule in its file, or write one to `rpz-passthru.` into an earlier zone."
    return Said(text, instead)


def blocked(case: Case) -> Said | None:
    """A block list has the name."""
    note = _decided(case, "blocked")
    if note is None:
        return None
    shown = names.to_text(case.name)
    how = "" if note.trigger == shown else " it is below" if _is_below(case, note.trigger) else " it is an alias of"
    what = f"{note.trigger} is blocked" if not how else f"{shown} is blocked, for{how} {note.trigger}, which is blocked"
    return Said(f"{what} by {note.source}.", f'If that is a mistake, set filters.allow = ["{shown.rstrip(".")}"].')


def private_address(case: Case) -> Said | None:
    """The answer of others has a private address."""
    note = _decided(case, "rebinding")
    if note is None:
        return None
    shown = names.to_text(case.name)
    text = f"{case.asked} leads to {note.trigger}, a private address, from outside, and filters.rebinding refuses that"
    return Said(f"{text}: a page could reach into the network of its reader.",
                f'If the name is one of yours, set filters.rebinding_names = ["{shown.rstrip(".")}"].')  # fmt: skip


def dns64(case: Case) -> Said | None:
    """The address was made of an IPv4 one."""
    note = _decided(case, "dns64")
    if note is None:
        return None
    if case.question.type == Type.PTR:
        text = f"{names.to_text(case.name)} stands for an IPv4 address behind {note.source}, so its name is that of "
        return Said(f"{text}{note.trigger} (DNS64, RFC 6147 section 5.3.1).")
    text = f"{note.trigger} has no AAAA record, so its address was made of its A record: a translator at {note.source} "
    return Said(f"{text}leads there (DNS64, RFC 6147).")


def _decided(case: Case, kind: str) -> Decided | None:
    """What was decided, if it was by that kind of policy."""
    return next((each for each in case.root.notes if isinstance(each, Decided) and each.kind == kind), None)


def _is_below(case: Case, ancestor: str) -> bool:
    return names.is_below(case.name, names.from_text(ancestor).lower())
