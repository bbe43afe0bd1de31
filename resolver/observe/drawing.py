"""Decides how a transcript is drawn: a tree of lines, a message with what came of it and what it was taken for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from resolver.engine.knowledge import CONFIGURED
from resolver.message import Reply
from resolver.observe.notes import in_words
from resolver.observe.transcript import Node, Root
from resolver.text import printable
from resolver.wire import types


def trees(roots: Iterable[Root]) -> Iterator[str]:
    """The questions of `roots`, each with what it was told and all that was done for it, faults and notes included."""
    for root in roots:
        if root.query is None:
            yield f"({root.why})"
        else:
            yield f"{root.asked} ? {printable(_told(root))}"
        for note in root.notes:
            yield f"· {printable(in_words(note))}"
        yield from branches(root.below, noting=True)


def branches(nodes: Sequence[Node], indent: str = "", *, noting: bool = False) -> Iterator[str]:
    """`nodes` and all below them, each line behind `indent`; with their notes, if those are wanted."""
    for node in nodes:
        last = node is nodes[-1]
        stem, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        rtt = "" if node.rtt is None else f" {node.rtt * 1000:.1f} ms"
        if node.address:
            recursion = ", recursion desired" if node.recursion_desired else ""
            asked = f"{node.asked}  → {node.server or f'({node.upstream or CONFIGURED})'} {node.address}"
            yield f"{indent}{stem}{asked} ({node.transport}{recursion}){rtt}"
        else:
            yield f"{indent}{stem}{node.asked}  ({node.why or 'replies are waited for'})"
        if noting:
            yield from (f"{indent}{below}! {printable(in_words(note))}" for note in node.notes)
        yield from branches(node.below, indent + below, noting=noting)
        for mark, text in (("←", node.came_back), ("=", node.decided)):
            if text:
                yield f"{indent}{below}{mark} {printable(text)}"


def _told(root: Root) -> str:
    """What the client was told, in a line."""
    match root.told:
        case None:
            return "no answer yet"
        case Reply(rcode=rcode) if rcode:
            return types.rcode_to_text(rcode)
        case Reply(answer=()):
            return "NODATA"
        case Reply():
            return root.came_back
        case failure:
            return f"{types.rcode_to_text(failure.rcode)}: {failure}"
