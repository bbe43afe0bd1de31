"""Internets without pytest."""

# ruff: noqa: PT009, PT027 - the tests of tests are those of unittest

from __future__ import annotations

import asyncio
import subprocess
import sys
import unittest
from typing import ClassVar

import pytest

import resolver.testing
from resolver.testing import InternetMixin, UndeclaredName, async_internet, internet


def test_every_public_name_is_there():
    for name in resolver.testing.__all__:
        assert getattr(resolver.testing, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = resolver.testing.nothing


def test_pytest_is_not_needed():
    code = (
        "import sys; sys.modules['pytest'] = None\nfrom resolver.testing import internet\nwith internet() as dns:\n"
        "    dns.zone('shop.example', {'www': {'A': '192.0.2.1'}})\n"
        "    print(dns.resolve('www.shop.example').addresses)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['192.0.2.1']\n"
    assert done.stderr == ""


def test_what_is_raised_inside_has_the_report_as_a_note():
    def fail():
        with internet(seed=4) as dns:
            dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            dns.resolve("www.shop.example")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as raised:
        fail()
    (note,) = raised.value.__notes__
    assert note.startswith("DNS: seed 4; ")
    assert "www.shop.example. A ? 1 A" in note


def test_a_coroutine_has_its_internet_too():
    async def main():
        async with async_internet(ttl=7) as dns:
            dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            return await dns.aresolve("www.shop.example")

    assert asyncio.run(main()).ttl == 7


def test_a_coroutine_that_asks_for_what_nobody_declared_is_told():
    async def main():
        async with async_internet() as dns:
            await dns.aresolve("www.shop.example")

    with pytest.raises(UndeclaredName, match="nothing like it is declared"):
        asyncio.run(main())


def outcome(case):
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def test_a_test_case_of_unittest_has_an_internet_for_each_test():
    class Shop(InternetMixin, unittest.TestCase):
        dns_options: ClassVar = {"ttl": 7}

        def test_one(self):
            self.dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            self.assertEqual(self.dns.resolve("www.shop.example").ttl, 7)

        def test_other(self):
            with self.assertRaises(UndeclaredName):
                self.dns.resolve("www.shop.example")

        @unittest.skip("not today")
        def test_third(self):
            raise AssertionError

        def test_fourth(self):
            self.skipTest("not today")

    result = outcome(Shop)
    assert result.wasSuccessful(), result.failures + result.errors
    assert (result.testsRun, len(result.skipped)) == (4, 2)


def test_a_test_case_of_unittest_that_fails_has_the_report():
    class Shop(InternetMixin, unittest.TestCase):
        def test_one(self):
            self.dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            self.assertEqual(self.dns.resolve("www.shop.example").addresses, [])

        def test_other(self):
            self.dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            self.dns.nameserver.resolver().resolve("www.shpo.example", raise_on_no_answer=False)

    result = outcome(Shop)
    texts = [text for _, text in (*result.failures, *result.errors)]
    assert "www.shop.example. A ? 1 A" in texts[0]
    assert "nobody declared www.shpo.example." in texts[1] or "NoNameservers" in texts[1]


def test_coroutines_of_unittest_have_it_too():
    class Shop(InternetMixin, unittest.IsolatedAsyncioTestCase):
        async def test_one(self):
            self.dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            self.assertEqual((await self.dns.aresolve("www.shop.example")).addresses, ["192.0.2.1"])
            self.assertEqual(self.dns.resolve("www.shop.example").addresses, ["192.0.2.1"])

        async def test_other(self):
            self.dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            await self.dns.aresolve("www.shop.example")
            self.fail("on purpose")

    result = outcome(Shop)
    assert not result.errors
    ((_, text),) = result.failures
    assert "DNS: seed 1; " in text
