"""What dig's options ask for: transports, sizes, EDNS, header bits and opcodes."""

from __future__ import annotations

import re

import pytest

from tests.support.daemons import Daemon
from tests.support.fixtures import Ask

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

MEDIUM, BIG = 8, 24
"""Records of the TXT RRsets that are over 512 and over 1232 octets."""

OLD_COOKIE = "2464c4abcf10c957010000005cf79f111f8130c3eee29480"
"""The first of RFC 9018 appendix A: long past, and of another secret."""


@pytest.mark.parametrize("ask_with", ["dig", "kdig"])
def test_tcp_answers_what_udp_answers(daemon: Daemon, request: pytest.FixtureRequest, ask_with: str) -> None:
    ask: Ask = request.getfixturevalue(ask_with)
    over_tcp, over_udp = ask(daemon, "example.com", "MX", "+tcp"), ask(daemon, "example.com", "MX")
    assert (over_tcp.transport, over_udp.transport) == ("TCP", "UDP")
    assert over_tcp.data == over_udp.data
    assert over_tcp.flags == over_udp.flags


# -- sizes and truncation


@pytest.mark.rfc(6891, "6.1.1")
def test_without_edns_there_is_no_opt_and_512_octets(daemon: Daemon, dig: Ask) -> None:
    small = dig(daemon, "www.example.com", "+noedns")
    assert not small.edns
    assert small.counts == (1, 1, 0, 0)
    cut = dig(daemon, "medium.example.com", "TXT", "+noedns", "+ignore")
    assert "tc" in cut.flags
    assert cut.size <= 512
    assert not cut.edns


@pytest.mark.rfc(6891, "6.2.5")
def test_with_edns_as_much_comes_as_the_client_takes(daemon: Daemon, dig: Ask) -> None:
    whole = dig(daemon, "medium.example.com", "TXT")
    assert len(whole.answer) == MEDIUM
    assert whole.transport == "UDP"
    assert 512 < whole.size <= 1232
    assert whole.payload == 1232
    cut = dig(daemon, "medium.example.com", "TXT", "+bufsize=512", "+ignore")
    assert "tc" in cut.flags
    assert cut.size <= 512
    assert cut.edns
    assert "tc" not in dig(daemon, "www.example.com", "+bufsize=512").flags


@pytest.mark.rfc(6891, "6.2.3")
def test_a_size_below_512_counts_as_512(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "example.com", "CAA", "+bufsize=1", "+ignore")
    assert "tc" not in reply.flags
    assert len(reply.answer) == 2


@pytest.mark.rfc(9715, "3.1")
def test_no_datagram_is_larger_than_1232_octets_whatever_the_client_offers(daemon: Daemon, dig: Ask) -> None:
    cut = dig(daemon, "big.example.com", "TXT", "+bufsize=65535", "+ignore")
    assert "tc" in cut.flags
    assert cut.size <= 1232


@pytest.mark.rfc(2181, "9")
def test_a_truncated_answer_has_whole_rrsets_or_none(daemon: Daemon, dig: Ask) -> None:
    for options in (("+noedns",), ("+bufsize=512",), ("+bufsize=700",)):
        cut = dig(daemon, "big.example.com", "TXT", "+ignore", *options)
        assert "tc" in cut.flags
        assert len(cut.answer) in (0, BIG)


@pytest.mark.parametrize("ask_with", ["dig", "kdig"])
@pytest.mark.parametrize(("name", "records", "option"), [("big", BIG, "+edns"), ("medium", MEDIUM, "+noedns")])
def test_what_was_truncated_comes_whole_over_tcp(
    daemon: Daemon, request: pytest.FixtureRequest, ask_with: str, name: str, records: int, option: str
) -> None:
    ask: Ask = request.getfixturevalue(ask_with)
    reply = ask(daemon, f"{name}.example.com", "TXT", option)
    assert reply.transport == "TCP"
    assert "tc" not in reply.flags
    assert len(reply.answer) == records


# -- EDNS


def test_options_that_nobody_knows_do_no_harm(daemon: Daemon, dig: Ask, kdig: Ask) -> None:
    common = ("+nsid", "+subnet=192.0.2.0/24", "+padding=128")
    for reply in (
        dig(daemon, "www.example.com", "+ednsopt=65001:c0ffee", "+expire", "+keepalive", *common),
        dig(daemon, "www.example.com", "+ednsopt=65535", "+ednsflags=0x7fff"),
        kdig(daemon, "www.example.com", "+ednsopt=65001:c0ffee", "+cookie", *common),
    ):
        assert reply.data == ["A 192.0.2.80"]
        assert reply.edns


@pytest.mark.rfc(6891, "6.1.3")
def test_a_version_of_edns_that_is_not_known_is_badvers(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.example.com", "+edns=1", "+noednsnegotiation")
    assert reply.status == "BADVERS"
    assert reply.edns
    assert not reply.answer
    assert dig(daemon, "www.example.com", "+edns=1", "+ednsnegotiation").data == ["A 192.0.2.80"]


@pytest.mark.rfc(3225, "3")
def test_do_is_echoed_and_asks_for_nothing_that_is_not_there(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.example.net", "+dnssec")
    assert reply.dnssec_ok
    assert reply.data == ["A 198.51.100.80"]
    assert not dig(daemon, "www.example.net").dnssec_ok


# -- cookies and keepalive


@pytest.mark.rfc(7873, "5.4")
def test_a_cookie_can_be_asked_for_without_a_question(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "+header-only", "+cookie")
    assert reply.status == "NOERROR"
    assert "(good)" in reply.text
    bad = dig(daemon, "+header-only", f"+cookie={OLD_COOKIE}", "+nobadcookie")
    assert bad.status == "BADCOOKIE"


@pytest.mark.rfc(7873, "5.2")
def test_clients_get_the_cookie_that_they_ask_for_and_may_keep_it(daemon: Daemon, dig: Ask, kdig: Ask) -> None:
    first = dig(daemon, "www.example.com", "+cookie=2464c4abcf10c957")
    made = re.search(r"COOKIE: (2464c4abcf10c957[0-9a-f]{32}) \(good\)", first.text)
    assert made
    assert first.data == ["A 192.0.2.80"]
    again = dig(daemon, "www.example.com", f"+cookie={made[1]}")
    assert f"COOKIE: {made[1]} (good)" in again.text
    renewed = dig(daemon, "www.example.com", f"+cookie={OLD_COOKIE}")
    assert OLD_COOKIE not in renewed.text
    assert renewed.data == ["A 192.0.2.80"]
    other = kdig(daemon, "www.example.com", "+cookie")
    assert re.search(r"COOKIE: [0-9A-F]{16}01000000[0-9A-F]{24}\b", other.text)


@pytest.mark.rfc(7828, "3.3.2")
def test_over_tcp_a_client_is_told_how_long_its_connection_may_be_idle(daemon: Daemon, dig: Ask) -> None:
    assert "TCP KEEPALIVE: 10.0 secs" in dig(daemon, "www.example.com", "+tcp", "+keepalive").text
    assert "KEEPALIVE" not in dig(daemon, "www.example.com", "+keepalive").text
    assert "KEEPALIVE" not in dig(daemon, "www.example.com", "+tcp").text


# -- header bits and opcodes


def test_cd_is_echoed_and_ad_is_not_claimed(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.example.com", "+cd", "+adflag")
    assert "cd" in reply.flags
    assert "ad" not in reply.flags
    assert reply.data == ["A 192.0.2.80"]
    assert "cd" not in dig(daemon, "www.example.com", "+nocd").flags


def test_a_bit_that_must_be_zero_does_no_harm(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.example.com", "+zflag", "+aaflag", "+raflag")
    assert reply.data == ["A 192.0.2.80"]
    assert "MBZ" not in reply.text


def test_without_rd_only_what_is_held_is_told(daemon: Daemon, dig: Ask) -> None:
    unknown = dig(daemon, "never-asked-before.example.edu", "+norecurse")
    assert unknown.status == "REFUSED"
    assert unknown.ede_codes == {20}
    assert "rd" not in unknown.flags
    dig(daemon, "library.example.edu")
    held = dig(daemon, "library.example.edu", "+norecurse")
    assert held.data == ["A 192.0.2.123"]
    assert "rd" not in held.flags
    assert "ra" in held.flags


@pytest.mark.rfc(8906, "3.1.4")
@pytest.mark.parametrize("opcode", ["notify", "update", "status", "iquery", "15"])
def test_another_opcode_is_notimp_and_echoed(daemon: Daemon, dig: Ask, opcode: str) -> None:
    for options in ((), ("+noedns",), ("+tcp",), ("+header-only", "+noedns")):
        reply = dig(daemon, "www.example.com", f"+opcode={opcode}", *options)
        assert reply.status == "NOTIMP"
        assert reply.opcode == ("RESERVED15" if opcode == "15" else opcode.upper())
        assert not reply.answer


def test_a_header_without_a_question_is_formerr(daemon: Daemon, dig: Ask) -> None:
    for options in (("+nocookie",), ("+noedns",), ("+tcp", "+nocookie")):
        reply = dig(daemon, "+header-only", *options)
        assert reply.status == "FORMERR"
        assert reply.counts[1:3] == (0, 0)


def test_classes_that_are_not_served_are_refused(daemon: Daemon, dig: Ask) -> None:
    for cls in ("HS", "CLASS65280", "ANY"):
        reply = dig(daemon, "www.example.com", "-c", cls)
        assert reply.status == "REFUSED"
        assert not reply.answer


def test_types_that_are_no_data_are_not_resolved(daemon: Daemon, dig: Ask) -> None:
    assert dig(daemon, "example.com", "MAILB").status == "NOTIMP"
    assert dig(daemon, "example.com", "TYPE0").status == "FORMERR"
    assert dig(daemon, "example.com", "TYPE41").status == "FORMERR"
