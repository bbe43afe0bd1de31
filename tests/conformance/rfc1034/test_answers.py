"""The example of RFC 1034 section 6: a root zone of 1987 and what it answers."""

from __future__ import annotations

import pytest

from resolver.auth.zone import Zone
from resolver.message import Rcode
from tests.support import zone_text

ROOT = """
. 86400 IN SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400
. 86400 IN NS A.ISI.EDU.
. 86400 IN NS C.ISI.EDU.
. 86400 IN NS SRI-NIC.ARPA.
MIL. 86400 IN NS SRI-NIC.ARPA.
MIL. 86400 IN NS A.ISI.EDU.
EDU. 86400 IN NS SRI-NIC.ARPA.
EDU. 86400 IN NS C.ISI.EDU.
SRI-NIC.ARPA. 86400 IN A 26.0.0.73
SRI-NIC.ARPA. 86400 IN A 10.0.0.51
SRI-NIC.ARPA. 86400 IN MX 0 SRI-NIC.ARPA.
SRI-NIC.ARPA. 86400 IN HINFO DEC-2060 TOPS20
ACC.ARPA. 86400 IN A 26.6.0.65
ACC.ARPA. 86400 IN HINFO PDP-11/70 UNIX
ACC.ARPA. 86400 IN MX 10 ACC.ARPA.
USC-ISIC.ARPA. 86400 IN CNAME C.ISI.EDU.
73.0.0.26.IN-ADDR.ARPA. 86400 IN PTR SRI-NIC.ARPA.
A.ISI.EDU. 86400 IN A 26.3.0.103
C.ISI.EDU. 86400 IN A 10.0.0.52
"""
SOA = ". 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400"
A_OF_SRI_NIC = ["SRI-NIC.ARPA. 86400 A 10.0.0.51", "SRI-NIC.ARPA. 86400 A 26.0.0.73"]


@pytest.fixture(scope="module")
def root() -> Zone:
    return zone_text.zone(".", ROOT)


@pytest.mark.rfc(1034, "6.2.1")
def test_an_address_is_answered_with_authority(root: Zone) -> None:
    reply = root.answer(zone_text.question("SRI-NIC.ARPA.", "A"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == A_OF_SRI_NIC


@pytest.mark.rfc(1034, "6.2.3")
def test_a_mail_exchange_comes_with_its_addresses(root: Zone) -> None:
    reply = root.answer(zone_text.question("SRI-NIC.ARPA.", "MX"))
    assert zone_text.lines(reply.answer) == ["SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA."]
    assert set(A_OF_SRI_NIC) <= set(zone_text.lines(reply.additional))


@pytest.mark.rfc(1034, "6.2.4")
@pytest.mark.rfc(2308, "2.2")
def test_a_name_without_that_type_is_no_error_and_no_data(root: Zone) -> None:
    reply = root.answer(zone_text.question("SRI-NIC.ARPA.", "NS"))
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, True, ())
    assert zone_text.lines(reply.authority) == [SOA]


@pytest.mark.rfc(1034, "6.2.5")
def test_a_misspelled_name_is_a_name_error(root: Zone) -> None:
    reply = root.answer(zone_text.question("SIR-NIC.ARPA.", "A"))
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NXDOMAIN, True, ())
    assert zone_text.lines(reply.authority) == [SOA]


@pytest.mark.rfc(1034, "6.2.6")
def test_a_name_below_a_cut_is_a_referral_without_authority(root: Zone) -> None:
    reply = root.answer(zone_text.question("BRL.MIL.", "A"))
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, False, ())
    assert zone_text.lines(reply.authority) == ["MIL. 86400 NS A.ISI.EDU.", "MIL. 86400 NS SRI-NIC.ARPA."]
    assert zone_text.lines(reply.additional) == ["A.ISI.EDU. 86400 A 26.3.0.103", *A_OF_SRI_NIC]


@pytest.mark.rfc(1034, "6.2.7")
@pytest.mark.rfc(1035, "4.1.1")
def test_an_alias_that_leads_below_a_cut_ends_in_a_referral_and_keeps_aa(root: Zone) -> None:
    reply = root.answer(zone_text.question("USC-ISIC.ARPA.", "A"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == ["USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU."]
    assert zone_text.lines(reply.authority) == ["EDU. 86400 NS C.ISI.EDU.", "EDU. 86400 NS SRI-NIC.ARPA."]
    assert zone_text.lines(reply.additional) == ["C.ISI.EDU. 86400 A 10.0.0.52", *A_OF_SRI_NIC]


@pytest.mark.rfc(1034, "6.2.8")
def test_an_alias_that_is_asked_for_itself_is_not_followed(root: Zone) -> None:
    reply = root.answer(zone_text.question("USC-ISIC.ARPA.", "CNAME"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == ["USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU."]


@pytest.mark.rfc(4343, "4.1")
def test_names_are_compared_without_regard_to_case_and_answered_as_the_zone_spells_them(root: Zone) -> None:
    reply = root.answer(zone_text.question("acc.ARPA.", "A"))
    assert zone_text.lines(reply.answer) == ["ACC.ARPA. 86400 A 26.6.0.65"]
