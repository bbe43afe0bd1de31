"""Decides whether a load was what its row says: the right responses, from where they should come.

Rules
* Responses must be of the code of the row, and nearly all must come.
* Hits come from the store without a query to anybody; misses cost the queries that they must cost and hardly more.
  The authorities count what they are asked; ours also says what came from its store.
* A figure of something else is worse than none: such a sample is void.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.bench import https_load, load
from tests.bench.load import Outcome, Target
from tests.bench.machine import Unusable
from tests.bench.names import Part, Stock
from tests.bench.servers import Arena, Running

LOST: Final = 0.01
"""Share of the queries of an overload that may stay without response before a sample is void."""

AGAIN: Final = 0.1
"""Share of the queries upstream that may be asked once more than they must."""

GENTLY: Final = 64
"""Queries outstanding while a server is warmed up: a forwarder that loses one upstream waits for it for long."""

SLACK: Final = 0.001
"""Share of the queries that may go upstream for other reasons, such as a server's own housekeeping."""

MISCOUNTED: Final = 0.02
"""Share of the responses that may come from elsewhere than the row says: two clients that ask for one name at the same
time have one miss and no hit."""


class Counts(NamedTuple):
    """What has been counted so far: queries at the authorities, and responses from the store where that is counted."""

    upstream: int
    stored: int | None


def witness(arena: Arena, running: Running) -> Counts:
    """What has been counted so far. Raises `Unusable`."""
    upstream = arena.hierarchy.queries() if arena.hierarchy else 0
    return Counts(upstream, running.stored() if running.stored else None)


def ask(
    arena: Arena,
    running: Running,
    names: Sequence[str],
    mode: str = "udp",
    rate: float | None = None,
    each: bool = False,
    outstanding: int = load.OUTSTANDING,
) -> Outcome:
    """The server has been asked for each of `names`. Raises `Unusable`."""
    target = Target(running.host, running.tls_port if mode in ("dot", "doh") else running.port, mode)
    if mode == "doh":
        outcome = https_load.run(names, target, arena.load_core, arena.work, rate, each, outstanding)
    else:
        file = load.write_names(arena.work / "names", names)
        outcome = load.run(file, target, arena.load_core, rate, each, outstanding)
    if outcome.completed + outcome.lost < len(names):
        raise Unusable(f"{outcome.completed} of {len(names)} queries in {load.LIMIT_S} s, and then no more were asked")
    return outcome


def fill(arena: Arena, running: Running, stock: Stock, mode: str = "udp") -> None:
    """The server knows what `stock` has to warm up with, by `mode` as some have a store for each. Raises `Unusable`."""
    names = stock.warm().names
    for _ in range(3):  # what a full queue lost is asked again
        outcome = ask(arena, running, names, mode, outstanding=GENTLY)
        if not outcome.lost and "SERVFAIL" not in outcome.codes:
            return
    raise Unusable(f"{outcome.lost} of {len(names)} names to warm up with were lost again; {outcome.codes}")


def judge(part: Part, outcome: Outcome, before: Counts, after: Counts, code: str = "NOERROR") -> dict[str, float]:
    """What proves that `outcome` is that of `part`. Raises `Unusable`."""
    asked, done = outcome.completed + outcome.lost, outcome.completed
    if outcome.lost > LOST * asked:
        raise Unusable(f"{outcome.lost} of {asked} queries got no response")
    right = outcome.codes.get(code, 0)
    if right < done:
        raise Unusable(f"{done - right} of {done} responses were not {code}: {outcome.codes}")
    upstream = after.upstream - before.upstream
    most = part.upstream * (1 + AGAIN) + SLACK * done
    if not part.upstream - (LOST + SLACK) * asked <= upstream <= most:
        raise Unusable(f"{upstream} queries went upstream for {done}, and {part.upstream} should have")
    facts = {"upstream": upstream / done}
    if before.stored is not None and after.stored is not None:
        stored = after.stored - before.stored
        if abs(stored - (done - part.misses)) > MISCOUNTED * done:
            raise Unusable(f"{stored} of {done} responses came from the store, and {done - part.misses} should have")
        facts["stored"] = stored / done
    return facts
