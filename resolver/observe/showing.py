"""Decides how what was seen is shown to people: a line, a table, and what comes nearest to what was wanted.

Rules: the nearest is the one of which most words of the filter hold; of several, the one whose other words look most
alike, and of these the latest. What differs stands in a diff, one word a line.

Limits: `MAX_ROWS` rows, the last of them; names are cut to `MAX_NAME` characters, and the nearest is sought among
`MAX_COMPARED` messages.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from resolver.observe import presenting
from resolver.observe.history import CLIENT, Seen
from resolver.observe.wanted import UNANSWERED, matcher, wanted
from resolver.text import table as aligned
from resolver.wire import names, types

MAX_ROWS: Final = 30
"""Rows of a table."""
MAX_NAME: Final = 60
"""Characters of a name in a table; the whole of a usual one."""
MAX_NAMED: Final = 20
"""Names that a hint lists when none is near."""
MAX_COMPARED: Final = 2_000
"""Messages among which the nearest is sought; the last ones."""


def table(seen: Sequence[Seen]) -> list[str]:
    """The last of `seen` as a table, times in seconds from the first that is shown."""
    if not seen:
        return ["  nothing was seen"]
    shown = seen[-MAX_ROWS:]
    left_out = len(seen) - len(shown)
    lines = [f"  … {left_out} earlier"] if left_out else []
    return [*lines, *(f"  {each}" for each in aligned([_row(each, shown[0].time) for each in shown]))]


def listing(seen: Sequence[Seen], workers: Sequence[object] = ()) -> list[str]:
    """All of `seen` as a table, with the time of day (UTC) and who asked; with `workers`, which of them saw each."""
    rows = []
    for each, worker in itertools.zip_longest(seen, workers):
        row = _row(each, each.time)
        where = {"worker": worker} if workers else {}
        time = presenting.moment(each.time)[11:23]
        rows.append({**where, "#": row["#"], "time": time, "client": each.client, **row})
    return aligned([{word: value for word, value in row.items() if word != "at"} for row in rows]) if rows else []


def line(seen: Seen) -> str:
    """`seen` in a line."""
    row = _row(seen, seen.time)
    asked = f"{row['name']} {row['type']} → {row['asked']} ({row['over']}): {row['rcode']}"
    return asked + (f", {row['faults']}" if seen.faults else "") + ("" if seen.ms is None else f", {row['ms']} ms")


def phrase(words: Mapping[str, Any]) -> str:
    """What a filter means, in words."""
    said = [f"{word} {value}" for word, value in words.items() if value is not None and word != "side"]
    who = {CLIENT: "queries of clients", None: "queries"}.get(words.get("side"), "queries to servers")
    return f"{who} with {', '.join(said)}" if said else who


def times(count: int) -> str:
    """`count` in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(count) or f"{count} times"


def nearest(words: Mapping[str, Any], seen: Sequence[Seen]) -> list[str]:
    """What of `seen` comes nearest to what `words` mean, as a diff, and a table of all."""
    said = {word: value for word, value in words.items() if value is not None}
    tests = {word: matcher(wanted({word: value})) for word, value in said.items()}

    def near(each: Seen) -> tuple[int, float, int]:
        failed = [word for word, test in tests.items() if not test(each)]
        alike = sum(difflib.SequenceMatcher(None, str(said[word]), _value(word, each)).ratio() for word in failed)
        return len(tests) - len(failed), alike, each.number

    if not seen or not tests:
        return table(seen)
    best = max(seen[-MAX_COMPARED:], key=near)
    lines = [f"nearest, #{best.number}:"]
    for word, value in said.items():
        if tests[word](best):
            lines.append(f"    {word:<9} {_value(word, best)}")
        else:
            lines += [f"  - {word:<9} {value}", f"  + {word:<9} {_value(word, best)}"]
    return [*lines, "seen:", *table(seen)]


def _row(seen: Seen, start: float) -> dict[str, str]:
    return {
        "#": str(seen.number),
        "at": f"{seen.time - start:+.3f}",
        "asked": seen.server or ("the resolver" if seen.side == CLIENT else seen.address),
        "name": _cut(_value("name", seen)),
        "type": _value("type", seen),
        "over": str(seen.transport),
        "rcode": "no reply" if seen.response is None else seen.rcode or "no message",
        "ms": "-" if seen.ms is None else f"{seen.ms:.1f}",
        "faults": " ".join(seen.faults) or "-",
    }


def _cut(text: str) -> str:
    return text if len(text) <= MAX_NAME else f"…{text[1 - MAX_NAME :]}"


def _value(word: str, seen: Seen) -> str:
    """What `seen` has where a filter has `word`."""
    question = seen.question
    match word:
        case "name" | "zone":
            return "(no question)" if question is None else names.to_text(names.fold(question.name))
        case "type":
            return "-" if question is None else types.to_text(question.type)
        case "server":
            return seen.server or "(the resolver)"
        case "rcode":
            return seen.rcode or UNANSWERED
        case "fault":
            return " ".join(seen.faults) or "(no fault)"
        case "since" | "until":
            return presenting.moment(seen.time)
        case "after":
            return str(seen.number)
    return str(getattr(seen, word))
