"""`python -m tests.robustness.authority HOST [TRAP]`: an authority of any name, good or beset by a forger, over UDP and
TCP; or of a hostile signed zone, one of `keytrap.TRAPS`.

Every name has one address. For a name with the label `forged` a forger who sits at the server's own address is faster:
`FORGED` replies with wrong ids come before the true one. The port is printed once both sockets listen.

Limits: no zones, no SOA, no EDNS, but for a hostile zone; it answers octets with octets, so that it costs little beside
the daemon. It ends with its standard input.
"""

from __future__ import annotations

import selectors
import socket
import sys
from collections.abc import Callable
from typing import Final

FORGED: Final = 300
LONGEST: Final = 1232
"""Octets of a datagram: what is longer is told over TCP."""

Answer = Callable[[bytes], bytes]
"""What makes the response to a query, whole."""
_ADDRESS: Final = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2\1"
_DENIAL: Final = b"\xc0\x0c\0\6\0\1\0\0\0\x3c\0\x16\0\0" + b"".join(
    each.to_bytes(4, "big") for each in (1, 2, 3, 4, 60)
)
"""A SOA of the name that was asked for: what is no A has no data."""


def answer(wire: bytes) -> bytes:
    """The response to a query of one question."""
    end = wire.index(0, 12) + 5
    is_a = wire[end - 4 : end - 2] == b"\0\1"
    counts = b"\0\1\0\1\0\0\0\0" if is_a else b"\0\1\0\0\0\1\0\0"
    return wire[:2] + b"\x84\0" + counts + wire[12:end] + (_ADDRESS if is_a else _DENIAL)


def trap(name: str) -> Answer:
    """What the hostile zone `name` of `keytrap.TRAPS` responds to a query, whole."""
    from resolver.message import Transport
    from resolver.wire.parse import parse
    from resolver.wire.render import render
    from tests.robustness.keytrap import TRAPS

    script = TRAPS[name].trap.script

    def respond(wire: bytes) -> bytes:
        said = script(parse(wire), Transport.TCP)
        return wire[:2] + render(said)[2:]

    return respond


def _cut(response: bytes) -> bytes:
    """`response` as a datagram: where it is too long its question alone, and TC."""
    if len(response) <= LONGEST:
        return response
    return response[:2] + b"\x86\0\0\1" + bytes(6) + response[12 : response.index(0, 12) + 5]


def _datagram(sock: socket.socket, answer: Answer) -> None:
    try:
        while True:
            wire, client = sock.recvfrom(4096)
            response = _cut(answer(wire))
            if b"\x06forged" in wire.lower():
                wrong = int.from_bytes(wire[:2], "big")
                for number in range(1, FORGED + 1):
                    sock.sendto(((wrong + number) & 0xFFFF).to_bytes(2, "big") + response[2:], client)
            sock.sendto(response, client)
    except BlockingIOError:
        return


def _stream(listener: socket.socket, answer: Answer) -> None:
    stream, _ = listener.accept()
    with stream:
        stream.settimeout(1)
        wire = stream.recv(4096)  # a resolver writes length and message together, and perhaps several of them
        while len(wire) > 14:
            end = 2 + int.from_bytes(wire[:2], "big")
            response = answer(wire[2:end])
            stream.sendall(len(response).to_bytes(2, "big") + response)
            wire = wire[end:]


def main(host: str, hostile: str | None = None) -> None:
    """It answers at `host` until standard input ends, as that `hostile` zone if there is one."""
    respond = answer if hostile is None else trap(hostile)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET) as tcp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        tcp.bind((host, 0))
        udp.bind(tcp.getsockname())
        tcp.listen(64)
        udp.setblocking(False)
        print(tcp.getsockname()[1], flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(udp, selectors.EVENT_READ, lambda: _datagram(udp, respond))
            selector.register(tcp, selectors.EVENT_READ, lambda: _stream(tcp, respond))
            selector.register(sys.stdin, selectors.EVENT_READ, None)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    try:
                        key.data()
                    except (OSError, ValueError):
                        continue  # whoever broke off, or what is no query, is of no interest


if __name__ == "__main__":
    main(*sys.argv[1:])
