"""What several causes tell of the messages of a question: who was silent, for how long, which faults were applied."""

from __future__ import annotations

from collections.abc import Iterable

from resolver.engine.actions import Unanswered
from resolver.errors import CACHED_ERROR
from resolver.explain.case import Case
from resolver.network.base import Trouble
from resolver.observe.notes import Faulted
from resolver.observe.transcript import Node


def faults(nodes: Iterable[Node]) -> list[Faulted]:
    """The faults that were applied to the messages `nodes`, each once."""
    return list(dict.fromkeys(note for node in nodes for note in node.notes if isinstance(note, Faulted)))


def by_fault(nodes: Iterable[Node]) -> str:
    """The same, as ` (fault rule 3: silent)`; "" for none."""
    found = faults(nodes)
    if not found:
        return ""
    return f" (fault rule {found[0].rule}: {word(found[0])})"


def word(fault: Faulted) -> str:
    """What the fault is, without the rest of its rule."""
    return fault.fault.partition(" ")[0]


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
