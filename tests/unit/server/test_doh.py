"""What an HTTP request asks, and what its response says."""

from __future__ import annotations

import base64

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.server import doh
from resolver.server.doh import Head, Refusal
from tests.support.https import QUERY, parameter

PATHS = frozenset({b"/dns-query", b"/dns"})
POST = Head(b"POST", b"/dns-query", b"application/dns-message")


@pytest.mark.rfc(8484, "4.1")
@given(st.binary(min_size=12, max_size=300))
def test_a_get_asks_what_base64url_says(octets):
    octets = octets[:2] + b"\x01" + octets[3:]
    target = b"/dns?x=1&dns=" + base64.urlsafe_b64encode(octets).rstrip(b"=") + b"&y"
    assert doh.judged(Head(b"GET", target), PATHS) == octets


@given(st.binary(max_size=60))
def test_whatever_the_parameter_is_it_is_a_message_or_refused(octets):
    asked = doh.judged(Head(b"GET", b"/dns?dns=" + octets), PATHS)
    assert isinstance(asked, (bytes, Refusal))


@pytest.mark.parametrize("kind", [b"application/dns-message", b"Application/DNS-Message ; charset=x"])
def test_a_post_has_its_message_in_the_body(kind):
    assert doh.judged(POST._replace(content_type=kind), PATHS) is None


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (Head(b"GET", b"/dns-query"), 400),
        (Head(b"GET", b"/dns-query?dns="), 400),
        (Head(b"GET", parameter(QUERY) + b"&dns=AAAA"), 400),
        (Head(b"GET", parameter(QUERY) + b"="), 400),
        (Head(b"GET", parameter(QUERY) + b"/"), 400),
        (Head(b"GET", b"/dns-query/?dns=AAAA"), 404),
        (Head(b"HEAD", parameter(QUERY)), 405),
        (Head(b"GET", b"/dns?dns=" + b"A" * 9000), 414),
        (POST._replace(content_type=b""), 415),
        (POST._replace(content_length=b"65536"), 413),
        (POST._replace(content_length=b"9" * 5000), 413),
    ],
)
def test_other_requests_are_refused(head, status):
    refusal = doh.judged(head, PATHS)
    assert isinstance(refusal, Refusal)
    assert refusal.status == status
    assert refusal.text.isprintable()


def test_a_message_must_be_a_question_by_its_header():
    assert doh.message(QUERY) == QUERY
    assert doh.message(QUERY[:11]) == Refusal(400, "11 octets are no DNS message: its header alone has 12")
    assert doh.message(QUERY[:2] + b"\x81" + QUERY[3:]).status == 400
    assert doh.message(bytes(70_000)).status == 413


def absolute(record):
    owner, *rest = record
    return (f"{owner}.", *rest)


def reply(rcode="NOERROR", answer=(), authority=()):
    made = dns.message.make_response(dns.message.make_query("www.example.com", "A", use_edns=0, id=53))
    made.set_rcode(getattr(dns.rcode, rcode))
    made.answer = [dns.rrset.from_text(*each) for each in map(absolute, answer)]
    made.authority = [dns.rrset.from_text(*each) for each in map(absolute, authority)]
    return made.to_wire()


SOA = ("example.com", 60, "IN", "SOA", "ns.example.com. root.example.com. 1 2 3 4 30")


@pytest.mark.rfc(8484, "5.1")
@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (reply(answer=[("www.example.com", 300, "IN", "A", "192.0.2.1")]), 300),
        (reply(answer=[("www.example.com", 300, "IN", "CNAME", "x.y."), ("x.y", 7, "IN", "A", "192.0.2.1")]), 7),
        (reply(answer=[("www.example.com", 300, "IN", "A", "192.0.2.1")], authority=[SOA]), 300),
        (reply("NXDOMAIN", authority=[SOA]), 60),
        (reply(authority=[("example.com", 5, "IN", "NS", "ns.example."), SOA]), 60),
        (reply(), 0),
        (reply("SERVFAIL", answer=[("www.example.com", 300, "IN", "A", "192.0.2.1")]), 0),
        (bytes(12), 0),
    ],
)
def test_a_response_is_fresh_for_its_least_ttl(response, seconds):
    assert doh.freshness(response) == seconds
