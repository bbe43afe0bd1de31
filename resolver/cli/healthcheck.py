"""`resolver healthcheck`: asks the configured listener for a built-in name.

Rules: exit 0 if it answers rightly, 1 if not. It asks over UDP at the first listener, a wildcard on
loopback; it needs neither a shell nor the control socket. Healthy is NOERROR with the TXT record that only
a resolverd gives.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final

from resolver.banner import reachable
from resolver.cli import options
from resolver.config import HEALTH_NAME, HEALTH_TEXT, load
from resolver.config.values import listen_endpoint
from resolver.errors import ConfigError, WireError
from resolver.message import Question, Rcode, Transport, Type
from resolver.network.base import Endpoint, Trouble
from resolver.network.clock import RealClock
from resolver.network.entropy import SystemEntropy
from resolver.network.sockets import SocketNetwork
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query

EXAMPLES: Final = """examples:
  resolver healthcheck
  resolver healthcheck --config /etc/resolver.toml --timeout 1"""

TIMEOUT: Final = 2.0
"""Seconds for the answer, which comes from memory."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes where to ask and for how long."""
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=TIMEOUT, help="default: 2")
    parser.add_argument(
        "--listen",
        metavar="ADDR:PORT",
        action="append",
        help="whom to ask, over UDP (default: the first of server.listen)",
    )
    options.add_config_file(parser)


def run(args: argparse.Namespace) -> int:
    """0 if the daemon answers rightly; otherwise why not is printed and 1 returned."""
    if not 0 < args.timeout <= 60:
        raise ConfigError(f"--timeout {args.timeout:g} cannot be waited for", instead="write up to 60 seconds")
    listener = _listener(args)
    if listener.port == 0:
        raise ConfigError("server.listen has port 0", instead="give --listen ADDR:PORT with the port that is used")
    trouble = ill(reachable(listener), args.timeout)
    if trouble:
        print(f"resolver: {trouble}", file=sys.stderr)
        return 1
    print("healthy")
    return 0


def _listener(args: argparse.Namespace) -> Endpoint:
    """Whom to ask: what --listen says, or the first of `server.listen`. Raises `ConfigError`."""
    server = load(args.config).config.server
    if not args.listen:
        return server.listen[0]
    try:
        asked = listen_endpoint(args.listen[0])
    except ValueError as wrong:
        raise ConfigError(f"--listen: {wrong}") from None
    if asked in (*server.listen_tls, *server.listen_https):
        ours = ", ".join(map(str, server.listen))
        raise ConfigError(f"{asked} speaks TLS, and the question is asked over UDP", instead=f"ask one of {ours}")
    return asked


def ill(server: Endpoint, seconds: float) -> str:
    """Why the daemon at `server` is not healthy; nothing if it is."""
    heard = asyncio.run(_ask(server, seconds))
    if heard is Trouble.TIMEOUT:
        return f"{server} does not answer within {seconds:g} s"
    if isinstance(heard, Trouble):
        return f"{server} does not answer: {heard}"
    try:
        reply = parse(heard)
    except WireError as wrong:
        return f"{server} answers what is no DNS message: {wrong}"
    if reply.rcode != Rcode.NOERROR:
        return f"{server} answers {types.rcode_to_text(reply.rcode)}"
    text = HEALTH_TEXT.encode()
    texts = [rdata for rrset in reply.answer if rrset.type == Type.TXT for rdata in rrset.rdatas]
    return "" if bytes((len(text),)) + text in texts else f"{server} is no resolverd: it does not know {HEALTH_NAME}"


async def _ask(server: Endpoint, seconds: float) -> bytes | Trouble:
    """What comes back for the health name: octets with the right id, or the trouble."""
    loop = asyncio.get_running_loop()
    clock, entropy = RealClock(loop), SystemEntropy()
    message_id = entropy.bits(16)
    heard: asyncio.Future[bytes | Trouble] = loop.create_future()

    def deliver(data: bytes | Trouble) -> None:
        fits = isinstance(data, Trouble) or data[:2] == message_id.to_bytes(2, "big")
        if fits and not heard.done():
            heard.set_result(data)

    query = render_query(message_id, Question(names.from_text(HEALTH_NAME), Type.TXT), rd=True, edns=None)
    network = SocketNetwork(loop, clock, entropy)
    network.send(server, query, Transport.UDP, deliver)
    timer = clock.after(seconds, lambda: deliver(Trouble.TIMEOUT))
    try:
        return await heard
    finally:
        timer.cancel()
        network.close()
