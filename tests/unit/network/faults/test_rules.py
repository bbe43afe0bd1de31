from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.errors import InputError
from resolver.network.faults.rules import Rule, rule
from resolver.network.faults.words import CONDITIONS, GROUPS, WORDS

NEEDED = {
    "rcode": {"rcode": "NXDOMAIN"},
    "clock_skew": {"seconds": "-40d"},
    "partition": {"between": [["ns1.example.com"], ["resolver", "127.53.0.0/16"]]},
}
"""What must be said beside a word."""


def test_a_rule_is_read_from_words_and_told_in_the_same():
    given = {
        "kind": "latency",
        "ms": "1.5s",
        "deviation_ms": 20,
        "server": ["ns1.Example.com", "127.53.2.1"],
        "zone": "example.com.",
        "name": "*.example.com",
        "type": "aaaa, mx",
        "transport": "udp",
        "source": "resolver",
        "probability": 0.5,
        "count": 3,
        "skip": 1,
        "at": "30s",
        "for": "5m",
    }
    read = rule(given)
    assert read == Rule(
        "latency",
        {"ms": 1500.0, "deviation_ms": 20.0},
        ("ns1.example.com.", "127.53.2.1"),
        ("example.com.",),
        ("*.example.com.",),
        ("AAAA", "MX"),
        ("udp",),
        ("resolver",),
        0.5,
        3,
        1,
        30.0,
        300.0,
    )
    told = read.as_data()
    assert told == {
        **given,
        "ms": 1500,
        "server": ["ns1.example.com.", "127.53.2.1"],
        "name": "*.example.com.",
        "type": ["AAAA", "MX"],
        "at": 30,
        "for": 300,
    }
    assert rule(json.loads(json.dumps(told))) == read
    assert read.text == (
        "latency ms=1500 deviation_ms=20 server=ns1.example.com.,127.53.2.1 zone=example.com. name=*.example.com. "
        "type=AAAA,MX transport=udp source=resolver probability=0.5 count=3 skip=1 at=30 for=300"
    )


def test_long_times_are_shown_in_digits() -> None:
    assert rule({"kind": "clock_skew", "seconds": "-40d"}).text == "clock_skew seconds=-3456000"


@pytest.mark.parametrize("word", WORDS)
def test_every_word_makes_a_rule_that_reads_back_the_same(word):
    read = rule({"kind": word, **NEEDED.get(word, {})})
    assert read.kind == word
    assert rule(read.as_data()) == read
    assert rule({**read.as_data(), "probability": 1, "skip": 0, "at": 0, "count": None}) == read
    each = WORDS[word]
    assert each.group in GROUPS
    assert each.does.endswith(".")
    assert set(read.parameters) == {one.word for one in each.parameters if one.required or one.default is not None}


def test_what_hierarchy_toml_and_python_spell_otherwise_is_the_same():
    assert rule({"fault": "ds_mismatch", "for_": 5}) == rule({"kind": "ds-mismatch", "for": "5s"})
    assert rule({"kind": "wrong-id"}) == rule({"kind": "wrong_id"})
    assert rule({"kind": "latency", "deviation-ms": "20"}) == rule({"kind": "latency", "deviation_ms": 20})


def test_a_partition_can_be_written_in_a_line():
    written = rule({"kind": "partition", "between": "ns1.example.com, 10.0.0.0/8 | resolver clients"})
    assert written.parameters["between"] == (("ns1.example.com.", "10.0.0.0/8"), ("resolver", "clients"))
    said = written.text.partition("=")[2]
    assert rule({"kind": "partition", "between": said}) == written


@pytest.mark.parametrize(
    ("given", "where", "said"),
    [
        ({}, "kind", "write one of: latency, jitter"),
        ({"kind": "slient"}, "kind", "unknown fault 'slient'; did you mean 'silent'?"),
        ({"kind": "drop it all"}, "kind", "use one of: bad_label"),
        ({"kind": 7}, "kind", "unknown fault 7"),
        ({"kind": "silent", "probabilty": 0.5}, "probabilty", "has no 'probabilty'; did you mean 'probability'?"),
        ({"kind": "silent", "ms": 5}, "ms", "the fault silent has no 'ms'"),
        ({"kind": "latency", "mss": 5}, "mss", "did you mean 'ms'?"),
        ({"kind": "latency", "ms": "5 minutes"}, "ms", "no time; write milliseconds as a number from 0 to 60000"),
        ({"kind": "latency", "ms": 60_001}, "ms", "out of range"),
        ({"kind": "latency", "ms": True}, "ms", "no time"),
        ({"kind": "silent", "probability": 1.5}, "probability", "out of range; write a number from 0 to 1"),
        ({"kind": "silent", "probability": "often"}, "probability", "'often' is no number"),
        ({"kind": "silent", "probability": float("nan")}, "probability", "no number"),
        ({"kind": "silent", "count": 0}, "count", "write a whole number from 1"),
        ({"kind": "silent", "count": 1.5}, "count", "1.5 is no whole number"),
        ({"kind": "silent", "skip": -1}, "skip", "out of range"),
        ({"kind": "silent", "at": "-5s"}, "at", "out of range"),
        ({"kind": "silent", "at": "soon"}, "at", 'a text like "250ms", "30s", "5m"'),
        ({"kind": "silent", "for": 0}, "for", "out of range"),
        ({"kind": "silent", "type": "AAAAA"}, "type", "write one like A, AAAA, MX"),
        ({"kind": "silent", "transport": "tpc"}, "transport", "did you mean 'tcp'?"),
        ({"kind": "silent", "server": "a..b"}, "server", "no domain name"),
        ({"kind": "silent", "server": []}, "server", "leave it out"),
        ({"kind": "silent", "server": {"a": 1}}, "server", "no list"),
        ({"kind": "silent", "zone": ["x"] * 257}, "zone", "256 are the most"),
        ({"kind": "silent", "source": [7]}, "source", "7 is no text"),
        ({"kind": "rcode"}, "rcode", "needs rcode, the response code"),
        ({"kind": "rcode", "rcode": "SERVFIAL"}, "rcode", "did you mean 'SERVFAIL'?"),
        ({"kind": "rcode", "rcode": 4096}, "rcode", "4096 is no response code"),
        ({"kind": "servfail", "ede": 70_000}, "ede", "out of range"),
        ({"kind": "servfail", "text": "x" * 256}, "text", "255 are the most"),
        ({"kind": "wrong_source", "part": "adress"}, "part", "did you mean 'address'?"),
        ({"kind": "partition"}, "between", "needs between"),
        ({"kind": "partition", "between": "a"}, "between", "not two groups"),
        ({"kind": "partition", "between": "a | b | c"}, "between", "not two groups"),
        ({"kind": "partition", "between": "a | b, a"}, "between", "a. stands in both groups"),
        ({"kind": "clock_skew"}, "seconds", "needs seconds"),
        ({"kind": "duplication", "copies": 17}, "copies", "from 2 to 16"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_where_and_what_to_write_instead(given, where, said):
    with pytest.raises(InputError) as caught:
        rule(given)
    assert caught.value.where == where
    assert said in str(caught.value)
    assert caught.value.instead


def test_no_parameter_of_a_word_has_the_name_of_a_condition():
    for word in WORDS.values():
        assert not {each.word for each in word.parameters} & CONDITIONS.keys(), word.word


_TEXT = st.text("abz.*|,-_ 019sm\0\xe9", max_size=8)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "fault", "ms", "between", "rcode", "text", "seconds", *CONDITIONS]),
        st.one_of(
            st.none(),
            _TEXT,
            st.sampled_from(sorted(WORDS)),
            st.integers(),
            st.floats(),
            st.booleans(),
            st.binary(max_size=3),
            st.lists(st.one_of(_TEXT, st.integers(), st.lists(_TEXT, max_size=3)), max_size=3),
        ),
        max_size=5,
    )
)
def test_whatever_is_given_is_a_rule_that_reads_back_or_an_input_error(given):
    try:
        read = rule(given)
    except InputError:
        return
    assert rule(read.as_data()) == read
    assert read.text
