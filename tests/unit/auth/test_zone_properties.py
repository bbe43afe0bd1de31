"""Any zone, any question: the answer is what a slow reading of RFC 1034 section 4.3.2 gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.auth.zone import Zone
from resolver.message import Class, Question, Rcode, Reply, RRset, Type
from resolver.wire import names

Labels = tuple[str, ...]
APEX: Labels = ("x",)
TYPES = (Type.A, Type.NS, Type.CNAME, Type.DNAME, Type.MX, Type.TXT, Type.AAAA, Type.DS)
SOA = bytes(2) + b"".join(number.to_bytes(4, "big") for number in (1, 2, 3, 4, 30))

Records = list[tuple[Labels, Type, Labels]]
Case = tuple[Records, Labels, int]

label = st.sampled_from(["a", "b", "*"])
inside = st.lists(label, max_size=4).map(lambda labels: (*labels, *APEX))
anywhere = st.one_of(inside, inside, inside, st.just(("a", "y")), st.just(()))
records_of_a_zone = st.lists(st.tuples(inside, st.sampled_from(TYPES), anywhere), max_size=12)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A zone, and a question that lies at, below or beside one of its records."""
    records = draw(records_of_a_zone)
    near = st.sampled_from([name for name, _, _ in records] or [APEX])
    name = draw(st.one_of(near, st.builds(lambda first, rest: (first, *rest), label, near), inside))
    asked = st.one_of(st.sampled_from(TYPES), st.sampled_from([Type.DS, Type.ANY, Type.SOA, Type.NSEC]))
    return records, name, draw(asked)


def wire(labels: Labels) -> bytes:
    return b"".join(bytes([len(text)]) + text.encode() for text in labels) + b"\0"


def data(rtype: int, target: Labels) -> bytes:
    if rtype in (Type.NS, Type.CNAME, Type.DNAME):
        return wire(target)
    return {Type.A: b"\1" * 4, Type.AAAA: b"\1" * 16, Type.MX: b"\0\1" + wire(target)}.get(rtype, b"\1t")


Owned = dict[Labels, dict[int, set[bytes]]]


def owned(records: Records) -> Owned:
    found: Owned = {APEX: {Type.SOA: {SOA}}}
    for name, rtype, target in records:
        rdatas = found.setdefault(name, {}).setdefault(rtype, set())
        if not rdatas or rtype not in (Type.CNAME, Type.DNAME):
            rdatas.add(data(rtype, target))
    return found


def zone_of(records: Owned) -> Zone:
    return Zone(
        wire(APEX),
        [
            RRset(wire(name), rtype, Class.IN, 60, tuple(sorted(rdatas)))
            for name, types in records.items()
            for rtype, rdatas in types.items()
        ],
    )


def first_step(records: Owned, name: Labels, rtype: int) -> tuple[str, Labels]:
    """What becomes of a name in the zone, and where: label by label down from the apex."""
    exists = {labels[n:] for labels in records for n in range(len(labels))}
    for depth in range(len(APEX), len(name) + 1):
        at = name[len(name) - depth :]
        if at not in exists:
            wildcard = ("*", *at[1:])
            return ("NXDOMAIN", at) if wildcard not in exists else own(records, wildcard, rtype)
        types = records.get(at, {})
        if at == name:
            break
        if Type.NS in types and at != APEX:
            return "referral", at
        if Type.DNAME in types:
            return "DNAME", at
    return own(records, name, rtype)


def own(records: Owned, at: Labels, rtype: int) -> tuple[str, Labels]:
    types = records.get(at, {})
    if Type.NS in types and at != APEX and rtype != Type.DS:
        return "referral", at
    if rtype in types or (rtype == Type.ANY and types):
        return "data", at
    return ("CNAME" if Type.CNAME in types else "NODATA"), at


def sections(reply: Reply) -> tuple[RRset, ...]:
    return reply.answer + reply.authority + reply.additional


@settings(derandomize=True, max_examples=400, deadline=None)
@given(cases(), st.booleans())
def test_the_first_step_is_that_of_the_algorithm(case: Case, upper: bool) -> None:
    records, name, rtype = case
    holding = owned(records)
    reply = zone_of(holding).answer(Question(wire(name).upper() if upper else wire(name), rtype))
    step, at = first_step(holding, name, rtype)
    owners = [names.fold(rrset.name) for rrset in reply.answer]
    authorities = [(names.fold(rrset.name), rrset.type) for rrset in reply.authority]
    match step:
        case "NXDOMAIN" | "NODATA":
            assert reply.rcode == (Rcode.NXDOMAIN if step == "NXDOMAIN" else Rcode.NOERROR)
            assert (reply.aa, owners, authorities) == (True, [], [(wire(APEX), Type.SOA)])
            assert reply.authority[0].ttl == 30
        case "referral":
            # A wildcard's records are found under the name asked for.
            cut = wire(name if at[0] == "*" and at != name[-len(at) :] else at)
            assert (reply.rcode, reply.aa, owners, authorities) == (0, False, [], [(cut, Type.NS)])
            assert set(reply.authority[0].rdatas) == holding[at][Type.NS]
        case "data":
            found = min(holding[at]) if rtype == Type.ANY else rtype
            assert (reply.rcode, reply.aa, owners) == (0, True, [wire(name)])
            assert (reply.answer[0].type, set(reply.answer[0].rdatas)) == (found, holding[at][found])
        case "CNAME":
            assert (reply.aa, owners[0], reply.answer[0].type) == (True, wire(name), Type.CNAME)
            assert set(reply.answer[0].rdatas) == holding[at][Type.CNAME]
        case _:
            assert (reply.aa, owners[:2]) == (True, [wire(at), wire(name)])
            assert [rrset.type for rrset in reply.answer[:2]] == [Type.DNAME, Type.CNAME]
            (target,) = holding[at][Type.DNAME]
            assert names.fold(reply.answer[1].rdatas[0]) == wire(name[: len(name) - len(at)])[:-1] + target


@settings(derandomize=True, max_examples=400, deadline=None)
@given(cases())
def test_no_answer_is_absurd(case: Case) -> None:
    records, name, rtype = case
    zone = zone_of(owned(records))
    question = Question(wire(name), rtype)
    reply = zone.answer(question)
    assert reply == zone.answer(question)
    keys = [(names.fold(rrset.name), rrset.type) for rrset in sections(reply)]
    assert len(keys) == len(set(keys)), "an RRset stands twice in a message"
    assert reply.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN)
    assert reply.aa or not reply.answer
    assert {rrset.type for rrset in reply.additional} <= {Type.A, Type.AAAA}
    at = question.name
    for rrset in reply.answer:
        if rrset.type == Type.DNAME and names.fold(rrset.name) != at:
            assert names.is_below(at, names.fold(rrset.name))
            continue
        assert names.fold(rrset.name) == at, "a record off the chain"
        if rrset.type == Type.CNAME and question.type not in (Type.CNAME, Type.ANY):
            at = names.fold(rrset.rdatas[0])
    for rrset in reply.authority:
        if rrset.type == Type.NS and rrset.name != zone.apex:
            assert names.is_below(at, names.fold(rrset.name)), "a referral away from what is asked"
            assert all(one.type in (Type.CNAME, Type.DNAME) for one in reply.answer)
    if reply.rcode == Rcode.NXDOMAIN:
        assert zone.rrset(at, Type.A) is None
        assert [rrset.type for rrset in reply.authority] == [Type.SOA]
