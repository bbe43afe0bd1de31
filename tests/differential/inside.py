"""Asks our daemon and unbound the same questions about one world, inside a network namespace.

`python -m tests.differential.inside DIRECTORY`: the directory holds `world/`, `questions.json` and gets `answers.json`.
Both see the same servers: those that our daemon binds on 127.53.x.y, port 53, which is free in here. Neither validates:
whether they agree about proofs is seen in tests/clients/.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype

from resolver.auth import hierarchy
from resolver.wire import names
from tests.support.daemons import Daemon
from tests.support.namespaces import LOOPBACK_UP

Answer = tuple[str, list[str], str]
"""An rcode, the records of the answer section, sorted, without their TTLs; and what explains a failure."""

OURS, THEIRS = ("127.0.0.1", 53), ("127.0.0.1", 5301)
ASKERS = 24
PATIENCE = 30.0
"""Seconds in which both have started."""
CLIENT_S = 6.0
"""Seconds that a client waits: what says nothing by then has failed."""
FAILED: Answer = "SERVFAIL", [], "silence"
LOCAL = (
    "test",
    "invalid",
    "localhost",
    "127.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "d.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
)
"""Zones that unbound would answer by itself, and that a world may declare."""


def unbound(directory: Path, world: Path, *more: str) -> subprocess.Popen[str]:
    """Unbound, answering at `THEIRS` from the root of `world`; `more` lines of its configuration prevail."""
    roots = hierarchy.load(world).root_servers
    hints = "".join(
        f". 3600 NS {names.to_text(each.name)}\n{names.to_text(each.name)} 3600 A {each.ipv4}\n" for each in roots
    )
    (directory / "hints").write_text(hints)
    lines = [
        f"interface: {THEIRS[0]}@{THEIRS[1]}",
        "access-control: 127.0.0.0/8 allow",
        "do-not-query-localhost: no",
        "do-ip6: no",
        'module-config: "iterator"',
        f'root-hints: "{directory}/hints"',
        'chroot: ""',
        'username: ""',
        'pidfile: ""',
        f'directory: "{directory}"',
        "use-syslog: no",
        "do-daemonize: no",
        "verbosity: 1",
        "num-threads: 1",
        "infra-host-ttl: 60",
        *(f'local-zone: "{zone}." nodefault' for zone in LOCAL),
        *more,
    ]
    (directory / "unbound.conf").write_text("server:\n" + "".join(f"    {line}\n" for line in lines))
    log = (directory / "unbound.log").open("w")
    return subprocess.Popen(["unbound", "-c", str(directory / "unbound.conf"), "-d"], stdout=log, stderr=log, text=True)


def ask(name: str, rtype: str, at: tuple[str, int]) -> Answer:
    """What the server `at` says."""
    query = dns.message.make_query(name, rtype, use_edns=0, payload=1232)
    try:
        reply, _ = dns.query.udp_with_fallback(query, at[0], CLIENT_S, at[1])
    except dns.exception.Timeout:
        return FAILED
    records = {f"{rrset.name.canonicalize()} {_canonical(rdata)}" for rrset in reply.answer for rdata in rrset}
    return dns.rcode.to_text(reply.rcode()), sorted(records), "; ".join(map(str, reply.extended_errors()))


def _canonical(rdata: dns.rdata.Rdata) -> str:
    """Type and data, with names in lower case: a message may take their spelling from elsewhere in it."""
    wire = rdata.to_digestable()
    return (
        f"{dns.rdatatype.to_text(rdata.rdtype)} {dns.rdata.from_wire(rdata.rdclass, rdata.rdtype, wire, 0, len(wire))}"
    )


def wait_for(at: tuple[str, int]) -> None:
    """The server `at` answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        query = dns.message.make_query(".", "NS")
        try:
            dns.query.udp(query, at[0], 0.2, at[1])
        except (dns.exception.Timeout, OSError):
            continue
        return
    raise SystemExit(f"{at} never answered")


def main(directory: Path) -> None:
    """See the module."""
    exec(compile(LOOPBACK_UP, "loopback", "exec"))
    world = directory / "world"
    questions = json.loads((directory / "questions.json").read_text())
    unproven = {"RESOLVER_DNSSEC__VALIDATION": "false"}
    ours = Daemon(directory, "--listen", f"{OURS[0]}:{OURS[1]}", "--world", str(world), environ=unproven)
    theirs = unbound(directory, world)
    try:
        wait_for(THEIRS)
        with ThreadPoolExecutor(ASKERS) as pool:
            answers = [list(pool.map(lambda question, at=at: ask(*question, at), questions)) for at in (OURS, THEIRS)]
        (directory / "answers.json").write_text(json.dumps(answers))
        ours.stop()
    finally:
        ours.kill()
        theirs.kill()
        theirs.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
