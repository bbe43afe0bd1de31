"""Where messages on a stream end, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolver.network.framed import messages


@pytest.mark.rfc(1035, "4.2.2")
@given(sent=st.lists(st.binary(max_size=30), max_size=8), cuts=st.lists(st.integers(0, 200), max_size=6))
@example(sent=[b"one"], cuts=[])
@example(sent=[b""], cuts=[])
@example(sent=[b"one", b"two"], cuts=[1, 2, 7])
@example(sent=[bytes(65_535)], cuts=[40_000])
def test_messages_are_found_whole_however_the_stream_is_cut(sent, cuts):
    octets = b"".join(len(each).to_bytes(2, "big") + each for each in sent)
    ends = [*sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    kept, found = bytearray(), []
    for begin, end in zip([0, *ends], ends, strict=False):
        found += messages(kept, octets[begin:end])
    assert found == sent
    assert not kept


def test_what_is_not_whole_is_kept_and_no_more():
    kept = bytearray()
    assert messages(kept, b"\xff\xffab") == []
    assert messages(kept, bytes(65_532)) == []
    assert len(kept) == 65_536
    (found,) = messages(kept, b"z\0\1")
    assert len(found) == 65_535
    assert bytes(kept) == b"\0\1"
