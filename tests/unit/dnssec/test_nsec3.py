"""Tests for `resolver.dnssec.nsec3`, with dnspython as the oracle of hashes."""

from __future__ import annotations

from base64 import b32hexencode

import dns.dnssec
import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec import nsec3
from resolver.dnssec.nsec3 import Few, Hashes, Nsec3Chain, Params, hash_name, read
from resolver.dnssec.standing import At, Missing, Standing
from resolver.message import Proof, RRset, Status, Type
from resolver.wire import names
from tests.properties.profiles import examples
from tests.support.denials import APEX, Model, hash_text, names_in, signature
from tests.support.denials import nsec3 as span
from tests.support.messages import name

EXAMPLE = name("example.")
AT_APEX = frozenset({Type.NS, Type.SOA})


class Purse:
    """Pays for so many hashes, then raises."""

    def __init__(self, most: int = 1 << 30) -> None:
        self.spent, self.most = 0, most

    def __call__(self, price: int) -> None:
        if self.spent + price > self.most:
            raise OverflowError
        self.spent += price


def zone(*more: tuple[str, frozenset[int]]) -> Model:
    return Model({APEX: AT_APEX, **{dns.name.from_text(owner): types for owner, types in more}})


def chain(sets: list[RRset], purse: Purse | None = None) -> Nsec3Chain:
    spans = [each for rrset in sets if (each := read(rrset, EXAMPLE))]
    assert spans
    return Nsec3Chain(EXAMPLE, Few(spans), Hashes(spans[0].params, purse or Purse()))


def record_at(owner: str, model: Model) -> RRset:
    """The NSEC3 of a name."""
    label = hash_text(dns.name.from_text(owner), 0, "-").lower().encode()
    return next(each for each in model.nsec3() if each.name.lower().startswith(b"\x20" + label))


def record_over(owner: str, model: Model) -> RRset:
    """The NSEC3 whose span holds the hash of a name."""
    hashed = hash_name(name(owner), Params(0, b""))
    return next(each for each in model.nsec3() if (of := read(each, EXAMPLE)) and of.covers(hashed))


@pytest.mark.rfc(5155, "5")
@examples(2)
@given(names_in(APEX), st.integers(0, 30), st.binary(max_size=20))
def test_names_are_hashed_as_dnspython_does(asked: dns.name.Name, iterations: int, salt: bytes) -> None:
    expected = dns.dnssec.nsec3_hash(asked, salt or None, iterations, "SHA1")
    assert b32hexencode(hash_name(asked.to_wire(), Params(iterations, salt))).decode() == expected


@pytest.mark.rfc(5155, "8.3")
def test_a_name_is_at_its_record_or_missing_below_its_closest_encloser() -> None:
    model = zone(("a.example.", frozenset({Type.A})), ("x.w.example.", frozenset({Type.A})))
    of = chain(model.nsec3())
    at = of.stand(name("w.example."))
    assert at == At(b"", (record_at("w.example.", model),))
    missing = of.stand(name("y.z.w.example."))
    assert isinstance(missing, Missing)
    assert missing.encloser == name("w.example.")
    assert set(missing.by) == {record_at("w.example.", model), record_over("z.w.example.", model)}


@pytest.mark.rfc(5155, "8.3")
def test_a_missing_name_needs_both_its_encloser_and_the_gap_of_the_next_closer_name() -> None:
    model = zone(*((f"n{number}.example.", frozenset({Type.A})) for number in range(6)))
    top, gap = record_at("example.", model), record_over("b.example.", model)
    assert top != gap
    assert chain([top, gap]).stand(name("x.b.example.")) == Missing(EXAMPLE, (top, gap))
    assert chain([gap]).stand(name("x.b.example.")) is None
    assert chain([top]).stand(name("x.b.example.")) is None


@pytest.mark.rfc(5155, "8.3")
@pytest.mark.parametrize("types", [{Type.NS}, {Type.NS, Type.DS}, {Type.DNAME}])
def test_nothing_is_missing_below_a_delegation_or_a_dname(types: set[int]) -> None:
    of = chain(zone(("a.example.", frozenset(types))).nsec3())
    assert of.stand(name("x.a.example.")) is None
    assert isinstance(of.stand(name("x.b.example.")), Missing)


@pytest.mark.rfc(5155, "3.1.7")
def test_the_last_span_goes_on_from_the_lowest_hash() -> None:
    last = read(span("G" + "0" * 31, "2" + "0" * 31, []), EXAMPLE)
    assert last is not None
    covered = {0x00: True, 0x0F: True, 0x10: False, 0x20: False, 0x80: False, 0x90: True}
    assert {first: last.covers(bytes((first,)) + bytes(19)) for first in covered} == covered
    only = read(span("G" + "0" * 31, "G" + "0" * 31, []), EXAMPLE)
    assert only is not None
    assert [only.covers(bytes((first,)) + bytes(19)) for first in (0, 0x80, 0x90)] == [True, False, True]


GOOD = span("0" * 32, "1" + "0" * 31, [Type.A])


@pytest.mark.rfc(5155, "8.1")
@pytest.mark.rfc(5155, "8.2")
@pytest.mark.parametrize("params", ["2 0 0 -", "1 2 0 -", "1 129 0 -"])
def test_unknown_hash_algorithms_and_flags_are_passed_over(params: str) -> None:
    assert read(span("0" * 32, "1" + "0" * 31, [Type.A], APEX, params), EXAMPLE) is None


@pytest.mark.parametrize(
    "unusable",
    [
        GOOD._replace(name=b"\x20" + b"W" * 32 + EXAMPLE),
        GOOD._replace(name=b"\x1f" + b"0" * 31 + EXAMPLE),
        GOOD._replace(name=b"\x20" + b"0" * 32 + name("org.")),
        GOOD._replace(name=b"\x20" + b"0" * 32 + name("x.example.")),
        GOOD._replace(name=EXAMPLE),
        GOOD._replace(name=b"\0"),
        GOOD._replace(rdatas=()),
        GOOD._replace(rdatas=GOOD.rdatas * 2),
        GOOD._replace(rdatas=(b"\x01\0\0\0\0\x14" + bytes(19),)),
        GOOD._replace(rdatas=(b"\x01\0\0\0\0\x13" + bytes(19),)),
        GOOD._replace(rdatas=(b"",)),
        GOOD._replace(proof=Proof(Status.SECURE, (signature(Type.NSEC3, 1),))),
    ],
)
def test_what_is_no_span_of_the_zone_is_not_read(unusable: RRset) -> None:
    assert read(GOOD, EXAMPLE) is not None
    assert read(unusable, EXAMPLE) is None


@given(st.binary(max_size=60), st.binary(max_size=32))
def test_no_octets_make_reading_raise(rdata: bytes, label: bytes) -> None:
    hostile = GOOD._replace(name=bytes((len(label),)) + label + EXAMPLE if label else EXAMPLE, rdatas=(rdata,))
    assert read(hostile, EXAMPLE) is None or len(label) == nsec3.HASH_LABEL
    read(GOOD._replace(rdatas=(GOOD.rdatas[0][:26] + rdata,)), EXAMPLE)


def test_owners_are_read_in_any_letter_case_at_and_below_the_root() -> None:
    owner = b"\x20" + b"vV" * 16
    for apex in (b"\0", EXAMPLE):
        for spelled in (owner + apex, owner.upper() + apex, owner.lower() + apex.upper()):
            of = read(GOOD._replace(name=spelled, proof=None), apex)
            assert of is not None
            assert of.start == b"\xff" * 20


def deep(labels: int) -> bytes:
    """A name that far below the apex."""
    return b"\x01x" * labels + EXAMPLE


def standing(asked: bytes, sets: list[RRset], purse: Purse) -> Standing | None:
    return chain(sets, purse).stand(asked)


@pytest.mark.rfc(9276, "3.2")
def test_a_long_name_near_whose_top_the_gap_is_costs_few_hashes() -> None:
    purse = Purse()
    assert isinstance(standing(deep(115), zone(("a.example.", frozenset({Type.A}))).nsec3(), purse), Missing)
    assert purse.spent == 3


def test_a_gap_below_a_name_that_nothing_is_known_of_ends_the_search() -> None:
    purse = Purse()
    model = zone(*((f"n{number}.example.", frozenset({Type.A})) for number in range(6)))
    gap = record_over("x.example.", model)
    assert gap != record_at("example.", model)
    assert standing(deep(115), [gap], purse) is None
    assert purse.spent == 3


def test_a_long_name_without_any_proof_is_hashed_as_often_as_is_paid_for() -> None:
    purse = Purse(64)
    with pytest.raises(OverflowError):
        standing(deep(115), [span("0" * 32, "0" * 31 + "1", [])], purse)
    assert purse.spent == 64


def test_each_name_is_paid_for_once_and_what_is_known_is_free() -> None:
    purse = Purse()
    hashes = Hashes(Params(2, b"\xaa"), purse, {EXAMPLE: b"known"})
    assert [hashes.of(EXAMPLE), hashes.of(deep(1)), hashes.of(deep(1))] == [
        b"known",
        *[hash_name(deep(1), Params(2, b"\xaa"))] * 2,
    ]
    assert purse.spent == 1


@pytest.mark.rfc(5155, "8.8")
def test_nothing_is_closer_if_the_next_closer_name_lies_in_a_gap_for_one_hash() -> None:
    model = zone(("w.example.", frozenset({Type.A})), ("z.w.example.", frozenset({Type.A})))
    purse = Purse()
    of = chain(model.nsec3(), purse)
    found = of.without_closer(name("a.b.y.w.example."), name("w.example."))
    assert found == Missing(name("w.example."), (record_over("y.w.example.", model),))
    assert purse.spent == 1
    assert of.without_closer(name("a.z.w.example."), name("w.example.")) is None


@pytest.mark.rfc(5155, "6")
def test_an_opted_out_span_is_told_apart() -> None:
    model = zone(("a.example.", frozenset({Type.A})))
    of = chain(model.nsec3(opt_out=True))
    for found in (of.stand(name("b.example.")), of.without_closer(name("b.example."), EXAMPLE)):
        assert isinstance(found, Missing)
        assert found.opt_out


def test_hashing_follows_the_length_that_the_module_states() -> None:
    assert len(hash_name(names.ROOT, Params(0, b""))) == nsec3.HASH_LENGTH
    assert len(hash_text(APEX, 0, "-")) == nsec3.HASH_LABEL
