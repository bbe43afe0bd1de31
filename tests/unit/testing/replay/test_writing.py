from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from resolver.message import AA, QR, RD, Edns, Message, Question, RRset
from resolver.testing.replay import records, writing
from resolver.testing.replay.entries import EntryReader
from resolver.testing.replay.script import Entry
from resolver.testing.replay.writing import Unwritable
from resolver.wire import names
from resolver.wire.render import render
from tests.support.messages import name, reply, soa

WWW = Question(name("www.example."), 1)


def read(lines: list[str]) -> Entry:
    """What the lines of an entry say."""
    assert (lines[0], lines[-1]) == ("ENTRY_BEGIN", "ENTRY_END")
    reader = EntryReader(0)
    for line in lines[1:-1]:
        assert not reader.take(line)
    assert reader.take(lines[-1])
    return reader.entry()


def test_a_message_is_written_as_people_write_one():
    message = reply(WWW, "www.example. 300 IN A 192.0.2.1", soa("example."), "ns.example. 60 IN AAAA 2001:db8::1")
    assert writing.entry(["MATCH all ttl"], message) == [
        "ENTRY_BEGIN",
        "MATCH all ttl",
        "REPLY QR AA NOERROR",
        "SECTION QUESTION",
        "www.example. IN A",
        "SECTION ANSWER",
        "www.example. 300 IN A 192.0.2.1",
        "SECTION AUTHORITY",
        "example. 900 IN SOA ns.example. admin.example. 1 2 3 4 300",
        "SECTION ADDITIONAL",
        "ns.example. 60 IN AAAA 2001:db8::1",
        "ENTRY_END",
    ]


@pytest.mark.parametrize(
    "record",
    [
        'www.example. 60 IN TXT "a;b" "say \\"no\\"" "(" "\\027"',
        '\\(\\)\\;\\@\\$\\".x\\.y.example. 60 IN A 192.0.2.1',
        "\\032\\000.example. 60 IN NS \\(.example.",
        "www.example. 60 IN TYPE65280 \\# 3 010203",
        "www.example. 60 IN TYPE65280 \\# 0",
        'www.example. 60 IN CAA 0 issue "ca.example; account=1"',
        "www.example. 60 IN SVCB 1 . alpn=h2,h3 port=53",
        "www.example. 60 CH A 192.0.2.1",
    ],
)
def test_a_record_is_read_as_it_was(record):
    rrset = records.record(record)
    entry = read(writing.entry([], Message(0, QR, 0, WWW, (rrset,))))
    assert entry.answer == (rrset,)


def test_an_opt_is_written_with_its_do_bit_and_options():
    options = ((15, b"\x00\x17why"), (3, b"id"))
    for edns in (Edns(4096), Edns(4096, do=True), Edns(4096, do=True, options=options), Edns(4096, options=options)):
        entry = read(writing.entry([], Message(0, QR | RD, 0, WWW, edns=edns)))
        assert entry.edns == edns
    assert read(writing.entry([], Message(0, QR, 0, WWW))).edns is None


@pytest.mark.parametrize(
    "message",
    [
        Message(0, QR, 16, WWW),
        Message(0, QR, 11, WWW),
        Message(0, QR, 0, Question(name("www.example."), 1, 99)),
        Message(0, QR, 0, WWW, (RRset(name("www.example."), 1, 99, 60, (b"\1\2\3\4",)),)),
    ],
)
def test_what_has_no_text_is_told_apart(message):
    with pytest.raises(Unwritable):
        writing.entry([], message)


def test_octets_are_written_with_the_question_that_they_fit():
    octets = bytes(range(100))
    entry = read(writing.entry(["MATCH question"], octets, WWW))
    assert (entry.raw, entry.question, entry.match) == (octets, WWW, {"question"})
    assert read(writing.entry([], octets)).question is None


def test_what_a_server_said_loses_what_is_of_one_query_only():
    asked = Question(name("wWw.eXample."), 1)
    options = ((10, bytes(16)), (15, b"\x00\x17"))
    edns = Edns(do=True, options=options)
    message = reply(asked, "wWw.eXample. 60 IN A 192.0.2.1", soa("Example."), id=77, edns=edns)
    said = writing.said_by_server(message)
    assert (said.id, said.question, said.edns) == (0, WWW, Edns(do=True, options=options[1:]))
    assert said.answer[0].name == WWW.name
    assert said.authority[0].name == name("Example."), "which is the spelling of its zone"
    assert writing.said_by_server(reply(asked, id=1, edns=Edns(options=options[:1]))).edns is None


LABELS = st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(LABELS, LABELS, st.sampled_from([2, 5, 12, 16, 99, 65_280]), st.binary(max_size=20), st.integers(0, 2**31 - 1))
def test_any_message_is_read_as_it_was(
    labels: list[bytes], others: list[bytes], rtype: int, octets: bytes, ttl: int
) -> None:
    def named(parts: list[bytes]) -> bytes:
        return b"".join(bytes([len(each)]) + each for each in parts) + names.ROOT

    rdata = named(others) if rtype in (2, 5, 12) else octets
    assume(rtype != 16 or octets)
    if rtype in (16, 99):
        rdata = bytes([len(octets)]) + octets
    question = Question(named(labels), rtype)
    message = Message(0, QR | AA, 3, question, (RRset(question.name, rtype, 1, ttl, (rdata,)),))
    entry = read(writing.entry([], message))
    assert (entry.question, entry.answer, entry.rcode, entry.flags) == (question, message.answer, 3, QR | AA)
    assert writing.read(render(message)) == message
