from __future__ import annotations

import pytest

from resolver.wire import names
from resolver.wire.special import NEVER_ASKED, SPECIAL, Kind, special_above
from tests.support.messages import name


@pytest.mark.rfc(6303, "4")
@pytest.mark.parametrize(
    ("asked", "special"),
    [
        ("10.in-addr.arpa.", "10.in-addr.arpa."),
        ("4.3.2.10.in-addr.arpa.", "10.in-addr.arpa."),
        ("1.31.172.in-addr.arpa.", "31.172.in-addr.arpa."),
        ("1.32.172.in-addr.arpa.", None),
        ("1.15.172.in-addr.arpa.", None),
        ("64.100.in-addr.arpa.", "64.100.in-addr.arpa."),
        ("127.100.in-addr.arpa.", "127.100.in-addr.arpa."),
        ("128.100.in-addr.arpa.", None),
        ("9.8.b.e.f.ip6.arpa.", "b.e.f.ip6.arpa."),
        ("1.0.0.127.in-addr.arpa.", "1.0.0.127.in-addr.arpa."),
        ("2.0.0.127.in-addr.arpa.", "127.in-addr.arpa."),
        ("a.b.localhost.", "localhost."),
        ("notlocalhost.", None),
        ("local.test.", None),
        ("test.", None),
        ("example.", None),
        ("www.home.arpa.", "home.arpa."),
        ("arpa.", None),
        (".", None),
    ],
)
def test_a_special_name_covers_what_is_below_it(asked: str, special: str | None) -> None:
    assert special_above(name(asked)) == (None if special is None else name(special))


def test_the_names_are_folded_and_each_kind_is_there() -> None:
    assert all(names.fold(each) == each for each in SPECIAL)
    assert set(SPECIAL.values()) == set(Kind)
    assert len(SPECIAL) == 1 + 2 + 5 + 1 + 2 + 9 + 16 + 64 + 7
    assert set(SPECIAL) >= NEVER_ASKED
    assert name("internal.") not in NEVER_ASKED
    assert SPECIAL[name("0." * 32 + "ip6.arpa.")] is Kind.EMPTY
