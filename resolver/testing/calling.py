"""Decides where a mistake of a test is shown: at the line of the test, and not in what it called."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from resolver.auth.findings import Where
from resolver.errors import InputError

P = ParamSpec("P")
T = TypeVar("T")

_MISTAKES: Final = (InputError, ValueError, AssertionError)
_OURS: Final = "resolver.testing"


def at_the_callers_line(called: Callable[P, T]) -> Callable[P, T]:
    """`called`, whose mistakes are raised where it is called: the frames below are cut off, and pytest hides this."""

    @functools.wraps(called)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            return called(*args, **kwargs)
        except _MISTAKES as mistake:
            raise mistake.with_traceback(None) from None

    return call


def callers_line() -> Where | None:
    """The line of the test that has called into this package."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").startswith(_OURS):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return Where(frame.f_code.co_filename, frame.f_lineno)
