"""What can be asked of a running daemon."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from resolver.cli.control_client import ask
from resolver.control import server as module
from resolver.control.server import ControlServer
from resolver.control.table import Route
from resolver.errors import ControlError
from resolver.network import unix
from resolver.network.base import Clock, Timer
from resolver.network.clock import RealClock
from resolver.observe.log import Log
from tests.support.arranged import Asked, Program


class Hand(Clock):
    """Timers that fire when the test says so."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        self.due.append(callback)
        return asyncio.get_running_loop().call_later(1000, lambda: None)


def server(program: Program | None = None, clock: Clock | None = None) -> ControlServer:
    table = Asked(program=program).table.routes
    log = Log(io.StringIO(), lambda: 0.0)
    return ControlServer(table, clock or RealClock(asyncio.get_running_loop()), log)


async def asked(path: Path, method: str, target: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
    return await asyncio.to_thread(ask, path, method, target, body)


async def raw(path: Path, request: bytes) -> tuple[bytes, dict[str, Any]]:
    """Head and JSON body of the response to octets of the test's own making."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(request)
    response = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = response.partition(b"\r\n\r\n")
    return head, json.loads(body) if body else {}


async def until(done: Callable[[], bool]) -> None:
    """The loop has turned until `done`."""
    for _ in range(10_000):
        if done():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to pass")


class Served:
    """`async with Served(path):` a control server at `path`."""

    def __init__(self, path: Path, program: Program | None = None, clock: Clock | None = None) -> None:
        self.path, self.program, self.clock = path, program, clock

    async def __aenter__(self) -> ControlServer:
        self.server = server(self.program, self.clock)
        await self.server.start(self.path)
        return self.server

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "control.sock"


@pytest.mark.sockets
def test_an_answer_may_come_later_and_fail(path: Path, on_loop: Any) -> None:
    """Also to a client that has closed its side in the meantime, as `nc -N` does."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[object]] = []

        def later(_: object) -> object:
            futures.append(loop.create_future())
            return futures[-1]

        served = ControlServer([Route("GET", "/later", "", later)], RealClock(loop), Log(io.StringIO(), lambda: 0.0))
        await served.start(path)

        async def ask_and_close() -> bytes:
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n")
            writer.write_eof()
            response = await reader.read()
            writer.close()
            return response

        for number in range(3):
            asking = asyncio.ensure_future(ask_and_close())
            await until(lambda wanted=number + 1: len(futures) == wanted)
            for _ in range(10):
                await asyncio.sleep(0)
            assert not asking.done()
            if number == 0:
                futures[-1].set_result({"at": "last"})
            elif number == 1:
                futures[-1].set_exception(ValueError("boom"))
            else:
                futures[-1].cancel()
            response = await asking
            expected = [b'{"at": "last"}', b"ValueError; the log says more", b"the daemon is ending"][number]
            assert expected in response
            assert response.split()[1] == [b"200", b"500", b"503"][number]
        await served.stop()

    on_loop(main())


@pytest.mark.sockets
def test_what_the_routes_give(path: Path, on_loop: Any) -> None:
    program = Program()

    async def main() -> None:
        async with Served(path, program):
            assert await asked(path, "GET", "/health") == {"status": "ok"}
            assert await asked(path, "GET", "/stats") == {"queries.udp": 3, "mode": "iterative"}
            assert len((await asked(path, "GET", "/cache"))["entries"]) == 100
            assert len((await asked(path, "GET", "/cache?limit=7"))["entries"]) == 7
            body = {"name": "Example.com", "subtree": True}
            assert await asked(path, "POST", "/cache/flush", body) == {"flushed": 2}
            config = await asked(path, "GET", "/config")
            assert config["settings"]["cache"]["size_mb"] == 64
            assert config["sources"]["cache.size_mb"] == "default"

    on_loop(main())
    assert program.flushed == [(b"\7example\3com\0", True)]
    assert not path.exists()


@pytest.mark.sockets
def test_what_is_refused_says_why(path: Path, on_loop: Any) -> None:
    async def refusal(method: str, target: str, body: Mapping[str, object] | None = None) -> str:
        with pytest.raises(ControlError) as caught:
            await asked(path, method, target, body)
        return str(caught.value)

    async def main() -> None:
        async with Served(path):
            assert await refusal("GET", "/cache?limit=0") == "limit is 0; write an integer from 1 to 10000"
            assert await refusal("GET", "/cache?limit=x") == 'limit is "x"; write an integer from 1 to 10000'
            assert await refusal("GET", "/cache?limi=1") == "\"limi\" is no parameter; did you mean 'limit'?"
            assert await refusal("GET", "/cache?" + "&".join("abcdefghijklmnopqrst")) == (
                "more than 16 parameters in the query string"
            )
            assert (
                await refusal("POST", "/cache/flush", {"name": 3}) == "name is 3; write a text of 1 to 1024 characters"
            )
            assert (
                await refusal("POST", "/cache/flush") == 'the body has no "name"; write a text of 1 to 1024 characters'
            )
            assert "empty label" in await refusal("POST", "/cache/flush", {"name": "a..b"})
            assert await refusal("POST", "/cache/flush", {"name": "boom"}) == "RuntimeError; the log says more"
            assert await refusal("GET", "/x%1b") == 'nothing is at "/x%1b"'

    on_loop(main())


@pytest.mark.sockets
def test_a_path_that_is_not_there_lists_the_routes(path: Path, on_loop: Any) -> None:
    async def main() -> None:
        async with Served(path):
            head, body = await raw(path, b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 404 ")
            known = [line.partition(":")[0] for line in body["routes"]]
            assert known[:4] == ["GET /health", "GET /config", "GET /openapi.json", "GET /stats"]
            assert len(known) == len(set(known)) > 40

    on_loop(main())


@pytest.mark.rfc(9110, "15.5.6")
@pytest.mark.sockets
def test_a_method_that_is_not_allowed_says_which_are(path: Path, on_loop: Any) -> None:
    async def main() -> None:
        async with Served(path):
            head, body = await raw(path, b"DELETE /cache HTTP/1.1\r\nHost: x\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 405 ")
            assert b"\r\nallow: GET\r\n" in head + b"\r\n"
            assert body["error"] == "/cache is asked by GET"

    on_loop(main())


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x00\x1c\x12\x34\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /stats HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000, b"431"),
        (b"POST /cache/flush HTTP/1.1\r\nHost: x\r\nContent-Length: 1100000\r\n\r\n" + b" " * 1_100_000, b"413"),
        (b"POST /cache/flush HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]", b"400"),
        (b"POST /cache/flush HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\xff{}}", b"400"),
    ],
)
def test_what_is_no_request_is_answered_with_an_error(path: Path, on_loop: Any, request_: bytes, status: bytes) -> None:
    async def main() -> None:
        async with Served(path) as served:
            head, body = await raw(path, request_)
            assert head.split()[1] == status
            assert "\n" not in body["error"]
            await until(lambda: not served.connections)

    on_loop(main())


@pytest.mark.sockets
def test_head_is_answered_without_a_body(path: Path, on_loop: Any) -> None:
    async def main() -> None:
        control = server()
        await control.start(path)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"HEAD /stats HTTP/1.1\r\nhost: x\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 405 ")
        assert b"allow: GET" in head.lower().replace(b"get", b"GET")
        assert body == b""
        writer.close()
        await control.stop()

    on_loop(main())


def test_a_request_may_come_in_pieces_and_wait_for_leave(path: Path, on_loop: Any) -> None:
    async def main() -> None:
        async with Served(path):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"POST /cache/flush HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n")
            writer.write(b"Content-Length: 12\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
            for octet in b'{"name":"a"}':
                writer.write(bytes((octet,)))
                await writer.drain()
            assert (await reader.read()).endswith(b'{"flushed": 2}\n')
            writer.close()
            await writer.wait_closed()

    on_loop(main())


@pytest.mark.sockets
def test_only_the_first_of_several_requests_on_a_connection_is_answered(path: Path, on_loop: Any) -> None:
    async def main() -> None:
        async with Served(path):
            head, _ = await raw(path, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            assert b"\r\nconnection: close" in head

    on_loop(main())


@pytest.mark.sockets
def test_a_connection_that_asks_nothing_is_closed_in_time(path: Path, on_loop: Any) -> None:
    clock = Hand()

    async def main() -> None:
        async with Served(path, clock=clock):
            reader, writer = await asyncio.open_unix_connection(str(path))
            await until(lambda: bool(clock.due))
            clock.due[0]()
            assert await reader.read() == b""
            writer.close()

    on_loop(main())


@pytest.mark.sockets
def test_connections_are_bounded(path: Path, on_loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)

    async def main() -> None:
        async with Served(path, clock=Hand()) as served:
            first = await asyncio.open_unix_connection(str(path))
            second = await asyncio.open_unix_connection(str(path))
            await until(lambda: len(served.connections) == 2)
            reader, writer = await asyncio.open_unix_connection(str(path))
            assert await reader.read() == b""
            for one in (first[1], second[1], writer):
                one.close()

    on_loop(main())


@pytest.mark.sockets
def test_stopping_closes_what_is_open_and_may_be_repeated(path: Path, on_loop: Any) -> None:
    async def main() -> None:
        served = server(clock=Hand())
        await served.start(path)
        reader, writer = await asyncio.open_unix_connection(str(path))
        await until(lambda: bool(served.connections))
        await served.stop()
        await served.stop()
        assert await reader.read() == b""
        writer.close()

    on_loop(main())


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "is no resolverd"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "is no resolverd"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "its answer is no JSON object"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", "refuses with status 500"),
    ],
)
def test_the_client_is_not_taken_in_by_other_servers(path: Path, answer: bytes, why: str, on_loop: Any) -> None:
    async def main() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        other = await asyncio.start_unix_server(talk, str(path))
        async with other:
            with pytest.raises(ControlError, match=why):
                await asked(path, "GET", "/stats")

    on_loop(main())


@pytest.mark.sockets
def test_the_client_does_not_wait_for_ever(path: Path) -> None:
    with unix.listen(path), pytest.raises(ControlError, match=r"does not answer within 0\.01 s"):
        ask(path, "GET", "/stats", timeout=0.01)
