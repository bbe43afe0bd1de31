"""One question for each cause, with the explanation that it really gets. docs/explain.md shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from resolver.auth.plan import Plan
from resolver.errors import Bogus
from resolver.explain import Declared, Explanation, explain
from resolver.message import Client, Edns, Message, Query, Reply, Transport
from resolver.network.base import Trouble
from resolver.network.simulated import Link
from resolver.observe.transcript import Root
from resolver.testing.undeclared import Guard, Undeclared
from tests.support import zone_text
from tests.support.explained import Explaining, Scripted, scripted, shipped, shipped_plan, shipped_world
from tests.support.messages import reply as said

Sample = Callable[[], Explanation]

SAMPLES: Final[dict[str, Sample]] = {}
"""By cause."""

MINUTE: Final = 60.0
POLICY: Final = Path(__file__).resolve().parents[2] / "data" / "policy.zone"


def sample(cause: str) -> Callable[[Sample], Sample]:
    """What is decorated gives the explanation with `cause`."""

    def added(give: Sample) -> Sample:
        assert cause not in SAMPLES
        SAMPLES[cause] = give
        return give

    return added


def asked(cause: str, name: str, rtype: str = "A", *, settings: dict[str, Any] | None = None, **options: Any) -> None:
    """The cause of what the shipped world answers to that question."""

    async def main(made: Explaining) -> Explanation:
        return await made.why(name, rtype, **options)

    sample(cause)(lambda: shipped(main, settings))


def after(cause: str, first: tuple[str, str], then: tuple[str, str], seconds: float = 0.0, **settings: Any) -> None:
    """The cause of the second answer of the shipped world, `seconds` after the first."""

    async def main(made: Explaining) -> Explanation:
        await made.why(*first)
        await made.clock.advance(seconds)
        return await made.why(*then)

    sample(cause)(lambda: shipped(main, settings))


def staged(cause: str, main: Callable[[Scripted], Coroutine[Any, Any, Explanation]], **settings: Any) -> None:
    """The cause that `main` gives, over servers that it scripts."""
    sample(cause)(lambda: scripted(main, settings))


def failed(cause: str, tag: str, code: int, text: str) -> None:
    """The cause of a failure as it is told; for those that take a zone which nobody has at hand."""

    def give() -> Explanation:
        question = zone_text.question("www.shop.test.", "A")
        query = Query(question, Client("127.0.0.1", 4242, Transport.UDP), 1, 0.0)
        return explain(Root(asked="www.shop.test. A", query=query, told=Bogus(tag, code, text)))

    sample(cause)(give)


# -- before anybody is asked

asked(
    "not-allowed",
    "www.example.com",
    host="203.0.113.9",
    settings={"server": {"listen": ["0.0.0.0:5300"], "allow": ["192.0.2.0/24"]}},
)
asked("not-held", "www.example.com", rd=False)
asked("not-shown", "www.example.com", rd=False, settings={"server": {"snoop": []}})
asked("identity", "version.bind", "TXT", cls=3)
asked("other-class", "www.example.com", cls=4)
asked("transfer", "example.com", "AXFR")
asked("meta-type", "www.example.com", "MAILA")
asked("health", "health.resolverd.invalid", "TXT")
asked("by-rule", "www.example.com", settings={"rules": [{"action": "refuse", "name": "closed", "types": ["A"]}]})
asked(
    "local-data",
    "www.corp.example",
    settings={"filters": {"local_zones": {"corp.example": "static"}, "local_data": ["www.corp.example A 192.0.2.1"]}},
)
asked("policy-zone", "www.shop.test", settings={"rpz": [{"zone": "rpz.example", "file": POLICY}]})
asked("blocked", "a.ads.example.com", settings={"filters": {"block": ["ads.example.com"]}})
asked("localhost", "db.localhost")
asked("reserved", "printer.local")


@sample("undeclared-name")
def undeclared_name() -> Explanation:
    """A slip of the pen in a test."""
    plan = Plan()
    plan.zone("shop.example.", {"www": {"A": "192.0.2.1"}})
    query = Query(zone_text.question("www.shpo.example.", "A"), Client("127.0.0.1", 4242, Transport.UDP), 1, 0.0)
    told = Guard(None, Undeclared(plan, allowed=False)).peek(query)
    return explain(Root(asked="www.shpo.example. A", query=query, told=told))


@sample("busy")
def busy() -> Explanation:
    """More questions at once than there are places."""

    async def main(made: Explaining) -> Explanation:
        waiting = [asyncio.ensure_future(made.why(f"a{number}.silent.broken.test")) for number in range(4)]
        return (await asyncio.gather(*waiting))[-1]

    explanation: Explanation = shipped(main, {"server": {"max_in_flight": 3}})
    return explanation


# -- what is held

after("cached", ("www.example.com", "A"), ("www.example.com", "A"), 40)
after("cached-denial", ("www.example.net", "TLSA"), ("www.example.net", "TLSA"), 40)
after("inferred", ("nope.example.com", "A"), ("nopf.example.com", "A"), 2)
after("remembered-failure", ("refused.broken.test", "A"), ("refused.broken.test", "A"), 0.5)
after("dead-zone", ("silent.broken.test", "A"), ("www.silent.broken.test", "A"), 0.5)


async def _referred(made: Explaining) -> Explanation:
    await made.why("www.example.com")
    return await made.why("nope.example.com", "TXT", rd=False)


sample("referred")(lambda: shipped(_referred, {"server": {"snoop": ["127.0.0.1"]}}))


async def _stale(made: Scripted) -> Explanation:
    made.delegate()
    made.shop()
    await made.why("www.shop.test")
    await made.clock.advance(2 * MINUTE)
    made.internet.network.silence("10.0.0.2")
    return await made.why("www.shop.test")


staged("stale", _stale)


async def _put_together(made: Scripted) -> Explanation:
    made.delegate()
    made.shop()
    await made.why("www.shop.test")
    question = zone_text.question("www.shop.test.", "A")
    query = Query(question, Client("127.0.0.1", 4242, Transport.UDP), 1, made.clock.monotonic() + 4)
    told: list[Any] = []
    made.program.responder.answerer.work(query, told.append)  # type: ignore[attr-defined]  # as if it had waited
    return explain(made.root())


staged("put-together", _put_together)


def _of_shop(name: str, rtype: str) -> Callable[[Scripted], Coroutine[Any, Any, Explanation]]:
    async def main(made: Scripted) -> Explanation:
        made.delegate()
        made.shop()
        return await made.why(name, rtype)

    return main


staged("dns64", _of_shop("www.shop.test", "AAAA"), filters={"dns64": ["64:ff9b::/96"]})
staged("private-address", _of_shop("ns1.shop.test", "A"), filters={"rebinding": True})

# -- servers that fail

asked("fault", "silent.broken.test")
asked("cyclic-delegation", "cyclic.broken.test")
asked("dangling-ns", "dangling.broken.test")


def _scripted(
    script: Callable[[Message, Transport], Any], link: Link | None = None
) -> Callable[[Scripted], Coroutine[Any, Any, Explanation]]:
    async def main(made: Scripted) -> Explanation:
        made.delegate()
        made.internet.script("10.0.0.2", script, link=link)
        return await made.why("www.shop.test")

    return main


def _wrong_id(query: Message, transport: Transport) -> bytes | None:
    from resolver.wire.render import render

    if transport is not Transport.UDP:
        return None
    return render(said(query.question, "www.shop.test. 9 IN A 192.0.2.66", id=query.id ^ 1))


def _truncated(query: Message, transport: Transport) -> Message:
    return said(query.question, tc=True)


def _many(query: Message, transport: Transport) -> Message:
    return said(query.question, [f"www.shop.test. 9 IN A 192.0.2.{number}" for number in range(20)])


ROOT_NS: Final = ". 9 IN NS r.hints."
_NOT_READY: Final = Edns(options=((15, b"\x00\x0ethe zone is being loaded"),))

staged("silent", _scripted(lambda query, transport: None))
staged("lame", _scripted(lambda query, transport: said(query.question, aa=False)))
staged("upward-referral", _scripted(lambda query, transport: said(query.question, authority=ROOT_NS, aa=False)))
staged("refused", _scripted(lambda query, transport: said(query.question, rcode=5)))
staged("servfail", _scripted(lambda query, transport: said(query.question, rcode=2, edns=_NOT_READY)))
staged("forged", _scripted(_wrong_id, Link(duplication=1.0)))
staged("too-large", _scripted(_many), budget={"message_records": 16})
staged("malformed", _scripted(_truncated))
staged("odd-rcode", _scripted(lambda query, transport: said(query.question, rcode=9)))


async def _troubled(made: Scripted, trouble: Trouble) -> Explanation:
    made.delegate()
    made.network.troubles["10.0.0.2"] = trouble
    return await made.why("www.shop.test")


staged("forbidden-address", lambda made: _troubled(made, Trouble.FORBIDDEN))
staged("undeclared-address", lambda made: _troubled(made, Trouble.UNDECLARED))
staged("connection-refused", lambda made: _troubled(made, Trouble.REFUSED))
staged("no-route", lambda made: _troubled(made, Trouble.NO_ROUTE))


async def _tcp_failed(made: Scripted) -> Explanation:
    made.delegate()
    made.internet.script("10.0.0.2", _truncated)
    made.network.by_tcp["10.0.0.2"] = Trouble.REFUSED
    return await made.why("www.shop.test")


staged("tcp-failed", _tcp_failed)


async def _no_address(made: Scripted) -> Explanation:
    made.delegate("mail.test. 9 IN NS ns.shop.test.")
    made.internet.script("10.0.0.2", lambda query, transport: None)
    return await made.why("mail.test")


staged("no-address", _no_address)

# -- the question itself

asked("alias-loop", "cnameloop.broken.test")
asked("too-many-aliases", "chain.example.com", settings={"budget": {"aliases": 2}})
asked("too-late", "silent.broken.test", settings={"resolver": {"client_timeout_ms": 1000}})
asked("budget", "www.lab.example.com", settings={"budget": {"referrals": 2}})
asked("proof-budget", "www.example.com", settings={"budget": {"signature_checks": 4}})


@sample("crowded")
def crowded() -> Explanation:
    """Two questions for a zone in which one may wait."""

    async def main(made: Explaining) -> Explanation:
        names = ("a.slow.broken.test", "b.slow.broken.test", "c.slow.broken.test")
        found = await asyncio.gather(*(made.why(name) for name in names))
        return next(each for each in found if each.cause == "crowded")

    explanation: Explanation = shipped(main, {"resolver": {"max_per_zone": 1}})
    return explanation


# -- what does not prove itself, and what need not

for _cause, _zone in (
    ("expired-signature", "expired"),
    ("future-signature", "future"),
    ("wrong-key", "wrongkey"),
    ("no-signature", "unsigned"),
    ("bad-signature", "bogus"),
    ("ds-mismatch", "ds-mismatch"),
    ("denial-missing", "nsec-missing"),
    ("too-many-iterations", "nsec3-iterations"),
    ("unknown-algorithm", "unknown-algorithm"),
    ("unknown-digest", "unknown-digest"),
):
    asked(_cause, f"www.{_zone}.dnssec-failed.test")
asked("checking-disabled", "www.expired.dnssec-failed.test", cd=True)
asked(
    "unproven-iterations",
    "www.nsec3-iterations.dnssec-failed.test",
    settings={"dnssec": {"nsec3_iterations_max": 2500}},
)
asked(
    "negative-anchor",
    "www.expired.dnssec-failed.test",
    settings={"dnssec": {"negative_trust_anchors": ["expired.dnssec-failed.test until 2027-01-01T00:00:00Z"]}},
)
failed("unusable-signature", "SIGO", 6, "RRSIG of www.shop.test. A is by test., which does not sign for shop.test.")
failed("no-dnskey", "KEYN", 9, "shop.test. has no DNSKEY, though it has a DS or a trust anchor")
failed("revoked-key", "KEYR", 9, "the key 12345 of shop.test., which its DS or trust anchor names, is revoked")
failed("ds-denial-missing", "DSUN", 12, "shop.test.: denied without NSEC or NSEC3 records")
failed("chain-failed", "CHNF", 22, "the DNSKEY of shop.test. could not be had: no server of shop.test. replied")

# -- what is there, and what is not

asked("authority", "www.example.com")
asked("alias", "chain.example.com")
asked("dname", "www.legacy.example.org")
asked("wildcard", "anything.wild.example.org")
asked("recursion", "www.example.com", settings={"resolver": {"mode": "recursive"}})
asked("no-such-name", "wwww.example.net")
asked("name-too-long", f"{'x' * 63}.{'y' * 63}.far.example.org")
asked("empty-non-terminal", "ent.example.org")
asked("no-such-type", "www.example.net", "MX")
asked("slow", "slow.broken.test")
asked("over-tcp", "truncated.broken.test")


async def _configured(made: Scripted) -> Explanation:
    made.shop("192.0.2.53")
    return await made.why("www.shop.test")


staged("stub", _configured, resolver={"stub_zones": {"shop.test": ["192.0.2.53:53"]}})


async def _forwarded(made: Scripted) -> Explanation:
    made.internet.script(
        "192.0.2.53", lambda query, _: said(query.question, "www.shop.test. 60 IN A 192.0.2.1", ra=True)
    )
    return await made.why("www.shop.test")


staged("forwarder", _forwarded, resolver={"forward_zones": {".": ["192.0.2.53:53"]}})


OFFICE: Final = {
    "resolver": {"forward_zones": {".": "office"}},
    "pools": {"office": {"members": [{"address": "192.0.2.53", "name": "first"}], "check": "none"}},
}


def of_office(cause: str, answer: Callable[[Message], Message | None] | None, **pool: Any) -> None:
    """The cause where the one member of a pool has that `answer`, or is not there."""

    async def main(made: Scripted) -> Explanation:
        if answer is not None:
            made.internet.script("192.0.2.53", lambda query, _: answer(query))
        return await made.why("www.shop.test")

    pools = {"office": {**OFFICE["pools"]["office"], **pool}}  # type: ignore[dict-item]
    staged(cause, main, **{**OFFICE, "pools": pools})


of_office("pool", lambda query: said(query.question, "www.shop.test. 60 IN A 192.0.2.1", ra=True))
of_office("no-upstream", None, members="system", resolv_conf="/dev/null")
of_office("upstreams-silent", lambda _: None)
of_office("upstream-unreachable", None)
of_office("upstream-failed", lambda query: said(query.question, rcode=2, ra=True))


async def _looping(made: Scripted) -> Explanation:
    def respond(wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
        made.program.respond(bytes((wire[0] ^ 1, *wire[1:])), client, send)

    made.internet.serve("192.0.2.53", respond)
    return await made.why("some-name-of-many-letters.shop.test")


staged("forwarding-loop", _looping, **{**OFFICE, "resolver": {"forward_zones": {".": "office"}, "use_0x20": True}})


async def _failed_over(made: Scripted) -> Explanation:
    made.delegate("shop.test. 9 IN NS ns2.shop.test.", "ns2.shop.test. 9 IN A 10.0.0.3")
    made.shop("10.0.0.2")
    made.shop("10.0.0.3")
    made.internet.network.silence("10.0.0.2")
    found = [await made.why("www.shop.test")]
    while found[-1].cause != "failed-over":
        await made.clock.advance(2 * MINUTE)
        found.append(await made.why("www.shop.test"))
    return found[-1]


staged("failed-over", _failed_over)


async def _asked_again(made: Scripted) -> Explanation:
    made.delegate()
    lost = [True]

    def script(query: Message, transport: Transport) -> Message | None:
        return None if lost and lost.pop() else said(query.question, "www.shop.test. 60 IN A 192.0.2.1")

    made.internet.script("10.0.0.2", script)
    return await made.why("www.shop.test")


staged("asked-again", _asked_again)


@sample("unknown")
def unknown() -> Explanation:
    """A failure without a cause that the table knows."""
    question = zone_text.question("www.shop.test.", "A")
    query = Query(question, Client("127.0.0.1", 4242, Transport.UDP), 1, 0.0)
    told = Reply(2)
    return explain(
        Root(asked="www.shop.test. A", query=query, told=told), Declared(shipped_world(), shipped_plan().where)
    )
