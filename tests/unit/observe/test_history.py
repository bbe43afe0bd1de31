from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.config import Config
from resolver.errors import InputError
from resolver.message import Edns, Rcode, RRset, Transport
from resolver.observe import history as module
from resolver.observe import presenting
from resolver.observe.history import MAX_FAULTS, MAX_FURTHER, MAX_MESSAGES, History, Seen, seen
from resolver.observe.wanted import wanted
from tests.support.histories import BEGAN, Kept, response
from tests.support.messages import soa

STRANGE = "\\027[2J\\010.Example"


def kept(limit: int = 1_000) -> Kept:
    return Kept(limit)


def test_the_oldest_are_forgotten_first_and_counted():
    made = kept(3)
    for number in range(5):
        made.asked(f"n{number}.example")
    assert [each.number for each in made.history] == [3, 4, 5]
    assert (len(made.history), made.history.forgotten, made.history.forgotten_to) == (3, 2, 2)


def test_what_is_cleared_is_not_forgotten_and_numbers_go_on():
    made = kept()
    made.asked("a.example")
    made.asked("b.example")
    assert made.history.clear() == 2
    assert made.history.clear() == 0
    assert made.asked("c.example").number == 3
    assert (made.history.forgotten, len(made.history)) == (0, 1)


def test_octets_are_bounded_too(monkeypatch):
    monkeypatch.setattr(module, "MAX_OCTETS", 200)
    made = kept()
    first, second = made.asked("a.example"), made.asked("b.example")
    made.history.replied(first, bytes(100), 1.0)
    assert len(made.history) == 2
    made.history.replied(second, bytes(100), 1.0)
    assert [each.number for each in made.history] == [2]
    third = made.asked("c.example")
    made.history.replied(third, bytes(60_000), 1.0)
    assert [each.number for each in made.history] == [3], "the last is kept however large it is"


def test_a_reply_to_what_was_forgotten_takes_no_room(monkeypatch):
    monkeypatch.setattr(module, "MAX_OCTETS", 1_000)
    made = kept(2)
    first = made.asked("a.example")
    made.asked("b.example")
    made.asked("c.example")
    made.history.replied(first, bytes(5_000), 1.0)
    made.asked("d.example")
    assert [each.number for each in made.history] == [3, 4]
    made.history.clear()
    late = made.asked("e.example")
    made.history.clear()
    made.history.replied(late, bytes(5_000), 1.0)
    made.asked("f.example")
    assert len(made.history) == 1


@pytest.mark.parametrize("limit", [0, -1, MAX_MESSAGES + 1])
def test_a_history_of_none_or_of_too_many_is_refused(limit):
    with pytest.raises(ValueError, match=f"1 to {MAX_MESSAGES}"):
        History(limit)


def test_the_setting_has_the_bounds_of_the_history():
    schema = Config.model_json_schema()["$defs"]["History"]["properties"]["messages"]
    assert (schema["minimum"], schema["maximum"]) == (0, MAX_MESSAGES)


def test_a_smaller_limit_forgets_at_once():
    made = kept(5)
    for number in range(5):
        made.asked(f"n{number}.example")
    made.history.adjust(2)
    assert [each.number for each in made.history] == [4, 5]


def test_silence_is_told_by_the_time_that_it_took():
    made = kept()
    waiting, swallowed = made.asked("a.example"), made.asked("b.example")
    made.history.replied(swallowed, None, 2.0)
    assert (waiting.ms, waiting.rcode) == (None, None)
    assert (swallowed.ms, swallowed.response, swallowed.rcode) == (2.0, None, None)


def test_the_first_reply_is_the_response_and_others_are_kept_beside_it():
    made = kept()
    asked = made.asked("a.example")
    made.history.replied(asked, None, 1.0)
    made.history.replied(asked, b"first", 2.0)
    for _ in range(MAX_FURTHER + 5):
        made.history.replied(asked, b"again", 3.0)
    made.history.replied(asked, None, 4.0)
    assert (asked.response, asked.ms) == (b"first", 2.0)
    assert asked.further == (b"again",) * MAX_FURTHER


def test_a_message_is_told_in_full():
    made = kept()
    asked = made.asked("wWw.Example", server="ns1.example.", address="127.53.2.1", edns=Edns(do=True))
    extended = Edns(options=((15, b"\x00\x17what is wrong\0"), (15, b"\x00"), (10, bytes(8))))
    made.history.replied(
        asked,
        response(
            asked,
            answer=["www.example. 60 IN A 192.0.2.1", "www.example. 60 IN A 192.0.2.2"],
            authority=soa("example.", 900),
            additional="ns1.example. 60 IN AAAA 2001:db8::1",
            edns=extended,
        ),
        1.23456,
    )
    asked.faults = ("latency",)
    data = asked.as_data()
    assert json.loads(json.dumps(data)) == data
    assert {key: value for key, value in data.items() if key not in ("query", "response")} == {
        "number": 1,
        "time": "2023-11-14T22:13:20.000000Z",
        "side": "server",
        "server": "ns1.example.",
        "address": "127.53.2.1",
        "client": "127.0.0.1",
        "transport": "udp",
        "question": {"name": "wWw.Example.", "type": "A", "class": "IN"},
        "opcode": "QUERY",
        "query_flags": ["DO"],
        "rcode": "NOERROR",
        "flags": ["QR", "AA"],
        "answer": ["wWw.Example. 60 IN A 192.0.2.1", "wWw.Example. 60 IN A 192.0.2.2"],
        "authority": ["example. 900 IN SOA ns.example. admin.example. 1 2 3 4 300"],
        "additional": ["ns1.example. 60 IN AAAA 2001:db8::1"],
        "ede": [{"code": 23, "text": "what is wrong"}],
        "faults": ["latency"],
        "ms": 1.235,
        "query_octets": 40,
        "response_octets": len(asked.response or b""),
        "further": [],
        "query_error": None,
        "response_error": None,
    }


def test_nothing_in_it_acts_on_a_terminal():
    made = kept()
    data = made.answered(STRANGE, "TXT", f'{STRANGE}. 60 IN TXT "\\027[2J"', rcode=Rcode.NXDOMAIN).as_data()
    assert data["question"]["name"] == f"{STRANGE}."
    assert all(text.isprintable() for text in (data["question"]["name"], *data["answer"]))


def test_octets_that_are_no_message_are_shown_as_octets():
    made = kept()
    seen_ = made.history.asked(BEGAN, "server", "ns.", "", "192.0.2.1", Transport.TCP, b"\xff\x00rubbish")
    made.history.replied(seen_, b"\x00" * 11, 1.0)
    data = seen_.as_data()
    assert (data["query"], data["response"]) == ("ff00" + b"rubbish".hex(), "00" * 11)
    assert (data["question"], data["rcode"], data["flags"], data["opcode"]) == (None, None, [], None)
    assert "ends early" in data["query_error"]
    assert "ends early" in data["response_error"]


def test_the_question_of_a_query_that_is_malformed_behind_it_can_be_read():
    made = kept()
    whole = made.asked("www.example").query
    torn = made.history.asked(BEGAN, "client", "", "", "192.0.2.1", Transport.UDP, whole + b"rubbish")
    assert torn.question == made.history.select(wanted({"after": 0}))[0].question
    assert torn.as_data()["query_error"] is not None


def test_rdata_that_is_not_of_its_type_is_written_as_octets():
    made = kept()
    asked = made.asked("www.example", "TYPE65280")
    made.history.replied(asked, response(asked, answer="www.example. 60 IN TYPE65280 \\# 3 010203"), 1.0)
    assert asked.as_data()["answer"] == ["www.example. 60 IN TYPE65280 \\# 3 010203"]


def test_what_was_told_as_data_can_be_read_back():
    made = kept()
    asked = made.answered("www.example", "A", "www.example. 60 IN A 192.0.2.1", server="ns.example.", address="::1")
    asked.faults, asked.further = ("duplicate",), (asked.response or b"", b"x")
    silent = made.asked("other.example")
    for each in (asked, silent):
        again = seen(json.loads(json.dumps(each.as_data())))
        assert again.as_data() == each.as_data()
        assert (again.query, again.response, again.time) == (each.query, each.response, each.time)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("query", "xyz", "hex"),
        ("transport", "pigeon", "pigeon"),
        ("number", None, "no message"),
        ("time", "yesterday", "yesterday"),
        ("further", 3, "not iterable"),
    ],
)
def test_data_that_is_no_message_is_refused(key, value, told):
    data = kept().asked("a.example").as_data()
    with pytest.raises(InputError, match=told):
        seen({**data, key: value})
    del data[key]
    with pytest.raises(InputError, match=f"without '{key}'"):
        seen(data)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=60), st.none() | st.binary(max_size=60))
def test_any_octets_can_be_told(query: bytes, response: bytes | None) -> None:
    made = Seen(1, BEGAN, "client", "", "", "192.0.2.1", Transport.UDP, query, response, 1.0)
    data = made.as_data()
    assert json.loads(json.dumps(data)) == data
    assert seen(data).query == query


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 400), st.none() | st.integers(0, 400)), max_size=30), st.integers(1, 8))
def test_what_is_counted_of_octets_is_what_is_held(sizes: list[tuple[int, int | None]], limit: int) -> None:
    made = History(limit)
    for asked, replied in sizes:
        one = made.asked(BEGAN, "client", "", "", "192.0.2.1", Transport.UDP, bytes(asked))
        if replied is not None:
            made.replied(one, bytes(replied), 1.0)
    assert made._octets == sum(len(each.query) + len(each.response or b"") for each in made)
    assert len(made) == min(limit, len(sizes))
    assert made.forgotten == len(sizes) - len(made)


def test_no_more_faults_of_one_query_are_kept_than_may_be():
    made = kept()
    seen = made.history.asked(1.0, "server", "ns1.example.", "127.53.2.1", "127.0.0.1", Transport.UDP, b"query")
    for number in range(1_000):
        made.history.faulted("ns1.example.", b"query", f"w{number}")
    assert seen.faults == tuple(f"w{number}" for number in range(MAX_FAULTS))


def test_the_texts_of_long_records_are_not_kept():
    text = b"\xff" + bytes(255)
    presenting._kept.cache_clear()
    for rdata, strings in ((text, 1), (text * 8, 8)):
        (line,) = presenting.lines(RRset(b"\1a\0", 16, 1, 60, (rdata,)))
        assert line.count('"') == 2 * strings
    assert presenting._kept.cache_info().currsize == 1
