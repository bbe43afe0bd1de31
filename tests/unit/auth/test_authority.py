"""Which zone answers, and what is not answered (resolver/auth/authority.py)."""

from __future__ import annotations

import pytest

from resolver.auth.authority import ASKED, STORED, Authority
from resolver.auth.zone import Zone
from resolver.errors import ZoneError
from resolver.message import Class, Client, Query, Question, Rcode, Reply, Transport
from resolver.wire import names
from tests.support import zone_text


def holding(origin: str, *lines: str) -> Zone:
    return zone_text.zone(origin, "\n".join((f"{origin} 60 IN SOA ns.y. root.y. 1 2 3 4 5", *lines)))


PARENT = holding("x.", "x. 60 IN NS ns.y.", "c.x. 60 IN NS ns.y.", "c.x. 60 IN DS 1 8 9 00", "x. 60 IN A 1.1.1.1")
CHILD = holding("c.x.", "c.x. 60 IN NS ns.y.", "c.x. 60 IN A 2.2.2.2")


@pytest.fixture
def authority() -> Authority:
    return Authority([PARENT, CHILD])


def test_the_nearest_zone_answers(authority: Authority) -> None:
    assert zone_text.lines(authority.reply(zone_text.question("C.x.", "A")).answer) == ["c.x. 60 A 2.2.2.2"]
    assert zone_text.lines(authority.reply(zone_text.question("x.", "A")).answer) == ["x. 60 A 1.1.1.1"]
    denied = authority.reply(zone_text.question("a.b.c.x.", "A"))
    assert (denied.rcode, denied.authority[0].name) == (Rcode.NXDOMAIN, names.from_text("c.x."))


@pytest.mark.rfc(8914, "4.21")
@pytest.mark.parametrize("name", ["y.", ".", "bx.", "x.y."])
def test_outside_all_zones_it_is_refused_and_says_why(authority: Authority, name: str) -> None:
    reply = authority.reply(zone_text.question(name, "A"))
    assert (reply.rcode, reply.aa, reply.ra) == (Rcode.REFUSED, False, False)
    assert [ede.code for ede in reply.ede] == [20]


def test_a_server_of_the_root_zone_refuses_no_name() -> None:
    authority = Authority([holding("."), CHILD])
    assert authority.reply(zone_text.question("no.such.name.", "A")).rcode == Rcode.NXDOMAIN
    assert authority.reply(zone_text.question(".", "DS")).rcode == Rcode.NOERROR
    assert authority.reply(zone_text.question(".", "SOA")).aa


@pytest.mark.rfc(4035, "3.1.4.1")
def test_ds_is_answered_from_the_side_of_the_parent(authority: Authority) -> None:
    reply = authority.reply(zone_text.question("C.X.", "DS"))
    assert zone_text.lines(reply.answer) == ["c.x. 60 DS 1 8 9 00"]
    assert zone_text.lines(reply.authority) == ["x. 60 NS ns.y."]


@pytest.mark.parametrize(
    ("rtype", "rcode"),
    [
        (251, Rcode.REFUSED),
        (252, Rcode.REFUSED),
        (253, Rcode.NOTIMP),
        (254, Rcode.NOTIMP),
        (41, Rcode.FORMERR),
        (128, Rcode.FORMERR),
        (249, Rcode.FORMERR),
        (250, Rcode.FORMERR),
    ],
)
@pytest.mark.rfc(6895, "3.1")
def test_types_that_are_no_data_are_not_answered(authority: Authority, rtype: int, rcode: Rcode) -> None:
    reply = authority.reply(Question(b"\1x\0", rtype))
    assert (reply.rcode, reply.aa, reply.answer, reply.authority) == (rcode, False, (), ())


@pytest.mark.parametrize("rtype", [0, 127, 255, 256, 65535])
def test_types_next_to_them_are_answered(authority: Authority, rtype: int) -> None:
    assert authority.reply(Question(b"\1x\0", rtype)).rcode == Rcode.NOERROR


@pytest.mark.parametrize("cls", [0, Class.CH, Class.NONE, Class.ANY, 65535])
def test_classes_other_than_in_are_refused(authority: Authority, cls: int) -> None:
    assert authority.reply(Question(b"\1x\0", 1, cls)).rcode == Rcode.REFUSED


def test_zones_are_replaced_at_once_and_wholly(authority: Authority) -> None:
    authority.replace([holding("z.")])
    assert [zone.apex for zone in authority.zones] == [b"\1z\0"]
    assert authority.reply(zone_text.question("x.", "A")).rcode == Rcode.REFUSED
    assert authority.reply(zone_text.question("z.", "SOA")).rcode == Rcode.NOERROR


def test_a_replacement_that_cannot_be_served_leaves_things_as_they_were(authority: Authority) -> None:
    with pytest.raises(ZoneError, match=r"z\. is served twice"):
        authority.replace([holding("z."), holding("Z.")])
    assert authority.reply(zone_text.question("x.", "A")).rcode == Rcode.NOERROR


def asked(authority: Authority, name: str) -> Reply:
    return authority.peek(Query(zone_text.question(name, "A"), Client("192.0.2.1", 53, Transport.UDP), 1, 1.0))


def test_what_was_asked_before_may_be_stored_and_is_the_same(authority: Authority) -> None:
    first, other, second = (asked(authority, name) for name in ("x.", "y.x.", "x."))
    assert (first.storable, other.storable, second.storable) == (False, False, True)
    assert second == first._replace(storable=True, again_s=STORED)


def test_of_what_was_asked_once_a_bounded_number_is_remembered(authority: Authority) -> None:
    for number in range(2 * ASKED):
        assert not asked(authority, f"n{number}.x.").storable
        assert len(authority._asked) <= ASKED


def test_it_answers_queries_as_every_answerer_does(authority: Authority) -> None:
    question = zone_text.question("x.", "A")
    query = Query(question, Client("192.0.2.1", 53, Transport.UDP), 1, 1.0)
    said: list[object] = []
    authority.answer(query, said.append)
    assert said == [authority.reply(question)]
