"""Decides how samples are told: a table in Markdown for people, one JSON object for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.rows import Row, Sample

OURS: Final = "resolverd"
BESIDE: Final = "unbound"

_HEAD: Final = ("row", "what", "unit", OURS, "bound", "within", BESIDE, f"{OURS} / {BESIDE}", "proof")


@dataclass(slots=True)
class Series:
    """The samples of one row from one server, and why others are void."""

    samples: list[Sample] = field(default_factory=list)
    voids: list[str] = field(default_factory=list)

    @property
    def median(self) -> float | None:
        """The figure of the row, None without samples."""
        return median(sample.value for sample in self.samples) if self.samples else None

    def told(self) -> str:
        """The median with the lowest and the highest: `8.21 (8.04-9.90)`."""
        if not self.samples:
            return "void" if self.voids else "-"
        values = [sample.value for sample in self.samples]
        return f"{figure(median(values))} ({figure(min(values))}-{figure(max(values))})"

    def fact(self, name: str) -> float | None:
        """The median of a fact that each sample states."""
        stated = [sample.facts[name] for sample in self.samples if name in sample.facts]
        return median(stated) if stated else None


@dataclass(slots=True)
class Result:
    """One row with what each server had to show for it."""

    row: Row
    series: dict[str, Series] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours over that of the other server in the same run: below 1, ours is cheaper."""
        ours, theirs = self.of(OURS).median, self.of(BESIDE).median
        return ours / theirs if ours is not None and theirs else None

    @property
    def within(self) -> bool | None:
        """Whether the figure is within its bound; None when there is none."""
        ours = self.of(OURS).median
        return None if ours is None else ours <= self.row.bound

    def of(self, server: str) -> Series:
        """The series of `server`, kept."""
        return self.series.setdefault(server, Series())


def figure(value: float) -> str:
    """`value` with three digits that count, and no fewer than it has before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(results: Iterable[Result]) -> str:
    """The results in Markdown, with columns that also line up on a terminal."""
    lines = [_HEAD, *(_cells(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    rule = tuple("-" * width for width in widths)
    padded = (
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in (lines[0], rule, *lines[1:])
    )
    return "\n".join(f"| {line} |" for line in padded)


def _cells(result: Result) -> tuple[str, ...]:
    row, ours = result.row, result.of(OURS)
    ratio, stored, upstream = result.ratio, ours.fact("stored"), ours.fact("upstream")
    return (
        row.name,
        row.title,
        row.unit,
        ours.told(),
        f"{row.bound:g}",
        {True: "yes", False: "no", None: "-"}[result.within],
        result.of(BESIDE).told(),
        "-" if ratio is None else f"{ratio:.2f}",
        "-" if stored is None or upstream is None else f"{stored:.3f} stored, {upstream:.3f} upstream",
    )


def voids(results: Iterable[Result]) -> list[str]:
    """A line for each sample that could not be used."""
    return [
        f"void: {result.row.name} of {server}: {why}"
        for result in results
        for server, series in result.series.items()
        for why in series.voids
    ]


def machine() -> dict[str, str | int | float]:
    """On what the figures were taken."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def to_data(results: Sequence[Result], about: Mapping[str, object]) -> dict[str, object]:
    """The same as JSON can carry it, with every sample."""
    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        **about,
        "rows": [
            {
                "name": result.row.name,
                "title": result.row.title,
                "unit": result.row.unit,
                "bound": result.row.bound,
                "within": result.within,
                "ratio": result.ratio,
                "servers": {server: _series(series) for server, series in result.series.items()},
            }
            for result in results
        ],
    }


def _series(series: Series) -> dict[str, object]:
    samples = [{"value": sample.value, **sample.facts} for sample in series.samples]
    return {"median": series.median, "samples": samples, "voids": series.voids}
