"""IANA's file with the trust anchors of the root (RFC 7958, and RFC 9718, which has taken its place)."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.dnssec.anchors import INTERNET, Anchor, read_file, read_xml
from resolver.errors import ConfigError
from resolver.wire import names
from tests.support.root_keys import KSK_2017, KSK_2024

PUBLISHED = f"""<?xml version="1.0" encoding="UTF-8"?>
<TrustAnchor id="0C05FDD6-422C-4910-8ED6-430ED15E11C2" source="http://data.iana.org/root-anchors/root-anchors.xml">
    <Zone>.</Zone>
    <KeyDigest id="Kjqmt7v" validFrom="2010-07-15T00:00:00+00:00" validUntil="2019-01-11T00:00:00+00:00">
        <KeyTag>19036</KeyTag>
        <Algorithm>8</Algorithm>
        <DigestType>2</DigestType>
        <Digest>49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5</Digest>
    </KeyDigest>
    <KeyDigest id="Klajeyz" validFrom="2017-02-02T00:00:00+00:00">
        <KeyTag>20326</KeyTag>
        <Algorithm>8</Algorithm>
        <DigestType>2</DigestType>
        <Digest>
            E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
        </Digest>
        <PublicKey>{KSK_2017}</PublicKey>
        <Flags>257</Flags>
    </KeyDigest>
    <KeyDigest id="Kmyv6jo" validFrom="2024-07-18T00:00:00+00:00">
        <KeyTag>38696</KeyTag>
        <Algorithm>8</Algorithm>
        <DigestType>2</DigestType>
        <Digest>683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16</Digest>
        <PublicKey>{KSK_2024}</PublicKey>
        <Flags>257</Flags>
    </KeyDigest>
</TrustAnchor>
"""
"""As it was published in 2026."""

IN_2011, IN_2018, IN_2026 = 1_300_000_000.0, 1_530_000_000.0, 1_790_000_000.0
END_OF_2010 = 1_547_164_800.0  # 2019-01-11T00:00:00Z


def tags(wall: float, text: str = PUBLISHED) -> list[int]:
    (anchor,) = read_xml(text, "root-anchors.xml", wall)
    return [ds.tag for ds in anchor.ds]


@pytest.mark.rfc(9718, "2.1")
def test_the_published_file_says_what_is_built_in(tmp_path: Path) -> None:
    path = tmp_path / "root-anchors.xml"
    path.write_text(PUBLISHED)
    assert read_file(path, IN_2026) == [Anchor(names.ROOT, INTERNET.ds)]


@pytest.mark.rfc(7958, "2.1.2")
@pytest.mark.rfc(9718, "2.2")
def test_a_digest_counts_from_its_first_moment_until_its_last() -> None:
    assert tags(IN_2011) == [19036]
    assert tags(IN_2018) == [19036, 20326]
    assert tags(END_OF_2010 - 1) == [19036, 20326]
    assert tags(END_OF_2010) == [20326]
    assert tags(IN_2026) == [20326, 38696]
    assert tags(IN_2011, PUBLISHED.replace("2010-07-15T00:00:00+00:00", "2010-07-15T00:00:00Z")) == [19036]
    assert 20326 in tags(0, PUBLISHED.replace('validFrom="2017-02-02T00:00:00+00:00"', ""))


@pytest.mark.rfc(9718, "2.2")
def test_when_no_digest_is_valid_nothing_is_believed() -> None:
    with pytest.raises(ConfigError, match="none of its 3 digests is valid on 1970-01-01; fetch https://data"):
        tags(0.0)
    with pytest.raises(ConfigError, match='validUntil is "soon", which is no time'):
        tags(0.0, PUBLISHED.replace("2019-01-11T00:00:00+00:00", "soon"))


@pytest.mark.rfc(9718, "2.1")
def test_a_key_beside_a_digest_has_its_tag() -> None:
    with pytest.raises(ConfigError, match="the PublicKey beside the digest of key 20326 is that of key 38696"):
        tags(IN_2026, PUBLISHED.replace(KSK_2017, KSK_2024))


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE TrustAnchor SYSTEM 'http://192.0.2.1/'>",
    ],
)
def test_entities_are_never_expanded(declared: str) -> None:
    head, rest = PUBLISHED.split("\n", 1)
    with pytest.raises(ConfigError, match="declares a document type"):
        tags(IN_2026, f"{head}\n{declared}\n{rest}")


def test_a_declared_encoding_cannot_hide_a_document_type(tmp_path: Path) -> None:
    path = tmp_path / "root-anchors.xml"
    path.write_bytes(PUBLISHED.replace("UTF-8", "UTF-16").encode("utf-16"))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_file(path, IN_2026)
    path.write_text(PUBLISHED.replace("UTF-8", "UTF-7"))
    assert [ds.tag for ds in read_file(path, IN_2026)[0].ds] == [20326, 38696]
