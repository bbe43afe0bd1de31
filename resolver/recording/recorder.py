"""Decides what a recording is: questions that were walked, what was learnt on the way, and the world that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resolver.app import build
from resolver.arranged import Arranged
from resolver.auth.hierarchy import World
from resolver.config import Config
from resolver.engine.delegation import Delegation
from resolver.errors import ResolverdError
from resolver.message import Question
from resolver.network.base import Clock, Entropy, Network
from resolver.recording import drawing, noting, playing, writing
from resolver.recording.drawn import Drawn
from resolver.recording.evidence import Evidence
from resolver.recording.noting import Noting
from resolver.recording.walking import Asked, Walker, configured


@dataclass(frozen=True, slots=True)
class Recording:
    """What came of questions, what was learnt, and the world that follows; `wall`, in seconds since 1970, is when."""

    asked: Sequence[Asked]
    evidence: Evidence
    drawn: Drawn
    config: Config
    wall: float

    def write(self, directory: Path, *, force: bool = False) -> list[str]:
        """`directory` holds the world. What that says otherwise than what was recorded, a line each.

        Raises `ConfigError` where nothing may be written there (what is recorded there is replaced with `force`),
        `ResolverdError` where nobody could be asked, `ZoneError` where no world can be made of what they said, and
        OSError. Then nothing has changed.
        """
        writing.check(directory, force=force)
        if not self.drawn.has_root:
            raise ResolverdError("nothing is recorded: no server of the root could be found")
        otherwise = list(self.drawn.remarks)

        def examine(made: Path) -> None:
            otherwise.extend(playing.differences(made, self.asked, self.config, self.wall))

        origin = _origin(self.config)
        files = writing.files(self.drawn, self.asked, self.evidence, origin=origin, wall=self.wall)
        writing.write(directory, files, examine=examine)
        return otherwise


async def record(
    config: Config,
    questions: Sequence[Question],
    *,
    clock: Clock,
    world: World | None = None,
    network: Network | None = None,
    root: Delegation | None = None,
    entropy: Entropy | None = None,
    latency: bool = False,
) -> Recording:
    """What the servers that `config` begins from, or those of `world`, say about `questions`. With `latency` the drawn
    servers are as slow as they were. `network` and `root` are those of `Arranged`.

    Call it in the loop that `clock` tells the time of. Raises `ConfigError` and `ZoneError`.
    """
    config = configured(config)
    notings: list[Noting] = []

    def around(network: Network) -> Network:
        notings.append(Noting(network, clock))
        return notings[-1]

    wall = clock.wall()
    arranged = Arranged(network, around, root)
    program = build(config, world, clock=clock, entropy=entropy, arranged=arranged)
    try:
        walker = Walker(program, notings[-1], clock)
        asked = await walker.walk(questions)
        evidence = await walker.survey(questions)
    finally:
        await program.stop()
    drawn = drawing.draw(asked, evidence, wall=wall, latency=latency)
    if walker.noting.full:
        drawn.remarks.append(
            f"there are {noting.MAX_NOTES} messages or {noting.MAX_OCTETS} octets, the most of one recording: "
            "zones may lack something"
        )
    return Recording(asked, evidence, drawn, config, wall)


def _origin(config: Config) -> str:
    """Where the walks began, in words."""
    if config.resolver.hints_file is not None:
        return f"the root servers of {config.resolver.hints_file.name}"
    if config.resolver.roots == "internet":
        return "the Internet"
    return "a simulated internet"
