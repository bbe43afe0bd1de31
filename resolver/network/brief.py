"""Decides which datagrams share a socket for a moment: those that leave for one configured server within `BRIEF_S`.

All questions may go to one server, an upstream, so that to open, bind and close a socket for each would take most of
what a message costs. Such a socket is as hard to find as one of its own: its port is drawn anew for each moment and is
open for little longer than the slowest of its replies, and who guesses port and id must do so for the very question of
that id, which is asked once (RFC 5452 section 5).

Rules
* It takes `MESSAGES` at most, each id once, for `BRIEF_S` from the first, and is closed then, or as soon as none is
  outstanding any more. The first stray ends that time (`shared`), and three guesses are as many as anywhere.

Limits: as many sockets as the opener may open; beyond that, one for each message.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from resolver.network.base import Clock, Deliver, Endpoint, Sending
from resolver.network.shared import Opener, Shared
from resolver.network.troubles import trouble_of

BRIEF_S: Final = 0.02
"""Seconds for which a socket takes messages: no longer than a reply from elsewhere is waited for anyway."""

MESSAGES: Final = 32
"""Messages on one socket: to open it costs each a thirtieth, and one that is closed by a forger takes few with it."""


class Brief:
    """The sockets of a moment, by server."""

    def __init__(self, opener: Opener, clock: Clock) -> None:
        self._opener, self._clock = opener, clock
        self._now: dict[Endpoint, Shared] = {}

    def send(self, to: Endpoint, wire: bytes, deliver: Deliver, has_room: bool) -> Sending | None:
        """`wire` is on its way by a socket that others may use now; None when it must have one of its own. Raises
        OSError and OverflowError.

        `has_room`: a socket may be opened.
        """
        key = wire[:2]
        shared = self._now.get(to)
        if shared is None or shared.retired or key in shared.had:
            if not has_room or self._opener.is_full:
                return None
            shared = self._opened(to)
        try:
            shared.send(wire)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:  # of a message before this one: those who wait hear of it from the loop
            shared.retire()
            if not shared.had:
                raise
            self._clock.after(0, partial(shared.fail, trouble_of(error)))
            return None
        return shared.add(key, deliver)

    def _opened(self, to: Endpoint) -> Shared:
        """A new socket to `to`, which takes the place of the one before. Raises OSError and OverflowError."""
        shared = self._now[to] = self._opener.opened(to, self._freed, left=MESSAGES, lasting=False)
        shared.timer = self._clock.after(BRIEF_S, shared.retire)
        return shared

    def _freed(self, shared: Shared) -> None:
        if self._now.get(shared.to) is shared:
            del self._now[shared.to]
