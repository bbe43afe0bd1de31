"""Questions whose answers are to be proven, beside those that nobody wants checked, through the pipeline.

What proves is a stand-in: each answer takes the keys of `test.` to be looked up, and a check of its last octet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from resolver.engine.actions import Check, Found, Lookup, Steps, Verified, race, verify
from resolver.engine.budget import BOGUS, Budget
from resolver.engine.outcome import Answered, Conclusion, Denied
from resolver.errors import ResolutionFailed
from resolver.message import Message, Proof, Question, Rcode, RRset, Status, Type
from resolver.network.simulated import Link
from resolver.pipeline.verifying import Inline
from resolver.wire import names
from tests.support.internet import ROOT_SERVER, Internet, Resolver, delegate, leaf, root_with
from tests.unit.pipeline.test_resolved import outcomes

ZONE = names.from_text("test.")
WWW = "www.test. 300 IN A 192.0.2.80"
FORGED = "forged.test. 300 IN A 192.0.2.66"
PLAIN = "plain.test. 300 IN A 192.0.2.1"
KEY = "test. 300 IN DNSKEY 257 3 13 AQID"
SIGNATURE = b"signature"


def internet() -> Internet:
    made = Internet(link=Link(latency_ms=20))
    made.zones(ROOT_SERVER, root_with(*delegate("test.", "10.0.0.2")))
    made.zones("10.0.0.2", leaf("test.", "10.0.0.2", WWW, FORGED, PLAIN, KEY))
    return made


def secure(rrset: RRset) -> RRset:
    return rrset._replace(proof=Proof(Status.SECURE, (SIGNATURE,)))


def prove(
    question: Question, conclusion: Conclusion, message: Message, zone: bytes, budget: Budget
) -> Steps[Conclusion]:
    """As the chain of trust does it, but for the proof, of which what is plain has none."""
    if question.name == names.from_text("plain.test."):
        return conclusion
    if question.type != Type.DNSKEY:
        ended = yield from race((Lookup(Question(ZONE, Type.DNSKEY), checked=True),), 4.0)
        assert not hasattr(ended, "result") or isinstance(ended.result, Found)
        budget.spend_signature_check()
        octets = b"".join(each.rdatas[0] for each in message.answer)
        (good,) = yield from verify((Check(13, KEY.encode(), SIGNATURE, octets),))
        if not good:
            raise ResolutionFailed("TEST", BOGUS, "RRSIG of it does not hold", label="bogus")
    match conclusion:
        case Answered(chain, rrsets, authoritative):
            return Answered(tuple(map(secure, chain)), tuple(map(secure, rrsets)), authoritative)
        case Denied(soa=RRset() as soa):
            return conclusion._replace(soa=secure(soa))
        case _:
            return conclusion


def is_good(check: Check) -> bool:
    return not check.data.endswith(bytes((66,)))


class Later:
    """Checks signatures after `seconds` of virtual time."""

    def __init__(self, world: Internet, seconds: float) -> None:
        self.world, self.seconds, self.under_way, self.most = world, seconds, 0, 0

    def verify(self, checks: tuple[Check, ...], done: Callable[[Verified], None]) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)

        def tell() -> None:
            self.under_way -= 1
            done(Verified(tuple(map(is_good, checks))))

        self.world.clock.after(self.seconds, tell)

    def close(self) -> None:
        """Nothing is open."""


def resolver(world: Internet, **options) -> Resolver:
    options.setdefault("verifier", Inline(is_good))
    return Resolver(world, proving=prove, **options)


@pytest.mark.rfc(4035, "4.3")
def test_what_is_proven_is_told_and_held_as_such(run):
    async def main():
        world = internet()
        made = resolver(world)
        worked, held = await made.ask("www.test.", do=True), await made.ask("www.test.", do=True)
        return worked, held, world.asked("10.0.0.2")

    worked, held, asked = run(main())
    assert (worked.ad, held.ad) == (True, True)
    assert [each.type for each in worked.answer] == [each.type for each in held.answer] == [Type.A, Type.RRSIG]
    assert worked.answer[1].rdatas == held.answer[1].rdatas == (SIGNATURE,)
    assert asked == ["www.test. A", "test. DNSKEY"]


def test_a_denial_is_told_and_held_as_proven_too(run):
    async def main():
        made = resolver(internet())
        return [await made.ask("gone.test.", ad=True) for _ in range(2)]

    worked, held = run(main())
    assert (worked.rcode, worked.ad, held.rcode, held.ad) == (Rcode.NXDOMAIN, True, Rcode.NXDOMAIN, True)


def test_what_becomes_of_answers_is_counted_and_so_are_the_checks_that_it_took(run):
    async def main():
        made = resolver(internet())
        await made.ask("www.test."), await made.ask("gone.test."), await made.failure("forged.test.")
        await made.ask("www.test.", cd=True), await made.ask("plain.test.")
        await made.failure("forged.test.")
        return made.counters

    counted = run(main())
    assert (counted.answers_secure, counted.answers_insecure, counted.answers_bogus) == (2, 1, 2)
    assert (counted.signatures_checked, counted.signatures_refuted) == (3, 1)


def test_the_keys_that_many_answers_wait_for_are_looked_up_once(run):
    async def main():
        world = internet()
        made = resolver(world)
        replies = await outcomes(*(made.ask(f"n{number}.test.") for number in range(20)))
        return [reply.rcode for reply in replies], world.asked("10.0.0.2").count("test. DNSKEY")

    assert run(main()) == ([Rcode.NXDOMAIN] * 20, 1)


@pytest.mark.rfc(4035, "3.2.2")
def test_who_wants_nothing_checked_is_told_what_is_forged_and_nobody_else(run):
    async def main():
        world = internet()
        made = resolver(world)
        failure = await made.failure("forged.test.")
        again = await made.failure("forged.test.")
        unchecked = await made.ask("forged.test.", cd=True)
        third = await made.failure("forged.test.")
        return failure, again, third, unchecked, world.asked("10.0.0.2").count("forged.test. A")

    failure, again, third, unchecked, asked = run(main())
    assert (failure.tag, failure.rcode, failure.ede[0].code) == ("TEST", Rcode.SERVFAIL, BOGUS)
    assert [each.code for each in again.ede] == [BOGUS, 13], "it is remembered"
    assert again.label == third.label == "bogus"
    assert (unchecked.rcode, unchecked.ad, len(unchecked.answer)) == (0, False, 1)
    assert asked == 2, "once for each"


def test_what_was_asked_unchecked_is_asked_again_where_it_is_to_be_checked_and_not_the_other_way_round(run):
    async def main():
        world = internet()
        made = resolver(world)
        unchecked = await made.ask("www.test.", cd=True)
        before = world.asked("10.0.0.2").count("www.test. A")
        checked = await made.ask("www.test.", ad=True)
        after = world.asked("10.0.0.2").count("www.test. A")
        last = await made.ask("www.test.", cd=True, ad=True, do=True)
        return unchecked, checked, last, before, after, world.asked("10.0.0.2").count("www.test. A")

    unchecked, checked, last, before, after, at_last = run(main())
    assert (unchecked.ad, checked.ad, last.ad) == (False, True, False)
    assert [each.type for each in last.answer] == [Type.A, Type.RRSIG]
    assert (before, after, at_last) == (1, 2, 2)


def test_checked_and_unchecked_questions_do_not_wait_for_one_another(run):
    async def main():
        world = internet()
        made = resolver(world, verifier=Later(world, 1.0))
        began = world.clock.monotonic()
        took = []

        async def ask(cd: bool) -> None:
            await made.ask("www.test.", cd=cd)
            took.append((cd, round(world.clock.monotonic() - began, 2)))

        await asyncio.gather(ask(False), ask(True), ask(True), ask(False))
        return sorted(took), world.counters.questions_joined

    took, joined = run(main())
    assert took == [(False, 1.06)] * 2 + [(True, 0.04)] * 2
    assert joined == 2


def test_where_nothing_is_proven_who_wants_nothing_checked_asks_the_same_question(run):
    async def main():
        world = internet()
        made = Resolver(world)
        await asyncio.gather(made.ask("www.test.", cd=True), made.ask("www.test."))
        await made.ask("www.test.", cd=True)
        return world.asked("10.0.0.2")

    assert run(main()) == ["www.test. A"]


def test_a_client_is_told_in_time_that_a_check_takes_too_long_and_what_comes_of_it_is_kept(run):
    async def main():
        world = internet()
        made = resolver(world, verifier=Later(world, 5.0))
        began = world.clock.monotonic()
        failure = await made.failure("www.test.", seconds=1.0)
        took = world.clock.monotonic() - began
        await asyncio.sleep(5)
        held = await made.ask("www.test.", ad=True)
        return failure.tag, round(took, 2), held.ad, made.resolved.flights

    assert run(main()) == ("LATE", 1.0, True, 0)


def test_what_comes_of_a_check_when_all_has_ended_is_nobodys(run):
    async def main():
        world = internet()
        checks = Later(world, 2.0)
        made = resolver(world, verifier=checks)
        waiting = asyncio.ensure_future(made.failure("www.test."))
        await asyncio.sleep(1.0)
        before = checks.under_way
        world.tasks.cancel()
        failure = await waiting
        await asyncio.sleep(3.0)
        return before, checks.under_way, failure.tag, made.resolved.flights, len(made.records)

    assert run(main()) == (1, 0, "LATE", 0, 1), "the keys of the zone are all that is known"


def test_that_too_many_signatures_wait_is_not_remembered(run):
    class Busy:
        def verify(self, checks, done):
            raise ResolutionFailed("TEST", 0, "too many", label="verifier_busy", own_limit=True)

        def close(self) -> None:
            """Nothing is open."""

    async def main():
        made = resolver(internet(), verifier=Busy())
        return (await made.failure("www.test.")).tag, made.resolved.failures

    assert run(main()) == ("TEST", 0)


def test_a_question_that_needs_more_checks_than_it_may_is_remembered_for_the_shortest_time_alone(run):
    from resolver.engine.budget import Limits

    async def main():
        world = internet()
        made = resolver(world, limits=Limits(signature_checks=0), failure_ttl_s=1.0)
        tags = []
        for pause in (0.5, 0.6, 0.0):
            tags.append([each.code for each in (await made.failure("www.test.")).ede])
            await asyncio.sleep(pause)
        return tags, (await made.ask("test.", "DNSKEY", ad=True)).ad

    assert run(main()) == ([[6], [6, 13], [6]], True), "the keys that were looked up on the way are not to blame"
