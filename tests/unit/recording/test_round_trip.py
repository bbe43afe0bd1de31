"""A recording says what was recorded: over the shipped world, which has something of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.auth import lint
from resolver.auth.hierarchy import World
from resolver.auth.shipped import load_world
from resolver.recording.recorder import Recording
from resolver.wire import names
from tests.support.recordings import recorded, replayed, said

PLAIN = (
    *("www.example.com", "www.example.com AAAA", "www.example.com HTTPS", "example.com MX", "example.com TXT"),
    *("example.com CAA", "example.com NS", "example.com SOA", "_sip._tcp.example.com SRV", "_dns.example.com SVCB"),
    *("example.edu LOC", "library.example.edu RP", "login.example.edu SSHFP", "_443._tcp.www.example.edu TLSA"),
    *("phone.example.edu NAPTR", "unknown.example.edu TYPE65280", "medium.example.com TXT", "big.example.com TXT"),
    *("many.example.com", "short.example.com", "80.2.0.192.in-addr.arpa PTR", "2.2.53.127.in-addr.arpa PTR"),
    *("ns1.example.com", "ns1.example.com AAAA", "www.lab.example.com", "ci.dev.example.com", "www.example.net"),
    *("www.example.co.kr", "example.kr", "cs.example.edu", ". NS", "com NS", "com SOA", "co.kr NS"),
)
"""Data of all types, of zones that are delegated in all ways."""
ALIASES = (
    *("chain.example.com", "alias.example.com", "one.example.com AAAA", "shop.example.com", "old.example.com"),
    *("www.legacy.example.org", "mail.legacy.example.org AAAA", "legacy.example.org TXT", "alias.example.com CNAME"),
    *("any.wild.example.org", "other.wild.example.org TXT", "any.web.example.org", "dead.example.com"),
    f"{'x' * 63}.{'y' * 60}.far.example.org",
)
DENIED = (
    *("v4only.example.com AAAA", "v6only.example.com", "nothing.example.com", "any.wild.example.org MX"),
    *("deep.ent.example.com", "ent.example.com TXT", "below.here.wild.example.org", "b.ent.example.org"),
    *("nothing.com", "nothing", "nothing.example.us", "nothing.example.kr", "www.example.net MX", "nothing.org"),
    *("x.host.deep.ent.example.com", "www.example.com DS", "lab.example.com DS"),
)
BROKEN = tuple(
    f"{child}.broken.test"
    for child in (
        *("lame", "silent", "slow", "lossy", "servfail", "refused", "truncated", "cnameloop", "cyclic", "dangling"),
        "upward",
    )
)
FAILED = (
    *("dnssec-failed.test", "www.dnssec-failed.test"),
    *(
        f"www.{child}.dnssec-failed.test"
        for child in (
            *("expired", "future", "wrongkey", "bogus", "unsigned", "ds-mismatch", "unknown-algorithm"),
            *("unknown-digest", "nsec-missing", "nsec3-iterations", "ksk-missing", "revoked"),
        )
    ),
)
ALL = (*PLAIN, *ALIASES, *DENIED, *BROKEN, *FAILED)


@pytest.fixture(scope="module")
def shipped() -> World:
    return load_world()


@pytest.fixture(scope="module")
def recording(shipped: World) -> Recording:
    return recorded(shipped, ALL)


@pytest.fixture(scope="module")
def directory(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("recorded") / "zones"
    assert recording.write(directory) == []
    return directory


def test_a_recording_of_everything_says_the_same(shipped: World, recording: Recording, tmp_path: Path) -> None:
    again = replayed(recording, tmp_path / "zones")
    before, after = said(shipped, ALL), said(again, ALL)
    assert {text: each for text, each in after.items() if each != before[text]} == {}


@pytest.mark.parametrize("asked", [PLAIN, ALIASES, DENIED, BROKEN, FAILED], ids=len)
def test_a_recording_of_some_says_the_same(shipped: World, asked: tuple[str, ...], tmp_path: Path) -> None:
    again = replayed(recorded(shipped, asked, seed=3), tmp_path / "zones")
    before, after = said(shipped, asked), said(again, asked)
    assert {text: (before[text], each) for text, each in after.items() if each != before[text]} == {}


def test_a_recording_of_one_name_says_the_same(shipped: World, tmp_path: Path) -> None:
    wrong = {}
    for number, text in enumerate(ALL[::4]):  # the rest is for the property
        again = replayed(recorded(shipped, [text], seed=number), tmp_path / str(number))
        before, after = said(shipped, [text])[text], said(again, [text])[text]
        if before != after:
            wrong[text] = before, after
    assert wrong == {}


def test_faults_of_servers_and_of_signatures_are_recorded_by_their_words(recording: Recording) -> None:
    faults = {
        names.to_text(each.name).split(".")[1]: each.fault for each in recording.drawn.servers.values() if each.fault
    }
    assert faults == {word: word for word in ("lame", "silent", "servfail", "refused", "truncated", "upward")}
    told = {
        names.to_text(apex).partition(".")[0]: zone.dnssec.get("fault", zone.dnssec.get("iterations"))
        for apex, zone in recording.drawn.zones.items()
        if zone.dnssec is not None and names.to_text(apex).endswith(".dnssec-failed.test.")
    }
    wanted = {text.split(".")[1]: text.split(".")[1] for text in FAILED[2:]}
    assert told == wanted | {"nsec3-iterations": 200}


def test_the_lint_finds_nothing_in_a_recording(directory: Path) -> None:
    assert list(map(str, lint.check(directory))) == []
