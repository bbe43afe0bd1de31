"""nslookup, delv and kdig, as people use them, without a word of complaint."""

from __future__ import annotations

import pytest

from tests.support import heard
from tests.support.daemons import Daemon
from tests.support.fixtures import Ask, Print

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

COMPLAINTS = (";;", "WARNING", "***", "recursion not available", "Got recursion not", "timed out", "Trying next")


def looked_up(printed: Print, daemon: Daemon, *question: str, code: int = 0) -> list[str]:
    """What nslookup prints behind the server that it asked, complaints excluded."""
    text = printed("nslookup", f"-port={daemon.port}", *question, daemon.host, code=code)
    assert not [word for word in COMPLAINTS if word in text], text
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("kind", ["daemon", "recursive_daemon", "in_memory_daemon"])
def test_nslookup_shows_both_addresses(request: pytest.FixtureRequest, printed: Print, kind: str) -> None:
    running: Daemon = request.getfixturevalue(kind)
    assert looked_up(printed, running, "www.example.com") == [
        "Server: 127.0.0.1",
        f"Address: 127.0.0.1#{running.port}",
        "Non-authoritative answer:",
        "Name: www.example.com",
        "Address: 192.0.2.80",
        "Name: www.example.com",
        "Address: 2001:db8::80",
    ]


def test_nslookup_follows_aliases(daemon: Daemon, printed: Print) -> None:
    lines = looked_up(printed, daemon, "alias.example.com")
    assert "alias.example.com canonical name = www.example.com." in lines
    assert "Address: 2001:db8::80" in lines


def test_nslookup_is_content_with_a_name_that_has_one_family(daemon: Daemon, printed: Print) -> None:
    """It asks for A and then for AAAA: an empty answer must not send it to another server."""
    assert "Address: 192.0.2.81" in looked_up(printed, daemon, "v4only.example.com")
    assert "Address: 2001:db8::81" in looked_up(printed, daemon, "v6only.example.com")


@pytest.mark.parametrize(
    ("question", "line"),
    [
        (("-type=MX", "example.com"), "example.com mail exchanger = 10 mail.example.com."),
        (("-type=NS", "example.com"), "example.com nameserver = ns1.example.com."),
        (("-type=TXT", "example.com"), 'example.com text = "v=spf1 mx -all"'),
        (("-type=SOA", "example.com"), "origin = ns1.example.com"),
        (("-type=SRV", "_sip._tcp.example.com"), "_sip._tcp.example.com service = 10 60 5060 sip1.example.com."),
        (("-type=CNAME", "alias.example.com"), "alias.example.com canonical name = www.example.com."),
        (("192.0.2.80",), "80.2.0.192.in-addr.arpa name = www.example.com."),
        (("-type=PTR", "80.2.0.192.in-addr.arpa"), "80.2.0.192.in-addr.arpa name = www.example.com."),
        (("-vc", "www.example.com"), "Address: 192.0.2.80"),
    ],
)
def test_nslookup_shows_other_types(daemon: Daemon, printed: Print, question: tuple[str, ...], line: str) -> None:
    assert line in looked_up(printed, daemon, *question)


def test_nslookup_says_what_does_not_exist(daemon: Daemon, printed: Print) -> None:
    text = printed("nslookup", f"-port={daemon.port}", "nope.example.com", daemon.host, code=1)
    assert "** server can't find nope.example.com: NXDOMAIN" in text
    assert "recursion" not in text


@pytest.mark.parametrize("option", ["-i", "+noroot"])
@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        (("www.example.com", "A"), "192.0.2.80"),
        (("chain.example.com", "AAAA"), "2001:db8:2::111"),
        (("big.example.com", "TXT"), "1232-octets-24"),
        (("nope.example.com", "A"), "ncache nxdomain"),
        (("v4only.example.com", "AAAA"), "ncache nxrrset"),
    ],
)
def test_delv_resolves_without_validation(
    daemon: Daemon, printed: Print, option: str, question: tuple[str, str], wanted: str
) -> None:
    text = printed("delv", option, f"@{daemon.host}", "-p", str(daemon.port), *question)
    assert wanted in text


def test_kdig_shows_the_extended_error(daemon: Daemon, kdig: Ask) -> None:
    reply = kdig(daemon, "refused.broken.test", "+edns")
    assert reply.status == "SERVFAIL"
    assert reply.ede_codes >= {22}
    assert reply.tags == {"RFSD"}


@pytest.mark.rfc(7766, "6.2.1")
def test_kdig_asks_many_questions_on_one_connection(daemon: Daemon, printed: Print) -> None:
    questions = [
        ("www.example.com", "A"),
        ("example.com", "MX"),
        ("slow.broken.test", "A"),
        ("nope.example.com", "A"),
        ("big.example.com", "TXT"),
    ]
    before = daemon.stats()["queries.tcp"]
    words = [word for question in questions for word in question]
    where = (f"@{daemon.host}", "-p", str(daemon.port))
    replies = heard.read(printed("kdig", *where, "+tcp", "+keepopen", "+timeout=10", *words))
    assert [reply.question for reply in replies] == [f"{name}. IN {rtype}" for name, rtype in questions]
    assert [reply.status for reply in replies] == ["NOERROR", "NOERROR", "NOERROR", "NXDOMAIN", "NOERROR"]
    assert len(replies[-1].answer) == 24
    assert {reply.transport for reply in replies} == {"TCP"}
    assert daemon.stats()["queries.tcp"] == before + len(questions)


def test_dig_asks_a_batch(daemon: Daemon, printed: Print) -> None:
    questions = [("www.example.com", "A"), ("example.net", "MX"), ("www.example.kr", "A"), ("hello.test", "TXT")] * 10
    batch = daemon.directory / "batch"
    batch.write_text("".join(f"{name} {rtype}\n" for name, rtype in questions))
    for options in ((), ("+tcp", "+keepopen")):
        text = printed("dig", f"@{daemon.host}", "-p", str(daemon.port), *options, "-f", str(batch))
        replies = heard.read(text)
        assert [reply.question for reply in replies] == [f"{name}. IN {rtype}" for name, rtype in questions]
        assert {reply.status for reply in replies} == {"NOERROR"}
