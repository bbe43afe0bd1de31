from __future__ import annotations

import pytest

from resolver.answering import awaited
from resolver.message import Class, Client, Query, Question, Rcode, Reply, Transport
from resolver.observe.counters import Counters
from resolver.pipeline.reserved import Reserved
from resolver.pipeline.staged import Staged
from resolver.wire import types
from tests.support.answering import Always
from tests.support.messages import name, told

BELOW = Reply(Rcode.NOERROR)


def asked(run, qname: str, rtype: str = "A", *, cls: int = Class.IN, rd: bool = True, **others: list[str]) -> Reply:
    counters = Counters()
    stage = Reserved(counters, **{key: [name(each) for each in zones] for key, zones in others.items()})
    question = Question(name(qname), types.from_text(rtype), cls)
    query = Query(question, Client("192.0.2.1", 0, Transport.UDP), 1, 0.0, rd=rd)
    reply = run(awaited(Staged((stage.peek,), Always(BELOW)), query))
    assert counters.answers_local == (reply is not BELOW)
    assert reply is BELOW or (reply.ra and reply.aa and not reply.storable)
    return reply


@pytest.mark.rfc(6761, "6.3")
@pytest.mark.parametrize(
    ("qname", "rtype", "line"),
    [
        ("localhost.", "A", "localhost. 10800 A 127.0.0.1"),
        ("LOCALHOST.", "AAAA", "LOCALHOST. 10800 AAAA ::1"),
        ("a.b.localhost.", "A", "a.b.localhost. 10800 A 127.0.0.1"),
        ("localhost.", "ANY", "localhost. 10800 A 127.0.0.1"),
        ("1.0.0.127.in-addr.arpa.", "PTR", "1.0.0.127.in-addr.arpa. 10800 PTR localhost."),
        ("1." + "0." * 31 + "ip6.arpa.", "PTR", "1." + "0." * 31 + "ip6.arpa. 10800 PTR localhost."),
    ],
)
@pytest.mark.parametrize("rd", [True, False])
def test_this_machine_has_its_name_and_addresses(run, qname, rtype, line, rd):
    reply = asked(run, qname, rtype, rd=rd)
    assert (reply.rcode, told(*reply.answer), reply.authority) == (Rcode.NOERROR, [line], ())


@pytest.mark.rfc(6761, "6.4")
@pytest.mark.rfc(6762, "22.1")
@pytest.mark.rfc(7686, "2")
@pytest.mark.rfc(9476, "3")
@pytest.mark.parametrize("top", ["invalid.", "local.", "onion.", "alt.", "internal."])
@pytest.mark.parametrize("rtype", ["A", "SOA", "DS", "TYPE4711"])
def test_some_names_do_not_exist_at_all(run, top, rtype):
    for qname in (top, f"www.{top}"):
        reply = asked(run, qname, rtype)
        assert (reply.rcode, reply.answer) == (Rcode.NXDOMAIN, ())
        assert told(*reply.authority) == [f"{top} 10800 SOA {top} nobody.invalid. 1 3600 1200 604800 10800"]
        assert reply.ede[0].text.endswith("[LOCL]")


@pytest.mark.rfc(6303, "3")
@pytest.mark.rfc(8375, "4")
@pytest.mark.parametrize("top", ["10.in-addr.arpa.", "8.e.f.ip6.arpa.", "home.arpa.", "service.arpa."])
def test_an_empty_zone_is_its_apex(run, top):
    soa = f"{top} 10800 SOA {top} nobody.invalid. 1 3600 1200 604800 10800"
    assert told(*asked(run, top, "SOA").answer) == [soa]
    assert told(*asked(run, top, "NS").answer) == [f"{top} 10800 NS {top}"]
    nodata = asked(run, top, "A")
    assert (nodata.rcode, nodata.answer, told(*nodata.authority)) == (Rcode.NOERROR, (), [soa])
    below = asked(run, f"4.3.{top}", "PTR")
    assert (below.rcode, told(*below.authority)) == (Rcode.NXDOMAIN, [soa])


@pytest.mark.rfc(8375, "4")
def test_the_ds_of_an_empty_zone_is_for_its_parent_to_answer(run):
    assert asked(run, "home.arpa.", "DS") is BELOW
    assert asked(run, "a.home.arpa.", "DS").rcode == Rcode.NXDOMAIN


@pytest.mark.rfc(9462, "4")
def test_there_is_no_designated_resolver(run):
    for qname in ("resolver.arpa.", "_dns.resolver.arpa."):
        reply = asked(run, qname, "SVCB")
        assert (reply.rcode, reply.answer) == (Rcode.NOERROR, ())


def test_what_this_machine_has_no_data_for_is_nodata(run):
    for qname, rtype in (("localhost.", "MX"), ("localhost.", "SOA"), ("1.0.0.127.in-addr.arpa.", "A")):
        assert (asked(run, qname, rtype).rcode, asked(run, qname, rtype).answer) == (Rcode.NOERROR, ())


@pytest.mark.parametrize("qname", ["test.", "www.example.", "www.example.com.", "nolocal.", "arpa.", "."])
def test_every_other_name_goes_on(run, qname):
    assert asked(run, qname) is BELOW


def test_other_classes_go_on(run):
    assert asked(run, "localhost.", cls=Class.CH) is BELOW


@pytest.mark.parametrize("kind", ["configured", "declared"])
def test_a_zone_at_or_below_a_special_name_comes_first(run, kind):
    zones = {kind: ["cluster.local.", "53.127.in-addr.arpa.", "internal.", "."]}
    zones[kind].remove(".")
    for qname in ("a.cluster.local.", "Cluster.Local.", "1.0.53.127.in-addr.arpa.", "internal.", "a.internal."):
        assert asked(run, qname, **zones) is BELOW
    assert asked(run, "local.", **zones) is not BELOW
    assert asked(run, "printer.local.", **zones) is not BELOW
    assert asked(run, "1.0.0.127.in-addr.arpa.", "PTR", **zones) is not BELOW


def test_a_configured_zone_above_comes_first_and_the_tops_of_a_world_do_not(run):
    assert asked(run, "4.3.2.10.in-addr.arpa.", "PTR", configured=["arpa."]) is BELOW
    assert asked(run, "4.3.2.10.in-addr.arpa.", "PTR", declared=["arpa.", "."]).rcode == Rcode.NXDOMAIN


def test_where_everything_is_forwarded_only_what_must_never_be_asked_is_answered_here(run):
    for qname in ("a.local.", "vm.internal.", "box.home.arpa.", "4.3.2.10.in-addr.arpa."):
        assert asked(run, qname, configured=["."]) is BELOW
    for qname in ("localhost.", "a.onion.", "a.invalid.", "a.alt.", "_dns.resolver.arpa.", "1.0.0.127.in-addr.arpa."):
        assert asked(run, qname, configured=["."]) is not BELOW


def test_single_names_can_be_turned_off(run):
    assert asked(run, "a.internal.", unreserved=["internal."]) is BELOW
    assert asked(run, "a.local.", unreserved=["internal."]) is not BELOW
    assert asked(run, "4.3.2.10.in-addr.arpa.", unreserved=["in-addr.arpa."]) is BELOW
    assert asked(run, "localhost.", unreserved=["."]) is BELOW
