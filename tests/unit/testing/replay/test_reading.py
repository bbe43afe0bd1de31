from __future__ import annotations

from pathlib import Path

import pytest

from resolver.errors import ScenarioError
from resolver.message import AA, QR, RD, Question, RRset, Type
from resolver.testing.replay.reading import parse, read
from resolver.testing.replay.script import Entry, Kind
from tests.support.messages import name
from tests.support.scripts import PRIMING, asks, entry, is_told, scenario, server, text

QUESTION = "www.example. IN A"


def only_entry(*lines: str, **options: str) -> Entry:
    """The entry of a server, with these lines behind its question."""
    return scenario(server(entry(QUESTION, *lines, **options)), asks(1, QUESTION)).ranges[0].entries[0]


def test_ranges_and_steps_are_read_in_their_order():
    made = scenario(
        server(PRIMING, first=3, last=9),
        asks(20, QUESTION),
        "STEP 10 TIME_PASSES ELAPSE 1.5 ; comments go",
        "STEP 15 QUERY ADDRESS 2001:DB8:0::1",
        entry(QUESTION, match=""),
        "STEP 30 TRAFFIC",
    )
    assert made.title == "a scenario"
    assert [(one.first, one.last, one.addresses) for one in made.ranges] == [(3, 9, {"192.0.2.1"})]
    assert [(step.number, step.kind) for step in made.steps] == [
        (10, Kind.TIME_PASSES),
        (15, Kind.QUERY),
        (20, Kind.QUERY),
        (30, Kind.TRAFFIC),
    ]
    assert made.steps[0].seconds == 1.5
    assert made.steps[1].address == "2001:db8::1"


def test_an_entry_is_a_message_with_rules():
    read_entry = only_entry(
        "SECTION ANSWER", "www.example. 60 IN A 192.0.2.7", match="opcode subdomain UDP", reply="QR AA NXDOMAIN DO"
    )
    assert read_entry.match == {"opcode", "subdomain", "UDP"}
    assert (read_entry.flags, read_entry.rcode) == (QR | AA, 3)
    assert read_entry.question == Question(name("www.example."), Type.A)
    assert read_entry.answer == (RRset(name("www.example."), Type.A, 1, 60, (bytes((192, 0, 2, 7)),)),)
    assert read_entry.edns is not None
    assert read_entry.edns.do


@pytest.mark.parametrize(
    ("line", "ttl", "rdata"),
    [
        ("a.example. A 192.0.2.1", 3600, b"\xc0\x00\x02\x01"),
        ("a.example IN A 192.0.2.1", 3600, b"\xc0\x00\x02\x01"),
        ("a.example.\t\t10 \tIN \tA\t192.0.2.1 ; a comment", 10, b"\xc0\x00\x02\x01"),
        ("a.example. IN 10 A 192.0.2.1", 10, b"\xc0\x00\x02\x01"),
        ("a.example. CH A 192.0.2.1", 3600, b"\xc0\x00\x02\x01"),
        ('a.example. TXT "a;b (c"', 3600, b"\x06a;b (c"),
        (r"a.example. HTTPS \# 5 0001 00 0001", 3600, b"\x00\x01\x00\x00\x01"),
        ("a.example. TYPE65280 \\# 0", 3600, b""),
        ("a.example. NS ns", 3600, b"\x02ns\x00"),
    ],
)
def test_records_are_read_in_every_form_that_scripts_use(line, ttl, rdata):
    (record,) = only_entry("SECTION ANSWER", line).answer
    assert (record.name, record.ttl, record.rdatas) == (name("a.example."), ttl, (rdata,))


def test_parentheses_join_lines():
    (soa,) = only_entry("SECTION AUTHORITY", "example. SOA ns. admin. ( 1", " 2 3", "  4 5 )").authority
    assert soa.rdatas[0][-20:] == b"".join(number.to_bytes(4, "big") for number in (1, 2, 3, 4, 5))


def test_whole_messages_and_edns_options_are_given_as_octets():
    made = only_entry("HEX_ANSWER_BEGIN", "00 01 ; id", "8400", "HEX_ANSWER_END")
    assert made.raw == b"\x00\x01\x84\x00"
    made = only_entry("SECTION ADDITIONAL", "HEX_EDNSDATA_BEGIN", "00 0a 00 02 ab cd", "HEX_EDNSDATA_END")
    assert made.edns is not None
    assert made.edns.options == ((10, b"\xab\xcd"),)
    made_step = scenario("STEP 1 QUERY", "ENTRY_BEGIN", "RAW", "0001abcd", "ENTRY_END").steps[0]
    assert made_step.entry is not None
    assert made_step.entry.raw == b"\x00\x01\xab\xcd"


def test_extended_errors_and_delays_are_read():
    made = only_entry(match="all ttl ede=3")
    assert (made.extended, made.match) == (3, {"all", "ttl", "ede=3"})
    delayed = scenario(server("ENTRY_BEGIN\nADJUST copy_id sleep=2\nREPLY QR\nENTRY_END"), asks(1, QUESTION))
    assert delayed.ranges[0].entries[0].delay_s == 2


def test_the_configuration_is_words_in_clauses():
    config = 'server: # one\n\tkey: "a b" ; two\nforward-zone: name: "." forward-addr: ::1\n'
    words = scenario(asks(1, QUESTION), config=config).words
    assert [(word.line, word.clause, word.key, word.value) for word in words] == [
        (1, 1, "server", ""),
        (2, 1, "key", "a b"),
        (3, 2, "forward-zone", ""),
        (3, 2, "name", "."),
        (3, 2, "forward-addr", "::1"),
    ]


def test_files_within_the_configuration_are_left_out():
    config = "rpz:\n zonefile:\nTEMPFILE_NAME z\nTEMPFILE_CONTENTS z\n$ORIGIN example.\nfoo: bar\nTEMPFILE_END\n"
    assert [word.key for word in scenario(asks(1, QUESTION), config=config).words] == ["rpz", "zonefile"]


TWO = f"ENTRY_BEGIN\nSECTION QUESTION\n{QUESTION}\n{QUESTION}\nENTRY_END"
WRONG = [
    ("", "some.rpl:1: there is no CONFIG_END; end the configuration with one"),
    ("foo\nCONFIG_END", "some.rpl:1: 'foo' is no word of a configuration; write `word: value`"),
    ("TEMPFILE_CONTENTS x\nCONFIG_END", "some.rpl:1: the file that begins here has no end"),
    ("TEMPFILE_CONTENTS ..\nTEMPFILE_END\nCONFIG_END", "some.rpl:1: '..' is no name of a file"),
    ("CONFIG_END\nSTEP 1 NOTHING", "some.rpl:2: 'STEP 1 NOTHING' stands before SCENARIO_BEGIN"),
    ("CONFIG_END\nSCENARIO_BEGIN x\n", "some.rpl:2: the file ends too early; write SCENARIO_END"),
    ("CONFIG_END\nSCENARIO_BEGIN x\nSCENARIO_END", "some.rpl:3: a scenario without a STEP"),
    (text("HELLO", config=""), "some.rpl:4: 'HELLO' has no meaning here; write RANGE_BEGIN, STEP or SCENARIO_END"),
    (text("RANGE_BEGIN 0 9", "ADDRESS here", config=""), "some.rpl:5: 'here' is no IP address"),
    (text("RANGE_BEGIN 0 9", "HELLO", config=""), "some.rpl:5: 'HELLO' has no meaning here; write ADDRESS"),
    (text("STEP 1 JUMP", config=""), "some.rpl:4: there is no step 'JUMP'; use one of: CHECK_ANSWER, "),
    (text("STEP 1 TIME_PASSES", config=""), "some.rpl:4: TIME_PASSES does not say how much"),
    (text("STEP 1 TIME_PASSES ELAPSE soon", config=""), "some.rpl:4: 'ELAPSE soon' has no meaning here"),
    (
        text("STEP 1 TIME_PASSES ELAPSE 99999999999", config=""),
        "some.rpl:4: ELAPSE 99999999999 is too long; let at most",
    ),
    (text(f"STEP {'1' * 5000} NOTHING", config=""), "some.rpl:4: 'STEP 11111"),
    (text(f"RANGE_BEGIN 0 {'1' * 5000}", config=""), "some.rpl:4: 'RANGE_BEGIN 0 11111"),
    (text("STEP 1 QUERY", "HELLO", config=""), "some.rpl:5: 'HELLO' where the entry of QUERY begins"),
    (text("STEP 1 QUERY", "ENTRY_BEGIN", config=""), "some.rpl:6: 'SCENARIO_END' has no meaning here"),
    ("CONFIG_END\nSCENARIO_BEGIN x\nSTEP 1 QUERY\nENTRY_BEGIN", "some.rpl:4: the entry that begins here has no end"),
    (text("STEP 1 QUERY", "ENTRY_BEGIN", "MATCH colour", config=""), "some.rpl:6: MATCH does not know 'colour'"),
    (text("STEP 1 QUERY", "ENTRY_BEGIN", "ADJUST it", config=""), "some.rpl:6: ADJUST does not know 'it'"),
    (text("STEP 1 QUERY", "ENTRY_BEGIN", "REPLY NO", config=""), "some.rpl:6: REPLY does not know 'NO'"),
    (text("STEP 1 QUERY", "ENTRY_BEGIN", "SECTION X", config=""), "some.rpl:6: there is no section 'X'"),
    (text("STEP 1 QUERY", "ENTRY_BEGIN", "RAW", "xyz", config=""), "some.rpl:7: 'xyz' are no octets"),
    (text("STEP 1 QUERY", TWO, config=""), "some.rpl:8: a second question; write one"),
    (text("STEP 1 QUERY", entry("www.example."), config=""), "some.rpl:10: a question is `NAME CLASS TYPE`"),
    (text("STEP 1 QUERY", entry("www.example. NIX"), config=""), "some.rpl:10: 'NIX' is no record type"),
    (
        text(server(entry(QUESTION, "SECTION ANSWER", "a. A nine")), config=""),
        "some.rpl:13: no rdata of type A: 'nine'",
    ),
    (text(server(entry(QUESTION, "SECTION ANSWER", "a.")), config=""), "some.rpl:13: a record is `OWNER"),
    (text(server(entry(QUESTION, "SECTION ANSWER", r"a. A \# 3 00")), config=""), "3 octets are announced and 1"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_what_is_malformed_is_told_with_its_line_and_what_to_write_instead(wrong, told):
    with pytest.raises(ScenarioError) as raised:
        parse(wrong, Path("some.rpl"))
    message = str(raised.value)
    assert told in message
    assert "; " in message
    assert "\n" not in message


def test_a_file_is_read_whatever_its_encoding(tmp_path):
    path = tmp_path / "latin.rpl"
    path.write_bytes(text(asks(1, QUESTION), is_told(2, QUESTION)).encode() + b"; \xe9\n")
    assert read(path).path == path
    assert read(path).steps[0].entry is not None
    assert read(path).steps[0].entry.flags == RD


def test_a_file_without_an_end_is_not_read_to_its_end(tmp_path):
    endless = tmp_path / "endless.rpl"
    endless.symlink_to("/dev/zero")
    with pytest.raises(ScenarioError, match="more than 16777216 octets"):
        read(endless)
