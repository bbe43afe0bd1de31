from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.cache import packed
from resolver.message import Proof, RRset, Status, Type
from resolver.wire import names
from tests.support.messages import name, rrset, soa

KEY = name("www.example.com.")


def test_an_rrset_comes_back_as_it_was_with_the_ttl_that_is_left():
    learnt = rrset("www.example.com. 300 IN A 192.0.2.1")._replace(rdatas=(b"\1\2\3\4", b"", b"\5" * 700))
    made = packed.pack(KEY, 1, learnt, 5, 7300)
    assert list(packed.sections(made)) == [(0, len(made), 1, 7300, 300, False, 5, 0)]
    assert packed.ends(made, 0) == (7300, 300)
    assert packed.unpack(KEY, made, 0, 7258) == learnt._replace(ttl=42)
    assert packed.unpack(KEY, made, 0, 7300) == packed.unpack(KEY, made, 0, 9999) == learnt._replace(ttl=0)


def test_the_owner_takes_no_room_where_it_is_the_end_of_the_key_and_keeps_its_spelling_elsewhere():
    plain, spelled = (
        packed.pack(KEY, 1, rrset(f"{one}.example.com. 9 IN A 192.0.2.1"), 1, 9) for one in ("www", "wWw")
    )
    assert len(plain) == packed.HEAD + 2 + 4
    assert len(spelled) == len(plain) + 1 + len(KEY)
    assert packed.unpack(KEY, spelled, 0, 0).name == name("wWw.example.com.")


def test_a_denial_is_its_soa_under_the_type_that_is_denied():
    for zone in ("example.com.", "Example.com.", "www.example.com.", "elsewhere.test.", "."):
        proof = rrset(soa(zone))
        made = packed.pack(KEY, 28, proof, 5 | packed.DENIAL, proof.ttl)
        (section,) = packed.sections(made)
        assert (section.type, section.denial, section.rank) == (28, True, 5)
        assert packed.unpack(KEY, made, 0, 0) == proof
        assert packed.count(made, section) == 0


def test_a_suffix_that_begins_within_a_label_is_still_the_name_that_it_was():
    inner = name("example.com.")
    key = bytes((len(inner) + 1,)) + b"x" + inner[:-1] + b"\1" + inner
    made = packed.pack(key, 0, rrset(soa("example.com.")), 1 | packed.DENIAL, 1)
    assert packed.unpack(key, made, 0, 0).name == inner


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    st.lists(
        st.tuples(
            st.integers(1, 65_535),
            st.integers(0, 2**32 - 1),
            st.lists(st.binary(max_size=300), min_size=1, max_size=20),
            st.booleans(),
        ),
        max_size=4,
    ),
)
def test_whatever_is_packed_comes_back_from_between_its_neighbours(labels, learnt):
    owner = names.ROOT
    for label in labels:
        owner = names.prepend(label, owner)
    key = names.fold(owner)
    rrsets = [
        RRset(owner if own else names.ROOT, Type(rtype) if rtype in set(Type) else rtype, 1, ttl, tuple(rdatas))
        for rtype, ttl, rdatas, own in learnt
    ]
    held = b"".join(packed.pack(key, each.type, each, 3, each.ttl) for each in rrsets)
    sections = list(packed.sections(held))
    assert [packed.unpack(key, held, each.at, 0) for each in sections] == rrsets
    assert [packed.count(held, each) for each in sections] == [len(each.rdatas) for each in rrsets]
    assert [(each.type, each.ttl) for each in sections] == [(each.type, each.ttl) for each in rrsets]


SIGNATURES = (b"\1" * 94, b"\2" * 146)


def packed_with(proof: Proof | None) -> bytes:
    """A set with `proof`, as it is held."""
    learnt = rrset("www.example.com. 300 IN A 192.0.2.1")._replace(proof=proof)
    return packed.pack(KEY, 1, learnt, 5 | packed.bits_of(proof), 7300)


def test_how_far_a_set_is_proven_takes_no_room_and_its_signatures_what_they_are():
    bare = len(packed_with(None))
    for status in Status:
        assert len(packed_with(Proof(status))) == bare
        assert len(packed_with(Proof(status, SIGNATURES))) == bare + 2 + 2 * 2 + 94 + 146 + 4


def test_a_proof_comes_back_with_what_stands_beside_and_the_ttl_that_is_left():
    beside = tuple(
        rrset(line)._replace(ttl=42, proof=Proof(Status.SECURE, signatures))
        for line, signatures in (
            ("example.com. 9 IN NSEC a.example.com. NS SOA", SIGNATURES),
            ("Alpha.example.com. 9 IN NSEC zulu.example.com. A", SIGNATURES[:1]),
            (". 9 IN NSEC com. NS", ()),
        )
    )
    for proof in (Proof(Status.SECURE, SIGNATURES, beside), Proof(Status.SECURE, (), beside)):
        held = packed_with(proof)
        for before, behind in ((b"", b""), (packed_with(None), packed_with(Proof(Status.INSECURE)))):
            (section, *_) = [each for each in packed.sections(before + held + behind) if each.at == len(before)]
            made = packed.unpack(KEY, before + held + behind, section.at, 7258)
            assert (made.rdatas, made.ttl, made.proof) == ((b"\xc0\0\2\1",), 42, proof)
            assert packed.count(before + held + behind, section) == 1


def test_what_was_checked_is_worth_more_than_what_is_credible():
    ranks = [packed.rank(trust) for trust in (1, 5, 1 | 1 << 4, 1 | 3 << 4, 5 | 2 << 4)]
    assert ranks == sorted(ranks)
    assert ranks[2] == ranks[3], "how it was checked makes no difference"
    (section,) = packed.sections(packed_with(Proof(Status.SECURE, SIGNATURES)))
    assert (section.denial, section.rank, section.status) == (False, packed.rank(5 | 3 << 4), packed.STATUS)


def test_nothing_that_says_nothing_is_kept():
    for proof in (None, Proof(Status.UNCHECKED)):
        assert packed.unpack(KEY, packed_with(proof), 0, 0).proof is None
    for status in (Status.INDETERMINATE, Status.INSECURE, Status.SECURE):
        assert packed.unpack(KEY, packed_with(Proof(status)), 0, 0).proof == Proof(status)
    assert packed.unpack(KEY, packed_with(Proof(Status.UNCHECKED, SIGNATURES)), 0, 0).proof == Proof(
        Status.UNCHECKED, SIGNATURES
    )
