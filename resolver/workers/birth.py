"""Decides what a worker inherits from the supervisor that forks it: its sockets, its end of the channel, standard
streams.

Rules: a fork, and not a fresh interpreter: the code that both have read, and the modules that they are made of, are
in memory once (9 MB of a worker's own, where a process that begins anew has 30). The supervisor has no threads, its
loop does not run at that moment, and the worker never touches that loop: it makes one of its own. Signals wait until
the worker has handlers of its own, for until then one would be told to the supervisor, too. All other descriptors are
closed, those of other workers' channels above all: a worker that held one would keep its neighbour from learning of
the supervisor's end. What was drawn ahead of randomness is forgotten (network/entropy.py). The objects of the
supervisor are never freed in a worker, as nobody reads them: that would only copy memory, and close descriptors whose
numbers mean something else by then.

Limits: Unix. A library that starts a thread when it is imported would make the fork unsafe; none of ours does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, NoReturn

DESCRIPTORS: Final = Path("/dev/fd")
STANDARD: Final = frozenset((0, 1, 2))

BROKEN: Final = 70
"""The exit status of a worker that a bug has ended (EX_SOFTWARE)."""


def forked(live: Callable[[], int], kept: Collection[int]) -> int:
    """The process in which `live` runs, with the descriptors that are `kept`; its exit status is what that returns.

    Raises `OSError` where there cannot be another process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        process = os.fork()
        if process == 0:
            _live(live, kept, blocked)
        return process
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _live(live: Callable[[], int], kept: Collection[int], blocked: Collection[int]) -> NoReturn:
    status = BROKEN
    try:
        gc.freeze()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # The supervisor is told, and tells the workers: a terminal's interrupt reaches all of a group at once.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for descriptor in _open() - STANDARD - set(kept):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        status = live()
    except BaseException as wrong:
        with contextlib.suppress(OSError):
            os.write(2, f"resolver: a worker has ended by {wrong!r}\n".encode(errors="replace"))
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _open() -> set[int]:
    return {int(entry) for entry in os.listdir(DESCRIPTORS)}
