"""Decides, of what the configuration says alone, whom a name is asked of: the zones that are not found by iteration.

Rules: of forward zones and stub zones the one closest to the name decides. A zone that is both is forwarded first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from resolver.engine.delegation import Delegation
from resolver.engine.knowledge import Route
from resolver.wire import names


@dataclass(frozen=True, slots=True)
class Routes:
    """What the configuration says of whom to ask; keys are folded names.

    `root` are the root hints, or in the recursive mode (`recursed_root`) the root servers that offer
    recursion.
    """

    root: Delegation
    recursed_root: bool = False
    stubs: Mapping[bytes, Delegation] = field(default_factory=dict)
    forwards: Mapping[bytes, Route] = field(default_factory=dict)
    first: Collection[bytes] = ()
    """The forward zones that are iterated where nobody who is asked for them is of use."""

    def forward(self, name: bytes) -> Route | None:
        """Whom the forward zone has asked that `name` is in, unless a stub zone is closer to it."""
        stubs, forwards = self.stubs, self.forwards
        pos, ancestor = 0, name
        while True:
            route = forwards.get(ancestor)
            if route is not None:
                return route
            if stubs and ancestor in stubs:
                return None
            length = name[pos]
            if not length:
                return None
            pos += length + 1
            ancestor = name[pos:]

    def closest(self, name: bytes) -> bytes | None:
        """The stub or forward zone that `name`, folded, is in."""
        if not (self.stubs or self.forwards):
            return None
        return next((each for each in names.ancestors(name) if each in self.stubs or each in self.forwards), None)

    def has_zone(self, name: bytes) -> bool:
        """Whether `name` is that of a stub or forward zone."""
        folded = names.fold(name)
        return folded in self.stubs or folded in self.forwards

    def has_stub(self, name: bytes) -> bool:
        """Whether `name` is in a stub zone."""
        return bool(self.stubs) and any(ancestor in self.stubs for ancestor in names.ancestors(name))
