from __future__ import annotations

from dataclasses import replace

import pytest

from resolver.message import AA, QR, RA, RD, Edns, Message, Question, Transport, Type
from resolver.testing.replay.matching import fits, reply
from resolver.testing.replay.script import Entry
from resolver.wire.parse import parse
from tests.support.messages import name

ASKED = Question(name("wWw.Example.com."), Type.A)
QUERY = Message(4711, 0, 0, ASKED)


def entry(match: str = "", question: str = "www.example.com.", rtype: int = Type.A, **fields: object) -> Entry:
    made = Entry(1, match=frozenset(match.split()), question=Question(name(question), rtype), flags=QR | AA)
    return replace(made, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("match", "question", "rtype", "holds"),
    [
        ("", "other.", Type.MX, True),
        ("opcode qtype qname", "www.example.com.", Type.A, True),
        ("opcode qtype qname", "www.example.com.", Type.AAAA, False),
        ("opcode qtype", "other.", Type.A, True),
        ("qname", "www.example.com.", Type.MX, True),
        ("qname", "example.com.", Type.A, False),
        ("subdomain", "example.com.", Type.NS, True),
        ("subdomain", "ww.example.com.", Type.NS, False),
        ("subdomain", "a.www.example.com.", Type.NS, False),
        ("question", "www.example.com.", Type.A, True),
        ("question", "www.example.com.", Type.NS, False),
        ("qclass", "other.", Type.A, True),
        ("UDP", "other.", Type.A, True),
        ("TCP", "other.", Type.A, False),
        ("DO", "other.", Type.A, False),
        ("noedns", "other.", Type.A, True),
    ],
)
def test_every_word_of_match_must_hold(match, question, rtype, holds):
    assert fits(entry(match, question, rtype), QUERY, Transport.UDP) is holds


def test_edns_and_transport_are_those_of_the_query():
    query = QUERY._replace(edns=Edns(do=True))
    assert fits(entry("DO TCP"), query, Transport.TCP)
    assert not fits(entry("noedns"), query, Transport.TCP)


def test_a_reply_has_the_id_and_the_spelling_of_its_query():
    made = parse(reply(entry(), QUERY))
    assert (made.id, made.question, made.flags, made.edns) == (4711, ASKED, QR | AA, None)


def test_another_question_is_replied_unless_the_script_copies_that_of_the_query():
    assert parse(reply(entry(question="com."), QUERY)).question == Question(name("com."), Type.A)
    copied = entry(question="com.", adjust=frozenset(("copy_query",)))
    assert parse(reply(copied, QUERY)).question == ASKED


def test_what_the_query_has_the_reply_has():
    made = parse(reply(entry(), QUERY._replace(edns=Edns(do=True), flags=RD)))
    assert made.edns is not None
    assert made.edns.do
    assert made.flags == QR | AA | RD | RA


def test_octets_are_given_as_they_are_but_for_id_and_spelling():
    raw = bytes(12) + name("www.example.com.") + b"what is no message"
    assert reply(entry(raw=raw), QUERY) == b"\x12\x67" + bytes(10) + ASKED.name + b"what is no message"
    assert reply(entry(raw=b"short"), QUERY) == b"\x12\x67ort"
