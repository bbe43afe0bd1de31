"""Decides which keys of a zone are believed while they are rolled over: the states of RFC 5011.

             new key                    30 days later              seen no more           seen again
    (start) ─────────> pending ─────────────────────────> valid <───────────────> missing
       ^                  │                                 │ revoked                │ revoked
       └── seen no more ──┘                                 └───────> revoked <──────┘
                                                                        │ 30 days later
                                                                     removed

Rules
* Valid and missing keys are trust anchors (RFC 5011 section 4.2), and so are the digests of the configuration whose
  keys have not been seen yet.
* A key is new when a set that an anchor signs has it with the flag of an entry point. It is believed when it is in such
  a set again once its hold-down is over: 30 days, or the TTL of the set that had it first if that is longer (section
  2.4.1). A proven set without it begins anew: whoever stole a key cannot add one that its owner does not publish.
* A key is revoked by itself alone: by its flag, in a set that it signs (section 2.1). It is never believed again, also
  when its configuration says so still: who means it removes the state.
* The zone is asked again after half the TTL or half of what is left of the signature, 1 hour to 15 days; after a
  failure, a tenth of them, 1 hour to 1 day (section 2.3).

Limits: time is passed in, as seconds since 1970. 32 keys of a zone are followed; of removed ones the oldest are
forgotten first, others are not taken up beyond that. A clock that is set back prolongs a hold-down, never shortens it.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from resolver.dnssec.algorithms import digest
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.records import ENTRY_POINT, REVOKED, Dnskey, Ds, read_dnskey

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
HOLD_DOWN: Final = 30 * DAY
"""How long a new key must have been seen, and a revoked one is kept as such (RFC 5011 sections 2.4.1, 2.4.2)."""
MAX_KEYS: Final = 32
"""Keys followed for one zone; RFC 5011 section 2.4.3 wants no less than 5."""
REFRESH: Final = (HOUR, 15 * DAY, 2)
"""The least and the most between two questions, and of TTL and signature's rest which part (RFC 5011 section 2.3)."""
RETRY: Final = (HOUR, DAY, 10)
"""The same after a failure."""


class State(enum.StrEnum):
    """What has become of a key. One that has none is not known: "start" in RFC 5011 section 4."""

    PENDING = "pending"
    VALID = "valid"
    MISSING = "missing"
    REVOKED = "revoked"
    REMOVED = "removed"


BELIEVED: Final = (State.VALID, State.MISSING)


class Key(NamedTuple):
    """A key that is followed: as it is without the flag of revocation, in its state since `since`; `due` is when its
    hold-down ends, of one that is pending or revoked."""

    key: Dnskey
    state: State
    since: float
    due: float = 0.0


class TrustPoint(NamedTuple):
    """A zone whose keys are followed. `ds` are digests from the configuration whose keys have not been seen; `next` is
    when it is to be asked, and `retry` how long to wait after a failure, in seconds."""

    zone: bytes
    ds: tuple[Ds, ...] = ()
    keys: tuple[Key, ...] = ()
    next: float = 0.0
    retry: float = HOUR

    @property
    def anchor(self) -> Anchor | None:
        """What is believed of the zone. None when nothing is any more: all its keys have been revoked, and it is as if
        it had never been configured (RFC 5011 section 5)."""
        keys = tuple(each.key for each in self.keys if each.state in BELIEVED)
        return Anchor(self.zone, self.ds, keys) if keys or self.ds else None


class Seen(NamedTuple):
    """What a set of keys shows. `proven`: an anchor of the zone signs it. `revoked`: keys with the flag of revocation
    that sign it themselves. `ttl` is the original one and `expires` the end of the signatures, in seconds since
    1970."""

    keys: frozenset[Dnskey]
    proven: bool
    revoked: frozenset[Dnskey] = frozenset()
    ttl: int = 0
    expires: float = 0.0


class Change(NamedTuple):
    """A key that has come into a state, or has none any more (None)."""

    key: Dnskey
    state: State | None


def configured(anchor: Anchor, known: TrustPoint | None, now: float) -> TrustPoint:
    """What is followed from `now` on of a zone that has `anchor` in its configuration, and of which `known` has been
    kept.

    A key that the configuration names is believed at once, unless it has been revoked.
    """
    point = TrustPoint(anchor.zone) if known is None else known
    keys = {each.key: each for each in point.keys}
    for key in anchor.dnskeys:
        if key not in keys or keys[key].state is State.PENDING:
            keys[key] = Key(key, State.VALID, now)
    ds = tuple(one for one in anchor.ds if not any(is_of(one, anchor.zone, key) for key in keys))
    return point._replace(ds=ds, keys=tuple(keys.values()))


def is_of(ds: Ds, zone: bytes, key: Dnskey) -> bool:
    """Whether `ds` is a digest of `key`, of `zone`, folded."""
    same = ds.tag == key.tag and ds.algorithm == key.algorithm
    return same and digest(ds.digest_type, zone, key.rdata) == ds.digest


def unrevoked(key: Dnskey) -> Dnskey:
    """`key` without the flag of revocation, under which it is followed."""
    if not key.revoked:
        return key
    return read_dnskey((key.flags & ~REVOKED).to_bytes(2, "big") + key.rdata[2:])


def observed(point: TrustPoint, seen: Seen, now: float) -> tuple[TrustPoint, tuple[Change, ...]]:
    """What is known of the zone when its keys have been asked for at `now`, and what has changed.

    From a set that is not proven only revocations are taken, and it counts as a failure.
    """
    keys, ds = _revoked(point, seen, now)
    if seen.proven:
        keys, ds = _proven(point.zone, keys, ds, seen, now)
    keys = {key: _over(each, now) for key, each in keys.items()}
    kept = _bounded(keys)
    before, after = _states(point.keys), _states(kept)
    changes = [Change(key, after.get(key)) for key in (*after, *before) if before.get(key) != after.get(key)]
    retry = _interval(RETRY, seen, now) if seen.proven else point.retry
    wait = _interval(REFRESH, seen, now) if seen.proven else retry
    return TrustPoint(point.zone, ds, kept, now + wait, retry), tuple(dict.fromkeys(changes))


def failed(point: TrustPoint, now: float) -> TrustPoint:
    """The same when its keys could not be had at `now`: it is asked again soon (RFC 5011 section 2.3)."""
    return point._replace(next=now + point.retry)


def _revoked(point: TrustPoint, seen: Seen, now: float) -> tuple[dict[Dnskey, Key], tuple[Ds, ...]]:
    """The keys and digests that are left when those that revoke themselves are none any more."""
    keys, ds = {each.key: each for each in point.keys}, point.ds
    for each in seen.revoked:
        key = unrevoked(each)
        known = keys.get(key)
        named = [one for one in ds if is_of(one, point.zone, key)]
        ds = tuple(one for one in ds if one not in named)
        if named or (known is not None and known.state in BELIEVED):
            keys[key] = Key(key, State.REVOKED, now, now + HOLD_DOWN)
        elif known is not None and known.state is State.PENDING:
            del keys[key]
    return keys, ds


def _proven(
    zone: bytes, keys: dict[Dnskey, Key], ds: tuple[Ds, ...], seen: Seen, now: float
) -> tuple[dict[Dnskey, Key], tuple[Ds, ...]]:
    """What becomes of them in a set that an anchor signs."""
    after: dict[Dnskey, Key] = {}
    for key, known in keys.items():
        there = key in seen.keys
        match known.state:
            case State.PENDING if not there:
                continue
            case State.PENDING if now >= known.due:
                known = Key(key, State.VALID, now)
            case State.VALID if not there:
                known = Key(key, State.MISSING, now)
            case State.MISSING if there:
                known = Key(key, State.VALID, now)
            case _:
                pass
        after[key] = known
    for key in sorted(seen.keys - after.keys(), key=lambda one: one.rdata):
        if key.revoked or not key.signs_zones:
            continue
        named = [one for one in ds if is_of(one, zone, key)]
        if named:
            ds = tuple(one for one in ds if one not in named)
            after[key] = Key(key, State.VALID, now)
        elif key.flags & ENTRY_POINT and sum(each.state is not State.REMOVED for each in after.values()) < MAX_KEYS:
            after[key] = Key(key, State.PENDING, now, now + max(HOLD_DOWN, float(seen.ttl)))
    return after, ds


def _over(key: Key, now: float) -> Key:
    """`key`, removed when it has been revoked for long enough."""
    return Key(key.key, State.REMOVED, now) if key.state is State.REVOKED and now >= key.due else key


def _bounded(keys: dict[Dnskey, Key]) -> tuple[Key, ...]:
    """No more than are followed: the removed ones that have been so for the longest are forgotten."""
    surplus = len(keys) - MAX_KEYS
    if surplus > 0:
        removed = sorted((each for each in keys.values() if each.state is State.REMOVED), key=lambda each: each.since)
        for each in removed[:surplus]:
            del keys[each.key]
    return tuple(keys.values())


def _states(keys: tuple[Key, ...]) -> dict[Dnskey, State]:
    return {each.key: each.state for each in keys}


def _interval(bounds: tuple[float, float, int], seen: Seen, now: float) -> float:
    least, most, part = bounds
    return max(least, min(most, seen.ttl / part, (seen.expires - now) / part))
