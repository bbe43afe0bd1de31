"""A pool of three, as one puts dnsdist before it: no client notices that one of them breaks under load, nor that it is
mended."""

from __future__ import annotations

import asyncio
import re
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from resolver.message import Edns, Question, Transport
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support.daemons import PATIENCE, Daemon, free_port
from tests.support.upstreams import HOST, Nsd, Unbound, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

PER_S = 190
"""Queries a second of the load."""
LOST_S = 5.0
"""After which a client has given up: that of stub resolvers. It asks once."""
LONGEST = 4000
"""Queries of a load at most, however long what it waits for takes."""
SOME = 60
"""Queries that are answered before something breaks, and while it is broken and known to be."""

SIMULATED, SIMULATED_ANSWER = "127.53.241.2", "192.0.2.83"
WORLD = f"""
[zone."."]
[zone."example"]
servers = ["ns.example"]
records = ["* A {SIMULATED_ANSWER}"]
[[server]]
name = "a.root-servers.test"
address = "127.53.241.1"
zones = ["."]
[[server]]
name = "ns.example"
address = "{SIMULATED}"
"""

ANSWERS = {"unbound": Unbound.address, "nsd": Nsd.address, "simulated": SIMULATED_ANSWER}
"""By the name of each member, so that an answer tells who gave it."""

CONFIGURATION = f"""
[server]
listen = ["{HOST}:0"]
[resolver]
roots = "internet"
forward_zones = {{ "." = "three" }}
[dnssec]
validation = false
[pools.three]
members = [%s]
policy = "round-robin"
slow_start_s = 0
check_name = "check.example"
check_type = "A"
check_interval_ms = 500
check_timeout_ms = 500
check_fall = 2
check_rise = 1
"""


@dataclass
class Gateway:
    """Our daemon before a pool of three: a resolver, an authority, and a server of a simulated internet."""

    daemon: Daemon
    unbound: Upstream
    nsd: Upstream
    simulating: Daemon
    loads: int = 0
    """How many there have been."""

    def changes(self, member: str, how: str, after: int) -> None:
        """The log has told, behind its first `after` characters, that the state of `member` has changed so."""
        self.daemon.log.wait_for(rf"event=pool_member pool=three member={member} {how}", after)

    def shown(self, member: str) -> str:
        """What `resolver pools` shows of `member`."""
        done = self.daemon.resolver("pools", "--socket", str(self.daemon.socket))
        found = re.search(rf"^  {member} .*$", done.stdout, re.MULTILINE)
        assert found, done
        return found[0]

    def fault(self, **fault: object) -> None:
        """The simulated server has a fault from now on."""
        self.simulating.control("POST", "/faults", {"server": "ns.example", **fault})

    def faultless(self) -> None:
        """It has none any more."""
        self.simulating.control("DELETE", "/faults")


@pytest.fixture(scope="module")
def gateway(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The pool is asked in turn, so that each member has its part of the load for as long as it may."""
    place = tmp_path_factory.mktemp("gateway")
    with ExitStack() as ends:
        others: list[Upstream] = []
        for kind in (Unbound, Nsd):
            others.append(kind(place / kind.program, None, program(kind.program)))
            ends.callback(others[-1].stop)
        world = place / "world"
        world.mkdir()
        (world / "hierarchy.toml").write_text(WORLD)
        simulating = Daemon(world, "--world", str(world), "--listen", f"{HOST}:{free_port()}")
        ends.callback(simulating.kill)
        places = [*(str(each.at(Transport.UDP)) for each in others), f"{SIMULATED}:{simulating.port}"]
        members = [f'{{name = "{name}", address = "{at}"}}' for name, at in zip(ANSWERS, places, strict=True)]
        (place / "resolver.toml").write_text(CONFIGURATION % ", ".join(members))
        daemon = Daemon(place, "--config", "resolver.toml")
        ends.callback(daemon.kill)
        yield Gateway(daemon, *others, simulating)
        daemon.stop()
        simulating.stop()


class Client(asyncio.DatagramProtocol):
    """Asks for a new name each time, once, from one socket; holds what came of each."""

    def __init__(self, label: str) -> None:
        """What it asks for has `label` in it."""
        self._label = label
        self.answers: Counter[str] = Counter()
        """How often each address was the answer."""
        self.wrong: list[str] = []
        self.slowest_s = 0.0
        self.outstanding: dict[int, tuple[Question, float]] = {}
        """What has no answer, and when it was asked."""
        self._time = asyncio.get_running_loop().time
        self._news = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, _: object) -> None:
        message = parse(data)
        question, asked = self.outstanding.pop(message.id, (None, 0.0))
        records = [each.rdatas for each in message.answer if question and each[:2] == question[:2]]
        if message.rcode or len(records) != 1 or len(records[0]) != 1:
            self.wrong.append(f"{question}: {message}")
        else:
            self.answers[".".join(map(str, records[0][0]))] += 1
        self.slowest_s = max(self.slowest_s, self._time() - asked)
        self._news.set()

    async def ask(self, over: asyncio.Event) -> None:
        """Queries have been sent at the rate of the load until it was `over`; fails if that never comes."""
        for number in range(LONGEST):
            if over.is_set():
                return
            question = Question(names.from_text(f"n{number}.{self._label}.example."), 1)
            self.outstanding[number] = question, self._time()
            self._transport.sendto(render_query(number, question, rd=True, edns=Edns()))
            await asyncio.sleep(1 / PER_S)
        raise AssertionError(f"{LONGEST} queries, and it is not over")

    async def until(self, condition: Callable[[], bool]) -> None:
        """`condition`, which answers change, holds."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def answered(self, more: int, by: str | None = None) -> None:
        """So many more queries have been answered, `by` that member."""

        def count() -> int:
            return self.answers.total() if by is None else self.answers[ANSWERS[by]]

        wanted = count() + more
        await self.until(lambda: count() >= wanted)


async def in_mid_load(
    gateway: Gateway, member: str, breaks: Callable[[], object], why: str, mends: Callable[[], object], counted: str
) -> None:
    """`member` broke under load, went down for the reason `why`, was mended and came back, and nobody has noticed.
    Some questions were asked of another member for that, which is `counted` by that name."""
    loop = asyncio.get_running_loop()

    async def done(do: Callable[..., Any], *args: object) -> Any:
        return await loop.run_in_executor(None, do, *args)

    async def story() -> None:
        spent = (await done(gateway.daemon.stats))[counted]
        await client.until(lambda: set(client.answers) == set(ANSWERS.values()))
        await client.answered(SOME)
        before = len(gateway.daemon.log.text)
        await done(breaks)
        try:
            await done(gateway.changes, member, f'state=down before=up reason="{why}" left=', before)
            assert re.search(rf" down .* {why}$", await done(gateway.shown, member))
            await client.answered(SOME)
        finally:
            await done(mends)
        await done(gateway.changes, member, "state=up before=down left=", before)
        await client.answered(SOME // 6, by=member)
        assert (await done(gateway.daemon.stats))[counted] > spent

    where = gateway.daemon.host, gateway.daemon.port
    gateway.loads += 1
    client = Client(f"load{gateway.loads}")
    transport, _ = await loop.create_datagram_endpoint(lambda: client, remote_addr=where)
    over = asyncio.Event()
    load = asyncio.ensure_future(client.ask(over))
    try:
        await story()
        over.set()
        await load
        with suppress(TimeoutError):
            await asyncio.wait_for(client.until(lambda: not client.outstanding), LOST_S)
    finally:
        load.cancel()
        transport.close()
    assert not client.wrong
    assert len(client.outstanding) == 0, f"lost, of {client.answers.total()} others: {client.outstanding}"
    assert client.slowest_s < LOST_S


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 2 * PATIENCE))


def test_no_client_notices_that_an_upstream_is_stopped_in_mid_load(gateway: Gateway) -> None:
    stops, starts = gateway.unbound.kill, gateway.unbound.start
    run(in_mid_load(gateway, "unbound", stops, "connection refused", starts, "forwarded.retried"))


def test_no_client_notices_that_an_upstream_falls_silent_in_mid_load(gateway: Gateway) -> None:
    halts, goes_on = (partial(gateway.nsd.signal, each) for each in (signal.SIGSTOP, signal.SIGCONT))
    run(in_mid_load(gateway, "nsd", halts, "no reply in time", goes_on, "forwarded.retried"))


def test_no_client_notices_that_an_upstream_is_slow_in_mid_load(gateway: Gateway) -> None:
    slows = partial(gateway.fault, kind="latency", ms=600)
    run(in_mid_load(gateway, "simulated", slows, "no reply in time", gateway.faultless, "forwarded.hedged"))


def test_no_client_notices_that_an_upstream_answers_servfail_in_mid_load(gateway: Gateway) -> None:
    fails = partial(gateway.fault, kind="servfail")
    run(in_mid_load(gateway, "simulated", fails, "it answers SERVFAIL", gateway.faultless, "forwarded.retried"))
