"""Each question of a client has a tree of its own, whoever else asks at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from resolver.engine.actions import Lookup
from resolver.engine.budget import Budget, Limits
from resolver.errors import ResolutionFailed
from resolver.message import Client, Query, Reply, Transport
from resolver.observe.notes import At, Faulted, Held, Inferred, Joined, Stage
from resolver.observe.transcript import Node, Root, Transcript
from resolver.pipeline.staged import Staged
from resolver.pipeline.transcribed import Transcribed
from tests.support import zone_text
from tests.support.explained import Explaining, shipped
from tests.support.internet import ROOT_SERVER, Internet, Resolver
from tests.support.whole import whole


def roots(made: Any) -> list[Root]:
    """The questions of clients, in their order."""
    return [root for root in made.transcript.asked_for if root.query is not None]


def asked(node: Node) -> set[str]:
    """The names that were asked for below `node`."""
    found = {each.asked.partition(" ")[0] for each in node.below}
    return found.union(*(asked(each) for each in node.below)) if node.below else found


def test_without_a_transcript_it_is_not_there():
    async def main(made):
        return type(made.program.respond.answerer)

    assert whole(main) is Staged
    assert whole(main, transcribed=True) is Transcribed


def test_each_question_has_a_tree_with_what_it_was_told():
    async def main(made: Explaining):
        await made.why("www.example.com")
        await made.why("refused.broken.test")
        return roots(made)

    answered, failed = shipped(main)
    assert (answered.asked, answered.came_back) == ("www.example.com. A", "1 A")
    assert isinstance(answered.told, Reply)
    assert "www.example.com." in asked(answered)
    assert isinstance(failed.told, ResolutionFailed)
    assert "RFSD" in failed.came_back
    assert "www.example.com." not in asked(failed)


@pytest.mark.parametrize(
    ("name", "rtype", "stage"),
    [
        ("health.resolverd.invalid", "TXT", Stage.SCREENED),
        ("printer.local", "A", Stage.RESERVED),
        ("www.example.com", "A", Stage.CACHED),
    ],
)
def test_what_was_at_hand_is_noted_with_the_stage_that_had_it(name, rtype, stage):
    async def main(made: Explaining):
        await made.why("www.example.com")
        await made.clock.advance(40)
        await made.why(name, rtype)
        return roots(made)[-1]

    root = shipped(main)
    assert At(stage) in root.notes
    assert (Held(40, 3560) in root.notes) is (stage is Stage.CACHED)
    assert root.below == []


def test_where_nothing_is_at_hand_looking_leaves_no_tree_of_its_own():
    async def main(made: Explaining):
        await made.why("www.example.com")
        return len(roots(made))

    assert shipped(main) == 1


def test_nothing_is_stored_as_octets_which_would_be_told_past_it():
    async def main(made: Explaining):
        for _ in range(4):
            await made.why("www.example.com")
        return len(roots(made)), made.program.stats()["answers.stored"]

    assert shipped(main) == (4, 0)


def test_questions_at_the_same_time_do_not_mix():
    async def main(made: Explaining):
        names = ("www.example.com", "slow.broken.test", "www.example.net", "www.example.kr", "silent.broken.test")
        await asyncio.gather(*(made.why(name) for name in names))
        return roots(made)

    found = {root.asked.partition(" ")[0]: asked(root) for root in shipped(main, {"dnssec": {"validation": False}})}
    for name, below in found.items():
        assert name in below, f"what was asked for {name} is not below it"
        assert not (found.keys() - {name}) & below, f"something else is below {name}"


def test_who_joins_a_question_has_what_was_done_for_it_too():
    async def main(made: Explaining):
        first, second = await asyncio.gather(made.why("slow.broken.test"), made.why("slow.broken.test"))
        return roots(made), first, second

    (began, joined), first, second = shipped(main)
    (note,) = [note for note in joined.notes if isinstance(note, Joined)]
    assert note.node is began
    assert joined.below == []
    assert (first.cause, second.cause) == ("slow", "slow")
    assert second.text == f"{first.text} The same was being asked already for somebody else, whose answer this is."


def test_who_asks_again_because_another_had_no_more_messages_does_so_for_itself(run):
    """The limit of the first ends the question that both wait for; what the second asks then is its own."""

    async def main():
        world = Internet()
        lines = ". 9 IN SOA r. a. 1 2 3 4 5\ntest. 9 IN NS ns.test.\nns.test. 9 IN A 10.0.0.2"
        world.zones(ROOT_SERVER, (".", lines))
        zone = "test. 9 IN SOA ns.test. a. 1 2 3 4 5\ntest. 9 IN NS ns.test.\nwww.test. 9 IN A 192.0.2.1"
        world.zones("10.0.0.2", ("test.", zone))
        transcript = Transcript()
        resolved = Resolver(world, transcript=transcript).resolved
        resolved.refresh(zone_text.question("mail.test.", "A"))
        (asker,) = resolved._flights.values()
        question = zone_text.question("www.test.", "A")
        told: list[Any] = []
        for number, sends in ((1, 1), (2, 100)):
            opened = transcript.asked(Query(question, Client("127.0.0.1", 4242, Transport.UDP), number, 4.5))
            budget = Budget(Limits(sends=sends), world.clock.monotonic() + 4.5)
            resolved._ask(Lookup(question), budget, 1, asker, told.append)
            transcript.left(opened)
        await world.clock.advance(6)
        world.tasks.cancel()
        return told, [root for root in transcript.asked_for if root.query is not None]

    (gave_up, found), (first, second) = run(main())
    assert gave_up.tag == "BUDX"
    assert found.rcode == 0
    assert Joined(first) in second.notes
    assert [each.zone for each in first.below] == ["."]
    assert [each.zone for each in second.below][-1] == "test."


def test_what_follows_from_denials_is_noted():
    async def main(made: Explaining):
        await made.why("nope.example.com")
        await made.why("nopf.example.com")
        return roots(made)[-1].notes

    assert Inferred(b"\x04nopf\x07example\x03com\x00", b"\x07example\x03com\x00") in shipped(main)


def test_a_fault_is_noted_at_the_message_that_it_was_applied_to():
    async def main(made: Explaining):
        await made.why("refused.broken.test")
        return roots(made)[-1]

    found = [each for each in shipped(main).below if each.notes]
    assert {each.zone for each in found} == {"refused.broken.test."}
    assert all(isinstance(note, Faulted) and note.fault.startswith("refused ") for each in found for note in each.notes)
