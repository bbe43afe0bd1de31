"""Negative trust anchors: how they are written, and which zone decides."""

from __future__ import annotations

import pytest

from resolver.dnssec.negative import NegativeAnchor, NegativeAnchors, read
from resolver.wire import names


def name(text: str) -> bytes:
    return names.from_text(text)


END = 1_798_070_400.0  # 2026-12-24T00:00:00Z


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Example.COM", None),
        ("example.com. until 2026-12-24T00:00:00Z", END),
        ("  example.com\tuntil  2026-12-24t00:00:00z ", END),
        ("example.com until 2026-12-24", END),
        ("example.com until 2026-12-24T01:00:00+01:00", END),
    ],
)
def test_a_zone_and_its_end_are_read(text: str, until: float | None) -> None:
    assert read(text) == NegativeAnchor(name("example.com."), until)


def test_what_is_read_can_be_written_and_read_again() -> None:
    for one in (NegativeAnchor(name(r"a\.b.test.")), NegativeAnchor(names.ROOT, END)):
        assert read(str(one)) == one


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a..b",
        "example.com until",
        "example.com until tomorrow",
        "example.com 2026-12-24",
        "example.com until 2026-13-24",
        "example.com until 2026-12-24T00:00:00",
        "example.com until 0001-01-01T00:00:00+23:59",
        "example.com until 9999-12-31T23:59:59-23:59",
        "example.com until 2026-12-24 00:00:00Z",
        "\x1b[2J until x",
    ],
)
def test_what_is_none_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"; write ") as caught:
        read(text)
    assert str(caught.value).isprintable()


def test_of_two_for_one_zone_the_one_that_holds_longer_counts() -> None:
    brief, long, forever = (NegativeAnchor(name("x."), until) for until in (10.0, 20.0, None))
    for listed, wanted in (((long, brief), long), ((brief, long), long), ((long, forever, brief), forever)):
        assert NegativeAnchors(listed).above(name("x."), 5.0) == wanted
        assert len(NegativeAnchors(listed)) == 1


def test_a_label_boundary_is_one() -> None:
    negative = NegativeAnchors((NegativeAnchor(name("ample.com.")),))
    assert negative.above(name("example.com."), 0.0) is None
    assert NegativeAnchors().above(name("example.com."), 0.0) is None
