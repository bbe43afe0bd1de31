"""Limits and policy zones in a whole program, over an internet in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from resolver.message import TC, Client, Edns, Question, Rcode, Transport, Type
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support.composed import Composed, composed
from tests.support.internet import ROOT_SERVER
from tests.support.messages import reply

HEAD = "$TTL 60\n@ SOA ns.test. host.test. 1 2 3 4 5\n"


def world(made: Composed) -> None:
    """evil.test. is served at 203.0.113.1, and everything else by the root itself."""

    def root(query: Any, _: Transport) -> Any:
        asked = query.question
        name = names.to_text(asked.name).lower()
        if name.endswith("evil.test."):
            return reply(
                asked,
                authority=["evil.test. 300 IN NS ns.evil.test."],
                additional=["ns.evil.test. 300 IN A 203.0.113.1"],
            )
        return reply(asked, f"{name} 5 IN A 192.0.2.1")

    made.internet.script(ROOT_SERVER, root)
    made.internet.script("203.0.113.1", lambda query, _: reply(query.question, "www.evil.test. 300 IN A 192.0.2.66"))


async def ask(made: Composed, name: str, client: str = "192.0.2.9", transport: Transport = Transport.UDP) -> Any:
    waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    query = render_query(7, Question(names.from_text(name), Type.A), rd=True, edns=Edns())
    made.program.respond(query, Client(client, 4242, transport), waiting.set_result)
    response = await waiting
    return None if response is None else parse(response)


def test_a_class_of_a_rule_is_kept_for_each_network():
    async def main(made: Composed) -> list[Any]:
        world(made)
        first = [await ask(made, "www.slow.test.") for _ in range(3)]
        other = await ask(made, "www.slow.test.", "198.51.100.1")
        usual = [await ask(made, "www.test.") for _ in range(3)]
        tcp = [await ask(made, "www.slow.test.", transport=Transport.TCP) for _ in range(2)]
        return [*first, other, *usual, *tcp]

    rules = [{"action": "limit", "limit": "slow", "suffixes": ["slow.test"]}]
    heard = composed(main, {"limits": {"classes": {"slow": 1}, "slip": 1}, "rules": rules})
    cut = [bool(each.flags & TC) for each in heard]
    assert cut == [False, True, True, False, False, False, False, False, False]
    assert (heard[-1].rcode, heard[-2].rcode) == (Rcode.REFUSED, Rcode.NOERROR)


def test_a_rule_names_a_class_that_there_is():
    from pydantic import ValidationError

    from resolver.config import Config

    rules = [{"action": "limit", "limit": "slwo", "suffixes": ["slow.test"]}]
    with pytest.raises(ValidationError, match=r"no class \"slwo\" in limits\.classes; did you mean 'slow'"):
        Config.model_validate({"limits": {"classes": {"slow": 1}}, "rules": rules})


@pytest.mark.parametrize(
    "rules", [[], [{"action": "resolve", "suffixes": ["test"]}]], ids=["without rules", "with rules"]
)
def test_what_has_expired_is_told_where_all_places_are_taken(rules):
    async def main(made: Composed) -> tuple[Any, Any]:
        world(made)
        await ask(made, "old.test.")
        await made.clock.advance(60)
        made.program._tools.counters.queries_in_flight = 1000
        return await ask(made, "old.test."), await ask(made, "new.test.")

    old, new = composed(main, {"server": {"max_in_flight": 1}, "rules": rules})
    assert [len(old.answer), old.edns.options[0][1][-6:], new] == [1, b"[STAL]", None]


@pytest.mark.parametrize(
    ("rule", "rcode"),
    [
        ("ns.evil.test.rpz-nsdname CNAME .", Rcode.NXDOMAIN),
        ("24.0.113.0.203.rpz-nsip CNAME .", Rcode.NXDOMAIN),
        ("32.66.2.0.192.rpz-ip CNAME .", Rcode.NXDOMAIN),
        ("evil.test CNAME .", Rcode.NOERROR),
    ],
)
def test_servers_that_were_asked_are_known_to_policy_zones(tmp_path: Path, rule, rcode):
    (tmp_path / "zone").write_text(f"{HEAD}{rule}\n")

    async def main(made: Composed) -> list[int]:
        world(made)
        return [(await ask(made, name)).rcode for name in ("www.evil.test.", "www.evil.test.", "www.good.test.")]

    heard = composed(main, {"rpz": [{"zone": "rpz.test", "file": tmp_path / "zone"}]})
    assert heard == [rcode, rcode, Rcode.NOERROR]


def test_a_policy_zone_comes_before_block_lists_and_can_exempt_from_them(tmp_path: Path):
    (tmp_path / "zone").write_text(f"{HEAD}fine.bad.test CNAME rpz-passthru.\n")

    async def main(made: Composed) -> list[int]:
        world(made)
        return [(await ask(made, name)).rcode for name in ("fine.bad.test.", "x.bad.test.")]

    settings = {"rpz": [{"zone": "rpz.test", "file": tmp_path / "zone"}], "filters": {"block": ["bad.test"]}}
    assert composed(main, settings) == [Rcode.NOERROR, Rcode.NXDOMAIN]
