"""Forward zones of a whole program, in virtual time: pools by name, lists, the system's, and what a reload changes."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.balance.pool import Member, Pool
from resolver.config import Config
from resolver.config.upstreams import upstream
from resolver.forwarding import Configured
from resolver.message import Rcode
from resolver.network.base import Endpoint
from resolver.resolv_conf import LOOK_S
from tests.support.clocks import ManualClock
from tests.support.composed import Composed, composed
from tests.support.internet import says

ONE, OTHER = "192.0.2.1", "192.0.2.2"


def forwarding(whom: Any, **changes: Any) -> dict[str, Any]:
    """Settings by which `whom` is asked for everything."""
    resolver = {"roots": "internet", "forward_zones": {".": whom}, **changes.pop("resolver", {})}
    return {"resolver": resolver, "dnssec": {"validation": False}, **changes}


def office(*members: Any, **changes: Any) -> dict[str, Any]:
    said = {"members": members or (ONE, OTHER), "policy": "first-available", "check": "none", **changes}
    return {"pools": {"office": said}}


def answering(made: Composed, *hosts: str) -> None:
    """Each of `hosts` recurses; its answers tell who gave them."""
    for host in hosts:
        said = [f"{name}. 300 IN A {host}" for name in ("a.test", "b.test", "c.test", "d.test")]

        def script(query, transport, said=tuple(said)):
            from resolver.wire import names

            asked = names.to_text(names.fold(query.question.name))
            return says([each for each in said if each.startswith(asked)], ra=True, aa=False)(query, transport)

        made.internet.script(host, script)


def test_a_pool_is_asked_by_its_name_and_its_members_are_told_apart():
    async def main(made):
        answering(made, ONE, OTHER)
        await made.program.reload(Config.model_validate(forwarding("office", **office())))
        first = await made.lines("a.test")
        made.program.pools.drain("office", f"udp://{ONE}:53")
        second = await made.lines("b.test")
        return first, second, made.count("pool.office.replied")

    first, second, replied = composed(main)
    assert (first, second, replied) == ([f"a.test. 300 A {ONE}"], [f"b.test. 300 A {OTHER}"], 2)


def test_a_pool_keeps_what_it_knows_over_a_reload_and_a_list_is_one_too():
    async def main(made):
        answering(made, ONE, OTHER)
        config = Config.model_validate(forwarding([ONE, OTHER]))
        await made.program.reload(config)
        await made.lines("a.test")
        (pool,) = made.program.pools.in_force.values()
        before = [each.replied for each in pool.members]
        await made.program.reload(config)
        await made.lines("b.test")
        return before, [each.replied for each in pool.members], made.count("pools.members")

    before, after, members = composed(main)
    assert (sum(before), sum(after), members) == (1, 2, 2)


def test_without_forward_zones_there_are_no_pools():
    async def main(made):
        await made.program.reload(Config.model_validate({"resolver": {"roots": "internet"}}))
        return made.program.pools.in_force

    assert composed(main) == {}


def test_members_of_the_system_are_asked_as_the_file_says_also_when_it_changes(tmp_path):
    file = tmp_path / "resolv.conf"

    async def main(made):
        answering(made, ONE, OTHER)
        file.write_text(f"nameserver {ONE}\n")
        pools = {"pools": {"system": {"members": "system", "check": "none", "resolv_conf": str(file)}}}
        await made.program.reload(Config.model_validate(forwarding("system", **pools)))
        first = await made.lines("a.test")
        file.write_text(f"nameserver {OTHER}\n# changed\n")
        await made.clock.advance(LOOK_S)
        second = await made.lines("b.test")
        return first, second

    first, second = composed(main)
    assert first == [f"a.test. 300 A {ONE}"]
    assert second == [f"b.test. 300 A {OTHER}"]


def test_who_asks_a_program_that_does_not_listen_asks_the_servers_of_the_system_too(tmp_path):
    (tmp_path / "resolv.conf").write_text(f"nameserver {ONE}\n")

    async def main(made):
        answering(made, ONE)
        return await made.lines("a.test")

    pools = {"pools": {"system": {"members": "system", "resolv_conf": str(tmp_path / "resolv.conf")}}}
    assert composed(main, forwarding("system", **pools)) == [f"a.test. 300 A {ONE}"]


@pytest.mark.parametrize("policy", ["client-hash", "qname-hash", "consistent-hash"])
def test_another_policy_is_in_force_for_members_of_the_system_as_for_others(tmp_path, policy):
    (tmp_path / "resolv.conf").write_text(f"nameserver {ONE}\nnameserver {OTHER}\n")

    async def main(made):
        answering(made, ONE, OTHER)
        said = []
        for each, name in (("round-robin", "a.test"), (policy, "b.test")):
            pool = {"members": "system", "check": "none", "policy": each, "resolv_conf": str(tmp_path / "resolv.conf")}
            await made.program.reload(Config.model_validate(forwarding("system", pools={"system": pool})))
            said += await made.lines(name)
        return len(said)

    assert composed(main) == 2


def test_a_resolv_conf_that_names_this_daemon_alone_is_told_and_nobody_is_asked(tmp_path):
    file = tmp_path / "resolv.conf"

    async def main(made):
        file.write_text("nameserver 127.0.0.1\n")
        pools = {"pools": {"system": {"members": "system", "check": "none", "resolv_conf": str(file)}}}
        settings = forwarding("system", server={"listen": ["127.0.0.1:53"]}, **pools)
        await made.program.reload(Config.model_validate(settings))
        said = await made.ask("a.test")
        return said, made.internet.log.getvalue(), made.internet.asked()

    said, log, asked = composed(main)
    assert said.rcode == Rcode.SERVFAIL
    assert b"[PLNO]" in said.edns.options[0][1]
    assert "names nobody but this daemon, at 127.0.0.1" in log
    assert asked == []


def test_who_may_be_asked_follows_the_members_of_pools():
    pool = Pool("office", [Member("a", upstream(ONE))], _Anybody(), ManualClock())
    configured = Configured(frozenset((Endpoint("192.0.2.9", 53),)), [pool])
    assert Endpoint("192.0.2.9", 53) in configured
    assert Endpoint(ONE, 53) in configured
    assert Endpoint(OTHER, 53) not in configured
    pool.become([Member("b", upstream(OTHER))])
    assert Endpoint(OTHER, 53) in configured
    assert Endpoint(ONE, 53) not in configured


class _Anybody:
    def pick(self, among, key):
        return among[0]

    def chance(self, key):
        return 0.0

    def changed(self, members):
        """Nothing is kept."""
