"""The shipped world, signed and in part broken on purpose, as our own resolver takes it: rcode, AD, and why."""

from __future__ import annotations

import asyncio

import pytest

from resolver.dnssec import sign
from resolver.dnssec.faults import Fault
from resolver.message import AD, Client, Edns, Message, Question, Rcode, Transport, Type
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support.whole import Whole, extended_errors, whole

CD_BIT = 0x10
"""In the fourth octet of a message."""

BOGUS = {
    Fault.EXPIRED: 7,
    Fault.FUTURE: 8,
    Fault.WRONG_KEY: 9,
    Fault.BOGUS: 6,
    Fault.UNSIGNED: 10,
    Fault.DS_MISMATCH: 9,
    Fault.NSEC_MISSING: 12,
    Fault.ITERATIONS: 27,
    Fault.KSK_MISSING: 9,
    Fault.REVOKED: 9,
}
"""The extended error of each fault that makes a zone bogus (RFC 8914 section 4)."""

INSECURE = {Fault.UNKNOWN_ALGORITHM: 1, Fault.UNKNOWN_DIGEST: 2}
"""The same of those that make it insecure (RFC 4035 section 5.2)."""


async def ask(made: Whole, name: str, *, cd: bool = False) -> Message:
    """What a client with DO is told of the address of `name`."""
    query = bytearray(render_query(7, Question(names.from_text(name), Type.A), rd=True, edns=Edns(do=True)))
    query[3] |= CD_BIT * cd
    waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    made.program.respond(bytes(query), Client("127.0.0.1", 4242, Transport.TCP), waiting.set_result)
    said = await waiting
    assert said is not None
    return parse(said)


def codes(reply: Message) -> list[int]:
    """The info-codes of its extended errors."""
    return [code for code, _ in extended_errors(reply)]


def addresses(reply: Message) -> int:
    return sum(len(rrset.rdatas) for rrset in reply.answer if rrset.type == Type.A)


@pytest.mark.rfc(4035, "5.5")
@pytest.mark.parametrize("fault", BOGUS)
@pytest.mark.parametrize("mode", ["iterative", "recursive"])
def test_what_is_bogus_is_not_told_but_to_those_who_check_themselves(fault: Fault, mode: str) -> None:
    async def main(made: Whole) -> tuple[Message, Message, Message]:
        name = f"www.{fault}.dnssec-failed.test"
        return await ask(made, name), await ask(made, name, cd=True), await ask(made, name)

    first, unchecked, again = whole(main, {"resolver": {"mode": mode}})
    for reply in (first, again):
        assert (reply.rcode, reply.answer) == (Rcode.SERVFAIL, ())
        assert codes(reply)[0] == BOGUS[fault]
    assert (unchecked.rcode, addresses(unchecked), unchecked.flags & AD) == (Rcode.NOERROR, 1, 0)


@pytest.mark.rfc(4035, "5.2")
@pytest.mark.parametrize("fault", INSECURE)
def test_what_nobody_can_check_is_told_without_ad(fault: Fault) -> None:
    async def main(made: Whole) -> Message:
        return await ask(made, f"www.{fault}.dnssec-failed.test")

    reply = whole(main)
    assert (reply.rcode, addresses(reply), reply.flags & AD) == (Rcode.NOERROR, 1, 0)
    assert codes(reply) == [INSECURE[fault]]


def test_every_fault_is_asked_for() -> None:
    assert set(BOGUS) | set(INSECURE) == set(Fault)


@pytest.mark.rfc(4035, "4.3")
@pytest.mark.parametrize(
    ("name", "rcode", "proven"),
    [
        ("www.example.com", Rcode.NOERROR, True),
        ("nope.example.com", Rcode.NXDOMAIN, True),
        ("deep.ent.example.com", Rcode.NOERROR, True),
        ("any.wild.example.org", Rcode.NOERROR, True),
        ("any.web.example.org", Rcode.NOERROR, True),
        ("www.legacy.example.org", Rcode.NOERROR, True),
        ("nope.kr", Rcode.NXDOMAIN, True),
        ("nope.org", Rcode.NXDOMAIN, True),
        ("nope.arpa", Rcode.NXDOMAIN, True),
        ("nope", Rcode.NXDOMAIN, True),
        ("www.dnssec-failed.test", Rcode.NOERROR, True),
        ("nope.com", Rcode.NXDOMAIN, False),
        ("chain.example.com", Rcode.NOERROR, False),
        ("www.example.net", Rcode.NOERROR, False),
        ("www.example.co.kr", Rcode.NOERROR, False),
        ("lab.example.com", Rcode.NOERROR, False),
        ("hello.test", Rcode.NOERROR, False),
    ],
)
def test_what_is_proven_has_ad_and_what_is_not_signed_has_not(name: str, rcode: Rcode, proven: bool) -> None:
    async def main(made: Whole) -> list[Message]:
        return [await ask(made, name) for _ in range(3)]

    for reply in whole(main):
        assert (reply.rcode, bool(reply.flags & AD), codes(reply)) == (rcode, proven, [])


def test_signatures_are_renewed_before_they_expire_so_that_a_world_is_proven_for_ever() -> None:
    async def main(made: Whole) -> list[tuple[int, bool]]:
        heard = []
        for _ in range(5):
            reply = await ask(made, "www.example.com")
            heard.append((reply.rcode, bool(reply.flags & AD)))
            await made.clock.advance(sign.PERIOD - 1000)
        return heard

    assert whole(main) == [(Rcode.NOERROR, True)] * 5
