"""Finding name servers that delegations describe badly, and servers that answer some types alone."""

from __future__ import annotations

import pytest

from resolver.network.base import Trouble
from resolver.network.undelivered import Undelivered
from tests.support.internet import ROOT_SERVER, Internet, Resolver, leaf, root_with
from tests.support.messages import reply

WWW = "www.example. 300 IN A 192.0.2.80"
ANSWER = ["www.example. 300 A 192.0.2.80"]


@pytest.mark.rfc(4074, "4.1")
def test_a_server_that_drops_questions_for_aaaa_goes_on_answering_others(run):
    """Seen in a scenario of Unbound's: after some of them, its zone must not count as dead."""

    async def main():
        world = Internet()
        world.zones(ROOT_SERVER, root_with("example. 3600 IN NS ns.example.", "ns.example. 3600 IN A 10.0.0.2"))
        world.script("10.0.0.2", lambda query, _: reply(query.question, [WWW]) if query.question.type == 1 else None)
        resolver = Resolver(world)
        for _ in range(3):
            await resolver.failure("www.example.", "AAAA")
            await world.clock.advance(12)
        await resolver.failure("www.example.", "AAAA")
        return await resolver.lines("www.example.")

    assert run(main()) == ANSWER
