"""Decides what a failed test says of its internet: seed and time, what went wrong on purpose, and for each question why
it was answered as it was, and what was done.

Limits: the last `MAX_QUESTIONS` questions, and `MAX_LINES` lines, of which the first are left out.
"""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from resolver.network.faults.rules import in_words
from resolver.observe.drawing import trees
from resolver.observe.transcript import Root
from resolver.testing.virtual_time import MONOTONIC_START
from resolver.text import printable

if TYPE_CHECKING:
    from resolver.testing.inside import Inside

MAX_QUESTIONS: Final = 20
MAX_LINES: Final = 150
"""What a person reads of a failure; a walk from the root takes about fifteen."""

WIDTH: Final = 80
"""Characters of a line of prose."""

_OF_TABLE: Final = ("id", "kind", "applied", "state", "declared")


def tree(root: Root) -> str:
    """What was done for one question of a client."""
    return "\n".join(trees([root]))


def report(inside: Inside, seed: int, *, real: bool) -> str:
    """What a failed test says of `inside`."""
    clock, faults = inside.clock, inside.faults.listed()
    asked = [root for root in inside.transcript.asked_for if root.query is not None]
    if not (asked or faults or inside.errors):
        return ""
    now = datetime.datetime.fromtimestamp(clock.wall(), datetime.UTC)
    passed = clock.monotonic() - MONOTONIC_START
    kind = "real time plus an offset" if real else "virtual"
    frozen = ", frozen" if clock.frozen else ""
    lines = [f"seed {seed}; {now:%Y-%m-%dT%H:%M:%SZ}, {passed:.3f} s after the start ({kind}{frozen})"]
    for each in faults:
        rest = in_words({word: value for word, value in each.items() if word not in _OF_TABLE})
        told = f"{each['kind']} {rest}".rstrip()
        lines.append(f"fault {each['id']}: {told} ({each['state']}, applied {each['applied']} times)")
    said: set[str] = set()
    drawn = [line for root in asked[-MAX_QUESTIONS:] for line in _drawn(inside, root, said)]
    if len(asked) > MAX_QUESTIONS or len(drawn) > MAX_LINES:
        lines.append(f"… {max(0, len(asked) - MAX_QUESTIONS)} earlier questions and what is long are left out")
    lines += drawn[-MAX_LINES:] if asked else ["nothing was asked"]
    lines += [f"logged: {line}" for line in inside.errors.splitlines()[-MAX_QUESTIONS:]]
    return "\n".join(lines)


def _drawn(inside: Inside, root: Root, said: set[str]) -> Iterator[str]:
    """One question with its answer, the reason for that unless it is among those that were `said`, and the tree."""
    first, *rest = trees([root])
    yield first
    why = "" if root.told is None else printable(str(inside.explain(root)))
    if why and why not in said:
        said.add(why)
        yield from textwrap.wrap(f"why: {why}", WIDTH, subsequent_indent="  ")
    yield from rest
