"""Decides whether a recorded world says what was recorded: each question is asked again, of the world that was written.

Rules: compared are the rcode, the record sets of the answer (the types that our keys make apart), and AD. What was a
failure has to fail, bogus as bogus. TTLs are not compared: what a client was told may have aged, what is written has
not. It takes no time: the clock jumps.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from resolver.app import build
from resolver.auth import hierarchy
from resolver.config import Config
from resolver.dnssec.chains import NSEC3PARAM
from resolver.message import Reply, Type
from resolver.network.entropy import SeededEntropy
from resolver.observe.log import Log
from resolver.recording.walking import Asked, ask, configured
from resolver.testing.virtual_time import VirtualClock, run
from resolver.wire import names, types

_OWN: Final = frozenset((Type.DNSKEY, Type.DS, Type.RRSIG, Type.NSEC, Type.NSEC3, NSEC3PARAM))


def differences(directory: Path, asked: Sequence[Asked], config: Config, wall: float) -> list[str]:
    """What the world in `directory` says otherwise than what was `asked`, a line each. Raises `ZoneError`."""
    again = run(_play(directory, asked, config, wall))
    return [
        f"{names.to_text(before.question.name)} {types.to_text(before.question.type)} is played back otherwise: {what}"
        for before, after in zip(asked, again, strict=True)
        if (what := _difference(before, after))
    ]


async def _play(directory: Path, asked: Iterable[Asked], config: Config, wall: float) -> list[Asked]:
    config = configured(config)
    resolver = config.resolver.model_copy(update={"roots": "simulated", "hints_file": None})
    anchors = {"trust_anchors": (), "trust_anchor_files": (), "auto_trust_anchor_file": None}
    config = config.model_copy(
        update={"resolver": resolver, "dnssec": config.dnssec.model_copy(update=anchors)},
    )
    clock = VirtualClock(wall=wall)
    log = Log(io.StringIO(), clock.wall, config.log.level, config.log.format)
    program = build(config, hierarchy.load(directory), clock=clock, entropy=SeededEntropy(0), log=log)
    try:
        return [await ask(program, clock, each.question) for each in asked]
    finally:
        await program.stop()


def _difference(before: Asked, after: Asked) -> str:
    """What is another in the answers to a question; empty for nothing."""
    one, other = before.reply, after.reply
    if one is None or other is None:
        if one is not other:
            return f"{_shown(before)} was {_shown(after)}"
        return "" if before.bogus == after.bogus else f"{before.failure} was {after.failure}"
    if one.rcode != other.rcode:
        return f"{types.rcode_to_text(one.rcode)} became {types.rcode_to_text(other.rcode)}"
    if _sets(one) != _sets(other):
        return "other records"
    return "" if one.ad == other.ad else f"AD {int(one.ad)} became {int(other.ad)}"


def _shown(asked: Asked) -> str:
    return asked.failure if asked.reply is None else types.rcode_to_text(asked.reply.rcode)


def _sets(reply: Reply) -> set[tuple[bytes, int, frozenset[bytes]]]:
    """The record sets of the answer."""
    return {
        (names.fold(each.name), each.type, frozenset(each.rdatas) if each.type not in _OWN else frozenset())
        for each in reply.answer
    }
