"""Recordings of worlds in virtual time, and what worlds say."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from resolver.app import build
from resolver.auth import hierarchy
from resolver.auth.hierarchy import World
from resolver.config import Config
from resolver.message import Question, Type
from resolver.network.entropy import SeededEntropy
from resolver.observe.log import Log
from resolver.recording.recorder import Recording, record
from resolver.recording.walking import NSEC3PARAM, ask
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from tests.support.strict import run_strictly

OWN = (Type.DNSKEY, Type.DS, NSEC3PARAM)
"""What is said of keys is of other keys, or may be."""


class Said(NamedTuple):
    """What a resolver says to a question: its records with their TTLs, and the TTL of a denial."""

    rcode: str
    records: frozenset[tuple[bytes, int, int, frozenset[bytes]]]
    denied_ttl: int | None
    secure: bool
    bogus: bool


def question(text: str) -> Question:
    """The question in `NAME TYPE`; the type A where there is none."""
    name, _, kind = text.partition(" ")
    return Question(names.from_text(name), types.from_text(kind or "A"))


def recorded(world: World, texts: Iterable[str], *, seed: int = 1, latency: bool = False) -> Recording:
    """What the servers of `world` say about the questions `texts`."""

    async def go() -> Recording:
        clock, entropy = VirtualClock(), SeededEntropy(seed)
        questions = [question(each) for each in texts]
        return await record(Config(), questions, clock=clock, world=world, entropy=entropy, latency=latency)

    found: Recording = run_strictly(go())
    return found


def replayed(recording: Recording, directory: Path, **options: Any) -> World:
    """The world of `recording`, written to `directory`."""
    recording.write(directory, **options)
    return hierarchy.load(directory)


def said(world: World, texts: Iterable[str], *, seed: int = 2) -> dict[str, Said]:
    """What a resolver of `world` that knows nothing yet says to each of `texts`."""
    return {text: run_strictly(_said(world, question(text), seed)) for text in texts}


async def _said(world: World, asked: Question, seed: int) -> Said:
    clock = VirtualClock()
    log = Log(io.StringIO(), clock.wall)
    program = build(Config(), world, clock=clock, entropy=SeededEntropy(seed), log=log)
    try:
        found = await ask(program, clock, asked)
    finally:
        await program.stop()
        await asyncio.sleep(0)
    if found.reply is None:
        return Said("SERVFAIL", frozenset(), None, False, found.bogus)
    reply = found.reply
    records = frozenset(
        (names.fold(each.name), each.type, each.ttl, frozenset(each.rdatas))
        if each.type not in OWN
        else (names.fold(each.name), each.type, 0, frozenset())
        for each in reply.answer
    )
    soa = next((each.ttl for each in reply.authority if each.type == Type.SOA), None)
    return Said(types.rcode_to_text(reply.rcode), records, soa, reply.ad, False)
