from __future__ import annotations

import json
from pathlib import Path

import pytest

from resolver.cli import main

RULES = """
[server]
listen_tls = ["127.0.0.1:0"]
[resolver]
forward_zones = { "fwd.test" = ["192.0.2.9"] }
[pools.office]
members = ["192.0.2.1"]
[pools.beta]
members = ["192.0.2.2"]
[[rules]]
clients = ["10.0.0.0/8"]
action = "tag"
tags = ["inside"]
[[rules]]
name = "kids"
server_names = ["kids.*"]
times = ["22:00-06:00"]
action = "refuse"
[[rules]]
names_files = ["beta.txt"]
tagged = ["inside"]
chance = 0.1
action = "pool"
pool = "beta"
[[rules]]
suffixes = ["old.test"]
action = "rewrite"
to_suffix = "corp.test"
[[rules]]
suffixes = ["corp.test"]
tagged = ["inside"]
action = "pool"
pool = "office"
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "beta.txt").write_text("www.corp.test\n")
    file = tmp_path / "resolver.toml"
    file.write_text(RULES)
    return str(file)


def which(capsys: pytest.CaptureFixture[str], config: str, *words: str) -> list[str]:
    assert main(["which", *words, "--config", config]) == 0
    return capsys.readouterr().out.splitlines()


def test_each_rule_that_is_tried_says_why_it_does_not_fit(capsys: pytest.CaptureFixture[str], config: str):
    assert which(capsys, config, "a.corp.test") == [
        "a.corp.test. A, from 127.0.0.1 over udp",
        "",
        "  rule 1: no: the client 127.0.0.1 is not in 10.0.0.0/8",
        "  rule 2 (kids): no: its connection has no server name",
        f"  rule 3: no: a.corp.test. is not in {Path(config).parent / 'beta.txt'}",
        "  rule 4: no: a.corp.test. is not in old.test.",
        "  rule 5: no: no rule before has tagged it inside",
        "",
        "the usual way: iterative, from the simulated root, since no rule decides",
    ]


def test_the_pool_of_a_query_is_told_with_the_rule_and_what_fits(capsys: pytest.CaptureFixture[str], config: str):
    lines = which(capsys, config, "a.OLD.test", "--client", "10.1.2.3", "--type", "aaaa")
    assert lines[0] == "a.OLD.test. AAAA, from 10.1.2.3 over udp"
    assert lines[2] == "  rule 1: fits: tag inside"
    assert lines[-1] == (
        "pool office, by rule 5; because of names (in corp.test.), tagged (inside); asked as a.corp.test. AAAA"
    )


def test_where_chance_decides_each_way_is_told_with_its_share(capsys: pytest.CaptureFixture[str], config: str):
    lines = which(capsys, config, "www.corp.test", "--client", "10.1.2.3")
    assert "  rule 3: fits in 10% of all: pool beta" in lines
    assert lines[-2].startswith("10%: pool beta, by rule 3")
    assert lines[-1].startswith("90%: pool office, by rule 5")


def test_a_small_share_is_not_told_as_none(capsys: pytest.CaptureFixture[str], config: str):
    file = Path(config)
    file.write_text(RULES.replace("chance = 0.1", "chance = 0.0005"))
    lines = which(capsys, config, "www.corp.test", "--client", "10.1.2.3")
    assert "  rule 3: fits in 0.05% of all: pool beta" in lines
    assert lines[-2].startswith("0.05%: pool beta, by rule 3")
    assert "chance (0.05% of all, by chance)" in lines[-2]
    assert lines[-1].startswith("99.95%: pool office, by rule 5")


def test_a_time_may_say_its_own_offset(capsys: pytest.CaptureFixture[str], config: str):
    asked = ("x.test", "--server-name", "kids.test", "--at")
    assert "by rule 2" in which(capsys, config, *asked, "2026-01-01T12:00+13:00")[-1]
    assert "by rule 2" not in which(capsys, config, *asked, "2026-01-01T23:00+13:00")[-1]


def test_an_ipv4_address_in_disguise_is_that_address(capsys: pytest.CaptureFixture[str], config: str):
    lines = which(capsys, config, "x.test", "--client", "::ffff:10.1.2.3")
    assert lines[0] == "x.test. A, from 10.1.2.3 over udp"
    assert "  rule 1: fits: tag inside" in lines


def test_the_time_and_the_connection_of_a_query_can_be_said(capsys: pytest.CaptureFixture[str], config: str):
    night = ("x.test", "--server-name", "kids.test", "--at", "2026-01-01T23:00")
    assert which(capsys, config, *night)[-1].startswith("refuse with REFUSED, by rule 2 (kids)")
    lines = which(capsys, config, "x.test", "--server-name", "kids.test", "--at", "2026-01-01T12:00")
    assert lines[0] == "x.test. A, from 127.0.0.1 over tls, begun with kids.test"
    assert "  rule 2 (kids): no: it is not 22:00-06:00 UTC now" in lines


def test_what_goes_the_usual_way_says_which_zone_it_is_in(capsys: pytest.CaptureFixture[str], config: str):
    told = "the usual way: forward zone fwd.test., asked of udp://192.0.2.9:53, since no rule decides"
    assert which(capsys, config, "a.fwd.test")[-1] == told


def test_the_same_is_told_as_data(capsys: pytest.CaptureFixture[str], config: str):
    told = json.loads("\n".join(which(capsys, config, "www.corp.test", "--client", "10.1.2.3", "--json")))
    assert [(each["rule"], each["fits"]) for each in told["tried"]] == [
        (1, True), (2, False), (3, True), (4, False), (5, True)
    ]  # fmt: skip
    assert [(each["rule"], each["pool"], round(each["share"], 3)) for each in told["ends"]] == [
        (3, "beta", 0.1),
        (5, "office", 0.9),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a..b"], "no domain name: 'a..b' has an empty label; write one as in example.com"),
        (["a", "--type", "FOO"], "'FOO' is no record type; write one as in --type AAAA"),
        (["a", "--client", "here"], "--client: 'here' is no address; write one as in 10.1.2.3"),
        (["a", "--at", "noon"], "--at: 'noon' is no time; write one as in 2026-03-01T21:30"),
        (
            ["a", "--at", "9999-12-31"],
            "--at: '9999-12-31' is not between 1970 and 9998; write one as in 2026-03-01T21:30",
        ),
        (
            ["a", "--at", "0001-01-01"],
            "--at: '0001-01-01' is not between 1970 and 9998; write one as in 2026-03-01T21:30",
        ),
        (["a", "--header", "x"], "--header: 'x' is no header; write one as in 'X-Team: guests'"),
        (["a", "--edns-option", "ecz"], "--edns-option: \"ecz\" is no EDNS option; did you mean 'ecs'?"),
        (
            ["a", "--path", "/x", "--transport", "tcp"],
            "nothing over tcp has a path or a header; write --transport https",
        ),
        (
            ["a", "--server-name", "x", "--transport", "udp"],
            "nothing over udp has a server name; write --transport tls",
        ),
    ],
)
def test_what_cannot_be_is_one_line(capsys: pytest.CaptureFixture[str], config: str, words: list[str], said: str):
    assert main(["which", *words, "--config", config]) == 2
    assert capsys.readouterr().err == f"resolver: {said}\n"


def test_a_file_of_names_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str], config: str):
    missing = Path(config).parent / "beta.txt"
    missing.unlink()
    assert main(["which", "a", "--config", config]) == 2
    assert (
        capsys.readouterr().err == f"resolver: {missing}: cannot be read: No such file or directory; check the path\n"
    )
    assert main(["check", "--config", config]) == 2
