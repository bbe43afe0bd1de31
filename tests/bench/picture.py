"""Decides how a run is drawn: bars of the CPU time of a query, row by row, ours beside the others.

Rules
* The length of a bar is a ratio: to the server that costs 1 in its row, measured in the same run, so that the picture
  says the same on another machine. The ratio and the microseconds stand behind the bar as text.
* It is made of the JSON of a run alone, and the same JSON gives the same octets.
* It is readable on a light page and on a dark one, in the fonts that are there.

Limits: rows that measure no CPU time are not drawn; a bar of more than `MOST` is cut, and shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape

from tests.bench.results import figure
from tests.bench.rows import BASE, CPU
from tests.bench.servers import OURS

MOST: Final = 6.0
"""The longest bar, as a ratio."""

LEAST: Final = 2.0
"""What the axis reaches to at least."""

WIDTH: Final = 940
_LABELS, _NAMES, _BARS, _END = 20, 306, 412, 776
_TOP, _STEP, _BAR, _GAP = 74, 19, 13, 14

_STYLE: Final = """\
.page{fill:#ffffff}.title{fill:#0f172a;font-size:18px;font-weight:600}.row{fill:#0f172a;font-weight:600}
.name{fill:#475569}.ours{fill:#2563eb}.other{fill:#a3b1c2}.own{fill:#1d4ed8;font-weight:600}.value{fill:#334155}
.axis{stroke:#94a3b8;stroke-dasharray:3 3}.line{stroke:#e2e8f0}
@media(prefers-color-scheme:dark){.page{fill:#0d1117}.title,.row{fill:#f0f6fc}.name{fill:#9198a1}.ours{fill:#4493f8}
.other{fill:#505a66}.own{fill:#79b8ff}.value{fill:#c9d1d9}.axis{stroke:#6e7681}.line{stroke:#21262d}}"""


_UNDER: Final = "Shorter is better. One core each, the same names. Dashed: Unbound in the same run, which is 1."


class Bar(NamedTuple):
    """One server in one row: microseconds of CPU for a query, and what that is to the one that costs 1."""

    server: str
    cost: float
    ratio: float


class Group(NamedTuple):
    """One row: its title, the server that costs 1, and the bars, ours first and then the cheapest."""

    title: str
    base: str
    bars: list[Bar]


def picture(data: Mapping[str, Any]) -> str:
    """The SVG of what `report.to_data` made of a run."""
    drawn = groups(data)
    scale = (_END - _BARS) / min(MOST, max([LEAST, *(bar.ratio for group in drawn for bar in group.bars)]))
    body, y = [], _TOP
    for group in drawn:
        body.append(f'<path class="line" d="M{_LABELS} {y - 7.5}H{WIDTH - 20}"/>')
        body.append(_text(_LABELS, y + 11, "row", group.title))
        if group.base != BASE:
            body.append(_text(_LABELS, y + 11 + _STEP, "name", f"1 = {group.base}"))
        for bar in group.bars:
            body += _bar(bar, y, scale)
            y += _STEP
        y += _GAP + (_STEP if group.base != BASE and len(group.bars) == 1 else 0)
    one = _BARS + scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 28}" role="img" aria-labelledby="t d" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\">",
        '<title id="t">CPU time of a query, resolverd beside other servers</title>',
        f'<desc id="d">{escape(" ".join(_sentences(drawn)))}</desc>',
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="page" width="{WIDTH}" height="{y + 28}" rx="8"/>',
        _text(_LABELS, 32, "title", "CPU time of a query"),
        _text(_LABELS, 52, "name", _UNDER),
        f'<path class="axis" d="M{one:.1f} {_TOP - 8}V{y - 6}"/>',
        *body,
        _text(_LABELS, y + 12, "name", _foot(data)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def groups(data: Mapping[str, Any]) -> list[Group]:
    """The rows of `data` that measured CPU time, where ours and one that costs 1 both have a figure."""
    made = []
    for row in data["rows"]:
        costs = {server: series["median"] for server, series in row["servers"].items() if series["median"]}
        base = BASE if BASE in costs else next((server for server in costs if server != OURS), None)
        if row["unit"] != CPU or OURS not in costs or base is None:
            continue
        order = sorted(costs, key=lambda server: (server != OURS, costs[server]))
        bars = [Bar(server, costs[server], costs[server] / costs[base]) for server in order]
        made.append(Group(row["title"], base, bars))
    return made


def _foot(data: Mapping[str, Any]) -> str:
    about = data["machine"]
    taken = max((len(series["samples"]) for row in data["rows"] for series in row["servers"].values()), default=0)
    how = "one short sample of each: no evidence" if data["quick"] else f"the median of {taken} samples"
    return f"{data['taken'][:10]}, {about['processor']}, {about['python']}; {how}."


def _bar(bar: Bar, y: float, scale: float) -> Iterator[str]:
    ours, cut = bar.server == OURS, bar.ratio > MOST
    width = min(bar.ratio, MOST) * scale
    yield _text(_NAMES, y + 11, "own" if ours else "name", bar.server)
    kind = "ours" if ours else "other"
    yield f'<rect class="{kind}" x="{_BARS}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
    told = f"{bar.ratio:.2f} ×   {figure(bar.cost)} µs"
    yield _text(_BARS + max(width, scale) + 7, y + 11, "own" if ours else "value", f"… {told}" if cut else told)


def _text(x: float, y: float, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" xml:space="preserve">{escape(text)}</text>'


def _sentences(drawn: list[Group]) -> Iterator[str]:
    for group in drawn:
        costs = ", ".join(f"{bar.server} {bar.ratio:.2f}" for bar in group.bars)
        yield f"{group.title}, {group.base} being 1: {costs}."
