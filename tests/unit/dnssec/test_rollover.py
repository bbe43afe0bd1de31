"""The states of the keys of a zone, one step at a time."""

from __future__ import annotations

import pytest

from resolver.dnssec.anchors import Anchor
from resolver.dnssec.records import ZONE_KEY
from resolver.dnssec.rollover import (
    DAY,
    HOLD_DOWN,
    HOUR,
    MAX_KEYS,
    Change,
    Key,
    Seen,
    State,
    TrustPoint,
    configured,
    failed,
    observed,
)
from resolver.wire import names
from tests.support.ksk import SigningKey

NOW = 1_790_000_000.0
ZONE = names.from_text("example.")
OLD, NEW = SigningKey(1), SigningKey(2)
ZSK = SigningKey(3, flags=ZONE_KEY)


def point(*states: tuple[SigningKey, State]) -> TrustPoint:
    return TrustPoint(ZONE, keys=tuple(Key(key.public(), state, NOW, NOW + HOLD_DOWN) for key, state in states))


def seen(*keys: SigningKey, revoked: tuple[SigningKey, ...] = (), proven: bool = True, ttl: int = 0) -> Seen:
    gone = frozenset(key.public(revoked=True) for key in revoked)
    there = {key.public() for key in keys if key not in revoked}
    return Seen(frozenset(there | gone), proven, gone, ttl, NOW)


def state(after: TrustPoint, key: SigningKey) -> State | None:
    return next((each.state for each in after.keys if each.key == key.public()), None)


LATER = NOW + HOLD_DOWN
VALID, PENDING, MISSING, REVOKED, REMOVED = State.VALID, State.PENDING, State.MISSING, State.REVOKED, State.REMOVED


@pytest.mark.rfc(5011, "4.2")
@pytest.mark.parametrize(
    ("before", "shown", "at", "after"),
    [
        (None, seen(OLD, NEW), NOW, PENDING),
        (None, seen(OLD, NEW, proven=False), NOW, None),
        (None, seen(OLD), NOW, None),
        (PENDING, seen(OLD), NOW, None),
        (PENDING, seen(OLD, proven=False), NOW, PENDING),
        (PENDING, seen(OLD, NEW), LATER - 1, PENDING),
        (PENDING, seen(OLD, NEW), LATER, VALID),
        (PENDING, seen(OLD, NEW, proven=False), LATER, PENDING),
        (PENDING, seen(OLD, NEW, revoked=(NEW,)), LATER, None),
        (VALID, seen(OLD, NEW), LATER, VALID),
        (VALID, seen(OLD), NOW, MISSING),
        (VALID, seen(OLD, proven=False), NOW, VALID),
        (VALID, seen(OLD, NEW, revoked=(NEW,)), NOW, REVOKED),
        (VALID, seen(OLD, NEW, revoked=(NEW,), proven=False), NOW, REVOKED),
        (MISSING, seen(OLD, NEW), NOW, VALID),
        (MISSING, seen(OLD), LATER, MISSING),
        (MISSING, seen(OLD, NEW, revoked=(NEW,)), NOW, REVOKED),
        (REVOKED, seen(OLD, NEW), LATER - 1, REVOKED),
        (REVOKED, seen(OLD, NEW, revoked=(NEW,)), LATER - 1, REVOKED),
        (REVOKED, seen(OLD), LATER, REMOVED),
        (REVOKED, seen(OLD, NEW), LATER, REMOVED),
        (REMOVED, seen(OLD, NEW), LATER, REMOVED),
        (REMOVED, seen(OLD, NEW, revoked=(NEW,)), LATER, REMOVED),
    ],
)
def test_a_key_goes_from_state_to_state(before: State | None, shown: Seen, at: float, after: State | None) -> None:
    start = point((OLD, VALID)) if before is None else point((OLD, VALID), (NEW, before))
    end, changes = observed(start, shown, at)
    assert state(end, NEW) is after
    assert changes == ((Change(NEW.public(), after),) if after is not before else ())


def test_a_key_that_is_pending_again_waits_for_the_whole_time_again() -> None:
    once, _ = observed(point((OLD, VALID)), seen(OLD, NEW), NOW)
    gone, _ = observed(once, seen(OLD), NOW + DAY)
    again, _ = observed(gone, seen(OLD, NEW), NOW + 2 * DAY)
    assert state(observed(again, seen(OLD, NEW), LATER)[0], NEW) is PENDING
    assert state(observed(again, seen(OLD, NEW), LATER + 2 * DAY)[0], NEW) is VALID


@pytest.mark.rfc(5011, "2.4.1")
def test_a_long_ttl_prolongs_the_time_for_which_a_new_key_must_be_seen() -> None:
    once, _ = observed(point((OLD, VALID)), seen(OLD, NEW, ttl=40 * 86400), NOW)
    assert state(observed(once, seen(OLD, NEW), NOW + 40 * DAY - 1)[0], NEW) is PENDING
    assert state(observed(once, seen(OLD, NEW), NOW + 40 * DAY)[0], NEW) is VALID


@pytest.mark.rfc(5011, "4.2")
def test_valid_and_missing_keys_are_believed_and_no_others() -> None:
    others = [SigningKey(number) for number in (4, 5, 6)]
    states = zip(others, (PENDING, REVOKED, REMOVED), strict=True)
    anchor = point((OLD, VALID), (NEW, MISSING), *states).anchor
    assert anchor == Anchor(ZONE, (), (OLD.public(), NEW.public()))


@pytest.mark.rfc(5011, "5")
def test_a_zone_whose_keys_are_all_revoked_is_as_if_never_configured() -> None:
    end, _ = observed(point((OLD, VALID)), seen(OLD, revoked=(OLD,), proven=False), NOW)
    assert end.anchor is None


def test_a_key_that_signs_data_alone_is_not_taken_up() -> None:
    end, _ = observed(point((OLD, VALID)), seen(OLD, ZSK), NOW)
    assert [each.key for each in end.keys] == [OLD.public()]


def test_a_digest_of_the_configuration_becomes_its_key_when_that_is_seen() -> None:
    start = configured(Anchor(ZONE, ds=(OLD.ds, NEW.ds)), None, NOW)
    end, changes = observed(start, seen(OLD), NOW)
    assert end.anchor == Anchor(ZONE, (NEW.ds,), (OLD.public(),)), "one that is not published yet is believed still"
    assert changes == (Change(OLD.public(), VALID),)


def test_a_key_that_only_a_digest_names_can_revoke_itself() -> None:
    start = configured(Anchor(ZONE, ds=(OLD.ds,)), None, NOW)
    end, _ = observed(start, seen(OLD, revoked=(OLD,), proven=False), NOW)
    assert (state(end, OLD), end.ds) == (REVOKED, ())


def test_what_a_person_configures_is_believed_at_once_unless_it_was_revoked() -> None:
    gone, removed = SigningKey(4), SigningKey(5)
    known = point((OLD, VALID), (NEW, PENDING), (gone, REVOKED), (removed, REMOVED))
    anchor = Anchor(ZONE, (gone.ds, removed.ds), (NEW.public(), gone.public(), ZSK.public()))
    start = configured(anchor, known, NOW)
    assert start.anchor == Anchor(ZONE, (), (OLD.public(), NEW.public(), ZSK.public()))


@pytest.mark.rfc(5011, "2.3")
@pytest.mark.parametrize(
    ("ttl", "rest", "refresh", "retry"),
    [
        (2 * 86400, 10 * DAY, DAY, 0.2 * DAY),
        (10 * 86400, DAY, DAY / 2, DAY / 10),
        (60, 10 * DAY, HOUR, HOUR),
        (90 * 86400, 90 * DAY, 15 * DAY, DAY),
        (86400, -DAY, HOUR, HOUR),
    ],
)
def test_the_zone_is_asked_again_in_time(ttl: int, rest: float, refresh: float, retry: float) -> None:
    shown = Seen(frozenset({OLD.public()}), True, frozenset(), ttl, NOW + rest)
    end, _ = observed(point((OLD, VALID)), shown, NOW)
    assert (end.next, end.retry) == (NOW + refresh, pytest.approx(retry))
    assert failed(end, NOW + 1).next == pytest.approx(NOW + 1 + retry)
    unproven, _ = observed(end, seen(OLD, proven=False), NOW + 1)
    assert unproven.next == pytest.approx(NOW + 1 + retry)


@pytest.mark.rfc(5011, "2.4.3")
def test_no_more_keys_are_followed_than_allowed_and_removed_ones_make_room() -> None:
    many = [SigningKey(number) for number in range(10, 10 + MAX_KEYS + 3)]
    full, _ = observed(point((OLD, VALID)), seen(OLD, *many), NOW)
    assert len(full.keys) == MAX_KEYS
    removed = TrustPoint(
        ZONE,
        keys=(Key(OLD.public(), VALID, NOW), *(Key(key.public(), REMOVED, NOW + n) for n, key in enumerate(many[:31]))),
    )
    end, _ = observed(removed, seen(OLD, NEW), LATER)
    assert len(end.keys) == MAX_KEYS
    assert (state(end, many[0]), state(end, many[1]), state(end, NEW)) == (None, REMOVED, PENDING)
