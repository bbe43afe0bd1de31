"""Tests for `resolver.dnssec.gaps`: what is answered without asking is true, in its time, and within its bounds."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec import gaps, nsec3
from resolver.dnssec.gaps import Gaps
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied
from resolver.message import Proof, Rcode, RRset, Status, Type
from tests.properties.profiles import examples
from tests.support.denials import APEX, Model, Truth, models, names_in, nsec, signature, soa
from tests.support.denials import nsec3 as span
from tests.support.messages import name, rrset

EXAMPLE = name("example.")
OTHER = dns.name.from_text("other.")
ASKED = st.sampled_from([Type.A, Type.AAAA, Type.DS, Type.CNAME, Type.NS, Type.CAA, Type.ANY])
CLAIMS = {Truth.NODATA: Rcode.NOERROR, Truth.NXDOMAIN: Rcode.NXDOMAIN}
SECURE = Proof(Status.SECURE, (signature(Type.A, 1),))

Chains = Callable[[Model], list[RRset]]
CHAINS = pytest.mark.parametrize(
    "chain", [Model.nsec, Model.nsec3, lambda model: model.nsec3(3, "aabb")], ids=["nsec", "nsec3", "nsec3 salted"]
)


def nothing(_name: bytes, _rtype: int) -> RRset | None:
    return None


def holding(*sets: RRset, now: int = 0, limit: int = gaps.GAP_BYTES, apex: dns.name.Name = APEX) -> Gaps:
    """Gaps that have learnt these sets of `apex`, one denial each."""
    held = Gaps(limit)
    for each in sets:
        held.learn(apex.to_wire(), soa(apex), [each], now, 0)
    return held


def rcode(concluded: Conclusion | None) -> Rcode | None:
    assert concluded is None or isinstance(concluded, Denied)
    return concluded and concluded.rcode


@st.composite
def asked(draw: st.DrawFn) -> tuple[Model, dns.name.Name]:
    model = draw(models())
    return model, draw(names_in(model.apex) | st.sampled_from(sorted(model.nodes)))


def data_of(model: Model) -> Callable[[bytes, int], RRset | None]:
    """What a cache holds that has all data of the wildcards of `model`."""

    def held(owner: bytes, rtype: int) -> RRset | None:
        of = dns.name.from_wire(owner, 0)[0]
        assert of.labels[0] == b"*"
        if rtype not in model.types.get(of, ()):
            return None
        signed = signature(Type.A, 1, signer=model.apex.to_wire())
        data = b"\0" if rtype == Type.CNAME else b"\x01\x02\x03\x04"
        return RRset(owner, rtype, 1, 300, (data,), Proof(Status.SECURE, (signed,)))

    return held


@pytest.mark.rfc(8198, "5")
@CHAINS
@examples(0.6)
@given(asked=asked(), rtype=ASKED, data=st.data())
def test_whatever_part_of_a_chain_is_held_only_what_is_true_is_answered(
    chain: Chains, asked: tuple[Model, dns.name.Name], rtype: int, data: st.DataObject
) -> None:
    model, asked_name = asked
    learnt = data.draw(st.permutations(chain(model)))[: data.draw(st.integers(0, 14))]
    held = holding(*learnt, apex=model.apex)
    truth = model.truth(asked_name, rtype)
    match held.synthesise(asked_name.to_wire(), rtype, data_of(model), 1):
        case Denied(chain=(), name=told, rcode=code, soa=kept):
            assert told == asked_name.to_wire()
            assert CLAIMS.get(truth) == code
            assert kept is not None
            assert kept.proof is not None
            assert {each._replace(ttl=300) for each in kept.proof.beside} <= set(learnt)
        case Answered(rrsets=(made,)) | Alias(chain=(made,)):
            assert truth is Truth.DATA
            source = model.source(asked_name)
            assert source != asked_name
            assert made.type in model.types[source]
            assert made.name == asked_name.to_wire()


@pytest.mark.rfc(8198, "5.1")
@CHAINS
@examples(0.6)
@given(asked=asked(), rtype=ASKED, data=st.data())
def test_from_a_whole_chain_everything_that_is_true_is_answered(
    chain: Chains, asked: tuple[Model, dns.name.Name], rtype: int, data: st.DataObject
) -> None:
    model, asked_name = asked
    held = holding(*data.draw(st.permutations(chain(model))), apex=model.apex)
    truth = model.truth(asked_name, rtype)
    concluded = held.synthesise(asked_name.to_wire(), rtype, data_of(model), 1)
    if truth in CLAIMS and not (rtype == Type.DS and asked_name == model.apex != dns.name.root):
        assert rcode(concluded) == CLAIMS[truth]
    elif truth is Truth.DATA and asked_name not in model.nodes and rtype != Type.ANY:
        assert isinstance(concluded, Answered | Alias)
    else:
        assert concluded is None


@pytest.mark.rfc(8198, "5.2")
@examples(0.6)
@given(asked=asked(), rtype=ASKED)
def test_opted_out_spans_deny_no_name(asked: tuple[Model, dns.name.Name], rtype: int) -> None:
    model, asked_name = asked
    held = holding(*model.nsec3(opt_out=True), apex=model.apex)
    concluded = held.synthesise(asked_name.to_wire(), rtype, data_of(model), 1)
    if concluded is not None:
        assert rcode(concluded) == Rcode.NOERROR
        assert model.truth(asked_name, rtype) is Truth.NODATA


A_TO_C = nsec("a.example.", "c.example.", [Type.A, Type.NSEC, Type.RRSIG])
AT_APEX = nsec("example.", "a.example.", [Type.NS, Type.SOA, Type.NSEC, Type.RRSIG])


@pytest.mark.rfc(8198, "5.1")
def test_a_second_name_in_a_gap_is_answered_in_its_own_spelling_and_counted() -> None:
    held = holding(AT_APEX, A_TO_C)
    concluded = held.synthesise(name("B.eXample."), Type.A, nothing, 0)
    assert isinstance(concluded, Denied)
    assert (concluded.name, concluded.rcode) == (name("B.eXample."), Rcode.NXDOMAIN)
    assert held.synthesise(name("a.example."), Type.AAAA, nothing, 0) is not None
    counted = {"gaps.nxdomain": 1, "gaps.nodata": 1, "gaps.wildcard": 0, "gaps.evicted": 0}
    assert held.counts() == {**counted, "gaps.records": 2, "gaps.bytes": held.bytes_held()}


@pytest.mark.rfc(8020, "2")
def test_a_name_below_one_that_does_not_exist_is_denied_too() -> None:
    held = holding(AT_APEX, A_TO_C)
    assert rcode(held.synthesise(name("deep.below.b.example."), Type.A, nothing, 0)) == Rcode.NXDOMAIN


@pytest.mark.rfc(8198, "5.4")
def test_a_denial_has_what_is_left_of_the_lowest_ttl_and_ends_with_it() -> None:
    held = Gaps()
    held.learn(EXAMPLE, soa(), [AT_APEX], 0, 0)
    held.learn(EXAMPLE, soa(), [A_TO_C._replace(ttl=40)], 0, 0)
    concluded = held.synthesise(name("b.example."), Type.A, nothing, 30)
    assert isinstance(concluded, Denied)
    assert concluded.soa is not None
    assert concluded.soa.proof is not None
    assert [each.ttl for each in (concluded.soa, *concluded.soa.proof.beside)] == [10, 10, 10]
    assert held.synthesise(name("b.example."), Type.A, nothing, 39) is not None
    assert held.synthesise(name("b.example."), Type.A, nothing, 40) is None


@pytest.mark.rfc(9077, "3")
@pytest.mark.parametrize("of_soa", [{"ttl": 60}, {"minimum": 60}])
def test_a_record_lasts_no_longer_than_the_negative_ttl_of_its_zone(of_soa: dict[str, int]) -> None:
    held = Gaps()
    held.learn(EXAMPLE, soa(**of_soa), [AT_APEX, A_TO_C], 0, 0)
    held.learn(EXAMPLE, soa(ttl=5000, minimum=5000), [], 50, 50)
    assert held.synthesise(name("b.example."), Type.A, nothing, 59) is not None
    assert held.synthesise(name("b.example."), Type.A, nothing, 60) is None


@pytest.mark.rfc(4035, "5.3.3")
@pytest.mark.parametrize("wall", [1000, (1 << 32) - 100])
def test_a_record_ends_with_its_signature_also_where_the_clock_of_signatures_wraps(wall: int) -> None:
    expires = (wall + 120) % (1 << 32)
    ending = A_TO_C._replace(proof=Proof(Status.SECURE, (signature(Type.NSEC, 2, expires),)))
    held = Gaps()
    lasting = (wall + 1000) % (1 << 32)
    top = AT_APEX._replace(proof=Proof(Status.SECURE, (signature(Type.NSEC, 1, lasting),)))
    held.learn(EXAMPLE, soa(expires=lasting), [top, ending], 7, wall)
    assert held.synthesise(name("b.example."), Type.A, nothing, 7 + 119) is not None
    assert held.synthesise(name("b.example."), Type.A, nothing, 7 + 120) is None


def test_a_record_whose_signature_has_expired_is_not_held() -> None:
    held = Gaps()
    held.learn(EXAMPLE, soa(), [A_TO_C], 0, 1 << 31)
    assert (len(held), held.bytes_held()) == (0, 0)


def test_what_is_not_secure_is_not_held() -> None:
    held = Gaps()
    unsure = A_TO_C._replace(proof=Proof(Status.INSECURE, (signature(Type.NSEC, 2),)))
    held.learn(EXAMPLE, soa(), [unsure, A_TO_C._replace(proof=None)], 0, 0)
    assert len(held) == 0


def test_without_the_soa_of_the_zone_nothing_is_held_or_answered() -> None:
    held = Gaps()
    held.learn(EXAMPLE, None, [AT_APEX, A_TO_C], 0, 0)
    assert len(held) == 0
    held.learn(EXAMPLE, soa(ttl=10), [AT_APEX._replace(ttl=5)], 0, 0)
    held.learn(EXAMPLE, None, [A_TO_C], 4, 0)
    assert held.synthesise(name("a.example."), Type.MX, nothing, 9) is not None
    assert held.synthesise(name("a.example."), Type.MX, nothing, 10) is None


@pytest.mark.rfc(9824, "3.1")
def test_nothing_is_held_of_a_record_that_is_made_for_one_question() -> None:
    lie = nsec("a.example.", r"\000.a.example.", [Type.MX, Type.NSEC, Type.RRSIG])
    held = holding(lie, span("00" * 16, "00" * 15 + "01", [Type.MX]), span("0" * 32, "0" * 31 + "2", [Type.MX]))
    assert len(held) == 0
    assert held.synthesise(name("a.example."), Type.A, nothing, 0) is None


@pytest.mark.rfc(9276, "3.2")
def test_nothing_is_held_that_takes_more_iterations_than_it_is_worth() -> None:
    model = Model({APEX: frozenset({Type.SOA, Type.NS})})
    assert len(holding(*model.nsec3(50))) == 1
    assert len(holding(*model.nsec3(51))) == 0


@pytest.mark.rfc(4035, "3.1.4.1")
def test_the_ds_of_a_zone_is_denied_from_the_chain_of_its_parent_alone() -> None:
    below = dns.name.from_text("sub.example.")
    held = holding(nsec("sub.example.", "sub.example.", [Type.NS, Type.SOA]), apex=below)
    assert held.synthesise(name("sub.example."), Type.DS, nothing, 0) is None
    held.learn(EXAMPLE, soa(), [nsec("sub.example.", "example.", [Type.NS, Type.RRSIG, Type.NSEC])], 0, 0)
    assert rcode(held.synthesise(name("sub.example."), Type.DS, nothing, 0)) == Rcode.NOERROR
    assert rcode(held.synthesise(name("x.sub.example."), Type.DS, nothing, 0)) == Rcode.NXDOMAIN


@pytest.mark.rfc(6840, "4.1")
def test_nothing_below_a_delegation_is_denied_by_the_parent() -> None:
    held = holding(AT_APEX, nsec("a.example.", "example.", [Type.NS, Type.RRSIG, Type.NSEC]))
    assert held.synthesise(name("www.a.example."), Type.A, nothing, 0) is None
    assert held.synthesise(name("a.example."), Type.A, nothing, 0) is None
    assert rcode(held.synthesise(name("b.example."), Type.A, nothing, 0)) == Rcode.NXDOMAIN


@pytest.mark.rfc(8198, "5.3")
def test_a_wildcard_whose_data_is_held_answers_with_the_proof_beside_it() -> None:
    held = holding(A_TO_C)
    wild = rrset("*.example. 100 IN A 192.0.2.1")._replace(proof=SECURE)
    concluded = held.synthesise(name("B.example."), Type.A, lambda *asked: {(wild.name, 1): wild}.get(asked), 250)
    assert isinstance(concluded, Answered)
    (made,) = concluded.rrsets
    assert (made.name, made.ttl, made.rdatas) == (name("B.example."), 50, wild.rdatas)
    assert made.proof == Proof(Status.SECURE, SECURE.signatures, (A_TO_C._replace(ttl=50),))
    assert held.synthesised["wildcard"] == 1


@pytest.mark.rfc(8198, "5.3")
def test_with_nsec3_the_data_of_a_wildcard_shows_that_its_encloser_exists() -> None:
    others = {dns.name.from_text(f"n{number}.example."): frozenset({Type.A}) for number in range(6)}
    at_apex = {APEX: frozenset({Type.SOA, Type.NS}), dns.name.from_text("*.w.example."): frozenset({Type.A})}
    model = Model({**at_apex, **others})
    spans = [each for of in model.nsec3() if (each := nsec3.read(of, EXAMPLE))]
    (gap,) = (each for each in spans if each.covers(nsec3.hash_name(name("a.w.example."), each.params)))
    assert gap.start != nsec3.hash_name(name("w.example."), gap.params)
    held = holding(gap.rrset)
    concluded = held.synthesise(name("y.a.w.example."), Type.A, data_of(model), 0)
    assert isinstance(concluded, Answered)
    assert concluded.rrsets[0].proof == Proof(Status.SECURE, SECURE.signatures, (gap.rrset,))
    assert held.synthesise(name("y.a.w.example."), Type.MX, data_of(model), 0) is None
    assert held.synthesise(name("y.a.w.example."), Type.A, nothing, 0) is None
    opted_out = holding(*model.nsec3(opt_out=True))
    assert opted_out.synthesise(name("y.a.w.example."), Type.A, data_of(model), 0) is None


@pytest.mark.rfc(8198, "5.3")
def test_the_wildcard_of_a_zone_below_proves_nothing_with_the_records_of_the_one_above() -> None:
    """Names of the zone below lie in some span of the hashes above, whether they exist or not."""
    names_there = {dns.name.from_text(f"n{number}.example."): frozenset({Type.A}) for number in range(6)}
    cut = {dns.name.from_text("sub.example."): frozenset({Type.NS, Type.DS})}
    model = Model({APEX: frozenset({Type.SOA, Type.NS}), **cut, **names_there})
    spans = [each for of in model.nsec3() if (each := nsec3.read(of, EXAMPLE))]
    (gap,) = (each for each in spans if each.covers(nsec3.hash_name(name("x.sub.example."), each.params)))
    held = holding(gap.rrset)
    assert gap.start != nsec3.hash_name(name("sub.example."), gap.params)
    wild = rrset("*.sub.example. 100 IN A 192.0.2.1")

    def wildcard(*beside: RRset, signer: str) -> Callable[[bytes, int], RRset | None]:
        proof = Proof(Status.SECURE, (signature(Type.A, 2, signer=name(signer)),), beside)
        return lambda *asked: {(wild.name, 1): wild._replace(proof=proof)}.get(asked)

    assert held.synthesise(name("x.sub.example."), Type.A, wildcard(signer="sub.example."), 0) is None
    assert held.synthesise(name("x.sub.example."), Type.A, wildcard(gap.rrset, signer="example."), 0) is None
    assert held.synthesise(name("x.sub.example."), Type.A, wildcard(signer="example."), 0) is not None


@pytest.mark.rfc(8198, "5.3")
def test_an_alias_at_a_wildcard_leads_on() -> None:
    wild = rrset("*.example. 100 IN CNAME www.example.org.")._replace(proof=SECURE)
    concluded = holding(A_TO_C).synthesise(
        name("b.example."), Type.A, lambda *asked: {(wild.name, 5): wild}.get(asked), 0
    )
    assert isinstance(concluded, Alias)
    assert concluded.target == name("www.example.org.")
    of = holding(A_TO_C).synthesise(name("b.example."), Type.ANY, lambda *asked: {(wild.name, 5): wild}.get(asked), 0)
    assert of is None


@pytest.mark.parametrize("proof", [None, Proof(Status.UNCHECKED), Proof(Status.INSECURE, SECURE.signatures)])
def test_a_wildcard_that_is_not_secure_answers_for_nothing(proof: Proof | None) -> None:
    wild = rrset("*.example. 100 IN A 192.0.2.1")._replace(proof=proof)
    held = holding(A_TO_C)
    assert held.synthesise(name("b.example."), Type.A, lambda *asked: {(wild.name, 1): wild}.get(asked), 0) is None


WILD = rrset("one.example. 100 IN A 192.0.2.1")
B_TO_Z = nsec("b.example.", "z.example.", [Type.A])


def expanded(beside: tuple[RRset, ...] = (B_TO_Z,), status: Status = Status.SECURE) -> RRset:
    """The answer of *.example. for one.example., as it is proven."""
    return WILD._replace(proof=Proof(status, (signature(Type.A, 1),), beside))


@pytest.mark.rfc(8198, "5.3")
def test_an_answer_that_was_expanded_gives_the_data_of_its_wildcard_and_its_gap() -> None:
    held = holding(AT_APEX)
    wildcard = held.learn_expanded(expanded(), 0, 0)
    assert wildcard == WILD._replace(name=name("*.example."), proof=Proof(Status.SECURE, (signature(Type.A, 1),)))
    concluded = held.synthesise(
        name("two.example."), Type.A, lambda *asked: {(wildcard.name, 1): wildcard}.get(asked), 0
    )
    assert isinstance(concluded, Answered)
    assert concluded.rrsets[0].name == name("two.example.")


@pytest.mark.parametrize(
    "unfit",
    [
        WILD,
        expanded(()),
        expanded(status=Status.INSECURE),
        expanded((B_TO_Z._replace(proof=Proof(Status.SECURE, (signature(Type.NSEC, 2, signer=name("b.example.")),))),)),
        expanded((nsec("p.example.", "z.example.", [Type.A]),)),
    ],
)
def test_an_answer_without_the_whole_proof_gives_no_wildcard(unfit: RRset) -> None:
    assert holding(AT_APEX).learn_expanded(unfit, 0, 0) is None


def test_where_nothing_is_held_of_a_zone_its_wildcards_are_not_held_either() -> None:
    assert Gaps().learn_expanded(expanded(), 0, 0) is None
    held = holding(nsec("other.", "other.", [Type.NS, Type.SOA]), apex=OTHER)
    assert held.learn_expanded(expanded(), 0, 0) is None
    assert len(held) == 1


def test_a_new_record_takes_the_place_of_those_in_its_gap() -> None:
    held = holding(AT_APEX, nsec("a.example.", "b.example.", [Type.A]), nsec("b.example.", "c.example.", [Type.A]))
    held.learn(EXAMPLE, soa(), [A_TO_C], 0, 0)
    assert len(held) == 2
    assert rcode(held.synthesise(name("b.example."), Type.MX, nothing, 0)) == Rcode.NXDOMAIN


def test_the_last_record_of_a_chain_takes_the_place_of_all_behind_it() -> None:
    held = holding(A_TO_C, nsec("c.example.", "example.", [Type.A]), nsec("a.example.", "example.", [Type.A]))
    assert len(held) == 1
    wrapping = holding(span("0" * 31 + "8", "8" + "0" * 31, [Type.A]), span("G" + "0" * 31, "0" * 31 + "A", [Type.A]))
    assert len(wrapping) == 1


@pytest.mark.rfc(5155, "8.2")
def test_a_chain_that_is_hashed_in_another_way_takes_the_place_of_the_former() -> None:
    model = Model({APEX: frozenset({Type.SOA, Type.NS}), dns.name.from_text("a.example."): frozenset({Type.A})})
    held = holding(*model.nsec(), *model.nsec3(0), *model.nsec3(1, "aa"))
    assert len(held) == 2
    assert rcode(held.synthesise(name("b.example."), Type.A, nothing, 0)) == Rcode.NXDOMAIN


def many(count: int) -> Sequence[RRset]:
    return [nsec(f"n{number:04}.example.", f"z.n{number:04}.example.", [Type.A]) for number in range(count)]


def test_what_was_learnt_first_is_forgotten_first_in_all_zones_together() -> None:
    held = holding(*many(4), limit=60_000)
    for number in range(200):
        held.learn(OTHER.to_wire(), soa(OTHER), [nsec(f"n{number:04}.other.", f"z.n{number:04}.other.", [1])], 0, 0)
        assert held.bytes_held() <= 60_000
    assert held.evicted == 204 - len(held)
    assert len(held) > 20
    assert held.synthesise(name("n0003.example."), Type.MX, nothing, 0) is None
    assert held.synthesise(name("n0100.other."), Type.MX, nothing, 0) is None
    assert held.synthesise(name("n0199.other."), Type.MX, nothing, 0) is not None


def test_a_record_that_is_learnt_again_is_young_again_and_weighs_no_more() -> None:
    held = holding(*many(20), limit=1 << 20)
    weight = held.bytes_held()
    held.learn(EXAMPLE, soa(), [many(1)[0]], 0, 0)
    assert held.bytes_held() == weight
    held.resize(weight // 2)
    assert held.bytes_held() <= weight // 2
    assert held.synthesise(name("n0000.example."), Type.MX, nothing, 0) is not None
    assert held.synthesise(name("n0001.example."), Type.MX, nothing, 0) is None


@pytest.mark.parametrize("hashed", [False, True])
def test_records_and_zones_weigh_about_what_they_take(hashed: bool) -> None:
    def fill(held: Gaps, zones: int, records: int) -> None:
        for number in range(zones):
            apex = dns.name.from_text(f"zone{number}.example.")
            for each in range(records):
                place = f"{each:032d}" if hashed else f"host{each:06d}.{apex}"
                after = f"{each:031d}G" if hashed else f"z.{place}"
                record = span(place, after, [1], apex) if hashed else nsec(place, after, [1, Type.RRSIG, Type.NSEC])
                held.learn(apex.to_wire(), soa(apex), [record], 0, 0)

    for zones, records in ((100, 1), (1, 200)):
        fill(Gaps(), 1, 2)
        tracemalloc.start()
        try:
            held = Gaps()
            before = tracemalloc.get_traced_memory()[0]
            fill(held, zones, records)
            gc.collect()
            taken = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert len(held) == zones * records
        assert 0.8 * taken <= held.bytes_held() <= 1.25 * taken


def test_a_record_that_would_take_much_of_the_room_is_not_held() -> None:
    large = A_TO_C._replace(proof=Proof(Status.SECURE, (signature(Type.NSEC, 2) + bytes(9000),)))
    assert len(holding(large, limit=100_000)) == 0
    assert len(holding(A_TO_C, limit=100_000)) == 1


@examples(0.4)
@given(st.lists(st.tuples(models((APEX, OTHER)), st.booleans()), max_size=6), st.integers(3000, 40000))
def test_when_all_is_forgotten_nothing_weighs_anything(zones: list[tuple[Model, bool]], limit: int) -> None:
    held = Gaps(limit)
    for model, hashed in zones:
        chain = model.nsec3() if hashed else model.nsec()
        held.learn(model.apex.to_wire(), soa(model.apex), chain, 0, 0)
        assert held.bytes_held() <= limit
        assert (len(held) == 0) == (held.bytes_held() == 0)
    held.forget(name("."), subtree=True)
    assert (len(held), held.bytes_held()) == (0, 0)


def test_what_could_speak_of_a_name_can_be_forgotten() -> None:
    sub = dns.name.from_text("sub.example.")
    held = holding(AT_APEX, A_TO_C)
    held.learn(sub.to_wire(), soa(sub), [nsec("sub.example.", "a.sub.example.", [Type.NS, Type.SOA])], 0, 0)
    held.forget(name("other."), subtree=True)
    assert len(held) == 3
    held.forget(name("b.example."), subtree=False)
    assert len(held) == 1
    held.learn(EXAMPLE, soa(), [A_TO_C], 0, 0)
    held.forget(name("example."), subtree=True)
    assert len(held) == 0


@pytest.mark.rfc(9276, "3.2")
def test_a_question_has_few_names_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = dns.name.from_text("k.j.i.h.g.f.e.d.c.b.a.example.")
    held = holding(*Model({APEX: frozenset({Type.SOA, Type.NS}), deep: frozenset({Type.A})}).nsec3(1, "aa"))
    hashed: list[bytes] = []
    work_out = nsec3.hash_name
    monkeypatch.setattr(nsec3, "hash_name", lambda *given: hashed.append(given[0]) or work_out(*given))
    assert held.synthesise(b"\x01x" + deep.to_wire(), Type.A, nothing, 0) is None
    assert len(hashed) == gaps.HASHES
    hashed.clear()
    assert rcode(held.synthesise(name("x.example."), Type.A, nothing, 0)) == Rcode.NXDOMAIN
    assert hashed == [name("x.example.")]


def denied(of: str, *beside: RRset, status: Status = Status.SECURE, code: Rcode = Rcode.NXDOMAIN) -> Denied:
    return Denied((), name(of), code, soa()._replace(proof=Proof(status, (), beside)), False)


@pytest.mark.rfc(8020, "2")
def test_a_proven_name_error_cuts_what_is_below() -> None:
    known = {name("b.example."): denied("b.example.", A_TO_C)}
    cut = gaps.below_denied(name("x.Y.B.example."), known.get)
    assert cut == denied("x.Y.B.example.", A_TO_C)
    assert gaps.below_denied(name("b.example."), known.get) is None
    assert gaps.below_denied(name("x.c.example."), known.get) is None


@pytest.mark.rfc(8020, "2")
@pytest.mark.parametrize(
    "above",
    [
        denied("b.example.", A_TO_C, status=Status.INSECURE),
        denied("b.example.", A_TO_C, code=Rcode.NOERROR),
        Denied((), name("b.example."), Rcode.NXDOMAIN, None, False),
    ],
)
def test_a_denial_that_is_not_proven_or_no_name_error_cuts_nothing(above: Denied) -> None:
    assert gaps.below_denied(name("x.b.example."), {name("b.example."): above}.get) is None


@pytest.mark.rfc(9824, "3.1")
def test_a_compact_name_error_cuts_nothing_as_its_proof_would_not_hold_below() -> None:
    lie = nsec("b.example.", r"\000.b.example.", [Type.NSEC, Type.RRSIG, 128])
    assert gaps.below_denied(name("x.b.example."), {name("b.example."): denied("b.example.", lie)}.get) is None
