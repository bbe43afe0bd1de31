"""What h2load says is read as it means it."""

from __future__ import annotations

from pathlib import Path

import dns.message
import pytest

from resolver.server.doh import Head, judged
from tests.bench.https_load import PATH, parse, write_urls
from tests.bench.load import Target

REPORT = """\
finished in 2.29s, 13095.67 req/s, 1.36MB/s
requests: 30000 total, 30000 started, 30000 done, 29990 succeeded, 10 failed, 3 errored, 0 timeout
status codes: 29985 2xx, 0 3xx, 5 4xx, 0 5xx
"""


def test_a_report_is_read() -> None:
    outcome = parse(REPORT, "1234567\t200\t1500\n1234568\t200\t300\n")
    assert outcome == (29990, 10, {"NOERROR": 29985, "other": 5}, 13095.67, [0.0003, 0.0015])


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="no requests"):
        parse("could not resolve")


def test_each_name_is_a_question_of_its_own(tmp_path: Path) -> None:
    (line,) = write_urls(tmp_path / "urls", ["www.test"], Target("127.0.0.1", 443, "doh")).read_text().splitlines()
    wire = judged(Head(b"GET", line.removeprefix("https://127.0.0.1:443").encode()), {PATH.encode()})
    assert isinstance(wire, bytes)
    assert dns.message.from_wire(wire).question[0].to_text() == "www.test. IN A"
