"""Tables of TRAFFIC, and how queries are counted by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.errors import ScenarioError
from resolver.message import Transport, Type
from resolver.testing.replay.comparing import Level
from resolver.testing.replay.entries import Unreadable
from resolver.testing.replay.playing import Course, play
from resolver.testing.replay.reading import parse
from resolver.testing.replay.script import Traffic
from resolver.testing.replay.settings import arrange
from resolver.testing.replay.traffic import Query, count, table, tally
from resolver.testing.virtual_time import run
from tests.support.messages import name
from tests.support.scripts import PLAIN, PRIMING, asks, entry, is_told, scenario, server, text

QUESTION = "www.example. IN A"
ADDRESS = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
ANSWER = entry(QUESTION, *ADDRESS)
BOTH = (asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS))
WWW = Query("192.0.2.1", name("www.example."), Type.A, Transport.UDP)


def counts(*lines: str, number: int = 10, only: bool = False) -> str:
    """A step that counts."""
    head = f"STEP {number} TRAFFIC ONLY" if only else f"STEP {number} TRAFFIC"
    return "\n".join([head, "TRAFFIC_BEGIN", *lines, "TRAFFIC_END"])


def course(*parts: str, config: str = PLAIN) -> Course:
    made = scenario(*parts, config=config)
    return run(play(made, arrange(made), Level.CORE))


def failure(*parts: str, config: str = PLAIN) -> str:
    failed = course(*parts, config=config).failure
    assert failed is not None
    return failed.text


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("1 192.0.2.1 www.example. A", True),
        ("1 192.0.2.1 WWW.Example A UDP", True),
        ("1 192.0.2.1 www.example. IN A", True),
        ("1 * *.example. *", True),
        ("1 * * * UDP", True),
        ("1 * *. *", True),
        ("1 192.0.2.2 www.example. A", False),
        ("1 * example. A", False),
        ("1 * *.www.example. *", False),
        ("1 * * AAAA", False),
        ("1 * * * TCP", False),
    ],
)
def test_a_query_counts_where_every_word_of_a_line_fits(line: str, fits: bool) -> None:
    assert count(Traffic((tally(line, 1),)), [WWW]).times == (int(fits),)


@pytest.mark.parametrize(
    ("words", "right"),
    [("2", {2}), ("1..2", {1, 2}), ("1..", {1, 2, 3, 4}), ("..2", {0, 1, 2}), ("0", {0}), ("0..", {0, 1, 2, 3, 4})],
)
def test_a_count_is_a_number_or_a_range(words: str, right: set[int]) -> None:
    wanted = Traffic((tally(f"{words} * * *", 1),))
    assert {times for times in range(5) if count(wanted, [WWW] * times).met()} == right


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("many * * *", "'many' is no count"),
        (".. * * *", "'..' says nothing of the count"),
        ("3..2 * * *", "'3..2' is no count: nothing lies between"),
        ("99999999 * * *", "is no count"),
        ("1 here * *", "'here' is no IP address"),
        ("1 * * NIX", "'NIX' is no record type"),
        ("1 * a..b A", ""),
        ("1 * *", "is no line of TRAFFIC"),
        ("1 * * A QUIC", "is no line of TRAFFIC"),
    ],
)
def test_a_line_that_says_nothing_is_refused(line: str, told: str) -> None:
    with pytest.raises(Unreadable) as raised:
        tally(line, 1)
    assert told in raised.value.what
    assert raised.value.instead


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((counts(),), "some.rpl:5: this table is empty"),
        (("STEP 1 TRAFFIC ONLY",), "'SCENARIO_END' where the table of TRAFFIC ONLY begins; write TRAFFIC_BEGIN"),
        ((counts("often * * *"),), "some.rpl:6: 'often' is no count; write 2, 1..3"),
        (("STEP 1 TRAFFIC TWICE",), "some.rpl:4: 'TWICE' has no meaning here; write ADDRESS ip"),
        (("STEP 1 TRAFFIC\nTRAFFIC_BEGIN\n1 * * *",), "some.rpl:7: 'SCENARIO_END' is no line of TRAFFIC"),
        (("STEP 1 NOTHING", "TRAFFIC_BEGIN"), "some.rpl:5: 'TRAFFIC_BEGIN' has no meaning here"),
        (("STEP 1 NOTHING", "STEP 1 TIMEOUT"), "some.rpl:5: STEP 1 stands in line 4, too; give each step"),
        ((server(first=9, last=3), "STEP 1 NOTHING"), "some.rpl:4: the range ends at 3, before it begins"),
        (("STEP 1 CHECK_ANSER",), "some.rpl:4: there is no step 'CHECK_ANSER'; did you mean 'CHECK_ANSWER'?"),
        (("STEP one QUERY",), "some.rpl:4: 'STEP one QUERY' has no meaning here; write STEP number KIND"),
        (("RANGE_BEGIN 1",), "some.rpl:4: 'RANGE_BEGIN 1' has no meaning here; write RANGE_BEGIN first last"),
        (("RANGE_BEGN 1 2",), "some.rpl:4: 'RANGE_BEGN 1 2' has no meaning here; did you mean 'RANGE_BEGIN'?"),
        (("STEP 1 CHECK_ANSWER WITHIN soon",), "'WITHIN soon' has no meaning here; write WITHIN seconds"),
        (("STEP 1 CHECK_ANSWER AFTER 2 WITHIN 1",), "some.rpl:4: nothing comes after AFTER and within WITHIN"),
        (("STEP 1 QUERY WITHIN 1",), "some.rpl:4: 'WITHIN 1' has no meaning here; write ADDRESS ip"),
        (("STEP 1 CHECK_ANSWER WITHIN 9999999999",), "some.rpl:4: WITHIN 9999999999 is too long"),
    ],
)
def test_a_step_that_is_not_understood_is_told_with_what_to_write(parts: tuple[str, ...], told: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse(text(*parts, config=""), Path("some.rpl"))
    assert told in str(raised.value)


def test_queries_are_counted_by_server_and_question() -> None:
    wanted = counts("1 192.0.2.1 . NS", "1 192.0.2.1 www.example. A UDP", "0 192.0.2.2 * *")
    assert course(server(PRIMING, ANSWER), *BOTH, wanted).failure is None


def test_a_count_that_is_not_met_is_told_with_all_that_was_sent() -> None:
    failed = course(server(PRIMING, ANSWER), *BOTH, counts("2 * www.example. A", "1 * . NS")).failure
    assert failed is not None
    assert failed.text == "traffic: 1 for 2: * www.example. A"
    assert failed.lines == [
        f"wanted (some.rpl:{failed.line})",
        "-2 * www.example. A   there were 1",
        " 1 * . NS",
        "sent",
        " 1    192.0.2.1       . NS UDP",
        " 1    192.0.2.1       www.example. A UDP",
    ]


def test_only_what_is_listed_may_be_sent_where_the_step_says_so() -> None:
    world = server(PRIMING, ANSWER)
    assert course(world, *BOTH, counts("1 * www.example. A")).failure is None
    failed = course(world, *BOTH, counts("1 * www.example. A", only=True)).failure
    assert failed is not None
    assert failed.text == "traffic: 1 that no line has"
    assert "+1    192.0.2.1       . NS UDP" in failed.lines
    assert failure(world, *BOTH, counts(only=True)) == "traffic: 2 that no line has"


def test_counting_begins_anew_with_each_traffic() -> None:
    """The second answer comes out of the cache, and takes no query; it does once the first has expired."""
    again = (asks(20, QUESTION), is_told(21, QUESTION, *ADDRESS))
    none = counts(number=30, only=True)
    world = server(PRIMING, ANSWER)
    assert course(world, *BOTH, "STEP 10 TRAFFIC", *again, none).failure is None
    assert course(world, *BOTH, counts("2 * * *"), *again, none).failure is None
    assert failure(world, *BOTH, *again, none) == "traffic: 2 that no line has"
    expired = "STEP 11 TIME_PASSES ELAPSE 301"
    assert failure(world, *BOTH, "STEP 10 TRAFFIC", expired, *again, none) == "traffic: 1 that no line has"


def test_traffic_is_waited_for_before_it_is_counted() -> None:
    """Nothing is answered: what is sent again is sent later."""
    wanted = counts("2.. 192.0.2.1 www.example. A")
    assert course(server(PRIMING), asks(1, QUESTION), wanted).failure is None
    assert "for 90.." in failure(server(PRIMING), asks(1, QUESTION), counts("90.. 192.0.2.1 www.example. A"))


def test_a_table_shows_each_query_once() -> None:
    assert list(table([WWW, WWW])) == [" 2    192.0.2.1       www.example. A UDP"]


def slow(steps: str) -> tuple[str, ...]:
    """A world in which the answer takes two seconds, and the client's `steps` in it."""
    late = server(ANSWER.replace("copy_id", "copy_id sleep=2"), address="192.0.2.2")
    return server(PRIMING), late, asks(1, QUESTION), steps


STUB = PLAIN + 'stub-zone:\n name: "example."\n stub-addr: 192.0.2.2\n'


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("AFTER 1.9 WITHIN 2.5", None),
        ("AFTER 2", None),
        ("WITHIN 1.5", "the answer came after 2.000 s, and is wanted within 1.5 s"),
        ("AFTER 3", "the answer came after 2.000 s, and is wanted not before 3 s"),
    ],
)
def test_an_answer_must_come_when_the_script_says(words: str, told: str | None) -> None:
    check = is_told(2, QUESTION, *ADDRESS).replace("CHECK_ANSWER", f"CHECK_ANSWER {words}")
    failed = course(*slow(check), config=STUB).failure
    assert (None if failed is None else failed.text) == told


def test_a_query_must_be_sent_when_the_script_says() -> None:
    """The second message to a silent server is a retry: it is not sent at once."""
    check = "STEP {} CHECK_OUT_QUERY {}\n" + entry(QUESTION)
    silent = (server(PRIMING), asks(1, QUESTION), check.format(2, "WITHIN 0"))
    assert course(*silent, check.format(3, "AFTER 0.1 WITHIN 3")).failure is None
    told = failure(*silent, check.format(3, "WITHIN 0.001"))
    assert told.startswith("it was sent after ")
    assert told.endswith(" s, and is wanted within 0.001 s")
