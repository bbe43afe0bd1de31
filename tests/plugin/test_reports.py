"""What pytest shows of an internet."""

from __future__ import annotations

import pytest

SHOP = 'dns.zone("shop.example", {"www": {"A": "192.0.2.1"}}, servers=["ns.shop.example"])'


def failed(pytester, body, *args, head=""):
    pytester.makepyfile(f"import pytest\n{head}\ndef test_shop(dns):\n    {body}\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *args)
    result.assert_outcomes(failed=1)
    return result.stdout.str()


def test_a_failure_shows_seed_time_faults_and_what_was_done_for_each_question(pytester):
    body = f'{SHOP}\n    dns.server("ns.shop.example").drop()\n    dns.clock.advance("1h")\n'
    text = failed(pytester, body + '    assert dns.resolve("www.shop.example").addresses == ["192.0.2.1"]')
    section = text.partition(" DNS -")[2]
    assert "seed 1; 2026-01-01T01:00:0" in section
    assert "(virtual)" in section
    assert "fault 1: silent server=ns.shop.example. (in force, applied " in section
    assert "www.shop.example. A ? SERVFAIL: " in section
    assert "├─ example. A  → a.root-servers.test." in section
    assert "silent" in section.partition("www.shop.example. A  →")[2].partition("short test summary")[0]


def test_a_failure_says_why_a_question_was_answered_as_it_was(pytester):
    text = failed(pytester, f'{SHOP}\n    assert dns.resolve("wwww.shop.example").addresses')
    said = text.partition("wwww.shop.example. A ? NXDOMAIN\nwhy: ")[2].partition("\n├─")[0]
    assert "says that\n  wwww.shop.example. does not exist" in said
    assert "Did you mean www.shop.example.?" in said.replace("\n  ", " ")
    assert max(map(len, said.splitlines())) <= 80


def test_an_answer_says_at_which_line_it_was_declared(pytester):
    text = failed(pytester, f'{SHOP}\n    assert dns.resolve("www.shop.example").addresses == []')
    assert ".py:4)" in text.partition("why: ")[2].partition("├─")[0]


def test_a_test_that_passes_shows_nothing(pytester):
    pytester.makepyfile(f'def test_shop(dns):\n    {SHOP}\n    dns.resolve("www.shop.example")\n')
    result = pytester.runpytest_inprocess("-rA")
    result.assert_outcomes(passed=1)
    assert "seed" not in result.stdout.str()


def test_a_failure_that_asked_nothing_shows_no_section(pytester):
    assert " DNS -" not in failed(pytester, f"{SHOP}\n    assert False")


def test_a_failure_in_another_fixture_shows_it_too(pytester):
    pytester.makepyfile(
        f'import pytest\n@pytest.fixture\ndef shop(dns):\n    {SHOP}\n    dns.resolve("www.shop.example")\n'
        "    assert False\ndef test_shop(shop):\n    pass\n"
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert "www.shop.example. A ? 1 A" in result.stdout.str()


def test_a_report_is_bounded(pytester):
    body = f'{SHOP}\n    for n in range(100):\n        dns.resolve(f"{{n}}.shop.example")\n    assert False'
    section = failed(pytester, body).partition(" DNS -")[2]
    assert "… 80 earlier questions and what is long are left out" in section
    assert "99.shop.example. A ?" in section
    assert len(section.splitlines()) < 170


def test_the_line_of_the_test_is_shown_and_not_what_it_called(pytester):
    for body, said in (
        ('dns.zone("shop.example", {"www": {"A": "192.0.2.300"}})', "ZoneError"),
        ('dns.resolve("www.shop.example")', "UndeclaredName"),
        ("dns.clock.advance(-1)", "InputError"),
        (f'{SHOP}\n    dns.server("ns.shop.example").servfial()', "did you mean 'servfail'?"),
        (f'{SHOP}\n    dns.server("ns.shop.example").servfail(cuont=5)', "did you mean 'count'?"),
        (f'{SHOP}\n    dns.server("ns.shop.example").drop(count=0)', "InputError"),
        (f'{SHOP}\n    dns.resolve("gone.shop.example").raise_for_rcode()', "WrongRcode"),
        (f"{SHOP}\n    dns.history.assert_asked(server='ns.shop.example.')", "NotSeen"),
    ):
        text = failed(pytester, body)
        assert said in text
        assert "virtual_time" not in text
        assert "internets.py" not in text, text
        last = body.splitlines()[-1].strip()
        assert f">       {last}" in text


def test_a_count_that_is_wrong_shows_what_was_seen(pytester):
    body = f'{SHOP}\n    dns.resolve("www.shop.example")\n    assert dns.history.count(server="ns.shop.example.") == 3'
    text = failed(pytester, body)
    assert "assert seen once: queries to servers with server ns.shop.example.; wanted 3" in text
    assert "www.shop.example." in text.partition("wanted 3")[2]


def test_real_clients_that_ask_for_what_nobody_declared_fail_the_test_at_its_end(pytester):
    body = (
        f'{SHOP}\n    dns.patch_getaddrinfo()\n    try:\n        socket.getaddrinfo("www.shpo.example", 80)\n'
        "    except OSError:\n        pass"
    )
    text = failed(pytester, body, head="import socket")
    assert (
        "UndeclaredName: nobody declared www.shpo.example.: the nearest that is declared is www.shop.example." in text
    )
    assert "hidden" not in text
    assert text.count("why: Nobody declared www.shpo.example.") == 1, "of AAAA and A, once"


def test_a_test_that_fails_anyway_fails_for_its_own_reason(pytester):
    body = f'{SHOP}\n    dns.patch_getaddrinfo()\n    socket.getaddrinfo("www.shpo.example", 80)'
    text = failed(pytester, body, head="import socket")
    assert "socket.gaierror: [Errno -4] nobody declared www.shpo.example." in text
    assert "UndeclaredName" not in text


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("tll=5", "the options of dns: there is no option 'tll'; did you mean 'ttl'?"),
        ("settings={'cache': {'prefech': True}}", "unknown key 'prefech' in [cache]; did you mean 'prefetch'?"),
        ("5", "the marker dns takes its options by name"),
    ],
)
def test_an_option_of_the_marker_that_cannot_be_is_an_error_of_the_test(pytester, marker, said):
    pytester.makepyfile(f"import pytest\n@pytest.mark.dns({marker})\ndef test_shop(dns):\n    pass\n")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert said in result.stdout.str()
    assert "another exception" not in result.stdout.str()


def test_options_come_from_conftest_class_and_function_the_nearest_first(pytester):
    pytester.makeconftest(
        "import pytest\n@pytest.fixture(scope='session')\ndef dns_options():\n    return {'ttl': 7, 'seed': 3}\n"
    )
    pytester.makepyfile(
        "import pytest\n@pytest.mark.dns(ttl=8, wall=0)\nclass TestShop:\n"
        "    @pytest.mark.dns(ttl=9)\n    def test_near(self, dns, dns_session):\n"
        "        for each in (dns, dns_session):\n            each.zone('shop.example', {'www': {'A': '192.0.2.1'}})\n"
        "        assert dns.resolve('www.shop.example').ttl == 9\n"
        "        assert dns_session.resolve('www.shop.example').ttl == 7\n"
        "        assert dns.clock.now.year == 1970\n        assert dns.seed == dns_session.seed == 3\n"
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_seed_of_the_command_line_goes_before_all_others(pytester):
    pytester.makepyfile(
        f"import pytest\n@pytest.mark.dns(seed=5)\ndef test_shop(dns):\n    {SHOP}\n"
        '    dns.resolve("www.shop.example")\n    assert False\n'
    )
    assert "seed 42; " in pytester.runpytest_inprocess("--dns-seed=42").stdout.str()
    assert "seed 5; " in pytester.runpytest_inprocess().stdout.str()
    drawn = pytester.runpytest_inprocess("--dns-seed=random").stdout.str()
    assert "seed " in drawn
    assert "seed 5; " not in drawn
    result = pytester.runpytest_inprocess("--dns-seed=five")
    assert "--dns-seed: 'five' is no seed; write a whole number, or random" in result.stderr.str()


def test_an_internet_of_the_session_outlives_tests_and_shows_of_each_its_own(pytester):
    pytester.makepyfile(
        f"def test_one(dns_session):\n    dns = dns_session\n    {SHOP}\n"
        '    assert dns.resolve("www.shop.example").addresses\n'
        'def test_other(dns_session):\n    assert dns_session.resolve("gone.shop.example").addresses\n'
        "def test_third():\n    assert False\n"
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert text.count(" DNS -") == 1
    assert "gone.shop.example. A ? NXDOMAIN" in text
    assert "www.shop.example. A ?" not in text


def test_the_history_of_a_session_is_that_of_each_test(pytester):
    pytester.makepyfile(
        f"def test_one(dns_session):\n    dns = dns_session\n    {SHOP}\n"
        '    assert dns.resolve("www.shop.example").addresses\n    assert len(dns.history)\n'
        'def test_other(dns_session):\n    dns_session.history.assert_not_asked("www.shop.example")\n'
        "    assert not len(dns_session.history)\n"
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_look_up_that_fails_shows_the_line_that_makes_it(pytester):
    body = f'{SHOP}\n    dns.patch_getaddrinfo()\n    socket.getaddrinfo("gone.shop.example", 80)'
    text = failed(pytester, body, head="import socket")
    assert "Name or service not known" in text
    assert "lookups.py" not in text


def test_scenarios_are_tests_where_they_are_wanted(pytester):
    pytester.makefile(".rpl", empty="nothing")
    pytester.runpytest_inprocess().assert_outcomes()
    pytester.runpytest_inprocess("--rpl").assert_outcomes(failed=1)
