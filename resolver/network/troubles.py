"""Decides what an error of the kernel means to the sender of a message.

Rules: what says something about the other side, or about the way there, is told as that; every other cause is on this
side, `Trouble.LOCAL`. The same code can mean two things: met before anything has left, it tells of this machine.

Limits: the text of an error is not kept.
"""

from __future__ import annotations

import errno
from typing import Final

from resolver.network.base import Trouble

_TROUBLES: Final = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.ECONNRESET: Trouble.RESET,
    errno.ECONNABORTED: Trouble.RESET,
    errno.EPIPE: Trouble.RESET,
    errno.ETIMEDOUT: Trouble.TIMEOUT,
    errno.ENETUNREACH: Trouble.UNREACHABLE,
    errno.EHOSTUNREACH: Trouble.UNREACHABLE,
    errno.ENETDOWN: Trouble.UNREACHABLE,
    errno.EHOSTDOWN: Trouble.UNREACHABLE,
}

_NO_ROUTES: Final = frozenset(
    (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENOPROTOOPT)
)
"""Causes on this side for which nothing leaves: no route, no address or no protocol of that family."""


def local_trouble_of(error: OSError | OverflowError) -> Trouble:
    """What `error`, met before anything has left, means to the sender; OverflowError is a number that is no port."""
    if isinstance(error, OverflowError):
        return Trouble.LOCAL
    return Trouble.NO_ROUTE if error.errno in _NO_ROUTES else trouble_of(error)


def trouble_of(error: OSError) -> Trouble:
    """What `error` means to the sender of a message; `LOCAL` when the cause is on this side."""
    return _TROUBLES.get(error.errno or 0, Trouble.LOCAL)
