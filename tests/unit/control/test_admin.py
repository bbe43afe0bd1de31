"""The admin API on addresses of TCP: where it listens, whom it lets in, and what bytes cannot do to it."""

from __future__ import annotations

import asyncio
import io
import json
import random
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from resolver.config.sections.service import Admin
from resolver.control import http
from resolver.control import server as module
from resolver.control.server import AdminPlace
from resolver.errors import ConfigError, ListenError
from resolver.network.base import Clock, Endpoint, Timer
from resolver.network.clock import RealClock
from resolver.observe.log import Log
from tests.support.arranged import Asked

pytestmark = pytest.mark.sockets

TOKEN = "a-token-of-some-length"
FREE = (Endpoint("127.0.0.1", 0),)


class Stage:
    """An admin place and its log."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.text = io.StringIO()
        self.asked = Asked()
        clock = clock or RealClock(asyncio.get_running_loop())
        self.place = AdminPlace(self.asked.table.routes, clock, Log(self.text, lambda: 0.0))

    async def put(self, **settings: Any) -> None:
        await self.place.put(self.place.prepare(Admin(**settings)))

    @property
    def ports(self) -> list[int]:
        """Of all that was opened, in order."""
        return [int(line.rpartition(":")[2]) for line in self.text.getvalue().splitlines() if "event=admin " in line]

    async def raw(self, octets: bytes, *, end: bool = False) -> bytes:
        """All that comes back on a connection to the last port."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[-1])
        writer.write(octets)
        if end:
            writer.write_eof()
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def get(self, *headers: str, method: str = "GET", target: str = "/health", body: str = "") -> tuple[int, Any]:
        """Status and value."""
        lines = [f"{method} {target} HTTP/1.1", f"Content-Length: {len(body)}", *headers]
        response = await self.raw("\r\n".join([*lines, "", body]).encode("latin-1"))
        head, _, rest = response.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(rest)


def play(on_loop: Any, scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def main() -> None:
        stage = Stage()
        try:
            await scene(stage)
        finally:
            await stage.place.stop()
            await stage.place.stop()

    on_loop(main())


def test_who_says_our_name_is_answered_and_others_are_refused_and_logged(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE, hosts=["dns.test"])
        assert await stage.get("Host: localhost:1") == (200, {"status": "ok"})
        assert (await stage.get("Host: dns.test"))[0] == 200
        assert (await stage.get("Host: evil.example"))[0] == 421
        assert (await stage.get("Host: localhost", "Origin: http://evil.example"))[0] == 403
        log = stage.text.getvalue()
        assert "level=warning event=admin_wrong_host client=127.0.0.1 reason=evil.example" in log
        assert "level=warning event=admin_wrong_site client=127.0.0.1 reason=http://evil.example" in log

    play(on_loop, scene)


def test_who_has_another_token_is_refused_and_logged_without_it(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE, token=TOKEN)
        assert (await stage.get("Host: localhost", f"Authorization: Bearer {TOKEN}"))[0] == 200
        status, value = await stage.get("Host: localhost", "Authorization: Bearer another-token-than-that")
        assert (status, value["error"]) == (401, "the token is wrong")
        assert (await stage.get("Host: localhost"))[0] == 401
        log = stage.text.getvalue()
        assert log.count("event=admin_wrong_token client=127.0.0.1") == 2
        assert "another-token" not in log
        assert TOKEN not in log

    play(on_loop, scene)


def test_a_flood_of_refusals_does_not_fill_the_log(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE, token=TOKEN)
        for _ in range(20):
            await stage.get("Host: localhost")
        assert stage.text.getvalue().count("admin_wrong_token") == 5

    play(on_loop, scene)


def test_who_is_refused_is_told_so_before_the_body_is_read(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE, token=TOKEN)
        head = "PUT /zones/a.example HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
        assert (await stage.raw(f"{head}\r\n".encode())).startswith(b"HTTP/1.1 401 ")
        assert (await stage.raw(f"{head}\r\n".encode() + b" " * 900_000)).startswith(b"HTTP/1.1 401 ")
        asked = await stage.raw(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert asked.startswith(b"HTTP/1.1 401 ")

    play(on_loop, scene)


def test_a_browser_gets_no_leave_to_ask_across_sites(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE)
        asked = "OPTIONS /zones/a HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: PUT\r\n"
        assert b"403" in (await stage.raw(f"{asked}Origin: http://evil.example\r\n\r\n".encode())).split()
        answer = await stage.raw(f"{asked}\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert b"access-control" not in answer.lower()
        assert b"x-content-type-options: nosniff" in answer

    play(on_loop, scene)


def test_a_change_is_one_line_of_the_log_and_a_question_is_none(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE)
        body = '{"name": "a.example"}'
        await stage.get("Host: localhost", method="POST", target="/cache/flush", body=body)
        await stage.get("Host: localhost")
        (line,) = [line for line in stage.text.getvalue().splitlines() if "administered" in line]
        assert line.endswith("client=127.0.0.1 method=POST target=/cache/flush")

    play(on_loop, scene)


def test_settings_open_and_close_addresses_and_change_who_may_ask(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE)
        (first,) = stage.ports
        await stage.put(listen=FREE, token=TOKEN)
        assert stage.ports == [first]
        assert (await stage.get("Host: localhost"))[0] == 401
        await stage.put(listen=(*FREE, Endpoint("::1", 0)))
        assert len(stage.ports) == 2
        await stage.put()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", first)

    play(on_loop, scene)


def test_an_address_that_is_taken_changes_nothing(on_loop: Any) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE)
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = Endpoint(*holder.getsockname())
            with pytest.raises(ListenError, match=r"no admin API: .* is taken .*; stop .* admin\.listen"):
                stage.place.prepare(Admin(listen=(Endpoint("127.0.0.2", 0), taken)))
        assert (await stage.get("Host: localhost"))[0] == 200

    play(on_loop, scene)


def test_a_token_that_cannot_be_read_changes_nothing(on_loop: Any, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE)
        with pytest.raises(ConfigError):
            stage.place.prepare(Admin(listen=FREE, token_file=tmp_path / "none"))
        assert (await stage.get("Host: localhost"))[0] == 200

    play(on_loop, scene)


def test_connections_are_bounded_on_each_address(on_loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)

    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE)
        open_ones = [await asyncio.open_connection("127.0.0.1", stage.ports[0]) for _ in range(2)]
        for _, writer in open_ones:
            writer.write(b"GET ")
            await writer.drain()
        assert await stage.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        for _, writer in open_ones:
            writer.close()

    play(on_loop, scene)


class Hand(RealClock):
    """Timers that fire when the test says so."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.due: list[Callable[[], None]] = []

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        assert seconds == http.IDLE
        self.due.append(callback)

        class Cancelling:
            def cancel(_) -> None:  # noqa: N805
                self.due.remove(callback) if callback in self.due else None

        return Cancelling()


def test_a_request_that_takes_long_to_answer_is_not_ended_by_time_that_passes(on_loop: Any) -> None:
    """Moving the time of the daemon must not end the connection that asks for it."""

    async def main() -> None:
        clock = Hand()
        stage = Stage(clock)
        await stage.put(listen=FREE)
        body = b'{"data": {}}'
        head = b"PUT /zones/a.example HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        asking = asyncio.ensure_future(stage.raw(head + body))
        while not stage.asked.turns._waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for callback in tuple(clock.due):
            callback()
        await stage.asked.turns.run()
        assert (await asking).startswith(b"HTTP/1.1 200 ")
        await stage.place.stop()

    on_loop(main())


def test_whatever_bytes_come_the_next_request_is_answered(on_loop: Any) -> None:
    """Requests that are broken at random places, and octets that are none."""
    chance = random.Random(8)
    whole = (
        b"PUT /zones/shop.example?forget=false HTTP/1.1\r\nHost: localhost\r\nContent-Length: 44\r\n"
        b'Authorization: Bearer x\r\n\r\n{"data": {"www": {"A": ["192.0.2.1"]}}, "x":1}'
    )

    async def scene(stage: Stage) -> None:
        await stage.put(listen=FREE)
        for number in range(300):
            octets = bytearray(whole if number % 3 else chance.randbytes(chance.randrange(1, 400)))
            for _ in range(chance.randrange(1, 6)):
                octets[chance.randrange(len(octets))] = chance.randrange(256)
            asking = asyncio.ensure_future(stage.raw(bytes(octets[: chance.randrange(1, len(octets) + 1)]), end=True))
            while not asking.done():
                await stage.asked.turns.run()
                await asyncio.sleep(0)
            answer = asking.result()
            assert not answer or answer.startswith(b"HTTP/1.1 "), answer
            assert b" 500 " not in answer[:20], (octets, answer)
        assert "control_failed" not in stage.text.getvalue()
        assert (await stage.get("Host: localhost"))[0] == 200

    play(on_loop, scene)
