"""The real root zone, answered as a root server does."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.auth.authority import Authority
from resolver.auth.zone import Zone
from resolver.message import Rcode, Type
from resolver.wire import names
from tests.support import zone_text

ROOT_ZONE = Path(__file__).parents[2] / "data" / "root-zone-2020.txt"
EVERY_RECORD = 17_187
DELEGATIONS = 1_508


@pytest.fixture(scope="module")
def root() -> Zone:
    return zone_text.zone(".", ROOT_ZONE.read_text())


def test_it_is_loaded_whole(root: Zone) -> None:
    assert len(root) == EVERY_RECORD
    assert sum(len(rrset.rdatas) for rrset in root) == EVERY_RECORD


@pytest.mark.rfc(1034, "4.2.1")
def test_the_name_servers_of_a_tld_come_as_a_referral_with_glue(root: Zone) -> None:
    reply = Authority([root]).reply(zone_text.question("kr.", "NS"))
    assert (reply.rcode, reply.aa, reply.ra, reply.answer) == (Rcode.NOERROR, False, False, ())
    (ns,) = reply.authority
    assert (ns.name, ns.type) == (names.from_text("kr."), Type.NS)
    glued = {rrset.name for rrset in reply.additional}
    assert glued == set(ns.rdatas)


def test_a_name_far_below_is_referred_to_its_tld(root: Zone) -> None:
    reply = root.answer(zone_text.question("www.google.com.", "A"))
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, False, ())
    (ns,) = reply.authority
    assert ns.name == names.from_text("com.")
    assert len(ns.rdatas) == 13
    assert len(reply.additional) == 26


@pytest.mark.rfc(2308, "3")
def test_a_tld_that_does_not_exist_is_denied_with_the_soa(root: Zone) -> None:
    reply = root.answer(zone_text.question("www.no-such-tld.", "A"))
    assert (reply.rcode, reply.aa, reply.answer, reply.additional) == (Rcode.NXDOMAIN, True, (), ())
    assert [(rrset.name, rrset.type, rrset.ttl) for rrset in reply.authority] == [(names.ROOT, Type.SOA, 86400)]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_the_ds_of_a_tld_is_answered_with_authority(root: Zone) -> None:
    reply = root.answer(zone_text.question("com.", "DS"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert [(rrset.name, rrset.type) for rrset in reply.answer] == [(names.from_text("com."), Type.DS)]


@pytest.mark.rfc(9609, "4")
def test_priming_is_answered_with_the_addresses_which_are_glue_here(root: Zone) -> None:
    reply = root.answer(zone_text.question(".", "NS"))
    assert (reply.rcode, reply.aa, reply.authority) == (Rcode.NOERROR, True, ())
    assert len(reply.answer[0].rdatas) == 13
    assert {rrset.name for rrset in reply.additional} == set(reply.answer[0].rdatas)
    assert len(reply.additional) == 26


@pytest.mark.rfc(9471, "2.2")
def test_every_delegation_leads_to_every_address_that_the_root_has(root: Zone) -> None:
    cuts = [rrset for rrset in root if rrset.type == Type.NS and rrset.name != names.ROOT]
    assert len(cuts) == DELEGATIONS
    for cut in cuts:
        reply = root.answer(zone_text.question(f"a.b.{names.to_text(cut.name)}", "MX"))
        known = [
            rrset
            for target in cut.rdatas
            for rtype in (Type.A, Type.AAAA)
            if (rrset := root.rrset(target, rtype)) is not None
        ]
        assert reply.authority == (cut,)
        assert set(reply.additional) == set(known)
        assert len(reply.additional) == len(known)
