"""Decides how long an internet lives where there is no pytest: a `with` or `async with`, or a test of unittest."""

from __future__ import annotations

import unittest
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar, Unpack

from resolver.testing.internets import Internet
from resolver.testing.options import Given


@contextmanager
def internet(**options: Unpack[Given]) -> Iterator[Internet]:
    """An internet that is gone at the end; `options` are the words of `options.Options`.

    What is raised inside gets the report as a note (PEP 678). Raises `InputError`, and at the end `UndeclaredName`
    where real clients have asked for a name that nobody declared.
    """
    dns = Internet(**options)
    try:
        yield dns
        dns.raise_for_undeclared()
    except Exception as failure:
        _add_report(failure, dns)
        raise
    finally:
        dns.close()


@asynccontextmanager
async def async_internet(**options: Unpack[Given]) -> AsyncIterator[Internet]:
    """The same for `async with`: await its `aresolve`; its other methods are as they are."""
    with internet(**options) as dns:
        yield dns


class InternetMixin:
    """What gives each test of a `unittest.TestCase`, or of an `IsolatedAsyncioTestCase`, an internet of its own,
    `self.dns`. It stands before that class: `class TestShop(InternetMixin, unittest.TestCase)`."""

    dns_options: ClassVar[Mapping[str, Any]] = {}
    """The options of all tests of the class."""

    _internet: Internet | None = None

    def __init_subclass__(cls, **words: Any) -> None:
        """Raises TypeError where it stands behind the class that runs the test, which would not know of it."""
        super().__init_subclass__(**words)
        order = cls.__mro__
        if unittest.TestCase in order and order.index(unittest.TestCase) < order.index(InternetMixin):
            raise TypeError(f"write `class {cls.__name__}(InternetMixin, unittest.TestCase)`: the mixin stands first")

    @property
    def dns(self) -> Internet:
        """The internet of this test, from the first use on."""
        if self._internet is None:
            self._internet = Internet(**self.dns_options)
            self.addCleanup(self._close)  # type: ignore[attr-defined]
        return self._internet

    def _close(self) -> None:
        made, self._internet = self._internet, None
        if made is not None:
            made.close()

    def _callTestMethod(self, method: Any) -> None:  # noqa: N802 - unittest's name for where a test has just ended
        try:
            super()._callTestMethod(method)  # type: ignore[misc]
            if self._internet is not None:
                self._internet.raise_for_undeclared()
        except unittest.SkipTest:
            raise
        except Exception as failure:
            if self._internet is not None:
                _add_report(failure, self._internet)
            raise


def _add_report(failure: Exception, dns: Internet) -> None:
    if said := dns.report():
        failure.add_note(f"DNS: {said}")
