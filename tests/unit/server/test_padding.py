"""Padded queries, answered with stored octets."""

from __future__ import annotations

import dns.edns
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.server.padding import Padding, padded, unpadded


def query(padding=None, *, others=()):
    options = list(others)
    if padding is not None:
        options.append(dns.edns.GenericOption(12, bytes(padding)))
    return dns.message.make_query("www.example.com.", "A", use_edns=0, payload=1232, options=options, id=7).to_wire()


def answer(wire):
    made = dns.message.make_response(dns.message.from_wire(wire))
    made.use_edns(0, payload=1232)
    made.answer.append(dns.rrset.from_text("www.example.com.", 300, "IN", "A", "192.0.2.1"))
    return made.to_wire()


@pytest.mark.rfc(8467, "4.1")
@given(st.integers(0, 400))
def test_who_pads_gets_what_is_stored_padded_to_a_block(size):
    plain = query()
    serve = {plain[2:]: answer(plain)[2:]}
    stored = Padding(lambda wire: wire[:2] + serve[wire[2:]] if wire[2:] in serve else None)
    asked = query(size)
    response = stored(asked)
    assert len(response) == 468
    read = dns.message.from_wire(response)
    assert read.id == dns.message.from_wire(asked).id
    assert [option.otype for option in read.options] == [12]
    assert read.answer[0][0].address == "192.0.2.1"


def test_who_does_not_pad_gets_it_as_it_is():
    assert Padding(lambda wire: b"stored")(query()) == b"stored"


@pytest.mark.parametrize(
    "asked",
    [query(), query(8, others=[dns.edns.GenericOption(10, bytes(8))]), query(8) + b"x", query(8)[:-3], b"", bytes(40)],
    ids=["not padded", "a cookie, too", "more behind", "cut short", "nothing", "zeros"],
)
def test_whatever_else_is_asked_is_not_looked_up_again(asked):
    assert unpadded(asked) is None
    assert Padding(lambda wire: None)(asked) is None


@given(st.binary(max_size=60))
def test_no_octets_break_it(octets):
    unpadded(octets)
    unpadded(octets[:4] + b"\0\1\0\0\0\0\0\1" + octets)


def test_a_response_with_an_option_of_its_own_is_made_anew():
    made = dns.message.make_response(dns.message.from_wire(query(4)))
    made.use_edns(0, payload=1232, options=[dns.edns.EDEOption(3)])
    assert padded(made.to_wire()) is None
    assert padded(None) is None
