"""What rules see of a query: the question as it stands now, who asks and how, the time, chance, and earlier tags.

Rules: chance is drawn from the query itself and a secret, so that the same query has the same luck whenever it is
looked at, and another rule another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.message import Client, Query

_LUCK: Final = 1 << 32


class Seen:
    """One query, as rules see it. `name` is folded; `tags` are those that earlier rules have put on it."""

    __slots__ = ("_certain", "_mark", "_secret", "_wall", "client", "name", "options", "tags", "type")

    def __init__(self, query: Query, wall: Callable[[], float], secret: int = 0, *, certain: bool = False) -> None:
        """`certain`: chance lets it fit whatever it may fit."""
        self.name, self.type = query.question.name.lower(), query.question.type
        self.client: Client = query.client
        self.options: tuple[tuple[int, bytes], ...] = () if query.edns is None else query.edns.options
        self.tags: frozenset[str] = frozenset()
        self._mark = hash((query.id, query.deadline))
        self._wall, self._secret, self._certain = wall, secret, certain

    @property
    def wall(self) -> float:
        """Seconds since 1970."""
        return self._wall()

    def luck(self, salt: int) -> float:
        """A number of [0, 1), the same for the same query and `salt`: above 0 what is to fit, below what is not to."""
        if self._certain:
            return 0.0 if salt > 0 else 1.0
        return (hash((self._secret, self._mark, salt)) & (_LUCK - 1)) / _LUCK
