"""Where frames of HTTP/2 end, and what is taken out of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.network.h2_frames import MAX_FRAME, GoAway, Sieve
from resolver.network.h2_settings import MOST, SETTINGS, TABLE


def frame(kind, payload=b"", stream=1):
    return len(payload).to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + payload


GOAWAY = frame(7, (5).to_bytes(4, "big") + (11).to_bytes(4, "big") + b"calm", 0)
KINDS = st.sampled_from([each for each in range(256) if each not in (4, 7)])
FRAMES = st.lists(st.tuples(KINDS, st.binary(max_size=50)), max_size=6)


@given(frames=FRAMES, place=st.integers(0, 6), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_all_but_a_goaway_passes_whole_however_it_arrives(frames, place, cuts):
    others = [frame(*each) for each in frames]
    octets = b"".join([*others[:place], GOAWAY, *others[place:]])
    sieve, passed, begin = Sieve(), b"", 0
    for end in [*sorted(min(cut, len(octets)) for cut in cuts), len(octets)]:
        part = sieve.passed(octets[begin:end])
        begin = end
        passed += part
    assert passed == b"".join(others)
    assert sieve.left == GoAway(5, 11)


@pytest.mark.rfc(9113, "4.2")
def test_a_frame_that_is_longer_than_was_offered_is_refused_before_it_is_there():
    longest = frame(0, bytes(MAX_FRAME))
    assert Sieve().passed(longest) == longest
    with pytest.raises(ValueError, match="16385 octets"):
        Sieve().passed((MAX_FRAME + 1).to_bytes(3, "big") + bytes(6))


def test_a_goaway_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="too short"):
        Sieve().passed(frame(7, bytes(7)))


@pytest.mark.rfc(9113, "6.5.2")
def test_of_settings_those_pass_that_are_known_and_a_table_of_hpack_is_bounded():
    known, unknown = (4).to_bytes(2, "big") + bytes(4), (0xAAAA).to_bytes(2, "big") + bytes(4)
    table = (1).to_bytes(2, "big")
    sent = frame(SETTINGS, unknown + known + table + b"\xff" * 4 + unknown, 0)
    assert Sieve().passed(sent) == frame(SETTINGS, known + table + TABLE.to_bytes(4, "big"), 0)
    with pytest.raises(ValueError, match="too many settings"):
        Sieve().passed(frame(SETTINGS, unknown * (MOST + 1), 0))
