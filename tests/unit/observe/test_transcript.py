from __future__ import annotations

import asyncio
import gc
import weakref
from contextvars import Context

import pytest

from resolver.dnssec.evidence import Begun
from resolver.engine.actions import Exchange, Found, Lookup, Malformed, NotFound, Replied, Suspicion, Unanswered
from resolver.engine.delegation import Delegation, NameServer
from resolver.engine.outcome import Alias, Answer, Answered, Denied, Fault, Overlong, Referral, Truncated, Unusable
from resolver.errors import ResolutionFailed
from resolver.message import Client, Query, Rcode, Reply, Transport
from resolver.network.base import Trouble
from resolver.observe import transcript as module
from resolver.observe.notes import Faulted
from resolver.observe.transcript import Transcript, describe
from tests.support import zone_text
from tests.support.engine import at
from tests.support.messages import name, reply, sets, soa

WWW = zone_text.question("wWw.example.com.", "A")
ASKED = Exchange(at(1), WWW, name("com."), Transport.UDP, 0.4, rd=True, server_name=name("ns.test."))


def said(*answer: str, **options) -> Replied:
    return Replied(at(1), Transport.UDP, reply(WWW, answer, **options), 0.25)


def test_an_exchange_is_told_with_what_came_back_and_what_it_was_taken_for():
    transcript = Transcript()
    opened = transcript.sent(ASKED)
    transcript.ended(
        opened, said("www.example.com. 300 IN A 192.0.2.1", ra=True, authority="example.com. 9 IN NS ns.test.")
    )
    transcript.decided(Answered((), sets("www.example.com. 300 IN A 192.0.2.1"), True))
    (node,) = transcript.roots
    assert (node.asked, node.server, node.address, node.zone) == (
        "www.example.com. A",
        "ns.test.",
        "192.0.2.1:53",
        "com.",
    )
    assert (node.transport, node.recursion_desired, node.rtt) == ("udp", True, 0.25)
    assert node.came_back == "NOERROR AA RA; answer 1 A; authority 1 NS"
    assert node.decided == "answer: 1 A"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Unanswered(Trouble.TIMEOUT, 0.4), "no reply"),
        (Unanswered(Trouble.REFUSED, 0.4), "connection refused"),
        (Unanswered(Trouble.TIMEOUT, 0.4, Suspicion.CASE), "a reply in other letter case"),
        (Malformed(at(1), "a label of 70 octets"), "malformed: a label of 70 octets"),
    ],
)
def test_what_came_back_is_told_in_a_few_words(event, text):
    transcript = Transcript()
    transcript.ended(transcript.sent(ASKED), event)
    assert transcript.roots[0].came_back == text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (Found(Answer(0, sets("x. 9 IN A 192.0.2.1"))), "1 A"),
        (Found(Answer(3)), "NXDOMAIN"),
        (NotFound(ResolutionFailed("MUTE", 22, "silence")), "silence [MUTE]"),
    ],
)
def test_what_was_found_is_told_in_a_few_words(result, text):
    transcript = Transcript()
    transcript.found(transcript.entered(Lookup(WWW)), result)
    assert transcript.roots[0].came_back == text


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Answered((), sets(["x. 9 IN A 192.0.2.1", "x. 9 IN A 192.0.2.2"]), False), "answer without authority: 2 A"),
        (Alias((), name("x.test."), True), "alias: go on with x.test."),
        (Denied((), WWW.name, Rcode.NXDOMAIN, sets(soa("com."))[0], True), "no such name: wWw.example.com."),
        (Denied((), WWW.name, Rcode.NOERROR, None, True), "no such data: wWw.example.com."),
        (Overlong(()), "alias to a name that is too long"),
        (
            Referral(Delegation(name("com."), (NameServer(name("a.")), NameServer(name("b."))), 9)),
            "referral: com. is served by a., b.",
        ),
        (Unusable(Fault.LAME), "unusable: has no authority over the zone"),
        (Truncated(), "truncated: ask again over TCP"),
    ],
)
def test_what_a_reply_was_taken_for_is_told_in_a_few_words(outcome, text):
    assert describe(outcome) == text


def test_what_begins_while_something_is_open_stands_below_it():
    transcript = Transcript()
    above = transcript.entered(Lookup(zone_text.question("ns.test.", "A")))
    transcript.ended(transcript.sent(ASKED), said())
    transcript.ended(transcript.sent(ASKED), said())
    transcript.left(above)
    transcript.found(above, Found(Answer(3)))
    transcript.ended(transcript.sent(ASKED), said())
    assert [len(node.below) for node in transcript.roots] == [2, 0]
    assert transcript.roots[0].server == ""


def test_what_is_below_goes_along_with_tasks_and_timers(run):
    """A simulated server that recurses runs in a task of its own, which a timer of the network started."""

    async def main():
        transcript = Transcript()
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        async def server():
            transcript.ended(transcript.sent(ASKED), said())
            done.set_result(None)

        async def one():
            opened = transcript.sent(ASKED)
            loop.call_later(1, lambda: tasks.append(asyncio.ensure_future(server())))
            await done
            transcript.ended(opened, said())

        async def another():
            transcript.ended(transcript.sent(ASKED), said())

        tasks = []
        await asyncio.gather(one(), another())
        return [len(node.below) for node in transcript.roots]

    assert run(main()) == [1, 0]


def test_so_many_are_kept_and_the_others_counted(monkeypatch):
    monkeypatch.setattr(module, "MAX_NODES", 3)
    transcript = Transcript()
    for _ in range(5):
        transcript.ended(transcript.sent(ASKED), said())
    assert (len(transcript.roots), transcript.omitted) == (3, 2)


def test_a_decision_before_anything_was_sent_is_nobodys():
    transcript = Transcript()
    transcript.decided(Truncated())
    assert transcript.roots == []


def test_so_many_steps_of_proofs_are_kept(monkeypatch):
    monkeypatch.setattr(module, "MAX_EVIDENCE", 2)
    transcript = Transcript()
    steps = [Begun(name(each), None) for each in ("a.", "b.", "c.")]
    for each in steps:
        transcript.proven(each)
    assert transcript.evidence == steps[:2]


def query(number=1):
    return Query(WWW, Client("192.0.2.1", 53, Transport.UDP), number, 4.5)


def test_what_is_done_for_a_question_of_a_client_stands_below_it():
    transcript = Transcript()
    opened = transcript.asked(query())
    transcript.ended(transcript.sent(ASKED), said())
    transcript.left(opened)
    transcript.ended(transcript.sent(ASKED), said())
    root = transcript.told(opened, Reply(3))
    mine, nobodys = transcript.asked_for
    assert root is mine
    assert (mine.came_back, len(mine.below), mine.size) == ("NXDOMAIN", 1, 1)
    assert (nobodys.query, len(nobodys.below)) == (None, 1)
    assert transcript.roots == [*mine.below, *nobodys.below]


def test_values_stand_beside_the_words():
    transcript = Transcript()
    event, outcome = said(), Unusable(Fault.LAME)
    transcript.ended(transcript.sent(ASKED), event)
    transcript.decided(outcome)
    (node,) = transcript.roots
    assert (node.action, node.event, node.outcome) == (ASKED, event, outcome)
    assert set(node.as_data()) == {
        "asked", "server", "upstream", "address", "zone", "transport", "recursion_desired", "why", "rtt", "came_back",
        "decided", "below",
    }  # fmt: skip


def test_one_that_keeps_nothing_has_what_was_opened_and_no_more():
    transcript = Transcript(keeps=False)
    opened = transcript.asked(query())
    transcript.ended(transcript.sent(ASKED), said())
    transcript.proven(Begun(name("a."), None))
    transcript.left(opened)
    transcript.ended(transcript.sent(ASKED), said())
    root = transcript.told(opened, Reply(0))
    assert (len(root.below), len(root.evidence)) == (1, 1)
    assert (transcript.asked_for, transcript.roots, transcript.evidence) == ([], [], [])
    kept = weakref.ref(root)
    del root, opened
    gc.collect()
    assert kept() is None


def test_of_too_many_questions_the_oldest_go(monkeypatch):
    monkeypatch.setattr(module, "MAX_ROOTS", 3)
    transcript = Transcript()
    for number in range(5):
        transcript.left(transcript.asked(query(number)))
    assert [root.query.id for root in transcript.asked_for] == [2, 3, 4]
    assert transcript.omitted == 2
    transcript.clear()
    assert (transcript.asked_for, transcript.omitted) == ([], 0)


def test_a_fault_is_that_of_the_message_to_that_server_which_is_still_open():
    """Also where the server is behind a socket, in whose callbacks nothing is under way here."""
    transcript = Transcript()
    opened = transcript.sent(ASKED)
    other = transcript.sent(ASKED._replace(server=at(2)))
    Context().run(transcript.faulted, at(1).host, WWW._replace(name=name("WWW.example.COM.")), Faulted("silent", 3))
    transcript.ended(other, said())
    transcript.ended(opened, said())
    transcript.faulted(at(1).host, WWW, Faulted("lame", 4))
    assert opened.node.notes == [Faulted("silent", 3)]
    assert other.node.notes == []


def test_steps_of_proofs_stand_with_the_question_they_are_for():
    transcript = Transcript()
    opened = transcript.asked(query())
    transcript.proven(Begun(name("a."), None))
    transcript.left(opened)
    transcript.proven(Begun(name("b."), None))
    assert transcript.asked_for[0].evidence == [Begun(name("a."), None)]
    assert len(transcript.evidence) == 2
