"""Trust anchors: which records are some, in which forms they are read, and what is told of those that are none."""

from __future__ import annotations

import binascii
import hashlib
import re
from pathlib import Path

import pytest

from resolver.dnssec import anchors
from resolver.dnssec.anchors import INTERNET, MAX_FILE, Anchor, gather, read_file, read_record, read_text, read_xml
from resolver.dnssec.records import Ds, read_dnskey
from resolver.errors import ConfigError
from resolver.message import Class, RRset, Type
from resolver.wire import names
from tests.support.root_keys import KSK_2017, KSK_2024

DIGEST = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
KEY = "s4MQnSuODtZQyO0/AAJqQhVGPeDZNLVhP2RD8CMUXoD/MX7iPBq0INM3XSllcc6nQ59/DLm7l1X+95/dd7ievg=="
IN_2026 = 1_790_000_000.0


def name(text: str) -> bytes:
    return names.from_text(text)


def why(text: str) -> str:
    with pytest.raises(ValueError) as caught:
        read_record(text)
    assert "; " in str(caught.value), "what to write instead"
    return str(caught.value)


@pytest.mark.parametrize(("key", "listed"), [(KSK_2017, INTERNET.ds[0]), (KSK_2024, INTERNET.ds[1])])
def test_the_built_in_anchors_are_digests_of_the_keys_of_the_root(key: str, listed: Ds) -> None:
    dnskey = read_dnskey(b"\x01\x01\x03\x08" + binascii.a2b_base64(key))
    assert dnskey.tag == listed.tag
    assert (listed.digest_type, listed.digest) == (2, hashlib.sha256(names.ROOT + dnskey.rdata).digest())


@pytest.mark.parametrize(
    "text",
    [
        f". DS 20326 8 2 {DIGEST}",
        f". 172800 IN DS 20326 8 2 {DIGEST}",
        f". IN 2d DS 20326 RSASHA256 SHA-256 {DIGEST.lower()}",
        f".\tIN\tds\t20326 8 2 {DIGEST[:30]} {DIGEST[30:]}",
    ],
)
def test_a_digest_is_read_however_its_record_is_written(text: str) -> None:
    assert read_record(text) == Anchor(names.ROOT, ds=INTERNET.ds[:1])


def test_a_key_is_read_with_its_zone_folded() -> None:
    (zone, ds, (key,)) = read_record(f"Example.ORG 3600 IN DNSKEY 256 3 ECDSAP256SHA256 {KEY[:40]} {KEY[40:]}")
    assert (zone, ds) == (name("example.org."), ())
    assert (key.flags, key.protocol, key.algorithm, key.key) == (256, 3, 13, binascii.a2b_base64(KEY))


def test_what_is_read_can_be_written_and_read_again() -> None:
    text = f"Example.ORG. DNSKEY 256 3 13 {KEY}\nexample.org. DS 1 13 4 {'0A' * 48}\n. DS 20326 8 2 {DIGEST}"
    read = read_text(text, "file")
    assert read_text("\n".join(line for each in read for line in each.lines()), "file") == read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no record"),
        (f" DS 1 8 2 {DIGEST}", "without an owner"),
        ("example.com.", "no record"),
        ("example.com. IN A 192.0.2.1", '"A" is neither DS nor DNSKEY'),
        (f"example.com. CH DS 1 8 2 {DIGEST}", '"CH" is neither'),
        (f"exa..mple DS 1 8 2 {DIGEST}", "has an empty label"),
        ("example.com. DS 1 8 2", "write all four"),
        (f"example.com. DS 65536 8 2 {DIGEST}", '"65536" is no key tag'),
        (f"example.com. DS ١ 8 2 {DIGEST}", "is no key tag"),
        (f"example.com. DS 1 RSASHA257 2 {DIGEST}", '"RSASHA257" is no algorithm'),
        (f"example.com. DS 1 8 300 {DIGEST}", '"300" is no digest type'),
        (f"example.com. DS 1 8 2 {DIGEST}AB", "33 octets, where type 2 has 32"),
        (f"example.com. DS 1 8 2 {DIGEST[:-2]}", "31 octets, where type 2 has 32"),
        (f"example.com. DS 1 8 2 {DIGEST[:-1]}", "not in hexadecimal digits"),
        ("example.com. DS 1 8 2 sixty-four", "not in hexadecimal digits"),
        ("example.com. DNSKEY 257 3 13", "write all four"),
        (f"example.com. DNSKEY 257 3 13 {KEY[:-1]}", "not in base 64"),
        ("example.com. DNSKEY 257 3 13 ====", "not in base 64"),
        (f"example.com. DNSKEY 257 2 13 {KEY}", "signs no zone"),
        (f"example.com. DNSKEY 1 3 13 {KEY}", "signs no zone"),
        (f"example.com. DNSKEY 385 3 13 {KEY}", "is revoked"),
    ],
)
def test_what_is_no_anchor_is_refused_with_the_reason(text: str, told: str) -> None:
    assert told in why(text)


def test_what_is_told_of_it_is_one_short_line_whatever_it_holds() -> None:
    for text in (
        "\x1b[2J" * 1000,
        "a. \x1b[2J\n" * 1000,
        f"{'é' * 900} DS 1 1 1 {DIGEST}",
        "x. DS 1 8 2 " + "\x00" * 9000,
    ):
        told = why(text)
        assert told.isprintable()
        assert len(told) < 400


@pytest.mark.rfc(4035, "5.2")
def test_an_algorithm_or_digest_that_is_not_known_is_an_anchor_all_the_same() -> None:
    assert read_record("x. DS 1 250 250 00AA").ds == (Ds(1, 250, 250, b"\x00\xaa"),)


def test_a_file_may_have_comments_parentheses_and_directives_that_change_nothing() -> None:
    text = (
        f"; the root\n$TTL 3600\n$ORIGIN .\n\n. IN DS ( 20326 8 2 ; KSK-2017\n {DIGEST[:32]}\n\t{DIGEST[32:]} ) ; end\n"
    )
    assert read_text(text, "file") == [Anchor(names.ROOT, ds=INTERNET.ds[:1])]


def test_each_problem_of_a_file_is_told_with_its_line() -> None:
    text = f"$ORIGIN example.\n. DS (\n 20326 8 2 {DIGEST} )\nx. DS 1 8 2 00\n\ny. A 192.0.2.1\n. DS ( 1 8 2\n"
    with pytest.raises(ConfigError) as caught:
        read_text(text, "keys")
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == [
        "keys:1",
        "keys:4",
        "keys:6",
        "keys:7",
    ]


def test_a_file_without_an_anchor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_text("; nothing\n")
    with pytest.raises(ConfigError, match=re.escape(f"{path}: there is no trust anchor in it; write a record")):
        read_file(path, IN_2026)


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"; \xff\n", ":1: is not UTF-8"),
        (b";" * (MAX_FILE + 1), f"larger than {MAX_FILE} octets"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path, octets: bytes | None, told: str) -> None:
    path = tmp_path / "keys"
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(ConfigError) as caught:
        read_file(path, IN_2026)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_what_is_configured_for_a_zone_takes_the_place_of_what_is_built_in_for_it(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"\ufeff. DS 2 8 2 {DIGEST}\nx. DS 3 8 2 {DIGEST}\n", encoding="utf-8")
    built_in = [INTERNET, read_record(f"y. DS 4 8 2 {DIGEST}")]
    found = gather([f". DS 1 8 2 {DIGEST}"], [path], IN_2026, built_in)
    assert {zone: [ds.tag for ds in anchor.ds] for zone, anchor in found.items()} == {
        name("."): [1, 2],
        name("x."): [3],
        name("y."): [4],
    }
    assert gather([], [], IN_2026, [INTERNET]) == {names.ROOT: INTERNET}


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("x. A 192.0.2.1\n")
    with pytest.raises(ConfigError) as caught:
        gather(["y."], [path, tmp_path / "none"], IN_2026)
    told = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in told] == ["dnssec.trust_anchors", f"{path}:1", f"{tmp_path}/none"]


def test_an_rrset_of_keys_or_of_digests_is_an_anchor() -> None:
    key = read_record(f"x. DNSKEY 257 3 13 {KEY}")
    rrset = RRset(name("X."), Type.DNSKEY, Class.IN, 60, (key.dnskeys[0].rdata,))
    assert anchors.of_rrset(rrset) == key
    ds = RRset(name("."), Type.DS, Class.IN, 60, (b"\x4f\x66\x08\x02" + bytes.fromhex(DIGEST),))
    assert anchors.of_rrset(ds) == Anchor(names.ROOT, ds=INTERNET.ds[:1])


def test_nothing_stands_in_an_anchor_twice() -> None:
    once = read_record(f"x. DNSKEY 257 3 13 {KEY}")
    assert anchors.united([once, INTERNET, once]) == [once, INTERNET]


def test_xml_that_is_no_trust_anchor_is_refused() -> None:
    for text, told in (
        ("<", "no XML"),
        ("<TrustAnchor>", "no XML"),
        ("<html/>", "is <html> and no <TrustAnchor>"),
        ("<TrustAnchor><Zone>.</Zone></TrustAnchor>", "none of its 0 digests"),
        ("<TrustAnchor/>", "an empty name"),
        ("<TrustAnchor><Zone>.</Zone><KeyDigest/></TrustAnchor>", "has no KeyTag"),
        ("<TrustAnchor>\x00</TrustAnchor>", "no XML"),
        ("<TrustAnchor>\ud800</TrustAnchor>", "no XML"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_xml(text, "root.xml", IN_2026)
        assert told in str(caught.value)
        assert str(caught.value).isprintable()
