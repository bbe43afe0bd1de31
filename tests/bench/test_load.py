"""What dnsperf says is read as it means it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.load import parse, percentile, write_names

REPORT = """\
DNS Performance Testing Tool
Version 2.10.0

[Status] Command line: dnsperf -s 127.0.0.1 -p 5300 -d names -n 2
[Status] Testing complete (end of file)

Statistics:

  Queries sent:         2000
  Queries completed:    1990 (99.50%)
  Queries lost:         10 (0.50%)

  Response codes:       SERVFAIL 7 (0.35%), NOERROR 1983 (99.65%)
  Average packet size:  request 36, response 52
  Run time (s):         0.050000
  Queries per second:   39800.500000

  Average Latency (s):  0.002987 (min 0.000036, max 0.006019)
  Latency StdDev (s):   0.000684
"""


def test_a_report_is_read() -> None:
    outcome = parse(REPORT)
    assert outcome[:4] == (1990, 10, {"SERVFAIL": 7, "NOERROR": 1983}, 39800.5)
    assert outcome.latencies == []


def test_a_load_without_any_response_is_none_and_no_error() -> None:
    silent = REPORT.replace("1990", "0").replace("SERVFAIL 7 (0.35%), NOERROR 1983 (99.65%)", "")
    assert parse(silent)[:3] == (0, 10, {})


def test_a_response_code_on_another_line_is_not_believed() -> None:
    assert parse(REPORT.replace(", NOERROR 1983 (99.65%)", "\n  NOERROR 5 (1%)")).codes == {"SERVFAIL": 7}


def test_the_latency_of_each_query_is_read_and_sorted() -> None:
    told = "> NOERROR h1.example.com A 0.000210\n> T h2.example.com A\n> NXDOMAIN h3.example.com A 0.000055\n"
    assert parse(told + REPORT).latencies == [0.000055, 0.000210]


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(1, 1001)]
    assert [percentile(values, percent) for percent in (50, 99, 99.9, 100)] == [500, 990, 999, 1000]
    assert percentile([7.0], 99.9) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize("missing", ["Queries completed", "Queries lost", "Queries per second"])
def test_what_is_no_report_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        parse(REPORT.replace(missing, "Something else"))


def test_names_are_written_as_questions(tmp_path: Path) -> None:
    assert write_names(tmp_path / "names", ["a.test", "b.test"]).read_text() == "a.test A\nb.test A\n"
