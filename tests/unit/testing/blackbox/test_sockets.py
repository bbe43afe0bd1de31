"""The servers of a script and its clients, on real sockets that meet each other."""

from __future__ import annotations

import asyncio
import socket

import pytest

from resolver.message import RD, Message, Question, Transport, Type
from resolver.network.base import Endpoint
from resolver.network.clock import RealClock
from resolver.testing.blackbox import dated
from resolver.testing.blackbox.clients import MAX_ODD, Clients
from resolver.testing.blackbox.servers import Servers
from resolver.testing.replay.network import ScriptedNetwork
from resolver.testing.replay.settings import Arrangement
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.daemons import free_port
from tests.support.messages import name
from tests.support.scripts import asks, entry, scenario, server

pytestmark = pytest.mark.sockets

QUESTION = "www.example. IN A"
ANSWER = entry(QUESTION, "SECTION ANSWER", "www.example. IN A 192.0.2.7")


def query(ident: int, owner: str = "www.example.") -> bytes:
    return render(Message(ident, RD, 0, Question(name(owner), Type.A)))


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_server_answers_who_asks_it_and_is_silent_where_the_script_is(host: str, transport: Transport) -> None:
    """What is no message is passed over, and so is what no entry answers."""
    made = scenario(server(ANSWER, address=host), asks(1, QUESTION))
    port = free_port()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        arrived, every = [0], asyncio.Event()

        def arrive() -> None:
            arrived[0] += 1
            if arrived[0] == 3:
                every.set()

        network = ScriptedNetwork(made, RealClock(loop), Arrangement(), lambda: None)
        servers = Servers(network, arrive)
        await servers.bind([host], port)
        clients = Clients(Endpoint(host, port))
        answers: list[bytes] = []
        heard = asyncio.Event()

        def take(answer: bytes) -> None:
            answers.append(answer)
            heard.set()

        clients.ask(b"\0\1no message at all", None, transport, take, odd=True)
        clients.ask(query(2, "other.example."), None, transport, take)
        clients.ask(query(3), None, transport, take)
        await asyncio.wait_for(heard.wait(), 10)
        await asyncio.wait_for(every.wait(), 10)
        clients.close()
        servers.close()
        assert [parse(answer).id for answer in answers] == [3]
        assert [(sent.to, sent.transport) for sent in network.sent if sent.replied] == [(Endpoint(host, 53), transport)]
        assert len(network.sent) == 2

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_connection_that_is_open_at_the_end_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """As those that a daemon keeps for its next query."""
    made = scenario(server(ANSWER, address="127.0.0.1"), asks(1, QUESTION))
    port = free_port()

    async def main() -> None:
        heard = asyncio.Event()
        servers = Servers(
            ScriptedNetwork(made, RealClock(asyncio.get_running_loop()), Arrangement(), lambda: None), heard.set
        )
        await servers.bind(["127.0.0.1"], port)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(len(query(1)).to_bytes(2, "big") + query(1))
        await asyncio.wait_for(heard.wait(), 10)
        servers.close()
        writer.close()

    asyncio.run(main())
    assert not caplog.records


def test_an_address_that_is_taken_is_an_error_and_nothing_is_left_open() -> None:
    made = scenario(server(ANSWER, address="127.0.0.1"), asks(1, QUESTION))

    async def main(port: int) -> None:
        network = ScriptedNetwork(made, RealClock(asyncio.get_running_loop()), Arrangement(), lambda: None)
        servers = Servers(network, lambda: None)
        try:
            await servers.bind(["127.0.0.1"], port)
        finally:
            servers.close()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            asyncio.run(main(held.getsockname()[1]))


def test_only_the_answer_with_the_id_of_the_query_is_one() -> None:
    async def main() -> list[bytes]:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            other.setblocking(False)
            clients = Clients(Endpoint("127.0.0.1", other.getsockname()[1]))
            answers: list[bytes] = []
            heard = asyncio.Event()
            clients.ask(query(7), None, Transport.UDP, lambda answer: (answers.append(answer), heard.set())[0])
            wire, source = await loop.sock_recvfrom(other, 512)
            for answer in (b"", wire, b"\0\6\x80\0", b"\0\7\x80\0first", b"\0\7\x80\0second"):
                await loop.sock_sendto(other, answer, source)
            await asyncio.wait_for(heard.wait(), 10)
            clients.close()
            return answers

    assert asyncio.run(main()) == [b"\0\7\x80\0first"]


def test_octets_that_are_no_query_hold_a_bounded_number_of_sockets() -> None:
    async def main() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            clients = Clients(Endpoint("127.0.0.1", silent.getsockname()[1]))
            for _ in range(MAX_ODD + 50):
                clients.ask(b"\0", None, Transport.UDP, lambda answer: None, odd=True)
            held = len(clients._sockets)
            clients.close()
            assert not clients._sockets
            return held

    assert asyncio.run(main()) == MAX_ODD


def test_a_date_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert dated.run(["serve"]) == 2
    assert capsys.readouterr().err == "resolver: write the date in seconds since 1970, and then a command\n"
