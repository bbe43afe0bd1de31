"""Decides how results are told: two tables in Markdown for people, one JSON object for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.bench.results import Result, Series
from tests.bench.servers import OURS

_BOUNDS: Final = ("row", "what", "unit", OURS, "beside", "ratio", "bound", "met", "lost at 80 %")
_DETAILS: Final = (
    *("row", "server", "figure", "ours / it", "queries/s", "lost", "lost at 80 %"),
    *("p50 µs", "p99 µs", "p99.9 µs", "RSS MiB", "upstream", "from store"),
)
_FACTS: Final = ("qps", "lost", "lost_80", "p50_us", "p99_us", "p999_us", "rss_mib", "upstream", "stored")
_MET: Final = {True: "yes", False: "NO", None: "-"}


def bounds(results: Iterable[Result]) -> str:
    """A line for each row: ours, the one that it is compared with, and whether the bound is met."""
    return _table([_BOUNDS, *(_bound_cells(result) for result in results)])


def details(results: Iterable[Result]) -> str:
    """A line for each server of each row of a load, with the medians of all that was seen."""
    lines = [
        (result.row.name, server, series.told(), _ratio(result, server), *(_fact(series, name) for name in _FACTS))
        for result in results
        for server, series in result.series.items()
    ]
    return _table([_DETAILS, *lines])


def _bound_cells(result: Result) -> tuple[str, ...]:
    row, ours, against, ratio = result.row, result.of(OURS), result.against, result.ratio
    lost = [sample.facts["lost_80"] for sample in ours.samples if "lost_80" in sample.facts]
    return (
        row.name,
        row.title,
        row.unit,
        ours.told(),
        "-" if against is None else f"{against} {result.of(against).told()}",
        "-" if ratio is None else f"{ratio:.2f}",
        row.bound_told,
        _MET[result.within],
        f"{sum(lost):.0f}" if lost else "-",
    )


def _ratio(result: Result, server: str) -> str:
    ratio = None if server == OURS else result.ratio_to(server)
    return "-" if ratio is None else f"{ratio:.2f}"


def _fact(series: Series, name: str) -> str:
    value = series.fact(name)
    if value is None:
        return "-"
    return f"{value:.3f}" if name in ("upstream", "stored") else f"{value:.0f}"


def _table(lines: Sequence[Sequence[str]]) -> str:
    """Markdown, with columns that also line up on a terminal."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rule = ["-" * width for width in widths]
    padded = (
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in (lines[0], rule, *lines[1:])
    )
    return "\n".join(f"| {line} |" for line in padded)


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
                "bound": result.row.bound_told,
                "within": result.within,
                "against": result.against,
                "ratio": result.ratio,
                "servers": {server: _series(result, server) for server in result.series},
            }
            for result in results
        ],
    }


def _series(result: Result, server: str) -> dict[str, object]:
    series = result.of(server)
    samples = [{"value": sample.value, **sample.facts} for sample in series.samples]
    data: dict[str, object] = {"median": series.median, "ours_over_it": result.ratio_to(server)}
    data |= {"facts": series.facts(), "samples": samples, "voids": series.voids}
    return data if series.absent is None else data | {"absent": series.absent}
