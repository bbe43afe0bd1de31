"""What is asked for often is renewed before it ends, and nobody waits for that."""

from __future__ import annotations

from tests.support.composed import Composed, composed
from tests.support.internet import ROOT_SERVER, delegate, leaf, root_with

SHOP = "10.0.0.2"


def build_shop(made: Composed, last: int) -> None:
    made.internet.zones(ROOT_SERVER, root_with(*delegate("shop.", SHOP)))
    made.internet.zones(
        SHOP, leaf("shop.", SHOP, f"www.shop. 100 IN A 192.0.2.{last}", f"short.shop. 9 IN A 192.0.2.{last}")
    )


async def ask_every_second(made: Composed, name: str, seconds: int) -> list[str]:
    """The answers to a question asked each second; fails if one is waited for."""
    found = []
    for _ in range(seconds):
        found += await made.lines(name)
        assert made.took == 0
        await made.clock.advance(1)
    return found


def test_a_popular_answer_is_renewed_in_the_last_tenth_of_its_ttl_and_never_waited_for():
    async def main(made: Composed):
        build_shop(made, 1)
        await made.ask("www.shop.")
        build_shop(made, 2)
        told = await ask_every_second(made, "www.shop.", 150)
        assert told[89] == "www.shop. 11 A 192.0.2.1"
        assert told[90] == "www.shop. 10 A 192.0.2.1"
        assert told[91] == "www.shop. 99 A 192.0.2.2"
        assert made.internet.asked(SHOP).count("www.shop. A") == 2
        assert made.count("cache.prefetched") == 1
        assert made.count("answers.stored") > 140

    composed(main)


def test_who_asks_as_the_last_tenth_begins_has_the_old_answer_and_the_next_one_the_new():
    async def main(made: Composed):
        build_shop(made, 1)
        await made.ask("www.shop.")
        await made.clock.advance(50)
        await made.ask("www.shop.")  # is stored as octets now
        await made.clock.advance(40)
        build_shop(made, 2)
        assert await made.lines("www.shop.") == ["www.shop. 10 A 192.0.2.1"]
        await made.clock.advance(0.1)
        assert await made.lines("www.shop.") == ["www.shop. 100 A 192.0.2.2"]

    composed(main)


def test_an_answer_made_from_records_each_time_is_renewed_once_too():
    async def main(made: Composed):
        build_shop(made, 1)
        await made.ask("www.shop.")
        build_shop(made, 2)
        told = await ask_every_second(made, "www.shop.", 150)
        assert (told[90], told[91]) == ("www.shop. 10 A 192.0.2.1", "www.shop. 99 A 192.0.2.2")
        assert made.internet.asked(SHOP).count("www.shop. A") == 2
        assert made.count("answers.stored") == 0

    composed(main, {"log": {"queries": True}})


def test_what_is_asked_for_once_in_its_life_is_not_renewed_nor_is_what_lives_shortly():
    async def main(made: Composed):
        build_shop(made, 1)
        for name, seconds in (("www.shop.", 89), ("short.shop.", 8)):
            await made.ask(name)
            await made.clock.advance(seconds)
            await made.ask(name)
            await made.clock.advance(20)
        assert made.count("cache.prefetched") == 0
        assert made.internet.asked(SHOP).count("www.shop. A") == 1

    composed(main)


def test_a_renewal_that_fails_is_not_repeated_at_each_question_and_ends_nothing():
    async def main(made: Composed):
        build_shop(made, 1)
        await made.ask("www.shop.")
        await made.clock.advance(90)
        made.network.silence()
        assert len(await ask_every_second(made, "www.shop.", 10)) == 10
        assert made.count("cache.prefetched") <= 2
        assert len(made.internet.asked(SHOP)) <= 1 + 2 * 3

    composed(main)


def test_it_can_be_turned_off():
    async def main(made: Composed):
        build_shop(made, 1)
        await made.ask("www.shop.")
        await made.clock.advance(91)
        await ask_every_second(made, "www.shop.", 9)
        return made.count("cache.prefetched"), len(made.internet.asked(SHOP))

    assert composed(main, {"cache": {"prefetch": False}}) == (0, 1)


def test_without_rd_nothing_is_renewed():
    async def main(made: Composed):
        build_shop(made, 1)
        await made.ask("www.shop.")
        await made.clock.advance(95)
        assert len((await made.ask("www.shop.", rd=False)).answer) == 1
        return made.count("cache.prefetched")

    assert composed(main) == 0
