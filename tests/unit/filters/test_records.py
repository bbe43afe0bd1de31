from __future__ import annotations

import pytest

from resolver.filters.records import Record, Told, behind, read
from resolver.message import Type
from tests.support.messages import name


@pytest.mark.parametrize("middle", ["", "300", "IN", "300 IN", "IN 300", "in  300"])
def test_a_record_is_read_with_and_without_ttl_and_class(middle):
    ttl = 300 if "300" in middle else None
    assert read(f"WWW.example {middle} A 192.0.2.1") == Record(name("WWW.example."), ttl, Type.A, bytes((192, 0, 2, 1)))


@pytest.mark.parametrize(
    ("text", "rdata"),
    [
        ("a.example MX 10 mx.example", b"\0\x0a" + name("mx.example.")),
        ("a.example. 5 CNAME b.example.", name("b.example.")),
        ('a.example TXT "two words" three', b"\x09two words\x05three"),
        ("a.example TYPE65280 \\# 2 abcd", b"\xab\xcd"),
        ("1.2.0.192.in-addr.arpa PTR nas.example", name("nas.example.")),
    ],
)
def test_data_of_all_types_is_read(text, rdata):
    assert read(text).rdata == rdata


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", '"" is no record; write "NAME'),
        ("a.example", '"a.example" is no record; write "NAME'),
        ("a.example A", "is no record"),
        ("a..example A 192.0.2.1", "has no name in front"),
        ("a.example A 192.0.2.256", '"192.0.2.256" is no data of type A'),
        ("a.example AAAA 192.0.2.1", "is no data of type AAAA"),
        ("a.example MX mx.example", "is no data of type MX"),
        ("a.example WHAT 1", "'WHAT' is no record type"),
        ("a.example ANY x", "ANY is a type of messages, not of data"),
        ("a.example 9999999999 A 192.0.2.1", "has a TTL beyond 2147483647"),
        ("*.example A 192.0.2.1", 'give its zone the type "redirect"'),
        ("a.example TYPE41 \\# 0", "TYPE41 is a type of messages, not of data"),
        ("a.example TYPE0 \\# 0", "TYPE0 is a type of messages, not of data"),
        ("a.example TXT one\ntwo", "it goes on behind the end of its line"),
        (f"a.example TXT {'x ' * 40_000}", "it takes 80000 octets; a record holds 65535"),
        (f"a.example {'9' * 5000} A 192.0.2.1", "has a TTL beyond 2147483647"),
    ],
)
def test_what_is_no_record_is_told_with_what_to_write(text, what):
    with pytest.raises(ValueError) as wrong:
        read(text)
    assert what in str(wrong.value)
    assert "; " in str(wrong.value)
    assert len(str(wrong.value)) < 400


@pytest.mark.parametrize("words", ["A 192.0.2.1", " IN\tA  192.0.2.1 ", "A\t192.0.2.1 ; home"])
def test_what_stands_behind_a_name_is_read_alone(words):
    assert behind(words, words, "write") == Told(None, Type.A, bytes((192, 0, 2, 1)))
    assert behind(f"300 {words}", words, "write").ttl == 300
