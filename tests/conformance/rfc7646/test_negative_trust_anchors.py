"""Zones that are taken for unsigned, and until when (RFC 7646)."""

from __future__ import annotations

import pytest

from resolver.dnssec.negative import NegativeAnchor, NegativeAnchors, read
from resolver.wire import names


def name(text: str) -> bytes:
    return names.from_text(text)


ROOT, COM, BROKEN, BELOW = name("."), name("com."), name("broken.com."), name("www.below.broken.com.")
NEGATIVE = NegativeAnchors((read("broken.com until 2026-12-24"),))
END = 1_798_070_400.0


@pytest.mark.rfc(7646, "2")
def test_it_holds_for_its_zone_and_all_below_until_its_end() -> None:
    for asked in (BROKEN, BELOW):
        assert NEGATIVE.beginning(asked, {ROOT}, END - 1) == NegativeAnchor(BROKEN, END)
        assert NEGATIVE.beginning(asked, {ROOT}, END) == ROOT
    assert NEGATIVE.beginning(COM, {ROOT}, END - 1) == ROOT


@pytest.mark.rfc(7646, "2")
def test_a_trust_anchor_that_is_closer_decides() -> None:
    assert NEGATIVE.beginning(BELOW, {ROOT, name("below.broken.com.")}, 0.0) == name("below.broken.com.")
    assert NEGATIVE.beginning(name("other.broken.com."), {ROOT, name("below.broken.com.")}, 0.0) == NegativeAnchor(
        BROKEN, END
    )
    assert NEGATIVE.beginning(BELOW, {ROOT, COM}, 0.0) == NegativeAnchor(BROKEN, END)


@pytest.mark.rfc(7646, "2")
def test_where_both_stand_at_one_name_the_negative_one_decides() -> None:
    assert NEGATIVE.beginning(BELOW, {ROOT, BROKEN}, 0.0) == NegativeAnchor(BROKEN, END)
    assert NEGATIVE.beginning(BELOW, {ROOT, BROKEN}, END) == BROKEN


@pytest.mark.rfc(4035, "4.3")
def test_a_name_below_no_anchor_is_indeterminate() -> None:
    assert NEGATIVE.beginning(name("org."), {COM}, 0.0) is None
    assert NEGATIVE.beginning(ROOT, {COM}, 0.0) is None
