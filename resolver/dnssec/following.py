"""Decides what is kept of the keys that are followed (RFC 5011), and when which zone is asked next.

Rules
* A person writes the file of anchors, and this module never does. What it knows stands beside it, in a file of the same
  name with `.state` behind, as JSON, replaced whole: after a crash there is the old state or the new one.
* A state that cannot be read is an error and not a beginning: without it a key that has been revoked would be believed
  again. A person who means it removes the file.
* A zone that the file of anchors does not name any more is not followed any more.
* Nothing is asked here. Whoever runs it asks, at `next_at`, for the DNSKEY set of `next_zone` as an unchecked question
  and tells what came of it with `seen` or `failed`, and then has `saving` write it.

Limits: where several workers follow the same zones each knows what it has seen itself, and the next start what the
first one wrote (`rolling`). A file of state has at most 1 MiB.
"""

from __future__ import annotations

import binascii
import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from resolver.dnssec import anchors, moments
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.keyset import judge
from resolver.dnssec.records import Dnskey
from resolver.dnssec.rollover import REFRESH, RETRY, Change, Key, State, TrustPoint, configured, failed, observed
from resolver.errors import ConfigError
from resolver.message import RRset
from resolver.text import printable
from resolver.wire import names

SUFFIX: Final = ".state"
FORMAT: Final = 1
"""The form of the file; what has another one is not read."""


class Following:
    """The zones of one file of anchors, and what is known of their keys."""

    def __init__(self, file: Path, points: Iterable[TrustPoint]) -> None:
        self._file = file
        self._points = {point.zone: point for point in points}

    @classmethod
    def begin(cls, file: Path, wall: float) -> Following:
        """What `file` says at `wall`, with what is kept beside it. Raises `ConfigError`: a line for each problem."""
        state = state_file(file)
        kept = _read(state, file) if state.exists() else {}
        points = [configured(one, kept.get(one.zone), wall) for one in anchors.read_file(file, wall)]
        latest = wall + REFRESH[1]  # a clock that was wrong once must not put off the next question for years
        return cls(file, (point._replace(next=min(point.next, latest)) for point in points))

    @property
    def state(self) -> Path:
        """Where what is known is kept."""
        return state_file(self._file)

    @property
    def zones(self) -> Iterable[bytes]:
        """The zones that are followed, folded. What is built in for them counts no more, also when nothing is believed
        of them any more."""
        return self._points.keys()

    @property
    def anchors(self) -> dict[bytes, Anchor]:
        """What is believed at the moment, by zone; it changes with `seen`."""
        return {zone: anchor for zone, point in self._points.items() if (anchor := point.anchor) is not None}

    @property
    def next_at(self) -> float:
        """When the next question is due, in seconds since 1970; it may have passed."""
        return min(point.next for point in self._points.values())

    @property
    def next_zone(self) -> bytes:
        """The zone whose keys are to be asked for then."""
        return min(self._points.values(), key=lambda point: point.next).zone

    def seen(self, rrset: RRset, signatures: Iterable[bytes], wall: float) -> tuple[Change, ...]:
        """`rrset` is what a zone that is followed answered when it was asked for its DNSKEY at `wall`; `signatures`
        are the rdatas of its RRSIGs. What has changed."""
        point = self._points[names.fold(rrset.name)]
        self._points[point.zone], changes = observed(point, judge(point, rrset, signatures, wall), wall)
        return changes

    def failed(self, zone: bytes, wall: float) -> None:
        """The keys of `zone` could not be had at `wall`."""
        self._points[zone] = failed(self._points[zone], wall)

    def saving(self) -> Callable[[], None]:
        """What writes all that is known now: it may wait for a disk, so it may be called in a thread. It raises
        OSError; what stood there before is then there still."""
        text = json.dumps({"format": FORMAT, "zones": [_as_data(point) for point in self._points.values()]}, indent=2)
        return partial(_write, self.state, f"{text}\n")


def _write(state: Path, text: str) -> None:
    """The file `state` holds `text`, on the disk. Raises OSError."""
    fresh = state.with_name(f"{state.name}.{os.getpid()}")  # a daemon that is about to end may be writing, too
    with fresh.open("w", encoding="ascii") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(state)
    directory = os.open(state.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def state_file(file: Path) -> Path:
    """Where what is known of the keys in the anchor file `file` is kept."""
    return file.with_name(f"{file.name}{SUFFIX}")


def _as_data(point: TrustPoint) -> dict[str, object]:
    return {
        "zone": names.to_text(point.zone),
        "next": moments.written(point.next),
        "retry_s": int(point.retry),
        "keys": [
            {
                "tag": each.key.tag,
                "state": str(each.state),
                "since": moments.written(each.since),
                "due": moments.written(each.due),
                "dnskey": _as_text(each.key),
            }
            for each in point.keys
        ],
    }


def _as_text(key: Dnskey) -> str:
    encoded = binascii.b2a_base64(key.key, newline=False).decode()
    return f"{key.flags} {key.protocol} {key.algorithm} {encoded}"


def _read(state: Path, file: Path) -> dict[bytes, TrustPoint]:
    """The zones whose state is kept. Raises `ConfigError`."""
    try:
        with state.open("rb") as opened:
            octets = opened.read(anchors.MAX_FILE + 1)
        if len(octets) > anchors.MAX_FILE:
            raise ValueError(f"larger than {anchors.MAX_FILE} octets")
        data = json.loads(octets)
        if data["format"] != FORMAT:
            raise ValueError(f"of form {data['format']!r}")
        return {point.zone: point for point in map(_from_data, data["zones"])}
    except OSError as wrong:
        raise ConfigError(
            f"cannot be read: {wrong.strerror}", where=str(state), instead="let the daemon read and write it"
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as wrong:
        what = f"is no state of trust anchors ({printable(str(wrong))[:80]})"
        raise ConfigError(what, where=str(state), instead=f"remove it to begin again from {file}") from None


def _from_data(data: dict[str, Any]) -> TrustPoint:
    """One zone. Raises ValueError, LookupError, TypeError or AttributeError for what is none."""
    zone: str = data["zone"]
    folded = names.fold(names.from_text(zone))
    retry = float(data["retry_s"])
    if not RETRY[0] <= retry <= RETRY[1]:
        raise ValueError(f"retry_s is {retry}")
    keys = [
        Key(key, State(each["state"]), moments.read(each["since"]), moments.read(each["due"]))
        for each in data["keys"]
        for key in anchors.read_record(f"{zone} DNSKEY {each['dnskey']}").dnskeys
    ]
    return TrustPoint(folded, (), tuple(keys), moments.read(data["next"]), retry)
