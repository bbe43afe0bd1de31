"""Decides whether a server answers yet: one question by UDP, asked again until it does."""

from __future__ import annotations

import socket
import struct
import time
from typing import Final

from tests.bench.machine import HOST, Process, Unusable

POLL_S: Final = 0.002
"""How closely the first answer is timed."""

START_S: Final = 40.0
"""Time that a server has for its first answer."""

_RD: Final = 0x0100
_HEADER: Final = struct.Struct("!6H")


def question(name: str) -> bytes:
    """A query for the A records of `name`, with recursion desired."""
    labels = b"".join(bytes((len(label),)) + label for label in name.encode("ascii").split(b"."))
    return _HEADER.pack(0x5EED, _RD, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)


def has_answer(response: bytes) -> bool:
    """Whether `response` is NOERROR with a record in its answer."""
    if len(response) < _HEADER.size:
        return False
    flags, answers = int.from_bytes(response[2:4], "big"), int.from_bytes(response[6:8], "big")
    return flags & 0x800F == 0x8000 and answers > 0


def await_answer(process: Process, name: str, port: int, host: str = HOST) -> float:
    """When the first answer for `name` came, as `time.perf_counter` has it. Raises `Unusable`."""
    wanted, gives_up = question(name), time.perf_counter() + START_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(POLL_S)
        asking.connect((host, port))
        while time.perf_counter() < gives_up:
            try:
                asking.send(wanted)
                if has_answer(asking.recv(4096)):
                    return time.perf_counter()
            except TimeoutError:
                continue
            except ConnectionError:  # nobody listens yet
                process.check()
                time.sleep(POLL_S)
    process.check()
    raise Unusable(f"no answer for {name} from {host}:{port} in {START_S:.0f} s; its log is {process.log}")
