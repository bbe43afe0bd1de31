"""The lint: one thing is made wrong in a world without findings, and that is what it says, with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.auth import hierarchy, lint
from resolver.auth.findings import Finding
from resolver.errors import ZoneError
from tests.support import worlds

GOOD = {
    "shop_test": "@ NS ns1\n@ MX 10 mail\nmail A 192.0.2.1\nold DNAME example.net.\n",
    "test": "$TTL 86400\nshop NS ns1.shop\nns1.shop A 127.53.2.1\naway NS ns.away\nns.away A 203.0.113.1\n",
}
ALSO = """
[zone."also.test"]
servers = ["ns1.shop.test"]
"""


def findings(directory: Path, text: str = worlds.SMALL, **files: str) -> list[str]:
    return [
        str(found).replace(f"{directory}/", "")
        for found in lint.check(worlds.write(directory, text, **{**GOOD, **files}))
    ]


def only(found: list[str], *expected: str) -> None:
    assert len(found) == 1, found
    for part in expected:
        assert part in found[0]


def test_a_world_in_order_has_no_findings(tmp_path: Path) -> None:
    assert findings(tmp_path, worlds.SMALL + ALSO) == []


def test_a_finding_says_where_what_and_what_instead() -> None:
    assert str(Finding("a.zone", 3, "is wrong", "write it right")) == "a.zone:3: is wrong; write it right"


@pytest.mark.rfc(1034, "4.2.2")
def test_parent_and_child_that_disagree_on_the_ns(tmp_path: Path) -> None:
    found = findings(tmp_path, test=GOOD["test"] + "shop NS ns2.far.example.\n")
    only(found, "test.zone:2: parent test. and child disagree on the NS of shop.test.: ns1.shop.test., ns2.far")
    (tmp_path / "sub").mkdir()
    found = findings(tmp_path / "sub", shop_test=GOOD["shop_test"] + "@ NS ns.far.example.\n")
    only(found, "test.zone:2: parent test. and child disagree", "; make them the same, or leave the parent's out")


def test_case_is_no_disagreement(tmp_path: Path) -> None:
    assert findings(tmp_path, test=GOOD["test"].replace("shop NS ns1.shop", "SHOP NS NS1.Shop")) == []


def test_glue_that_disagrees_with_the_child(tmp_path: Path) -> None:
    found = findings(tmp_path, test=GOOD["test"].replace("127.53.2.1", "127.53.2.9"))
    only(
        found,
        "test.zone:3: parent test. and child shop.test. disagree on the glue ns1.shop.test. A: 127.53.2.9 and "
        "127.53.2.1",
        "; make them the same, or leave the glue out",
    )


def test_glue_for_an_address_that_the_child_does_not_have(tmp_path: Path) -> None:
    text = worlds.SMALL.replace('"127.53.2.1"', '"127.53.2.1"\nipv6 = false')
    found = findings(tmp_path, text, test=GOOD["test"] + "ns1.shop AAAA fd53::2:1\n")
    only(found, "test.zone:6:", "disagree on the glue ns1.shop.test. AAAA: fd53::2:1 and none")


@pytest.mark.rfc(9471, "3.1")
def test_missing_glue_of_a_delegation_out_of_the_world(tmp_path: Path) -> None:
    found = findings(tmp_path, test=GOOD["test"].replace("ns.away A 203.0.113.1\n", ""))
    only(found, "test.zone:4: missing glue: ns.away.test., NS of away.test.", "; add an A or AAAA record")


def test_delegations_out_of_the_world_are_no_findings(tmp_path: Path) -> None:
    test = GOOD["test"] + "far NS ns1.far.example.\nnext NS ns.away\n"
    text = worlds.SMALL + '[zone."example"]\nservers = ["ns.nic.test"]\nrecords = ["far NS ns.example.org."]\n'
    text += '[zone."org"]\nservers = ["ns.nic.test"]\nrecords = ["example NS ns.elsewhere."]\n'
    assert findings(tmp_path, text, root="elsewhere NS ns.elsewhere.\nns.elsewhere A 8.8.8.8\n", test=test) == []


def test_a_dangling_ns_inside_the_world(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        shop_test=GOOD["shop_test"] + "@ NS ns9\n",
        test=GOOD["test"] + "shop NS ns9.shop\n",
    )
    assert len(found) == 2
    assert found[0].startswith(
        "shop.test.zone:5: dangling NS: ns9.shop.test. of shop.test. has no address in shop.test."
    )
    assert found[1].startswith("test.zone:6: dangling NS: ns9.shop.test.")
    assert "and no glue; give it an A record, or declare a [[server]]" in found[0]


def test_a_dangling_ns_of_a_delegation_out_of_the_world(tmp_path: Path) -> None:
    found = findings(tmp_path, test=GOOD["test"] + "lost NS nobody.shop\n")
    only(found, "test.zone:6: dangling NS: nobody.shop.test. of lost.test. has no address in shop.test.;")


def test_a_wildcard_is_an_address_for_a_name_server(tmp_path: Path) -> None:
    shop = GOOD["shop_test"] + "*.any A 192.0.2.7\n"
    assert findings(tmp_path, shop_test=shop, test=GOOD["test"] + "lost NS x.any.shop\n") == []


@pytest.mark.rfc(2181, "10.3")
def test_an_ns_that_is_an_alias(tmp_path: Path) -> None:
    shop = GOOD["shop_test"] + "alias CNAME mail\n"
    found = findings(tmp_path, shop_test=shop, test=GOOD["test"] + "lost NS alias.shop\n")
    only(found, "test.zone:6: the NS alias.shop.test. of lost.test. is an alias; name the host itself")


def test_a_server_that_does_not_serve_what_it_is_named_for(tmp_path: Path) -> None:
    found = findings(tmp_path, worlds.SMALL + ALSO, also_test="@ NS ns1.shop.test.\n@ NS ns.nic.test.\n")
    only(found, "also.test.zone:2: lame delegation: the server ns.nic.test. does not serve also.test.;")


def test_a_zone_that_nobody_serves(tmp_path: Path) -> None:
    text = worlds.SMALL + '[zone."also.test"]\nnameservers = ["ns1.shop.test"]\n'
    found = findings(tmp_path, text)
    assert [line.split("; ")[0] for line in found] == [
        "hierarchy.toml:20: zone also.test. is served by no server",
        "hierarchy.toml:20: lame delegation: the server ns1.shop.test. does not serve also.test.",
    ]


def test_a_zone_below_a_delegation_out_of_the_world(tmp_path: Path) -> None:
    found = findings(tmp_path, worlds.SMALL + '[zone."x.away.test"]\nservers = ["ns1.shop.test"]\n')
    only(found, "hierarchy.toml:20: zone x.away.test. lies below away.test., which is delegated out of this world")


def test_an_address_that_the_server_does_not_bind(tmp_path: Path) -> None:
    found = findings(tmp_path, shop_test=GOOD["shop_test"] + "ns1 A 192.0.2.99\n")
    assert len(found) == 2  # the parent's glue is then wrong too
    assert found[0].startswith(
        "shop.test.zone:5: ns1.shop.test. has the address 192.0.2.99, but that server binds 127.53.2.1; remove"
    )
    assert "disagree on the glue" in found[1]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a CNAME b\na A 192.0.2.1\n", "5: a.shop.test. has a CNAME beside other data (A); keep the CNAME alone"),
        ("a CNAME b\na CNAME c\n", "6: a.shop.test. has more than one CNAME; keep one of them"),
        ("@ SOA a b 1 2 3 4 5\n@ SOA a c 1 2 3 4 5\n", "6: shop.test. has more than one SOA"),
        ("a DNAME b\na DNAME c\n", "6: a.shop.test. has more than one DNAME"),
        ("x.old A 192.0.2.1\n", "5: x.old.shop.test. is below the DNAME of old.shop.test. and is never seen"),
        ("a 60 A 192.0.2.1\na 61 A 192.0.2.2\n", "6: TTL 61 differs from 60 in the same RRset, a.shop.test. A"),
        ("mail A 192.0.2.1\n", "5: mail.shop.test. A stands twice (line 3); remove one of them"),
        ("x.elsewhere.example. A 192.0.2.1\n", "5: x.elsewhere.example. is outside the zone shop.test.;"),
        ("s NS ns.s\nns.s A 1.2.3.4\nt.s TXT x\n", "7: t.s.shop.test. TXT is hidden by the delegation of s.shop.test."),
        ("s NS ns.s\nns.s A 1.2.3.4\ns MX 1 m\n", "7: s.shop.test. MX is hidden by the delegation of s.shop.test."),
        ("a AA 1\n", "5: unknown record type 'AA'"),
        ("a A 1.2.3\n", "5: bad A data '1.2.3'"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_one_zone(tmp_path: Path, lines: str, expected: str) -> None:
    only(findings(tmp_path, shop_test=GOOD["shop_test"] + lines), f"shop.test.zone:{expected}")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("address = \"127.53.2.1\"", "adress = \"127.53.2.1\"", "18: unknown key 'adress'; did you mean 'address'?"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\naddress = \"127.53.2.1\"", "19: the same key or table stands twice"),
        ("zones = [\"shop.test\"]", "zones = [\"shop.test\", \"ship.test\"]", "19: the server serves ship.test.,"),
        ("\"127.53.2.1\"", "\"127.53.1.1\"", "18: address clash: ns.nic.test. has 127.53.1.1 too"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_declaration(tmp_path: Path, old: str, new: str, expected: str) -> None:
    found = findings(tmp_path, worlds.SMALL.replace(old, new))
    assert any(one.startswith(f"hierarchy.toml:{expected}") for one in found), found


def test_every_mistake_is_reported_not_only_the_first(tmp_path: Path) -> None:
    text = worlds.SMALL.replace('[zone."shop.test"]', '[zone."shop.test"]\ntll = 5\nservres = []')
    found = findings(tmp_path, text, shop_test="a A 1\nb AAAA 2\n")
    assert [one.split(" ")[0] for one in found] == [
        "hierarchy.toml:16:",
        "hierarchy.toml:17:",
        "shop.test.zone:1:",
        "shop.test.zone:2:",
    ]


def test_a_file_that_no_zone_uses(tmp_path: Path) -> None:
    only(findings(tmp_path, shpo_test="@ A 1.2.3.4\n"), "shpo.test.zone:1: no zone of the hierarchy uses this file")


def test_a_zone_that_is_broken_on_purpose_is_not_reported(tmp_path: Path) -> None:
    broken = '[zone."also.test"]\nnameservers = ["ns.nowhere.test"]\n'
    assert len(findings(tmp_path, worlds.SMALL + broken)) == 2
    assert findings(tmp_path, f'{worlds.SMALL}{broken}broken = "to see what happens"\n') == []


def test_what_is_fatal_is_reported_of_broken_zones_too(tmp_path: Path) -> None:
    broken = '[zone."also.test"]\nservers = ["ns.nic.test"]\nbroken = "x"\nrecords = ["a CNAME b", "a A 1.2.3.4"]\n'
    only(findings(tmp_path, worlds.SMALL + broken), "hierarchy.toml:23: a.also.test. has a CNAME beside other data")


def test_all_that_the_loader_refuses_is_fatal_and_all_else_is_served(tmp_path: Path) -> None:
    for number, line in enumerate(("a CNAME b\na A 192.0.2.1\n", "x.old A 192.0.2.1\n", "@ NS ns9\n")):
        directory = tmp_path / str(number)
        directory.mkdir()
        worlds.write(directory, shop_test=GOOD["shop_test"] + line)
        fatal = [found for found in lint.check(directory) if found.fatal]
        if not fatal:
            hierarchy.load(directory)
            continue
        with pytest.raises(ZoneError) as caught:
            hierarchy.load(directory)
        assert str(caught.value) == str(fatal[0])


def test_the_real_root_zone_has_no_findings(tmp_path: Path) -> None:
    root = Path(__file__).parents[2] / "data" / "root-zone-2020.txt"
    text = f'[zone."."]\nfile = "{root}"\n'
    text += '[[server]]\nname = "a.root-servers.net"\naddress = "127.53.0.1"\nzones = ["."]\n'
    assert lint.check(worlds.write(tmp_path, text)) == ()


def test_a_directory_without_a_hierarchy_is_no_world(tmp_path: Path) -> None:
    with pytest.raises(ZoneError, match=r"hierarchy\.toml: cannot be read"):
        lint.check(tmp_path)
