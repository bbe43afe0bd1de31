"""Moments of wall time, as people write them."""

from __future__ import annotations

import pytest

from resolver.dnssec import moments


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0.0),
        ("2026-12-24T00:00:00Z", 1_798_070_400.0),
        ("2026-12-24t01:30:00.5+01:30", 1_798_070_400.5),
        ("9999-12-31T23:59:59Z", 253_402_300_799.0),
    ],
)
def test_a_moment_is_read(text: str, seconds: float) -> None:
    assert moments.read(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "now", "2026-13-01", "2026-12-24T00:00:00", "1969-12-31", "9999-12-31T23:59:59-01:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write"):
        moments.read(text)


def test_a_moment_is_written_as_it_is_read() -> None:
    for seconds in (0.0, 1_798_070_400.0, 253_402_300_799.0):
        assert moments.read(moments.written(seconds)) == seconds
    assert moments.written(1_798_070_400.999) == "2026-12-24T00:00:00Z"
