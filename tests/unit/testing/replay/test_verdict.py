from __future__ import annotations

from resolver.testing.replay.comparing import Level
from resolver.testing.replay.settings import FEATURES
from resolver.testing.replay.verdict import LACKS, Status, judge, judge_scenario
from tests.support.scripts import PLAIN, PRIMING, asks, entry, is_told, scenario, server, text

QUESTION = "www.example. IN A"
ADDRESS = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
OTHER = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.8")
WORLD = server(PRIMING, entry(QUESTION, *ADDRESS))
HOLDING = PLAIN + 'auth-zone:\n    name: "other."\n'
ANCHOR = PLAIN.replace("server:\n", f'server:\n    trust-anchor: ". DS 1 13 1 {"00" * 20}"\n')


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
    assert verdict(*ADDRESS, config=HOLDING).status is Status.PASS


def test_what_the_lack_of_a_feature_does_is_a_skip():
    lacking = verdict(*OTHER, config=HOLDING)
    assert str(lacking) == "SKIP some.rpl: needs-auth-zone"
    assert any("answer: 1 missing" in line for line in lacking.details())


def test_what_the_lack_of_a_feature_does_not_explain_is_a_fail():
    assert verdict(*OTHER).status is Status.FAIL


def test_what_is_bogus_is_no_answer_where_the_script_has_an_anchor():
    assert verdict(*ADDRESS, config=ANCHOR).status is Status.FAIL
    assert verdict(config=ANCHOR, reply="QR RD RA SERVFAIL").status is Status.PASS


def test_every_feature_that_a_word_can_need_is_one_we_know_to_lack():
    assert set(FEATURES.values()) <= LACKS.keys()


def test_a_file_is_judged_at_a_level(tmp_path):
    path = tmp_path / "a.rpl"
    path.write_text(
        text(WORLD, asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS, "SECTION AUTHORITY", "example. NS ns."))
    )
    assert judge(path).status is Status.PASS
    assert judge(path, Level.STRICT).status is Status.FAIL
