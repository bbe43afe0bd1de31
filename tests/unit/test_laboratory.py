"""The laboratory: what is changed of a running program is in force whole or not at all, and can be taken back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from resolver import laboratory
from resolver.app import build
from resolver.auth import hierarchy, shipped
from resolver.auth.plan import Plan
from resolver.config import Config
from resolver.errors import ConfigError, InputError, ListenError, ResolutionFailed, ZoneError
from resolver.laboratory import Laboratory
from resolver.listeners import bind_all
from resolver.message import Rcode, Status, Type
from resolver.network.entropy import SeededEntropy
from resolver.network.faults import rule
from resolver.testing.virtual_time import VirtualClock
from tests.support import worlds
from tests.support.plans import key, shop
from tests.support.strict import run_strictly

IN_MEMORY: dict[str, Any] = {"world": {"in_memory": True}, "cache": {"serve_stale": False, "prefetch": False}}


class Bench:
    """A laboratory in virtual time that does not listen."""

    def __init__(self, plan: Plan | None, settings: dict[str, Any]) -> None:
        self.clock = VirtualClock()
        world = None if plan is None else plan.world()
        config = Config.model_validate(settings)
        self.program = build(config, world, clock=self.clock, entropy=SeededEntropy(1))
        self.laboratory = Laboratory(self.program, self.clock, plan)

    async def addresses(self, name: str) -> list[str]:
        """The IPv4 addresses that a client is told."""
        return [".".join(map(str, rdata)) for rrset in (await self.program.ask(name)).answer for rdata in rrset.rdatas]


def on(
    main: Callable[[Bench], Coroutine[Any, Any, Any]], plan: Plan | None = None, settings: dict[str, Any] | None = None
) -> Any:
    async def go() -> Any:
        bench = Bench(plan, settings or IN_MEMORY)
        try:
            return await main(bench)
        finally:
            await bench.program.stop()

    return run_strictly(go())


def test_a_change_is_in_force_when_it_has_been_applied_and_the_cache_goes_on() -> None:
    async def main(bench: Bench) -> None:
        plan = bench.laboratory.plan
        first = await bench.addresses("www.shop.example")
        plan.put("www.shop.example", "A", ["192.0.2.9"])
        plan.put("new.shop.example", "A", ["192.0.2.8"])
        assert await bench.addresses("new.shop.example") == []
        plan.put("other.shop.example", "A", ["192.0.2.7"])
        await bench.laboratory.apply()
        assert await bench.addresses("www.shop.example") == first
        assert await bench.addresses("other.shop.example") == ["192.0.2.7"]
        await bench.clock.advance(61)
        assert await bench.addresses("www.shop.example") == ["192.0.2.9"]

    on(main, shop())


def test_what_is_to_be_forgotten_is_asked_for_again() -> None:
    async def main(bench: Bench) -> None:
        plan = bench.laboratory.plan
        await bench.addresses("www.shop.example")
        assert (await bench.program.ask("a.b.shop.example")).rcode == Rcode.NXDOMAIN
        assert (await bench.program.ask("x.wild.shop.example")).rcode == Rcode.NXDOMAIN
        plan.put("www.shop.example", "A", ["192.0.2.9"])
        plan.put("a.b.shop.example", "A", ["192.0.2.8"])
        plan.put("*.wild.shop.example", "A", ["192.0.2.7"])
        await bench.laboratory.apply([key("www.shop.example"), key("a.b.shop.example"), key("*.wild.shop.example")])
        assert await bench.addresses("www.shop.example") == ["192.0.2.9"]
        assert await bench.addresses("a.b.shop.example") == ["192.0.2.8"]
        assert await bench.addresses("x.wild.shop.example") == ["192.0.2.7"]

    on(main, shop())


def test_a_name_above_what_is_to_be_forgotten_exists_and_nobody_else_is_asked_again() -> None:
    async def main(bench: Bench) -> None:
        plan = bench.laboratory.plan
        for name in ("b.shop.example", "www.shop.example", "shop.example"):
            await bench.program.ask(name)
        plan.put("a.b.shop.example", "A", ["192.0.2.8"])
        await bench.laboratory.apply([key("a.b.shop.example")])
        sent = bench.program.stats()["upstream.sent"]
        assert (await bench.program.ask("b.shop.example")).rcode == Rcode.NOERROR
        assert await bench.addresses("www.shop.example") == ["192.0.2.1", "192.0.2.2"]
        assert bench.program.stats()["upstream.sent"] == int(sent) + 1

    on(main, shop())


def test_with_a_zone_all_that_is_below_it_is_forgotten() -> None:
    async def main(bench: Bench) -> None:
        plan = bench.laboratory.plan
        assert await bench.addresses("www.shop.example") == ["192.0.2.1", "192.0.2.2"]
        plan.without_zone("shop.example")
        await bench.laboratory.apply([key("shop.example")])
        assert (await bench.program.ask("www.shop.example")).rcode == Rcode.NXDOMAIN
        plan.zone("shop.example", {"www": {"A": "192.0.2.5"}})
        await bench.laboratory.apply([key("shop.example")])
        assert await bench.addresses("www.shop.example") == ["192.0.2.5"]

    on(main, shop())


def test_a_signed_zone_is_proven_from_the_root_as_soon_as_it_is_declared() -> None:
    async def main(bench: Bench) -> None:
        plan = bench.laboratory.plan
        assert await bench.addresses("www.shop.example") == ["192.0.2.1", "192.0.2.2"]
        plan.sign("shop.example", "nsec")
        await bench.laboratory.apply()
        assert (await bench.program.ask("www.shop.example")).answer[0].status == Status.SECURE
        plan.sign("shop.example", {"fault": "expired"})
        await bench.laboratory.apply([key("shop.example")])
        with pytest.raises(ResolutionFailed):
            await bench.program.ask("www.shop.example")

    on(main, shop(), {**IN_MEMORY, "dnssec": {"validation": True}})


@pytest.mark.parametrize("name", ["test", "gtld.test", "root-servers.test", "elsewhere.example"])
def test_names_are_resolved_however_their_servers_are_named(name: str) -> None:
    async def main(bench: Bench) -> None:
        plan = bench.laboratory.plan
        plan.zone(name, {"www": {"A": "192.0.2.7"}})
        plan.zone("glueless.example", {"www": {"A": "192.0.2.8"}}, servers=["ns.deep.elsewhere.example", f"ns.{name}"])
        plan.zone("2.0.192.in-addr.arpa", {"1": {"PTR": "www.shop.example."}}, servers=["ns1.shop.example"])
        await bench.laboratory.apply()
        assert await bench.addresses(f"www.{name}") == ["192.0.2.7"]
        assert await bench.addresses("www.glueless.example") == ["192.0.2.8"]
        assert await bench.addresses("www.shop.example") == ["192.0.2.1", "192.0.2.2"]
        assert len((await bench.program.ask("1.2.0.192.in-addr.arpa", "PTR")).answer) == 1

    on(main, shop())


def test_a_change_that_cannot_be_in_force_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(bench: Bench) -> None:
        plan = bench.laboratory.plan
        before = plan.save()

        async def full(world: object) -> None:
            raise ListenError("no room")

        plan.put("www.shop.example", "A", ["192.0.2.9"])
        with monkeypatch.context() as patched:
            patched.setattr(bench.program, "change", full)
            with pytest.raises(ListenError):
                await bench.laboratory.apply()
        assert plan.save() is before
        plan.put("www.shop.example", "A", ["192.0.2.9"])
        plan.put("ok.shop.example", "A", ["192.0.2.9"])

        def impossible(*_given: object) -> None:
            raise ZoneError("no such world")

        with monkeypatch.context() as patched:
            patched.setattr("resolver.auth.worlds.check", impossible)
            with pytest.raises(ZoneError):
                await bench.laboratory.apply()
        assert plan.save() is before
        assert await bench.addresses("www.shop.example") == ["192.0.2.1", "192.0.2.2"]

    on(main, shop())


def test_of_two_changes_at_once_the_second_goes_back_to_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(bench: Bench) -> None:
        plan, change, worlds_seen = bench.laboratory.plan, bench.program.change, []

        async def slowly(world: hierarchy.World) -> None:
            worlds_seen.append(world)
            await asyncio.sleep(1)
            if len(worlds_seen) == 2:
                raise ListenError("no room")
            await change(world)

        monkeypatch.setattr(bench.program, "change", slowly)
        plan.put("one.shop.example", "A", ["192.0.2.1"])
        first = asyncio.ensure_future(bench.laboratory.apply())
        await asyncio.sleep(0)
        plan.put("two.shop.example", "A", ["192.0.2.2"])
        with pytest.raises(ListenError):
            await bench.laboratory.apply()
        await first
        assert "one.shop.example." in plan.names()
        assert "two.shop.example." not in plan.names()

    on(main, shop())


def test_nothing_is_put_in_force_where_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(bench: Bench) -> None:
        async def change(world: object) -> None:
            pytest.fail("it was what it is")

        monkeypatch.setattr(bench.program, "change", change)
        await bench.laboratory.apply()
        saved = bench.laboratory.plan.save()
        bench.laboratory.plan.put("www.shop.example", "A", ["192.0.2.9"])
        bench.laboratory.plan.restore(saved)
        await bench.laboratory.apply()

    on(main, shop())


# -- where the plan comes from


def test_the_plan_of_the_shipped_world_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    original = Plan.read

    def reading(directory: Path) -> Plan:
        read.append(directory)
        return original(directory)

    monkeypatch.setattr(Plan, "read", reading)

    async def main(bench: Bench) -> None:
        assert await bench.addresses("www.example.com") == ["192.0.2.80"]
        assert read == []
        bench.laboratory.plan.put("new.example.com", "A", ["192.0.2.9"])
        await bench.laboratory.apply()
        assert await bench.addresses("new.example.com") == ["192.0.2.9"]
        assert await bench.addresses("www.example.net") == ["198.51.100.80"]
        assert read == [shipped.find_zones()]

    on(main)


def test_a_reload_reads_the_directory_again_and_what_was_changed_is_gone(tmp_path: Path) -> None:
    zones = tmp_path / "zones"
    shutil.copytree(shipped.find_zones(), zones)
    with (zones / "example.com.zone").open("a", encoding="utf-8") as file:
        file.write("later A 192.0.2.50\n")

    async def main(bench: Bench) -> None:
        first = bench.laboratory.plan
        first.put("new.example.com", "A", ["192.0.2.9"])
        await bench.laboratory.apply()
        assert await bench.addresses("new.example.com") == ["192.0.2.9"]
        bench.laboratory.save("with new")
        with (zones / "example.com.zone").open("a", encoding="utf-8") as file:
            file.write("latest A 192.0.2.51\n")
        await bench.program.reload(bench.program.config)
        bench.program.flush(b"\0", subtree=True)
        assert await bench.addresses("new.example.com") == []
        assert await bench.addresses("latest.example.com") == ["192.0.2.51"]
        assert bench.laboratory.plan is not first
        assert bench.laboratory.plan is bench.laboratory.plan
        await bench.laboratory.restore("with new")
        assert await bench.addresses("new.example.com") == ["192.0.2.9"]
        assert await bench.addresses("latest.example.com") == []

    on(main, None, {**IN_MEMORY, "world": {"in_memory": True, "directory": str(zones)}})


def test_a_world_that_was_handed_over_survives_a_reload_as_it_was_changed() -> None:
    async def main(bench: Bench) -> None:
        bench.laboratory.plan.put("new.shop.example", "A", ["192.0.2.9"])
        await bench.laboratory.apply()
        await bench.program.reload(bench.program.config)
        assert await bench.addresses("new.shop.example") == ["192.0.2.9"]
        assert bench.laboratory.plan.where(key("new.shop.example"), 1) is not None

    on(main, shop())


def test_a_world_that_was_handed_over_without_a_plan_cannot_be_changed(tmp_path: Path) -> None:
    async def go() -> None:
        clock = VirtualClock()
        world = hierarchy.load(worlds.write(tmp_path))
        program = build(Config.model_validate(IN_MEMORY), world, clock=clock, entropy=SeededEntropy(1))
        with pytest.raises(ConfigError, match=r"handed in as an object.*; hand over the plan"):
            _ = Laboratory(program).plan
        await program.stop()

    run_strictly(go())


def test_where_no_world_is_served_there_is_none_to_change() -> None:
    async def main(bench: Bench) -> None:
        with pytest.raises(ConfigError, match="no world is served"):
            _ = bench.laboratory.plan

    on(main, None, {"resolver": {"roots": "internet"}})


@pytest.mark.sockets
def test_a_server_that_is_new_listens_and_one_that_is_gone_does_not(on_loop: Callable[..., Any]) -> None:
    async def main() -> None:
        bound: list[str] = []

        def bind(endpoints: Any, buffer: Any, kind: Any) -> Any:
            return bind_all(endpoints, buffer, kind)

        config = Config.model_validate({"server": {"listen": ["127.0.0.1:0"]}, "world": {"port": 5399}})
        plan = shop()
        program = build(config, plan.world(), bind=bind)
        await program.start()
        lab = Laboratory(program, None, plan)
        plan.zone("bank.test", servers=["ns.bank.test"])
        plan.without_zone("shop.example")
        await asyncio.gather(lab.apply(), lab.apply())
        bound += [name for name, _ in program.simulated]
        await program.stop()
        assert bound == ["a.root-servers.test.", "a.gtld.test.", "ns.bank.test."]

    on_loop(main())


# -- snapshots


def test_zones_and_faults_are_what_they_were_when_a_snapshot_is_restored() -> None:
    async def main(bench: Bench) -> None:
        lab = bench.laboratory
        lab.faults.add(rule({"kind": "refused", "server": "ns1.shop.example."}))
        told = lab.save("before")
        assert told == {"name": "before", "time": bench.clock.wall(), "zones": 3, "faults": 1}
        lab.faults.clear()
        lab.faults.add(rule({"kind": "servfail", "name": "other.shop.example"}))
        lab.plan.without_zone("shop.example")
        await lab.apply()
        assert (await bench.program.ask("www.shop.example")).rcode == Rcode.NXDOMAIN
        await bench.clock.advance(5)
        assert await lab.restore("before") == told
        assert [(each["kind"], each["server"]) for each in lab.faults.listed()] == [("refused", "ns1.shop.example.")]
        assert await bench.addresses("www.shop.example") == ["192.0.2.1", "192.0.2.2"]
        assert lab.saved() == [told]
        assert lab.drop("before") == told
        assert lab.saved() == []

    on(main, shop())


def test_a_snapshot_is_found_by_its_name_and_there_are_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laboratory, "MAX_SNAPSHOTS", 2)

    async def main(bench: Bench) -> None:
        lab = bench.laboratory
        with pytest.raises(InputError, match="there is no such snapshot; save one first"):
            await lab.restore("one")
        lab.save("one")
        lab.save("two")
        with pytest.raises(
            InputError, match=r"three: 2 snapshots are the most; drop one, or save over one of: one, two"
        ):
            lab.save("three")
        lab.save("one")
        assert [each["name"] for each in lab.saved()] == ["two", "one"]
        with pytest.raises(InputError, match="tow: there is no such snapshot; did you mean 'two'"):
            lab.drop("tow")
        for name in ("", "x" * 101, "a\nb"):
            with pytest.raises(InputError, match="is no name of a snapshot; write 1 to 100 printable characters"):
                lab.save(name)

    on(main, shop())


def test_faults_that_the_world_declares_are_its_own_and_in_no_snapshot(tmp_path: Path) -> None:
    text = worlds.SMALL + '[[fault]]\nkind = "refused"\nserver = "ns1.shop.test"\n'

    async def main(bench: Bench) -> None:
        lab = bench.laboratory
        assert lab.save("one")["faults"] == 0
        await lab.restore("one")
        assert [each["declared"] for each in lab.faults.listed() if each["state"] != "over"] == [True]

    settings = {**IN_MEMORY, "world": {"in_memory": True, "directory": str(worlds.write(tmp_path, text))}}
    on(main, None, settings)


def test_the_lines_of_records_are_those_of_the_world_as_it_is_now(tmp_path: Path) -> None:
    zones = tmp_path / "zones"
    shutil.copytree(shipped.find_zones(), zones)
    written = (zones / "example.com.zone").read_text().splitlines()

    async def main(bench: Bench) -> None:
        lines = bench.program.lab.lines
        assert lines is not None
        www = key("www.example.com")
        where = lines(www, Type.A)
        assert where is not None
        assert Path(where.file).name == "example.com.zone"
        assert "192.0.2.80" in written[where.line - 1]
        bench.laboratory.plan.put("www.example.com", "A", ["192.0.2.9"])
        await bench.laboratory.apply()
        changed = lines(www, Type.A)
        assert changed is None or not changed.line
        shutil.rmtree(zones)
        bench.program.reloads += 1  # the directory is to be read again, and cannot be
        assert lines(www, Type.A) is None

    on(main, settings={"world": {"in_memory": True, "directory": str(zones)}})
