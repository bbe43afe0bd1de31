"""There and back: what a resolver was asked in the shipped world is exported, and played."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from resolver.app import build
from resolver.auth.hierarchy import World
from resolver.auth.shipped import load_world
from resolver.config import Config
from resolver.errors import InputError
from resolver.message import Client, Edns, Question, Transport
from resolver.network.entropy import SeededEntropy
from resolver.network.faults import rule
from resolver.observe.history import Seen, seen
from resolver.testing.replay.comparing import Level
from resolver.testing.replay.export import Setting
from resolver.testing.replay.exporting import export
from resolver.testing.replay.verdict import Status, judge
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from resolver.wire.render import render_query
from tests.support.strict import run_strictly

ASKED = (
    ("www.example.com", "A"),
    ("www.example.com", "AAAA"),
    ("www.example.com", "TXT"),  # NODATA
    ("gone.example.com", "A"),  # NXDOMAIN
    ("old.example.com", "A"),  # an alias to another zone
    ("ftp.example.com", "A"),
    ("anything.dev.example.com", "A"),
    ("example.com", "MX"),
    ("www.legacy.example.org", "A"),
    ("node-05.cs.example.edu", "A"),
    ("contact.example.edu", "TXT"),
    ("mail.example.co.kr", "A"),
    ("com", "NS"),
    (".", "DNSKEY"),
    ("1.2.53.127.in-addr.arpa", "PTR"),
    ("www.bogus.dnssec-failed.test", "A"),
    ("www.unsigned.dnssec-failed.test", "A"),
    ("refused.broken.test", "A"),
    ("silent.broken.test", "A"),
    ("truncated.broken.test", "A"),
    ("lame.broken.test", "A"),
    ("one.loop.broken.test", "A"),
    ("localhost", "A"),
    ("nobody.invalid", "A"),
)
FAULTS = (
    {"kind": "silent", "server": "ns1.example.com.", "count": 2},
    {"kind": "wrong_id", "server": "ns2.example.com.", "count": 1},
    {"kind": "truncated", "server": "ns1.example.org."},
    {"kind": "latency", "ms": 150, "server": "a.nic.com."},
    {"kind": "garbage", "server": "ns1.example.co.kr.", "count": 1},
    {"kind": "duplication", "server": "b.nic.com."},
)


@cache
def world() -> World:
    return load_world(None)


def asked(seed: int, settings: dict[str, Any] | None = None) -> tuple[list[Seen], Setting]:
    """What is seen when `ASKED` are, twice, and their TTLs expire in between; and in which setting."""
    settings = {"history": {"messages": 5_000}, "log": {"level": "error"}, **(settings or {})}

    async def main() -> tuple[list[Seen], Setting]:
        clock = VirtualClock()
        program = build(Config.model_validate(settings), world(), clock=clock, entropy=SeededEntropy(seed))
        for fault in FAULTS:
            program.lab.faults.add(rule(fault))
        for seconds in (0.4, 3_700.0, 0.0):
            for number, (name, rtype) in enumerate(ASKED):
                question = Question(names.from_text(name), types.from_text(rtype))
                query = render_query(number, question, rd=True, edns=Edns(do=number % 2 == 0) if number % 3 else None)
                waiting = asyncio.get_running_loop().create_future()
                transport = Transport.TCP if number % 5 == 4 else Transport.UDP
                program.respond(query, Client("127.0.0.1", 4242, transport), waiting.set_result)
                await waiting
            await clock.advance(seconds)
        await program.stop()
        assert program.lab.history is not None
        return list(program.lab.history.select()), Setting.of(program.config, world())

    made: tuple[list[Seen], Setting] = run_strictly(main())
    return made


@pytest.mark.parametrize(
    ("seed", "settings"),
    [
        (1, {}),
        (2, {"dnssec": {"validation": False}}),
        (3, {"resolver": {"qname_minimisation": False}, "cache": {"serve_stale": False, "prefetch": False}}),
    ],
)
def test_what_was_asked_in_the_shipped_world_can_be_played_and_passes(seed, settings, tmp_path):
    made, setting = asked(seed, settings)
    path = tmp_path / "some.rpl"
    verdict = export(made, setting, path, world=world(), title="There and back")
    assert verdict.status is Status.PASS, list(verdict.details())
    assert judge(path).status is Status.PASS
    text = path.read_text()
    assert text.count(" QUERY\n") == text.count(" CHECK_ANSWER\n") == 3 * len(ASKED)
    assert "SCENARIO_BEGIN There and back\n" in text
    assert text.count("MATCH all ttl") > 2.8 * len(ASKED), "TTLs count"
    for kind in ("do_not_answer", "sleep=0.15", "MATCH opcode question UDP", "RRSIG"):
        assert kind in text


@pytest.mark.parametrize(
    ("wanted", "instead"),
    [
        ("www.example.com. 3600 IN A 192.0.2.80", "www.example.com. 3600 IN A 192.0.2.81"),
        ("REPLY QR RD RA NXDOMAIN", "REPLY QR RD RA NOERROR"),
        ("www.example.com. 3600 IN AAAA", "www.example.com. 3599 IN AAAA"),
    ],
)
def test_a_scenario_that_wants_another_answer_fails(wanted, instead, tmp_path):
    made, setting = asked(1)
    path = tmp_path / "some.rpl"
    assert export(made, setting, path).status is Status.PASS
    head, middle, steps = path.read_text().partition("STEP 1 ")
    assert wanted in steps
    path.write_text(head + middle + steps.replace(wanted, instead, 1))
    assert judge(path).status is Status.FAIL


def test_a_scenario_whose_servers_say_something_else_fails(tmp_path):
    made, setting = asked(2)
    path = tmp_path / "some.rpl"
    assert export(made, setting, path).status is Status.PASS
    head, middle, steps = path.read_text().partition("STEP 1 ")
    assert "mail.example.co.kr. 3600 IN A 203.0.113.112" in head
    path.write_text(head.replace("IN A 203.0.113.112", "IN A 192.0.2.99") + middle + steps)
    verdict = judge(path)
    assert verdict.status is Status.FAIL
    assert any(line.startswith("  +answer") and "192.0.2.99" in line for line in verdict.details())


def test_messages_that_went_through_json_make_the_same_scenario(tmp_path):
    made, setting = asked(1)
    again = [seen(each.as_data()) for each in made]
    for each, name in ((made, "one.rpl"), (again, "other.rpl")):
        assert export(each, setting, tmp_path / name).status is Status.PASS

    def steps(name: str) -> str:
        return re.sub(r"UNTIL [\d.]+", "", (tmp_path / name).read_text().partition("STEP 1 ")[2])

    assert steps("one.rpl") == steps("other.rpl")


def test_what_was_held_before_is_asked_of_the_world_or_missing(tmp_path):
    """As where a history was cleared, or only its end is left."""
    made, setting = asked(2)
    clients = [each for each in made if each.side == "client"]
    first, end = (clients[len(ASKED) + number].number for number in (0, 4))
    late = [each for each in made if first <= each.number < end]
    assert export(late, setting, tmp_path / "missing.rpl").status is Status.FAIL
    verdict = export(late, setting, tmp_path / "asked.rpl", world=world())
    assert verdict.status is Status.PASS, list(verdict.details())


def test_it_can_be_exported_where_a_loop_runs(tmp_path):
    made, setting = asked(2)

    async def main():
        return export(made, setting, tmp_path / "some.rpl")

    assert asyncio.run(main()).status is Status.PASS


def test_nothing_is_written_of_a_history_that_is_none(tmp_path):
    with pytest.raises(InputError, match="no client"):
        export([], Setting(), tmp_path / "some.rpl")
    assert not list(Path(tmp_path).iterdir())


def test_what_passes_at_the_level_core_often_passes_strictly(tmp_path):
    made, setting = asked(2)
    path = tmp_path / "some.rpl"
    export(made, setting, path)
    verdict = judge(path, Level.STRICT)
    assert verdict.status is Status.PASS, list(verdict.details())
