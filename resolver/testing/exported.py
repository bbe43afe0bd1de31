"""Decides how the internet of a test becomes a scenario, which can be played without the test."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from resolver.testing.inside import Inside
    from resolver.testing.replay.verdict import Verdict

T = TypeVar("T")


class Exported:
    """What `internets.Internet` can do with its history."""

    def _do(self, job: Callable[[Inside], T]) -> T:
        """What `job` returns, which is called in this internet's thread."""
        raise NotImplementedError

    def export_scenario(self, path: str | PathLike[str], title: str = "exported from a test") -> Verdict:
        """`path` holds a scenario of what was asked and answered, for `resolver replay`; how the resolver does in it.

        Records that were changed meanwhile are said as they were when a server was asked for them. Raises `InputError`
        where nobody has asked anything, and OSError.
        """
        from resolver.testing.replay.export import Setting
        from resolver.testing.replay.exporting import export

        __tracebackhide__ = True
        seen, config, world = self._do(lambda inside: (inside.history.select(), inside.config, inside.plan.world()))
        return export(seen, Setting.of(config, world), Path(path), world=world, title=title)
