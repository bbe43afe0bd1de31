"""What single replies show."""

from __future__ import annotations

from pathlib import Path

from resolver.auth import hierarchy
from resolver.config import Config
from resolver.message import Message, Transport, Type
from resolver.recording.evidence import read
from resolver.recording.noting import Note
from resolver.recording.walking import configured
from resolver.wire import names
from tests.support import worlds
from tests.support.messages import reply
from tests.support.recordings import question, recorded, replayed, said

REFERRAL = reply(question("www.test"), (), "test. 60 IN NS ns.test.", "ns.test. 60 IN A 192.0.2.1", aa=False)
WWW = names.from_text("www.test")


def note(message: Message, host: str = "192.0.2.1") -> Note:
    """`message` came from `host`."""
    assert message.question is not None
    return Note(host, Transport.UDP, message.question, message)


def answer(ttl: int, data: str = "192.0.2.9") -> Message:
    """An answer of www.test with that TTL."""
    return reply(question("www.test"), f"www.test. {ttl} IN A {data}")


def test_of_several_ttls_the_one_that_no_cache_has_run_down_counts() -> None:
    for ttls in ((30, 60, 45), (60, 30), (30, 60)):
        evidence = read([note(REFERRAL, "192.0.2.0"), *(note(answer(ttl)) for ttl in ttls)])
        assert evidence.sets[WWW, Type.A].rrset.ttl == 60


def test_a_server_is_believed_of_the_zones_that_it_was_named_for_alone() -> None:
    forged = reply(question("www.test"), "www.test. 60 IN A 192.0.2.9", "other. 60 IN NS ns.other.")
    evidence = read([note(REFERRAL, "192.0.2.0"), note(forged)])
    assert names.from_text("other") not in evidence.delegations
    assert names.from_text("other") not in evidence.apexes
    below = reply(question("www.other"), "www.other. 60 IN A 192.0.2.9")
    evidence = read([note(REFERRAL, "192.0.2.0"), note(below, "192.0.2.1")])
    assert [each.zone for each in evidence.conduct["192.0.2.1"]] == [names.ROOT]


def test_nothing_is_answered_but_what_a_server_of_the_walk_said() -> None:
    given = {
        "resolver": {"mode": "recursive", "forward_zones": {".": ["192.0.2.1"]}, "stub_zones": {"a": ["192.0.2.1"]}}
    }
    config = configured(Config.model_validate(given))
    assert (config.resolver.mode, config.resolver.forward_zones, config.resolver.stub_zones) == ("iterative", {}, {})
    assert (config.cache.prefetch, config.cache.serve_stale, config.dnssec.aggressive) == (False, False, False)


def test_a_wildcard_without_data_of_a_type_stays_one(tmp_path: Path) -> None:
    """Which is seen in a zone with opt-out, where nothing is proven that no record stands for."""
    signed = worlds.SMALL.replace('[zone."."]', '[zone."."]\ndnssec = "nsec"').replace(
        '[zone."test"]', '[zone."test"]\ndnssec = { denial = "nsec3", opt_out = true }\nrecords = ["*.w A 192.0.2.1"]'
    )
    (tmp_path / "world").mkdir()
    world = hierarchy.load(worlds.write(tmp_path / "world", signed))
    asked = ["any.w.test TXT"]
    recording = recorded(world, asked)
    assert said(replayed(recording, tmp_path / "zones"), asked) == said(world, asked)
    assert (names.from_text("*.w.test"), 65534) in recording.drawn.zones[names.from_text("test")].records
