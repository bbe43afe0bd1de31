from __future__ import annotations

import itertools

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.errors import BadName
from resolver.wire import names

COM = b"\x03com\0"
EXAMPLE = b"\x07example\x03com\0"
WWW = b"\x03www\x07example\x03com\0"

LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=8)
repeatable = settings(derandomize=True, deadline=None, max_examples=200)


def wire(labels: list[bytes]) -> bytes:
    kept: list[bytes] = []
    for label in labels:
        if sum(map(len, kept)) + len(kept) + len(label) + 2 <= 255:
            kept.append(label)
    return b"".join(bytes((len(label),)) + label for label in kept) + b"\0"


def test_the_last_dot_may_be_missing() -> None:
    assert names.from_text("www.example.com.") == names.from_text("www.example.com") == WWW


def test_the_root_is_a_dot() -> None:
    assert names.from_text(".") == names.ROOT
    assert names.to_text(names.ROOT) == "."


def test_case_is_kept_in_names_and_folded_in_keys() -> None:
    name = names.from_text("WwW.Example.COM")
    assert name == b"\x03WwW\x07Example\x03COM\0"
    assert names.fold(name) == WWW


@pytest.mark.rfc(4343, "3")
def test_only_ascii_letters_are_folded() -> None:
    every = bytes(range(0xC0, 0x100))[:60]
    name = bytes((len(every),)) + every + b"\0"
    assert names.fold(name) == name
    assert names.fold(b"\x04[@]Z\0") == b"\x04[@]z\0"


@pytest.mark.rfc(1035, "5.1")
@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (r"a\.b.c", (b"a.b", b"c")),
        (r"\000\255.c", (b"\0\xff", b"c")),
        (r"a\\b", (b"a\\b",)),
        (r"\097", (b"a",)),
        (r"x\007example.com.", (b"x\x07example", b"com")),
        ("My Printer._ipp._tcp", (b"My Printer", b"_ipp", b"_tcp")),
        (r"a\.", (b"a.",)),
    ],
)
def test_escapes_are_resolved(text: str, labels: tuple[bytes, ...]) -> None:
    assert names.labels(names.from_text(text)) == labels


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the root is written '.'"),
        ("a..b", "empty label"),
        (".a", "empty label"),
        ("..", "empty label"),
        ("a" * 64, "a label of 64 octets; 63 are allowed"),
        (".".join(["a" * 63] * 4), "takes 257 octets as a name; 255 are allowed"),
        ("a\\", "ends in a backslash"),
        (r"a\25", "000 to 255"),
        (r"a\2x5", "000 to 255"),
        (r"a\256", "000 to 255"),
        (r"a\1²3", "000 to 255"),
        ("bücher.example", "xn--"),
        ("a\\é", "only printable ASCII"),
        ("a\tb", r"write it as \\009"),
    ],
)
def test_a_name_that_cannot_be_says_why(text: str, says: str) -> None:
    with pytest.raises(BadName, match=says):
        names.from_text(text)


def test_an_error_shows_only_the_beginning_of_a_text_that_has_no_end() -> None:
    with pytest.raises(BadName) as caught:
        names.from_text("a." * 5000)
    assert len(str(caught.value)) < 200


@pytest.mark.rfc(1035, "2.3.4")
def test_a_name_of_255_octets_is_the_longest() -> None:
    text = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert len(names.from_text(text)) == 255
    with pytest.raises(BadName):
        names.from_text(text + "a")


@given(LABELS)
@repeatable
def test_text_is_what_dnspython_writes_and_leads_back_to_the_name(labels: list[bytes]) -> None:
    name = wire(labels)
    text = names.to_text(name)
    assert text == dns.name.from_wire(name, 0)[0].to_text()
    assert names.from_text(text) == name


def test_hostile_octets_are_escaped() -> None:
    assert names.to_text(b"\x08\x1b[2J\n\x7f\xff.\0") == r"\027[2J\010\127\255\.."


@pytest.mark.parametrize(
    ("name", "ancestor", "below"),
    [
        (WWW, EXAMPLE, True),
        (EXAMPLE, EXAMPLE, True),
        (WWW, names.ROOT, True),
        (names.ROOT, names.ROOT, True),
        (EXAMPLE, WWW, False),
        (names.ROOT, COM, False),
        (b"\x0anotexample\x03com\0", EXAMPLE, False),
        (b"\x09x\x07example\x03com\0", EXAMPLE, False),
        (b"\x09x\x07example\x03com\0", COM, True),
    ],
)
def test_below_is_a_suffix_that_begins_at_a_label(name: bytes, ancestor: bytes, below: bool) -> None:
    assert names.is_below(name, ancestor) is below


@given(LABELS, LABELS)
@repeatable
def test_relations_are_those_of_dnspython(one: list[bytes], other: list[bytes]) -> None:
    name, suffix = names.fold(wire(one + other)), names.fold(wire(other))
    theirs, theirs_above = dns.name.from_wire(name, 0)[0], dns.name.from_wire(suffix, 0)[0]
    assert names.is_below(name, suffix) == theirs.is_subdomain(theirs_above)
    assert names.is_below(suffix, name) == theirs_above.is_subdomain(theirs)
    assert names.labels(name) == theirs.labels[:-1]
    assert names.depth(name) == len(theirs) - 1
    above = list(names.ancestors(name))
    assert above[0] == name
    assert above[-1] == names.ROOT
    assert len(above) == names.depth(name) + 1
    assert all(names.parent(child) == parent for child, parent in itertools.pairwise(above))
    assert [names.last_labels(name, count) for count in range(len(above))] == above[::-1]


def test_the_parent_of_the_root_is_the_root() -> None:
    assert names.parent(COM) == names.ROOT
    assert names.parent(names.ROOT) == names.ROOT


@pytest.mark.rfc(9156, "2.2")
@pytest.mark.parametrize(
    ("count", "minimised"), [(-1, names.ROOT), (0, names.ROOT), (1, COM), (2, EXAMPLE), (3, WWW), (9, WWW)]
)
def test_the_last_labels_of_a_name_are_its_ancestor(count: int, minimised: bytes) -> None:
    assert names.last_labels(WWW, count) == minimised


def test_a_label_is_put_before_a_name() -> None:
    assert names.prepend(b"www", EXAMPLE) == WWW
    assert names.prepend(b"*", names.ROOT) == b"\x01*\0"


@pytest.mark.parametrize("label", [b"", b"a" * 64])
def test_a_label_that_cannot_be_is_not_put_before_a_name(label: bytes) -> None:
    with pytest.raises(BadName, match="1 to 63"):
        names.prepend(label, COM)


def test_a_name_does_not_grow_beyond_255_octets() -> None:
    longest = names.from_text(".".join(["a" * 63] * 3 + ["a" * 59]))
    assert len(names.prepend(b"b", longest)) == 255
    with pytest.raises(BadName, match="too long"):
        names.prepend(b"bb", longest)


@pytest.mark.rfc(6672, "2.2")
def test_a_suffix_is_substituted_and_the_rest_keeps_its_case() -> None:
    assert names.substitute(b"\x03WWW\x07eXample\x03com\0", EXAMPLE, b"\x03org\0") == b"\x03WWW\x03org\0"
    assert names.substitute(WWW, names.ROOT, COM) == WWW[:-1] + COM


@pytest.mark.rfc(6672, "2.2")
def test_a_substitution_that_grows_too_long_is_an_error() -> None:
    target = names.from_text(".".join(["a" * 63] * 3 + ["a" * 57]))
    assert len(names.substitute(WWW, EXAMPLE, target)) == 255
    with pytest.raises(BadName, match="DNAME"):
        names.substitute(b"\x04wwww\x07example\x03com\0", EXAMPLE, target)


def test_only_what_is_below_can_be_substituted() -> None:
    with pytest.raises(ValueError, match="is not below") as caught:
        names.substitute(b"\x09x\x07example\x03com\0", EXAMPLE, COM)
    assert not isinstance(caught.value, BadName)


def test_what_is_wrong_with_a_name_is_told_in_printable_characters():
    for text in ("a\\25\x05", "a\\1\x1b[", "\\\x07", "\x1b..a", "a" * 100 + "\n"):
        with pytest.raises(BadName) as caught:
            names.from_text(text)
        assert str(caught.value).isprintable()
