"""Master files: what they say, on which line, and what is refused."""

from __future__ import annotations

from pathlib import Path

import dns.name
import dns.rdatatype
import dns.zone
import pytest

from resolver.auth import master, syntax
from resolver.auth.findings import Finding
from resolver.errors import ZoneError
from resolver.message import Type
from resolver.wire import names

ORIGIN = names.from_text("example.com")
DATA = Path(__file__).parents[2] / "data"
ZONES = Path(__file__).parents[3] / "zones"


def read(tmp_path: Path, text: str, **options: bool) -> master.MasterFile:
    path = tmp_path / "example.com.zone"
    path.write_text(text, encoding="utf-8")
    return master.read(path, ORIGIN, **options)


def said(tmp_path: Path, text: str, **options: bool) -> list[tuple[str, str, int, int]]:
    """Owner, type, TTL and line of each record."""
    return [
        (names.to_text(one.name), dns.rdatatype.to_text(one.type), one.ttl, one.line)
        for one in read(tmp_path, text, **options).records
    ]


def refused(tmp_path: Path, text: str, **options: bool) -> str:
    with pytest.raises(ZoneError) as caught:
        read(tmp_path, text, **options)
    return str(caught.value).replace(f"{tmp_path}/", "")


def as_dnspython_reads(path: Path, origin: str) -> set[tuple[bytes, int, int, bytes]]:
    zone = dns.zone.from_file(str(path), origin=origin, relativize=False, check_origin=False)
    return {
        (name.to_wire().lower(), int(rdata.rdtype), ttl, rdata.to_wire()) for name, ttl, rdata in zone.iterate_rdatas()
    }


@pytest.mark.rfc(1035, "5.1")
def test_owner_ttl_and_class_are_carried_over_and_may_change_places(tmp_path: Path) -> None:
    text = "$TTL 300\nwww A 192.0.2.1\n    IN 60 A 192.0.2.2\n  60 IN A 192.0.2.3\n@ in a 192.0.2.4\n"
    assert said(tmp_path, text) == [
        ("www.example.com.", "A", 300, 2),
        ("www.example.com.", "A", 60, 3),
        ("www.example.com.", "A", 60, 4),
        ("example.com.", "A", 300, 5),
    ]


@pytest.mark.rfc(1035, "5.1")
def test_a_record_over_several_lines_counts_from_its_first(tmp_path: Path) -> None:
    text = """; a comment
@ SOA ns1 admin (
    1 ; serial (
    7200 3600
    1209600 300 )

www A 192.0.2.1 ; ")
"""
    assert [(kind, line) for _, kind, _, line in said(tmp_path, text)] == [("SOA", 2), ("A", 7)]


@pytest.mark.rfc(1035, "5.1")
def test_quotes_and_backslashes_keep_what_would_mean_something(tmp_path: Path) -> None:
    text = 'a TXT "one; (two" three\\;four "say \\"hi\\"" \\032five\na\\.b A 192.0.2.1\n'
    records = read(tmp_path, text).records
    assert records[0].rdata == b'\x09one; (two\x0athree;four\x08say "hi"\x05 five'
    assert records[1].name == b"\x03a.b\x07example\x03com\x00"


@pytest.mark.rfc(2308, "4")
def test_without_a_default_the_last_stated_ttl_counts_and_before_any_the_zone_s(tmp_path: Path) -> None:
    text = "a A 192.0.2.1\nb 60 A 192.0.2.2\nc A 192.0.2.3\n$TTL 1h\nd A 192.0.2.4\n"
    assert [ttl for _, _, ttl, _ in said(tmp_path, text)] == [3600, 60, 60, 3600]


def test_origin_is_relative_to_the_one_before_and_ends_with_the_file(tmp_path: Path) -> None:
    text = "$ORIGIN lab\n@ A 192.0.2.1\n$ORIGIN net.\nwww.example A 192.0.2.2\n"
    assert [owner for owner, *_ in said(tmp_path, text)] == ["lab.example.com.", "www.example.net."]


def test_windows_line_ends_and_a_missing_last_one_are_fine(tmp_path: Path) -> None:
    assert len(said(tmp_path, "a A 192.0.2.1\r\n@ SOA a b ( 1\r\n 2 3 4 5 )\r\nb A 192.0.2.2")) == 3


def test_case_is_kept_in_owners_and_in_targets(tmp_path: Path) -> None:
    record = read(tmp_path, "WwW CNAME Host.Example.NET.\n").records[0]
    assert record.name.startswith(b"\x03WwW")
    assert record.rdata == b"\x04Host\x07Example\x03NET\x00"


def test_records_become_rrsets_without_repetition_and_with_the_lowest_ttl(tmp_path: Path) -> None:
    text = "a 60 A 192.0.2.1\nA 30 A 192.0.2.2\na 60 A 192.0.2.1\na TXT x\n"
    rrsets = read(tmp_path, text).rrsets()
    assert [(one.type, one.ttl, len(one.rdatas)) for one in rrsets] == [(Type.A, 30, 2), (Type.TXT, 60, 1)]


def test_generate_counts_with_offset_width_and_base(tmp_path: Path) -> None:
    text = "$GENERATE 1-3 h-$ A 192.0.2.${10}\n$GENERATE 8-10/2 x${0,3,x} TXT $$${-8}\n"
    records = read(tmp_path, text).records
    assert [names.to_text(one.name).split(".")[0] for one in records] == ["h-1", "h-2", "h-3", "x008", "x00a"]
    assert [one.rdata for one in records[2:]] == [b"\xc0\x00\x02\x0d", b"\x02$0", b"\x02$2"]


def test_generate_takes_quotes_around_data_of_several_words_as_others_do(tmp_path: Path) -> None:
    records = read(tmp_path, '$GENERATE 1-2 h-$ MX "$ mail-$"\n$GENERATE 1-2 i-$ MX $ mail-$\n').records
    assert [one.rdata for one in records[:2]] == [one.rdata for one in records[2:]]


def test_generate_writes_nibbles_as_reverse_names_want_them() -> None:
    assert syntax.expand("${0,7,n}", 0x1A2) == "2.a.1.0"
    assert syntax.expand(r"\$${16,0,N}", 10) == r"\$A.1"


def test_generate_is_counted_before_it_is_expanded(tmp_path: Path) -> None:
    text = refused(tmp_path, "a A 192.0.2.1\n$GENERATE 1-2147483647 h-$ A 192.0.2.1\n")
    assert text == (
        "example.com.zone:2: $GENERATE would make 2147483647 records; "
        "write a smaller range: a file may generate 65536 in all"
    )
    two = "$GENERATE 1-40000 h-$ A 192.0.2.1\n" * 2
    assert "example.com.zone:2" in refused(tmp_path, two), "the bound is the file's, not the line's"


def test_include_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("$ORIGIN deep\nb A 192.0.2.2\n", encoding="utf-8")
    text = "a A 192.0.2.1\n$INCLUDE more sub\n A 192.0.2.3\nc A 192.0.2.4\n"
    assert "example.com.zone:2: $INCLUDE is not allowed here" in refused(tmp_path, text)
    assert [owner for owner, *_ in said(tmp_path, text, include=True)] == [
        "a.example.com.",
        "b.deep.sub.example.com.",
        "a.example.com.",
        "c.example.com.",
    ]


def test_a_file_that_includes_itself_ends_with_an_error(tmp_path: Path) -> None:
    assert "include one another" in refused(tmp_path, "$INCLUDE example.com.zone\n", include=True)
    assert "gone:1: cannot be read" in refused(tmp_path, "$INCLUDE gone\n", include=True)


def test_a_file_holds_a_bounded_number_of_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "MAX_RECORDS", 2)
    assert "example.com.zone:3: more than 2 records" in refused(tmp_path, "a A 192.0.2.1\n" * 5)
    monkeypatch.setattr(master, "MAX_OCTETS", 10)
    assert "larger than 10 octets" in refused(tmp_path, "a A 192.0.2.1\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("www A 192.0.2", "bad A data '192.0.2'"),
        ("www A 192.0.2.1 192.0.2.2", "bad A data"),
        ("www AAAA ::g", "write: AAAA 2001:db8::1"),
        ("www MX mail", "write: MX 10 mail.example.com."),
        ("www CNMAE host", "unknown record type 'CNMAE'; did you mean 'CNAME'?"),
        ("www 5", "the record ends before its type"),
        ("www", "the record ends before its type"),
        ("www CH TXT x", "the class CH is not served from master files; write IN"),
        ("www ANY x", "the class ANY"),
        ("www AXFR x", "AXFR is a type for questions, not for data"),
        ("www 99999999999 A 192.0.2.1", "no TTL"),
        ("www 1x A 192.0.2.1", "'1x' is no TTL; write seconds, as 3600, or units, as 1h30m"),
        ("www 3000000000 A 192.0.2.1", "at most 2147483647 (RFC 2181 section 8)"),
        ("a..b A 192.0.2.1", "'a..b' is no domain name"),
        ("a" * 64 + " A 192.0.2.1", "is no domain name"),
        ('"www" A 192.0.2.1', "an owner name must not be quoted"),
        ('www TXT "open', "a quoted string does not end on its line"),
        ("www A 192.0.2.1 )", "a ) without its ("),
        ("www A ( 192.0.2.1", "the parenthesis that is opened here is never closed"),
        ("www TXT " + "x" * 256, "bad TXT data"),
        ("www TYPE65280 \\# 3 0a", "bad TYPE65280 data"),
        ("$TTL", "$TTL has the wrong number of words; write: $TTL 3600"),
        ("$TLL 5", "unknown directive $TLL; did you mean '$TTL'?"),
        ("$GENERATE 5-1 a A 192.0.2.1", "the range 5-1 is empty or too large"),
        ("$GENERATE 1-2/0 a A 192.0.2.1", "is empty or too large"),
        ("$GENERATE 1-2 a${0,0,q} A 192.0.2.1", "has base d, o, x, X, n or N"),
        ("$GENERATE 1-2 a${0,200} A 192.0.2.1", "the width 200 is over 127"),
        ("$GENERATE 1-2 a A", "bad A data ''"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, line: str, expected: str) -> None:
    text = refused(tmp_path, f"ok A 192.0.2.1\n\n{line}\nfine A 192.0.2.2\n")
    assert text.startswith("example.com.zone:3: ")
    assert expected in text
    assert "\n" not in text


def test_text_that_is_no_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.zone"
    path.write_bytes(b"a A 192.0.2.1\nb TXT \xff\n")
    with pytest.raises(ZoneError, match=r"a\.zone:2: not UTF-8 text; write other octets as"):
        master.read(path, ORIGIN)
    with pytest.raises(ZoneError, match=r"none\.zone:1: cannot be read: No such file"):
        master.read(tmp_path / "none.zone", ORIGIN)


def test_each_mistake_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zone"
    path.write_text('a A 1\nb A 192.0.2.1\nc TXT "x\nd AA 3\ne A (\n', encoding="utf-8")
    found: list[Finding] = []
    records = master.read(path, ORIGIN, report=found.append).records
    assert [one.line for one in found] == [1, 3, 4, 5]
    assert [one.line for one in records] == [2]


@pytest.mark.parametrize("path", sorted(ZONES.glob("*.zone")), ids=lambda path: path.stem)
def test_the_shipped_files_are_read_as_dnspython_reads_them(path: Path) -> None:
    ours = master.read(path, names.from_text(path.stem)).records
    theirs = as_dnspython_reads(path, f"{path.stem}.")
    assert {(one.name.lower(), one.type, one.rdata) for one in ours} == {(a, b, d) for a, b, _, d in theirs}


def test_the_real_root_zone_is_read_as_dnspython_reads_it() -> None:
    path = DATA / "root-zone-2020.txt"
    ours = master.read(path, names.ROOT).records
    assert len(ours) == 17_187
    assert {(one.name.lower(), one.type, one.ttl, one.rdata) for one in ours} == as_dnspython_reads(path, ".")
    assert ours[-1].line == 17_187
