"""A table of clients that daemons share through Debian's redis-server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolver.balance.hashing import Prefixes
from resolver.balance.pool import Key, Member, Pool
from resolver.balance.sticky import Sticky
from resolver.network import shared_table
from resolver.network.clock import RealClock
from resolver.network.shared_table import SharedTable
from tests.support.pools import policy

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

PATIENCE_S = 10.0
ALICE = Key(bytes((192, 0, 2, 1)))
BOB = Key(bytes((192, 0, 2, 2)))


class Redis:
    """A redis-server of the test's own."""

    def __init__(self, path: str, directory: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._path, self._directory = path, directory
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._path, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "x"],
            cwd=self._directory,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"Ready to accept connections" in line:
                return
        pytest.fail("redis-server did not start")

    def stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def redis(tmp_path: Path, program: Callable[[str], str]) -> Iterator[Redis]:
    server = Redis(program("redis-server"), tmp_path)
    yield server
    server.stop()


class Balancer:
    """What one daemon has of a pool whose clients are kept in the store."""

    def __init__(self, redis: Redis, names: str = "abcd") -> None:
        clock = RealClock(asyncio.get_running_loop())
        self.sticky = Sticky(policy("round-robin"), Prefixes(), clock, seconds=60, maximum=1000)
        self.stood: list[bool] = []
        self._changed = asyncio.Event()
        self.table = SharedTable(redis.url, "x", "office", 60, self._learn, self._stands)
        self.sticky.store = self.table
        self.pool = Pool("office", [Member(name) for name in names], self.sticky, clock)
        self.learnt: dict[bytes, str] = {}

    def picked(self, key: Key) -> str:
        found = self.pool.pick(key)
        assert found is not None
        return found.name

    async def until(self, holds) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def connected(self) -> Balancer:
        self.table.begin()
        await self.until(lambda: self.table.is_there)
        return self

    def _learn(self, client: bytes, member: str) -> None:
        self.sticky.learn(client, member)
        self.learnt[client] = member
        self._changed.set()

    def _stands(self, is_there: bool, why: str) -> None:
        assert is_there or why
        self.stood.append(is_there)
        self._changed.set()


def test_a_client_of_one_daemon_has_the_same_member_at_another(redis: Redis, on_loop) -> None:
    async def main() -> None:
        first, second = await Balancer(redis).connected(), await Balancer(redis).connected()
        assert [first.picked(ALICE), first.picked(BOB)] == ["a", "b"]
        await second.until(lambda: second.learnt == {ALICE.client: "a", BOB.client: "b"})
        assert [second.picked(BOB), second.picked(ALICE)] == ["b", "a"]
        third = await Balancer(redis).connected()  # which reads what is there
        assert [third.picked(BOB), third.picked(ALICE)] == ["b", "a"]
        for each in (first, second, third):
            each.sticky.close()

    on_loop(main())


def test_a_client_that_moves_moves_everywhere(redis: Redis, on_loop) -> None:
    async def main() -> None:
        first, second = await Balancer(redis).connected(), await Balancer(redis).connected()
        first.picked(ALICE)
        await second.until(lambda: second.learnt == {ALICE.client: "a"})
        member = first.pool.named("a")
        assert member is not None
        first.pool.down(member)
        moved = first.picked(ALICE)
        await second.until(lambda: second.learnt == {ALICE.client: moved})
        assert second.picked(ALICE) == moved
        for each in (first, second):
            each.sticky.close()

    on_loop(main())


def test_two_that_meet_a_client_at_once_agree(redis: Redis, on_loop) -> None:
    async def main() -> None:
        first, second = Balancer(redis), Balancer(redis)
        second.picked(BOB)
        assert [first.picked(ALICE), second.picked(ALICE)] == ["a", "b"]
        for each in (first, second):
            await each.connected()
        for each in (first, second):
            await each.until(lambda each=each: ALICE.client in each.learnt)
        await first.until(lambda: first.sticky._table.get(ALICE.client)[0] == second.sticky._table.get(ALICE.client)[0])
        assert first.picked(ALICE) == second.picked(ALICE)
        for each in (first, second):
            each.sticky.close()

    on_loop(main())


def test_without_its_store_a_daemon_goes_on_and_tells_it_when_it_is_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, on_loop
) -> None:
    async def main() -> None:
        monkeypatch.setattr(shared_table, "AGAIN_S", 0.05)
        first = await Balancer(redis).connected()
        redis.stop()
        await first.until(lambda: first.stood == [True, False])
        assert [first.picked(key) for key in (ALICE, BOB, ALICE, BOB)] == ["a", "b", "a", "b"]
        redis.start()
        await first.until(lambda: first.stood == [True, False, True])
        second = await Balancer(redis).connected()
        await second.until(lambda: second.learnt == {ALICE.client: "a", BOB.client: "b"})
        assert first.table.dropped == 0
        for each in (first, second):
            each.sticky.close()

    on_loop(main())


def test_what_is_no_entry_of_ours_is_passed_over(redis: Redis, on_loop) -> None:
    async def main() -> None:
        from valkey.asyncio import Valkey

        async with Valkey.from_url(redis.url, password="x") as client:
            await client.mset({"resolverd:sticky:office:zz": "a", "resolverd:sticky:office:c0000201": b"\xff"})
            await client.mset({"resolverd:sticky:office:c0000202": "a" * 300, "resolverd:sticky:office:c0000203": "b"})
            first = await Balancer(redis).connected()
            await client.publish("resolverd:sticky:office", "nonsense")
            await client.publish("resolverd:sticky:office", "c0000204 c")
            await first.until(lambda: bytes((192, 0, 2, 4)) in first.learnt)
            assert first.learnt == {bytes((192, 0, 2, 3)): "b", bytes((192, 0, 2, 4)): "c"}
            first.sticky.close()

    on_loop(main())


def test_what_others_keep_in_another_type_or_under_a_long_key_stops_nobody(redis: Redis, on_loop) -> None:
    async def main() -> None:
        from valkey.asyncio import Valkey

        async with Valkey.from_url(redis.url, password="x") as client:
            for address in (ALICE.client, bytes((192, 0, 2, 9))):
                await client.hset(f"resolverd:sticky:office:{address.hex()}", "a", "b")
            await client.set("resolverd:sticky:office:" + "ab" * 40, "a")
            first = Balancer(redis)
            assert [first.picked(ALICE), first.picked(BOB)] == ["a", "b"]
            await first.connected()
            await first.until(lambda: BOB.client in first.learnt)
            assert first.learnt == {BOB.client: "b"}
            assert first.stood == [True]
            first.sticky.close()

    on_loop(main())


def test_a_store_that_never_comes_to_an_end_is_read_no_further_than_needed(
    redis: Redis, on_loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_table, "PAGES", 20)
    looks = []

    async def main() -> None:
        made = Balancer(redis)

        async def scan(cursor, **how):
            looks.append(cursor)
            return cursor + 1, []

        monkeypatch.setattr(made.table._valkey, "scan", scan)
        await made.connected()
        assert made.picked(ALICE) == "a"
        made.sticky.close()

    on_loop(main())
    assert looks == [*range(20)] * (len(looks) // 20)


def test_more_entries_than_a_page_are_read(redis: Redis, on_loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_table, "PAGE", 7)

    async def main() -> None:
        first = await Balancer(redis).connected()
        clients = [Key(bytes((198, 51, 100, host))) for host in range(50)]
        given = [first.picked(each) for each in clients]
        second = await Balancer(redis).connected()
        await second.until(lambda: len(second.learnt) == 50)
        assert [second.picked(each) for each in clients] == given
        for each in (first, second):
            each.sticky.close()

    on_loop(main())


@pytest.mark.parametrize("said", [b":abc\r\n", b"*1\r\n" * 3000, b"$-7\r\n", b"-\xff\x1b[31m" + b"a" * 500 + b"\r\n"])
def test_a_store_that_does_not_speak_as_one_is_away(said: bytes, on_loop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(1000):
                writer.write(said)
        writer.close()

    async def main() -> None:
        monkeypatch.setattr(shared_table, "AGAIN_S", 0.01)
        came, told = asyncio.Event(), []
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        url = f"valkey://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"

        def stands(is_there: bool, why: str) -> None:
            told.append((is_there, why))
            came.set()

        table = SharedTable(url, None, "office", 60, lambda *_: None, stands)
        table.claim(ALICE.client, "a")
        table.begin()
        async with asyncio.timeout(PATIENCE_S):
            await came.wait()
        ((is_there, why),) = told
        assert not is_there
        assert why.isprintable()
        assert len(why) < 200
        assert table._running is not None
        assert not table._running.done()
        table.close()
        await asyncio.wait([table._running])
        server.close()

    on_loop(main())
