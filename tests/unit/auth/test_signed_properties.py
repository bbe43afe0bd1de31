"""Any signed zone, any question: the answer is that of the unsigned zone, and what is added proves all of it.

The judge of denials knows the reply and the question alone, and reads them as a validator does (RFC 4035 section 5.4,
RFC 5155 section 8); it has names and hashes from dnspython.
"""

from __future__ import annotations

import dns.dnssec
import dns.name
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from resolver.auth.signed import SignedZone
from resolver.dnssec import algorithms, keys
from resolver.dnssec.chains import Parameters
from resolver.dnssec.records import has_type, read_nsec, read_nsec3
from resolver.dnssec.sign import Signer
from resolver.message import Class, Question, Rcode, Reply, RRset, Type
from resolver.wire import names
from tests.support import signed_zones as signed
from tests.unit.auth.test_zone_properties import APEX, Case, cases, owned, wire, zone_of

APEX_WIRE = wire(APEX)
KEYS = keys.derived("tests", APEX_WIRE, algorithms.ED25519)
DS = b"\0\1\x0d\2" + bytes(32)
DNSSEC = (Type.RRSIG, Type.NSEC, Type.NSEC3)

denials = st.sampled_from(
    [None, Parameters(), Parameters(1, b"\xab"), Parameters(opt_out=True), Parameters(2, b"", opt_out=True)]
)


class Judge:
    """What the NSEC or NSEC3 records of a reply say of names: a hash stands for a name where there are hashes."""

    def __init__(self, reply: Reply, parameters: Parameters | None) -> None:
        self._parameters = parameters
        self._spans: list[tuple[object, object, bytes]] = []
        self.opt_out = False
        for rrset in reply.authority:
            if rrset.type == Type.NSEC:
                nsec = read_nsec(rrset.rdatas[0])
                self._spans.append((_name(rrset.name), _name(nsec.next), nsec.types))
            elif rrset.type == Type.NSEC3:
                nsec3 = read_nsec3(rrset.rdatas[0])
                self.opt_out |= nsec3.opt_out
                start = names.labels(rrset.name)[0].decode().upper()
                self._spans.append((start, _b32(nsec3.next_hash), nsec3.types))

    def _point(self, name: bytes) -> object:
        if self._parameters is None:
            return _name(name)
        salt = self._parameters.salt.hex()
        return dns.dnssec.nsec3_hash(_name(name), salt, self._parameters.iterations, "SHA1")

    def types(self, name: bytes) -> bytes | None:
        """The bitmap at `name`; None where no record says it."""
        point = self._point(name)
        return next((types for start, _, types in self._spans if start == point), None)

    def absent(self, name: bytes) -> bool:
        """A record says that `name` is not there, not even as an empty non-terminal."""
        point = self._point(name)
        for start, end, types in self._spans:
            inside = start < point < end if start < end else point > start or point < end  # type: ignore[operator]
            if not inside:
                continue
            if self._parameters is not None:
                return True
            assert isinstance(start, dns.name.Name)
            # What is below a cut or a DNAME is not denied by the record there (RFC 6840 section 4.1).
            below = _name(name).is_subdomain(start) and start != _name(APEX_WIRE)
            assert not (below and (has_type(types, Type.DNAME) or has_type(types, Type.NS)))
            return not end.is_subdomain(_name(name))  # type: ignore[attr-defined]
        return False

    def empty(self, name: bytes) -> bool:
        """A record says that `name` has nothing but names below it."""
        if self._parameters is not None:
            return self.types(name) == b""
        return any(
            start < _name(name) < end and end.is_subdomain(_name(name))  # type: ignore[operator, attr-defined]
            for start, end, _ in self._spans
        )

    def closest_encloser(self, name: bytes) -> bytes:
        """The name right above the highest one on the way to `name` that is not there."""
        way = [each for each in names.ancestors(name) if names.is_below(each, APEX_WIRE)]
        missing = [each for each in way if self.absent(each)]
        assert missing, f"nothing denies {names.to_text(name)}"
        return names.parent(missing[-1])


def _name(name: bytes) -> dns.name.Name:
    return dns.name.from_text(names.to_text(names.fold(name)))


def _b32(octets: bytes) -> str:
    from base64 import b32hexencode

    return b32hexencode(octets).decode()


def without_dnssec(reply: Reply) -> Reply:
    def kept(section: tuple[RRset, ...], ds_too: bool) -> tuple[RRset, ...]:
        return tuple(each for each in section if each.type not in DNSSEC and (ds_too or each.type != Type.DS))

    return reply._replace(answer=kept(reply.answer, True), authority=kept(reply.authority, False))


def judged(reply: Reply, name: bytes, rtype: int, judge: Judge) -> None:
    """The end of the chain is proven to be what it is."""
    ns = next((rrset for rrset in reply.authority if rrset.type == Type.NS and rrset.name != APEX_WIRE), None)
    if ns is not None:
        if not any(rrset.type == Type.DS for rrset in reply.authority):
            types = judge.types(ns.name)
            if types is None:
                assert judge.opt_out
                assert judge.absent(ns.name)
            else:
                assert has_type(types, Type.NS)
                assert not has_type(types, Type.DS)
        return
    if not any(rrset.type == Type.SOA for rrset in reply.authority):
        return
    if reply.rcode == Rcode.NXDOMAIN:
        assert judge.absent(b"\x01*" + judge.closest_encloser(name))
        return
    types = judge.types(name)
    if types is None and not judge.empty(name):
        if judge.opt_out and rtype == Type.DS and judge.types(b"\x01*" + judge.closest_encloser(name)) is None:
            return
        wildcard = b"\x01*" + judge.closest_encloser(name)
        types = judge.types(wildcard)
        assert types is not None or judge.empty(wildcard)
    assert not has_type(types or b"", rtype)
    assert not has_type(types or b"", Type.CNAME)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(cases(), denials, st.booleans(), st.sampled_from(["a", "b", "*"]))
def test_every_answer_is_that_of_the_unsigned_zone_and_is_proven(
    case: Case, parameters: Parameters | None, upper: bool, instead: str
) -> None:
    """`instead` of a wildcard a name is asked for that it may make."""
    records, name, rtype = case
    if name[:1] == ("*",):
        name = (instead, *name[1:])
    if rtype == Type.NSEC:
        return  # that a zone has one is what differs
    records = [each for each in records if not (each[1] == Type.NS and each[0][0] == "*")]
    holding = owned(records)
    for types in holding.values():
        if Type.DS in types:
            types[Type.DS] = {DS}
    plain = zone_of(holding)
    signer = Signer(APEX_WIRE, KEYS)
    dnskey = RRset(APEX_WIRE, Type.DNSKEY, Class.IN, 60, signer.dnskeys)
    zone = SignedZone(APEX_WIRE, [*plain, dnskey], signer, parameters)
    question = Question(wire(name).upper() if upper else wire(name), rtype)
    reply = zone.answer(question, True, signed.NOW)
    assert without_dnssec(reply) == zone.answer(question) == plain.answer(question)

    # dnspython refuses what one wildcard made under the name of another: (RFC 4034 section 3.1.3 says nothing of it).
    assume(not any(r.name[:2] == b"\x01*" and plain.rrset(r.name, r.type) is None for r in reply.answer if r.type < 46))

    made = {
        f"{names.to_text(rrset.name)} CNAME"
        for rrset in reply.answer
        if rrset.type == Type.CNAME and any(_dname_above(plain, above) for above in _above(rrset.name))
    }
    delegated = {f"{names.to_text(r.name)} NS" for r in reply.authority if r.type == Type.NS and r.name != APEX_WIRE}
    assert set(signed.unproven(zone, reply)) == made | delegated

    judge = Judge(reply, parameters)
    last = question.name
    for rrset in reply.answer:
        if rrset.type == Type.CNAME and rtype != Type.CNAME:
            last = rrset.rdatas[0]
        owner = names.fold(rrset.name)
        signature = next((r for r in reply.answer if r.type == Type.RRSIG and r.name == rrset.name), None)
        if rrset.type != Type.RRSIG and signature is not None and not owner.startswith(b"\x01*"):
            labels = signature.rdatas[0][3]
            assert (labels < names.depth(owner)) == (plain.rrset(owner, rrset.type) is None)
            if labels < names.depth(owner):  # made from a wildcard: the next closer name is not there
                assert judge.absent(names.last_labels(owner, labels + 1))
    if names.is_below(names.fold(last), APEX_WIRE):
        judged(reply, names.fold(last), rtype, judge)


def _above(name: bytes) -> list[bytes]:
    return [each for each in names.ancestors(names.fold(name)) if each != names.fold(name)]


def _dname_above(zone: object, name: bytes) -> bool:
    return zone.rrset(name, Type.DNAME) is not None  # type: ignore[attr-defined]
