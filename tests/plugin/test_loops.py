"""Loops of tests, processes of xdist, and the end of tests: pytest with and without other plugins."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
import threading

import pytest

from resolver.testing import internet

ASYNC = """
import asyncio

async def test_sync_calls_work_in_a_running_loop(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.1"]
    dns.clock.advance("5m")
    assert (await dns.aresolve("www.shop.example")).addresses == ["192.0.2.1"]

async def test_the_loop_goes_on_while_an_answer_is_waited_for(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}}, servers=["ns.shop.example"])
    dns.nameserver
    dns.server("ns.shop.example").delay("150ms")
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1
    ticking = asyncio.ensure_future(tick())
    answers = await asyncio.gather(*[dns.aresolve("www.shop.example") for _ in range(3)])
    ticking.cancel()
    assert all(each.addresses for each in answers)
    assert ticks > 3
    assert dns.history.count(server="ns.shop.example.") == 1
"""


def test_coroutines_of_pytest_asyncio_are_tests_like_others(pytester, library):
    library("pytest_asyncio")
    pytester.makepyfile(ASYNC)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_it_works_without_any_other_plugin(pytester):
    pytester.makepyfile(
        "import asyncio\nimport resolver.testing\ndef test_shop(dns):\n"
        '    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})\n'
        "    async def main():\n"
        '        return dns.resolve("www.shop.example"), await dns.aresolve("www.shop.example")\n'
        "    sync, coroutine = asyncio.run(main())\n"
        "    assert sync.addresses == coroutine.addresses\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "resolver.testing.plugin", "-W", "error"]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    pytester.makeini("[pytest]\n")
    done = subprocess.run(command, capture_output=True, text=True, cwd=pytester.path, env=env, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_processes_of_xdist_have_an_internet_each(pytester, library):
    library("xdist")
    pytester.makepyfile(
        "import pytest\n@pytest.mark.parametrize('number', range(20))\ndef test_shop(dns, dns_session, number):\n"
        "    for each in (dns, dns_session):\n"
        '        each.zone("shop.example", {"www": {"A": f"192.0.2.{number}"}})\n'
        "        each.flush()\n"
        '        assert each.resolve("www.shop.example").addresses == [f"192.0.2.{number}"]\n'
        '        assert each.nameserver.resolver().resolve("www.shop.example")[0].to_text() == f"192.0.2.{number}"\n'
        "    assert number != 7\n"
    )
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=19, failed=1)
    assert result.stdout.str().count(" DNS -") == 2


def test_a_gathering_in_virtual_time_has_an_answer_for_each():
    async def main():
        with internet() as dns:
            dns.zone("shop.example", {str(each): {"A": f"192.0.2.{each}"} for each in range(20)})
            asked = [dns.aresolve(f"{each}.shop.example") for each in range(20)]
            return [each.addresses for each in await asyncio.gather(*asked)]

    assert asyncio.run(main()) == [[f"192.0.2.{each}"] for each in range(20)]


def test_who_gives_up_waiting_leaves_the_internet_as_it_was():
    async def main():
        with internet() as dns:
            dns.zone("shop.example", {"www": {"A": "192.0.2.1"}}, servers=["ns.shop.example"])
            assert dns.nameserver
            dns.server("ns.shop.example").delay("200ms", count=1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(dns.aresolve("www.shop.example"), 0.02)
            return await dns.aresolve("www.shop.example")

    assert asyncio.run(main()).addresses == ["192.0.2.1"]


# -- the end


def open_now():
    return len(os.listdir("/proc/self/fd")), threading.active_count()


@pytest.mark.parametrize("end", [None, ZeroDivisionError, KeyboardInterrupt])
def test_threads_and_sockets_are_gone_however_a_test_ends(end):
    importlib.import_module("resolver.testing.internets")
    before = open_now()

    def use():
        with internet() as dns:
            dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            dns.patch_getaddrinfo()
            assert dns.nameserver.resolver().resolve("www.shop.example")
            if end is not None:
                raise end

    if end is None:
        use()
    else:
        with pytest.raises(end):
            use()
    assert open_now() == before


def test_an_interrupted_question_keeps_nobody_waiting(pytester):
    """Ctrl-C while a real question waits for a server that never replies."""
    pytester.makepyfile(
        "import os, pytest, signal, threading, time\n"
        "@pytest.fixture\ndef interrupted(dns):\n    began = time.monotonic()\n    yield\n"
        "    dns.close()\n    print('ended', time.monotonic() - began < 3)\n"
        "def test_shop(dns, interrupted):\n"
        '    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})\n'
        "    dns.nameserver\n"
        '    dns.fault("silent")\n'
        "    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        '    dns.resolve("www.shop.example")\n'
    )
    result = pytester.runpytest_subprocess("-s")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "ended True" in result.stdout.str()


def test_an_internet_is_closed_for_good():
    with internet() as dns:
        dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
        dns.resolve("www.shop.example")
    dns.close()
    with pytest.raises(RuntimeError, match="this internet is closed: its test is over"):
        dns.resolve("www.shop.example")


def test_a_hundred_internets_leave_nothing_behind():
    importlib.import_module("resolver.testing.internets")
    before = open_now()
    for number in range(100):
        with internet() as dns:
            dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            dns.resolve("www.shop.example")
            if number % 10 == 0:
                assert dns.nameserver.port
    assert open_now() == before


# -- its price where nobody uses it


def test_the_plugin_imports_nothing_of_the_resolver_before_it_is_used():
    heavy = "{'dns', 'pydantic', 'cryptography', 'asyncio', 'ssl', 'resolver.app', 'resolver.errors', 'resolver.wire'}"
    code = (
        f"import sys, pytest; before = set(sys.modules); import resolver.testing.plugin; import resolver.testing\n"
        f"print(sorted({heavy} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pytest_leaves_the_assertions_of_the_program_as_they_are(pytester):
    """It would rewrite all modules of a distribution that has a plugin, which takes seconds where nothing is cached."""
    pytester.makepyfile(
        "import importlib.machinery\nimport resolver.app\ndef test_shop(pytestconfig):\n"
        "    assert not pytestconfig.pluginmanager.rewrite_hook._is_marked_for_rewrite('resolver.app', None)\n"
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
