"""Upstreams over TLS and HTTPS that other people wrote: Debian's unbound and knot-resolver, asked by our network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from resolver.message import Edns, Question, Transport
from resolver.network.base import Trouble
from resolver.network.base import Upstream as Named
from resolver.network.encrypted import Terms
from resolver.network.sockets import SocketNetwork
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support.authorities import Authority
from tests.support.sockets import Inbox, network
from tests.support.upstreams import PATH, Kresd, Unbound, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

NAME = "dns.example"
Program = Callable[[str], str]
ENCRYPTED = [Transport.TLS, Transport.HTTPS]
PER_S = 150
"""Queries a second of a load."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def start(authority: Authority, program: Program, tmp_path: Path) -> Iterator[Callable[..., Upstream]]:
    """`start(Unbound, "dns.example", days=3)`: one that runs until the test ends, with such a certificate."""
    started: list[Upstream] = []

    def begin(kind: type[Upstream], *names: str, **validity: int) -> Upstream:
        path, certificate = program(kind.program), authority.sign(*names, **validity)
        started.append(kind(tmp_path / str(len(started)), certificate, path))
        return started[-1]

    try:
        yield begin
    finally:
        for each in started:
            each.stop()


def on_a_loop(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 30))


def terms(
    world: SocketNetwork, there: Upstream, transport: Transport, ca: str, name: str = NAME, *, gets: bool = False
) -> Terms:
    """How `there` is spoken to over `transport`."""
    path = PATH if transport is Transport.HTTPS else ""
    return Terms(Named(there.at(transport), transport, name, path), world.encrypted().context(ca, transport), gets)


def query(number: int) -> bytes:
    name = names.from_text(f"n{number}.example.")
    return render_query(number, Question(name, 1), rd=True, edns=Edns())


def is_answered(came: bytes | Trouble, number: int, there: Upstream) -> bool:
    """Whether `came` is the answer of `there` to the query of that number."""
    if isinstance(came, Trouble):
        return False
    message = parse(came)
    rdata = bytes(map(int, there.address.split(".")))
    return message.id == number and [rrset.rdatas for rrset in message.answer] == [(rdata,)]


async def asked(world: SocketNetwork, how: Terms, number: int) -> bytes | Trouble:
    inbox = Inbox()
    world.encrypted().send(how, query(number), inbox)
    return (await inbox.wait_for(1))[0]


@pytest.mark.parametrize("kind", [Unbound, Kresd])
def test_questions_are_answered_over_one_connection_each(
    start: Any, authority: Authority, kind: type[Upstream]
) -> None:
    there = start(kind, NAME, "127.0.0.1")

    async def main() -> None:
        world = network()
        for count, how in enumerate(
            [
                terms(world, there, Transport.TLS, authority.pem),
                terms(world, there, Transport.HTTPS, authority.pem),
                terms(world, there, Transport.TLS, authority.pem, name=""),
                terms(world, there, Transport.HTTPS, authority.pem, gets=True),
            ],
            1,
        ):
            came = await asyncio.gather(*(asked(world, how, number) for number in range(1, 80)))
            assert all(is_answered(each, number, there) for number, each in enumerate(came, 1)), how
            counts = world.counts()
            assert counts["upstream.tls_handshakes"] == counts["upstream.tls_connections"] == count
        assert world.counts()["upstream.tls_sent"] == world.counts()["upstream.https_sent"] == 2 * 79

    on_a_loop(main())


@pytest.mark.rfc(8310, "8.1")
@pytest.mark.parametrize("kind", [Unbound, Kresd])
def test_a_certificate_that_does_not_hold_is_told_and_nothing_is_asked(
    start: Any, authority: Authority, tmp_path: Path, kind: type[Upstream]
) -> None:
    there = start(kind, "other.example", began=-9, days=20)
    stranger = Authority(tmp_path, "Stranger")

    async def main(expected: list[tuple[str, str]]) -> None:
        world = network()
        for transport in ENCRYPTED:
            for ca, why in expected:
                came = await asked(world, terms(world, there, transport, ca), 1)
                assert str(came).startswith(f"{Trouble.UNTRUSTED}: {why}"), came

    unknown = (stranger.pem, "CN=Test Authority signed it, of whom nobody trusted here vouches")
    on_a_loop(main([(authority.pem, "it is for other.example, not for dns.example"), unknown]))
    there.stop()
    there.certificate = authority.sign(NAME, began=-9, days=3)
    there.start()
    on_a_loop(main([(authority.pem, "it expired on ")]))


@pytest.mark.parametrize("transport", ENCRYPTED)
@pytest.mark.parametrize("kind", [Unbound, Kresd])
def test_an_upstream_that_restarts_under_load_loses_nothing_that_another_can_answer(
    start: Any, authority: Authority, kind: type[Upstream], transport: Transport
) -> None:
    restarting, other = start(kind, NAME), start(Kresd if kind is Unbound else Unbound, NAME)

    async def main() -> None:
        loop, world = asyncio.get_running_loop(), network()
        both = [terms(world, each, transport, authority.pem) for each in (restarting, other)]
        told: list[Trouble] = []

        async def answered(number: int) -> bool:
            came = await asked(world, both[0], number)
            if is_answered(came, number, restarting):
                return True
            assert isinstance(came, Trouble)
            told.append(came)
            return is_answered(await asked(world, both[1], number), number, other)

        async def load(numbers: range) -> list[bool]:
            tasks = []
            for number in numbers:
                tasks.append(asyncio.ensure_future(answered(number)))
                await asyncio.sleep(1 / PER_S)
            return await asyncio.gather(*tasks)

        before = await load(range(1, 60))
        running = asyncio.ensure_future(load(range(100, 250)))
        await loop.run_in_executor(None, restarting.stop)
        await loop.run_in_executor(None, restarting.start)
        assert all([*before, *await running])
        assert {each.kind for each in told} <= {Trouble.REFUSED, Trouble.RESET}
        assert is_answered(await asked(world, both[0], 300), 300, restarting), "it is asked again"
        assert not await load(range(0))

    on_a_loop(main())
