"""Decides who is in a pool with `members = "system"`: who stands in a resolv.conf, as long as it says so.

Rules
* Of the file only `nameserver` lines count (resolv.conf(5)), each with an address; the port is 53. Lines that cannot be
  used are named in the log and skipped, as is one that leads back to this daemon.
* The file is looked at every `LOOK_S`, and read when it is another one or has changed. What cannot be read, or names
  nobody, leaves the members as they are: a file that is being replaced must not take the resolver down. One that names
  nobody but this daemon leaves the pool without members, for then whoever was asked before is not in charge any more.

Limits: `MAX_NAMED` servers (glibc takes 3), the whole lines within `MAX_OCTETS` of the file. An address with a scope
(`fe80::1%eth0`) cannot be asked here.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from resolver.config.upstreams import PoolMember, upstream
from resolver.network.base import Clock, Endpoint, Timer
from resolver.network.reach import is_ours
from resolver.observe.log import Log
from resolver.text import printable

LOOK_S: Final = 5.0
MAX_NAMED: Final = 8
MAX_OCTETS: Final = 64 * 1024


class Named(NamedTuple):
    """What a resolv.conf says: the servers that may be asked, those that are this daemon itself, and what is wrong with
    other lines, by number."""

    members: tuple[PoolMember, ...]
    ours: tuple[str, ...]
    wrong: tuple[tuple[int, str], ...]


def read(text: str, own: Collection[Endpoint]) -> Named:
    """Who stands in the `text` of a resolv.conf, for a daemon that listens at `own`."""
    members: dict[Endpoint, PoolMember] = {}
    ours: list[str] = []
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.partition("#")[0].partition(";")[0].split()
        if words[:1] != ["nameserver"]:
            continue
        try:
            if len(words) != 2 or any(sign in words[1] for sign in "/[]"):
                raise ValueError("one address stands behind nameserver")
            found = upstream(f"[{words[1]}]" if ":" in words[1] else words[1])
        except ValueError as reason:
            wrong.append((number, str(reason)))
            continue
        if is_ours(found.endpoint, own):
            ours.append(words[1])
        elif len(members) >= MAX_NAMED:
            wrong.append((number, f"more than {MAX_NAMED} servers are not used"))
        else:
            members.setdefault(found.endpoint, PoolMember(found))
    return Named(tuple(members.values()), tuple(ours), tuple(wrong))


def named(path: Path, own: Collection[Endpoint]) -> Sequence[PoolMember]:
    """Who stands in the file at `path` now, for a daemon that listens at `own`; nobody where it cannot be read."""
    try:
        return read(_text(path), own).members
    except OSError:
        return ()


def _text(path: Path) -> str:
    """The whole lines within `MAX_OCTETS` of the file at `path`. Raises OSError."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would keep all clients waiting for whoever writes into it
        raise OSError(errno.EINVAL, "it is no regular file")
    with path.open("rb") as file:
        octets = file.read(MAX_OCTETS + 1)
    if len(octets) > MAX_OCTETS:  # the part of an address that is left of a line would be another address
        octets = octets[: octets.rfind(b"\n", 0, MAX_OCTETS) + 1]
    return octets.decode("utf-8", "replace")


Become = Callable[[Sequence[PoolMember]], None]
"""Gives a pool its members."""


class Followed:
    """The resolv.conf at `path`, which one pool follows from `begin` to `end`."""

    def __init__(
        self, pool: str, path: Path, own: Collection[Endpoint], become: Become, clock: Clock, log: Log
    ) -> None:
        self.path = path
        self.own = frozenset(own)
        self._pool, self._become, self._clock, self._log = pool, become, clock, log
        self._timer: Timer | None = None
        self._seen: tuple[int, ...] | None = None
        self._members: tuple[PoolMember, ...] | None = None
        self._trouble = ""

    def begin(self) -> None:
        """The file has been read, and is looked at again from time to time."""
        self._look()

    def end(self) -> None:
        """The file is of no interest any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._clock.after(LOOK_S, self._look)
        try:
            found = os.stat(self.path)
            seen = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
            if seen == self._seen:
                return
            text = _text(self.path)
        except OSError as error:
            self._seen = None
            self._complain(f"cannot be read: {error.strerror}")
            return
        self._seen = seen
        self._read(text)

    def _read(self, text: str) -> None:
        found = read(text, self.own)
        for number, reason in found.wrong:
            self._log.warning("resolv_conf", pool=self._pool, file=f"{self.path}:{number}", reason=printable(reason))
        if not found.members and not found.ours:
            self._complain("names no server that can be used")
            return
        if not found.members:
            self._complain(f"names nobody but this daemon, at {found.ours[0]}")
        else:
            self._trouble = ""
        if found.members != self._members:
            self._members = found.members
            told = " ".join(each.upstream.endpoint.host for each in found.members)
            self._log.info("resolv_conf", pool=self._pool, file=str(self.path), members=told)
            self._become(found.members)

    def _complain(self, trouble: str) -> None:
        """The log says what is wrong with the file, once."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._log.error("resolv_conf", pool=self._pool, file=str(self.path), reason=trouble)
