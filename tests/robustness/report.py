"""How the figures are told: the tables of docs/robustness.md, between comments that a run writes between again.

The table of the attacks is the same in every run, because virtual time and seeds are; that of the rates is not. No date
stands in either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.robustness.rates import Figure
from tests.robustness.world import Attack, Seen

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "robustness.md"


def attacks_table(seen: Iterable[tuple[Attack, Seen]]) -> str:
    """The attacks with their costs, a row for each variant."""
    head = ("attack", "variant", "name servers", "messages", "bound", "the client hears", "after")
    rows = []
    before = ""
    for attack, one in seen:
        told = f"{one.rcode}, EDE {one.ede}" if one.ede else one.rcode
        kind = "" if attack.kind == before else attack.kind
        before = attack.kind
        rows.append(
            (
                kind,
                attack.variant,
                attack.servers,
                f"{one.count}",
                f"{attack.bound} (ours)" if attack.ours else f"{attack.bound}",
                told,
                f"{one.answered:.2f} s",
            )
        )
    return _table(head, rows)


def rates_table(figures: Sequence[Figure]) -> str:
    """The rates and latencies of a run."""
    rows = [(each.what, each.figure, each.wanted, "yes" if each.kept else "**no**") for each in figures]
    return _table(("what", "measured", "wanted", "kept"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def between(text: str, which: str) -> str:
    """The table `which` that stands in a page."""
    return text.partition(_begin(which))[2].partition(_end(which))[0].strip()


def written(text: str, which: str, table: str) -> str:
    """The page `text` with `table` as its table `which`. Raises ValueError where the page has no place for it."""
    before, begin, rest = text.partition(_begin(which))
    _, end, after = rest.partition(_end(which))
    if not begin or not end:
        raise ValueError(f"no {_begin(which)} and {_end(which)}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def _begin(which: str) -> str:
    return f"<!-- {which}: written by make robustness -->"


def _end(which: str) -> str:
    return f"<!-- end of {which} -->"
