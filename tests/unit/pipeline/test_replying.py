from __future__ import annotations

import pytest

from resolver.engine.outcome import Answer
from resolver.message import Rcode, Reply
from resolver.pipeline.replying import reply_of
from tests.support.messages import rrset, sets, soa


@pytest.mark.rfc(2308, "3")
def test_a_denial_is_told_with_its_soa_in_the_authority_section():
    denial = rrset(soa("example.com."))
    assert reply_of(Answer(Rcode.NXDOMAIN, (), denial)) == Reply(3, (), (denial,), ra=True, storable=True)


def test_data_is_told_in_the_answer_section_and_kept_when_it_may_be():
    data = sets("www.example.com. 9 IN A 192.0.2.1")
    assert reply_of(Answer(0, data)) == Reply(0, data, (), ra=True, storable=True)
    assert not reply_of(Answer(3, (), None, keeps=False)).storable
