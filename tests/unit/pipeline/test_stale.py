from __future__ import annotations

import asyncio

import pytest

from resolver.answering import Told, awaited
from resolver.engine.outcome import Answered
from resolver.errors import ResolutionFailed
from resolver.message import Client, Edns, Proof, Query, Question, Rcode, Reply, Status, Transport, Type
from resolver.observe.counters import Counters
from resolver.pipeline.stale import MAX_REFRESHES, RECHECK_S, Stale, Staleness
from resolver.testing.virtual_time import VirtualClock
from tests.support import zone_text
from tests.support.messages import name, sets

WWW = name("www.example.com.")
OLD = sets("www.example.com. 0 IN A 192.0.2.1")
NEW = Reply(Rcode.NOERROR, sets("www.example.com. 300 IN A 192.0.2.2"), ra=True, storable=True)


def broken(label: str = "silent", *, own_limit: bool = False) -> ResolutionFailed:
    return ResolutionFailed("TEST", 22, "nobody", label=label, own_limit=own_limit)


class Past:
    def __init__(self) -> None:
        self.held = {(WWW, int(Type.A)): Answered((), OLD, False)}
        self.age = 0
        self.checked: list[bool] = []

    def recall_stale(self, name: bytes, rtype: int, age: int, checked: bool):
        self.age = age
        self.checked.append(checked)
        return self.held.get((name, rtype))


class Below:
    """Takes `seconds` for `result`."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.seconds, self.asked, self.breaks = clock, 0.0, 0, False
        self.result: Reply | ResolutionFailed = NEW

    def answer(self, query: Query, done: Told) -> None:
        self.asked += 1
        if self.breaks:
            raise ValueError("a bug")
        if self.seconds:
            self.clock.after(self.seconds, lambda: done(self.result))
        else:
            done(self.result)


class Made:
    def __init__(self, **staleness) -> None:
        self.clock = VirtualClock()
        self.past, self.below, self.counters = Past(), Below(self.clock), Counters()
        self.stage = Stale(self.past, self.below, self.clock, self.counters, Staleness(**staleness), max_aliases=11)

    async def ask(self, *, patience: float = 4.5, **changes) -> tuple[Reply, float]:
        began = self.clock.monotonic()
        question = zone_text.question("www.example.com.", "A")
        query = Query(question, Client("192.0.2.9", 0, Transport.UDP), 1, began + patience, rd=True)
        query = query._replace(**changes)
        reply = await awaited(self.stage, query)
        return reply, round(self.clock.monotonic() - began, 3)


def test_without_anything_stale_the_stage_below_answers_or_fails(run):
    async def main():
        made = Made()
        made.past.held.clear()
        assert (await made.ask())[0] is NEW
        made.below.result = broken()
        with pytest.raises(ResolutionFailed, match="TEST"):
            await made.ask()
        assert made.counters.answers_stale == 0

    run(main())


def test_a_refresh_in_time_is_the_answer(run):
    async def main():
        made = Made()
        made.below.seconds = 1.7
        assert await made.ask() == (NEW, 1.7)

    run(main())


@pytest.mark.rfc(8767, "5")
def test_a_refresh_that_takes_longer_goes_on_and_what_is_stale_is_told_after_1_8_s_and_then_at_once(run):
    async def main():
        made = Made()
        made.below.seconds = 3.0
        reply, took = await made.ask()
        assert (zone_text.lines(reply.answer), took) == (["www.example.com. 30 A 192.0.2.1"], 1.8)
        assert [each.code for each in reply.ede] == [3]
        assert not reply.storable
        assert (await made.ask())[1] == 0
        assert (made.below.asked, made.counters.answers_stale, made.past.age) == (1, 2, 86_400)
        await asyncio.sleep(1.3)  # the refresh has ended well: there is no reason left to tell what is stale
        assert ((await made.ask())[1], made.below.asked) == (1.8, 2)

    run(main())


@pytest.mark.parametrize("own_limit", [False, True])
def test_a_failure_is_told_beside_what_is_stale_whoever_is_to_blame(run, own_limit):
    async def main():
        made = Made()
        made.below.result = broken(own_limit=own_limit)
        reply, took = await made.ask()
        assert ([each.code for each in reply.ede], took) == ([3, 22], 0)

    run(main())


@pytest.mark.rfc(8767, "5")
def test_after_a_failure_the_refresh_rests_for_30_s(run):
    async def main():
        made = Made()
        made.below.result, made.below.seconds = broken(), 1.0
        assert (await made.ask())[1] == 1.0
        for _ in range(10):
            assert (await made.ask())[1] == 0
        assert made.below.asked == 1
        made.clock.suspend(RECHECK_S)
        assert (await made.ask())[1] == 1.0
        assert made.below.asked == 2

    run(main())


def test_those_who_ask_at_once_share_a_refresh_and_each_waits_its_own_time(run):
    async def main():
        made = Made()
        made.below.seconds = 3.0
        first, second = asyncio.ensure_future(made.ask()), asyncio.ensure_future(made.ask(patience=0.5))
        assert (await second)[1] == 0.5
        assert (await first)[1] == 1.8
        assert made.below.asked == 1

    run(main())


def test_one_who_gives_up_leaves_the_refresh_to_the_others(run):
    async def main():
        made = Made()
        made.below.seconds = 1.0
        first, second = asyncio.ensure_future(made.ask()), asyncio.ensure_future(made.ask())
        await asyncio.sleep(0.5)
        first.cancel()
        assert (await second)[0] is NEW
        assert made.below.asked == 1

    run(main())


def test_with_a_client_timeout_of_0_nobody_waits_and_the_refresh_is_made_once(run):
    async def main():
        made = Made(client_timeout_s=0.0)
        made.below.seconds = 1.0
        for _ in range(3):
            reply, took = await made.ask()
            assert ([each.code for each in reply.ede], took) == ([3], 0)
            await asyncio.sleep(0.1)
        assert made.below.asked == 1

    run(main())


def test_when_too_many_refreshes_are_under_way_what_is_stale_is_told_without_one(run):
    async def main():
        made = Made()
        made.below.seconds = 1.0
        made.stage._refreshing.update({(WWW, 1_000 + number): [] for number in range(MAX_REFRESHES)})
        reply, took = await made.ask()
        assert ([each.code for each in reply.ede], took, made.below.asked) == ([3], 0, 0)

    run(main())


def test_what_is_not_to_be_believed_is_no_reason_to_tell_what_was(run):
    async def main():
        made = Made()
        made.below.result = broken("bogus")
        for asked in (1, 2):
            with pytest.raises(ResolutionFailed, match="TEST"):
                await made.ask()
            assert made.below.asked == asked

    run(main())


def test_no_ttl_is_above_that_of_what_is_stale(run):
    async def main():
        made = Made(ttl_s=7)
        made.below.result = broken()
        link = sets("www.example.com. 500 IN CNAME web.example.com.")
        made.past.held[WWW, int(Type.A)] = Answered(link, sets("web.example.com. 0 IN A 192.0.2.1"), False)
        reply, _ = await made.ask()
        assert [each.ttl for each in reply.answer] == [7, 7]

    run(main())


def test_all_who_wait_for_a_refresh_hear_of_it_when_it_ends(run):
    async def main():
        made = Made()
        made.below.seconds = 0.1
        took = await asyncio.gather(*(made.ask() for _ in range(6)))
        return took, made.counters.answers_stale, made.stage._refreshing

    assert run(main()) == ([(NEW, 0.1)] * 6, 0, {})


def test_nobody_waits_for_a_refresh_that_broke_and_the_next_one_is_begun(run):
    async def main():
        made = Made()
        made.below.breaks = True
        told = []
        query = Query(zone_text.question("www.example.com.", "A"), Client("192.0.2.9", 0, Transport.UDP), 1, 1e9)
        for _ in range(2):
            with pytest.raises(ValueError, match="a bug"):
                made.stage.answer(query, told.append)
        await asyncio.sleep(5)
        return [zone_text.lines(reply.answer) for reply in told], made.below.asked, made.stage._refreshing

    assert run(main()) == ([["www.example.com. 30 A 192.0.2.1"]] * 2, 2, {})


# -- what was proven


@pytest.mark.rfc(8767, "4")
def test_what_was_proven_is_told_with_its_signatures_but_not_as_proven(run):
    async def main():
        made = Made()
        made.below.result = broken()
        (old,) = OLD
        made.past.held[WWW, int(Type.A)] = Answered(
            (), (old._replace(proof=Proof(Status.SECURE, (b"\0\1\15\3" + bytes(90),))),), False
        )
        reply, _ = await made.ask(ad=True, edns=Edns(do=True))
        return reply.ad, [(each.type, each.ttl) for each in reply.answer]

    assert run(main()) == (False, [(Type.A, 30), (Type.RRSIG, 30)])


def test_a_question_that_wants_nothing_checked_is_looked_up_and_refreshed_as_such(run):
    async def main():
        made = Made()
        made.below.seconds = 1.0
        replies = await asyncio.gather(*(made.ask(cd=cd) for cd in (False, True, True)))
        return [took for _, took in replies], made.below.asked, set(made.past.checked)

    assert run(main()) == ([1.0] * 3, 2, {False, True})


@pytest.mark.parametrize("changes", [{"ad": True}, {"edns": Edns(do=True)}, {"cd": True}])
def test_what_a_refresh_brings_is_told_only_to_those_who_are_told_the_same(run, changes):
    async def main():
        made = Made()
        made.below.seconds = 1.0
        await asyncio.gather(made.ask(), made.ask(**changes), made.ask(edns=Edns()))
        return made.below.asked

    assert run(main()) == 2


def test_what_is_stale_is_to_be_had_without_asking_anyone_where_there_is_no_room(run):
    async def main():
        made = Made(client_timeout_s=1.8)
        query = Query(Question(WWW, Type.A), Client("192.0.2.9", 1, Transport.UDP), 1, made.clock.monotonic() + 4)
        spare = made.stage.spare(query)
        other = made.stage.spare(query._replace(question=Question(name("new.example.com."), Type.A)))
        return spare, other, made.below.asked, made.counters.answers_stale

    spare, other, asked, counted = run(main())
    assert [each.rdatas for each in spare.answer] == [OLD[0].rdatas]
    assert (spare.answer[0].ttl, spare.ede[0].code, spare.storable) == (30, 3, False)
    assert (other, asked, counted) == (None, 0, 1)
