"""The recursive mode of the textbooks: root, TLD, authority, and back the way it came."""

from __future__ import annotations

import pytest

from resolver.message import RA
from tests.support.messages import told
from tests.support.whole import outline, whole

OFF = {"dnssec": {"validation": False}}
"""What is asked for proofs is left out of the pictures."""
RECURSIVE = {"resolver": {"mode": "recursive"}, **OFF}


def walked(name: str, rtype: str = "A", settings=RECURSIVE):
    async def main(made):
        message = await made.ask(name, rtype)
        return message, made.transcript.roots

    return whole(main, settings, transcribed=True)


@pytest.mark.rfc(1034, "4.3.1")
def test_the_root_asks_the_tld_which_asks_the_authority():
    message, roots = walked("www.example.com.")
    assert message.flags & RA
    assert told(*message.answer) == ["www.example.com. 3600 A 192.0.2.80"]
    lines = outline(roots)
    assert lines[:2] == ["c.root-servers.test. www.example.com. A", "  a.nic.com. www.example.com. A"]
    assert lines[2] in ("    ns1.example.com. www.example.com. A", "    ns2.example.com. www.example.com. A")
    assert len(lines) == 3


def test_recursion_is_desired_of_root_and_tld_and_of_nobody_else():
    _, (root,) = walked("www.example.com.")
    (tld,) = root.below
    (authority,) = tld.below
    assert [root.recursion_desired, tld.recursion_desired, authority.recursion_desired] == [True, True, False]
    assert root.came_back == tld.came_back == "NOERROR RA; answer 1 A, 1 RRSIG"
    assert authority.came_back.startswith("NOERROR AA")


def test_our_own_resolver_sends_one_message():
    async def main(made):
        await made.ask("chain.example.com.")
        return made.program.stats()["upstream.sent"]

    assert whole(main, RECURSIVE) == 1


def test_the_iterative_mode_asks_each_itself():
    _, roots = walked(
        "www.example.com.", settings={"resolver": {"mode": "iterative", "qname_minimisation": False}, **OFF}
    )
    assert all(not node.below and not node.recursion_desired for node in roots)
    assert [line.partition(".")[2].partition(" ")[0] for line in outline(roots)] == [
        "root-servers.test.",
        "root-servers.test.",
        "nic.com.",
        "example.com.",
    ]


def test_an_alias_into_another_tld_goes_through_the_root_again():
    message, (root,) = walked("shop.example.com.")
    assert told(*message.answer) == [
        "shop.example.com. 3600 CNAME store.example.co.kr.",
        "store.example.co.kr. 300 A 203.0.113.113",
    ]
    assert [node.server for node in root.below] == ["a.nic.com.", "a.nic.kr."]


def test_an_authority_that_offers_no_recursion_is_iterated_to_by_the_one_above_it():
    """lab.example.com is delegated by example.com, whose servers do not recurse: a.nic.com goes on itself."""
    _, (root,) = walked("bench.lab.example.com.")
    (tld,) = root.below
    assert [line.partition(" ")[0] for line in outline(tld.below)][-1] == "ns.lab.example.com."
    assert len(tld.below) == 2


@pytest.mark.parametrize("child", ["silent", "slow", "dangling"])
def test_whoever_is_deeper_gives_up_earlier(child):
    """So that the client hears the cause, not that the root took too long."""

    async def main(made):
        message = await made.ask(f"{child}.broken.test.")
        return message, made.took

    message, took = whole(main, RECURSIVE)
    assert took < 4.5
    assert message.rcode in (0, 2)


def test_the_root_that_recurses_being_asked_again_joins_what_it_is_doing():
    """Our resolver asks again after a while; the servers below see one question all the same."""

    async def main(made):
        await made.ask("silent.broken.test.")
        (first, *again) = made.transcript.roots
        return len(again), len(first.below), [len(node.below) for node in again]

    again, below_first, below_again = whole(main, RECURSIVE, transcribed=True)
    assert again >= 1
    assert below_first >= 1
    assert below_again == [0] * again
