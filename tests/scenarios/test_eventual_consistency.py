"""A change in a zone becomes visible within the TTL: not before, and not later."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.auth.hierarchy import World, load
from resolver.message import Client, Edns, Rcode, Transport
from resolver.network.simulated import Link
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import worlds
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with
from tests.support.strict import run_strictly
from tests.support.whole import whole
from tests.support.zone_text import question


def world_with(tmp_path, *records: str) -> World:
    """The small world, whose shop.test has these records."""
    directory = tmp_path / str(len(list(tmp_path.iterdir())))
    directory.mkdir()
    return load(worlds.write(directory, shop_test="\n".join(("$TTL 3600", "$ORIGIN shop.test.", *records)) + "\n"))


SETTINGS = {"world": {"in_memory": True, "port": 53}}


async def addresses(made, name: str = "www.shop.test.", **options) -> set[int] | None:
    """The last octets of the addresses of `name`, None when it does not exist."""
    message = await made.ask(name, **options)
    if message.rcode == Rcode.NXDOMAIN:
        return None
    assert message.rcode == 0
    return {rdata[3] for rrset in message.answer if rrset.type == 1 for rdata in rrset.rdatas}


class Scripted:
    """A zone of one server that a test changes, seen by clients over UDP and TCP, by octets and from records."""

    def __init__(self, *lines: str) -> None:
        self.world = Internet(link=Link(latency_ms=10))
        self.world.zones(ROOT_SERVER, root_with(*delegate("shop.", "10.0.0.2", ttl=86_400)))
        self.change(*lines)
        self.resolver = Resolver(self.world, answers=True)

    def change(self, *lines: str) -> None:
        self.world.zones("10.0.0.2", leaf("shop.", "10.0.0.2", *lines))

    async def seen(
        self, name: str = "www.shop.", *, tcp: bool = False, edns: bool = True
    ) -> tuple[int, set[int], int | None]:
        """Rcode, last octets of the addresses, lowest TTL. Each way of asking has a stored answer of its own."""
        waiting = asyncio.get_running_loop().create_future()
        wire = render_query(1, question(name, "A"), rd=True, edns=Edns() if edns else None)
        client = Client("192.0.2.1", 1, Transport.TCP if tcp else Transport.UDP)
        self.resolver.responder(wire, client, waiting.set_result)
        message = parse(await waiting)
        found = {rdata[3] for rrset in message.answer for rdata in rrset.rdatas}
        sections = (*message.answer, *message.authority)
        return message.rcode, found, min((each.ttl for each in sections), default=None)


@pytest.mark.rfc(1034, "4.3.5")
def test_a_new_address_is_seen_when_the_ttl_of_the_old_one_has_run_down(run):
    async def main():
        zone = Scripted("www.shop. 300 IN A 192.0.2.1")
        first = await zone.seen()
        zone.change("www.shop. 300 IN A 192.0.2.2")
        clock = zone.world.clock
        learnt = int(clock.boottime())
        history = []
        while clock.boottime() < learnt + 301:
            history.append((int(clock.boottime()) - learnt, await zone.seen()))
            await clock.advance(0.5)
        return first, history

    first, history = run(main())
    assert first == (0, {1}, 300)
    for second, (rcode, found, ttl) in history:
        assert rcode == 0
        if second < 300:
            assert (found, ttl) == ({1}, 300 - second)
        else:
            assert (found, ttl) == ({2}, 300)
            return
    raise AssertionError("never seen")


@pytest.mark.rfc(2308, "5")
def test_a_new_name_is_seen_when_the_denial_of_it_has_run_down(run):
    async def main():
        zone = Scripted()
        first = await zone.seen()
        zone.change("www.shop. 300 IN A 192.0.2.2")
        await zone.world.clock.advance(298)
        before = await zone.seen()
        await zone.world.clock.advance(2)
        return first, before, await zone.seen()

    first, before, after = run(main())
    assert first == (Rcode.NXDOMAIN, set(), 300)
    assert before[:2] == (Rcode.NXDOMAIN, set())
    assert 0 < before[2] <= 2
    assert after == (0, {2}, 300)


def test_a_name_that_was_removed_goes_when_its_ttl_has_run_down(run):
    async def main():
        zone = Scripted("www.shop. 300 IN A 192.0.2.1")
        await zone.seen()
        zone.change()
        await zone.world.clock.advance(298)
        before = await zone.seen()
        await zone.world.clock.advance(2)
        return before[:2], (await zone.seen())[0]

    assert run(main()) == ((0, {1}), Rcode.NXDOMAIN)


def test_each_part_of_a_chain_changes_in_its_own_time(run):
    async def main():
        zone = Scripted("www.shop. 600 IN CNAME web.shop.", "web.shop. 60 IN A 192.0.2.1")
        first = await zone.seen()
        zone.change("www.shop. 600 IN CNAME new.shop.", "web.shop. 60 IN A 192.0.2.2", "new.shop. 60 IN A 192.0.2.3")
        await zone.world.clock.advance(61)
        second = await zone.seen()
        await zone.world.clock.advance(540)
        return first, second, await zone.seen()

    first, second, third = run(main())
    assert (3 in first[1], 2 in second[1], 3 in third[1]) == (False, True, True)
    assert 2 not in third[1]


def test_a_zone_that_moved_is_found_at_its_new_server_when_the_ttl_of_its_delegation_has_run_down(run):
    async def main():
        zone = Scripted("www.shop. 5 IN A 192.0.2.1")
        zone.world.zones(ROOT_SERVER, root_with(*delegate("shop.", "10.0.0.2", ttl=600)))
        await zone.seen()
        zone.world.zones(ROOT_SERVER, root_with(*delegate("shop.", "10.0.0.3", ttl=600)))
        zone.world.zones("10.0.0.3", leaf("shop.", "10.0.0.3", "www.shop. 5 IN A 192.0.2.2"))
        seen = []
        for _ in range(62):
            seen.append((await zone.seen())[1])
            await zone.world.clock.advance(10)
        return seen

    seen = run(main())
    assert seen[:60] == [{1}] * 60
    assert seen[-1] == {2}


@pytest.mark.rfc(2181, "5.4.1")
def test_a_zone_that_was_taken_away_cannot_keep_itself_alive(run):
    """Its own servers may say what they like about its NS set (ghost domains)."""

    async def main():
        zone = Scripted("www.shop. 5 IN A 192.0.2.1", "shop. 86400 IN NS ns.shop.")
        zone.world.zones(ROOT_SERVER, root_with(*delegate("shop.", "10.0.0.2", ttl=300)))
        await zone.seen()
        zone.world.zones(ROOT_SERVER, root_with())
        for _ in range(29):
            await zone.resolver.ask("shop.", "NS")
            await zone.world.clock.advance(10)
        before = (await zone.seen())[0]
        await zone.world.clock.advance(11)
        return before, (await zone.seen())[0]

    assert run(main()) == (0, Rcode.NXDOMAIN)


@settings(derandomize=True, deadline=None, max_examples=120)
@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 90.0),
            st.booleans(),
            st.booleans(),
            st.sampled_from(["ask", "ask", "ask", "change", "suspend"]),
        ),
        min_size=2,
        max_size=30,
    ),
    st.integers(1, 200),
)
def test_ttls_count_down_and_never_rise_whichever_way_one_asks(steps, ttl):
    """Records, and stored answers of four kinds that were made of them at different times, tell the same story."""

    async def main():
        zone = Scripted(f"www.shop. {ttl} IN A 192.0.2.0")
        clock = zone.world.clock
        version = held = 0
        until = -1
        for seconds, tcp, edns, act in steps:
            await clock.advance(seconds)
            if act == "suspend":
                clock.suspend(seconds)
            if act == "change":
                version += 1
                zone.change(f"www.shop. {ttl} IN A 192.0.2.{version}")
            asked_anew = clock.boottime() >= until
            _, found, left = await zone.seen(tcp=tcp, edns=edns)
            if asked_anew:
                held, until = version, int(clock.boottime()) + ttl
            assert found == {held}, "not before and not later"
            assert left == until - int(clock.boottime())

    run_strictly(main())


# -- the whole program


def test_a_reload_with_another_zone_file_is_seen_within_the_ttl_and_not_before(tmp_path):
    old = world_with(tmp_path, "www 300 IN A 192.0.2.1", "stays 300 IN A 192.0.2.9")
    new = world_with(tmp_path, "www 300 IN A 192.0.2.2", "stays 300 IN A 192.0.2.9", "fresh 300 IN A 192.0.2.3")

    async def main(made):
        before = await addresses(made), await addresses(made, "fresh.shop.test.")
        await made.swap(new)
        after = await addresses(made), await addresses(made, tcp=True), await addresses(made, "fresh.shop.test.")
        await made.clock.advance(299)
        last = await addresses(made), await addresses(made, tcp=True)
        await made.clock.advance(1)
        return before, after, last, (await addresses(made), await addresses(made, tcp=True))

    before, after, last, now = whole(main, SETTINGS, world=old)
    assert before == ({1}, None)
    assert after == ({1}, {1}, None)
    assert last == ({1}, {1})
    assert now == ({2}, {2})


def test_a_flush_makes_a_change_visible_at_once(tmp_path):
    old = world_with(tmp_path, "www 300 IN A 192.0.2.1", "a.b 300 IN A 192.0.2.1")
    new = world_with(tmp_path, "www 300 IN A 192.0.2.2", "a.b 300 IN A 192.0.2.2")

    async def main(made):
        for name in ("www.shop.test.", "a.b.shop.test."):
            await addresses(made, name)
        await made.swap(new)
        made.program.flush(names.from_text("www.shop.test."), False)
        one = await addresses(made), await addresses(made, "a.b.shop.test.")
        made.program.flush(names.from_text("shop.test."), True)
        return one, (await addresses(made), await addresses(made, "a.b.shop.test."))

    one, all_ = whole(main, SETTINGS, world=old)
    assert one == ({2}, {1})
    assert all_ == ({2}, {2})


def test_of_another_internet_nothing_is_known(tmp_path):
    old = world_with(tmp_path, "www 300 IN A 192.0.2.1")
    new = world_with(tmp_path, "www 300 IN A 192.0.2.2")

    async def main(made):
        before = await addresses(made)
        world = made.program.config.world.model_copy(update={"directory": tmp_path / "other"})
        made.program._given_world = new
        made.program._bind_front = lambda config, buffer: []
        await made.program.reload(made.program.config.model_copy(update={"world": world}))
        return before, await addresses(made)

    assert whole(main, SETTINGS, world=old) == ({1}, {2})
