"""What a world's signed zones get, what their parents get, and what becomes of a zone that cannot be signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from resolver.auth import hierarchy, lint
from resolver.auth.hierarchy import World
from resolver.auth.signed import SignedZone, UnsignableZone
from resolver.auth.zone import Zone
from resolver.dnssec.chains import NSEC3PARAM
from resolver.dnssec.records import read_ds
from resolver.message import Rcode, Type
from resolver.wire import names
from tests.support import signed_zones as signed
from tests.support import worlds

REAL_ROOT = Path(__file__).parents[2] / "data" / "root-zone-2020.txt"
SIGNED = worlds.SMALL.replace('[zone."."]', '[zone."."]\ndnssec = "nsec"').replace(
    '[zone."test"]', '[zone."test"]\ndnssec = "nsec3"'
)
ALL = SIGNED.replace('[zone."shop.test"]', '[zone."shop.test"]\ndnssec = "nsec"')
OTHER_DS = "DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


def load(directory: Path, text: str = ALL, **files: str) -> World:
    return hierarchy.load(worlds.write(directory, text, **files))


def zone(world: World, name: str) -> Zone:
    return world.zones[names.from_text(name)]


def ds_of(world: World, parent: str, child: str) -> list[bytes]:
    found = zone(world, parent).rrset(names.from_text(child), Type.DS)
    return [] if found is None else list(found.rdatas)


def test_a_signed_zone_has_its_keys_and_its_parent_the_ds(tmp_path: Path) -> None:
    world = load(tmp_path)
    for parent, child in ((".", "test."), ("test.", "shop.test.")):
        made = zone(world, child)
        assert isinstance(made, SignedZone)
        assert ds_of(world, parent, child) == [made.signer.ds]
        dnskey = made.rrset(made.apex, Type.DNSKEY)
        assert dnskey is not None
        assert dnskey.rdatas == made.signer.dnskeys
    assert zone(world, "test.").rrset(names.from_text("test."), NSEC3PARAM) is not None
    assert zone(world, "shop.test.").rrset(names.from_text("shop.test."), NSEC3PARAM) is None
    assert world.findings == ()


def test_a_parent_that_is_not_signed_has_no_ds(tmp_path: Path) -> None:
    world = load(tmp_path, worlds.SMALL.replace('[zone."shop.test"]', '[zone."shop.test"]\ndnssec = "nsec"'))
    assert ds_of(world, "test.", "shop.test.") == []
    assert world.trust_anchor is None


def test_the_root_s_key_is_the_trust_anchor_and_depends_on_the_seed(tmp_path: Path) -> None:
    anchors = []
    for text in (ALL, ALL, '[dnssec]\nseed = "mine"\n' + ALL):
        world = load(tmp_path, text)
        root = zone(world, ".")
        assert isinstance(root, SignedZone)
        assert world.trust_anchor is not None
        assert world.trust_anchor[:3] == (names.ROOT, Type.DS, 1)
        assert world.trust_anchor.rdatas == (root.signer.ds,)
        anchors.append(root.signer.ds)
    assert anchors[0] == anchors[1] != anchors[2]


def test_what_a_file_has_of_other_keys_is_left_out(tmp_path: Path) -> None:
    shop_file = (
        "@ DNSKEY 257 3 8 AQAB\n@ RRSIG A 8 2 60 20300101000000 20200101000000 1 shop.test. AAAA\n"
        "@ NSEC www A\nwww A 192.0.2.1\nwww NSEC shop.test. A\n@ NSEC3PARAM 1 0 9 ab\n"
    )
    made = zone(load(tmp_path, shop_test=shop_file), "shop.test.")
    assert isinstance(made, SignedZone)
    kinds = {(names.to_text(rrset.name), rrset.type) for rrset in made}
    assert not {rtype for _, rtype in kinds} & {Type.RRSIG, Type.NSEC, NSEC3PARAM}
    dnskey = made.rrset(made.apex, Type.DNSKEY)
    assert dnskey is not None
    assert dnskey.rdatas == made.signer.dnskeys
    assert ("www.shop.test.", Type.A) in kinds


def test_the_ds_of_a_zone_of_this_world_is_that_of_its_key_and_others_stay(tmp_path: Path) -> None:
    test_file = f"shop {OTHER_DS}\nelsewhere NS ns.example.\nelsewhere {OTHER_DS}\n"
    signed_child, unsigned_child = load(tmp_path, ALL, test=test_file), load(tmp_path, SIGNED, test=test_file)
    (ds,) = ds_of(signed_child, "test.", "shop.test.")
    assert read_ds(ds).tag != 1
    assert ds_of(unsigned_child, "test.", "shop.test.") == []
    for world in (signed_child, unsigned_child):
        assert len(ds_of(world, "test.", "elsewhere.test.")) == 1


def test_a_zone_that_was_signed_elsewhere_keeps_the_ds_that_its_parent_s_file_gives(tmp_path: Path) -> None:
    world = load(tmp_path, SIGNED, test=f"shop {OTHER_DS}\n", shop_test="@ DNSKEY 257 3 8 AQAB\n")
    assert len(ds_of(world, "test.", "shop.test.")) == 1
    assert not isinstance(zone(world, "shop.test."), SignedZone)


def unsignable(directory: Path, text: str = ALL, apex: str = "shop.test.", **files: str) -> tuple[World, str]:
    """The world in which `apex` cannot be signed, and what is said of it, by the lint too."""
    world = load(directory, text, **files)
    assert isinstance(zone(world, apex), UnsignableZone)
    told = [str(finding) for finding in world.findings if f"zone {apex} cannot be signed" in finding.text]
    assert told[0] in [str(finding) for finding in lint.check(directory)]
    assert not any(finding.fatal for finding in world.findings)
    return world, told[0].replace(f"{directory}/", "")


def test_a_wildcard_that_is_a_delegation_cannot_be_denied_anything_of(tmp_path: Path) -> None:
    world, told = unsignable(tmp_path, shop_test="www A 192.0.2.1\n*.x NS ns.example.\n")
    assert told.startswith("shop.test.zone:2: zone shop.test. cannot be signed, and is not served: the wildcard *.x.sh")
    reply = worlds.ask(worlds.server(world, "ns1.shop.test"), "www.shop.test")
    assert (reply.rcode, reply.aa, reply.ede[0].code) == (Rcode.SERVFAIL, False, 24)
    assert worlds.ask(worlds.server(world, "ns.nic.test"), "shop.test", "DS").aa
    assert ds_of(world, "test.", "shop.test.") == []


def test_a_zone_whose_name_leaves_no_room_for_hashes_cannot_have_nsec3(tmp_path: Path) -> None:
    long = ".".join(["a" * 50] * 4) + ".a" * 9 + ".test"
    declared = f'[zone."{long}"]\ndnssec = "nsec3"\nservers = ["ns1.shop.test"]\n'
    _, told = unsignable(tmp_path, ALL + declared, f"{long}.")
    assert told.endswith('its name is too long for hashes in front of it; write dnssec = "nsec"')


def pem(secret: int) -> bytes:
    key = ec.derive_private_key(secret, ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def keep(directory: Path) -> None:
    (directory / "kept").mkdir()
    for number, stem in enumerate(("root", "test", "shop.test")):
        for role in (1, 2):
            name = f"{stem}.{'ksk' if role == 1 else 'zsk'}.pem"
            (directory / "kept" / name).write_bytes(pem(10 * number + role))


def test_keys_are_taken_from_the_directory_that_the_world_names(tmp_path: Path) -> None:
    keep(tmp_path)
    worlds_loaded = [load(tmp_path, '[dnssec]\nkeys = "kept"\n' + ALL), load(tmp_path, ALL)]
    (kept, derived) = (zone(world, ".") for world in worlds_loaded)
    assert isinstance(kept, SignedZone)
    assert isinstance(derived, SignedZone)
    assert kept.signer.ds != derived.signer.ds
    assert worlds_loaded[0].findings == ()


def test_a_key_file_that_does_not_parse_is_told_and_the_other_zones_are_served(tmp_path: Path) -> None:
    keep(tmp_path)
    (tmp_path / "kept" / "shop.test.zsk.pem").write_text("nonsense")
    world, told = unsignable(tmp_path, '[dnssec]\nkeys = "kept"\n' + ALL)
    assert told.startswith(
        "kept/shop.test.zsk.pem:1: zone shop.test. cannot be signed, and is not served: no private key in PEM; make"
    )
    assert len(world.findings) == 1
    assert isinstance(zone(world, "test."), SignedZone)
    assert worlds.ask(worlds.server(world, "ns.nic.test"), "test", "SOA").aa


@pytest.mark.rfc(4035, "2.4")
def test_the_real_root_zone_can_be_signed_and_keeps_the_ds_of_its_delegations(tmp_path: Path) -> None:
    (tmp_path / "root.zone").write_text(REAL_ROOT.read_text())
    hosted = worlds.ROOT.replace("a.root.test", "a.root-servers.net").replace('[zone."."]', '[zone."."]\ndnssec="nsec"')
    world = load(tmp_path, hosted)
    root = zone(world, ".")
    assert isinstance(root, SignedZone)
    dnskey = root.rrset(names.ROOT, Type.DNSKEY)
    assert dnskey is not None
    assert dnskey.rdatas == root.signer.dnskeys
    for name, expected in (
        ("www.google.com.", ["com. NS", "com. DS", "com. RRSIG(DS)"]),
        ("www.example.er.", ["er. NS", "er. NSEC", "er. RRSIG(NSEC)"]),
    ):
        reply = root.answer(worlds_question(name), True, signed.NOW)
        assert signed.told(reply.authority) == expected
        assert signed.unproven(root, reply) == [expected[0]]
    denied = root.answer(worlds_question("no-such-tld."), True, signed.NOW)
    assert denied.rcode == Rcode.NXDOMAIN
    assert signed.unproven(root, denied) == []


def worlds_question(name: str) -> worlds.Question:
    return worlds.Question(names.from_text(name), Type.A)
