"""Aggressive use of denials in the world that is shipped: what is proven is not asked, and is told with its proof."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.message import AD, Edns, Message, Rcode, Type
from tests.support.whole import Whole, whole

DO = Edns(do=True)


def asked(*questions: tuple[str, str], **settings: Any) -> tuple[list[tuple[Message, int]], dict[str, Any]]:
    """The responses to questions that follow one another, each with the messages that it took; what was counted."""

    async def main(made: Whole) -> tuple[list[tuple[Message, int]], dict[str, Any]]:
        found, sent = [], 0
        for of, rtype in questions:
            response = await made.ask(of, rtype, edns=DO)
            counted = dict(made.program.stats())
            found.append((response, counted["upstream.sent"] - sent))
            sent = counted["upstream.sent"]
        return found, counted

    found: tuple[list[tuple[Message, int]], dict[str, Any]] = whole(main, settings)
    return found


def types_of(section: tuple[Any, ...]) -> set[int]:
    return {rrset.type for rrset in section}


@pytest.mark.rfc(8198, "5.1")
@pytest.mark.parametrize(
    ("first", "second", "denial"),
    [
        ("gone1.example.com.", "gone1a.example.com.", Type.NSEC),
        ("nothing1.", "nothing2.", Type.NSEC),
        ("x1.example.org.", "below.x1.example.org.", Type.NSEC3),
    ],
)
def test_a_second_name_in_a_gap_is_denied_with_its_proof_and_without_a_message(
    first: str, second: str, denial: int
) -> None:
    ((one, sent), (other, none)), _ = asked((first, "A"), (second, "A"))
    assert (one.rcode, other.rcode) == (Rcode.NXDOMAIN, Rcode.NXDOMAIN)
    assert sent > 0
    assert none == 0
    assert other.flags & AD
    assert types_of(other.authority) == {Type.SOA, denial, Type.RRSIG}


@pytest.mark.rfc(8198, "5.1")
@pytest.mark.rfc(8198, "5.2")
@pytest.mark.parametrize("of", ["www.example.com.", "www.example.org."])
def test_a_second_type_that_a_name_does_not_have_is_denied_without_a_message(of: str) -> None:
    (_, (other, none)), counted = asked((of, "LOC"), (of, "CAA"))
    assert (other.rcode, other.answer, none) == (Rcode.NOERROR, (), 0)
    assert other.flags & AD
    assert counted["gaps.nodata"] == 1


@pytest.mark.rfc(8198, "5.3")
@pytest.mark.parametrize(("rtype", "parent"), [("A", "wild"), ("MX", "web")])
def test_a_wildcard_answers_for_a_second_name_in_a_gap_without_a_message(rtype: str, parent: str) -> None:
    questions = [(f"n{number}.{parent}.example.org.", rtype) for number in range(12)]
    found, counted = asked(("gone.example.org.", "A"), *questions)
    told = [(response.rcode, bool(response.answer), bool(response.flags & AD)) for response, _ in found[1:]]
    assert told == [(Rcode.NOERROR, True, True)] * 12
    assert counted["gaps.wildcard"] > 0
    assert sum(not sent for _, sent in found[1:]) == counted["gaps.wildcard"]


@pytest.mark.rfc(8198, "5.2")
def test_in_an_opted_out_zone_each_name_is_asked() -> None:
    ((_, _), (other, sent)), counted = asked(("gone1.com.", "A"), ("gone2.com.", "A"))
    assert (other.rcode, sent) == (Rcode.NXDOMAIN, 1)
    assert not other.flags & AD
    assert counted["gaps.nxdomain"] == 0


@pytest.mark.rfc(8198, "5")
def test_it_can_be_switched_off() -> None:
    (_, (other, sent)), counted = asked(
        ("gone1.example.com.", "A"), ("gone1a.example.com.", "A"), dnssec={"aggressive": False}
    )
    assert (other.rcode, sent) == (Rcode.NXDOMAIN, 1)
    assert "gaps.nxdomain" not in counted
