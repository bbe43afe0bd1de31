"""What the tables [[rpz]] come to."""

from __future__ import annotations

import gc
import io
import weakref
from pathlib import Path
from typing import Any

import pytest

from resolver import policy_zones
from resolver.app import build
from resolver.config import Config
from resolver.config.load import load
from resolver.engine.delegation import Delegation, NameServer
from resolver.engine.outcome import Answered
from resolver.errors import ConfigError, ZoneError
from resolver.filters.rpz.actions import Kind
from resolver.message import Question, Type
from resolver.network.base import Endpoint
from resolver.observe.log import Log
from resolver.policy_zones import LOGGED_PER_S, MAX_TOLD
from resolver.testing.virtual_time import VirtualClock
from tests.support.messages import name, sets

HEAD = "$TTL 60\n@ SOA ns.test. host.test. 1 2 3 4 5\n@ NS ns.test.\n"


def config(*tables: dict[str, Any], **sections: Any) -> Config:
    filled = [{"zone": f"p{number}.test", "file": f"p{number}", **table} for number, table in enumerate(tables)]
    return Config.model_validate({"rpz": filled, **sections})


def loaded(text: str, **table: Any) -> policy_zones.PolicyZoneFiles:
    return policy_zones.load(config(table), {"p0": text})


def test_a_zone_is_read_with_its_rules():
    files = loaded(HEAD + "bad CNAME .\n*.bad CNAME .\n32.1.2.0.192.rpz-ip A 192.0.2.9\n")
    assert files.counts() == {"rpz.zones": 1, "rpz.rules": 3, "rpz.skipped": 0}
    assert list(files.lines()) == []
    assert files.used[0].zone.qname.find(name("bad.")) is not None


def test_records_that_are_no_rules_are_told_with_their_lines_and_the_rest_counted():
    bad = "".join(f"{number}.1.2.0.192.rpz-ip CNAME .\n" for number in range(33, 40))
    files = loaded(HEAD + "good CNAME .\n" + bad)
    assert files.counts() == {"rpz.zones": 1, "rpz.rules": 1, "rpz.skipped": 7}
    lines = list(files.lines())
    assert lines[0].startswith("p0:5: 33.1.2.0.192.rpz-ip.p0.test.: the prefix length 33 is none of 1 to 32; ")
    assert lines[MAX_TOLD:] == ["p0: 7 records are no rules, and are skipped"]
    log = io.StringIO()
    files.tell(Log(log, lambda: 0.0))
    assert [line.split()[2] for line in log.getvalue().splitlines()] == ["event=rpz_read"] + ["event=rpz_skipped"] * 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("$TTL 60\nbad CNAME .\n", "there is no SOA of p0.test. in it"),
        (HEAD + "bad CNAM .\n", "p0:4: unknown record type 'CNAM'; did you mean 'CNAME'?"),
        (HEAD + "bad A 300.0.0.1\n", "p0:4: "),
    ],
)
def test_a_file_that_is_no_zone_is_refused_in_one_line(text, why):
    with pytest.raises((ConfigError, ZoneError)) as refused:
        loaded(text)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("table", "kind", "code"),
    [
        ({}, None, 15),
        ({"action": "nxdomain", "ede": "filtered"}, Kind.NXDOMAIN, 17),
        ({"action": "nodata", "ede": "none"}, Kind.NODATA, None),
        ({"action": "passthru", "ede": "censored"}, Kind.PASSTHRU, 16),
        ({"action": "drop", "ede": "forged"}, Kind.DROP, 4),
        ({"action": "tcp-only", "ede": "prohibited"}, Kind.TCP_ONLY, 18),
        ({"action": "cname", "target": "garden.test"}, Kind.CNAME, 15),
    ],
)
def test_settings_say_how_a_zone_is_used(table, kind, code):
    conduct = loaded(HEAD, **table).used[0].conduct
    assert (conduct.override and conduct.override.kind, conduct.ede) == (kind, code)
    assert (conduct.disabled, conduct.break_dnssec) == (False, True)


def test_a_zone_can_be_tried_and_can_leave_signed_answers_alone():
    conduct = loaded(HEAD, action="disabled", break_dnssec=False).used[0].conduct
    assert (conduct.override, conduct.disabled, conduct.break_dnssec) == (None, True, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[rpz]]\nzone = "a"\nfile = "zone"\n[[rpz]]\nzone = "A."\nfile = "zone"\n', ':5: "a." stands there twice'),
        (
            '[[rpz]]\nzone = "a"\nfile = "zone"\naction = "cname"\n',
            ':4: action = "cname" leads nowhere; set target too',
        ),
        ('[[rpz]]\nzone = "a"\nfile = "zone"\ntarget = "b"\n', ':4: target is set but action is "given"'),
        ('[[rpz]]\nzone = "a"\nfile = "none"\n', ":3: file "),
        ('[[rpz]]\nzone = "a"\n', ":1: [[rpz]] has no file"),
        ('[[rpz]]\nzone = "a"\nfile = "zone"\naction = "nxdomian"\n', ":4: rpz.1.action is"),
        ('[[rpz]]\nzone = "a..b"\nfile = "zone"\n', ":2: rpz.1.zone: "),
        ('[[rpz]]\nzones = "a"\n', "did you mean 'zone'?"),
    ],
)
def test_settings_that_are_wrong_are_told_with_their_line(tmp_path: Path, text, told):
    (tmp_path / "zone").write_text(HEAD)
    file = tmp_path / "resolver.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(file, {})
    assert told in str(refused.value)


# -- in a program


@pytest.fixture
def program(run, tmp_path: Path):
    """Runs a coroutine function with a program that has one policy zone, and with the file of that."""

    def start(main, text: str = HEAD, **table: Any):
        file = tmp_path / "policy"
        file.write_text(text)

        async def go():
            log = io.StringIO()
            clock = VirtualClock()
            settings = config({"file": file, **table}, server={"listen": ["127.0.0.1:0"]}, world={"in_memory": True})
            made = build(settings, clock=clock, log=Log(log, clock.wall))
            made.log_text = log.getvalue  # type: ignore[attr-defined]
            return await main(made, file)

        return run(go())

    return start


def test_a_rule_is_heeded_counted_and_logged_no_more_often_than_so(program):
    async def main(made, _):
        replies = [await made.ask("bad.test.") for _ in range(15)]
        return replies[0], made.stats(), made.log_text()

    reply, stats, log = program(main, HEAD + "bad.test A 192.0.2.99\n")
    assert reply.answer[0].rdatas == (bytes((192, 0, 2, 99)),)
    assert (stats["filters.rpz"], stats["rpz.rules"]) == (15, 1)
    assert log.count("event=filtered") == LOGGED_PER_S
    assert 'trigger="qname bad.test."' in log


def test_all_zones_and_stages_have_room_for_so_many_events_together(run, tmp_path: Path):
    for number, line in enumerate(("bad.test CNAME .\n", "localhost CNAME .\n")):
        (tmp_path / f"p{number}").write_text(HEAD + line)

    async def go() -> str:
        log, clock = io.StringIO(), VirtualClock()
        tables = ({"file": tmp_path / "p0"}, {"file": tmp_path / "p1", "action": "disabled"})
        settings = config(*tables, server={"listen": ["127.0.0.1:0"]}, world={"in_memory": True})
        made = build(settings, clock=clock, log=Log(log, clock.wall))
        for _ in range(LOGGED_PER_S):
            await made.ask("bad.test.")
            await made.ask("localhost.")
        return log.getvalue()

    assert run(go()).count("event=filtered") == LOGGED_PER_S


def test_what_filters_held_goes_with_a_reload_and_not_with_the_simulated_servers(run):
    async def go() -> bool:
        settings = Config.model_validate(
            {"filters": {"block": ["ads.test"]}, "server": {"listen": ["127.0.0.1:0"]}, "world": {"in_memory": True}}
        )
        made = build(settings, clock=VirtualClock(), log=Log(io.StringIO(), lambda: 0.0))
        assert made._read.filtering is not None
        assert made._read.filtering.blocking is not None
        before = weakref.ref(made._read.filtering.blocking)
        gc.disable()
        try:
            await made.reload(settings)
            return before() is None
        finally:
            gc.enable()

    assert run(go())


def test_a_zone_that_logs_nothing_says_nothing(program):
    async def main(made, _):
        await made.ask("bad.test.")
        return made.log_text()

    assert "event=filtered" not in program(main, HEAD + "bad.test A 192.0.2.99\n", log=False)


def test_a_zone_that_is_tried_says_what_it_would_do(program):
    async def main(made, _):
        await made.ask("localhost.")
        return made.stats(), made.log_text()

    stats, log = program(main, HEAD + "localhost CNAME .\n", action="disabled")
    assert (stats["filters.rpz"], stats["filters.rpz_disabled"]) == (0, 1)
    assert "what=disabled kind=rpz" in log


def test_a_reload_reads_the_file_again_and_a_bad_one_leaves_the_rules_in_force(program):
    async def main(made, file):
        first = await made.ask("bad.test.")
        file.write_text(HEAD + "bad.test A 300.0.0.1\n")
        with pytest.raises(ZoneError):
            await made.reload(made.config)
        second = await made.ask("bad.test.")
        file.write_text(HEAD + "bad.test A 192.0.2.2\n")
        await made.reload(made.config)
        return [each.answer[0].rdatas[0][-1] for each in (first, second, await made.ask("bad.test."))]

    assert program(main, HEAD + "bad.test A 192.0.2.1\n") == [1, 1, 2]


def test_servers_that_were_learnt_are_known_by_name_and_address(program):
    async def main(made, _):
        known = made._composed.known
        zone = name("evil.test.")
        servers = (NameServer(name("ns.evil.test."), (Endpoint("192.0.2.1", 53),)), NameServer(name("ns.else.test.")))
        known.delegations.put(zone, Delegation(zone, servers, 300), 300)
        top = Delegation(name("test."), (NameServer(name("ns.nic.test.")),), 300)
        known.delegations.put(top.zone, top, 300)
        learnt = Answered((), sets("ns.else.test. 300 IN A 192.0.2.2"), True)
        known.learn(Question(name("ns.else.test."), Type.A), learnt)
        return list(policy_zones.KnownServers(known).of(name("www.evil.test.")))

    servers = program(main)
    assert [each.name for each in servers] == [name("ns.evil.test."), name("ns.else.test.")]
    assert [each.addresses for each in servers] == [(bytes((192, 0, 2, 1)),), (bytes((192, 0, 2, 2)),)]
