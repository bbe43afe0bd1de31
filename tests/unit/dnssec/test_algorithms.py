"""Tests for `resolver.dnssec.algorithms`: dnspython signs, and the RFCs have examples."""

from __future__ import annotations

import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec import algorithms
from resolver.dnssec.algorithms import DIGESTS, MNEMONICS, SUPPORTED, digest, price, verify
from resolver.dnssec.canonical import signed_data, signed_labels, signed_owner
from resolver.dnssec.records import read_dnskey, read_rrsig
from resolver.engine.actions import Check
from resolver.message import RRset
from tests.support.messages import name, rrset
from tests.support.signed import key, labels_of

DATA = rrset("www.example.com. 300 IN A 192.0.2.1")

EXAMPLES = {
    "RFC 5702 section 6.1": (
        "www.example.net. 3600 IN A 192.0.2.91",
        "256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=",
        "A 8 3 3600 20300101000000 20000101000000 9033 example.net. "
        "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==",
    ),
    "RFC 5702 section 6.2": (
        "www.example.net. 3600 IN A 192.0.2.91",
        "256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMr"
        "ZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL",
        "A 10 3 3600 20300101000000 20000101000000 3740 example.net. "
        "tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfD"
        "qfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=",
    ),
    "RFC 6605 section 6.1": (
        "www.example.net. 3600 IN A 192.0.2.1",
        "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
        "A 13 3 3600 20100909100439 20100812100439 55648 example.net. "
        "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
    ),
    "RFC 6605 section 6.2": (
        "www.example.net. 3600 IN A 192.0.2.1",
        "257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp"
        "65F6Glur8I/mlVNgF6W/qTI37m40",
        "A 14 3 3600 20100909102025 20100812102025 10771 example.net. "
        "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzu"
        "sdnI0RSMROxxwGipWcJm",
    ),
    "RFC 8080 section 6.1, erratum 4935": (
        "example.com. 3600 IN MX 10 mail.example.com.",
        "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
        "MX 15 2 3600 1440021600 1438207200 3613 example.com. "
        "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
    ),
    "RFC 8080 section 6.2, erratum 4935": (
        "example.com. 3600 IN MX 10 mail.example.com.",
        "257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
        "MX 16 2 3600 1440021600 1438207200 9713 example.com. "
        "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQ"
        "vE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA",
    ),
}

DIGESTED = {
    "RFC 4509 section 2.3": (
        "dskey.example.com.",
        "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd"
        "/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
        "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A",
    ),
    "RFC 6605 section 6.1": (
        "example.net.",
        EXAMPLES["RFC 6605 section 6.1"][1],
        "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
    ),
    "RFC 6605 section 6.2": (
        "example.net.",
        EXAMPLES["RFC 6605 section 6.2"][1],
        "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6",
    ),
    "RFC 8080 section 6.2": (
        "example.com.",
        EXAMPLES["RFC 8080 section 6.2, erratum 4935"][1],
        "9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7",
    ),
}


def octets(rtype: str, text: str) -> bytes:
    made = dns.rdata.from_text("IN", rtype, text, relativize=False).to_wire()
    assert made is not None
    return made


def check(data: RRset, dnskey: bytes, signature: bytes) -> Check:
    rrsig = read_rrsig(signature)
    owner = signed_owner(data.name, rrsig.labels)
    assert owner is not None
    return Check(rrsig.algorithm, read_dnskey(dnskey).key, rrsig.signature, signed_data(data, rrsig, owner))


@pytest.mark.rfc(5702, "6")
@pytest.mark.rfc(6605, "6")
@pytest.mark.rfc(8080, "6")
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_the_examples_of_the_rfcs_hold(example: tuple[str, str, str]) -> None:
    line, dnskey, rrsig = example
    signed = check(rrset(line), octets("DNSKEY", dnskey), octets("RRSIG", rrsig))
    assert read_dnskey(octets("DNSKEY", dnskey)).tag == read_rrsig(octets("RRSIG", rrsig)).tag
    assert verify(signed)
    assert not verify(signed._replace(data=signed.data[:-1] + b"\2"))


@pytest.mark.rfc(4509, "2.3")
@pytest.mark.rfc(6605, "6")
@pytest.mark.parametrize("example", DIGESTED.values(), ids=DIGESTED)
def test_the_digests_of_the_rfcs_are_made(example: tuple[str, str, str]) -> None:
    owner, dnskey, ds = example
    theirs = octets("DS", ds)
    assert digest(theirs[3], name(owner.upper()), octets("DNSKEY", dnskey)) == theirs[4:]


@pytest.mark.rfc(4035, "5.3.3")
@pytest.mark.parametrize("algorithm", sorted(MNEMONICS), ids=MNEMONICS.values())
def test_what_others_sign_holds_and_nothing_else_does(algorithm: int) -> None:
    assert algorithm in SUPPORTED
    made = key(algorithm)
    signed = check(DATA, made.rdata, made.rrsig(DATA, "example.com."))
    assert labels_of(DATA) == signed_labels(DATA.name) == 3
    assert verify(signed)
    assert not verify(signed._replace(data=signed.data + b"\0"))
    assert not verify(signed._replace(signature=signed.signature[:-1] + bytes((signed.signature[-1] ^ 1,))))
    assert not verify(signed._replace(signature=signed.signature[:-1]))
    assert not verify(signed._replace(signature=b"\0" + signed.signature))
    assert not verify(signed._replace(key=key(algorithm, seed="another").dnskey.key))
    assert not verify(signed._replace(algorithm=algorithm ^ 0x80))


@pytest.mark.parametrize("digest_type", [1, 2, 4])
def test_digests_are_those_that_others_make(digest_type: int) -> None:
    made = key(13, 257)
    theirs = made.ds("Example.COM.", {1: "SHA1", 2: "SHA256", 4: "SHA384"}[digest_type])
    assert digest_type in DIGESTS
    assert digest(digest_type, name("EXAMPLE.com."), made.rdata) == theirs[4:]


@pytest.mark.parametrize("digest_type", [0, 3, 5, 255])
def test_a_digest_of_a_type_that_is_not_known_is_not_made(digest_type: int) -> None:
    assert digest_type not in DIGESTS
    assert digest(digest_type, b"\0", b"key") is None


@given(st.sampled_from([*MNEMONICS, 0, 1, 3, 6, 12, 17, 252, 255]), st.binary(max_size=80), st.binary(max_size=140))
def test_octets_that_are_no_key_or_no_signature_are_not_good_and_nothing_else(
    algorithm: int, public: bytes, signature: bytes
) -> None:
    assert not verify(Check(algorithm, public, signature, b"data"))
    assert not verify(Check(algorithm, key().dnskey.key, signature, b"data"))


@pytest.mark.parametrize(
    "public",
    [
        b"",
        b"\0",
        b"\0\0\0",
        b"\0\xff\xff" + b"\1" * 100,
        b"\1\3",
        b"\1\1" + b"\xff" * 128,
        b"\1\2" + b"\xff" * 128,
        b"\1\3" + b"\xff" * 63,
        b"\1\3" + b"\xfe" * 64,
        b"\1\3" + b"\xff" * 513,
        b"\x09\1" + b"\0" * 7 + b"\1" + b"\xff" * 128,
        b"\1\3" + b"\xff" * 60_000,
    ],
    ids=[
        "empty",
        "one octet",
        "no numbers",
        "cut",
        "no modulus",
        "exponent 1",
        "exponent 2",
        "504 bits",
        "even",
        "4104 bits",
        "exponent of 65 bits",
        "60,000 octets",
    ],
)
def test_an_rsa_key_that_is_malformed_or_costly_is_no_key(public: bytes) -> None:
    assert not verify(Check(algorithms.RSASHA256, public, b"\1" * 128, b"data"))


def test_keys_are_read_once_and_not_many_are_held() -> None:
    algorithms._reader.cache_clear()
    made = key()
    signed = check(DATA, made.rdata, made.rrsig(DATA, "example.com."))
    assert verify(signed)
    assert verify(signed)
    assert (algorithms._reader.cache_info().misses, algorithms._reader.cache_info().hits) == (1, 1)
    for number in range(algorithms.KEYS_HELD + 10):
        verify(signed._replace(key=number.to_bytes(64, "big")))
    assert algorithms._reader.cache_info().currsize == algorithms.KEYS_HELD


def test_where_sha1_is_refused_its_algorithms_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algorithms, "_GOOD_SHA1", algorithms._GOOD_SHA1._replace(data=b"refused"))
    assert algorithms._known() == SUPPORTED - {algorithms.RSASHA1, algorithms.RSASHA1_NSEC3}


@pytest.mark.parametrize(
    ("algorithm", "octets", "exponent", "price_of_it"),
    [(13, 64, 0, 1), (14, 96, 0, 2), (15, 32, 0, 1), (16, 57, 0, 2), (8, 260, 3, 1), (8, 516, 3, 1), (8, 516, 5, 2)],
)
def test_the_price_of_a_check_is_what_it_takes_at_most(
    algorithm: int, octets: int, exponent: int, price_of_it: int
) -> None:
    assert price(algorithm, bytes((exponent,)) + bytes(octets - 1)) == price_of_it
