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

    dns: Internet

    def setUp(self) -> None:
        """The internet is there."""
        super().setUp()  # type: ignore[misc]
        self.dns = Internet(**self.dns_options)
        self.addCleanup(self.dns.close)  # type: ignore[attr-defined]

    def _callTestMethod(self, method: Any) -> None:  # noqa: N802 - unittest's name for where a test has just ended
        try:
            super()._callTestMethod(method)  # type: ignore[misc]
            self.dns.raise_for_undeclared()
        except unittest.SkipTest:
            raise
        except Exception as failure:
            _add_report(failure, self.dns)
            raise


def _add_report(failure: Exception, dns: Internet) -> None:
    if said := dns.report():
        failure.add_note(f"DNS: {said}")
