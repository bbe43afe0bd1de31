"""Decides how a transcript is drawn: a tree of lines, a message with what came of it and what it was taken for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resolver.observe.transcript import Node


def branches(nodes: Sequence[Node], indent: str = "") -> Iterator[str]:
    """`nodes` and all below them, each line behind `indent`."""
    for node in nodes:
        last = node is nodes[-1]
        stem, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        rtt = "" if node.rtt is None else f" {node.rtt * 1000:.1f} ms"
        if node.address:
            recursion = ", recursion desired" if node.recursion_desired else ""
            asked = f"{node.asked}  → {node.server or '(a configured server)'} {node.address}"
            yield f"{indent}{stem}{asked} ({node.transport}{recursion}){rtt}"
        else:
            yield f"{indent}{stem}{node.asked}  ({node.why or 'replies are waited for'})"
        yield from branches(node.below, indent + below)
        for mark, text in (("←", node.came_back), ("=", node.decided)):
            if text:
                yield f"{indent}{below}{mark} {plain(text)}"


def plain(text: str) -> str:
    """`text` without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else f"\\{ord(char):03d}" for char in text)
