"""A network, and a server whose replies a test gives, for tests of sockets that several messages share."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

from resolver.message import Transport
from resolver.network.base import Reuse
from resolver.network.entropy import SystemEntropy
from tests.support.sockets import Inbox, network, udp_server


class OneSlot(SystemEntropy):
    """Always the same socket of a server, and the fewest messages and seconds for each."""

    def bits(self, count):
        return super().bits(count) if count == 16 else 0

    def fraction(self):
        return 0.0


class Front:
    """A network and a server whose answers a test gives, with one shared socket. Messages are sent as `reuse` says."""

    def __init__(self, reuse=Reuse.LASTING, **options):
        self.reuse = reuse
        options.setdefault("entropy", OneSlot())
        self.network = network(**options)
        self.heard = []
        self.changed = asyncio.Event()
        self.sock = None

    def hear(self, sock, wire, address):
        self.sock = sock
        self.heard.append((wire, address))
        self.changed.set()

    def send(self, wire, inbox=None, *, reuse=None):
        inbox = Inbox() if inbox is None else inbox
        reuse = self.reuse if reuse is None else reuse
        return self.network.send(self.at, wire, Transport.UDP, inbox, reuse=reuse), inbox

    async def until_heard(self, count):
        while len(self.heard) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.heard

    def say(self, *wires):
        """To the port that was heard of first."""
        for wire in wires:
            self.sock.sendto(wire, self.heard[0][1])

    def ports(self):
        return [address[1] for _, address in self.heard]

    async def fence(self):
        """Returns once what was said before has been read."""
        sending, inbox = self.send(b"fence", reuse=Reuse.NONE)
        await self.until_heard(len(self.heard) + 1)
        self.sock.sendto(b"fence", self.heard.pop()[1])
        await inbox.wait_for(1)
        sending.close()


@contextmanager
def front(**options):
    made = Front(**options)
    with udp_server(made.hear) as made.at:
        yield made
        made.network.close()
