from __future__ import annotations

import pytest

from resolver.cache.cookies import COOKIE, LIFETIME_S, Cookies
from resolver.message import Edns
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from tests.support.clocks import ManualClock

ONE, TWO = Endpoint("192.0.2.1", 53), Endpoint("192.0.2.2", 53)
GIVEN = bytes(range(16))


def made(maximum: int = 100) -> tuple[Cookies, ManualClock]:
    clock = ManualClock()
    return Cookies(clock, SeededEntropy(1), maximum), clock


def edns(*cookies: bytes) -> Edns:
    return Edns(options=tuple((COOKIE, each) for each in cookies))


def given(cookies: Cookies, server: Endpoint = ONE, cookie: bytes = GIVEN) -> bytes:
    """`server` has given `cookie`; what we sent it before."""
    _, sent = cookies.option(server)
    assert cookies.accepts(server, sent, edns(sent[:8] + cookie), forgeable=True)
    return sent


@pytest.mark.rfc(9018, "3")
def test_each_server_has_a_client_cookie_of_its_own_that_stays_the_same():
    cookies, _ = made()
    code, first = cookies.option(ONE)
    assert (code, len(first)) == (10, 8)
    assert cookies.option(ONE) == (10, first)
    assert cookies.option(TWO)[1] != first
    assert not cookies.valid(ONE)


@pytest.mark.rfc(7873, "5.1")
def test_the_server_cookie_that_came_back_is_sent_along():
    cookies, _ = made()
    sent = given(cookies)
    assert cookies.option(ONE) == (COOKIE, sent + GIVEN)
    assert cookies.valid(ONE)
    assert not cookies.valid(TWO)
    newer = bytes(8)
    assert cookies.accepts(ONE, sent + GIVEN, edns(sent + newer), forgeable=True)
    assert cookies.option(ONE) == (COOKIE, sent + newer)


@pytest.mark.rfc(7873, "5.3")
@pytest.mark.parametrize("forgeable", [True, False])
def test_another_client_cookie_or_an_option_of_no_legal_length_does_not_fit(forgeable):
    cookies, _ = made()
    _, sent = cookies.option(ONE)
    for wrong in (bytes(8) + GIVEN, b"", sent[:7], sent + bytes(7), sent + bytes(33), sent[::-1]):
        assert not cookies.accepts(ONE, sent, edns(wrong), forgeable=forgeable)
    assert not cookies.valid(ONE)
    assert cookies.accepts(ONE, sent, edns(sent + bytes(8)), forgeable=forgeable)
    assert cookies.accepts(ONE, sent, edns(sent + bytes(32)), forgeable=forgeable)


@pytest.mark.rfc(7873, "5.3")
@pytest.mark.parametrize("without", [None, Edns(), Edns(options=((15, b"\0\0"),))])
def test_a_reply_without_a_cookie_fits_until_the_server_has_given_one(without):
    cookies, _ = made()
    _, sent = cookies.option(ONE)
    assert cookies.accepts(ONE, sent, without, forgeable=True)
    given(cookies)
    assert not cookies.accepts(ONE, sent, without, forgeable=True)
    assert cookies.valid(ONE)


def test_a_server_that_has_given_cookies_up_shows_it_over_tcp_and_they_are_forgotten():
    cookies, _ = made()
    sent = given(cookies)
    assert cookies.accepts(ONE, sent, None, forgeable=False)
    assert not cookies.valid(ONE)
    assert cookies.accepts(ONE, sent, None, forgeable=True)
    assert cookies.option(ONE) == (COOKIE, sent)


@pytest.mark.rfc(7873, "5")
def test_of_several_cookies_the_first_counts():
    cookies, _ = made()
    _, sent = cookies.option(ONE)
    assert not cookies.accepts(ONE, sent, edns(bytes(16), sent + GIVEN), forgeable=True)


def test_an_echo_of_our_cookie_alone_fits_and_gives_nothing():
    cookies, _ = made()
    sent = given(cookies)
    assert cookies.accepts(ONE, sent, edns(sent[:8]), forgeable=True)
    assert cookies.option(ONE) == (COOKIE, sent + GIVEN)


@pytest.mark.rfc(7873, "7.1")
def test_cookies_are_drawn_anew_after_an_hour_however_much_they_are_used():
    cookies, clock = made()
    sent = given(cookies)
    clock.advance(LIFETIME_S - 1)
    assert cookies.option(ONE)[1] == sent + GIVEN
    clock.suspend(1)
    assert len(cookies.option(ONE)[1]) == 8
    assert cookies.option(ONE)[1] != sent
    late = edns(sent + GIVEN)
    assert cookies.accepts(ONE, sent, late, forgeable=True), "the reply to a message that was sent before"
    assert not cookies.valid(ONE), "a server cookie is good for the client cookie that it was made for"


def test_as_many_servers_are_known_as_was_said():
    cookies, _ = made(10)
    for last in range(100):
        cookies.option(Endpoint(f"192.0.2.{last}", 53))
    assert len(cookies) == 10
