"""Zones whose DNSSEC is made wrong while they are served: what changes, and what stays the same object."""

from __future__ import annotations

import pytest

from resolver.auth.broken import broken
from resolver.dnssec.chains import Parameters
from resolver.dnssec.faults import MANY_ITERATIONS, Fault
from resolver.message import Question, Type
from resolver.wire import names
from tests.support import signed_zones as signed
from tests.support import zone_text
from tests.support.internet import leaf
from tests.support.messages import name

NOW = 1_700_000_000.0
CHILD = signed.zone(*leaf("child.example.", "127.53.2.1", "www.child.example. 300 IN A 192.0.2.80"))
_DS = CHILD.signer.ds
PARENT = signed.zone(
    *leaf(
        "example.",
        "127.53.2.2",
        "child.example. 300 IN NS ns.child.example.",
        f"child.example. 300 IN DS {int.from_bytes(_DS[:2], 'big')} {_DS[2]} {_DS[3]} {_DS[4:].hex()}",
        "ns.child.example. 300 IN A 127.53.2.1",
    )
)
PLAIN = zone_text.zone(*leaf("plain.", "127.53.2.3"))
WORLD = {each.apex: each for each in (CHILD, PARENT, PLAIN)}
IN_PARENT = {Fault.DS_MISMATCH, Fault.UNKNOWN_DIGEST, Fault.UNKNOWN_ALGORITHM}
"""Faults that another DS belongs to."""


def only_child(apex: bytes) -> bool:
    return apex == CHILD.apex


def ds(zone):
    rrset = zone.rrset(CHILD.apex, Type.DS)
    assert rrset is not None
    return rrset


@pytest.mark.parametrize("fault", Fault)
def test_the_zone_has_the_fault_and_its_parent_the_ds_that_goes_with_it(fault):
    parent, child, plain = broken((PARENT, CHILD, PLAIN), WORLD, fault, only_child)
    assert plain is PLAIN
    assert (child is CHILD) == (fault in (Fault.DS_MISMATCH, Fault.UNKNOWN_DIGEST))
    if child is not CHILD:
        assert child.signer.fault == fault
        assert child.signer.keys == CHILD.signer.keys
        assert child.rrset(CHILD.apex, Type.DNSKEY).rdatas == child.signer.dnskeys
    if fault in IN_PARENT:
        assert ds(parent).rdatas != ds(PARENT).rdatas
        assert parent.signer.fault is None
        question = Question(CHILD.apex, Type.DS)
        told = parent.answer(question, True, NOW).answer
        assert told[0].rdatas == ds(parent).rdatas
        assert told[1].rdatas != PARENT.answer(question, True, NOW).answer[1].rdatas, "it is signed anew"
    else:
        assert parent is PARENT


def test_where_nothing_is_concerned_the_zones_are_the_same():
    zones = (PARENT, CHILD, PLAIN)
    assert broken(zones, WORLD, Fault.EXPIRED, lambda apex: apex == PLAIN.apex) is zones
    assert broken((PLAIN,), WORLD, Fault.EXPIRED, lambda _: True) == (PLAIN,)
    without = {apex: zone for apex, zone in WORLD.items() if zone is not CHILD}
    assert broken((PARENT,), without, Fault.DS_MISMATCH, only_child) == (PARENT,), "that child is served elsewhere"


def test_iterations_take_nsec3_and_keep_the_rest_of_its_parameters():
    for parameters in (None, Parameters(0, b"\x12", True)):
        zone = signed.zone(*leaf("child.example.", "127.53.2.1"), nsec3=parameters)
        (made,) = broken((zone,), {zone.apex: zone}, Fault.ITERATIONS, only_child)
        assert made.parameters == (parameters or Parameters())._replace(iterations=MANY_ITERATIONS)
        denied = made.answer(Question(name("gone.child.example."), Type.A), True, NOW)
        assert any(rrset.type == Type.NSEC3 for rrset in denied.authority)


def test_a_zone_that_is_broken_already_has_the_new_fault_and_is_whole_again_after_it():
    zone = signed.zone(*leaf("child.example.", "127.53.2.1"), fault=Fault.REVOKED)
    (made,) = broken((zone,), {zone.apex: zone}, Fault.EXPIRED, only_child)
    assert (zone.signer.fault, made.signer.fault) == (Fault.REVOKED, Fault.EXPIRED)
    assert made.signer.dnskeys != zone.signer.dnskeys
    assert names.to_text(made.apex) == "child.example."
