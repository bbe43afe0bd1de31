"""Decides how the octets of a stream are passed on to another one, unread.

Rules
* What is read at one end is written to the other; nothing more is read while what was read before has no room there.
  So a slow reader slows its writer down, and nothing piles up here.
* An end that says that it is done (FIN) has that passed on after its last octet; the other direction goes on. The
  splice is over once both have said so, or one breaks, after which the other is closed, too.
* Who connects is accepted as long as files may be opened; when no more may, those who wait do so for `PAUSE_S`.

Limits: `CHUNK` octets in each direction, but for what an end had sent before it was gone. Connections in the kernel's
queue are those of `listening.BACKLOG`. Nothing here looks at time: who is idle is its owner's to say.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable
from typing import Final, Protocol

from resolver.network.base import Clock, Endpoint, Timer, Trouble
from resolver.network.poller import READ, WRITE, Poller
from resolver.network.ports import family_of, stream_socket
from resolver.network.troubles import local_trouble_of, trouble_of

CHUNK: Final = 64 * 1024
ACCEPTED: Final = 16
"""Connections accepted per wake-up."""
PAUSE_S: Final = 0.5
_NO_FILES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Joined = Callable[[Trouble | None], None]
"""Told once that the other end is there, or why it is not; then the first end is still open."""


class Owner(Protocol):
    """Who has a splice."""

    def moved(self) -> None:
        """Octets have passed."""
        ...

    def ended(self) -> None:
        """Both ends are closed."""
        ...


class Splice:
    """A client's connection, and the one to a server that it is joined with."""

    __slots__ = ("_client", "_joined", "_poller", "_server", "host", "owner")

    def __init__(self, sock: socket.SocketType, host: str, poller: Poller) -> None:
        """`sock`, connected to the client at `host`, is owned from now on. Nothing is read of it until it is joined."""
        self.host = host
        self.owner: Owner | None = None
        self._poller = poller
        self._client: _End | None = _End(sock, self)
        self._server: _End | None = None
        self._joined: Joined | None = None

    def join(self, to: Endpoint, joined: Joined) -> None:
        """The server `to` is connected to, which `joined` is told of, perhaps at once. May be called again after it
        could not be reached."""
        try:
            sock = stream_socket(family_of(to.host))
        except OSError as error:
            joined(local_trouble_of(error))
            return
        try:
            code = sock.connect_ex(to)
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, "")
            self._server = _End(sock, self)
            self._joined = joined
            self._poller.add(sock.fileno(), self._server, WRITE)
        except (OSError, OverflowError) as wrong:
            self._server = self._joined = None
            sock.close()
            joined(local_trouble_of(wrong))

    def close(self) -> None:
        """Both ends are closed, and what has not left is lost. Calling it again does nothing."""
        client, self._client = self._client, None
        server, self._server = self._server, None
        self._joined = None
        for end in (client, server):
            if end is not None:
                end.drop(self._poller)
        if client is not None and self.owner is not None:
            self.owner.ended()

    # -- told by the ends

    def writable(self) -> None:
        """The server's end has come to be, one way or the other."""
        server, joined = self._server, self._joined
        if server is None or joined is None or self._client is None:
            return
        self._joined = None
        code = server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._server = None
            server.drop(self._poller)
            joined(trouble_of(OSError(code, "")))
            return
        try:
            self._poller.add(self._client.fd, self._client, READ)
        except OSError:  # no more can be watched
            self.close()
            return
        self._client.watched = READ
        server.watched = WRITE
        self._client.peer, server.peer = server, self._client
        server.watch(self._poller)
        joined(None)

    @property
    def joining(self) -> bool:
        """Whether it waits for the server to be reached."""
        return self._joined is not None

    def give_up(self) -> None:
        """The server is waited for no longer; another may be joined."""
        self._joined = None
        server, self._server = self._server, None
        if server is not None:
            server.drop(self._poller)

    def leave(self, end: _End) -> None:
        """`end` is closed, and the other one goes on."""
        end.drop(self._poller)

    def passed(self, end: _End) -> None:
        """Something has passed from or to `end`; what is watched follows."""
        if end.peer is None:
            return
        if end.is_done and end.peer.is_done and not end.unsent and not end.peer.unsent:
            self.close()
            return
        end.watch(self._poller)
        end.peer.watch(self._poller)
        if self.owner is not None:
            self.owner.moved()


class _End:
    """One end of a splice."""

    __slots__ = ("_shut", "_splice", "fd", "is_done", "peer", "sock", "unsent", "watched")

    def __init__(self, sock: socket.SocketType, splice: Splice) -> None:
        self.sock, self.fd = sock, sock.fileno()
        self.peer: _End | None = None
        self.unsent = b""
        """What is to be written to it."""
        self.is_done = False
        """Nothing more will come of it."""
        self.watched = -1
        """What the poller has been told to watch; -1 while it is not there."""
        self._shut = False
        self._splice = splice

    def ready(self, events: int) -> None:
        """What has come is passed on, and what had no room is written."""
        peer = self.peer
        if peer is None:
            self._splice.writable()
            return
        try:
            if events & WRITE and self.unsent:
                self._write(b"")
            gone = bool(events & ~(READ | WRITE))
            if not self.is_done and (gone or not peer.unsent):
                self._read(peer, gone)
            elif gone:
                self._leave()
        except OSError:
            self._splice.close()
            return
        self._splice.passed(self)

    def close(self) -> None:
        """The poller is closed, and the whole splice with it."""
        self._splice.close()

    def watch(self, poller: Poller) -> None:
        """The poller tells of what can be done now."""
        assert self.peer is not None
        if self.fd not in poller.watched or poller.watched[self.fd] is not self:
            return
        events = (0 if self.is_done or self.peer.unsent else READ) | (WRITE if self.unsent else 0)
        if events != self.watched:
            poller.change(self.fd, events)
            self.watched = events

    def drop(self, poller: Poller) -> None:
        """It is closed."""
        if self.fd in poller.watched and poller.watched[self.fd] is self:
            poller.remove(self.fd)
        self.sock.close()

    def _leave(self) -> None:
        """All has passed in both directions, and it is closed before the other end is; else it is broken, which raises
        OSError."""
        if not self._shut:
            raise OSError(errno.ECONNRESET, "")
        self._splice.leave(self)

    def _read(self, peer: _End, gone: bool) -> None:
        """A chunk is passed on, or all that is left where the end is `gone`. Raises OSError."""
        while True:
            try:
                octets = self.sock.recv(CHUNK)
            except (BlockingIOError, InterruptedError):
                return
            if octets:
                peer._write(octets)
            else:
                self.is_done = True
                peer._write(b"")
            if not (gone and octets):
                return

    def _write(self, octets: bytes) -> None:
        """`octets` are written behind what has had no room; what has none now stays. Raises OSError."""
        self.unsent += octets
        if self.unsent:
            with contextlib.suppress(BlockingIOError, InterruptedError):
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
        assert self.peer is not None
        if self.peer.is_done and not self.unsent and not self._shut:
            self._shut = True
            self.sock.shutdown(socket.SHUT_WR)


class Acceptor:
    """A listening socket."""

    def __init__(self, sock: socket.socket, poller: Poller, clock: Clock, came: Callable[[Splice], None]) -> None:
        """Each connection to `sock`, which is owned from now on, is handed to `came`."""
        self._sock, self._poller, self._clock, self._came = sock, poller, clock, came
        self._fd = sock.fileno()
        self._pause: Timer | None = None
        self._is_closed = False

    def begin(self) -> None:
        """Connections are accepted."""
        self._poller.add(self._fd, self)

    def ready(self, _events: int) -> None:
        """Those that wait are accepted."""
        for _ in range(ACCEPTED):
            if self._is_closed:
                return
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _NO_FILES:
                    self._poller.change(self._fd, 0)
                    self._pause = self._clock.after(PAUSE_S, self._again)
                    return
                continue  # one that has gone before it was accepted
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._came(Splice(sock, address[0], self._poller))

    def close(self) -> None:
        """Nobody is accepted any more. Calling it again does nothing."""
        if not self._is_closed:
            self._is_closed = True
            if self._pause is not None:
                self._pause.cancel()
            if self._fd in self._poller.watched:
                self._poller.remove(self._fd)
            self._sock.close()

    def _again(self) -> None:
        self._poller.change(self._fd, READ)
