"""Zones from which clients of a scenario are answered."""

from __future__ import annotations

import pytest

from resolver.errors import ScenarioError, ZoneError
from resolver.testing.replay.settings import arrange
from resolver.testing.replay.verdict import Status, judge_scenario
from tests.support.scripts import PLAIN, asks, is_told, scenario

SOA = "shop.test. 60 IN SOA ns.shop.test. me.shop.test. 1 2 3 4 5"
RECORDS = f"{SOA}\nshop.test. 60 IN NS ns.shop.test.\nwww.shop.test. 60 IN A 192.0.2.1\nwww.other. 60 IN A 192.0.2.9\n"


def clause(*words: str, name: str = "shop.test.", text: str = RECORDS) -> str:
    """A clause with a zone in it."""
    inside = "".join(f" {word}\n" for word in words)
    return (
        f'auth-zone:\n name: "{name}"\n{inside} zonefile:\nTEMPFILE_NAME z\nTEMPFILE_CONTENTS z\n{text}TEMPFILE_END\n'
    )


def of(config: str):
    return arrange(scenario(asks(1, "www.example. IN A"), config=config))


def test_a_zone_is_served_without_what_is_outside_of_it():
    other = clause(name="Other.", text=RECORDS.replace("shop.test.", "other.")).replace("_NAME z", "_NAME y")
    made = of(clause("for-downstream: yes", "for-upstream: yes") + other.replace("CONTENTS z", "CONTENTS y"))
    assert [rule.action for rule in made.config.rules] == ["authority"] * 2
    assert (
        [str(file) for rule in made.config.rules for file in rule.zone_files] == [*made.zones] == ["zone-0", "zone-1"]
    )
    assert made.zones["zone-0"].count("\n") == 3
    assert "other" not in made.zones["zone-0"]
    assert made.needs == {}


@pytest.mark.parametrize("words", [("for-downstream: no",), ("master: 192.0.2.1",), ("url: http://192.0.2.1/",)])
def test_a_zone_for_the_resolver_alone_or_to_be_transferred_is_a_feature_that_is_missing(words):
    made = of("server:\n verbosity: 1\n" + clause(*words))
    assert (made.needs, made.zones, made.config.rules) == ({"auth-zone": 3}, {}, ())


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ('auth-zone:\n name: "a."\n zonefile: b\n', "some.rpl:3: zonefile: 'b' stands nowhere; write TEMPFILE_NAME"),
        (clause(name="a..b"), "some.rpl:2: name: "),
        (clause(name="other."), "some.rpl:3: zonefile: 'z' has no SOA record at other.; write one"),
        (clause(text="shop.test. 60 IN A here\n"), "some.rpl:3: zonefile: z:1: bad A data"),
        (clause().replace(' name: "shop.test."\n', ""), "some.rpl:2: auth-zone without a name; write name: and"),
    ],
)
def test_what_is_wrong_with_a_zone_is_told_with_its_line(config, told):
    with pytest.raises(ScenarioError) as wrong:
        of(config)
    assert told in str(wrong.value)


def test_clients_are_answered_from_the_zone():
    told = is_told(2, "www.shop.test. IN A", "SECTION ANSWER", "www.shop.test. 60 IN A 192.0.2.1")
    script = scenario(asks(1, "www.shop.test. IN A"), told.replace("QR RD RA", "QR AA RD RA"), config=PLAIN + clause())
    verdict = judge_scenario(script)
    assert (verdict.status, verdict.reason) == (Status.PASS, "")
    verdict = judge_scenario(
        scenario(asks(1, "www.shop.test. IN A"), told, config=PLAIN + clause("for-downstream: no"))
    )
    assert verdict.status is not Status.PASS


def test_nothing_is_left_of_a_zone_that_cannot_be_served(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text = f"{RECORDS}sub.shop.test. 60 IN SOA ns. me. 1 2 3 4 5\n"
    with pytest.raises(ZoneError, match="has 2 SOA records"):
        judge_scenario(scenario(asks(1, "www.shop.test. IN A"), config=PLAIN + clause(text=text)))
    judge_scenario(scenario(asks(1, "www.shop.test. IN A"), config=PLAIN + clause()))
    assert list(tmp_path.iterdir()) == []
