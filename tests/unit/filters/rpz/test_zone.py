from __future__ import annotations

import dns.rdata
import pytest

from resolver.filters.rpz.actions import MAX_DATA, Kind
from resolver.filters.rpz.zone import Skipped, Zone
from resolver.message import Type
from resolver.wire import names
from tests.support.messages import name

ORIGIN = "rpz.test."


def add(zone: Zone, text: str, line: int = 1) -> Skipped | None:
    owner, ttl, rtype, rest = text.split(None, 3)
    owner = ORIGIN if owner == "@" else owner if owner.endswith(".") else f"{owner}.{ORIGIN}"
    rdata = dns.rdata.from_text("IN", rtype, rest)
    return zone.add(name(owner), int(rdata.rdtype), int(ttl), rdata.to_wire(), line)


def zone(*lines: str) -> Zone:
    made = Zone(name(ORIGIN))
    for number, text in enumerate(lines, 1):
        assert add(made, text, number) is None, text
    return made


def found(made: Zone, asked: str) -> tuple[str, Kind] | None:
    hit = made.qname.find(name(asked))
    return None if hit is None else (names.to_text(hit[0]), hit[1].kind)


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        ("CNAME .", Kind.NXDOMAIN),
        ("CNAME *.", Kind.NODATA),
        ("CNAME rpz-passthru.", Kind.PASSTHRU),
        ("CNAME RPZ-Passthru.", Kind.PASSTHRU),
        ("CNAME bad.test.", Kind.PASSTHRU),
        ("CNAME rpz-drop.", Kind.DROP),
        ("CNAME rpz-tcp-only.", Kind.TCP_ONLY),
        ("CNAME garden.test.", Kind.CNAME),
        ("CNAME *.garden.test.", Kind.CNAME),
        ("A 192.0.2.1", Kind.DATA),
        ("TXT text", Kind.DATA),
    ],
)
def test_an_action_is_written_as_a_record(rest: str, kind: Kind) -> None:
    assert found(zone(f"bad.test 60 {rest}"), "bad.test.") == ("bad.test.", kind)


def test_the_name_itself_comes_before_wildcards_and_longer_ones_before_shorter() -> None:
    made = zone(
        "a.b.test 60 CNAME .", "*.b.test 60 CNAME *.", "*.test 60 CNAME rpz-drop.", "b.test 60 CNAME rpz-tcp-only."
    )
    assert found(made, "a.b.test.") == ("a.b.test.", Kind.NXDOMAIN)
    assert found(made, "x.b.test.") == ("*.b.test.", Kind.NODATA)
    assert found(made, "y.x.b.test.") == ("*.b.test.", Kind.NODATA)
    assert found(made, "x.a.b.test.") == ("*.b.test.", Kind.NODATA)
    assert found(made, "b.test.") == ("b.test.", Kind.TCP_ONLY)
    assert found(made, "c.test.") == ("*.test.", Kind.DROP)
    assert found(made, "test.") is None
    assert found(made, "other.") is None


def test_a_wildcard_at_the_top_fits_all_names_but_the_root() -> None:
    made = zone("* 60 CNAME .")
    assert found(made, "a.b.") == ("*.", Kind.NXDOMAIN)
    assert found(made, ".") is None


def test_names_are_folded_and_a_label_is_compared_whole() -> None:
    made = zone("BAD.Test 60 CNAME .")
    assert found(made, "bad.test.") is not None
    assert made.qname.find(b"\x08x\x03bad.te\x04test\x00") is None


def test_data_of_several_types_and_records_stands_for_one_trigger() -> None:
    made = zone("bad.test 60 A 192.0.2.1", "bad.test 30 A 192.0.2.2", "bad.test 60 A 192.0.2.1", "bad.test 9 AAAA ::1")
    hit = made.qname.find(name("bad.test."))
    assert hit is not None
    assert [(each.type, each.ttl, len(each.rdatas)) for each in hit[1].rrsets] == [(1, 30, 2), (28, 9, 1)]
    assert len(made) == 1


def test_each_kind_of_trigger_has_a_place_of_its_own() -> None:
    made = zone(
        "32.1.2.0.192.rpz-ip 60 CNAME .",
        "24.0.2.0.192.rpz-client-ip 60 CNAME rpz-drop.",
        "48.zz.1.db8.2001.rpz-nsip 60 CNAME *.",
        "ns.evil.test.rpz-nsdname 60 CNAME .",
        "*.evil.test.rpz-nsdname 60 CNAME *.",
        "evil.test 60 CNAME .",
    )
    assert (made.ip.count, made.client.count, made.nsip.count, len(made.nsdname), len(made.qname)) == (1, 1, 1, 2, 1)
    assert len(made) == 6


def test_what_makes_and_signs_a_zone_is_no_rule() -> None:
    made = zone(
        "@ 60 SOA ns.test. host.test. 1 2 3 4 5",
        "@ 60 NS ns.test.",
        "bad.test 60 NS ns.test.",
        "bad.test 60 RRSIG CNAME 13 2 9 20300101000000 20260101000000 1 test. AQID",
        "bad.test 60 NSEC . CNAME",
    )
    assert len(made) == 0
    assert made.soa is not None


@pytest.mark.parametrize(
    ("text", "what", "instead"),
    [
        ("bad.other. 60 CNAME .", "bad.other. is not in the zone rpz.test.", "remove it"),
        ("@ 60 A 192.0.2.1", "A at the name of the zone is no rule", "write the name that it is about before it"),
        ("24.1.2.0.192.rpz-ip 60 CNAME .", "the address has bits behind the prefix", "write 24.0.2.0.192"),
        ("rpz-nsdname 60 CNAME .", "no name stands before the trigger", "see docs/rpz.md"),
        ("rpz-ip 60 CNAME .", "no address stands before the trigger", "see docs/rpz.md"),
        (
            "32.1.2.0.192.rpz-clientip 60 CNAME .",
            "'rpz-clientip' is no kind of trigger",
            "did you mean 'rpz-client-ip'",
        ),
        ("bad.test 60 CNAME rpz-pasthru.", "rpz-pasthru. is no action", "did you mean 'rpz-passthru.'"),
        ("bad.test 60 CNAME x.rpz-drop.", "x.rpz-drop. is no action", "did you mean 'rpz-drop.'"),
        ("bad.test 60 DNAME other.test.", "DNAME cannot be told as data", "see docs/rpz.md"),
    ],
)
def test_a_record_that_is_no_rule_is_told_with_its_line_and_what_to_write(text: str, what: str, instead: str) -> None:
    made = Zone(name(ORIGIN))
    wrong = add(made, text, 42)
    assert wrong is not None
    assert wrong.line == 42
    assert what in wrong.what
    assert instead in wrong.instead
    assert len(made) == 0


@pytest.mark.parametrize("second", ["A 192.0.2.1", "CNAME ."])
def test_of_one_trigger_the_first_action_stands(second: str) -> None:
    made = zone("bad.test 60 CNAME rpz-drop.")
    wrong = add(made, f"bad.test 60 {second}")
    assert wrong is not None
    assert found(made, "bad.test.") == ("bad.test.", Kind.DROP)


def test_a_wildcard_alias_leads_below_its_target_as_far_as_names_go() -> None:
    hit = zone("*.bad.test 60 CNAME *.garden.test.").qname.find(name("a.bad.test."))
    assert hit is not None
    assert hit[1].leads_to(name("a.bad.test.")) == name("a.bad.test.garden.test.")
    assert hit[1].leads_to(names.from_text(".".join(["x" * 49] * 5) + ".")) is None
    assert hit[1].kind is Kind.CNAME


def test_types_of_data_are_any_that_there_are() -> None:
    hit = zone("bad.test 60 TYPE65300 \\# 2 0102").qname.find(name("bad.test."))
    assert hit is not None
    assert hit[1].rrsets[0].type == 65300 != Type.A


def test_a_rule_that_is_said_again_is_no_mistake_and_another_one_is() -> None:
    made = zone("bad.test 60 CNAME .", "a.test 60 CNAME www.test.", "8.0.0.0.10.rpz-ip 60 CNAME .")
    for again in ("BAD.test 90 CNAME .", "a.test 60 CNAME www.test.", "8.0.0.0.10.rpz-ip 60 CNAME ."):
        assert add(made, again) is None
    for other in ("bad.test 60 CNAME *.", "a.test 60 CNAME ftp.test.", "8.0.0.0.10.rpz-ip 60 CNAME *."):
        skipped = add(made, other)
        assert skipped is not None
        assert "the trigger has an action already, and a CNAME stands alone" in skipped.what
    assert len(made) == 3
    assert found(made, "bad.test.") == ("bad.test.", Kind.NXDOMAIN)


def test_a_trigger_has_no_more_records_than_a_message_holds() -> None:
    made = zone(*(f"own.test 60 A 192.0.2.{number}" for number in range(MAX_DATA)))
    skipped = add(made, "own.test 60 TXT more")
    assert skipped is not None
    assert f"the trigger has {MAX_DATA} records already" in skipped.what
    assert skipped.instead == "write fewer, of which a client needs one"
