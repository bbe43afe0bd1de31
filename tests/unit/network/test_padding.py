"""How long an encrypted query is made."""

from __future__ import annotations

import dns.edns
import dns.message
import dns.tsig
import dns.tsigkeyring
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.message import Edns, Question
from resolver.network.padding import BLOCK, padded
from resolver.wire import names
from resolver.wire.render import render_query

LABELS = st.lists(st.binary(min_size=1, max_size=30), min_size=0, max_size=6)
OPTIONS = st.lists(st.tuples(st.sampled_from([3, 65_001]), st.binary(max_size=40)), max_size=3)


def query(labels=(b"www", b"example"), options=(), edns=True):
    name = b"".join(bytes([len(each)]) + each for each in labels) + b"\0"
    return render_query(7, Question(name, 1), rd=True, edns=Edns(options=tuple(options)) if edns else None)


@pytest.mark.rfc(8467, "4.1")
@given(labels=LABELS, options=OPTIONS)
def test_a_query_is_padded_to_a_multiple_of_128_octets_and_says_the_same(labels, options):
    wire = query(labels, options)
    made = padded(wire)
    assert len(made) % BLOCK == 0
    assert len(wire) + 4 <= len(made) < len(wire) + 4 + BLOCK
    before, after = dns.message.from_wire(wire), dns.message.from_wire(made)
    assert after.question == before.question
    assert after.options[:-1] == before.options
    assert after.options[-1].otype == dns.edns.OptionType.PADDING
    assert not any(after.options[-1].to_wire())
    assert (after.payload, after.ednsflags, after.flags, after.id) == (
        before.payload,
        before.ednsflags,
        before.flags,
        before.id,
    )
    assert padded(made) == made, "once is enough"


def test_what_cannot_be_padded_stays_as_it_is():
    signed = dns.message.make_query("www.example.", "A", use_edns=0)
    signed.use_tsig(dns.tsigkeyring.from_text({"key.": "c2VjcmV0"}))
    reply = dns.message.make_response(dns.message.make_query("www.example.", "A", use_edns=0))
    loose = dns.message.make_query("www.example.", "A", use_edns=0).to_wire() + b"x"
    for wire in (query(edns=False), signed.to_wire(), reply.to_wire(), loose):
        assert padded(wire) is wire


@given(st.binary(max_size=60))
def test_what_is_no_query_stays_as_it_is(octets):
    for wire in (octets, query()[:12] + octets, query()[: -len(octets) or None]):
        made = padded(wire)
        assert made is wire or len(made) % BLOCK == 0


def test_the_root_can_be_padded_too():
    assert len(padded(query(()))) == BLOCK
    assert names.ROOT in padded(query(()))
