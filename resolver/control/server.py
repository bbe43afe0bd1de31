"""Decides where a running daemon is asked: on a Unix socket, where the configuration wants it, and on TCP.

Rules: who may ask on the Unix socket is decided by its mode, 0600; on TCP by `guarding.py`. A Unix socket that cannot
be made is a warning, for answers matter more; an address of TCP that cannot be bound is an error, for somebody has
asked for it. A change of settings binds what is new before it closes what is not wanted any more. What is answered is
`routes.py`.

Limits: `MAX_CONNECTIONS` at a time on the Unix socket, and as many on each address.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from resolver.config.sections.service import Admin
from resolver.control.guarding import Guard, Head, Refusal, guard_of
from resolver.control.http import Connection
from resolver.control.table import Route, Table
from resolver.errors import ControlError, ListenError
from resolver.network import listening, unix
from resolver.network.base import Clock, Endpoint
from resolver.observe.log import Log

MAX_CONNECTIONS: Final = 16


class _Accepting:
    """What a Unix socket and an address of TCP have in common."""

    def __init__(self, table: Table, clock: Clock, log: Log) -> None:
        self.table, self.clock, self.log = table, clock, log
        self.connections: set[Connection] = set()
        self.most = MAX_CONNECTIONS
        self._server: asyncio.Server | None = None

    def refusal(self, head: Head) -> Refusal | None:
        """Why a request with this head is not answered, if it is not."""
        return None

    async def stop(self) -> None:
        """No request is answered any more. Calling it again does nothing."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None


class ControlServer(_Accepting):
    """Answers requests on a Unix socket from start to stop."""

    def __init__(self, table: Sequence[Route], clock: Clock, log: Log) -> None:
        super().__init__(Table(table, log), clock, log)
        self._path: Path | None = None

    async def start(self, path: Path) -> None:
        """Requests are answered at `path`. Raises `ControlError` if it cannot be made or is in use."""
        listener = unix.listen(path)
        self._path = path
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Connection(self), sock=listener)

    async def stop(self) -> None:
        """No request is answered any more and the socket is gone. Calling it again does nothing."""
        await super().stop()
        if self._path is not None:
            with contextlib.suppress(
                OSError
            ):  # who took the right to remove it away keeps a socket that nobody answers
                self._path.unlink(missing_ok=True)
        self._path = None


class ControlPlace:
    """A control server that stands where the configuration in force wants it."""

    def __init__(self, table: Sequence[Route], clock: Clock, log: Log) -> None:
        self._table, self._clock, self._log = table, clock, log
        self._server: ControlServer | None = None
        self._path: Path | None = None

    async def put(self, path: Path | None) -> None:
        """Requests are answered at `path`, or nowhere; where that cannot be, a warning says so and all is as before."""
        if path == self._path:
            return
        server = None
        if path is not None:
            server = ControlServer(self._table, self._clock, self._log)
            try:
                await server.start(path)
            except ControlError as wrong:
                self._log.warning("no_control", reason=str(wrong), kept=self._path)
                return
            self._log.info("control", path=path)
        await self.stop()
        self._server, self._path = server, path

    async def stop(self) -> None:
        """Nothing is answered any more. Calling it again does nothing."""
        if self._server is not None:
            await self._server.stop()
        self._server = self._path = None


class AdminServer(_Accepting):
    """Answers requests on one address of TCP; `guard` gives who may ask."""

    def __init__(self, table: Table, clock: Clock, log: Log, guard: Callable[[], Guard]) -> None:
        super().__init__(table, clock, log)
        self._guard = guard

    def refusal(self, head: Head) -> Refusal | None:
        """Why a request with this head is not answered, if it is not."""
        return self._guard().refusal(head)

    async def start(self, listener: Any) -> None:
        """Requests are answered on the bound socket `listener`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), sock=listener)


class Prepared:
    """What settings want of TCP, bound and not yet answering: to be put in force, or closed."""

    def __init__(self, guard: Guard, wanted: Sequence[Endpoint], bound: Mapping[Endpoint, Any]) -> None:
        self.guard, self.wanted, self.bound = guard, wanted, bound

    def close(self) -> None:
        """What was bound for it is not."""
        for each in self.bound.values():
            each.close()


class AdminPlace:
    """The addresses of TCP on which the configuration in force wants to be asked."""

    def __init__(self, table: Sequence[Route], clock: Clock, log: Log) -> None:
        self._table, self._clock, self._log = Table(table, log), clock, log
        self._servers: dict[Endpoint, AdminServer] = {}
        self._guard = Guard(None, ())

    def prepare(self, admin: Admin) -> Prepared:
        """What `admin` wants. Raises `ListenError` for an address that cannot be bound and `ConfigError` for a token
        that cannot be used; then nothing has changed."""
        guard, bound = guard_of(admin), {}
        try:
            for endpoint in admin.listen:
                if endpoint not in self._servers:
                    bound[endpoint] = listening.bind_tcp(endpoint)
        except ListenError as wrong:
            Prepared(guard, (), bound).close()
            instead = "stop what has it, or write another address in admin.listen"
            raise ListenError(f"no admin API: {wrong.what}", instead) from wrong
        return Prepared(guard, admin.listen, bound)

    async def put(self, prepared: Prepared) -> None:
        """What was prepared is in force, and nothing else."""
        self._guard = prepared.guard
        for endpoint, listener in prepared.bound.items():
            server = AdminServer(self._table, self._clock, self._log, lambda: self._guard)
            self._log.info("admin", listening=listening.bound_to(listener))
            await server.start(listener)
            self._servers[endpoint] = server
        await self._stop(set(self._servers) - set(prepared.wanted))

    async def stop(self) -> None:
        """Nothing is answered any more. Calling it again does nothing."""
        await self._stop(tuple(self._servers))

    async def _stop(self, endpoints: Iterable[Endpoint]) -> None:
        for endpoint in endpoints:
            await self._servers.pop(endpoint).stop()
