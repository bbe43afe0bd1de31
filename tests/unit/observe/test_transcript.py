from __future__ import annotations

import asyncio

import pytest

from resolver.dnssec.evidence import Begun
from resolver.engine.actions import Exchange, Found, Lookup, Malformed, NotFound, Replied, Suspicion, Unanswered
from resolver.engine.delegation import Delegation, NameServer
from resolver.engine.outcome import Alias, Answer, Answered, Denied, Fault, Overlong, Referral, Truncated, Unusable
from resolver.errors import ResolutionFailed
from resolver.message import Rcode, Transport
from resolver.network.base import Trouble
from resolver.observe import transcript as module
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
