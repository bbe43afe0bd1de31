"""Asks unbound, as a validator with our trust anchor, about a world that our daemon serves, in a network namespace.

`python -m tests.clients.validating DIRECTORY`: the directory holds `world/`, `anchor`, `questions.json` and gets
`answers.json`: for each question the rcode, whether it is proven (AD), and the extended errors.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode

from tests.differential.inside import ASKERS, OURS, THEIRS, unbound, wait_for
from tests.support.daemons import Daemon
from tests.support.namespaces import LOOPBACK_UP

CLIENT_S = 15.0
"""Seconds that a client waits: unbound asks again before it takes an answer for bogus."""

Verdict = tuple[str, bool, list[int]]


def ask(question: list[str]) -> Verdict:
    """What unbound makes of a name and a type."""
    query = dns.message.make_query(*question, want_dnssec=True)
    reply, _ = dns.query.udp_with_fallback(query, THEIRS[0], CLIENT_S, THEIRS[1])
    errors = sorted(int(each.code) for each in reply.extended_errors())
    return dns.rcode.to_text(reply.rcode()), bool(reply.flags & dns.flags.AD), errors


def main(directory: Path) -> None:
    """See the module."""
    exec(compile(LOOPBACK_UP, "loopback", "exec"))
    world = directory / "world"
    questions = json.loads((directory / "questions.json").read_text())
    ours = Daemon(directory, "--listen", f"{OURS[0]}:{OURS[1]}", "--world", str(world))
    validator = ('module-config: "validator iterator"', f'trust-anchor-file: "{directory}/anchor"', "ede: yes")
    theirs = unbound(directory, world, *validator, "val-log-level: 2", "val-max-restart: 1")
    try:
        wait_for(THEIRS)
        with ThreadPoolExecutor(ASKERS) as pool:
            (directory / "answers.json").write_text(json.dumps(list(pool.map(ask, questions))))
        ours.stop()
    finally:
        ours.kill()
        theirs.kill()
        theirs.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
