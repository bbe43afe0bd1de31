from __future__ import annotations

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.cache.records import MAX_TYPES, NAME_ERROR, Credibility, Known, Records, TtlLimits
from resolver.message import RRset, Type
from tests.support.clocks import ManualClock
from tests.support.messages import name, rrset, soa

WWW = name("www.example.com.")
ANSWER, AUTHORITATIVE = Credibility.ANSWER, Credibility.AUTHORITATIVE_ANSWER


def made(**limits: int) -> tuple[Records, ManualClock]:
    clock = ManualClock()
    return Records(1 << 20, clock, TtlLimits(**limits)), clock


def ttl_of(known: Known | None) -> int | None:
    found = None if known is None else known.rrset or known.soa
    return None if found is None else found.ttl


def test_an_rrset_is_known_under_its_name_in_any_spelling_with_the_time_that_is_left():
    records, clock = made()
    learnt = rrset("WWW.example.com. 300 IN A 192.0.2.1")
    assert records.learn(learnt, AUTHORITATIVE) == learnt
    clock.advance(100)
    assert records.recall(WWW, Type.A) == Known(learnt._replace(ttl=200), None, False)
    assert records.recall(name("wWw.ExAmPlE.com."), Type.A) is not None
    assert records.recall(WWW, Type.AAAA) is None
    assert records.recall(name("example.com."), Type.A) is None


def test_an_rrset_is_forgotten_when_its_ttl_is_over_also_in_suspend():
    records, clock = made()
    records.learn(rrset("www.example.com. 300 IN A 192.0.2.1"), AUTHORITATIVE)
    clock.advance(150)
    clock.suspend(149)
    assert ttl_of(records.recall(WWW, Type.A)) == 1
    clock.suspend(1)
    assert records.recall(WWW, Type.A) is None


@pytest.mark.rfc(1035, "3.2.1")
def test_a_ttl_of_zero_is_not_held():
    records, _ = made()
    assert records.learn(rrset("www.example.com. 0 IN A 192.0.2.1"), AUTHORITATIVE).ttl == 0
    assert records.recall(WWW, Type.A) is None
    assert len(records) == 0


@pytest.mark.rfc(2181, "5.4.1")
def test_data_of_lower_credibility_does_not_replace_better_data_that_is_still_good():
    records, clock = made()
    good, worse = (rrset(f"www.example.com. 300 IN A 192.0.2.{last}") for last in (1, 2))
    records.learn(good, AUTHORITATIVE)
    for credibility in (Credibility.ADDITIONAL, Credibility.REFERRAL, ANSWER, Credibility.AUTHORITY):
        records.learn(worse, credibility)
        known = records.recall(WWW, Type.A)
        assert known is not None
        assert known.rrset == good
    clock.advance(300)
    records.learn(worse, Credibility.ADDITIONAL)
    assert records.recall(WWW, Type.A) == Known(worse, None, False)


@pytest.mark.rfc(2181, "5.4.1")
def test_data_of_the_same_or_higher_credibility_replaces():
    records, _ = made()
    for last, credibility in enumerate((Credibility.ADDITIONAL, ANSWER, ANSWER, AUTHORITATIVE, AUTHORITATIVE)):
        new = rrset(f"www.example.com. 300 IN A 192.0.2.{last}")
        records.learn(new, credibility)
        assert records.recall(WWW, Type.A) == Known(new, None, False)


@pytest.mark.rfc(2181, "5.4.1")
def test_credibility_also_decides_between_data_and_denial():
    records, _ = made()
    good = rrset("www.example.com. 300 IN A 192.0.2.1")
    denial = rrset(soa("example.com."))
    records.learn(good, AUTHORITATIVE)
    records.learn_denial(WWW, Type.A, denial, ANSWER)
    assert records.recall(WWW, Type.A) == Known(good, None, False)
    records.learn_denial(WWW, Type.A, denial, AUTHORITATIVE)
    assert records.recall(WWW, Type.A) == Known(None, denial._replace(ttl=300), False)
    records.learn(good, ANSWER)
    assert records.recall(WWW, Type.A) == Known(None, denial._replace(ttl=300), False)


@pytest.mark.rfc(2308, "5")
@pytest.mark.parametrize(("ttl", "minimum", "held"), [(900, 300, 300), (100, 300, 100), (50_000, 50_000, 3600)])
def test_a_denial_is_held_for_the_lower_of_the_ttl_and_the_minimum_of_the_soa_up_to_a_ceiling(ttl, minimum, held):
    records, clock = made()
    denial = rrset(soa("example.com.", ttl, minimum))
    assert records.learn_denial(WWW, Type.A, denial, AUTHORITATIVE).ttl == held
    assert records.recall(WWW, Type.A) == Known(None, denial._replace(ttl=held), False)
    clock.advance(held - 1)
    assert ttl_of(records.recall(WWW, Type.A)) == 1
    clock.advance(1)
    assert records.recall(WWW, Type.A) is None


@pytest.mark.rfc(2308, "5")
def test_nodata_is_for_its_type_and_a_name_error_for_all_types():
    records, _ = made()
    denial = rrset(soa("example.com."))
    records.learn_denial(WWW, Type.AAAA, denial, AUTHORITATIVE)
    assert records.recall(WWW, Type.A) is None
    gone = name("gone.example.com.")
    records.learn_denial(gone, NAME_ERROR, denial, AUTHORITATIVE)
    for rtype in (Type.A, Type.AAAA, Type.CNAME, Type.ANY, 65_280):
        assert records.recall(gone, rtype) == Known(None, denial._replace(ttl=300), True)


def test_a_new_rrset_ends_the_name_error_of_its_name():
    records, _ = made()
    records.learn_denial(WWW, NAME_ERROR, rrset(soa("example.com.")), ANSWER)
    records.learn(rrset("www.example.com. 300 IN A 192.0.2.1"), AUTHORITATIVE)
    assert records.recall(WWW, Type.AAAA) is None
    assert ttl_of(records.recall(WWW, Type.A)) == 300


def test_a_weaker_rrset_does_not_end_a_better_name_error():
    records, _ = made()
    records.learn_denial(WWW, NAME_ERROR, rrset(soa("example.com.")), AUTHORITATIVE)
    records.learn(rrset("www.example.com. 300 IN A 192.0.2.1"), ANSWER)
    assert records.recall(WWW, Type.AAAA) is not None


@pytest.mark.rfc(1034, "3.6.2")
def test_an_alias_answers_for_every_type():
    records, _ = made()
    alias = rrset("www.example.com. 300 IN CNAME web.example.com.")
    records.learn(alias, AUTHORITATIVE)
    for rtype in (Type.A, Type.MX, Type.CNAME, Type.ANY):
        assert records.recall(WWW, rtype) == Known(alias, None, False)


def test_the_denial_of_an_alias_says_nothing_of_other_types_but_answers_for_itself():
    records, _ = made()
    records.learn_denial(WWW, Type.CNAME, rrset(soa("example.com.")), AUTHORITATIVE)
    assert records.recall(WWW, Type.A) is None
    known = records.recall(WWW, Type.CNAME)
    assert known is not None
    assert (known.rrset, known.nxdomain) == (None, False)


def test_ttls_are_kept_between_floor_and_ceiling_and_answered_as_they_are_kept():
    records, _ = made(minimum=60, maximum=600)
    for told, held in ((0, 60), (59, 60), (60, 60), (600, 600), (601, 600), (86_400, 600)):
        assert records.learn(rrset(f"www.example.com. {told} IN A 192.0.2.1"), AUTHORITATIVE).ttl == held
        assert ttl_of(records.recall(WWW, Type.A)) == held


def test_the_bounds_of_positive_answers_do_not_touch_denials():
    records, _ = made(minimum=400, maximum=500, negative_maximum=200)
    for told, held in ((5, 5), (300, 200)):
        assert records.learn_denial(WWW, Type.A, rrset(soa("example.com.", told)), AUTHORITATIVE).ttl == held


def test_what_is_left_of_an_rrset_is_told_for_those_who_hold_a_copy():
    records, clock = made()
    copy = records.learn(rrset("www.example.com. 300 IN A 192.0.2.1"), AUTHORITATIVE)
    clock.advance(2.5)
    assert records.left(copy) == 298
    assert records.left(copy._replace(ttl=10)) == 10
    clock.advance(400)
    assert records.left(copy) == 0
    assert records.left(rrset("other.example.com. 300 IN A 192.0.2.1")) == 0


def test_a_name_is_flushed_alone_or_with_all_below_it():
    records, _ = made()
    held = ("example.com.", "www.example.com.", "a.www.example.com.", "wwwexample.com.", "example.net.")
    for each in held:
        records.learn(rrset(f"{each} 300 IN A 192.0.2.1"), AUTHORITATIVE)
    records.learn(rrset("www.example.com. 300 IN MX 10 mail.example.com."), AUTHORITATIVE)
    # One label that ends like the name: a suffix test alone would take it for a name below.
    records.learn(RRset(b"\x0exx\x07example\x03com\x00", Type.A, 1, 300, (bytes(4),)), AUTHORITATIVE)
    assert records.flush(name("WWW.example.com."), subtree=False) == 2
    assert records.recall(name("a.www.example.com."), Type.A) is not None
    assert records.flush(name("example.com."), subtree=True) == 2
    assert records.flush(name("example.com."), subtree=True) == 0
    assert len(records) == 3
    assert records.flush(name("."), subtree=True) == 3


def test_a_denial_is_flushed_with_its_name():
    records, _ = made()
    records.learn_denial(WWW, NAME_ERROR, rrset(soa("example.com.")), AUTHORITATIVE)
    assert records.flush(WWW, subtree=False) == 1
    assert records.recall(WWW, Type.A) is None


def test_a_flood_of_names_stays_within_the_limit():
    clock = ManualClock()
    records = Records(100_000, clock)
    for number in range(3000):
        records.learn(rrset(f"n{number}.example.com. 300 IN A 192.0.2.1"), AUTHORITATIVE)
        assert records.store.bytes_held() <= 100_000
    assert 200 < len(records) < 600
    assert records.recall(name("n2999.example.com."), Type.A) is not None
    assert records.recall(name("n0.example.com."), Type.A) is None


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.integers(1, 200),
    st.lists(
        st.tuples(st.floats(0, 40), st.sampled_from(["learn", "weaker", "denial", "recall", "suspend"])), max_size=40
    ),
)
def test_ttls_count_down_and_never_rise_unless_something_new_is_learnt(ttl, steps):
    records, clock = made()
    offered = rrset(f"www.example.com. {ttl} IN A 192.0.2.1")
    records.learn(offered, AUTHORITATIVE)
    until, last = int(clock.boottime()) + ttl, ttl
    for seconds, act in steps:
        clock.suspend(seconds) if act == "suspend" else clock.advance(seconds)
        if act == "learn":
            records.learn(offered, AUTHORITATIVE)
            until, last = int(clock.boottime()) + ttl, ttl
        elif act == "weaker":
            if clock.boottime() < until:
                records.learn(offered._replace(ttl=9999), ANSWER)
        elif act == "denial" and clock.boottime() < until:
            records.learn_denial(WWW, Type.A, rrset(soa("example.com.")), ANSWER)
        left = ttl_of(records.recall(WWW, Type.A))
        assert left == (until - int(clock.boottime()) if clock.boottime() < until else None)
        if left is not None:
            assert 0 < left <= last
            last = left


@pytest.mark.rfc(6895, "3.1")
@pytest.mark.parametrize("rtype", [0, 128, Type.AXFR, Type.ANY])
def test_what_has_a_type_that_no_record_has_is_not_held(rtype):
    records, _ = made()
    odd = rrset("www.example.com. 300 IN A 192.0.2.1")._replace(type=rtype)
    assert records.learn(odd, Credibility.AUTHORITATIVE_ANSWER) == odd
    assert len(records) == 0


def kept_for(records: Records, offered: RRset) -> int:
    learnt = records.learn(offered, AUTHORITATIVE)
    assert ttl_of(records.recall(offered.name, offered.type)) == learnt.ttl
    return learnt.ttl


def test_what_is_too_large_is_answered_and_held_for_a_second():
    records, clock = made(max_records=3, max_bytes=40)
    many = rrset("www.example.com. 300 IN A 192.0.2.1")
    for count, ttl in ((3, 300), (4, 1)):
        assert kept_for(records, many._replace(rdatas=tuple(bytes((each,)) * 4 for each in range(count)))) == ttl
    for size, ttl in ((40, 300), (41, 1)):
        assert kept_for(records, many._replace(type=Type.TXT, rdatas=(bytes(size),))) == ttl
    clock.advance(1)
    assert records.recall(WWW, Type.TXT) is None
    assert made()[0].ttls == TtlLimits(0, 86_400, 3_600, 100, 8_192)


@pytest.mark.rfc(8767, "4")
def test_what_has_expired_is_recalled_as_stale_up_to_an_age_and_with_a_ttl_of_0():
    records, clock = made()
    learnt = rrset("www.example.com. 300 IN A 192.0.2.1")
    records.learn(learnt, AUTHORITATIVE)
    assert records.recall_stale(WWW, Type.A, 100) == Known(learnt, None, False)
    clock.suspend(300 + 99)
    assert records.recall(WWW, Type.A) is None
    assert records.recall_stale(WWW, Type.A, 100) == Known(learnt._replace(ttl=0), None, False)
    assert records.recall_stale(WWW, Type.MX, 100) is None
    clock.suspend(1)
    assert records.recall_stale(WWW, Type.A, 100) is None


def test_what_is_fresh_is_never_hidden_by_what_is_stale():
    records, clock = made()
    records.learn(rrset("www.example.com. 100 IN A 192.0.2.1"), AUTHORITATIVE)
    clock.advance(200)
    denial = rrset(soa("example.com."))
    records.learn_denial(WWW, NAME_ERROR, denial, ANSWER)
    assert records.recall_stale(WWW, Type.A, 9999) == Known(None, denial._replace(ttl=300), True)


def test_of_what_is_stale_the_latest_learnt_counts():
    records, clock = made()
    records.learn(rrset("www.example.com. 3600 IN A 192.0.2.1"), AUTHORITATIVE)
    clock.advance(10)
    denial = rrset(soa("example.com."))
    records.learn_denial(WWW, NAME_ERROR, denial, AUTHORITATIVE)
    clock.advance(4000)
    assert records.recall_stale(WWW, Type.A, 9999) == Known(None, denial._replace(ttl=0), True)
    records.learn(rrset("www.example.com. 5 IN A 192.0.2.2"), ANSWER)  # what is stale protects nothing
    clock.advance(10)
    known = records.recall_stale(WWW, Type.A, 9999)
    assert known is not None
    assert known.rrset is not None


def test_an_answer_with_a_ttl_of_0_ends_what_is_stale():
    records, clock = made()
    learnt = rrset("www.example.com. 300 IN A 192.0.2.1")
    records.learn(learnt, AUTHORITATIVE)
    records.learn(learnt._replace(ttl=0), AUTHORITATIVE)
    assert ttl_of(records.recall(WWW, Type.A)) == 300
    clock.advance(301)
    records.learn(learnt._replace(ttl=0), ANSWER)
    assert records.recall_stale(WWW, Type.A, 9999) is None


def test_a_stale_dname_is_found_only_by_those_who_ask_for_it():
    records, clock = made()
    dname = rrset("example.com. 100 IN DNAME example.net.")
    records.learn(dname, AUTHORITATIVE)
    clock.advance(150)
    assert records.dname_above(WWW) is None
    assert records.dname_above(WWW, stale_for=51) == dname._replace(ttl=0)
    assert records.dname_above(WWW, stale_for=50) is None


@pytest.mark.parametrize(
    ("ttl", "passed", "seconds"), [(300, 0, 270), (300, 269, 1), (300, 270, 0), (300, 299, 0), (10, 8, 1), (9, 8, None)]
)
def test_an_entry_is_to_be_renewed_in_the_last_tenth_of_a_ttl_of_10_s_or_more(ttl, passed, seconds):
    records, clock = made()
    records.learn(rrset(f"www.example.com. {ttl} IN A 192.0.2.1"), AUTHORITATIVE)
    records.learn_denial(name("none.example.com."), NAME_ERROR, rrset(soa("example.com.", ttl)), AUTHORITATIVE)
    clock.advance(passed)
    assert records.renewable_in(WWW, Type.A) == seconds
    assert records.renewable_in(name("none.example.com."), Type.A) == seconds
    assert records.renewable_in(WWW, Type.AAAA) is None
    clock.advance(ttl)
    assert records.renewable_in(WWW, Type.A) is None


@pytest.mark.rfc(8482, "4.1")
def test_for_any_one_rrset_is_recalled_that_of_the_lowest_type():
    records, _ = made()
    for text in ("MX 10 mx.test.", "AAAA 2001:db8::1", "TXT text"):
        records.learn(rrset(f"www.example.com. 300 IN {text}"), AUTHORITATIVE)
    records.learn_denial(WWW, Type.A, rrset(soa("example.com.")), AUTHORITATIVE)
    known = records.recall(WWW, Type.ANY)
    assert known is not None
    assert known.rrset is not None
    assert known.rrset.type == Type.MX
    assert records.recall_stale(name("other.example.com."), Type.ANY, 99) is None


def test_what_is_listed_has_not_expired():
    records, clock = made()
    records.learn(rrset("www.example.com. 50 IN A 192.0.2.1"), AUTHORITATIVE)
    records.learn(rrset("WWW.example.com. 300 IN AAAA 2001:db8::1"), AUTHORITATIVE)
    records.learn_denial(WWW, NAME_ERROR, rrset(soa("example.com.")), AUTHORITATIVE)
    clock.advance(100)
    assert list(records.listed()) == [(WWW, Type.AAAA, 200, 1), (WWW, NAME_ERROR, 200, 0)]


def test_what_is_known_of_a_name_is_one_entry_and_each_type_of_it_ends_for_itself():
    records, clock = made()
    short, long = rrset("www.example.com. 50 IN A 192.0.2.1"), rrset("www.example.com. 300 IN AAAA 2001:db8::1")
    for each in (short, long):
        records.learn(each, AUTHORITATIVE)
    records.learn_denial(WWW, Type.HTTPS, rrset(soa("example.com.")), AUTHORITATIVE)
    assert len(records) == 1
    clock.advance(50)
    assert records.recall(WWW, Type.A) is None
    assert ttl_of(records.recall(WWW, Type.AAAA)) == 250
    assert records.recall(WWW, Type.HTTPS) == Known(None, rrset(soa("example.com."))._replace(ttl=250), False)
    records.learn(short, ANSWER)
    assert ttl_of(records.recall(WWW, Type.A)) == 50
    assert (records.left(long), records.left(short)) == (250, 50)


def test_of_a_name_that_is_asked_for_every_type_the_data_stays_and_the_oldest_denial_goes():
    records, _ = made()
    records.learn(rrset("www.example.com. 300 IN A 192.0.2.1"), AUTHORITATIVE)
    for rtype in range(1000, 1000 + MAX_TYPES + 2):
        records.learn_denial(WWW, rtype, rrset(soa("example.com.")), AUTHORITATIVE)
    assert sum(1 for _ in records.listed()) == MAX_TYPES
    assert records.recall(WWW, Type.A) is not None
    assert [records.recall(WWW, rtype) is None for rtype in (1000, 1001, 1002, 1003)] == [True, True, True, False]
    records.learn_denial(WWW, 1003, rrset(soa("example.com.")), AUTHORITATIVE)  # again, and so it makes room for none
    assert records.recall(WWW, 1004) is not None


def test_of_more_types_than_are_held_what_was_learnt_first_goes_first():
    records, _ = made()
    one = rrset("www.example.com. 300 IN A 192.0.2.1")
    for rtype in range(1000, 1000 + MAX_TYPES + 3):
        records.learn(one._replace(type=rtype), AUTHORITATIVE)
    assert records.recall(WWW, 1002) is None
    assert records.recall(WWW, 1003) is not None


def test_an_rrset_without_records_is_not_held():
    records, _ = made()
    records.learn(rrset("www.example.com. 300 IN A 192.0.2.1")._replace(rdatas=()), AUTHORITATIVE)
    assert len(records) == 0


def test_the_collector_of_garbage_has_nothing_to_walk_in_what_is_held():
    clock = ManualClock()
    records = Records(100_000, clock)
    for number in range(600):
        records.learn(rrset(f"n{number}.example.com. 300 IN A 192.0.2.1"), AUTHORITATIVE)
    generations = [each for shard in records.store._shards for each in shard]
    assert sum(map(len, generations)) > 200
    assert records.store.evicted
    assert not any(map(gc.is_tracked, generations))
