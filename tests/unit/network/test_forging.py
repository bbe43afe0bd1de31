"""A forgery changes one thing; what cannot be read comes back as it is."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.network import forging
from resolver.network.entropy import SeededEntropy


def response(name="www.example.com.", **options):
    made = dns.message.make_response(dns.message.make_query(name, "A", id=7, **options))
    made.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.1", "192.0.2.2"))
    return made.to_wire()


@pytest.mark.parametrize("word", forging.LIES)
@given(st.binary(max_size=40))
def test_octets_of_any_kind_can_be_forged(word, wire):
    forged = forging.LIES[word](wire)
    assert isinstance(forged, bytes)
    if len(wire) < 12 and word != "wrong_id":
        assert forged == wire


@given(st.binary(max_size=600), st.integers(513, 60_000))
def test_octets_of_any_kind_can_be_padded(wire, octets):
    assert forging.oversize(wire, octets) == wire


@given(st.integers(100, 60_000))
def test_padding_is_to_the_octet_and_says_nothing(octets):
    wire = response(use_edns=0)
    padded = forging.oversize(wire, octets)
    overhead = 17 + 10
    if octets <= len(wire) + overhead:
        assert padded == wire
        return
    assert len(padded) == octets
    message = dns.message.from_wire(padded)
    assert message.answer == dns.message.from_wire(wire).answer
    assert [str(each.name) for each in message.additional] == ["padding.invalid."]


@pytest.mark.parametrize(
    ("word", "keeps"),
    [
        ("wrong_id", slice(2, None)),
        ("wrong_case", slice(0, 12)),
        ("wrong_counts", slice(12, None)),
        ("cut_short", slice(0, 12)),
        ("header_only", slice(0, 12)),
        ("two_questions", slice(0, 4)),
        ("two_opts", slice(0, 10)),
        *(
            (word, slice(0, 6))
            for word in ("compression_loop", "forward_pointer", "bad_label", "long_name", "bad_length")
        ),
    ],
)
def test_all_the_rest_stays(word, keeps):
    wire = response()
    forged = forging.LIES[word](wire)
    assert forged != wire
    assert forged[keeps] == wire[keeps]


def test_only_the_letters_of_the_question_change_their_case():
    wire = response("Www-1.Example.com.")
    forged = forging.wrong_case(wire)
    assert forged == wire[:12] + wire[12:].replace(b"Www-1", b"wWW-1").replace(b"Example", b"eXAMPLE").replace(
        b"\x03com", b"\x03COM"
    )


def test_the_type_of_the_question_is_not_taken_for_letters():
    """Type 97 is an `a` as an octet."""
    made = dns.message.make_response(dns.message.make_query("a.b.", "TYPE97"))
    assert dns.message.from_wire(forging.wrong_case(made.to_wire())).question[0].rdtype == 97


def test_an_opt_is_added_so_that_there_are_two():
    for wire in (response(), response(use_edns=0)):
        assert int.from_bytes(forging.two_opts(wire)[10:12], "big") == 2


def test_octets_behind_the_end_are_drawn():
    wire = response()
    first, second = (forging.trailing_octets(wire, SeededEntropy(seed)) for seed in (1, 2))
    assert first[: len(wire)] == second[: len(wire)] == wire
    assert len(first) == len(wire) + forging.TRAILING
    assert first != second


def test_what_is_too_short_for_an_id_has_no_wrong_one():
    assert [forging.wrong_id(each) for each in (b"", b"x")] == [b"", b"x"]
    assert forging.wrong_id(b"ab")[:2] != b"ab"
