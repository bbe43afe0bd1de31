"""NSEC and NSEC3 records of a zone: which there are, and which show that something is not there."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rdata
import pytest

from resolver.dnssec.chains import NSEC3PARAM, Nsec, Nsec3, Owner, Parameters, bitmap
from resolver.dnssec.records import has_type, read_nsec, read_nsec3
from resolver.message import RRset, Type
from resolver.wire import names

APEX = names.from_text("example.")
OWNERS = (
    Owner(APEX, (Type.NS, Type.SOA, Type.DNSKEY)),
    Owner(names.from_text("b.example."), (Type.A,)),
    Owner(names.from_text("ent.example."), ()),
    Owner(names.from_text("host.ent.example."), (Type.A, 1234)),
    Owner(names.from_text("*.w.example."), (Type.TXT,)),
    Owner(names.from_text("w.example."), ()),
    Owner(names.from_text("signed.example."), (Type.NS, Type.DS), cut=True),
    Owner(names.from_text("unsigned.example."), (Type.NS,), cut=True),
)


def name(text: str) -> bytes:
    return names.from_text(text)


def nsec() -> Nsec:
    return Nsec(lambda: OWNERS, 60)


def nsec3(**parameters: object) -> Nsec3:
    return Nsec3(APEX, lambda: OWNERS, 60, Parameters(**parameters))  # type: ignore[arg-type]


def owners(rrsets: tuple[RRset, ...]) -> list[str]:
    return [names.to_text(rrset.name) for rrset in rrsets]


def hashed(text: str, salt: str = "", iterations: int = 0) -> str:
    """The hash of a name, as dnspython makes it."""
    return dns.dnssec.nsec3_hash(dns.name.from_text(text), salt, iterations, "SHA1").lower()


def covers(rrset: RRset, text: str, salt: str = "", iterations: int = 0) -> bool:
    """Whether the hash of a name is in the span of an NSEC3 record, and not its beginning."""
    from base64 import b32hexdecode

    start = b32hexdecode(names.labels(rrset.name)[0].upper())
    end = read_nsec3(rrset.rdatas[0]).next_hash
    point = b32hexdecode(hashed(text, salt, iterations).upper())
    return start < point < end if start < end else point > start or point < end


def matches(rrset: RRset, text: str) -> bool:
    return names.to_text(rrset.name) == f"{hashed(text)}.example."


@pytest.mark.rfc(4034, "4")
def test_the_chain_goes_through_all_names_with_data_in_canonical_order_and_comes_back() -> None:
    chain, seen, at = nsec(), [], APEX
    while at not in seen:
        seen.append(at)
        record = chain.at(at)
        assert record is not None
        assert (record.type, record.ttl) == (Type.NSEC, 60)
        at = read_nsec(record.rdatas[0]).next
    assert at == APEX
    order = ["example.", "b.example.", "host.ent.example.", "signed.example.", "unsigned.example.", "*.w.example."]
    assert [names.to_text(each) for each in seen] == order


@pytest.mark.rfc(4034, "4.1.2")
def test_a_bitmap_is_what_dnspython_reads() -> None:
    types = {1, 2, 6, 15, 46, 47, 255, 256, 257, 1234, 65280}
    rdata = b"\0" + bitmap(types)
    read = dns.rdata.from_wire(1, 47, rdata, 0, len(rdata))
    told = {
        window * 256 + octet * 8 + bit
        for window, octets in read.windows  # type: ignore[attr-defined]
        for octet, bits in enumerate(octets)
        for bit in range(8)
        if bits & 0x80 >> bit
    }
    assert told == types
    assert bitmap(()) == b""


@pytest.mark.rfc(4035, "2.3")
def test_a_bitmap_names_signatures_and_itself_and_at_a_cut_what_the_parent_has() -> None:
    chain = nsec()
    for text, there in {
        "b.example.": {Type.A, Type.RRSIG, Type.NSEC},
        "signed.example.": {Type.NS, Type.DS, Type.RRSIG, Type.NSEC},
        "unsigned.example.": {Type.NS, Type.RRSIG, Type.NSEC},
        "host.ent.example.": {Type.A, 1234, Type.RRSIG, Type.NSEC},
    }.items():
        record = chain.at(name(text))
        assert record is not None
        types = read_nsec(record.rdatas[0]).types
        assert {rtype for rtype in range(2000) if has_type(types, rtype)} == there


@pytest.mark.rfc(4035, "3.1.3.2")
def test_a_name_that_is_not_there_and_its_wildcard_are_covered() -> None:
    assert owners(nsec().name_error(name("c.example."), APEX)) == ["b.example.", "example."]
    assert owners(nsec().name_error(name("a.b.example."), name("b.example."))) == ["b.example.", "b.example."]
    assert owners(nsec().name_error(name("zz.example."), APEX))[0] == "*.w.example."


@pytest.mark.rfc(4035, "3.1.3.1")
def test_an_empty_non_terminal_is_covered_by_a_record_whose_next_name_is_below_it() -> None:
    (record,) = nsec().no_data(name("ent.example."))
    assert record.name == name("b.example.")
    assert read_nsec(record.rdatas[0]).next == name("host.ent.example.")
    assert nsec().at(name("ent.example.")) is None


@pytest.mark.rfc(4035, "3.1.3.4")
def test_no_data_at_a_wildcard_takes_its_record_and_the_one_that_covers_the_name() -> None:
    told = nsec().wildcard_no_data(name("x.w.example."), name("w.example."))
    assert owners(told) == ["*.w.example.", "*.w.example."]


def test_a_zone_of_one_name_has_one_record_that_leads_back_to_it() -> None:
    alone = Nsec(lambda: OWNERS[:1], 60)
    (record,) = alone.no_data(APEX)
    assert read_nsec(record.rdatas[0]).next == APEX
    assert owners(alone.name_error(name("x.example."), APEX)) == ["example.", "example."]
    hashed_alone = Nsec3(APEX, lambda: OWNERS[:1], 60, Parameters())
    (record,) = hashed_alone.no_data(APEX)
    assert covers(record, "x.example.")


def test_the_owners_are_asked_for_when_the_first_record_is_wanted() -> None:
    asked = []

    def owners_of() -> tuple[Owner, ...]:
        asked.append(1)
        return OWNERS

    for chain in (Nsec(owners_of, 60), Nsec3(APEX, owners_of, 60, Parameters())):
        asked.clear()
        assert not asked
        chain.no_data(APEX)
        chain.name_error(name("x.example."), APEX)
        assert len(asked) == 1


@pytest.mark.rfc(5155, "5")
@pytest.mark.parametrize(("salt", "iterations"), [(b"", 0), (b"\xaa\xbb\xcc\xdd", 12)])
def test_hashes_are_those_of_dnspython(salt: bytes, iterations: int) -> None:
    (record,) = nsec3(salt=salt, iterations=iterations).no_data(name("b.example."))
    assert names.to_text(record.name) == f"{hashed('b.example.', salt.hex(), iterations)}.example."
    read = read_nsec3(record.rdatas[0])
    assert (read.algorithm, read.flags, read.iterations, read.salt) == (1, 0, iterations, salt)


@pytest.mark.rfc(5155, "7.1")
def test_each_name_has_a_hash_and_empty_non_terminals_too() -> None:
    chain = nsec3()
    for owner in OWNERS:
        (record,) = chain.no_data(owner.name)
        assert matches(record, names.to_text(owner.name))
        types = read_nsec3(record.rdatas[0]).types
        there = {rtype for rtype in range(2000) if has_type(types, rtype)}
        signed = bool(owner.types) and owner.name != name("unsigned.example.")
        assert there == {*owner.types, *((Type.RRSIG,) if signed else ())}


@pytest.mark.rfc(5155, "7.2.2")
def test_a_name_error_has_the_closest_encloser_the_next_closer_and_the_wildcard() -> None:
    encloser, closer, wildcard = nsec3().name_error(name("x.y.ent.example."), name("ent.example."))
    assert matches(encloser, "ent.example.")
    assert covers(closer, "y.ent.example.")
    assert covers(wildcard, "*.ent.example.")


@pytest.mark.rfc(5155, "7.2.5")
def test_no_data_at_a_wildcard_has_the_record_of_the_wildcard() -> None:
    encloser, closer, wildcard = nsec3().wildcard_no_data(name("x.w.example."), name("w.example."))
    assert matches(encloser, "w.example.")
    assert covers(closer, "x.w.example.")
    assert matches(wildcard, "*.w.example.")


@pytest.mark.rfc(5155, "7.2.6")
def test_an_expansion_has_the_next_closer_alone() -> None:
    (closer,) = nsec3().expanded(name("x.y.w.example."), name("w.example."))
    assert covers(closer, "y.w.example.")


@pytest.mark.rfc(5155, "7.1")
def test_with_opt_out_unsigned_delegations_have_no_hash_and_every_record_says_so() -> None:
    chain = nsec3(opt_out=True)
    encloser, closer = chain.no_data(name("unsigned.example."))
    assert matches(encloser, "example.")
    assert covers(closer, "unsigned.example.")
    (signed,) = chain.no_data(name("signed.example."))
    assert matches(signed, "signed.example.")
    assert all(read_nsec3(record.rdatas[0]).opt_out for record in (encloser, closer, signed))


@pytest.mark.rfc(5155, "4.1.2")
def test_the_parameters_of_the_zone_have_no_flags() -> None:
    rdata = Parameters(7, b"\xab", opt_out=True).rdata
    assert dns.rdata.from_wire(1, NSEC3PARAM, rdata, 0, len(rdata)).to_text() == "1 0 7 ab"
