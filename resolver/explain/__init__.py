"""Decides what a person is told of an answer: in one or two sentences why it is what it is, and what to do.

Rules: a question of a transcript (`observe.transcript.Root`) holds all that is known: what was asked, what came back,
what was told. `table.CAUSES` are looked through in their order, and the first that applies explains it.
"""

from __future__ import annotations

from resolver.explain.case import Case
from resolver.explain.cause import Explanation
from resolver.explain.declared import Declared
from resolver.observe.transcript import Root

__all__ = ["Declared", "Explanation", "explain"]


def explain(root: Root, declared: Declared | None = None) -> Explanation:
    """Why the client's question `root` was told what it was. `declared` is the simulated world, where there is one:
    with it, lines of zone files and names that exist can be told."""
    from resolver.explain.table import first_of

    return first_of(Case(root, declared))
