"""The tables and the JSON say what the samples say."""

from __future__ import annotations

import json

from tests.bench.report import bounds, details, to_data
from tests.bench.results import Result, Series
from tests.bench.rows import ROWS
from tests.bench.sample import Sample
from tests.bench.servers import OURS

FACTS = {"qps": 50000.0, "lost": 0.0, "lost_80": 2.0, "p50_us": 80.0, "p99_us": 140.0, "p999_us": 200.0}
UDP_HIT = next(row for row in ROWS if row.name == "udp-hit")


def result() -> Result:
    facts = FACTS | {"rss_mib": 44.0, "upstream": 0.0, "stored": 1.0}
    ours = Series([Sample(8.0, facts), Sample(9.0, facts)])
    return Result(UDP_HIT, {OURS: ours, "unbound": Series([Sample(4.0, {"upstream": 0.0})])})


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_of_bounds_has_a_line_for_each_row() -> None:
    head, rule, line = bounds([result()]).splitlines()
    assert set(rule) == set("| -")
    assert len(head) == len(rule) == len(line)
    assert dict(zip(cells(head), cells(line), strict=True)) == {
        "row": "udp-hit",
        "what": "UDP hit, 1,000 names",
        "unit": "µs CPU/query",
        "resolverd": "8.50 (8.00-9.00)",
        "beside": "unbound 4.00",
        "ratio": "2.12",
        "bound": "1.25 × unbound",
        "met": "NO",
        "lost at 80 %": "4",
    }


def test_the_table_of_details_has_a_line_for_each_server() -> None:
    head, _, ours, theirs = details([result()]).splitlines()
    told = dict(zip(cells(head), cells(ours), strict=True))
    assert told == {
        "row": "udp-hit",
        "server": "resolverd",
        "figure": "8.50 (8.00-9.00)",
        "ours / it": "-",
        "queries/s": "50000",
        "lost": "0",
        "lost at 80 %": "2",
        "p50 µs": "80",
        "p99 µs": "140",
        "p99.9 µs": "200",
        "RSS MiB": "44",
        "upstream": "0.000",
        "from store": "1.000",
    }
    assert cells(theirs) == ["udp-hit", "unbound", "4.00", "2.12", "-", "-", "-", "-", "-", "-", "-", "0.000", "-"]


def test_the_json_has_every_sample_and_what_it_was_taken_on() -> None:
    data = json.loads(json.dumps(to_data([result()], {"quick": True})))
    assert data["quick"] is True
    (row,) = data["rows"]
    assert row["ratio"] == 8.5 / 4
    assert (row["bound"], row["within"], row["against"]) == ("1.25 × unbound", False, "unbound")
    assert row["servers"][OURS]["samples"][1]["value"] == 9.0
    assert row["servers"][OURS]["facts"]["p99_us"] == 140.0
    assert row["servers"]["unbound"]["ours_over_it"] == 8.5 / 4
    assert row["servers"]["unbound"]["samples"] == [{"value": 4.0, "upstream": 0.0}]
