"""Decides what date it is for our own daemon in a black box: `python -m resolver.testing.blackbox.dated DATE serve`.

Rules: the first argument is the date when the process starts, in seconds since 1970; the others are a command of
`resolver`. The wall clock, by which signatures are valid, goes on from there; all other clocks are as ever.

Limits: what does not ask the `Clock` of the program, as the time stamps of files, has the real date. With several
workers only the process that was started is dated.
"""

from __future__ import annotations

import sys
import time

from resolver.cli import main
from resolver.network.clock import RealClock


def run(arguments: list[str]) -> int:
    """The exit code of the command, which ran on that date."""
    if not arguments or not arguments[0].isdecimal():
        print("resolver: write the date in seconds since 1970, and then a command", file=sys.stderr)
        return 2
    offset = int(arguments[0]) - time.time()
    RealClock.wall = staticmethod(lambda: time.time() + offset)
    return main(arguments[1:])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
