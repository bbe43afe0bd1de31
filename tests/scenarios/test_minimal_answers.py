"""No answer is larger than it must be: minimal responses, and ANY (RFC 8482)."""

from __future__ import annotations

import pytest

from resolver.message import Rcode
from tests.support import zone_text
from tests.support.composed import Composed, composed
from tests.support.internet import ROOT_SERVER, delegate, leaf, root_with, says
from tests.support.whole import extended_errors

SHOP = "10.0.0.2"
ALL = ("a.shop. 60 IN A 192.0.2.1", "a.shop. 60 IN MX 1 mx.shop.", "a.shop. 60 IN TXT text", "a.shop. 60 IN AAAA ::1")


def build_shop(made: Composed) -> None:
    made.internet.zones(ROOT_SERVER, root_with(*delegate("shop.", SHOP)))
    made.internet.zones(SHOP, leaf("shop.", SHOP, *ALL, "www.shop. 60 IN CNAME a.shop."))


def test_answers_have_nothing_but_the_answer_and_denials_nothing_but_the_soa():
    async def main(made: Composed):
        build_shop(made)
        for name, rtype in (("a.shop.", "MX"), ("www.shop.", "A"), ("shop.", "NS"), ("shop.", "SOA")):
            for _ in range(3):  # of servers, of records, of stored octets
                message = await made.ask(name, rtype)
                assert message.answer
                assert (message.authority, message.additional) == ((), ())
        for name in ("none.shop.", "a.shop."):
            for _ in range(3):
                message = await made.ask(name, "SRV")
                assert [rrset.type for rrset in message.authority] == [6]
                assert (message.answer, message.additional) == ((), ())

    composed(main)


@pytest.mark.rfc(8482, "4.1")
def test_any_is_one_rrset_of_what_is_held_without_asking():
    async def main(made: Composed):
        build_shop(made)
        for rtype in ("TXT", "MX"):
            await made.ask("a.shop.", rtype)
        sent = len(made.internet.sent())
        for rd in (True, False):
            message = await made.ask("a.shop.", "ANY", rd=rd)
            assert zone_text.lines(message.answer) == ["a.shop. 60 MX 1 mx.shop."]
        assert len(made.internet.sent()) == sent

    composed(main)


@pytest.mark.rfc(8482, "4.1")
def test_any_costs_one_question_and_is_one_rrset_of_what_a_server_gives():
    async def main(made: Composed):
        build_shop(made)
        made.internet.script(SHOP, says(ALL))
        for _ in range(3):
            message = await made.ask("a.shop.", "ANY")
            assert zone_text.lines(message.answer) == ["a.shop. 60 A 192.0.2.1"]
        assert made.internet.asked(SHOP) == ["a.shop. ANY"]

    composed(main)


def test_any_of_an_alias_is_the_alias_and_of_nothing_is_a_denial():
    async def main(made: Composed):
        build_shop(made)
        assert zone_text.lines((await made.ask("www.shop.", "ANY")).answer) == ["www.shop. 60 CNAME a.shop."]
        assert zone_text.lines((await made.ask("www.shop.", "ANY")).answer) == ["www.shop. 60 CNAME a.shop."]
        for _ in range(2):
            assert (await made.ask("none.shop.", "ANY")).rcode == Rcode.NXDOMAIN
        assert len(made.internet.sent(SHOP)) == 2

    composed(main)


def test_without_rd_an_answer_comes_from_what_is_held_or_is_refused_and_asks_nobody():
    async def main(made: Composed):
        build_shop(made)
        refused = await made.ask("a.shop.", rd=False)
        assert (refused.rcode, extended_errors(refused)[0][0], len(made.internet.sent())) == (Rcode.REFUSED, 20, 0)
        await made.ask("www.shop.")
        sent = len(made.internet.sent())
        held = await made.ask("www.shop.", rd=False)
        assert (held.rcode, len(held.answer)) == (Rcode.NOERROR, 2)
        assert (await made.ask("www.shop.", "MX", rd=False)).rcode == Rcode.REFUSED  # the alias alone is no answer
        assert (await made.ask("localhost.", rd=False)).rcode == Rcode.NOERROR
        assert len(made.internet.sent()) == sent

    composed(main)


def test_a_set_that_is_too_large_is_told_and_asked_again_after_a_second():
    async def main(made: Composed):
        build_shop(made)
        many = [f"many.shop. 300 IN A 192.0.{number // 250}.{number % 250}" for number in range(101)]
        made.internet.script(SHOP, says(many))
        for asked in (1, 2):
            for _ in range(3):
                message = await made.ask("many.shop.", edns=None)
                assert message.flags & 0x0200  # too large for a datagram too
            assert made.internet.asked(SHOP).count("many.shop. A") == asked * 1
            await made.clock.advance(1)

    composed(main, {"cache": {"serve_stale": False}})
