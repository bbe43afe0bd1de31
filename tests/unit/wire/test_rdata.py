from __future__ import annotations

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest

from resolver.errors import WireError
from resolver.message import Type
from resolver.wire import rdata
from resolver.wire.compression import Memo

HEADER = bytes(12)
NAME = b"\x01A\x03com\0"


def wire_of(rtype: str, text: str) -> bytes:
    value = dns.rdata.from_text("IN", rtype, text).to_wire()
    assert value is not None
    return value


def decoded(rtype: int, octets: bytes, size: int | None = None) -> bytes:
    fields = rdata.layout(rtype, 1)
    assert fields is not None
    start = len(HEADER + NAME)
    stop = start + (len(octets) if size is None else size)
    return rdata.decode(HEADER + NAME + octets, start, stop, fields, Memo())


SAMPLES = [
    ("NS", "ns.example."),
    ("SOA", "ns.example. who.example. 7 3600 600 86400 300"),
    ("MX", "10 mx.example."),
    ("TXT", '"a" "" "b c"'),
    ("HINFO", "cpu os"),
    ("RP", "who.example. txt.example."),
    ("AFSDB", "1 afs.example."),
    ("RT", "1 rt.example."),
    ("KX", "1 kx.example."),
    ("PX", "1 a.example. b.example."),
    ("SRV", "1 2 3 s.example."),
    ("NAPTR", '1 2 "s" "SIP+D2U" "" s.example.'),
    ("DNAME", "d.example."),
    ("A", "192.0.2.1"),
    ("AAAA", "2001:db8::1"),
    ("DS", "1 8 2 " + "ab" * 32),
    ("SSHFP", "1 1 " + "ab" * 20),
    ("RRSIG", "A 8 2 300 20300101000000 20200101000000 7 example. AAAA"),
    ("NSEC", "b.example. A RRSIG"),
    ("DNSKEY", "257 3 8 AAAA"),
    ("NSEC3", "1 0 5 ab 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"),
    ("NSEC3PARAM", "1 0 5 -"),
    ("TLSA", "3 1 1 " + "ab" * 32),
    ("SVCB", "1 svc.example. port=443"),
    ("HTTPS", "1 . alpn=h3"),
    ("LP", "1 lp.example."),
    ("NID", "1 0001:0002:0003:0004"),
    ("L32", "1 192.0.2.1"),
    ("L64", "1 0001:0002:0003:0004"),
    ("EUI48", "00-00-5e-00-53-2a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a"),
    ("URI", '1 2 "https://example/"'),
    ("CAA", '0 issue "ca.example"'),
    ("GPOS", '"1.0" "2.0" "3.0"'),
    ("X25", '"311"'),
    ("WKS", "192.0.2.1 tcp 25"),
]


@pytest.mark.rfc(3597, "4")
@pytest.mark.parametrize(("rtype", "text"), SAMPLES, ids=[rtype for rtype, _ in SAMPLES])
def test_well_formed_rdata_is_taken_as_it_is_and_no_octet_less_or_more(rtype: str, text: str) -> None:
    number = int(dns.rdatatype.from_text(rtype))
    octets = wire_of(rtype, text)
    assert decoded(number, octets) == octets
    fields = rdata.LAYOUTS[number]
    shortest = len(octets) if fields[-1] != rdata.REST else max(1, sum(field for field in fields if field > 0))
    with pytest.raises((WireError, IndexError)):
        decoded(number, octets[: shortest - 1])
    if fields[-1] not in (rdata.REST, rdata.STRINGS):
        with pytest.raises(WireError):
            decoded(number, octets + b"\0")


@pytest.mark.rfc(3597, "4")
@pytest.mark.parametrize(
    ("rtype", "before", "after"),
    [
        (Type.NS, b"", b""),
        (Type.CNAME, b"", b""),
        (Type.PTR, b"", b""),
        (7, b"", b""),
        (Type.MX, b"\0\1", b""),
        (17, b"\1x\0", b""),
        (18, b"\0\1", b""),
        (21, b"\0\1", b""),
        (24, b"s" * 18, b"signature"),
        (26, b"\0\1\1x\0", b""),
        (30, b"", b"bits"),
        (Type.SRV, b"\0\1\0\2\0\3", b""),
        (35, b"\0\1\0\2\1a\1b\0", b""),
        (Type.DNAME, b"", b""),
    ],
)
def test_names_of_old_types_are_decompressed(rtype: int, before: bytes, after: bytes) -> None:
    assert decoded(rtype, before + b"\3www\xc0\x0c" + after) == before + b"\3www" + NAME + after


def test_both_names_of_an_soa_are_decompressed_and_its_numbers_kept() -> None:
    assert decoded(Type.SOA, b"\xc0\x0c\1x\xc0\x0c" + b"n" * 20) == NAME + b"\1x" + NAME + b"n" * 20
    with pytest.raises(WireError, match="should end"):
        decoded(Type.SOA, b"\xc0\x0c\1x\xc0\x0c" + b"n" * 19)


@pytest.mark.rfc(4034, "3.1.7")
@pytest.mark.parametrize(
    ("rtype", "before"),
    [(Type.RRSIG, b"s" * 18), (Type.NSEC, b""), (Type.SVCB, b"\0\1"), (Type.HTTPS, b"\0\1"), (36, b"\0\1")],
)
def test_names_of_newer_types_must_not_come_compressed(rtype: int, before: bytes) -> None:
    with pytest.raises(WireError, match="where neither may be"):
        decoded(rtype, before + b"\xc0\x0c")


def test_a_name_must_end_where_the_rdata_ends() -> None:
    for size in (4, 6):
        with pytest.raises(WireError, match="should end"):
            decoded(Type.NS, b"\3www\0" + bytes(5), size)


def test_text_without_any_string_is_refused() -> None:
    with pytest.raises(WireError, match="no string"):
        decoded(Type.TXT, b"")
    assert decoded(Type.TXT, b"\0") == b"\0"


@pytest.mark.rfc(3597, "4")
def test_types_of_class_in_are_opaque_in_other_classes() -> None:
    for rtype in (Type.A, Type.AAAA, Type.SRV, Type.HTTPS):
        assert rdata.layout(rtype, 1) is not None
        assert rdata.layout(rtype, 3) is None
    assert rdata.layout(Type.NS, 3) == rdata.layout(Type.NS, 1) == (rdata.NAME,)


@pytest.mark.rfc(3597, "3")
def test_unknown_types_are_opaque() -> None:
    assert rdata.layout(65280, 1) is None


@pytest.mark.rfc(3597, "4")
def test_only_types_of_rfc_1035_are_compressed() -> None:
    assert set(rdata.COMPRESSED) == {2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15}


@pytest.mark.parametrize(
    ("rtype", "text", "name"),
    [
        ("NS", "Ns.example.", b"\2Ns\7example\0"),
        ("MX", "10 mx.example.", b"\2mx\7example\0"),
        ("AFSDB", "1 afs.example.", b"\3afs\7example\0"),
        ("KX", "1 kx.example.", b"\2kx\7example\0"),
        ("SRV", "1 2 3 s.example.", b"\1s\7example\0"),
        ("HTTPS", "1 svc.example. port=443", b"\3svc\7example\0"),
        ("SVCB", "0 svc.example.", b"\3svc\7example\0"),
        ("HTTPS", "1 . port=443", None),
        ("MX", "0 .", None),
        ("SRV", "0 0 0 .", None),
        ("CNAME", "a.example.", None),
        ("A", "192.0.2.1", None),
        ("TXT", "ns.example.", None),
    ],
)
def test_the_target_is_the_name_whose_addresses_are_sent_along(rtype: str, text: str, name: bytes | None) -> None:
    assert rdata.target(int(dns.rdatatype.from_text(rtype)), wire_of(rtype, text)) == name


@pytest.mark.rfc(2308, "4")
def test_the_minimum_of_an_soa() -> None:
    octets = wire_of("SOA", "ns.example. who.example. 4294967295 3600 600 86400 300")
    assert rdata.soa_minimum(octets) == 300


@pytest.mark.rfc(4034, "6.2")
@pytest.mark.parametrize(("rtype", "text"), SAMPLES, ids=[rtype for rtype, _ in SAMPLES])
def test_canonical_rdata_is_what_dnspython_signs(rtype: str, text: str) -> None:
    value = dns.rdata.from_text("IN", rtype, text.replace("example", "ExAmple"))
    octets = value.to_wire()
    assert octets is not None
    assert rdata.canonical(int(value.rdtype), octets) == value.to_digestable()


@pytest.mark.rfc(6840, "5.1")
def test_the_next_name_of_an_nsec_keeps_its_case_and_the_signer_of_an_rrsig_does_not() -> None:
    assert rdata.canonical(Type.NSEC, b"\1B\0bits") == b"\1B\0bits"
    assert rdata.canonical(Type.RRSIG, b"S" * 18 + b"\1B\0SIG") == b"S" * 18 + b"\1b\0SIG"


def test_empty_rdata_of_an_update_is_canonical_as_it_is() -> None:
    assert rdata.canonical(Type.NS, b"") == b""
