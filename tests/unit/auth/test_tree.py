"""Where a name falls in a zone (resolver/auth/tree.py)."""

from __future__ import annotations

import pytest

from resolver.auth.tree import Node, closest_encloser, plant
from resolver.errors import ZoneError
from resolver.message import Class, RRset, Type
from resolver.wire import names
from tests.support import zone_text

SOA = "x. 60 IN SOA ns.x. root.x. 1 2 3 4 5"
X = names.from_text("x.")


def planted(*lines: str) -> dict[bytes, Node]:
    return plant(X, zone_text.rrsets((SOA, *lines)))


def at(nodes: dict[bytes, Node], name: str) -> Node:
    return nodes[names.from_text(name)]


@pytest.mark.rfc(4592, "2.2.2")
def test_names_above_data_exist_without_data() -> None:
    nodes = planted("a.b.c.x. 60 IN TXT t")
    assert [names.to_text(name) for name in nodes] == ["x.", "c.x.", "b.c.x.", "a.b.c.x."]
    assert at(nodes, "b.c.x.").rrsets == ()


@pytest.mark.rfc(4592, "3.3.1")
def test_the_closest_encloser_is_the_longest_name_that_exists() -> None:
    nodes = planted("a.b.c.x. 60 IN TXT t")
    for name, encloser in (("z.y.b.c.x.", "b.c.x."), ("b.c.x.", "b.c.x."), ("aa.x.", "x."), ("x.", "x.")):
        assert closest_encloser(nodes, names.from_text(name)).name == names.from_text(encloser)


def test_a_label_that_ends_like_a_name_is_not_below_it() -> None:
    nodes = planted("c.x. 60 IN NS ns.invalid.", r"a\001c.x. 60 IN TXT t")
    assert at(nodes, r"a\001c.x.").above is None


def test_a_zone_at_the_root_holds_every_name() -> None:
    nodes = plant(names.ROOT, zone_text.rrsets([". 60 IN SOA ns. root. 1 2 3 4 5", "a.b. 60 IN TXT t"]))
    assert closest_encloser(nodes, names.from_text("nothing.here.")).name == names.ROOT
    assert len(nodes) == 3


@pytest.mark.rfc(1034, "4.2.1")
def test_the_topmost_turn_counts() -> None:
    nodes = planted(
        "cut.x. 60 IN NS ns.cut.x.",
        "dname.cut.x. 60 IN DNAME y.",
        "a.dname.cut.x. 60 IN TXT t",
        "d.x. 60 IN DNAME y.",
        "cut.d.x. 60 IN NS ns.cut.d.x.",
        "ns.cut.d.x. 60 IN A 192.0.2.1",
    )
    assert at(nodes, "a.dname.cut.x.").above is at(nodes, "cut.x.")
    assert at(nodes, "ns.cut.d.x.").above is at(nodes, "d.x.")
    assert at(nodes, "ns.cut.d.x.").is_occluded
    assert not at(nodes, "a.dname.cut.x.").is_occluded


def test_what_is_authoritative_is_neither_a_cut_nor_below_one() -> None:
    nodes = planted("x. 60 IN NS ns.x.", "cut.x. 60 IN NS ns.cut.x.", "ns.cut.x. 60 IN A 192.0.2.1")
    assert at(nodes, "x.").is_authoritative
    assert not at(nodes, "x.").is_cut
    assert at(nodes, "cut.x.").is_cut
    assert not at(nodes, "cut.x.").is_authoritative
    assert not at(nodes, "ns.cut.x.").is_authoritative


@pytest.mark.rfc(6672, "2.4")
def test_beside_a_cut_a_dname_does_not_count() -> None:
    assert at(planted("c.x. 60 IN DNAME y.", "c.x. 60 IN NS ns.y."), "c.x.").is_cut


@pytest.mark.rfc(2181, "5.2")
def test_rrsets_of_one_name_and_type_become_one_with_the_lowest_ttl() -> None:
    parts = [
        RRset(names.from_text("A.x."), Type.A, Class.IN, 60, (b"\1\1\1\1",)),
        RRset(names.from_text("a.X."), Type.A, Class.IN, 30, (b"\2\2\2\2", b"\1\1\1\1")),
    ]
    (merged,) = plant(X, parts)[names.from_text("a.x.")].rrsets
    assert merged == RRset(names.from_text("A.x."), Type.A, Class.IN, 30, (b"\1\1\1\1", b"\2\2\2\2"))


@pytest.mark.parametrize(
    ("rrset", "complaint"),
    [
        (RRset(b"\1y\0", Type.A, Class.IN, 1, (b"\1\1\1\1",)), r"y\. is outside the zone x\."),
        (RRset(b"\3a\1x\0", Type.A, Class.IN, 1, (b"\1\1\1\1",)), "is outside the zone"),
        (RRset(b"\1a\1x\0", Type.A, Class.CH, 1, (b"\1\1\1\1",)), "class 3; use class IN"),
        (RRset(b"\1a\1x\0", Type.A, Class.IN, 1, ()), "without records"),
        (RRset(b"\1a\1x\0", Type.SOA, Class.IN, 1, (b"",)), "SOA record below the apex"),
        (RRset(b"\1a\1x\0", Type.CNAME, Class.IN, 1, (b"\0", b"\1y\0")), "2 CNAME records; keep one"),
        (RRset(b"\1a\1x\0", Type.DNAME, Class.IN, 1, (b"\0", b"\1y\0")), "2 DNAME records; keep one"),
    ],
)
def test_data_that_cannot_be_served_are_refused_in_a_line(rrset: RRset, complaint: str) -> None:
    with pytest.raises(ZoneError, match=complaint):
        plant(X, [rrset])


def test_two_soa_records_are_refused() -> None:
    with pytest.raises(ZoneError, match=r"x\. has 2 SOA records"):
        planted("x. 60 IN SOA ns.x. root.x. 2 2 3 4 5")
