"""The picture shows what the JSON of a run says, and the one in the docs is that of the JSON beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.bench.picture import MOST, WIDTH, groups, picture

DOCS = Path(__file__).resolve().parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def run(**rows: dict[str, float | None]) -> dict[str, Any]:
    return {
        "taken": "2026-11-25T10:00:00+00:00",
        "quick": False,
        "machine": {"processor": "a <processor>", "python": "CPython 3.11"},
        "rows": [
            {
                "title": title,
                "unit": "µs CPU/query",
                "servers": {server: {"median": cost, "samples": [{}] * 3} for server, cost in costs.items()},
            }
            for title, costs in rows.items()
        ],
    }


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def bars(svg: str) -> list[tuple[str, float]]:
    found = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    return [(each.attrib["class"], float(each.attrib["width"])) for each in found if "page" not in each.attrib["class"]]


def test_the_picture_in_the_docs_is_that_of_the_json_beside_it() -> None:
    data = json.loads((DOCS / "bench.json").read_text())
    assert (DOCS / "bench.svg").read_text() == picture(data)
    assert groups(data)


def test_bars_are_as_long_as_the_ratios_say() -> None:
    (ours, first), (_, second), (_, third) = bars(picture(run(hit={"resolverd": 3.0, "unbound": 6.0, "bind9": 9.0})))
    assert ours == "ours"
    assert (second / first, third / first) == pytest.approx((2.0, 3.0), rel=0.01)


def test_ratios_and_microseconds_stand_as_text() -> None:
    told = texts(picture(run(hit={"resolverd": 3.0, "unbound": 6.0})))
    assert "0.50 ×   3.00 µs" in told
    assert "1.00 ×   6.00 µs" in told


def test_ours_comes_first_and_then_the_cheapest() -> None:
    (group,) = groups(run(hit={"unbound": 6.0, "bind9": 5.0, "resolverd": 9.0}))
    assert [bar.server for bar in group.bars] == ["resolverd", "bind9", "unbound"]


def test_a_row_without_unbound_says_who_is_1() -> None:
    told = texts(picture(run(answer={"resolverd": 8.0, "nsd": 4.0})))
    assert "1 = nsd" in told
    assert "2.00 ×   8.00 µs" in told


def test_rows_without_a_comparison_or_of_something_else_are_left_out() -> None:
    data = run(
        alone={"resolverd": 8.0}, void={"resolverd": None, "unbound": 4.0}, hit={"resolverd": 1.0, "unbound": 1.0}
    )
    data["rows"].append({"title": "start", "unit": "ms", "servers": {"resolverd": {"median": 400, "samples": []}}})
    assert [group.title for group in groups(data)] == ["hit"]


def test_a_bar_that_would_be_too_long_is_cut_and_shows_it() -> None:
    (_, long), (_, one) = bars(svg := picture(run(miss={"resolverd": 90.0, "unbound": 6.0})))
    assert long / one == pytest.approx(MOST, rel=0.01)
    assert "… 15.00 ×   90.0 µs" in texts(svg)
    assert 412 + long < WIDTH


def test_what_is_in_the_json_cannot_break_the_picture() -> None:
    costs: dict[str, float | None] = {"resolverd": 1.0, "unbound": 2.0}
    svg = picture(run(**{"<b>&": costs}))
    assert "<b>&" in texts(svg)
    assert any("a <processor>" in text for text in texts(svg))


def test_a_quick_run_says_that_it_is_one() -> None:
    data = run(hit={"resolverd": 3.0, "unbound": 6.0})
    assert "the median of 3 samples" in texts(picture(data))[-1]
    assert "no evidence" in texts(picture(data | {"quick": True}))[-1]


def test_each_class_has_a_colour_on_a_light_page_and_on_a_dark_one() -> None:
    svg = picture(run(hit={"resolverd": 3.0, "unbound": 6.0}, answer={"resolverd": 8.0, "nsd": 4.0}))
    used = set(re.findall(r'class="(\w+)"', svg))
    light, dark = svg.split("prefers-color-scheme:dark")
    for name in used:
        assert f".{name}" in light.partition("<style>")[2], name
        assert f".{name}" in dark.partition("</style>")[0], name
