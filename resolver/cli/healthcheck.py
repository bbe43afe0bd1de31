"""`resolver healthcheck`: asks the configured listener for a built-in name.

Rules: exit 0 if it answers rightly, 1 if not. It asks over UDP at the first listener, a wildcard on
loopback; it needs neither a shell nor the control socket. Healthy is NOERROR with the TXT record that only
a resolverd gives.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from resolver.banner import reachable
from resolver.cli import options
from resolver.config import HEALTH_NAME, HEALTH_TEXT
from resolver.errors import ConfigError
from resolver.network.base import Endpoint

EXAMPLES: Final = """examples:
  resolver healthcheck
  resolver healthcheck --config /etc/resolver.toml --timeout 1"""

TIMEOUT: Final = 2.0
"""Seconds for the answer, which comes from memory."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes where to ask and for how long."""
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=TIMEOUT, help="default: 2")
    parser.add_argument("--listen", metavar="ADDR:PORT", action="append", help="the listener to ask")
    options.add_config_file(parser)


def run(args: argparse.Namespace) -> int:
    """0 if the daemon answers rightly; otherwise why not is printed and 1 returned."""
    if not 0 < args.timeout <= 60:
        raise ConfigError(f"--timeout {args.timeout:g} cannot be waited for", instead="write up to 60 seconds")
    listener = options.settings(args).config.server.listen[0]
    if listener.port == 0:
        raise ConfigError("server.listen has port 0", instead="give --listen ADDR:PORT with the port that is used")
    trouble = ill(reachable(listener), args.timeout)
    if trouble:
        print(f"resolver: {trouble}", file=sys.stderr)
        return 1
    print("healthy")
    return 0


def ill(server: Endpoint, timeout: float) -> str:
    """Why the daemon at `server` is not healthy; nothing if it is."""
    import dns.exception
    import dns.message
    import dns.query
    import dns.rcode
    import dns.rdatatype

    query = dns.message.make_query(HEALTH_NAME, dns.rdatatype.TXT)
    try:
        reply = dns.query.udp(query, server.host, timeout, server.port)
    except dns.exception.Timeout:
        return f"{server} does not answer within {timeout:g} s"
    except (dns.exception.DNSException, OSError) as wrong:
        return f"{server} does not answer: {getattr(wrong, 'strerror', None) or wrong}"
    if reply.rcode() != dns.rcode.NOERROR:
        return f"{server} answers {dns.rcode.to_text(reply.rcode())}"
    texts = [text for rrset in reply.answer for rdata in rrset for text in getattr(rdata, "strings", ())]
    return "" if HEALTH_TEXT.encode() in texts else f"{server} is no resolverd: it does not know {HEALTH_NAME}"
