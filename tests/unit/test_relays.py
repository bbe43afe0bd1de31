from __future__ import annotations

import asyncio
import io
import socket

import pytest

from resolver import serving
from resolver.app import build
from resolver.config import Config
from resolver.errors import ListenError
from resolver.network.base import Endpoint
from resolver.network.clock import RealClock
from resolver.observe.log import Log
from resolver.program import Program
from tests.support.clocks import ManualClock

ANY = ["127.0.0.1:0"]


def config(listen: list[str] | None = None, **more) -> Config:
    edge = {"members": ["192.0.2.1"], "mode": "relay", "listen": ANY if listen is None else listen, "check": "none"}
    server = {"listen": ANY, "drain_s": 0}
    return Config.model_validate({"server": server, "world": {"in_memory": True}, "pools": {"edge": {**edge, **more}}})


def made(settings: Config) -> Program:
    return build(settings, clock=RealClock(asyncio.get_running_loop()), log=Log(io.StringIO(), lambda: 0.0))


def test_who_may_ask_is_asked_for_once_a_relay_is_open_to_others():
    clock = ManualClock()
    assert serving.access(config(), clock) is None
    access = serving.access(config(["0.0.0.0:5301"]), clock)
    assert access is not None
    assert access.allows("10.0.0.1")
    assert not access.allows("203.0.113.1")


@pytest.mark.sockets
def test_a_relay_stays_open_over_a_reload_and_follows_the_settings(on_loop):
    async def main() -> None:
        program = made(config())
        assert program.pools.relays.endpoints == []
        await program.start()
        before = program.pools.relays.endpoints
        ((name, endpoint),) = before
        assert name == "edge"
        assert endpoint.port
        await program.reload(config(relay_max_streams=3, relay_max_pending=7, relay_idle_s=9, relay_timeout_ms=900))
        assert program.pools.relays.endpoints == before
        (relay,) = program.pools.relays._open.values()
        limits = relay.streams.places.limits
        assert (limits.connections, limits.idle_seconds) == (3, 9)
        assert (relay.relaying.pending, relay.relaying.patience_s) == (7, 0.9)
        await program.stop()
        assert program.pools.relays.endpoints == []

    on_loop(main())


@pytest.mark.sockets
def test_a_reload_that_cannot_bind_leaves_the_relay_as_it_is(on_loop):
    async def main() -> None:
        program = made(config())
        await program.start()
        before = program.pools.relays.endpoints
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            with pytest.raises(ListenError):
                await program.reload(config([place]))
        assert program.pools.relays.endpoints == before
        await program.reload(config([f"127.0.0.2:{before[0][1].port}"]))
        assert program.pools.relays.endpoints == [("edge", Endpoint("127.0.0.2", before[0][1].port))]
        await program.stop()

    on_loop(main())


@pytest.mark.sockets
def test_a_program_that_stops_gives_up_what_is_under_way(on_loop):
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            place = f"127.0.0.1:{server.getsockname()[1]}"
            program = made(config(members=[place]))
            await program.start()
            ((_, endpoint),) = program.pools.relays.endpoints
            reader, writer = await asyncio.open_connection(*endpoint)
            kind = socket.SOCK_DGRAM
            with socket.socket(type=kind) as silent, socket.socket(type=kind) as udp:
                silent.bind(("127.0.0.1", server.getsockname()[1]))
                udp.connect(endpoint)
                udp.send(bytes(20))
                silent.settimeout(5)
                await asyncio.to_thread(silent.recv, 100)
                stats = program.stats()
                assert (stats["relay.pending"], stats["relay.streams_open"]) == (1, 1)
                await program.stop()
            assert await reader.read() == b""
            stats = program.stats()
            assert (stats["relay.pending"], stats["relay.streams_open"]) == (0, 0)
            assert (stats["relay.datagrams"], stats["relay.streams"]) == (1, 1)
            writer.close()

    on_loop(main())
