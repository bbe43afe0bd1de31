"""Tests for `resolver.dnssec.records`, with dnspython as the oracle."""

from __future__ import annotations

import dns.dnssec
import dns.rdata
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec import records
from resolver.errors import WireError
from resolver.message import Type
from resolver.wire.parse import parse


def rdata(rtype: str, text: str) -> bytes:
    made = dns.rdata.from_text("IN", rtype, text, relativize=False).to_wire()
    assert made is not None
    return made


def bitmap(*types: int) -> bytes:
    return records.read_nsec(b"\0" + rdata("NSEC", f". {' '.join(f'TYPE{each}' for each in types)}")[1:]).types


def test_a_signature_is_read_field_by_field() -> None:
    octets = rdata("RRSIG", "A 13 2 300 20300102030405 20200102030405 7 Example.COM. AAECAw==")
    read = records.read_rrsig(octets)
    assert read == records.Rrsig(
        covered=Type.A,
        algorithm=13,
        labels=2,
        original_ttl=300,
        expires=1893553445,
        begins=1577934245,
        tag=7,
        signer=b"\x07example\x03com\0",
        signature=b"\0\1\2\3",
        head=octets[:18] + b"\x07example\x03com\0",
    )


def test_a_key_a_digest_and_a_denial_are_read_field_by_field() -> None:
    key = records.read_dnskey(rdata("DNSKEY", "385 3 8 AwEAAQ=="))
    assert (key.flags, key.protocol, key.algorithm, key.key) == (385, 3, 8, b"\x03\1\0\1")
    assert key.revoked
    assert key.signs_zones
    assert not records.read_dnskey(rdata("DNSKEY", "1 3 8 AwEAAQ==")).signs_zones
    assert not records.read_dnskey(rdata("DNSKEY", "257 2 8 AwEAAQ==")).signs_zones
    assert records.read_ds(rdata("DS", "7 8 2 " + "ab" * 32)) == records.Ds(7, 8, 2, b"\xab" * 32)
    nsec = records.read_nsec(rdata("NSEC", "B.Example. A RRSIG CAA"))
    assert nsec.next == b"\x01b\x07example\0"
    assert [each for each in range(0x10000) if records.has_type(nsec.types, each)] == [1, 46, 257]


@pytest.mark.rfc(5155, "3.2")
def test_a_hashed_denial_is_read_field_by_field() -> None:
    nsec3 = records.read_nsec3(rdata("NSEC3", "1 1 12 aabb 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR MX RRSIG"))
    assert (nsec3.algorithm, nsec3.flags, nsec3.iterations, nsec3.salt) == (1, 1, 12, b"\xaa\xbb")
    assert len(nsec3.next_hash) == 20
    assert nsec3.opt_out
    assert records.has_type(nsec3.types, Type.MX)
    assert not records.has_type(nsec3.types, Type.A)
    empty = records.read_nsec3(rdata("NSEC3", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR"))
    assert (empty.salt, empty.types, empty.opt_out) == (b"", b"", False)


@pytest.mark.rfc(4034, "4.1.2")
@given(st.sets(st.integers(1, 0xFFFF), max_size=40), st.integers(1, 0xFFFF))
def test_a_bitmap_has_the_types_that_were_put_in(types: set[int], another: int) -> None:
    made = bitmap(*types) if types else b""
    assert all(records.has_type(made, each) for each in types)
    assert records.has_type(made, another) == (another in types)


@pytest.mark.rfc(4034, "4.1.2")
@pytest.mark.parametrize(
    "octets",
    [
        b"\0\0",
        b"\0\x21" + b"\1" * 33,
        b"\0\1\x40\0\1\x40",
        b"\1\1\x40\0\1\x40",
        b"\0\2\x40",
        b"\0",
    ],
    ids=["empty window", "33 octets", "a window twice", "out of order", "cut", "no length"],
)
def test_a_bitmap_that_two_readers_could_read_in_two_ways_is_refused(octets: bytes) -> None:
    with pytest.raises(WireError):
        records.read_nsec(b"\1a\0" + octets)


@pytest.mark.parametrize(
    ("read", "octets"),
    [
        (records.read_rrsig, rdata("RRSIG", "A 13 2 300 20300102030405 20200102030405 7 example.com. AA==")),
        (records.read_dnskey, rdata("DNSKEY", "257 3 8 AwEAAQ==")),
        (records.read_ds, rdata("DS", "7 8 2 " + "ab" * 32)),
        (records.read_nsec, rdata("NSEC", "b.example. A RRSIG CAA")),
        (records.read_nsec3, rdata("NSEC3", "1 1 12 aabb 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR MX RRSIG")),
    ],
)
def test_what_is_cut_short_is_read_or_refused_and_nothing_else(read, octets: bytes) -> None:  # type: ignore[no-untyped-def]
    refused = 0
    for length in range(len(octets)):
        try:
            read(octets[:length])
        except WireError:
            refused += 1
    assert refused >= 4
    read(octets)


def test_the_records_of_a_delegation_below_a_name_that_is_compressed_are_refused() -> None:
    with pytest.raises(WireError):
        records.read_nsec(b"\xc0\x0c\0\1\x40")


@pytest.mark.rfc(4034, "B")
@given(st.binary(min_size=4, max_size=600))
def test_a_key_tag_is_the_one_that_others_compute(octets: bytes) -> None:
    key = dns.rdata.from_wire("IN", "DNSKEY", octets, 0, len(octets))
    if octets[3] == 1 and len(octets) < 7:
        return
    assert records.key_tag(octets) == dns.dnssec.key_id(key)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rtype", "read"), [(Type.DS, records.read_ds), (Type.DNSKEY, records.read_dnskey)])
def test_what_a_message_may_hold_as_a_ds_or_a_key_can_be_read(rtype: int, read) -> None:  # type: ignore[no-untyped-def]
    """A zone may sign whatever a message can hold: a DS without a digest, and a key without octets."""
    for length in range(8):
        octets = bytes((1, 0, 3, 13, 5, 6, 7, 8))[:length]
        record = b"\xc0\x0c" + rtype.to_bytes(2, "big") + bytes((0, 1, 0, 0, 1, 0, 0, length)) + octets
        message = (
            bytes((0, 1, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0)) + b"\1a\0" + rtype.to_bytes(2, "big") + b"\0\1" + record
        )
        try:
            (found,) = parse(message).answer
        except WireError:
            assert length < 4
        else:
            read(found.rdatas[0])


@pytest.mark.rfc(4034, "B.1")
def test_a_key_for_rsa_with_md5_has_the_tag_of_its_modulus() -> None:
    octets = rdata("DNSKEY", "256 3 1 AwEAAQECAwQ=")
    assert records.key_tag(octets) == 0x0203
    assert records.key_tag(b"\1\0\3\1") == 0


@given(st.binary(max_size=80), st.integers(0, 0xFFFF))
def test_any_octets_are_read_or_refused_and_nothing_else(octets: bytes, rtype: int) -> None:
    for read in (records.read_rrsig, records.read_signer, records.read_dnskey, records.read_ds):
        try:
            read(octets)
        except WireError:
            continue
    for denying in (records.read_nsec, records.read_nsec3):
        try:
            records.has_type(denying(octets).types, rtype)
        except WireError:
            continue


@given(st.binary(min_size=19, max_size=80))
def test_the_signer_of_a_signature_is_the_one_that_is_read_with_all_else(octets: bytes) -> None:
    try:
        signer = records.read_signer(octets)
    except WireError:
        return
    assert records.read_rrsig(octets).signer == signer == signer.lower()
