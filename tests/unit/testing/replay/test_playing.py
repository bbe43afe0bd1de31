"""Small scenarios, and what comes of them."""

from __future__ import annotations

from resolver.pipeline.staged import Staged
from resolver.server.respond import Responder
from resolver.testing.replay.comparing import Level
from resolver.testing.replay.playing import Course, play
from resolver.testing.replay.settings import arrange
from resolver.testing.replay.subject import Inside
from resolver.testing.virtual_time import run
from tests.support.scripts import PLAIN, PRIMING, ROOT, asks, entry, is_told, scenario, server

QUESTION = "www.example. IN A"
ADDRESS = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
OTHER = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.8")
ANSWER = entry(QUESTION, *ADDRESS)
BOTH = (asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS))


def course(*parts: str, config: str = PLAIN, level: Level = Level.CORE) -> Course:
    made = scenario(*parts, config=config)
    return run(play(made, arrange(made), level))


def failure(*parts: str, config: str = PLAIN, level: Level = Level.CORE) -> str:
    failed = course(*parts, config=config, level=level).failure
    assert failed is not None
    return failed.text


def test_an_answer_that_is_wanted_passes_and_another_fails_with_both_messages():
    assert course(server(PRIMING, ANSWER), *BOTH).failure is None
    failed = course(server(PRIMING, entry(QUESTION, *OTHER)), *BOTH)
    assert failed.failure is not None
    assert failed.failure.text == "answer: 1 missing, 1 that should not be there"
    assert "+answer www.example. 300 IN A 192.0.2.8" in failed.failure.lines
    assert [node.asked for node in failed.nodes] == [". NS", "www.example. A"]


def test_an_answer_comes_even_where_servers_are_silent():
    silent = failure(server(PRIMING), *BOTH)
    assert silent.startswith("rcode: SERVFAIL for NOERROR")


def test_ranges_answer_in_their_moments_only():
    """A moment is the number of the step to come."""
    before, after = server(PRIMING, ANSWER, last=5), server(PRIMING, entry(QUESTION, *OTHER), first=6)
    expired = "STEP 3 TIME_PASSES ELAPSE 301"
    again = (asks(4, QUESTION), is_told(7, QUESTION, *OTHER))
    assert course(before, after, *BOTH, expired, *again).failure is None
    assert course(before, after, *BOTH, *again).failure is not None


def test_an_open_query_is_answered_by_a_later_moment():
    late = server(ANSWER, first=3)
    steps = (asks(1, QUESTION), "STEP 2 TRAFFIC", "STEP 3 NOTHING", is_told(4, QUESTION, *ADDRESS))
    assert course(server(PRIMING), late, *steps).failure is None


def test_time_passes_for_every_clock():
    steps = (*BOTH, "STEP 3 TIME_PASSES ELAPSE 100", asks(4, QUESTION))
    aged = ("SECTION ANSWER", "www.example. 200 IN A 192.0.2.7")
    assert course(server(PRIMING, ANSWER), *steps, is_told(5, QUESTION, *aged, match="all ttl")).failure is None
    assert "answer ttl" in failure(server(PRIMING, ANSWER), *steps, is_told(5, QUESTION, *ADDRESS, match="all ttl"))


def test_replies_and_checks_of_queries_are_steps_too():
    checked = (
        asks(1, QUESTION),
        "STEP 2 CHECK_OUT_QUERY ADDRESS 192.0.2.1\n" + entry(QUESTION),
        "STEP 3 REPLY\n" + ANSWER,
        is_told(4, QUESTION, *ADDRESS),
    )
    assert course(server(PRIMING), *checked).failure is None


def test_a_query_that_is_wanted_and_not_sent_fails():
    wanted = "STEP 2 CHECK_OUT_QUERY\n" + entry("mail.example. IN A")
    assert failure(server(PRIMING, ANSWER), asks(1, QUESTION), wanted) == "no query for mail.example. A was sent"
    elsewhere = "STEP 2 CHECK_OUT_QUERY ADDRESS 192.0.2.2\n" + entry(QUESTION)
    assert failure(server(PRIMING, ANSWER), asks(1, QUESTION), elsewhere) == "no query for www.example. A was sent"


def test_a_query_meets_one_check_and_none_of_a_later_question():
    check = "STEP {} CHECK_OUT_QUERY\n" + entry(QUESTION)
    told = "no query for www.example. A was sent"
    assert failure(server(PRIMING, ANSWER), asks(1, QUESTION), check.format(2), check.format(3)) == told
    assert failure(server(PRIMING, ANSWER), *BOTH, asks(3, QUESTION), check.format(4)) == told


def test_a_server_can_be_told_not_to_answer():
    mute = ANSWER.replace("copy_id", "copy_id do_not_answer")
    assert failure(server(PRIMING, mute), *BOTH).startswith("rcode: SERVFAIL for NOERROR")


def test_an_answer_may_take_its_time():
    slow = server(ANSWER.replace("copy_id", "copy_id sleep=2"), address="192.0.2.2")
    stub = 'stub-zone:\n name: "example."\n stub-addr: 192.0.2.2\n'
    made = course(server(PRIMING), slow, *BOTH, config=PLAIN + stub)
    assert made.failure is None
    assert made.nodes[-1].rtt is not None
    assert sum(node.rtt or 0 for node in made.nodes) >= 2


def test_a_ttl_may_be_lower_by_the_seconds_that_were_waited(monkeypatch):
    """In virtual time by whole ones; a daemon in real time may have seen any part of a second go by."""
    slow = server(ANSWER.replace("300 IN", "299 IN").replace("copy_id", "copy_id sleep=0.2"), address="192.0.2.2")
    stub = 'stub-zone:\n name: "example."\n stub-addr: 192.0.2.2\n'
    steps = (server(PRIMING), slow, asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS, match="all ttl"))
    assert failure(*steps, config=PLAIN + stub) == "answer ttl: www.example. has 299 s for 300 s"
    monkeypatch.setattr(Inside, "unseen_s", 0.0)
    assert course(*steps, config=PLAIN + stub).failure is None


def test_the_wall_clock_is_that_of_the_script():
    made = scenario(*BOTH, config=PLAIN.replace("server:\n", "server:\n    val-override-date: 20070916134226\n"))

    async def main() -> float:
        inside = Inside(made, arrange(made))
        await inside.stop()
        return inside.clock.wall()

    assert run(main()) == 1_189_950_146


def test_a_client_without_any_answer_is_a_failure(monkeypatch):
    monkeypatch.setattr(Responder, "__call__", lambda *_: None)
    assert failure(server(PRIMING, ANSWER), asks(1, QUESTION)) == "this query got no answer at all"


def test_a_reply_that_nobody_waits_for_is_noted():
    made = course(server(PRIMING, ANSWER), *BOTH, "STEP 3 REPLY\n" + ANSWER)
    assert made.failure is None
    assert made.notes[0].startswith("nobody waited for the REPLY in line ")


def test_a_timeout_lets_the_resolver_try_again():
    steps = (asks(1, QUESTION), "STEP 2 TIMEOUT", "STEP 3 REPLY\n" + ANSWER, is_told(4, QUESTION, *ADDRESS))
    made = course(server(PRIMING), *steps)
    assert made.failure is None
    assert [node.asked for node in made.nodes].count("www.example. A") == 2


def test_an_entry_that_is_mandatory_must_be_used():
    mandatory = entry("mail.example. IN A", *ADDRESS).replace("ENTRY_BEGIN", "ENTRY_BEGIN\nMANDATORY")
    assert (
        failure(server(PRIMING, ANSWER, mandatory), *BOTH) == "nobody asked for the mandatory reply to mail.example. A"
    )


def test_answers_are_checked_by_their_question_and_each_once():
    other = "mail.example. IN A"
    mail = ("SECTION ANSWER", "mail.example. 300 IN A 192.0.2.9")
    world = server(PRIMING, ANSWER, entry(other, *mail))
    asked = (asks(1, QUESTION), asks(2, other))
    assert course(world, *asked, is_told(3, other, *mail), is_told(4, QUESTION, *ADDRESS)).failure is None
    assert failure(world, asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS), is_told(3, QUESTION, *ADDRESS)) == (
        "no answer was sent"
    )


def test_clients_ask_over_the_transport_and_with_the_flags_of_the_script():
    refused = is_told(2, QUESTION, reply="QR RA REFUSED")
    assert course(server(PRIMING, ANSWER), asks(1, QUESTION, reply=""), refused).failure is None
    wide = ("SECTION ANSWER", *(f"www.example. 300 IN A 192.0.2.{last}" for last in range(100)))
    world = server(PRIMING, entry(QUESTION, *wide))
    assert course(world, asks(1, QUESTION, match="TCP"), is_told(2, QUESTION, *wide)).failure is None
    assert failure(world, asks(1, QUESTION), is_told(2, QUESTION, *wide)).startswith("TC: TC is set")


def test_octets_that_are_no_query_get_what_they_deserve():
    raw = "STEP 1 QUERY\nENTRY_BEGIN\nRAW\n000080000000000000000000\nENTRY_END"
    assert course(server(PRIMING, ANSWER), raw, asks(2, QUESTION), is_told(3, QUESTION, *ADDRESS)).failure is None


def test_the_strict_level_sees_the_authority_section():
    named = (*ADDRESS, "SECTION AUTHORITY", "example. IN NS ns.example.")
    steps = (asks(1, QUESTION), is_told(2, QUESTION, *named))
    assert course(server(PRIMING, ANSWER), *steps).failure is None
    assert failure(server(PRIMING, ANSWER), *steps, level=Level.STRICT).startswith("authority: 1 missing")


def test_glue_of_the_script_is_filled_in_and_said():
    """The glue is outside the zone of its sender, so its address is asked for; no entry has it."""
    referral = entry(
        QUESTION,
        "SECTION AUTHORITY",
        "example. IN NS ns.elsewhere.",
        "SECTION ADDITIONAL",
        "ns.elsewhere. IN A 192.0.2.3",
        reply="QR NOERROR",
    )
    stub = 'stub-zone:\n name: "example."\n stub-addr: 192.0.2.2\n'
    below = 'stub-zone:\n name: "elsewhere."\n stub-addr: 192.0.2.1\n'
    deeper = referral.replace("example. IN NS", "www.example. IN NS")
    world = (server(PRIMING), server(deeper, address="192.0.2.2"), server(ANSWER, address="192.0.2.3"))
    made = course(*world, *BOTH, config=PLAIN + stub + below)
    assert made.failure is None
    assert made.notes == ["filled in ns.elsewhere. A at 192.0.2.1: the glue"]
    answered = server(entry("ns.elsewhere. IN A", reply="QR AA NXDOMAIN"), first=90)
    assert course(*world, answered, *BOTH, config=PLAIN + stub + below).failure is not None


def test_what_a_referral_says_of_a_ds_is_told_to_who_asks_for_it():
    ds, signature = (
        f"example. 60 IN DS 1 8 1 {'0A' * 20}",
        "example. 60 IN RRSIG DS 8 1 60 20300101000000 20200101000000 1 . AAAA",
    )
    referral = entry(QUESTION, "SECTION AUTHORITY", "example. IN NS ns.example.", ds, signature, reply="QR NOERROR")
    question = "example. IN DS"
    made = course(
        server(PRIMING, referral),
        asks(1, question, reply="RD DO"),
        is_told(2, question, "SECTION ANSWER", ds, signature),
    )
    assert made.failure is None
    assert made.notes == ["filled in example. DS at 192.0.2.1: the DS of the referral"]
    denied = server(entry(question, reply="QR AA NXDOMAIN"), first=90)
    assert (
        course(server(PRIMING, referral), denied, asks(1, question), is_told(2, question, "SECTION ANSWER", ds)).failure
        is not None
    )


def test_a_referral_without_a_ds_denies_it_with_the_soa_of_the_zone_above():
    soa = ". 60 IN SOA a. b. 1 2 3 4 5"
    nsec = "example. 60 IN NSEC z. NS RRSIG NSEC"
    signatures = [
        f"{owner} 60 IN RRSIG {of} 8 1 60 20300101000000 20200101000000 1 . AAAA"
        for owner, of in ((".", "SOA"), ("example.", "NSEC"))
    ]
    referral = entry(
        QUESTION, "SECTION AUTHORITY", "example. IN NS ns.example.", nsec, signatures[1], reply="QR NOERROR"
    )
    other = entry("other. IN A", "SECTION AUTHORITY", soa, signatures[0])
    question = "example. IN DS"
    told = is_told(
        2, question, "SECTION AUTHORITY", soa, signatures[0], nsec, signatures[1], reply="QR RD RA DO NOERROR"
    )
    steps = (asks(1, question, reply="RD DO"), told)
    made = course(server(PRIMING, referral, other), *steps, level=Level.STRICT)
    assert made.failure is None
    assert made.notes == ["filled in example. DS at 192.0.2.1: the denial of the referral"]


def test_minimised_names_are_filled_in_where_the_resolver_minimises():
    question, address = "a.b.example. IN TXT", ("SECTION ANSWER", "a.b.example. 300 IN TXT x")
    steps = (asks(1, question), is_told(2, question, *address))
    made = course(server(PRIMING, entry(question, *address)), *steps, config=ROOT)
    assert made.failure is None
    assert made.notes[0] == "filled in example. A at 192.0.2.1: no such data"
    referral = entry(
        "example. IN NS",
        "SECTION AUTHORITY",
        "example. IN NS ns.example.",
        "SECTION ADDITIONAL",
        "ns.example. IN A 192.0.2.2",
        reply="QR NOERROR",
    )
    below = server(entry(question, *address), address="192.0.2.2")
    made = course(server(PRIMING, referral), below, *steps, config=ROOT)
    assert made.failure is None
    assert "filled in example. A at 192.0.2.1: the referral" in made.notes


def test_a_family_that_is_switched_off_cannot_be_sent_to():
    config = PLAIN.replace("server:\n", "server:\n    do-ip6: no\n") + "    stub-addr: ::1\n"
    assert course(server(PRIMING, ANSWER), *BOTH, config=config).failure is None
    config = config.replace("do-ip6", "do-ip4")
    assert course(server(PRIMING, ANSWER), *BOTH, config=config).failure is not None


def test_a_bug_of_the_program_is_a_failure(monkeypatch):
    async def broken(self, query):
        raise KeyError("oops")

    monkeypatch.setattr(Staged, "work", broken)
    told = is_told(2, QUESTION, reply="QR RD RA SERVFAIL")
    assert failure(server(PRIMING, ANSWER), asks(1, QUESTION), told) == "the program met an internal error"
