from __future__ import annotations

import asyncio
import errno
import socket
import struct

import pytest

from resolver.network import listening, splicing
from resolver.network.base import Endpoint, Trouble
from resolver.network.clock import RealClock
from resolver.network.poller import READ, LoopPoller, new_poller
from resolver.network.splicing import Acceptor, Splice

pytestmark = pytest.mark.sockets

ANY = Endpoint("127.0.0.1", 0)


class Front:
    """An acceptor whose splices are joined with a server of the test's, at `to`."""

    def __init__(self, to: Endpoint, poller=new_poller) -> None:
        loop = asyncio.get_running_loop()
        self.poller = poller(loop)
        sock = listening.bind_tcp(ANY)
        self.at = listening.bound_to(sock)
        self.to = to
        self.splices: list[Splice] = []
        self.joined: list[Trouble | None] = []
        self.told, self.over = asyncio.Event(), asyncio.Event()
        self.moves = 0
        self.acceptor = Acceptor(sock, self.poller, RealClock(loop), self._came)
        self.acceptor.begin()

    def _came(self, splice: Splice) -> None:
        self.splices.append(splice)
        splice.owner = self
        splice.join(self.to, self._joined)

    def _joined(self, trouble: Trouble | None) -> None:
        self.joined.append(trouble)
        self.told.set()
        if trouble is not None:
            self.splices[-1].close()

    def moved(self) -> None:
        self.moves += 1

    def ended(self) -> None:
        self.over.set()

    def close(self) -> None:
        self.acceptor.close()
        for each in self.splices:
            each.close()
        assert not self.poller.watched
        self.poller.close()


class Server:
    """What the front leads to; each connection is handed over."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(
            lambda reader, writer: self.connections.put_nowait((reader, writer)), "127.0.0.1", 0
        )
        self.at = Endpoint("127.0.0.1", self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()


async def closed(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


POLLERS = pytest.mark.parametrize("poller", [new_poller, LoopPoller])


@POLLERS
def test_octets_pass_in_both_directions_and_each_end_says_when_it_is_done(on_loop, poller):
    async def main() -> None:
        async with Server() as server:
            front = Front(server.at, poller)
            reader, writer = await asyncio.open_connection(*front.at)
            writer.write(b"question")
            inner_reader, inner_writer = await server.connections.get()
            assert await inner_reader.readexactly(8) == b"question"
            writer.write_eof()
            assert await inner_reader.read() == b""
            inner_writer.write(b"a late answer")
            inner_writer.write_eof()
            assert await reader.read() == b"a late answer"
            await front.over.wait()
            assert front.joined == [None]
            assert front.moves >= 2
            await closed(writer, inner_writer)
            front.close()

    on_loop(main())


@POLLERS
def test_what_does_not_fit_waits_and_all_of_it_arrives(on_loop, poller):
    sent = bytes(range(256)) * 16_384  # 4 MiB

    async def main() -> None:
        async with Server() as server:
            front = Front(server.at, poller)
            reader, writer = await asyncio.open_connection(*front.at)
            inner_reader, inner_writer = await server.connections.get()

            async def give(to: asyncio.StreamWriter) -> None:
                to.write(sent)
                await to.drain()
                to.write_eof()

            async with asyncio.TaskGroup() as group:
                group.create_task(give(writer))
                group.create_task(give(inner_writer))
                there = group.create_task(inner_reader.read())
                back = group.create_task(reader.read())
            assert there.result() == sent
            assert back.result() == sent
            await front.over.wait()
            await closed(writer, inner_writer)
            front.close()

    on_loop(main())


def test_a_slow_reader_slows_its_writer_down(on_loop):
    async def main() -> None:
        async with Server() as server:
            front = Front(server.at)
            _reader, writer = await asyncio.open_connection(*front.at)
            _, inner_writer = await server.connections.get()
            inner_writer.transport.pause_reading()
            sock = writer.get_extra_info("socket")
            (splice,) = front.splices
            assert splice._client is not None
            given = 0
            raw = socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM)
            raw.setblocking(False)
            is_full = False
            async with asyncio.timeout(5):
                while not is_full:
                    try:
                        given += raw.send(bytes(1 << 16))
                    except BlockingIOError:
                        is_full = not splice._client.watched & READ
                        await asyncio.sleep(0)
                    assert given < 64 << 20, "it is never full"
            raw.close()
            assert splice._server is not None
            assert len(splice._server.unsent) <= splicing.CHUNK
            splice.close()
            await closed(writer, inner_writer)
            front.close()

    on_loop(main())


@POLLERS
def test_when_one_end_breaks_the_other_is_closed(on_loop, poller):
    async def main() -> None:
        async with Server() as server:
            front = Front(server.at, poller)
            reader, writer = await asyncio.open_connection(*front.at)
            _, inner_writer = await server.connections.get()
            inner = inner_writer.get_extra_info("socket")
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            inner_writer.transport.abort()
            assert await reader.read() == b""
            await front.over.wait()
            await closed(writer)
            front.close()

    on_loop(main())


def test_a_server_that_refuses_is_told_and_another_may_be_joined(on_loop):
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = Endpoint(*gone.getsockname())
        async with Server() as server:
            front = Front(server.at)
            told: list[Trouble | None] = []

            def joined(trouble: Trouble | None) -> None:
                told.append(trouble)
                if trouble is not None:
                    front.splices[-1].join(server.at, joined)

            def came(splice: Splice) -> None:
                front.splices.append(splice)
                splice.owner = front
                splice.join(nobody, joined)

            front.acceptor._came = came
            _, writer = await asyncio.open_connection(*front.at)
            writer.write(b"early")
            inner_reader, inner_writer = await server.connections.get()
            assert await inner_reader.readexactly(5) == b"early"
            assert told == [Trouble.REFUSED, None]
            await closed(writer, inner_writer)
            await front.over.wait()
            front.close()

    on_loop(main())


def test_an_address_of_a_family_that_cannot_be_reached_is_told(on_loop):
    async def main() -> None:
        front = Front(Endpoint("192.0.2.1%nowhere", 53))
        front.to = Endpoint("no address", 53)
        _, writer = await asyncio.open_connection(*front.at)
        await front.over.wait()
        assert front.joined == [Trouble.LOCAL]
        await closed(writer)
        front.close()

    on_loop(main())


def test_without_files_left_those_who_wait_are_accepted_later(on_loop, monkeypatch):
    monkeypatch.setattr(splicing, "PAUSE_S", 0.01)

    class Sock:
        """A listening socket that has no files to give at first."""

        def __init__(self, inner: socket.socket) -> None:
            self.inner, self.failures = inner, 2

        def accept(self):
            if self.failures:
                self.failures -= 1
                raise OSError(errno.EMFILE, "too many open files")
            return self.inner.accept()

        def close(self) -> None:
            self.inner.close()

    async def main() -> None:
        async with Server() as server:
            front = Front(server.at)
            front.acceptor._sock = Sock(front.acceptor._sock)
            _, writer = await asyncio.open_connection(*front.at)
            _, inner_writer = await server.connections.get()
            assert front.joined == [None]
            await closed(writer, inner_writer)
            await front.over.wait()
            front.close()

    on_loop(main())


def test_a_splice_that_is_closed_while_it_is_joined_is_gone(on_loop):
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as unread:
            front = Front(Endpoint(*unread.getsockname()))

            def came(splice: Splice) -> None:
                front.splices.append(splice)
                splice.owner = front
                splice.join(front.to, front._joined)
                assert splice.joining
                splice.close()
                splice.close()

            front.acceptor._came = came
            reader, writer = await asyncio.open_connection(*front.at)
            assert await reader.read() == b""
            assert front.joined == []
            await closed(writer)
            front.close()

    on_loop(main())


def test_a_client_that_is_done_in_both_directions_and_gone_loses_nothing_and_is_not_watched_any_more(
    on_loop, monkeypatch
):
    sent = bytes(100_000)
    woken: list[splicing._End] = []
    ready = splicing._End.ready
    monkeypatch.setattr(splicing._End, "ready", lambda end, events: (woken.append(end), ready(end, events))[1])

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as narrow:
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            narrow.setblocking(False)
            front = Front(Endpoint(*narrow.getsockname()))
            reader, writer = await asyncio.open_connection(*front.at)
            loop = asyncio.get_running_loop()
            server, _ = await loop.sock_accept(narrow)
            await front.told.wait()
            (splice,) = front.splices
            assert splice._server is not None
            splice._server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            server.shutdown(socket.SHUT_WR)
            assert await reader.read() == b""
            writer.write(sent)
            writer.write_eof()
            await closed(writer)
            for _ in range(1000):  # turns of the loop, in which there is nothing to do
                await asyncio.sleep(0)
            came = 0
            while octets := await loop.sock_recv(server, 1 << 16):
                came += len(octets)
            assert came == len(sent)
            await front.over.wait()
            assert len(woken) < 500
            server.close()
            front.close()

    on_loop(main())
