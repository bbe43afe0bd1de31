"""What stands in the file of a policy zone: the same as the reader of all master files finds there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import policy_files
from resolver.auth.findings import refuse
from resolver.auth.master import Reader
from resolver.errors import ZoneError
from resolver.policy_files import LINES_PER_BREATH, Line, records
from tests.support.messages import name

ORIGIN = name("rpz.test.")
FILE = Path("p.zone")


def whole(text: str) -> list[Line]:
    """What the reader of master files says of `text`."""
    reader = Reader(ORIGIN, ttl=60, report=refuse)
    reader.read_text(text, str(FILE))
    return [(each.name, each.type, each.ttl, each.rdata, each.line) for each in reader.records]


def streamed(text: str, breathe: Callable[[], None] = lambda: None) -> list[Line]:
    return list(records(FILE, text, ORIGIN, 60, breathe))


def told(read: Callable[[str], list[Line]], text: str) -> list[Line] | str:
    """What `read` gives, or what it complains of."""
    try:
        return read(text)
    except ZoneError as wrong:
        return str(wrong)


LINES = st.sampled_from(
    [
        *(
            "a CNAME .",
            "b.c CNAME .",
            "*.a CNAME *.",
            "A.B CNAME rpz-passthru. ; why",
            "d 300 CNAME .",
            "e 600 CNAME .",
        ),
        *(
            "f IN CNAME .",
            "g 300 IN CNAME x.test.",
            "h CNAME x",
            "h CNAME x.test.",
            "abs.test. CNAME .",
            "i A 192.0.2.1",
        ),
        *(
            "24.0.2.0.192.rpz-ip CNAME .",
            "  A 192.0.2.2",
            "  600 TXT x",
            "@ TXT apex",
            "",
            "  ",
            "; CNAME .",
            " ; ) (\r",
        ),
        *("j CNAME .\r", 'k TXT "a;b (c"', 'l TXT "a" ( "b"', "m CNAME . )", "n ( CNAME .", ") ; (", "o\\.p CNAME ."),
        *("$ORIGIN other.rpz.test.", "$ORIGIN rpz.test.", "$TTL 900", "$TTL 1h", "q 1h CNAME .", "r TXT \\( \\)"),
        *(
            "$GENERATE 1-2 s$ CNAME .",
            "t\tCNAME\t.",
            "u CNAME . x",
            "v..w CNAME .",
            ". CNAME .",
            "x CNAM .",
            "y",
            "y CNAME",
        ),
        *(
            f"{'z' * 63} CNAME .",
            f"{'z' * 64} CNAME .",
            f"{'zz.' * 90} CNAME .",
            "ä CNAME .",
            "_s-x.1 CNAME .",
            "( CNAME .",
        ),
    ]
)


@given(st.lists(LINES, max_size=12))
def test_a_file_is_read_as_any_master_file_line_by_line(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert told(streamed, text) == told(whole, text)


def test_of_like_lines_only_the_first_is_read_by_the_reader_of_all_files(monkeypatch: pytest.MonkeyPatch) -> None:
    entries: list[str] = []
    read_text = Reader.read_text

    def seen(reader: Reader, text: str, file: str, line: int = 1) -> None:
        entries.append(text)
        read_text(reader, text, file, line)

    monkeypatch.setattr(Reader, "read_text", seen)
    found = streamed("$TTL 60\n" + "".join(f"n{number}.test CNAME . ; {number}\n" for number in range(100)))
    assert [each[-1] for each in found] == list(range(2, 102))
    assert entries == ["$TTL 60\n", "n0.test CNAME . ; 0\n"]


def test_who_reads_in_a_thread_lets_others_run() -> None:
    breaths: list[int] = []
    streamed("a CNAME .\n" * (3 * LINES_PER_BREATH), lambda: breaths.append(1))
    assert len(breaths) == 3


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"a CNAME .\n\nb\xff CNAME .\n", ":3: not UTF-8 text; write other octets as \\DDD"),
        (b"a CNAME .\nb (\nCNAME\n", ":2: the parenthesis that is opened here is never closed"),
        (b"a (\n" + 301 * (b"x" * 1000 + b"\n"), ":301: the entry has more than 300000 characters"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, octets: bytes, why: str) -> None:
    file = tmp_path / "p.zone"
    file.write_bytes(octets)
    with pytest.raises(ZoneError) as refused:
        list(records(file, None, ORIGIN, 60, lambda: None))
    assert str(refused.value).startswith(f"{file}{why}")


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ZoneError, match=r"gone:1: cannot be read: No such file or directory; check the name"):
        list(records(tmp_path / "gone", None, ORIGIN, 60, lambda: None))


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_files, "MAX_OCTETS", 10)
    file = tmp_path / "p.zone"
    file.write_text("a CNAME .\nb CNAME .\n")
    with pytest.raises(ZoneError, match="the file is larger than 10 octets; split the zone"):
        list(records(file, None, ORIGIN, 60, lambda: None))


def test_more_records_than_one_file_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_files, "MAX_RECORDS", 2)
    assert len(streamed("a CNAME .\nb CNAME .\n")) == 2
    with pytest.raises(ZoneError, match=r"p\.zone:3: more than 2 records; split the zone"):
        streamed("a CNAME .\nb CNAME .\nc CNAME .\n")
