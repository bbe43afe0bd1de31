"""Validation from end to end, in the shipped world: what clients are told of what is signed, unsigned and broken."""

from __future__ import annotations

import asyncio

import pytest

from resolver.auth.hierarchy import load
from resolver.auth.shipped import find_zones
from resolver.dnssec.anchors import Anchor, of_rrset
from resolver.message import AD, CD, RD, Client, Edns, Message, Question, Rcode, Transport, Type
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support.whole import Whole, extended_errors, whole

SERVFAIL, NOERROR = Rcode.SERVFAIL, Rcode.NOERROR


async def ask(made: Whole, name: str, rtype: str = "A", *, do: bool = False, flags: int = 0) -> Message:
    """The response to a query with these flags besides RD."""
    question = Question(names.from_text(name), types.from_text(rtype))
    query = bytearray(render_query(7, question, rd=True, edns=Edns(do=do)))
    query[2:4] = (flags | RD).to_bytes(2, "big")
    waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    made.program.respond(bytes(query), Client("127.0.0.1", 4242, Transport.UDP), waiting.set_result)
    response = await waiting
    assert response is not None
    return parse(response)


def told(message: Message) -> tuple[int, bool, list[int]]:
    """Rcode, AD, and the types in the answer section."""
    return message.rcode, message.flags & AD != 0, [each.type for each in message.answer]


@pytest.mark.rfc(4035, "5.5")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("expired", 7),
        ("future", 8),
        ("wrongkey", 9),
        ("bogus", 6),
        ("unsigned", 10),
        ("ds-mismatch", 9),
        ("nsec3-iterations", 27),
        ("ksk-missing", 9),
        ("revoked", 9),
    ],
)
def test_what_is_broken_is_servfail_with_the_reason_and_told_to_who_wants_nothing_checked(fault, code):
    async def main(made: Whole):
        name = f"www.{fault}.dnssec-failed.test."
        return await ask(made, name), await ask(made, name), await ask(made, name, flags=CD)

    broken, again, unchecked = whole(main)
    assert told(broken) == told(again) == (SERVFAIL, False, [])
    assert extended_errors(broken)[0][0] == code
    assert f"{fault}.dnssec-failed.test." in extended_errors(broken)[0][1]
    assert told(unchecked) == (NOERROR, False, [Type.A])


def test_a_denial_that_does_not_prove_itself_is_servfail():
    async def main(made: Whole):
        name = "www.nsec-missing.dnssec-failed.test."
        return await ask(made, name, "MX"), await ask(made, name, "MX", flags=CD)

    broken, unchecked = whole(main)
    assert (told(broken), extended_errors(broken)[0][0]) == ((SERVFAIL, False, []), 12)
    assert told(unchecked) == (NOERROR, False, [])


@pytest.mark.rfc(4035, "5.2")
@pytest.mark.rfc(8914, "4.2")
@pytest.mark.rfc(8914, "4.3")
@pytest.mark.parametrize(("fault", "code"), [("unknown-algorithm", 1), ("unknown-digest", 2)])
def test_what_cannot_be_checked_is_unsigned_and_it_is_told_why(fault, code):
    async def main(made: Whole):
        name = f"www.{fault}.dnssec-failed.test."
        return await ask(made, name, flags=AD), await ask(made, name, flags=AD)

    for message in whole(main):
        assert told(message) == (NOERROR, False, [Type.A])
        assert [each for each, _ in extended_errors(message)] == [code]


@pytest.mark.rfc(6840, "5.8")
def test_what_is_stored_is_told_only_to_those_who_are_told_the_same():
    """Each is asked from the servers, from records and from stored octets."""

    async def main(made: Whole):
        seen = {}
        for _ in range(3):
            for do in (False, True):
                for flags in (0, AD, CD, AD | CD):
                    message = await ask(made, "www.example.com.", do=do, flags=flags)
                    seen.setdefault((do, flags), []).append(told(message))
        return seen, made.program.stats()["answers.stored"]

    seen, stored = whole(main)
    for (do, flags), answers in seen.items():
        proven = not flags & CD and (do or flags & AD != 0)
        assert answers == [(NOERROR, proven, [Type.A, Type.RRSIG] if do else [Type.A])] * 3, (do, flags)
    assert stored >= 8


@pytest.mark.rfc(4035, "4.3")
def test_what_is_proven_to_be_unsigned_is_told_as_ever():
    async def main(made: Whole):
        return [await ask(made, "www.example.net.", do=True, flags=AD) for _ in range(2)]

    for message in whole(main):
        assert told(message) == (NOERROR, False, [Type.A])


def test_without_validation_everything_is_told_and_nothing_as_proven():
    async def main(made: Whole):
        return [await ask(made, f"www.{each}", do=True) for each in ("example.com.", "bogus.dnssec-failed.test.")]

    for message in whole(main, {"dnssec": {"validation": False}}):
        assert told(message) == (NOERROR, False, [Type.A, Type.RRSIG])


@pytest.mark.rfc(7646, "2")
def test_an_exception_that_comes_or_goes_counts_at_once():
    excepted = {"negative_trust_anchors": ["bogus.dnssec-failed.test"]}
    settings = {"world": {"serve": True, "in_memory": True, "port": 53}}

    async def main(made: Whole):
        config, program = made.program.config, made.program
        program._bind_front = lambda config, buffer: []  # type: ignore[method-assign]
        without = config.model_copy(update={"dnssec": config.dnssec.model_validate(excepted)})
        seen = [await ask(made, "www.bogus.dnssec-failed.test.")]
        await program.reload(without)
        seen += [await ask(made, "www.bogus.dnssec-failed.test."), await ask(made, "www.example.com.", flags=AD)]
        await program.reload(config)
        seen.append(await ask(made, "www.bogus.dnssec-failed.test."))
        return [told(each)[:2] for each in seen]

    assert whole(main, settings) == [(SERVFAIL, False), (NOERROR, False), (NOERROR, True), (SERVFAIL, False)]


def test_a_file_of_anchors_that_has_changed_counts_for_what_is_held_too(tmp_path):
    file, signed = tmp_path / "anchors", load(find_zones()).trust_anchor
    assert signed is not None
    right = of_rrset(signed)
    wrong = [ds._replace(digest=bytes(len(ds.digest))) for ds in right.ds]
    settings = {"world": {"serve": True, "in_memory": True, "port": 53}, "dnssec": {"trust_anchor_files": [str(file)]}}

    async def main(made: Whole):
        program = made.program
        seen = [await ask(made, "www.example.com.", flags=AD)]
        sent = program.stats()["upstream.sent"]
        await program.reload(program.config)
        seen.append(await ask(made, "www.example.com.", flags=AD))
        kept = program.stats()["upstream.sent"] == sent
        file.write_text("\n".join(Anchor(names.ROOT, tuple(wrong)).lines()))
        await program.reload(program.config)
        return [told(each)[:2] for each in (*seen, await ask(made, "www.example.com.", flags=AD))], kept

    file.write_text("\n".join(right.lines()))
    assert whole(main, settings) == ([(NOERROR, True), (NOERROR, True), (SERVFAIL, False)], True)
