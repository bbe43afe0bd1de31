from __future__ import annotations

import pytest

from resolver.answering import awaited
from resolver.message import Class, Client, Query, Question, Rcode, Reply, Transport, Type
from resolver.pipeline.screened import Screened
from resolver.pipeline.staged import Staged
from tests.support.answering import Always
from tests.support.messages import name

HEALTH = name("health.resolverd.invalid.")
BELOW = Reply(Rcode.NXDOMAIN)


def screened(run, qname: str, rtype: int, cls: int = Class.IN, *, version="resolverd 1", identity="here") -> Reply:
    stage = Screened(version=version, identity=identity, health=(HEALTH, "ok"))
    query = Query(Question(name(qname), rtype, cls), Client("192.0.2.1", 0, Transport.UDP), 1, 0.0)
    return run(awaited(Staged((stage.peek,), Always(BELOW)), query))


@pytest.mark.rfc(4892, "2")
@pytest.mark.parametrize(
    ("qname", "text"),
    [
        ("version.bind.", "resolverd 1"),
        ("VERSION.server.", "resolverd 1"),
        ("hostname.bind.", "here"),
        ("id.server.", "here"),
    ],
)
@pytest.mark.parametrize("rtype", [Type.TXT, Type.ANY])
def test_the_server_says_who_it_is(run, qname, text, rtype):
    reply = screened(run, qname, rtype, Class.CH)
    assert (reply.rcode, reply.aa, reply.ra, reply.storable) == (0, True, True, False)
    (rrset,) = reply.answer
    assert (rrset.name, rrset.type, rrset.cls, rrset.ttl) == (name(qname), Type.TXT, Class.CH, 0)
    assert rrset.rdatas == (bytes((len(text),)) + text.encode(),)


@pytest.mark.parametrize(
    ("qname", "rtype", "cls"),
    [
        ("authors.bind.", Type.TXT, Class.CH),
        ("version.bind.", Type.A, Class.CH),
        ("www.example.com.", Type.A, 4),
        ("www.example.com.", Type.A, Class.ANY),
    ],
)
def test_other_names_and_classes_are_refused(run, qname, rtype, cls):
    reply = screened(run, qname, rtype, cls)
    assert reply.rcode == Rcode.REFUSED
    assert reply.ede[0].code == 21


def test_an_empty_identity_is_not_told(run):
    assert screened(run, "version.bind.", Type.TXT, Class.CH, version="").rcode == Rcode.REFUSED


@pytest.mark.rfc(5936, "2.2.1")
@pytest.mark.parametrize("rtype", [Type.AXFR, Type.IXFR])
def test_transfers_are_refused(run, rtype):
    assert screened(run, "example.com.", rtype).rcode == Rcode.REFUSED


@pytest.mark.rfc(6895, "3.1")
@pytest.mark.parametrize(
    ("rtype", "rcode"),
    [(249, 4), (129, 4), (128, 1), (Type.TSIG, 4), (Type.MAILB, 4), (Type.MAILA, 4), (0, 1), (Type.OPT, 1)],
)
def test_types_that_are_no_data_are_not_resolved(run, rtype, rcode):
    assert screened(run, "example.com.", rtype).rcode == rcode


@pytest.mark.parametrize("rtype", [Type.A, Type.ANY, Type.HTTPS, 65_280, 65_535])
def test_everything_else_goes_on(run, rtype):
    assert screened(run, "example.com.", rtype) is BELOW


def test_the_health_name_is_answered_here_in_any_spelling(run):
    reply = screened(run, "HEALTH.resolverd.invalid.", Type.TXT)
    assert (reply.rcode, reply.answer[0].rdatas, reply.answer[0].ttl) == (0, (b"\x02ok",), 0)
    assert reply.answer[0].name == name("HEALTH.resolverd.invalid.")
    assert screened(run, "health.resolverd.invalid.", Type.A) is BELOW
    assert screened(run, "x.health.resolverd.invalid.", Type.TXT) is BELOW


def test_a_long_identity_is_cut_to_what_a_string_holds(run):
    reply = screened(run, "id.server.", Type.TXT, Class.CH, identity="x" * 300)
    assert reply.answer[0].rdatas == (b"\xff" + b"x" * 255,)
