from __future__ import annotations

from resolver.testing.replay.comparing import Level
from resolver.testing.replay.settings import FEATURES
from resolver.testing.replay.verdict import LACKS, Status, judge, judge_scenario
from tests.support.scripts import PLAIN, PRIMING, asks, entry, is_told, scenario, server, text

QUESTION = "www.example. IN A"
ADDRESS = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
OTHER = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.8")
SIGNATURE = "www.example. 300 IN RRSIG A 8 2 300 20300101000000 20200101000000 1 example. AAAA"
WORLD = server(PRIMING, entry(QUESTION, *ADDRESS))
ANCHOR = PLAIN.replace("server:\n", f'server:\n    trust-anchor: ". DS 1 8 1 {"00" * 20}"\n')


def verdict(*lines: str, config: str = PLAIN, reply: str = "QR RD RA NOERROR", world: str = WORLD):
    return judge_scenario(scenario(world, asks(1, QUESTION), is_told(2, QUESTION, *lines, reply=reply), config=config))


def test_a_pass_says_no_more_than_its_path():
    assert str(verdict(*ADDRESS)) == "PASS some.rpl"
    assert list(verdict(*ADDRESS).details()) == []


def test_a_fail_shows_line_diff_and_transcript():
    failed = verdict(*OTHER)
    assert str(failed) == "FAIL some.rpl"
    details = list(failed.details())
    assert "some.rpl:" in details[0]
    assert "answer: 1 missing, 1 that should not be there" in details[0]
    assert "  -answer www.example. 300 IN A 192.0.2.8" in details
    assert "  └─ www.example. A  → ns.root. 192.0.2.1:53 (udp) 0.0 ms" in details


def test_a_scenario_that_passes_without_the_feature_passes():
    assert verdict(*ADDRESS, config=ANCHOR).status is Status.PASS


def test_what_the_lack_of_validation_does_is_a_skip():
    no_ad = verdict(*ADDRESS, config=ANCHOR, reply="QR RD RA AD NOERROR")
    assert str(no_ad) == "SKIP some.rpl: needs-dnssec"
    assert any("AD is not set" in line for line in no_ad.details())
    assert verdict(config=ANCHOR, reply="QR RD RA SERVFAIL").reason == "needs-dnssec"
    assert verdict(*ADDRESS, SIGNATURE, config=ANCHOR).reason == "needs-dnssec"


def test_where_we_validate_nothing_of_it_is_a_skip(monkeypatch):
    monkeypatch.setattr("resolver.testing.replay.verdict.VALIDATES", True)
    assert verdict(*ADDRESS, SIGNATURE, config=ANCHOR).status is Status.FAIL


def test_what_the_lack_of_validation_does_not_explain_is_a_fail():
    assert verdict(*OTHER, config=ANCHOR).status is Status.FAIL
    assert verdict(*ADDRESS, SIGNATURE, config=ANCHOR, world=server(PRIMING)).status is Status.FAIL
    assert verdict(*ADDRESS, reply="QR RD RA AD NOERROR").status is Status.FAIL


def test_a_denial_that_cuts_off_what_is_below_needs_a_proof():
    config = PLAIN.replace("server:\n", "server:\n    harden-below-nxdomain: yes\n")
    cut = verdict(config=config, world=server(PRIMING), reply="QR RD RA NXDOMAIN")
    assert cut.reason == "needs-dnssec"
    assert verdict(world=server(PRIMING), reply="QR RD RA NXDOMAIN").status is Status.FAIL


def test_every_feature_that_a_word_can_need_is_one_we_know_to_lack():
    assert set(FEATURES.values()) <= LACKS.keys()


def test_a_file_is_judged_at_a_level(tmp_path):
    path = tmp_path / "a.rpl"
    path.write_text(
        text(WORLD, asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS, "SECTION AUTHORITY", "example. NS ns."))
    )
    assert judge(path).status is Status.PASS
    assert judge(path, Level.STRICT).status is Status.FAIL
