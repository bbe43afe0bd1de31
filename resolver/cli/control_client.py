"""Decides how a command asks the daemon: one request on its control socket, and what the answer means.

Limits: `MAX_ANSWER` octets and `TIMEOUT` seconds for each operation; what is more is a `ControlError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import h11

from resolver.errors import ControlError
from resolver.network import unix

TIMEOUT: Final = 5.0
MAX_ANSWER: Final = 64 * 1024 * 1024
CHUNK: Final = 64 * 1024


def ask(
    path: Path, method: str, target: str, body: Mapping[str, object] | None = None, timeout: float = TIMEOUT
) -> dict[str, object]:
    """What the daemon at `path` answers. Raises `ControlError` if there is none or it refuses."""
    status, octets = _exchange(path, method, target, body, timeout)
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ControlError(f"what listens on {path} is no resolverd: its answer is no JSON object")
    if status >= 400:
        raise ControlError(str(value.get("error", f"the daemon refuses with status {status}")))
    return value


def _exchange(
    path: Path, method: str, target: str, body: Mapping[str, object] | None, timeout: float
) -> tuple[int, bytes]:
    sent = b"" if body is None else json.dumps(body).encode()
    http = h11.Connection(h11.CLIENT)
    headers = [("host", "localhost"), ("content-length", str(len(sent))), ("connection", "close")]
    request = http.send(h11.Request(method=method, target=target, headers=headers)) or b""
    if sent:
        request += http.send(h11.Data(data=sent)) or b""
    request += http.send(h11.EndOfMessage()) or b""
    with unix.connect(path, timeout) as connection:
        try:
            connection.sendall(request)
            status, received = 0, bytearray()
            while not isinstance(event := http.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    http.receive_data(connection.recv(CHUNK))
                elif isinstance(event, h11.Response):
                    status = event.status_code
                elif isinstance(event, h11.Data):
                    received += event.data
                if len(received) > MAX_ANSWER:
                    raise ControlError(f"the daemon on {path} answers more than {MAX_ANSWER} octets")
        except TimeoutError:
            raise ControlError(f"the daemon on {path} does not answer within {timeout:g} s") from None
        except h11.RemoteProtocolError as wrong:
            raise ControlError(f"what listens on {path} is no resolverd: {wrong}") from None
        except OSError as wrong:
            raise ControlError(f"the daemon on {path} went away: {wrong.strerror or wrong}") from None
    return status, bytes(received)
