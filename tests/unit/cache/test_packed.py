from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.cache import packed
from resolver.message import RRset, Type
from resolver.wire import names
from tests.support.messages import name, rrset, soa

KEY = name("www.example.com.") + b"\0\1"


def test_an_rrset_comes_back_as_it_was_but_for_its_ttl():
    learnt = rrset("www.example.com. 300 IN A 192.0.2.1")._replace(rdatas=(b"\1\2\3\4", b"", b"\5" * 700))
    made = packed.pack(KEY, learnt, 5, 7300, denial=False)
    assert packed.ends(made) == (7300, 300)
    assert packed.credibility(made) == 5
    assert not packed.is_denial(made)
    assert packed.unpack(KEY, made, 42) == packed.Entry(learnt._replace(ttl=42), False, 5, 7300)


def test_the_owner_takes_no_room_where_it_is_the_end_of_the_key_and_keeps_its_spelling_elsewhere():
    plain, spelled = (
        packed.pack(KEY, rrset(f"{one}.example.com. 9 IN A 192.0.2.1"), 1, 1, denial=False) for one in ("www", "wWw")
    )
    assert len(plain) == 11 + 6
    assert len(spelled) == len(plain) + 1 + len(KEY) - 2
    assert packed.unpack(KEY, spelled, 9).rrset.name == name("wWw.example.com.")


def test_a_denial_is_its_soa():
    for zone in ("example.com.", "Example.com.", "www.example.com.", "elsewhere.test.", "."):
        proof = rrset(soa(zone))
        made = packed.pack(KEY, proof, 5, 7300, denial=True)
        assert packed.is_denial(made)
        assert packed.unpack(KEY, made, proof.ttl) == packed.Entry(proof, True, 5, 7300)


def test_a_suffix_that_begins_within_a_label_is_still_the_name_that_it_was():
    inner = name("example.com.")
    key = bytes((len(inner) + 1,)) + b"x" + inner[:-1] + b"\1" + inner + b"\0\1"
    assert packed.unpack(key, packed.pack(key, rrset(soa("example.com.")), 1, 1, denial=True), 900).rrset.name == inner


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    st.integers(1, 65_535),
    st.integers(0, 2**32 - 1),
    st.lists(st.binary(max_size=300), min_size=1, max_size=20),
)
def test_whatever_is_packed_comes_back(labels, rtype, ttl, rdatas):
    owner = names.ROOT
    for label in labels:
        owner = names.prepend(label, owner)
    key = names.fold(owner) + rtype.to_bytes(2, "big")
    learnt = RRset(owner, Type(rtype) if rtype in set(Type) else rtype, 1, ttl, tuple(rdatas))
    assert packed.unpack(key, packed.pack(key, learnt, 3, 9, denial=False), ttl).rrset == learnt
