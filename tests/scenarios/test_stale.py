"""What clients get when a zone's servers are gone (RFC 8767)."""

from __future__ import annotations

import pytest

from resolver.message import Rcode
from tests.support import zone_text
from tests.support.composed import Composed, composed
from tests.support.internet import ROOT_SERVER, delegate, leaf, root_with
from tests.support.whole import extended_errors

SHOP, HOST = "10.0.0.2", "10.0.0.3"


def build_shop(made: Composed, *, address: str = "192.0.2.1", ttl: int = 60) -> None:
    """shop. with an alias into host., which has the address."""
    made.internet.zones(ROOT_SERVER, root_with(*delegate("shop.", SHOP), *delegate("host.", HOST)))
    made.internet.zones(SHOP, leaf("shop.", SHOP, f"www.shop. {ttl * 10} IN CNAME web.host."))
    made.internet.zones(HOST, leaf("host.", HOST, f"web.host. {ttl} IN A {address}", f"a.host. {ttl} IN A {address}"))


def codes(message) -> list[int]:
    return [code for code, _ in extended_errors(message)]


@pytest.mark.rfc(8767, "4")
@pytest.mark.rfc(8767, "5")
def test_when_the_servers_are_gone_what_has_expired_is_told_in_time_and_then_at_once():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("a.host.")
        await made.clock.advance(61)
        made.network.silence(HOST)
        first = await made.ask("a.host.")
        assert zone_text.lines(first.answer) == ["a.host. 30 A 192.0.2.1"]
        assert (first.rcode, codes(first)) == (Rcode.NOERROR, [3]), "in time, before the servers are given up"
        assert 0 < made.took <= 1.8
        for _ in range(3):
            again = await made.ask("a.host.")
            assert zone_text.lines(again.answer) == ["a.host. 30 A 192.0.2.1"]
            assert made.took == 0
            await made.clock.advance(5)
        assert (made.count("answers.stale"), made.count("answers.stored")) == (4, 0)

    composed(main)


@pytest.mark.rfc(8767, "5")
def test_a_refresh_is_tried_again_every_30_s_and_one_that_works_ends_it():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("a.host.")
        await made.clock.advance(61)
        made.network.silence(HOST)
        await made.ask("a.host.")
        await made.clock.advance(10)
        sent = len(made.internet.sent(HOST))
        await made.ask("a.host.")
        await made.clock.advance(10)
        assert len(made.internet.sent(HOST)) == sent  # at rest
        await made.clock.advance(15)
        made.network.restore()
        build_shop(made, address="192.0.2.2")
        await made.clock.advance(60)  # what was learnt of the silent server is over too
        fresh = await made.ask("a.host.")
        assert zone_text.lines(fresh.answer) == ["a.host. 60 A 192.0.2.2"]
        assert codes(fresh) == []

    composed(main)


def test_a_chain_is_stale_as_a_whole_when_its_end_is():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("www.shop.")
        await made.clock.advance(61)
        made.network.silence()
        stale = await made.ask("www.shop.")
        assert zone_text.lines(stale.answer) == ["web.host. 30 A 192.0.2.1", "www.shop. 30 CNAME web.host."]
        await made.clock.advance(3600)
        later = await made.ask("www.shop.")
        assert zone_text.lines(later.answer) == zone_text.lines(stale.answer)

    composed(main)


@pytest.mark.rfc(8914, "4.20")
def test_a_stale_name_error_says_that_it_is_one():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("none.host.")
        await made.clock.advance(301)
        made.network.silence(HOST)
        stale = await made.ask("none.host.")
        assert (stale.rcode, codes(stale)[0], stale.authority[0].ttl) == (Rcode.NXDOMAIN, 19, 30)
        nodata = await made.ask("a.host.", "AAAA")
        assert nodata.rcode == Rcode.SERVFAIL

    composed(main)


def test_a_denial_takes_the_place_of_what_is_stale_and_a_failure_does_not():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("a.host.")
        await made.clock.advance(61)
        made.internet.zones(HOST, leaf("host.", HOST))
        assert (await made.ask("a.host.")).rcode == Rcode.NXDOMAIN
        await made.clock.advance(301)
        made.network.silence(HOST)
        assert codes(await made.ask("a.host."))[0] == 19

    composed(main)


@pytest.mark.rfc(8767, "5")
def test_what_has_expired_for_too_long_is_not_told_and_nothing_is_when_it_is_off():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("a.host.")
        await made.clock.advance(60 + 99)
        made.network.silence(HOST)
        early = await made.ask("a.host.")
        await made.clock.advance(1)
        return early.rcode, (await made.ask("a.host.")).rcode

    assert composed(main, {"cache": {"stale_max_age_s": 100}}) == (Rcode.NOERROR, Rcode.SERVFAIL)
    assert composed(main, {"cache": {"serve_stale": False}}) == (Rcode.SERVFAIL, Rcode.SERVFAIL)


def test_with_a_client_timeout_of_0_the_stale_answer_comes_at_once_and_the_next_is_fresh():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("a.host.")
        await made.clock.advance(61)
        build_shop(made, address="192.0.2.2")
        assert await made.lines("a.host.") == ["a.host. 30 A 192.0.2.1"]
        assert made.took == 0
        await made.clock.advance(1)
        assert await made.lines("a.host.") == ["a.host. 59 A 192.0.2.2"]

    composed(main, {"cache": {"stale_client_timeout_ms": 0}})


def test_after_suspend_what_expired_meanwhile_is_refreshed_first():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("a.host.")
        await made.ask("a.host.")
        made.clock.suspend(3600)
        build_shop(made, address="192.0.2.2")
        assert await made.lines("a.host.") == ["a.host. 60 A 192.0.2.2"]
        made.network.silence()
        made.clock.suspend(3600)
        assert await made.lines("a.host.") == ["a.host. 30 A 192.0.2.2"]

    composed(main)


def test_without_rd_nothing_stale_is_told():
    async def main(made: Composed):
        build_shop(made)
        await made.ask("a.host.")
        await made.clock.advance(61)
        refused = await made.ask("a.host.", rd=False)
        return refused.rcode, codes(refused)

    assert composed(main) == (Rcode.REFUSED, [20])
