"""Decides what a run has found: the samples of each row by server, their medians, ratios and bounds.

Limits: a ratio is that of two medians; how far single samples lie apart is shown beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from tests.bench.rows import BEST, Row
from tests.bench.sample import Sample
from tests.bench.servers import OURS


@dataclass(slots=True)
class Series:
    """The samples of one row from one server; why others are void; why there can be none, if so."""

    samples: list[Sample] = field(default_factory=list)
    voids: list[str] = field(default_factory=list)
    absent: str | None = None

    @property
    def median(self) -> float | None:
        """The figure of the row, None without samples."""
        return median(sample.value for sample in self.samples) if self.samples else None

    def told(self) -> str:
        """The median with the lowest and the highest: `8.21 (8.04-9.90)`."""
        if not self.samples:
            return "void" if self.voids else "-" if self.absent is None else "n/a"
        values = [sample.value for sample in self.samples]
        spread = f" ({figure(min(values))}-{figure(max(values))})" if len(values) > 1 else ""
        return figure(median(values)) + spread

    def fact(self, name: str) -> float | None:
        """The median of a fact, of the samples that state it."""
        stated = [sample.facts[name] for sample in self.samples if name in sample.facts]
        return median(stated) if stated else None

    def facts(self) -> dict[str, float]:
        """The median of each fact."""
        names = dict.fromkeys(name for sample in self.samples for name in sample.facts)
        return {name: median(s.facts[name] for s in self.samples if name in s.facts) for name in names}


@dataclass(slots=True)
class Result:
    """One row with what each server had to show for it."""

    row: Row
    series: dict[str, Series] = field(default_factory=dict)

    def of(self, server: str) -> Series:
        """The series of `server`, kept."""
        return self.series.setdefault(server, Series())

    @property
    def against(self) -> str | None:
        """Whom ours is compared with: the one of the bound, or the first that is usual; None when there is none."""
        peers = {name: each.median for name, each in self.series.items() if name != OURS and each.median is not None}
        wanted = self.row.against or next(iter(self.row.usual), "")
        if wanted == BEST:
            return min(peers, key=lambda name: peers[name] or 0.0) if peers else None
        return wanted if wanted in peers else None

    @property
    def ratio(self) -> float | None:
        """Ours over `against` in the same run: below 1, ours is cheaper."""
        return None if self.against is None else self.ratio_to(self.against)

    def ratio_to(self, server: str) -> float | None:
        """Ours over that of `server`; None when one of them has no figure."""
        ours, theirs = self.of(OURS).median, self.of(server).median
        return ours / theirs if ours is not None and theirs else None

    @property
    def within(self) -> bool | None:
        """Whether the bound is met; None when there is none, or nothing to tell it by."""
        figure = self.of(OURS).median if self.row.against is None else self.ratio
        return None if figure is None or self.row.bound is None else figure <= self.row.bound


def figure(value: float) -> str:
    """`value` with three digits that count, and no fewer than it has before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def voids(results: Iterable[Result]) -> list[str]:
    """A line for each sample that could not be used."""
    return [
        f"void: {result.row.name} of {server}: {why}"
        for result in results
        for server, series in result.series.items()
        for why in series.voids
    ]


def absences(results: Iterable[Result]) -> list[str]:
    """A line for each server that a row cannot have."""
    return [
        f"n/a: {result.row.name} of {server}: {series.absent}"
        for result in results
        for server, series in result.series.items()
        if series.absent is not None
    ]
