"""Pools of a whole program, in virtual time: checked, kept over reloads, drained."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from resolver.balance.pool import Key, Pool, State
from resolver.config import Config
from resolver.config.upstreams import PoolMember, upstream
from resolver.errors import ConfigError, InputError
from resolver.message import QR, RA, Message, Rcode, RRset, Transport, Type
from resolver.network.simulated import Link
from resolver.pools import MAX_COUNTED
from resolver.testing.virtual_time import MONOTONIC_START
from resolver.watched_pool import MAX_TOLD
from resolver.wire import names
from tests.support.composed import Composed, composed
from tests.support.internet import Said

ONE, OTHER = "192.0.2.1", "192.0.2.2"
EVERY_S = 5.0

EVENT = re.compile(r"event=pool_member pool=(\S+) member=(\S+) state=(\S+) before=(\S+)(?: reason=(\"[^\"]*\"|\S+))?")


def office(**changes: Any) -> dict[str, Any]:
    said = {"members": [ONE, OTHER], "check_jitter_percent": 0, "slow_start_s": 0, **changes}
    return {"pools": {"office": said}}


def settings(**changes: Any) -> dict[str, Any]:
    return {"resolver": {"roots": "internet", "allow_private_upstreams": True}, **office(**changes)}


class Scene:
    """A program with a pool of two members that answer checks with an rcode each, None for silence."""

    def __init__(self, made: Composed, **changes: Any) -> None:
        self.made, self.clock, self.pools = made, made.clock, made.program.pools
        self.rcodes: dict[str, int | None] = {ONE: Rcode.NOERROR, OTHER: Rcode.NOERROR}
        self.dead = False
        """Nothing is answered but checks."""
        self.heard: list[tuple[str, float]] = []
        """Checks: who was asked, and when."""
        self.asked: list[tuple[str, float]] = []
        """The same of questions of clients."""
        for host in (ONE, OTHER):
            said = functools.partial(self._said, host)
            made.internet.script(host, said, link=Link(latency_ms=2))

    def _said(self, host: str, query: Message, _: Transport) -> Said:
        assert query.question is not None
        checks = query.question.name == names.ROOT
        (self.heard if checks else self.asked).append((host, round(self.clock.monotonic() - MONOTONIC_START, 1)))
        rcode = self.rcodes[host]
        if rcode is None or (self.dead and not checks):
            return None
        answer = () if rcode or checks else (RRset(query.question.name, Type.A, 1, 0, (bytes(4),)),)
        return Message(query.id, QR | RA, rcode, query.question, answer)

    async def load(self, seconds: int, per_second: int = 5) -> int:
        """Clients have asked so much, each question a new one; how many were not told the answer."""
        lost, pending = 0, []
        for number in range(seconds * per_second):
            pending.append(asyncio.ensure_future(self.made.ask(f"n{len(self.asked)}-{number}.example")))
            await self.clock.advance(1 / per_second)
        for each in pending:
            lost += (await each).rcode != Rcode.NOERROR
        return lost

    async def begin(self, **changes: Any) -> Pool:
        """The pool, which is in force."""
        await self.reload(**changes)
        return self.pools.in_force["office"]

    async def reload(self, config: dict[str, Any] | None = None, **changes: Any) -> None:
        """These settings are in force."""
        plain = {"dnssec": {"validation": False}, **(settings(**changes) if config is None else config)}
        await self.made.program.reload(Config.model_validate(plain))

    def states(self) -> list[str]:
        return [str(each.state) for each in self.pools.in_force["office"].members]

    def events(self) -> list[tuple[str, ...]]:
        """What the log says: member, state, state before, reason."""
        return [match.groups()[1:] for match in EVENT.finditer(self.made.internet.log.getvalue())]


ONE_NAME, OTHER_NAME = f"udp://{ONE}:53", f"udp://{OTHER}:53"


def test_a_member_that_stops_answering_goes_down_and_comes_back():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin()
        await scene.clock.advance(1)
        assert scene.states() == ["up", "up"]
        scene.rcodes[OTHER] = None
        await scene.clock.advance(3 * EVERY_S + 1)
        assert scene.states() == ["up", "down"]
        scene.rcodes[OTHER] = Rcode.NOERROR
        await scene.clock.advance(2 * EVERY_S + 1)
        assert scene.states() == ["up", "up"]
        assert scene.events() == [
            (OTHER_NAME, "down", "up", '"no reply in time"'),
            (OTHER_NAME, "up", "down", None),
        ]
        assert made.count("pools.changes") == 2

    composed(main, settings())


def test_a_member_whose_answer_is_not_the_wanted_one_is_down_at_once():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        scene.rcodes[ONE] = Rcode.SERVFAIL
        pool = await scene.begin()
        await scene.clock.advance(1)
        assert scene.states() == ["down", "up"]
        assert scene.events() == [(ONE_NAME, "down", "up", '"it answers SERVFAIL"')]
        assert {pool.pick(Key()) for _ in range(5)} == {pool.members[1]}

    composed(main, settings())


@pytest.mark.parametrize(("when", "taken"), [("open", 2), ("closed", 0)])
def test_when_all_are_down_the_pool_is_open_or_closed_as_configured(when: str, taken: int):
    async def main(made: Composed) -> None:
        scene = Scene(made)
        scene.rcodes = dict.fromkeys(scene.rcodes)
        pool = await scene.begin(when_all_down=when)
        await scene.clock.advance(2)
        assert scene.states() == ["down", "down"]
        assert len({pool.pick(Key()) for _ in range(10)} - {None}) == taken
        assert "level=error event=pool_member" in made.internet.log.getvalue()

    composed(main, settings())


def test_failures_of_traffic_bring_the_next_check_forward():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        pool = await scene.begin()
        await scene.clock.advance(2)
        scene.rcodes[ONE] = None
        for _ in range(5):
            pool.began(pool.members[0])
            pool.ended(pool.members[0], 0.8, good=False)
        await scene.clock.advance(1.1)
        assert scene.states() == ["down", "up"]
        assert [when for host, when in scene.heard if host == ONE] == [0.0, 2.0]

    composed(main, settings())


def test_without_checks_traffic_alone_decides():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        pool = await scene.begin(check="none", passive_down_s=3)
        for _ in range(5):
            pool.began(pool.members[0])
            pool.ended(pool.members[0], 0.8, good=False)
        assert scene.states() == ["down", "up"]
        assert scene.events() == [(ONE_NAME, "down", "up", '"its traffic fails"')]
        await scene.clock.advance(3)
        assert scene.states() == ["up", "up"]
        assert scene.heard == []

    composed(main, settings())


def test_a_reload_keeps_states_counts_and_who_is_drained():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        scene.rcodes[ONE] = None
        pool = await scene.begin()
        scene.pools.drain("office", OTHER)
        await scene.clock.advance(1.5)
        pool.began(pool.members[1])
        pool.ended(pool.members[1], 0.1, good=True)
        await scene.reload(members=[ONE, {"address": OTHER, "weight": 3}, "192.0.2.3"], policy="first-available")
        assert scene.pools.in_force["office"] is pool
        assert scene.states()[:2] == ["down", "drained"]
        assert pool.members[1].replied == 1
        assert pool.members[1].weight == 3
        checks = next(each for each in scene.pools.listed())["members"]
        assert isinstance(checks, list)
        assert [each["checks"] for each in checks[:2]] == [1, 1]
        scene.pools.undrain("office", OTHER)
        assert scene.states()[:2] == ["down", "up"]

    composed(main, settings())


def test_reloads_neither_bring_checks_forward_nor_put_them_off():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin()
        for _ in range(9):
            await scene.clock.advance(1.2)
            await scene.reload()
        assert [when for host, when in scene.heard if host == ONE] == [0.0, 5.0, 10.0]

    composed(main, settings())


def test_after_a_reload_members_are_judged_by_the_new_settings():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin()
        await scene.clock.advance(1)
        await scene.reload(check_fall=1, check_rcodes=["NXDOMAIN"])
        await scene.clock.advance(EVERY_S)
        assert scene.states() == ["down", "down"]

    composed(main, settings())


def test_a_pool_that_is_gone_is_not_checked_any_more():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin()
        await scene.clock.advance(1)
        await scene.reload({"resolver": {"roots": "internet"}})
        scene.heard.clear()
        await scene.clock.advance(60)
        assert scene.heard == []
        assert made.count("pools.members") == 0

    composed(main, settings())


def test_what_is_coming_changes_nothing_of_what_is_in_force():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        pool = await scene.begin()
        plain = settings(members=["192.0.2.7"]) | {"dnssec": {"validation": False}}
        coming = scene.pools.coming(Config.model_validate(plain))
        assert coming["office"] is pool
        assert [each.name for each in pool.members] == [ONE_NAME, OTHER_NAME]

    composed(main, settings())


def test_members_of_a_pool_in_force_may_be_replaced():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        scene.rcodes[OTHER] = None
        pool = await scene.begin()
        await scene.clock.advance(2)
        scene.heard.clear()
        scene.pools.become("office", [PoolMember(upstream(OTHER)), PoolMember(upstream("192.0.2.3"))])
        await scene.clock.advance(0.1)
        assert [(each.name, each.state) for each in pool.members] == [
            (OTHER_NAME, State.DOWN),
            ("udp://192.0.2.3:53", State.DOWN),
        ], "the one is known to be, the other was checked at once"
        await scene.clock.advance(EVERY_S)
        assert {host for host, _ in scene.heard} == {OTHER}

    composed(main, settings())


def test_it_is_an_error_where_nobody_is_left_also_by_the_word_of_an_operator():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin(check="none")
        scene.pools.drain("office", ONE)
        scene.pools.drain("office", OTHER)
        lines = [line for line in made.internet.log.getvalue().splitlines() if "event=pool_member" in line]
        assert ["level=error" in line for line in lines] == [False, True]

    composed(main, settings())


def test_who_drains_may_name_a_member_by_its_name_or_its_address():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin(members=[{"address": ONE, "name": "left"}, OTHER])
        assert scene.pools.drain("office", "left") == "left"
        assert scene.pools.undrain("office", ONE) == "left"
        assert scene.pools.drain("office", f"udp://{OTHER}:53") == OTHER_NAME
        assert scene.pools.drain("office", f"{OTHER}:53") == OTHER_NAME
        assert scene.states() == ["up", "drained"]
        assert scene.events() == [
            ("left", "drained", "up", '"an operator said so"'),
            ("left", "up", "drained", '"an operator said so"'),
            (OTHER_NAME, "drained", "up", '"an operator said so"'),
        ]

    composed(main, settings())


def test_a_member_with_pins_is_named_as_one_without_them():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin(
            members=[{"address": f"tls://{ONE}#dns.example", "pins": ["A" * 43 + "="]}, OTHER], check="none"
        )
        assert scene.pools.drain("office", f"tls://{ONE}#dns.example") == f"tls://{ONE}:853#dns.example"

    composed(main, settings())


def test_the_address_of_a_member_over_tls_is_enough_to_drain_it():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin(members=[f"tls://{ONE}#dns.example", OTHER, f"tcp://{OTHER}"], check="none")
        for address in (ONE, f"{ONE}:853"):
            assert scene.pools.drain("office", address) == f"tls://{ONE}:853#dns.example"
        with pytest.raises(InputError):
            scene.pools.drain("office", f"{OTHER}:5353")
        assert scene.pools.drain("office", OTHER) == OTHER_NAME, "as it is written for the one over UDP"

    composed(main, settings())


def test_who_names_nobody_is_told_the_nearest():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin(members=[{"address": ONE, "name": "left"}, OTHER])
        with pytest.raises(InputError, match=r"no pool \"ofice\"; did you mean 'office'\?"):
            scene.pools.drain("ofice", ONE)
        with pytest.raises(InputError, match=r"no member \"lefd\"; did you mean 'left'\?"):
            scene.pools.drain("office", "lefd")
        with pytest.raises(InputError, match="no member"):
            scene.pools.drain("office", "192.0.2.1:5353")

    composed(main, settings())


def test_who_names_several_is_told_all_but_too_many():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin(members=[f"{ONE}:{port}" for port in range(1001, 1011)], check="none")
        with pytest.raises(InputError) as caught:
            scene.pools.drain("office", ONE)
        what = f'"{ONE}" may be any of 10 members of the pool "office"; write one of them: udp://{ONE}:1001, udp://'
        assert str(caught.value).startswith(what)
        assert str(caught.value).count("udp://") == MAX_TOLD

    composed(main, settings())


def test_counts_of_many_pools_are_bounded():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        many = {f"p{number}": {"members": [ONE], "check": "none"} for number in range(MAX_COUNTED + 5)}
        await scene.reload({"resolver": {"roots": "internet"}, "pools": many})
        stats = made.program.stats()
        assert stats["pools.members"] == MAX_COUNTED + 5
        assert len({name.split(".")[1] for name in stats if name.startswith("pool.")}) == MAX_COUNTED

    composed(main, settings())


def test_nothing_is_checked_after_the_end():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.begin()
        await scene.clock.advance(1)
        await made.program.stop()
        scene.heard.clear()
        await scene.clock.advance(60)
        assert scene.heard == []

    composed(main, settings())


def test_a_member_starts_slowly_and_its_start_ends_where_it_is_looked_at():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        scene.rcodes[ONE] = None
        pool = await scene.begin()
        pool.slow_start_s = 30
        await scene.clock.advance(1.5)
        scene.rcodes[ONE] = Rcode.NOERROR
        await scene.clock.advance(2 * EVERY_S)
        assert scene.states() == ["starting", "up"]
        await scene.clock.advance(30)
        members = scene.pools.listed()[0]["members"]
        assert isinstance(members, list)
        assert members[0]["state"] == "up"
        assert [event[1] for event in scene.events()] == ["down", "starting", "up"]

    composed(main, settings())


FORWARDING = {"roots": "internet", "allow_private_upstreams": True, "forward_zones": {".": "office"}}


@pytest.mark.parametrize("rcode", [None, Rcode.SERVFAIL], ids=["silence", "SERVFAIL"])
def test_clients_lose_no_answer_while_a_member_fails_and_it_goes_down_by_their_traffic(rcode: int | None):
    async def main(made: Composed) -> None:
        scene = Scene(made)
        said = {"resolver": FORWARDING, **office(check_interval_ms=600_000, policy="round-robin", hedge_percent=0)}
        await scene.reload(said)
        assert await scene.load(4) == 0
        assert len({host for host, _ in scene.asked}) == 2
        scene.rcodes[ONE] = rcode
        assert await scene.load(6) == 0
        assert scene.states() == ["down", "up"]
        assert [event[1] for event in scene.events()] == ["down"]
        scene.asked.clear()
        assert await scene.load(4) == 0
        assert {host for host, _ in scene.asked} == {OTHER}, "nobody waits for who is down"

    composed(main, {"resolver": FORWARDING, **office()})


def test_a_name_that_nobody_can_answer_takes_nobody_down():
    async def main(made: Composed) -> None:
        scene = Scene(made)
        await scene.reload({"resolver": FORWARDING, **office(check_interval_ms=600_000, passive_percent=10)})
        scene.dead = True
        for number in range(8):
            assert (await made.ask(f"dead{number}.example")).rcode == Rcode.SERVFAIL
        await scene.clock.advance(5)
        assert scene.states() == ["up", "up"]
        assert len(scene.heard) > 2, "they were checked for it"

    composed(main, {"resolver": FORWARDING, **office()})


@pytest.mark.parametrize("when", ["open", "closed"])
def test_clients_of_a_pool_that_is_down_are_told_so_or_it_is_asked_all_the_same(when: str):
    async def main(made: Composed) -> None:
        scene = Scene(made)
        scene.rcodes = dict.fromkeys(scene.rcodes)
        await scene.reload({"resolver": FORWARDING, **office(when_all_down=when, check_interval_ms=600_000)})
        await scene.clock.advance(2)
        assert scene.states() == ["down", "down"]
        scene.rcodes = dict.fromkeys(scene.rcodes, Rcode.NOERROR)
        reply = await made.ask("www.example")
        if when == "open":
            assert reply.rcode == Rcode.NOERROR
        else:
            assert reply.rcode == Rcode.SERVFAIL
            assert made.took < 0.1
            assert scene.asked == []

    composed(main, {"resolver": FORWARDING, **office()})


def test_a_reload_with_authorities_that_cannot_be_used_leaves_all_as_it_was(tmp_path: Path):
    async def main(made: Composed) -> None:
        scene = Scene(made)
        pool = await scene.begin()
        with pytest.raises(ConfigError, match=r"pools\.office\.tls_ca"):
            await scene.reload(check="tls", tls_ca=str(tmp_path / "gone.pem"))
        await scene.clock.advance(EVERY_S + 1)
        assert scene.pools.in_force == {"office": pool}
        assert len(scene.heard) == 4, "members are checked as before"

    composed(main, settings())


def test_without_pools_nothing_of_them_is_loaded():
    code = (
        "import asyncio, sys; from resolver.app import build; from resolver.config import Config\n"
        "async def main():\n"
        "    program = build(Config.model_validate({'server': {'listen': ['127.0.0.1:0']}}))\n"
        "    await program.start(); program.stats(); await program.stop()\n"
        "asyncio.run(main())\n"
        "print(*sorted(each for each in sys.modules if 'balanc' in each or 'prob' in each or 'watched_pool' in each))"
    )
    environ = {**os.environ, "RESOLVER_PURE": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == [], done.stderr
