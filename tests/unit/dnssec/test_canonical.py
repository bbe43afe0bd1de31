"""Tests for `resolver.dnssec.canonical`, with dnspython as the oracle."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rdata
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec.canonical import in_order, order_key, signed_data, signed_labels, signed_owner
from resolver.dnssec.records import read_rrsig
from resolver.message import RRset
from resolver.wire import names
from tests.support.messages import name
from tests.support.messages import sets as rrsets

labels = st.binary(min_size=1, max_size=6) | st.sampled_from([b"a", b"A", b"\0", b"a\0", b"a\1", b"*", b"\xff"])
any_name = st.lists(labels, max_size=5).map(
    lambda parts: b"".join(bytes((len(each),)) + each for each in parts) + b"\0"
)


@pytest.mark.rfc(4034, "6.1")
def test_the_names_of_the_rfc_are_in_its_order() -> None:
    listed = [
        "example.",
        "a.example.",
        "yljkjljk.a.example.",
        "Z.a.example.",
        "zABC.a.EXAMPLE.",
        "z.example.",
        r"\001.z.example.",
        "*.z.example.",
        r"\200.z.example.",
    ]
    assert sorted(map(name, reversed(listed)), key=order_key) == [name(each) for each in listed]


@pytest.mark.rfc(4034, "6.1")
@given(any_name, any_name)
def test_the_order_of_any_two_names_is_the_one_that_others_have(one: bytes, other: bytes) -> None:
    theirs, _ = dns.name.from_wire(one, 0)
    relation, order, _ = theirs.fullcompare(dns.name.from_wire(other, 0)[0])
    mine, its = order_key(one), order_key(other)
    assert ((mine > its) - (mine < its)) == (order > 0) - (order < 0)
    below = relation in (dns.name.NameRelation.SUBDOMAIN, dns.name.NameRelation.EQUAL)
    assert mine.startswith(its) == below == names.is_below(one.lower(), other.lower())


@pytest.mark.rfc(4034, "3.1.3")
def test_labels_are_counted_without_the_root_and_a_wildcard() -> None:
    assert signed_labels(name("www.example.com.")) == 3
    assert signed_labels(name("*.example.com.")) == 2
    assert signed_labels(name("a.*.example.com.")) == 4
    assert signed_labels(name(".")) == 0


@pytest.mark.rfc(4035, "5.3.2")
def test_a_signature_with_fewer_labels_is_one_of_a_wildcard() -> None:
    asked = name("a.B.example.com.")
    assert signed_owner(asked, 4) == name("a.b.example.com.")
    assert signed_owner(asked, 2) == name("*.example.com.")
    assert signed_owner(asked, 0) == name("*.")
    assert signed_owner(asked, 5) is None
    assert signed_owner(name("*.example.com."), 2) == name("*.example.com.")
    assert signed_owner(name("*.example.com."), 1) == name("*.com.")


SETS = [
    [
        "www.Example.com. 300 IN A 192.0.2.9",
        "www.Example.com. 300 IN A 192.0.2.1",
        "www.Example.com. 300 IN A 10.0.0.1",
    ],
    ["Example.com. 300 IN MX 10 MX2.Example.com.", "Example.com. 300 IN MX 5 mx1.EXAMPLE.com."],
    ["Example.com. 300 IN SOA NS.Example.com. Who.Example.com. 1 2 3 4 5"],
    ["example.com. 300 IN NS B.example.", "example.com. 300 IN NS a.example."],
    ["example.com. 300 IN SRV 1 2 3 S.example."],
    ['example.com. 300 IN NAPTR 1 2 "S" "SIP+D2U" "" S.example.'],
    ["example.com. 300 IN RP Who.example. Txt.example."],
    ["example.com. 300 IN KX 1 Kx.example."],
    ["example.com. 300 IN DNAME D.Example."],
    ['example.com. 300 IN TXT "Abc" "d"', 'example.com. 300 IN TXT "ab"', 'example.com. 300 IN TXT ""'],
    ["example.com. 300 IN HTTPS 1 Svc.example. alpn=h3"],
    ["example.com. 300 IN NSEC B.Example.com. A"],
    ["example.com. 300 IN TYPE65280 \\# 3 414243"],
]


@pytest.mark.rfc(4034, "3.1.8.1")
@pytest.mark.rfc(6840, "5.1")
@pytest.mark.parametrize("lines", SETS, ids=[each[0].split()[3] for each in SETS])
def test_what_is_signed_is_what_others_sign(lines: list[str]) -> None:
    (made,) = rrsets(lines)
    theirs = dns.rrset.from_text_list(
        lines[0].split()[0],
        300,
        "IN",
        lines[0].split()[3],
        [line.split(None, 4)[4] for line in lines],
        relativize=False,
    )
    count = signed_labels(made.name)
    text = f"{lines[0].split()[3]} 13 {count} 3600 20300101000000 20200101000000 7 Example.com. AAAA"
    rrsig = dns.rdata.from_text("IN", "RRSIG", text, relativize=False)
    read = read_rrsig(rrsig.to_wire())  # type: ignore[arg-type]
    owner = signed_owner(made.name, count)
    assert owner is not None
    assert signed_data(made, read, owner) == dns.dnssec._make_rrsig_signature_data(theirs, rrsig)  # type: ignore[arg-type]


@pytest.mark.rfc(4034, "6.3")
def test_records_that_differ_in_letter_case_alone_are_signed_once() -> None:
    rdatas = (b"\1B\0", b"\1b\0", b"\1a\0")
    rrsig = read_rrsig(bytes(18) + b"\0")
    data = signed_data(RRset(b"\0", 2, 1, 5, rdatas), rrsig, b"\0")
    assert data.count(b"\1b\0") == 1
    assert data.index(b"\1a\0") < data.index(b"\1b\0")
    assert b"B" not in data


def test_what_is_signed_is_the_same_when_its_order_is_known() -> None:
    """As for a set with many signatures, which is put in order once."""
    (single,) = rrsets(["www.example.com. 300 IN A 192.0.2.9"])
    several = single._replace(rdatas=(b"\3" * 4, b"\1" * 4, b"\2" * 4, b"\1" * 4))
    head = b"\0\1" + bytes(16) + b"\0"
    rrsig = read_rrsig(head)
    signed = signed_data(several, rrsig, several.name)
    assert signed == signed_data(several, rrsig, several.name, in_order(several))
    assert [signed.find(each * 4) for each in (b"\1", b"\2", b"\3")] == sorted(
        signed.find(each * 4) for each in (b"\1", b"\2", b"\3")
    )
    assert signed.count(b"\0\4" + b"\1" * 4) == 1
