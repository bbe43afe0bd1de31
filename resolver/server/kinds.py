"""Decides which stored answers a client may be served, where rules tell clients apart: those made for its own kind.

Rules: a kind of clients (`Conduct.kind_of`) has a view of the stored answers, made when it first asks.

Limits: `MAX_KINDS` kinds; what is answered to others is not stored. The rules make so many, not the clients.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from resolver.cache.answers import AnswerStore
from resolver.message import Client
from resolver.server.conduct import KindOf

MAX_KINDS: Final = 64


class Kinds:
    """The views of `answers`, by what `kind_of` says of who asks. It ends when `answers` are cleared."""

    def __init__(self, answers: AnswerStore, kind_of: KindOf) -> None:
        self._answers, self._kind_of = answers, kind_of
        self._generation = answers.generation
        self._views: dict[Hashable, AnswerStore] = {}

    def of(self, client: Client) -> AnswerStore | None:
        """What is stored for such as `client`; None where nothing is to be."""
        if self._generation != self._answers.generation:
            self._views.clear()
            self._generation = self._answers.generation
        kind = self._kind_of(client)
        view = self._views.get(kind)
        if view is None and len(self._views) < MAX_KINDS:
            view = self._views[kind] = self._answers.view()
        return view
