from __future__ import annotations

import pytest

from resolver.errors import WireError
from resolver.message import EDE_OPTION, QR, Client, Ede, Edns, Message, Question, RRset, Transport, Type
from resolver.server.cookies import Cookies, Standing
from resolver.server.options import (
    BLOCK,
    KEEPALIVE,
    MAX_EDE_TEXT,
    NOTHING,
    PADDING,
    extended_errors,
    hear,
    padded,
    written,
)
from resolver.testing.virtual_time import VirtualClock
from resolver.wire.parse import Bounds, parse
from resolver.wire.render import render

UDP = Client("192.0.2.9", 4242, Transport.UDP)
TCP = Client("192.0.2.9", 4242, Transport.TCP)
TLS = Client("192.0.2.9", 4242, Transport.TLS)
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


def test_keepalive_is_answered_over_tls_as_over_tcp(run):
    assert heard(run, (KEEPALIVE, b""), client=TLS).told == ((KEEPALIVE, b"\0\x64"),)


@pytest.mark.rfc(7830, "4")
def test_padding_is_answered_over_tls_alone_and_stands_last(run):
    told = heard(run, (PADDING, bytes(9)), (KEEPALIVE, b""), client=TLS).told
    assert set(told) == {(PADDING, b""), (KEEPALIVE, b"\0\x64")}
    assert written(told, (Ede(0, "x"),)) == ((KEEPALIVE, b"\0\x64"), (EDE_OPTION, b"\0\0x"), (PADDING, b""))
    for client in (UDP, TCP):
        assert heard(run, (PADDING, bytes(9)), client=client) == NOTHING


@pytest.mark.rfc(8467, "4.1")
@pytest.mark.parametrize("records", [0, 1, 20, 29, 30, 100, 1000, 4090])
@pytest.mark.parametrize("others", [(), ((KEEPALIVE, b"\0\1"),)])
def test_a_padded_response_is_a_multiple_of_468_octets_and_says_the_same(records, others):
    question = Question(b"\1x\0", Type.A)
    rdatas = tuple(n.to_bytes(4, "big") for n in range(records))
    answer = (RRset(question.name, Type.A, 1, 60, rdatas),) if records else ()
    options = (*others, (PADDING, b""))
    plain = Message(1, QR, 0, question, answer, edns=Edns(options=options))
    wire = padded(render(plain), options)
    assert len(wire) % BLOCK == 0 or len(wire) == 65_535
    read = parse(wire, Bounds(5000, 10))
    assert (read.answer, read.edns.options[:-1]) == (plain.answer, others)
    code, zeros = read.edns.options[-1]
    assert (code, zeros.strip(b"\0")) == (PADDING, b"")


def test_what_has_no_padding_is_left_as_it_is():
    question = Question(b"\1x\0", Type.A)
    bare = render(Message(1, QR, 0, question, edns=Edns()))
    assert padded(bare, ()) == bare
    assert padded(bare, ((KEEPALIVE, b"\0\1"),)) == bare
    assert padded(bare, ((PADDING, b""),)) == bare, "it was left out for want of room"


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
    assert short == (EDE_OPTION, b"\0\x16no server replied [MUTE]")
    assert len(long[1]) <= 2 + MAX_EDE_TEXT
    assert long[1].startswith(b"\0\x09xxx")
    assert long[1].endswith(b" [LONG]")
