"""Decides which stored answers a client may be served, where rules tell clients apart: those made for its own kind.

Rules: a kind of clients (`Conduct.kind_of`) has a view of the stored answers, made when it first asks. Hosts that send
datagrams are remembered with theirs, as they stand in a datagram.

Limits: `MAX_KINDS` kinds; what is answered to others is not stored. The rules make so many, not the clients. `HOSTS`
are remembered, then all are forgotten and asked for again.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from resolver.cache.answers import AnswerStore, Serve
from resolver.message import Client, Transport
from resolver.server.conduct import KindOf

MAX_KINDS: Final = 64
HOSTS: Final = 10_000


class Kinds:
    """The views of `answers`, by what `kind_of` says of who asks."""

    def __init__(self, answers: AnswerStore, kind_of: KindOf) -> None:
        self._answers, self._kind_of = answers, kind_of
        self._generation = answers.generation
        self._views: dict[Hashable, AnswerStore] = {}
        self.hosts: dict[Hashable, Serve] = {}
        """What gives stored responses to the datagrams of each host that is remembered."""

    def of(self, client: Client) -> AnswerStore | None:
        """What is stored for such as `client`; None where nothing is to be."""
        if self._generation != self._answers.generation:
            self._forget()
        kind = self._kind_of(client)
        view = self._views.get(kind)
        if view is None and len(self._views) < MAX_KINDS:
            view = self._views[kind] = self._answers.view()
        return view

    def begin(self) -> None:
        """What is served to hosts from now on has the TTLs of now."""
        if self._generation != self._answers.generation:
            self._forget()
        for view in self._views.values():
            view.begin()

    def learn(self, host: Hashable, text: str) -> Serve:
        """What gives stored responses to the datagrams of `host`, whose address is `text`; it is remembered."""
        if len(self.hosts) >= HOSTS:
            self.hosts.clear()
        view = self.of(Client(text, 0, Transport.UDP))
        if view is not None:
            view.begin()
        serve = self.hosts[host] = _nothing if view is None else view.datagram
        return serve

    def served(self, count: int) -> None:
        """So many were served what is stored."""
        self._answers.hits += count

    def _forget(self) -> None:
        self._views.clear()
        self.hosts.clear()
        self._generation = self._answers.generation


def _nothing(_: bytes) -> None:
    """Nothing is stored."""
