"""A zone rolls its key, and a thief tries to (RFC 5011)."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.dnssec.anchors import Anchor
from resolver.dnssec.following import Following
from resolver.dnssec.records import Dnskey
from resolver.wire import names
from tests.support.ksk import DAY, KeySet, SigningKey

ZONE = names.from_text("example.")
OLD, NEW, FALSE = SigningKey(1), SigningKey(2), SigningKey(3)
START = 1_790_000_000.0


class Zone:
    """A zone that somebody follows day by day."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "keys"
        self._file.write_text("\n".join(Anchor(ZONE, dnskeys=(OLD.public(),)).lines()))
        self._following = Following.begin(self._file, START)
        self.day = 0

    def publishes(
        self, keys: list[SigningKey], signers: list[SigningKey], *, days: int, revoked: tuple[SigningKey, ...] = ()
    ) -> None:
        """For so many days, on each of which it is asked, and the resolver begins anew."""
        for _ in range(days):
            self.day += 1
            wall = START + self.day * DAY
            made = KeySet(keys, signers, wall, revoked=revoked)
            self._following.seen(made.rrset, made.signatures, wall)
            self._following.saving()()
            self._following = Following.begin(self._file, wall)

    @property
    def believed(self) -> set[Dnskey]:
        """The keys that are trust anchors today."""
        anchor = self._following.anchors.get(ZONE)
        return set() if anchor is None else set(anchor.dnskeys)


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


@pytest.mark.rfc(5011, "6.3")
def test_a_rollover_changes_the_anchor_without_a_persons_help(zone: Zone) -> None:
    zone.publishes([OLD, NEW], [OLD, NEW], days=30)
    assert zone.believed == {OLD.public()}
    zone.publishes([OLD, NEW], [OLD, NEW], days=1)
    assert zone.believed == {OLD.public(), NEW.public()}
    zone.publishes([OLD, NEW], [OLD, NEW], days=1, revoked=(OLD,))
    assert zone.believed == {NEW.public()}
    zone.publishes([NEW], [NEW], days=31)
    zone.publishes([OLD, NEW], [OLD, NEW], days=31)
    assert zone.believed == {NEW.public()}, "what was revoked never comes back"


@pytest.mark.rfc(5011, "2.2")
def test_who_has_stolen_the_key_cannot_add_one_that_the_owner_does_not_publish(zone: Zone) -> None:
    for _ in range(10):
        zone.publishes([OLD, FALSE], [OLD, FALSE], days=29)
        zone.publishes([OLD], [OLD], days=1)
    assert zone.believed == {OLD.public()}
    zone.publishes([OLD, FALSE], [FALSE], days=40)
    assert zone.believed == {OLD.public()}, "it needs a set that an anchor signs"


@pytest.mark.rfc(5011, "6.4")
def test_a_compromised_key_is_revoked_and_the_stand_by_key_goes_on(zone: Zone) -> None:
    zone.publishes([OLD, NEW], [OLD], days=31)
    assert zone.believed == {OLD.public(), NEW.public()}
    zone.publishes([OLD, NEW], [OLD, NEW], days=1, revoked=(OLD,))
    assert zone.believed == {NEW.public()}
    zone.publishes([OLD, FALSE], [OLD, FALSE], days=40)
    assert zone.believed == {NEW.public()}, "the thief still has the key, and is believed nothing"


@pytest.mark.rfc(5011, "4.2")
def test_a_key_that_is_missing_is_believed_and_may_come_back(zone: Zone) -> None:
    zone.publishes([OLD, NEW], [OLD], days=31)
    zone.publishes([NEW], [NEW], days=100)
    assert zone.believed == {OLD.public(), NEW.public()}
    zone.publishes([OLD], [OLD], days=1)
    assert zone.believed == {OLD.public(), NEW.public()}


@pytest.mark.rfc(5011, "5")
def test_the_last_key_can_be_revoked(zone: Zone) -> None:
    zone.publishes([OLD], [OLD], days=1, revoked=(OLD,))
    assert zone.believed == set()
