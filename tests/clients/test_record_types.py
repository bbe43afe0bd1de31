"""Every type of record, and every kind of answer, as dig and kdig show them."""

from __future__ import annotations

import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.support import raw
from tests.support.daemons import Daemon
from tests.support.fixtures import Ask, Print

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

ASKED: list[tuple[str, str, set[str]]] = [
    ("www.example.com", "A", {"A 192.0.2.80"}),
    ("www.example.com", "AAAA", {"AAAA 2001:db8::80"}),
    ("example.com", "NS", {"NS ns1.example.com.", "NS ns2.example.com."}),
    (".", "NS", {f"NS {letter}.root-servers.test." for letter in "abc"}),
    ("alias.example.com", "CNAME", {"CNAME www.example.com."}),
    ("example.com", "MX", {"MX 10 mail.example.com.", "MX 20 mail.example.net."}),
    ("example.edu", "TXT", {'TXT "An example university" "with two strings"'}),
    (
        "_sip._tcp.example.com",
        "SRV",
        {
            "SRV 10 60 5060 sip1.example.com.",
            "SRV 10 40 5060 sip2.example.com.",
            "SRV 20 0 5060 sip.example.net.",
        },
    ),
    ("80.2.0.192.in-addr.arpa", "PTR", {"PTR www.example.com."}),
    ("example.com", "CAA", {'CAA 0 issue "ca.example.net"', 'CAA 0 iodef "mailto:security@example.com"'}),
    ("example.com", "SOA", {"SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 300"}),
    ("legacy.example.org", "DNAME", {"DNAME example.com."}),
    ("phone.example.edu", "NAPTR", {'NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.edu!" .'}),
    ("unknown.example.edu", "TYPE65280", {r"TYPE65280 \# 4 0A000001"}),
    ("many.example.com", "A", {f"A 192.0.2.{host}" for host in range(101, 107)}),
]


@pytest.mark.parametrize("client", ["dig", "kdig"])
@pytest.mark.parametrize(("name", "rtype", "records"), ASKED, ids=[f"{name}-{rtype}" for name, rtype, _ in ASKED])
def test_a_record_is_shown_as_its_zone_has_it(
    daemon: Daemon, request: pytest.FixtureRequest, client: str, name: str, rtype: str, records: set[str]
) -> None:
    ask: Ask = request.getfixturevalue(client)
    reply = ask(daemon, name, rtype)
    assert reply.status == "NOERROR"
    assert {"qr", "rd", "ra"} <= reply.flags
    assert not reply.flags & {"aa", "tc"}
    assert len(reply.answer) == len(records)
    assert set(reply.data) == records
    assert {record.owner for record in reply.answer} == {f"{name.rstrip('.')}."}
    assert reply.transport == "UDP"
    assert not reply.warnings


def test_https_leads_to_the_service(daemon: Daemon, dig: Ask) -> None:
    (record,) = dig(daemon, "www.example.com", "HTTPS").answer
    assert record.data == '1 . alpn="h2,h3" ipv4hint=192.0.2.80 ipv6hint=2001:db8::80'


def test_x_asks_for_the_reverse_of_either_family(daemon: Daemon, dig: Ask, kdig: Ask) -> None:
    for ask in (dig, kdig):
        assert ask(daemon, "-x", "192.0.2.25").data == ["PTR mail.example.com."]
        assert ask(daemon, "-x", "2001:db8::25").data == ["PTR mail.example.com."]
    assert dig(daemon, "-x", "127.53.0.1").data == ["PTR a.root-servers.test."]


def test_a_chain_of_aliases_comes_in_its_order(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "chain.example.com")
    assert reply.data == [
        "CNAME chain.example.net.",
        "CNAME chain.example.org.",
        "CNAME chain.example.co.kr.",
        "CNAME www.example.co.kr.",
        "A 203.0.113.111",
    ]


def test_a_dname_comes_with_the_alias_made_from_it(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "www.legacy.example.org")
    assert reply.data == ["DNAME example.com.", "CNAME www.example.com.", "A 192.0.2.80"]
    assert reply.answer[1].owner == "www.legacy.example.org."


@pytest.mark.rfc(6672, "2.2")
def test_a_dname_that_makes_a_name_too_long_is_yxdomain(daemon: Daemon, dig: Ask) -> None:
    assert dig(daemon, f"{'a' * 60}.{'b' * 60}.far.example.org").status == "YXDOMAIN"


def test_a_wildcard_answers_for_the_name_that_was_asked(daemon: Daemon, dig: Ask) -> None:
    (record,) = dig(daemon, "any.wild.example.org").answer
    assert record.owner == "any.wild.example.org."
    assert record.data == "203.0.113.90"
    assert dig(daemon, "any.web.example.org").data == ["CNAME www.example.org.", "A 203.0.113.80"]
    assert dig(daemon, "neighbour.here.wild.example.org").status == "NXDOMAIN"


@pytest.mark.parametrize("name", ["nope.example.com", "a.b.c.nope.example.com", "nothing-of-this-name"])
def test_a_name_that_is_not_there_is_nxdomain_with_the_soa(daemon: Daemon, dig: Ask, kdig: Ask, name: str) -> None:
    for ask in (dig, kdig):
        reply = ask(daemon, name)
        assert reply.status == "NXDOMAIN"
        assert not reply.answer
        assert [record.type for record in reply.authority] == ["SOA"]
        assert reply.authority[0].ttl <= 300


def test_an_alias_to_nowhere_is_nxdomain_behind_the_alias(daemon: Daemon, dig: Ask) -> None:
    reply = dig(daemon, "dead.example.com")
    assert reply.status == "NXDOMAIN"
    assert reply.data == ["CNAME nothing.example.com."]


@pytest.mark.parametrize(
    ("name", "rtype"), [("v4only.example.com", "AAAA"), ("deep.ent.example.com", "A"), ("example.com", "TYPE65280")]
)
def test_a_name_without_such_data_is_an_empty_answer_with_the_soa(
    daemon: Daemon, dig: Ask, kdig: Ask, name: str, rtype: str
) -> None:
    for ask in (dig, kdig):
        reply = ask(daemon, name, rtype)
        assert reply.status == "NOERROR"
        assert not reply.answer
        assert [(record.owner, record.type) for record in reply.authority] == [("example.com.", "SOA")]


@pytest.mark.rfc(8482, "4.1")
def test_any_gives_some_rrset_and_not_all(daemon: Daemon, dig: Ask, kdig: Ask) -> None:
    for reply in (dig(daemon, "example.com", "ANY"), dig(daemon, "example.com", "ANY", "+notcp")):
        assert reply.status == "NOERROR"
        assert len({record.type for record in reply.answer}) == 1
    assert kdig(daemon, "example.com", "ANY").status == "NOERROR"


@pytest.mark.rfc(4892, "2")
def test_class_ch_tells_who_answers(daemon: Daemon, dig: Ask, kdig: Ask) -> None:
    for ask in (dig, kdig):
        for name in ("version.bind", "version.server", "id.server", "hostname.bind"):
            (record,) = ask(daemon, name, "TXT", "CH").answer
            assert record.cls == "CH"
            assert record.data.startswith('"resolverd ')
    assert dig(daemon, "other.bind", "TXT", "CH").status == "REFUSED"


def test_a_transfer_is_refused(daemon: Daemon, printed: Print) -> None:
    where = (f"@{daemon.host}", "-p", str(daemon.port))
    assert "error 'REFUSED'" in printed("kdig", *where, "example.com", "AXFR", code=1)
    assert "Transfer failed" in printed("dig", *where, "example.com", "AXFR")


@pytest.mark.rfc(1995, "3")
def test_an_incremental_transfer_is_refused(daemon: Daemon) -> None:
    """dig shows no header of it, so it is made by hand: the client's SOA stands in the authority section."""
    soa = dns.rrset.from_text("example.com.", 0, "IN", "SOA", ". . 1 0 0 0 0")
    query = dns.message.make_query("example.com.", "IXFR")
    query.authority.append(soa)
    with raw.datagrams((daemon.host, daemon.port)) as sock:
        sock.send(query.to_wire())
        assert raw.response(sock.recv(65535)).rcode() == dns.rcode.REFUSED


def test_a_ttl_counts_down(daemon: Daemon, dig: Ask) -> None:
    first = dig(daemon, "www.example.us").answer[0].ttl
    assert 0 < first <= 3600
    assert all(dig(daemon, "www.example.us").answer[0].ttl <= first for _ in range(3))


def test_the_letter_case_of_the_question_comes_back(daemon: Daemon, dig: Ask) -> None:
    for name in ("wWw.ExAmPlE.cOm", "WWW.EXAMPLE.COM", "www.example.com"):
        reply = dig(daemon, name)
        assert reply.question == f"{name}. IN A"
        assert reply.data == ["A 192.0.2.80"]


@pytest.mark.parametrize("kind", ["recursive_daemon", "in_memory_daemon"])
@pytest.mark.parametrize(
    ("name", "rtype", "status", "last"),
    [
        ("www.example.com", "A", "NOERROR", "A 192.0.2.80"),
        ("chain.example.com", "A", "NOERROR", "A 203.0.113.111"),
        ("www.legacy.example.org", "AAAA", "NOERROR", "AAAA 2001:db8::80"),
        ("any.wild.example.org", "TXT", "NOERROR", 'TXT "made from the wildcard"'),
        ("www.example.net", "A", "NOERROR", "A 198.51.100.80"),
        ("www.dev.example.com", "A", "NOERROR", "A 192.0.2.50"),
        ("80.2.0.192.in-addr.arpa", "PTR", "NOERROR", "PTR www.example.com."),
        ("v4only.example.com", "AAAA", "NOERROR", ""),
        ("nope.example.co.kr", "A", "NXDOMAIN", ""),
        ("version.bind", "CH", "REFUSED", ""),
    ],
)
def test_the_other_ways_of_running_answer_the_same(
    request: pytest.FixtureRequest, dig: Ask, kind: str, name: str, rtype: str, status: str, last: str
) -> None:
    reply = dig(request.getfixturevalue(kind), name, rtype)
    assert reply.status == status
    assert "ra" in reply.flags
    assert not reply.flags & {"aa", "tc"}
    assert reply.data[-1:] == ([last] if last else [])
    if not last and status != "REFUSED":
        assert [record.type for record in reply.authority] == ["SOA"]
