"""Each child of broken.test fails in its own way, and the client is told which, in time."""

from __future__ import annotations

import pytest

from tests.support.daemons import Daemon
from tests.support.fixtures import Ask

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

IN_TIME_MS = 4500
"""Stub resolvers give up at 5 s."""

FAILING: list[tuple[str, int, str]] = [
    ("lame", 22, "LAME"),
    ("silent", 22, "MUTE"),
    ("servfail", 23, "SVFL"),
    ("refused", 22, "RFSD"),
    ("cnameloop", 0, "LOOP"),
    ("cyclic", 22, "NOAD"),
    ("dangling", 22, "NOAD"),
    ("upward", 22, "UPWD"),
]
"""Child, info-code and tag of its extended error."""

WORKING = [("slow", "A 192.0.2.94"), ("lossy", "A 192.0.2.95"), ("truncated", "A 192.0.2.99")]


@pytest.mark.rfc(8914, "4.23")
@pytest.mark.parametrize(("child", "code", "tag"), FAILING, ids=[child for child, _, _ in FAILING])
def test_a_child_that_fails_is_servfail_with_its_cause(
    daemon: Daemon, dig: Ask, child: str, code: int, tag: str
) -> None:
    reply = dig(daemon, f"{child}.broken.test")
    assert reply.status == "SERVFAIL"
    assert not reply.answer
    assert code in reply.ede_codes
    assert tag in reply.tags
    assert child in reply.ede[0].text
    assert reply.ms < IN_TIME_MS
    again = dig(daemon, f"{child}.broken.test")
    assert again.status == "SERVFAIL"
    assert code in again.ede_codes


@pytest.mark.parametrize(("child", "record"), WORKING, ids=[child for child, _ in WORKING])
def test_a_child_that_is_only_bad_is_answered(daemon: Daemon, dig: Ask, child: str, record: str) -> None:
    reply = dig(daemon, f"{child}.broken.test")
    assert reply.status == "NOERROR"
    assert reply.data == [record]
    assert reply.ms < IN_TIME_MS


@pytest.mark.parametrize("child", [child for child, _, _ in FAILING])
def test_a_child_that_fails_does_so_in_time_by_recursion_too(recursive_daemon: Daemon, dig: Ask, child: str) -> None:
    reply = dig(recursive_daemon, f"{child}.broken.test")
    assert reply.status == "SERVFAIL"
    assert reply.ede_codes & {0, 22, 23}
    assert reply.ms < IN_TIME_MS


@pytest.mark.parametrize(("child", "record"), WORKING, ids=[child for child, _ in WORKING])
def test_a_child_that_is_only_bad_is_answered_by_recursion_too(
    recursive_daemon: Daemon, dig: Ask, child: str, record: str
) -> None:
    reply = dig(recursive_daemon, f"{child}.broken.test")
    assert reply.data == [record]
    assert reply.ms < IN_TIME_MS


def test_in_memory_each_child_fares_the_same(in_memory_daemon: Daemon, dig: Ask) -> None:
    for child, code, tag in FAILING:
        if child != "silent":
            reply = dig(in_memory_daemon, f"{child}.broken.test")
            assert (reply.status, reply.ede_codes, reply.tags) == ("SERVFAIL", {code}, {tag})
    for child, record in WORKING:
        assert dig(in_memory_daemon, f"{child}.broken.test").data == [record]


@pytest.mark.rfc(9520, "3.2")
def test_a_failure_is_remembered_for_a_while(daemon: Daemon, dig: Ask) -> None:
    dig(daemon, "upward.broken.test", "AAAA")
    before = daemon.stats()["upstream.sent"]
    again = dig(daemon, "upward.broken.test", "AAAA")
    assert again.ede_codes >= {22, 13}
    assert daemon.stats()["upstream.sent"] == before


def test_without_edns_the_client_is_told_the_rcode_alone(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "refused.broken.test", "+noedns")
    assert reply.status == "SERVFAIL"
    assert not reply.edns
