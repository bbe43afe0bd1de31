"""What several causes tell of the messages of a question: who was silent, for how long, which faults were applied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from resolver.engine.actions import Unanswered
from resolver.errors import CACHED_ERROR
from resolver.explain.case import Case
from resolver.network.base import Trouble
from resolver.network.faults.words import DNSSEC, WORDS
from resolver.observe.notes import Faulted
from resolver.observe.transcript import Node

CLOCK_SKEW: Final = "clock_skew"
"""The fault of time that makes signatures wrong."""


def faults(nodes: Iterable[Node]) -> list[Faulted]:
    """The faults that were applied to the messages `nodes`, each once."""
    return list(dict.fromkeys(note for node in nodes for note in node.notes if isinstance(note, Faulted)))


def by_fault(nodes: Iterable[Node]) -> str:
    """The same, as ` (fault rule 3: silent)`; "" for none."""
    found = faults(nodes)
    if not found:
        return ""
    return f" (fault rule {found[0].rule}: {word(found[0])})"


def ending(found: list[Faulted]) -> str:
    """How the first of the faults `found`, of which there is one, is ended."""
    first = found[0]
    clear = f"`resolver fault clear {first.rule}`"
    if not first.declared:
        return f"{clear} ends it."
    return f"hierarchy.toml declares it: take it out there; for a daemon that runs, {clear} ends it."


def word(fault: Faulted) -> str:
    """What the fault is, without the rest of its rule."""
    return fault.fault.partition(" ")[0]


def signed_wrongly(case: Case) -> list[Faulted]:
    """The faults that make a zone signed wrongly, of those that were applied on the way.

    They need not be at a server of that zone: a wrong DS is its parent's.
    """
    return [each for each in faults(case.all_messages) if WORDS[word(each)].group == DNSSEC or word(each) == CLOCK_SKEW]


def is_silent(node: Node) -> bool:
    """Whether nothing came of the message `node`."""
    return isinstance(node.event, Unanswered) and node.event.trouble is Trouble.TIMEOUT and not node.event.suspicion


def silence(nodes: Iterable[Node], zone: str) -> float:
    """For how many seconds replies of the servers of `zone` were waited for in vain."""
    return sum(
        node.event.waited
        for node in nodes
        if node.zone == zone and is_silent(node) and isinstance(node.event, Unanswered)
    )


def told_why(case: Case) -> str:
    """What the servers themselves said of it, by extended errors of their own."""
    said = [each.text or f"EDE {each.code}" for each in case.ede[1:] if each.code != CACHED_ERROR]
    return f", and said why: {'; '.join(said)}" if said else ""
