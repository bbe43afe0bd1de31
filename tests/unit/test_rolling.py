"""When the keys of zones that are followed are asked for, and what becomes of what is told."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resolver.app import build
from resolver.auth.hierarchy import load
from resolver.auth.shipped import find_zones
from resolver.config import Config
from resolver.dnssec.anchors import Anchor, of_rrset
from resolver.dnssec.following import Following, state_file
from resolver.dnssec.records import Dnskey
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import Proof, Question, Rcode, Status, Type
from resolver.network.clock import RealClock
from resolver.network.entropy import SeededEntropy
from resolver.observe.log import Log
from resolver.rolling import LOOK_S, Done, Rolling
from resolver.testing.virtual_time import WALL_START, VirtualClock, run
from resolver.wire import names
from tests.support.ksk import DAY, KeySet, SigningKey

NOW = 1_790_000_000.0
ZONE = names.from_text("example.")
OLD, NEW = SigningKey(1), SigningKey(2)


class Zone:
    """A zone that is followed by a `Rolling` in virtual time, and answers what it is set to."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "keys"
        self.file.write_text("\n".join(Anchor(ZONE, ds=(OLD.ds,)).lines()))
        self.following = Following.begin(self.file, NOW)
        self.log = io.StringIO()
        self.asked: list[tuple[Question, float]] = []
        self.believed: list[set[Dnskey]] = []
        self.answers: Callable[[float], Answer | ResolutionFailed | None] = lambda wall: signed(wall, [OLD], [OLD])
        self.keeps = True
        self.clock: VirtualClock
        self.rolling: Rolling

    def begin(self) -> None:
        """It is followed from now on, in the loop that runs."""
        self.clock = VirtualClock(wall=NOW)
        log = Log(self.log, self.clock.wall)
        self.rolling = Rolling(
            self.following, self.ask, self._believe, clock=self.clock, log=log, loop=None, keeps=self.keeps
        )
        self.rolling.begin()

    def ask(self, question: Question, done: Done) -> None:
        self.asked.append((question, self.clock.wall()))
        told = self.answers(self.clock.wall())
        if told is not None:
            done(told)

    def _believe(self) -> None:
        self.believed.append({key for anchor in self.following.anchors.values() for key in anchor.dnskeys})

    @property
    def hours(self) -> list[int]:
        """When it was asked, in whole hours from the beginning."""
        return [int((at - NOW) // 3600) for _, at in self.asked]


def signed(wall: float, keys: list[SigningKey], signers: list[SigningKey], **options: Any) -> Answer:
    made = KeySet(keys, signers, wall, **options)
    rrset = made.rrset._replace(proof=Proof(Status.UNCHECKED, tuple(made.signatures)))
    return Answer(Rcode.NOERROR, (rrset,))


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def lived(zone: Zone, days: float) -> None:
    """`zone` is followed for so long."""

    async def live() -> None:
        zone.begin()
        await asyncio.sleep(days * DAY)
        zone.rolling.cancel()

    run(live())


def test_a_zone_is_asked_at_once_and_then_in_half_its_ttl(zone: Zone) -> None:
    lived(zone, 2)
    assert {question for question, _ in zone.asked} == {Question(ZONE, Type.DNSKEY)}
    assert zone.hours == [0, 12, 24, 36]
    assert zone.believed == [{OLD.public()}], "handed on when it changes"


def test_a_new_key_is_believed_after_its_hold_down_also_across_restarts(zone: Zone) -> None:
    zone.answers = lambda wall: signed(wall, [OLD, NEW], [OLD])
    lived(zone, 31)
    assert zone.believed[-1] == {OLD.public(), NEW.public()}
    assert set(Following.begin(zone.file, NOW).anchors[ZONE].dnskeys) == {OLD.public(), NEW.public()}
    assert f"event=trust_anchor zone=example. key={NEW.public().tag} state=valid" in zone.log.getvalue()


@pytest.mark.rfc(5011, "2.3")
def test_after_a_failure_it_is_asked_again_sooner(zone: Zone) -> None:
    zone.answers = lambda wall: (
        signed(wall, [OLD], [OLD])
        if wall < NOW + 3600
        else ResolutionFailed("MUTE", 22, "no server of example. replied")
    )
    lived(zone, 1)
    assert zone.hours == [0, 12, 14, 16, 19, 21, 24][: len(zone.hours)]
    assert "event=trust_anchor_not_refreshed zone=example." in zone.log.getvalue()
    assert zone.following.anchors[ZONE].dnskeys == (OLD.public(),), "what was believed is believed"


def test_an_answer_without_keys_is_a_failure(zone: Zone) -> None:
    zone.answers = lambda wall: Answer(Rcode.NOERROR, ())
    lived(zone, 0.5)
    assert zone.hours[:4] == [0, 1, 2, 3]
    assert 'reason="there are none"' in zone.log.getvalue()


def test_while_a_question_is_under_way_no_other_is_asked(zone: Zone) -> None:
    zone.answers = lambda wall: None
    lived(zone, 3)
    assert zone.hours == [0]
    assert zone.rolling.flights == 1


def test_what_is_told_after_the_end_changes_nothing(zone: Zone) -> None:
    told: list[Done] = []
    zone.ask = lambda _, done: told.append(done)  # type: ignore[method-assign]
    lived(zone, 0.1)
    told[0](signed(NOW, [OLD, NEW], [OLD]))
    assert (zone.believed, state_file(zone.file).exists()) == ([], False)


def test_a_wall_clock_that_is_set_ahead_is_seen_within_minutes(zone: Zone) -> None:
    async def live() -> None:
        zone.begin()
        await asyncio.sleep(60)
        zone.clock.suspend(DAY)
        await asyncio.sleep(LOOK_S)
        zone.rolling.cancel()

    run(live())
    assert len(zone.asked) == 2


def test_a_state_that_cannot_be_kept_is_told_and_what_is_known_goes_on(zone: Zone) -> None:
    state_file(zone.file).mkdir()
    lived(zone, 1)
    assert zone.believed == [{OLD.public()}]
    assert "event=trust_anchor_state_not_kept" in zone.log.getvalue()


def test_who_does_not_keep_what_is_known_believes_it_and_writes_nothing(zone: Zone) -> None:
    zone.keeps = False
    lived(zone, 1)
    assert zone.believed == [{OLD.public()}]
    assert not state_file(zone.file).exists()


@pytest.mark.sockets
def test_in_a_real_loop_a_thread_writes(zone: Zone) -> None:
    async def live() -> None:
        loop = asyncio.get_running_loop()
        clock = RealClock(loop)
        log = Log(zone.log, clock.wall)
        rolling = Rolling(
            zone.following,
            lambda _, done: done(signed(NOW, [OLD], [OLD])),
            zone._believe,
            clock=clock,
            log=log,
            loop=loop,
        )
        rolling._look()
        rolling.cancel()
        await loop.shutdown_default_executor()

    asyncio.run(live())
    assert state_file(zone.file).exists()


def test_a_program_follows_the_root_of_its_world(tmp_path: Path) -> None:
    world = load(find_zones())
    file = tmp_path / "root.key"
    assert world.trust_anchor is not None
    file.write_text("\n".join(of_rrset(world.trust_anchor).lines()))
    settings = Config.model_validate({"world": {"in_memory": True}, "dnssec": {"auto_trust_anchor_file": str(file)}})

    async def live() -> bool:
        clock = VirtualClock()
        log = Log(io.StringIO(), clock.wall)
        program = build(settings, world, clock=clock, entropy=SeededEntropy(1), log=log)
        assert program._composed.rolling is not None
        program._composed.rolling.begin()
        await asyncio.sleep(5)
        reply = await program.ask("www.example.com", "A")
        await program.stop()
        return reply.rcode == Rcode.NOERROR

    assert run(live())
    kept = Following.begin(file, WALL_START).anchors[names.ROOT]
    assert (kept.ds, [key.flags for key in kept.dnskeys]) == ((), [257]), "the digest has become its key"
