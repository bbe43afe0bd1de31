from __future__ import annotations

import pytest

from resolver.errors import InputError
from resolver.message import Rcode, Transport
from resolver.observe.wanted import WORDS, Wanted, matcher, wanted
from tests.support.histories import BEGAN, Kept


@pytest.fixture(scope="module")
def kept() -> Kept:
    made = Kept()
    made.answered("www.shop.example", server="a.gtld.test.", address="127.53.1.1", client="127.54.0.1")  # 1
    made.answered(
        "WWW.Shop.Example",
        "AAAA",
        server="ns1.shop.example.",
        address="127.53.2.1",
        transport=Transport.TCP,
        rcode=Rcode.NXDOMAIN,
    )  # 2
    made.asked("example", "NS", server="ns2.shop.example.", address="fd53::2").faults = ("silent", "loss 0.5")  # 3
    made.answered("www.shop.example", client="192.0.2.77", transport=Transport.TLS, rcode=Rcode.SERVFAIL)  # 4
    made.answered("notshop.example", "TYPE65280", client="2001:db8::7", rcode=Rcode.REFUSED)  # 5
    made.history.asked(made.now, "client", "", "", "?", Transport.UDP, b"rubbish")  # 6
    return made


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"side": "server"}, [1, 2, 3]),
        ({"side": "client"}, [4, 5, 6]),
        ({"server": "a.gtld.test."}, [1]),
        ({"server": "A.GTLD.test"}, [1]),
        ({"server": "*.shop.example."}, [2, 3]),
        ({"server": "*.ns1.shop.example."}, []),
        ({"server": "127.53.2.1"}, [2]),
        ({"server": "FD53:0::2"}, [3]),
        ({"name": "www.shop.example."}, [1, 2, 4]),
        ({"name": "*.shop.example"}, [1, 2, 4]),
        ({"name": "*.example"}, [1, 2, 4, 5]),
        ({"name": "*."}, [1, 2, 3, 4, 5]),
        ({"zone": "shop.example"}, [1, 2, 4]),
        ({"zone": "example"}, [1, 2, 3, 4, 5]),
        ({"type": "aaaa"}, [2]),
        ({"type": 28}, [2]),
        ({"type": "28"}, [2]),
        ({"type": "TYPE65280"}, [5]),
        ({"rcode": "nxdomain"}, [2]),
        ({"rcode": 2}, [4]),
        ({"rcode": "5"}, [5]),
        ({"rcode": "none"}, [3, 6]),
        ({"rcode": "RCODE11"}, []),
        ({"transport": "tcp"}, [2]),
        ({"client": "192.0.2.0/24"}, [4]),
        ({"client": "192.0.2.77"}, [4]),
        ({"client": "2001:db8::/32"}, [5]),
        ({"fault": "loss"}, [3]),
        ({"fault": "silent"}, [3]),
        ({"fault": "los"}, []),
        ({"since": BEGAN + 3}, [4, 5, 6]),
        ({"until": BEGAN + 3}, [1, 2, 3]),
        ({"since": "2023-11-14T22:13:23Z", "until": "2023-11-14T23:13:24+01:00"}, [4]),
        ({"since": "2023-11-14T22:13:24"}, [5, 6]),
        ({"after": 4}, [5, 6]),
        ({"after": "5"}, [6]),
        ({"name": "www.shop.example", "side": "server", "type": "A"}, [1]),
        ({"name": None, "type": None, "side": "server"}, [1, 2, 3]),
    ],
)
def test_a_filter_means(kept, given, numbers):
    assert [each.number for each in kept.history.select(wanted(given))] == numbers


def test_the_newest_are_given_where_fewer_are_wanted(kept):
    assert [each.number for each in kept.history.select(wanted({"side": "server"}), limit=2)] == [2, 3]
    assert kept.history.select(None, limit=0) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"servr": "a."}, "there is no filter 'servr'; did you mean 'server'?"),
        ({"side": "servers"}, "side is 'servers'; did you mean 'server'?"),
        ({"transport": "quic"}, "transport is 'quic'; use one of: https, tcp, tls, udp"),
        ({"type": "AAAB"}, "'AAAB' is no record type; write one like A, AAAA, MX, or TYPE65280"),
        ({"type": 70_000}, "'TYPE70000' is no record type; write one like A, AAAA, MX, or TYPE65280"),
        ({"rcode": "NXDOMIAN"}, "there is no rcode 'NXDOMIAN'; did you mean 'NXDOMAIN'?"),
        ({"name": "a..b"}, "name: 'a..b' has an empty label; write one as in example.com, or *.example.com"),
        ({"zone": "a..b"}, "zone: 'a..b' has an empty label; write one as in example.com, or *.example.com"),
        (
            {"server": ""},
            "server: an empty name; the root is written '.'; write one as in example.com, or *.example.com",
        ),
        ({"client": "me"}, "client is 'me'; write an address or a network like 192.0.2.0/24"),
        ({"since": "noon"}, "since is 'noon'; write seconds since 1970, or a time like 2026-11-26T10:58:31Z"),
        ({"until": "nan"}, "until is 'nan'; write seconds since 1970, or a time like 2026-11-26T10:58:31Z"),
        ({"after": "-1"}, "after is '-1'; write the number of a message"),
        ({"after": "²"}, "after is '²'; write the number of a message"),
        ({"name": ["a."]}, "name is ['a.']; write it as text or a number"),
        ({"type": True}, "type is True; write it as text or a number"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_says_what_can(given, told):
    with pytest.raises(InputError) as wrong:
        wanted(given)
    assert str(wrong.value) == told


@pytest.mark.parametrize("word", sorted(set(WORDS) - {"fault"}))
def test_every_word_is_read(word):
    with pytest.raises(InputError):
        matcher(Wanted(**{word: "a..b"}))
