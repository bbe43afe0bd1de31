"""`python -m tests.robustness`: every attack with what it costs, bad weather, and the rates; writes docs/robustness.md.

Exit code: 0 when everything was kept, 1 when a bound was not, each of which is told.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.robustness import report
from tests.robustness.attacks import ATTACKS
from tests.robustness.broken import weather
from tests.robustness.limits import limits
from tests.robustness.prices import keytrap
from tests.robustness.rates import MEASURES, Figure
from tests.robustness.world import CLIENT_S, Attack, Seen, cost

WEATHER_NAMES = 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """The tables have been printed and written."""
    args = _arguments(argv)
    seen = [] if args.only else [(attack, cost(attack)) for attack in ATTACKS]
    missed = [_told(attack, one) for attack, one in seen if not _kept(attack, one)]
    text = report.PAGE.read_text(encoding="utf-8")
    if seen:
        table = report.attacks_table(seen)
        print(table, end="\n\n")
        text = report.written(text, "attacks", table)
    if not args.attacks:
        figures: list[Figure] = []
        for name, measure in {"weather": _weather, **MEASURES, "keytrap": keytrap, "limits": limits}.items():
            if args.only in (None, name):
                print(f"measuring: {name}", file=sys.stderr)
                figures += measure()
        table = report.rates_table(figures)
        print(table, end="\n\n")
        missed += [f"{each.what}: {each.figure}, not {each.wanted}" for each in figures if not each.kept]
        if not args.only:
            text = report.written(text, "rates", table)
    if not args.only:
        report.PAGE.write_text(text, encoding="utf-8")
    for line in missed:
        print(line)
    return 1 if missed else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.robustness", description="Attack the resolver, count and measure."
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--attacks", action="store_true", help="only what is counted in virtual time: a few seconds")
    which.add_argument(
        "--only", choices=["weather", *MEASURES, "keytrap", "limits"], help="only this measure; nothing is written"
    )
    return parser.parse_args(argv)


def _weather() -> list[Figure]:
    figures = []
    for own_servers, what in ((False, "shared by many zones"), (True, "of which nobody has heard before")):
        seen = weather(WEATHER_NAMES, own_servers=own_servers)
        share = 100 * seen.share
        about = f"{seen.names:,} good names, 10 % of the exchanges lost, 2 servers a zone, {what}: resolved"
        figures.append(Figure(about, f"{share:.2f} %", "99.9 %", seen.share >= 0.999))
    return figures


def _kept(attack: Attack, seen: Seen) -> bool:
    return seen.count <= attack.bound and seen.answered <= CLIENT_S and seen.rcode in attack.rcodes


def _told(attack: Attack, seen: Seen) -> str:
    head = (
        f"{attack.kind}, {attack.variant}: {seen.count} messages of {attack.bound}, {seen.rcode} in {seen.answered} s"
    )
    return "\n".join((head, *(f"    {each}" for each in seen.packets)))


if __name__ == "__main__":
    sys.exit(main())
