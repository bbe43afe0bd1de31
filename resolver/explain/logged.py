"""Decides what the log of queries says of why an answer is what it is (`log.explanations`).

Rules: it is asked for while the query is told its answer (`server.accounting`), so that of all that is going on it has
what belongs to that query and nothing else, and nothing is kept of it afterwards. A mistake here costs the explanation,
and no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resolver.explain import Declared, explain
from resolver.observe.log import Log, place_of
from resolver.pipeline.transcribed import Transcribed

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World
    from resolver.explain.declared import Line


class Logged:
    """What is told of the question that `answerer` told its answer last."""

    def __init__(self, answerer: Transcribed, world: World | None, log: Log, line: Line | None = None) -> None:
        """`world` is the simulated internet, if that is asked; `line` says where its records are written."""
        self._answerer, self._log = answerer, log
        self._declared = None if world is None else Declared(world, line)

    def __call__(self, number: int) -> str | None:
        """Why the query of that number is told what it is; None where it never came to be worked on."""
        root = self._answerer.last
        if root is None or root.query is None or root.query.id != number:
            return None
        try:
            return str(explain(root, self._declared))
        except Exception as error:
            self._log.error("internal_error", query=number, error=repr(error), where=place_of(error))
            return None
