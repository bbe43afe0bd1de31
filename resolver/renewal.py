"""Decides when certificates in files are read again by themselves: when one of the files has changed.

Rules:
* What can be shown is shown from the next connection on; those that are open go on with what they have.
* What cannot leaves the one before in force, and is one warning: until the files change again, as they do when the
  second of two is written.

Limits: a change is noticed within `server.tls_watch_s`, by time, size and inode; one that leaves all three is not.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from resolver import certificate_files, certificates
from resolver.certificates import Shown
from resolver.config import Server
from resolver.errors import ConfigError
from resolver.network.base import Clock, Timer
from resolver.observe.log import Log, place_of


class Renewal:
    """Looks after the files of certificates, from `watch` on."""

    def __init__(self, clock: Clock, log: Log, show: Callable[[Shown], None]) -> None:
        """`show` is told of each certificate that is renewed."""
        self._clock, self._log, self._show = clock, log, show
        self._timer: Timer | None = None

    def watch(self, server: Server, shown: Shown) -> None:
        """The files that the settings `server` name are looked after, as they were when what is `shown` was read."""
        self.stop()
        if shown.ephemeral is None and server.tls_watch_s:
            self._after(server, shown.stamps)

    def stop(self) -> None:
        """Nothing is looked after."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _after(self, server: Server, stamps: tuple[certificate_files.Stamp, ...]) -> None:
        self._timer = self._clock.after(server.tls_watch_s, lambda: self._look(server, stamps))

    def _look(self, server: Server, before: tuple[certificate_files.Stamp, ...]) -> None:
        stamps = certificate_files.stamps((*server.tls_certificate, *server.tls_key))
        if stamps != before:
            try:
                shown = certificates.from_files(server, self._clock.wall())
            except ConfigError as wrong:
                self._log.warning("certificate_not_renewed", problem=str(wrong), kept="the one before")
            except Exception as error:  # a bug must not end the looking
                self._log.error("internal_error", error=repr(error), where=place_of(error))
            else:
                until = datetime.datetime.fromtimestamp(shown.until, datetime.UTC)
                self._log.info("certificate_renewed", pin=shown.pin, until=f"{until:%Y-%m-%dT%H:%M:%SZ}")
                stamps = shown.stamps
                self._show(shown)
        self._after(server, stamps)
