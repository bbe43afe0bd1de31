"""`resolver trace --dnssec`: what is told of the chain of trust, for names of the shipped world and of others."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from resolver.auth.shipped import find_zones
from resolver.cli import main
from resolver.cli.chain import Chain, Target
from resolver.cli.trace import Walk, _verdict
from resolver.config import Config
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.evidence import Begun, Sought
from resolver.dnssec.faults import Fault
from resolver.dnssec.records import Ds
from resolver.message import Status, Type
from resolver.observe.transcript import Node
from resolver.wire import names


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Told:
    """What the command tells of a question: as text, and as data."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self._capsys, self._arguments = capsys, arguments
        self.code = main(["trace", "--dnssec", *arguments])
        self.lines = capsys.readouterr().out.splitlines()

    @cached_property
    def data(self) -> dict[str, Any]:
        main(["trace", "--dnssec", "--json", *self._arguments])
        data: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return data

    @property
    def links(self) -> list[dict[str, Any]]:
        links: list[dict[str, Any]] = self.data["chain"]
        return links

    @property
    def steps(self) -> list[str]:
        """The first line of each link."""
        return [line for line in self.lines if line[:1] in "✓✗○?" and line]

    def below(self, step: str) -> list[str]:
        """What the link that begins with `step` rests on."""
        at = self.lines.index(step) + 1
        end = next(index for index in range(at, len(self.lines)) if not self.lines[index].startswith("    "))
        return [line.strip() for line in self.lines[at:end]]


DOWN = ["✓ . trust anchor", "✓ . DNSKEY", "✓ test. DS", "✓ test. DNSKEY"]
FAILED = [*DOWN, "✓ dnssec-failed.test. DS", "✓ dnssec-failed.test. DNSKEY"]
EXAMPLE = [
    *DOWN[:2], "✓ com. DS", "✓ com. DNSKEY", "✓ example.com. DS", "✓ example.com. DNSKEY",
]  # fmt: skip
IN_UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_a_chain_leads_from_the_anchor_to_the_answer_link_by_link(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "www.example.com")
    assert told.code == 0
    assert told.steps == [*EXAMPLE, "✓ www.example.com. A"]
    (ds,) = told.below("✓ . trust anchor")
    ksk = re.fullmatch(r"DS: key (\d+), ECDSAP256SHA256, by SHA-256", ds)
    assert ksk is not None
    signing, zone_signing, rrsig = told.below("✓ . DNSKEY")
    assert signing == f"key {ksk[1]}, ECDSAP256SHA256, key-signing, named by the trust anchor"
    zsk = re.fullmatch(r"key (\d+), ECDSAP256SHA256, zone-signing", zone_signing)
    assert zsk is not None
    assert re.fullmatch(rf"RRSIG: by key {ksk[1]} of \., {IN_UTC} to {IN_UTC}", rrsig)
    assert told.below("✓ com. DS")[1].startswith(f"RRSIG: by key {zsk[1]} of ., ")
    assert told.below("✓ com. DNSKEY")[0].endswith("key-signing, named by the DS")
    (last,) = told.below("✓ www.example.com. A")
    assert re.fullmatch(rf"RRSIG: by key \d+ of example\.com\., {IN_UTC} to {IN_UTC}, ECDSAP256SHA256, 3 labels", last)
    assert told.lines[-1] == "secure: each link holds, from the trust anchor to the answer"


def test_the_same_is_told_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "www.example.org")
    assert (told.data["status"], told.data["verdict"]) == ("secure", told.lines[-1])
    org = next(link for link in told.links if (link["name"], link["what"]) == ("org.", "DNSKEY"))
    first, second = org["keys"]
    assert (first["algorithm"], first["flags"], first["named"]) == ("ED25519", 257, "DS")
    assert (second["flags"], second["named"], second["revoked"]) == (256, "", False)
    assert org["signature"]["tag"] == first["tag"]
    assert told.links[-1]["signature"]["labels"] == 3
    assert told.links[-1]["signature"]["signer"] == "example.org."


KEYS = {Fault.EXPIRED, Fault.FUTURE, Fault.DS_MISMATCH, Fault.KSK_MISSING, Fault.REVOKED}
"""The faults that are seen at the zone's keys; the others are seen at its data, or where data without signatures are to
be those of an unsigned zone below."""
UNKNOWN = {Fault.UNKNOWN_ALGORITHM: "algorithm 100", Fault.UNKNOWN_DIGEST: "digest type 100"}


@pytest.mark.parametrize("fault", [each for each in Fault if each not in UNKNOWN])
def test_a_chain_ends_where_it_broke_with_the_reason(fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    zone = f"{fault}.dnssec-failed.test."
    told = Told(capsys, f"www.{zone}")
    assert told.code == 1
    what = "DS" if fault is Fault.UNSIGNED else "A"
    keys = [f"✗ {zone} DNSKEY: bogus"] if fault in KEYS else [f"✓ {zone} DNSKEY", f"✗ www.{zone} {what}: bogus"]
    assert told.steps == [*FAILED, f"✓ {zone} DS", *keys]
    ede = re.search(r"^  EDE \d+: (.* \[[A-Z]{4}\])$", "\n".join(told.lines), re.MULTILINE)
    assert ede is not None
    assert told.below(told.steps[-1])[-1] == ede[1]
    assert told.links[-1]["status"] == told.data["status"] == "bogus"
    assert told.lines[-1].startswith("bogus: ")


def test_keys_that_could_not_be_had_are_where_the_chain_ends() -> None:
    anchor, zone = Anchor(names.ROOT, (Ds(1, 13, 2, bytes(32)),)), names.from_text("test.")
    chain = Chain([Begun(zone, anchor), Sought(names.ROOT, Type.DNSKEY)], "nobody replied [MUTE]", "failed")
    chain.tell(Target(zone, Type.A, Status.UNCHECKED))
    assert [(link.name, link.what, link.status) for link in chain.links] == [
        (".", "trust anchor", "secure"),
        (".", "DNSKEY", "failed"),
    ]
    assert chain.links[-1].text == "nobody replied [MUTE]"


def test_keys_that_nobody_names_are_shown_beside_the_ds_that_names_another(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "www.revoked.dnssec-failed.test")
    *_, ds, keys = told.links
    assert [key["revoked"] for key in keys["keys"]] == [True, False]
    assert not {each["tag"] for each in ds["ds"]} & {key["tag"] for key in keys["keys"]}
    assert any("key-signing, revoked" in line for line in told.lines)


@pytest.mark.parametrize(("fault", "which"), UNKNOWN.items())
def test_a_chain_ends_at_a_ds_that_nobody_can_use(fault: Fault, which: str, capsys: pytest.CaptureFixture[str]) -> None:
    zone = f"{fault}.dnssec-failed.test."
    told = Told(capsys, f"www.{zone}")
    assert told.code == 0
    assert told.steps == [*FAILED, f"○ {zone} DS: insecure", f"○ www.{zone} A: insecure"]
    assert any(which in line for line in told.below(f"○ {zone} DS: insecure"))
    assert told.lines[-1].startswith(f"insecure: {zone} has ")


@pytest.mark.parametrize(
    ("name", "cut", "record"),
    [
        ("www.example.net", "net.", "NSEC of net. lists NS RRSIG NSEC, and no DS: a zone that is not signed"),
        ("www.example.co.kr", "co.kr.", r"NSEC3 \w{8}…, the hash of co.kr., lists NS, and no DS: a zone that .*"),
    ],
)
def test_a_chain_ends_at_an_unsigned_delegation_which_is_proven(
    name: str, cut: str, record: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(capsys, name)
    assert told.steps[-2:] == [f"○ {cut} no DS: insecure", f"○ {name}. A: insecure"]
    shown, rrsig, why = told.below(f"○ {cut} no DS: insecure")
    assert re.fullmatch(record, shown)
    assert rrsig.startswith("RRSIG: by key ")
    assert told.lines[-1] == f"insecure: {why}"
    assert why.startswith(f"{cut} is an unsigned delegation from ")


HASH = r"\w{8}…"


@pytest.mark.parametrize(
    ("question", "step", "records"),
    [
        (
            "nope.example.com A",
            "✓ nope.example.com. does not exist",
            [
                r"NSEC from medium\.example\.com\. to ns1\.example\.com\.: nope\.example\.com\. would stand between.*",
                r"NSEC from example\.com\. to _dns\.example\.com\.: so would the wildcard \*\.example\.com\.",
            ],
        ),
        (
            "nope.example.org A",
            "✓ nope.example.org. does not exist",
            [
                rf"NSEC3 {HASH} is the hash of example\.org\., which so exists",
                rf"NSEC3 from {HASH} to {HASH}: nope\.example\.org\. \({HASH}\) would stand between, and is not there",
                rf"NSEC3 from {HASH} to {HASH}: so would the wildcard \*\.example\.org\. \({HASH}\)",
            ],
        ),
        (
            "www.example.com MX",
            "✓ www.example.com. no MX",
            [r"NSEC of www\.example\.com\. lists A AAAA RRSIG NSEC HTTPS, and no MX"],
        ),
        (
            "www.example.org MX",
            "✓ www.example.org. no MX",
            [rf"NSEC3 {HASH}, the hash of www\.example\.org\., lists A RRSIG, and no MX"],
        ),
        (
            "ent.example.com A",
            "✓ ent.example.com. no A",
            [r"NSEC from \S+ to \S+\.ent\.example\.com\.: the next name is below ent\.example\.com\., which .*"],
        ),
        (
            "nope.com A",
            "○ nope.com. does not exist: insecure",
            [
                rf"NSEC3 {HASH} is the hash of com\., which so exists",
                rf"NSEC3 from {HASH} to {HASH}: nope\.com\. .*, if it is no unsigned delegation \(opt-out\)",
                r"NSEC3 from .*: so would the wildcard .*",
            ],
        ),
        (
            "any.wild.example.org MX",
            "✓ any.wild.example.org. no MX",
            [
                rf"NSEC3 {HASH} is the hash of wild\.example\.org\., which so exists",
                rf"NSEC3 from {HASH} to {HASH}: any\.wild\.example\.org\. \({HASH}\) would stand between.*",
                rf"NSEC3 {HASH}, the hash of \*\.wild\.example\.org\., lists A TXT RRSIG, and no MX",
            ],
        ),
    ],
)
def test_a_denial_is_told_record_by_record(
    question: str, step: str, records: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(capsys, *question.split())
    assert told.steps[-1] == step
    shown = told.below(step)
    assert len(shown) > len(records)
    for pattern, line in zip(records, shown, strict=False):
        assert re.fullmatch(pattern, line), line
    assert shown[len(records)].startswith("RRSIG: by key ")


def test_below_a_name_that_does_not_exist_its_denial_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "a.b.nope.example.com")
    shown = told.below("✓ a.b.nope.example.com. does not exist")
    assert shown[-1] == "nope.example.com. does not exist, nor does anything below it (RFC 8020)"


def test_what_a_wildcard_gave_is_told_with_the_proof_that_nothing_is_closer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = Told(capsys, "any.wild.example.org")
    rrsig, made, nothing = told.below("✓ any.wild.example.org. A")
    assert rrsig.endswith(", 3 labels")
    assert made.startswith("made from the wildcard *.wild.example.org., ")
    assert re.fullmatch(rf"NSEC3 from {HASH} to {HASH}: any\.wild\.example\.org\. .* is not there", nothing)
    assert told.links[-1]["signature"]["wildcard"] == "*.wild.example.org."


def test_each_alias_has_a_way_of_its_own_and_no_link_is_told_twice(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "chain.example.com")
    assert len(told.steps) == len(set(told.steps))
    aliases = [step for step in told.steps if "chain." in step]
    assert aliases == [
        "✓ chain.example.com. CNAME",
        "○ chain.example.net. CNAME: insecure",
        "✓ chain.example.org. CNAME",
        "○ chain.example.co.kr. CNAME: insecure",
    ]
    assert told.steps[-1] == "○ www.example.co.kr. A: insecure"
    assert told.lines[-1] == "insecure: net. is an unsigned delegation from ."


def test_an_alias_that_a_dname_made_is_as_good_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "www.legacy.example.org")
    at = told.steps.index("✓ legacy.example.org. DNAME")
    assert told.steps[at + 1] == "✓ www.legacy.example.org. CNAME"
    assert told.below(told.steps[at + 1]) == ["made from the DNAME above, and as good as that"]


def test_the_keys_and_the_ds_of_a_zone_can_be_asked_for_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    assert Told(capsys, "example.com", "DNSKEY").steps == EXAMPLE
    assert Told(capsys, "example.com", "DS").steps == EXAMPLE[:-1]
    assert Told(capsys, ".", "DNSKEY").steps == EXAMPLE[:2]
    signatures = Told(capsys, "www.example.com", "RRSIG")
    assert signatures.lines[-1] == "insecure: signatures are not signed themselves (RFC 4035 section 2.2)"


def test_a_negative_trust_anchor_is_named_with_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text('[dnssec]\nnegative_trust_anchors = ["example.com until 9000-01-01"]\n')
    told = Told(capsys, "www.example.com")
    assert told.steps == ["○ example.com. negative trust anchor: insecure", "○ www.example.com. A: insecure"]
    assert told.lines[-1].endswith("example.com. and all below it count as unsigned until 9000-01-01T00:00:00Z")


def test_an_anchor_that_is_not_the_zones_is_shown_beside_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text(f'[dnssec]\ntrust_anchors = [". IN DS 1 13 2 {"AB" * 32}"]\n')
    told = Told(capsys, "www.example.com")
    assert told.steps == ["✓ . trust anchor", "✗ . DNSKEY: bogus"]
    assert told.below("✓ . trust anchor") == ["DS: key 1, ECDSAP256SHA256, by SHA-256"]
    Path("resolver.toml").write_text(f'[dnssec]\ntrust_anchors = [". IN DS 1 100 2 {"AB" * 32}"]\n')
    told = Told(capsys, "www.example.com")
    assert told.steps == ["○ . trust anchor: insecure", "○ www.example.com. A: insecure"]


WORLD = """
[zone."."]

[[server]]
name = "a.root.test"
address = "127.53.0.1"
zones = [".", "shop.test", "test"]

[zone."test"]

[zone."shop.test"]
{dnssec}
records = ["www A 192.0.2.1"]
"""


def world(dnssec: str) -> str:
    Path("world").mkdir(exist_ok=True)
    Path("world/hierarchy.toml").write_text(WORLD.format(dnssec=dnssec))
    return "world"


BELOW = """
[[server]]
name = "ns.plain.test"
address = "127.53.0.2"
zones = ["plain.shop.test"]

[zone."plain.shop.test"]
records = ["www A 192.0.2.2"]
"""
SIGNED = WORLD.replace('."]', '."]\ndnssec = "nsec"').replace('."test"]', '."test"]\ndnssec = "nsec"') + BELOW


@pytest.mark.parametrize(
    ("shop", "step", "why"),
    [
        ('"nsec", fault = "nsec-missing"', "✗ plain.shop.test. no DS: bogus", r".* denied without .* \[NSUN\]"),
        ('"nsec3", iterations = 900', "✗ plain.shop.test. no DS: bogus", r".* its names 900 times more; .* \[NSUN\]"),
        ('"nsec3", iterations = 90', "○ plain.shop.test. no DS: insecure", r".* 90 times more; above 50 nothing .*"),
    ],
)
def test_a_denial_of_a_ds_that_proves_nothing_is_told_where_it_stands(
    shop: str, step: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world("")
    Path("world/hierarchy.toml").write_text(SIGNED.format(dnssec=f"dnssec = {{ denial = {shop} }}"))
    told = Told(capsys, "www.plain.shop.test", "--world", "world")
    assert step in told.steps
    (reason,) = told.below(step)
    assert re.fullmatch(why, reason)


def test_without_anything_to_begin_from_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "www.shop.test", "--world", world(""))
    assert (told.code, told.steps, told.data["status"]) == (0, [], "unchecked")
    assert told.lines[-1] == "not validated: there is no trust anchor to begin from (dnssec.trust_anchors)"


def test_what_no_anchor_is_above_is_indeterminate(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text(f'[dnssec]\ntrust_anchors = ["test.net. IN DS 1 13 2 {"AB" * 32}"]\n')
    told = Told(capsys, "www.shop.test", "--world", world('dnssec = "nsec"'))
    assert told.steps == ["? www.shop.test. no trust anchor: indeterminate", "? www.shop.test. A: indeterminate"]
    assert told.lines[-1] == "indeterminate: no trust anchor is above it"


def test_where_validation_is_off_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text("[dnssec]\nvalidation = false\n")
    told = Told(capsys, "www.example.com")
    assert told.steps == []
    assert told.lines[-1] == "not validated: dnssec.validation is off"


@pytest.mark.parametrize(
    ("name", "code", "last"),
    [
        ("localhost", 0, "not validated: it is answered here, and nobody was asked"),
        ("refused.broken.test", 1, "not validated: there is no answer to be validated"),
    ],
)
def test_what_is_not_validated_is_told_with_the_reason(
    name: str, code: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(capsys, name)
    assert (told.code, told.steps, told.lines[-1]) == (code, [], last)


def test_aliases_that_come_back_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    aliases = [step for step in Told(capsys, "cnameloop.broken.test").steps if "CNAME" in step]
    assert len(aliases) > 1
    assert len(aliases) == len(set(aliases))


def test_a_denial_without_any_record_is_not_taken_for_a_missing_anchor() -> None:
    nothing = Walk(0, (), (), (), [Node("www.test. A")], 0, 0.1, "", [Begun(b"\0", None)])
    assert _verdict(nothing, [], Config()) == "not validated: it came without any record that could be proven"


def test_a_chain_is_the_same_whoever_walks(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "www.example.com", "--mode", "recursive")
    assert told.steps == [*EXAMPLE, "✓ www.example.com. A"]


def test_an_alias_into_a_zone_that_is_broken_is_told_as_far_as_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    shipped = find_zones()
    Path("world").mkdir()
    for each in shipped.iterdir():
        (Path("world") / each.name).write_bytes(each.read_bytes())
    with Path("world/hierarchy.toml").open("a") as file:
        file.write('\n[zone."shop.com"]\nservers = ["ns1.example.com"]\ndnssec = "nsec"\n')
        file.write('records = ["bad CNAME www.bogus.dnssec-failed.test.", "mute CNAME refused.broken.test."]\n')
    told = Told(capsys, "bad.shop.com", "--world", "world")
    assert "✓ bad.shop.com. CNAME" in told.steps
    assert told.steps[-1] == "✗ www.bogus.dnssec-failed.test. A: bogus"
    told = Told(capsys, "mute.shop.com", "--world", "world")
    assert told.steps[-2:] == ["✓ mute.shop.com. CNAME", "✗ refused.broken.test. A: failed"]
    assert "[RFSD]" in told.below(told.steps[-1])[0]
    assert told.lines[-1] == "not validated: there is no answer to be validated"


def test_the_walk_ends_with_the_status_too(capsys: pytest.CaptureFixture[str]) -> None:
    for name, last in (
        ("www.example.com", "secure: each link holds, from the trust anchor to the answer"),
        ("www.example.net", "insecure: it need not be signed; --dnssec shows why"),
        ("www.bogus.dnssec-failed.test", "bogus: what came is not what was signed, and is not told to clients"),
    ):
        main(["trace", name])
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == last
        assert any(line.startswith("├─ ") for line in lines)
    main(["trace", "localhost"])
    assert "validated" not in capsys.readouterr().out
