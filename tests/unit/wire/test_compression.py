from __future__ import annotations

import pytest

from resolver.errors import BadName, WireError
from resolver.wire.compression import MAX_STEPS, STEPS, Memo, read, read_plain, write

HEADER = bytes(12)
COM = b"\x03com\0"


def test_a_name_is_read_with_the_offset_behind_it() -> None:
    assert read(HEADER + b"\x01a" + COM + b"!", 12, Memo()) == (b"\x01a" + COM, 19)


@pytest.mark.rfc(1035, "4.1.4")
def test_pointers_lead_to_names_and_to_their_ends() -> None:
    wire = HEADER + b"\x01a" + COM + b"\x01b\xc0\x0e" + b"\xc0\x13" + b"\xc0\x0c"
    memo = Memo()
    assert read(wire, 12, memo) == (b"\x01a" + COM, 19)
    assert read(wire, 19, memo) == (b"\x01b" + COM, 23)
    assert read(wire, 23, memo) == (b"\x01b" + COM, 25)
    assert read(wire, 25, memo) == (b"\x01a" + COM, 27)


def test_a_name_is_read_the_same_whether_or_not_the_one_it_points_to_was_read_before() -> None:
    wire = HEADER + b"\x01a" + COM + b"\x01b\xc0\x0c\x01c\xc0\x13"
    memo = Memo()
    for start in (12, 19):
        read(wire, start, memo)
    assert read(wire, 23, memo) == read(wire, 23, Memo()) == (b"\x01c\x01b\x01a" + COM, 27)


@pytest.mark.rfc(1035, "4.1.4")
@pytest.mark.parametrize(
    ("octets", "start"),
    [
        (b"\xc0\x0c", 12),
        (b"\x01a\xc0\x0c", 12),
        (b"\xc0\x0e\xc0\x0c", 12),
        (b"\xc0\x0e\x00", 12),
        (b"\xc0\x0e\xc0\x0c", 14),
        (b"\x01a\xc0\x0c\xc0\x0c", 16),
        (b"\xff\xff", 12),
    ],
    ids=["itself", "its own label", "two forward", "forward", "a pair that loops", "a loop behind", "far beyond"],
)
def test_a_pointer_that_does_not_lead_back_to_a_whole_name_is_refused(octets: bytes, start: int) -> None:
    with pytest.raises(BadName, match="a pointer to octet"):
        read(HEADER + octets, start, Memo())


@pytest.mark.parametrize("target", [0, 2, 11])
def test_a_pointer_into_the_header_is_refused(target: int) -> None:
    with pytest.raises(BadName, match=f"a pointer to octet {target} "):
        read(HEADER + b"\x01a\xc0" + bytes((target,)), 12, Memo())


def test_a_pointer_to_labels_that_run_into_the_name_itself_is_refused() -> None:
    # The name at 14 is a label of one zero octet and a pointer to 12, where a label ends and that zero then follows.
    wire = HEADER + b"\x02a" + b"\x01\0\xc0\x0c"
    with pytest.raises(BadName, match="does not end before octet 14"):
        read(wire, 14, Memo())


@pytest.mark.rfc(6891, "5")
@pytest.mark.parametrize("kind", [0x40, 0x80, 0xBF])
def test_reserved_label_types_are_refused(kind: int) -> None:
    with pytest.raises(BadName, match="reserved type"):
        read(HEADER + bytes((kind,)) + b"a" * 64 + b"\0", 12, Memo())
    with pytest.raises(BadName, match="reserved type"):
        read(HEADER + bytes((kind,)) + b"\0\xc0\x0c", 14, Memo())


@pytest.mark.rfc(1035, "2.3.4")
def test_a_name_has_at_most_255_octets_however_it_is_put_together() -> None:
    labels = (b"\x3f" + b"a" * 63) * 3
    longest = labels + b"\x3d" + b"a" * 61 + b"\0"
    assert read(HEADER + longest, 12, Memo()) == (longest, 12 + 255)
    tail = labels + b"\x3c" + b"a" * 60 + b"\0"
    last = len(HEADER + tail)
    for start, wire in (
        (12, HEADER + b"\x01b" + tail),
        (last, HEADER + tail + b"\x01b\xc0\x0c"),
        (last + 4, HEADER + tail + b"\x01b\xc0\x0c" + (0xC000 | last).to_bytes(2, "big")),
    ):
        with pytest.raises(BadName, match="octets at octet"):
            read(wire, start, Memo())


def test_a_message_that_ends_within_a_name_is_an_index_error() -> None:
    for wire in (b"", b"\x01", b"\x01a", b"\xc0", b"\x3fabc"):
        with pytest.raises(IndexError):
            read(HEADER + wire, 12, Memo())
        with pytest.raises((IndexError, BadName)):
            read_plain(HEADER + wire, 12)


def test_a_plain_name_has_no_pointers() -> None:
    assert read_plain(b"\x01a" + COM + b"!", 0) == (b"\x01a" + COM, 7)
    with pytest.raises(BadName, match="where neither may be"):
        read_plain(b"\x01a\xc0\x00", 0)
    with pytest.raises(BadName, match="256 octets"):
        read_plain((b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\0", 0)


def read_all(wire: bytes, start: int, memo: Memo) -> int:
    """How many pointers from `start` on can be read as names until that has become too much work."""
    for at in range(start, len(wire), 2):
        try:
            read(wire, at, memo)
        except WireError:
            break
    else:
        at = len(wire)
    return (at - start) // 2


def passed(memo: Memo) -> int:
    """What the memo says was passed in following pointers."""
    return int.from_bytes(memo[STEPS], "big")


def test_names_that_each_point_into_another_place_of_many_labels_are_bounded_together() -> None:
    labels = (b"\x01a" * 126 + b"\0") * 20
    places = [12 + row * 253 + 2 * column for row in range(20) for column in range(126)]
    wire = HEADER + labels + b"".join((0xC000 | place).to_bytes(2, "big") for place in places)
    memo = Memo()
    assert 128 < read_all(wire, 12 + len(labels), memo) < 400
    assert MAX_STEPS < passed(memo) <= MAX_STEPS + 127


def test_chains_of_pointers_without_labels_are_bounded_together() -> None:
    wire = bytearray(HEADER + b"\0" + b"\xc0\x0c")
    for _ in range(5000):
        wire += (0xC000 | len(wire) - 2).to_bytes(2, "big")
    start = len(wire)
    for place in range(start - 200, start, 2):
        wire += (0xC000 | place).to_bytes(2, "big")
    assert read_all(bytes(wire), start, Memo()) == 3


def test_a_name_pointed_to_again_and_again_costs_nothing_more() -> None:
    wire = HEADER + b"\x01a" * 100 + b"\0" + b"\xc0\x0e" * 8000
    memo = Memo()
    assert read_all(wire, 12 + 201, memo) == 8000
    assert passed(memo) == 100


def test_a_name_beyond_the_reach_of_pointers_does_not_pass_for_one_within_it() -> None:
    wire = HEADER + b"\x01a\0" + bytes(0x4000 - 3) + b"\x01b\0" + b"\xc0\x0c"
    memo = Memo()
    assert read(wire, 0x4000 + 12, memo) == (b"\x01b\0", 0x4000 + 15)
    assert read(wire, 0x4000 + 15, memo)[0] == b"\x01a\0"


@pytest.mark.rfc(1035, "4.1.4")
def test_a_name_is_written_against_its_longest_suffix_of_the_same_spelling() -> None:
    out = bytearray(HEADER)
    table: dict[bytes, int] = {}
    for name in (b"\x01a" + COM, b"\x01b\x01a" + COM, COM, b"\x01a\x03Com\0", b"\0"):
        write(out, name, table)
    assert out[12:] == b"\x01a\x03com\0" + b"\x01b\xc0\x0c" + b"\xc0\x0e" + b"\x01a\x03Com\0" + b"\0"


def test_nothing_is_pointed_to_beyond_the_reach_of_pointers() -> None:
    out = bytearray(0x4000 - 2)
    table: dict[bytes, int] = {}
    write(out, b"\x01a" + COM, table)
    assert table == {b"\x01a" + COM: 0xFFFE}
    write(out, COM, table)
    assert out.endswith(COM + COM)
