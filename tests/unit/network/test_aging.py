"""What caches of HTTP have taken from the TTLs of a message."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.network.aging import aged

TTLS = st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=5)


def reply(ttls):
    made = dns.message.make_response(dns.message.make_query("www.example.", "A", use_edns=0))
    for number, ttl in enumerate(ttls):
        section = (made.answer, made.authority, made.additional)[number % 3]
        section.append(dns.rrset.from_text(f"n{number}.example.", ttl, "IN", "A", "192.0.2.1"))
    return made


@pytest.mark.rfc(8484, "5.1")
@given(ttls=TTLS, age=st.integers(0, 2**31))
def test_each_ttl_is_reduced_by_the_age_and_nothing_else_is_changed(ttls, age):
    made = reply(ttls)
    after = dns.message.from_wire(aged(made.to_wire(), age))
    for section in (made.answer, made.authority, made.additional):
        for rrset in section:
            rrset.ttl = max(0, rrset.ttl - age)
    assert after.to_text() == made.to_text()
    assert [each.ttl for each in after.answer] == [each.ttl for each in made.answer]


def test_what_no_cache_may_keep_stays_as_it_is():
    for wire in (b"", b"no message", reply([]).to_wire(), reply([0, 300]).to_wire()):
        assert aged(wire, 100) == wire
