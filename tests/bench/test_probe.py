"""The question that times the start is a question, and only an answer ends the wait."""

from __future__ import annotations

import dns.message
import dns.rcode
import dns.rrset

from tests.bench.probe import has_answer, question

ASKED = dns.message.from_wire(question("www.example.com"))


def test_the_question_asks_for_an_address_with_recursion() -> None:
    assert ASKED.to_wire() == dns.message.make_query("www.example.com", "A", id=ASKED.id).to_wire()


def test_an_answer_is_one() -> None:
    response = dns.message.make_response(ASKED)
    response.answer.append(dns.rrset.from_text("www.example.com.", 60, "IN", "A", "192.0.2.1"))
    assert has_answer(response.to_wire())


def test_errors_empty_answers_and_queries_are_none() -> None:
    failed = dns.message.make_response(ASKED)
    assert not has_answer(failed.to_wire())
    failed.answer.append(dns.rrset.from_text("www.example.com.", 60, "IN", "A", "192.0.2.1"))
    failed.set_rcode(dns.rcode.SERVFAIL)
    assert not has_answer(failed.to_wire())
    assert not has_answer(question("www.example.com"))
    assert not has_answer(b"\x5e\xed\x80")
