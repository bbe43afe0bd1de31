from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.message import Session, Transport
from resolver.routing.seen import Seen
from tests.support.rules import NOON, queries, query, rule, rules


def why(matchers: dict, **asked) -> str | None:
    (made,) = rules({"action": "drop", **matchers})
    seen = Seen(query(**asked), lambda: NOON, certain=True)
    return made.misfit(seen) or made.misfit(seen, loose=True)


HTTPS = {"transport": Transport.HTTPS, "session": Session("Dns.test", "/a", (("x-team", "guests"),))}


@pytest.mark.parametrize(
    ("matchers", "asked", "said"),
    [
        ({"suffixes": ["test"]}, {}, "www.example.com. is not in test."),
        ({"names": ["a.test", "b.test"]}, {}, "www.example.com. is not a.test. or b.test."),
        ({"types": ["AAAA", "MX"]}, {}, "the type A is not MX or AAAA"),
        ({"clients": ["10.0.0.0/8"]}, {}, "the client 192.0.2.1 is not in 10.0.0.0/8"),
        ({"transports": ["tls"]}, {}, "it came over udp, not tls"),
        ({"server_names": ["a.test"]}, {}, "its connection has no server name"),
        ({"server_names": ["a.test"]}, HTTPS, "the server name Dns.test is not a.test"),
        ({"paths": ["/b", "/c/*"]}, HTTPS, "the path /a is not /b or /c/*"),
        ({"paths": ["/b"]}, {}, "it is no request over HTTPS"),
        ({"headers": {"X-Team": "staff"}}, HTTPS, "the header x-team is not staff"),
        ({"headers": {"X-Team": "staff"}}, {}, "it is no request over HTTPS"),
        ({"edns_options": ["ecs", 65001]}, {}, "it has no EDNS option 8 or 65001"),
        ({"tagged": ["x"]}, {}, "no rule before has tagged it x"),
        ({"times": ["mon 08:00-09:00", "sun"]}, {}, "it is not mon 08:00-09:00, sun UTC now"),
        ({"unless": {"types": ["A"]}}, {}, "it is excepted, since types is A"),
        ({"unless": {"clients": ["192.0.2.0/24"]}}, {}, "it is excepted, since clients is 192.0.2.0/24"),
        ({"names": list("abcdefg")}, {}, "www.example.com. is not one of 7: a., b., c., ..."),
        ({"chance": 0.1}, {}, None),
        ({"paths": ["/*"], "headers": {"x-TEAM": "g*"}}, HTTPS, None),
        ({"times": ["thu 11:59-12:01"]}, {}, None),
        ({"edns_options": [10]}, {"options": ((10, b"12345678"),)}, None),
    ],
)
def test_a_query_that_does_not_fit_is_told_why_in_short(matchers: dict, asked: dict, said: str | None):
    assert why(matchers, **asked) == said


def test_chance_fits_its_share_of_the_queries_and_each_query_always_the_same():
    (made,) = rules({"action": "drop", "chance": 0.3})

    def fits(number: int) -> bool:
        return made.misfit(Seen(query(id=number), lambda: NOON, 99), loose=True) is None

    found = [fits(number) for number in range(10_000)]
    assert 2_800 < sum(found) < 3_200
    assert found[:100] == [fits(number) for number in range(100)]


def test_two_rules_have_their_chances_apart():
    one, two = rules({"action": "drop", "chance": 0.5}, {"action": "drop", "chance": 0.5})
    seen = [Seen(query(id=number), lambda: NOON, 99) for number in range(4_000)]
    both = sum(one.misfit(each, loose=True) is None is two.misfit(each, loose=True) for each in seen)
    assert 850 < both < 1_150


@settings(max_examples=60)
@given(rule(1), rule(2), st.lists(queries, min_size=3, max_size=8))
def test_what_covers_and_what_is_apart_is_so_for_every_query(one, two, asked):
    for mine in one.matchers:
        for theirs in two.matchers:
            for each in asked:
                seen = Seen(each, lambda: NOON, 7)
                if mine.covers(theirs) and theirs.fits(seen):
                    assert mine.fits(seen), (str(mine), str(theirs))
                if mine.is_apart(theirs):
                    assert not (mine.fits(seen) and theirs.fits(seen)), (str(mine), str(theirs))
