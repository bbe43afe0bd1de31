from __future__ import annotations

import pytest

from resolver.errors import WireError
from resolver.message import Client, Ede, Edns, Transport
from resolver.server.cookies import Cookies, Standing
from resolver.server.options import EDE, KEEPALIVE, MAX_EDE_TEXT, NOTHING, extended_errors, hear
from resolver.testing.virtual_time import VirtualClock

UDP = Client("192.0.2.9", 4242, Transport.UDP)
TCP = Client("192.0.2.9", 4242, Transport.TCP)
COOKIE = 10


def heard(run, *options, client=TCP, idle=10.0, jar=True):
    async def main():
        made = Cookies(bytes(16), VirtualClock()) if jar else None
        return hear(Edns(options=options), client, made, None if idle is None else lambda: idle)

    return run(main())


@pytest.mark.rfc(7828, "3.3.2")
@pytest.mark.parametrize(
    ("idle", "told"), [(10.0, b"\0\x64"), (0.5, b"\0\5"), (0.04, b"\0\0"), (6553.5, b"\xff\xff"), (9999.0, b"\xff\xff")]
)
def test_keepalive_tells_the_idle_time_of_now_in_tenths_of_a_second(run, idle, told):
    assert heard(run, (KEEPALIVE, b""), idle=idle).told == ((KEEPALIVE, told),)


@pytest.mark.rfc(7828, "3.3.1")
def test_keepalive_is_ignored_over_udp_and_by_who_has_no_connections(run):
    for data in (b"", b"\0\1", b"odd"):
        assert heard(run, (KEEPALIVE, data), client=UDP) == NOTHING
        assert heard(run, (KEEPALIVE, data), idle=None) == NOTHING


@pytest.mark.rfc(7828, "3.1")
def test_keepalive_has_no_time_or_one_of_two_octets(run):
    assert heard(run, (KEEPALIVE, b"\0\1")).told == ((KEEPALIVE, b"\0\x64"),)
    for size in (1, 3, 4, 200):
        with pytest.raises(WireError, match="keepalive"):
            heard(run, (KEEPALIVE, bytes(size)))


@pytest.mark.rfc(7873, "5.2")
def test_the_first_cookie_counts(run):
    found = heard(run, (COOKIE, b"clients1"), (COOKIE, b"bad"), client=UDP)
    assert found.cookie is Standing.NEW
    ((code, data),) = found.told
    assert (code, data[:8], len(data)) == (COOKIE, b"clients1", 24)


def test_who_has_no_cookies_ignores_them(run):
    assert heard(run, (COOKIE, b"odd"), jar=False) == NOTHING


@pytest.mark.rfc(6891, "6.1.2")
def test_options_that_nobody_knows_are_ignored(run):
    assert heard(run, (3, b""), (8, b"junk"), (12, bytes(300)), (65_001, b"x")) == NOTHING


@pytest.mark.rfc(8914, "2")
def test_an_extended_error_keeps_its_tag_when_it_is_shortened():
    (short, long) = extended_errors((Ede(22, "no server replied [MUTE]"), Ede(9, "x" * 500 + " [LONG]")))
    assert short == (EDE, b"\0\x16no server replied [MUTE]")
    assert len(long[1]) <= 2 + MAX_EDE_TEXT
    assert long[1].startswith(b"\0\x09xxx")
    assert long[1].endswith(b" [LONG]")
