from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FORWARDER = """
import asyncio, json, sys
import resolver.cli.serve, resolver.daemon
from resolver.app import build
from resolver.arranged import Arranged
from resolver.config import Config
from resolver.message import QR, RA, Message, RRset
from resolver.network.clock import RealClock
from resolver.network.entropy import SystemEntropy
from resolver.network.simulated import SimulatedNetwork
from resolver.wire.parse import parse
from resolver.wire.render import render

def respond(wire, client, send):
    query = parse(wire)
    data = RRset(query.question.name, 1, 1, 300, (bytes((192, 0, 2, 1)),))
    send(render(Message(query.id, QR | RA, 0, query.question, (data,), (), (), query.edns)))

async def main():
    settings = {"roots": "internet", "forward_zones": {".": ["9.9.9.9"]}}
    off = {"validation": False}
    config = Config.model_validate({"server": {"listen": ["127.0.0.1:0"]}, "resolver": settings, "dnssec": off})
    network = SimulatedNetwork({"9.9.9.9": respond}, RealClock(asyncio.get_running_loop()), SystemEntropy())
    reply = await build(config, arranged=Arranged(network)).ask("www.example.com", "A")
    assert reply.answer[0].rdatas == (bytes((192, 0, 2, 1)),)

asyncio.run(main())
print(json.dumps(sorted(sys.modules)))
"""

UNUSED = (
    "dns",
    "cryptography",
    "ctypes",
    "multiprocessing",
    "unittest",
    "resolver.auth.authority",
    "resolver.auth.hierarchy",
    "h2",
    "resolver.network.encrypted",
    "resolver.pipeline.recursing",
    "resolver.pipeline.routed",
    "resolver.routing",
    "resolver.ruling",
    "resolver.simulation",
    "resolver.testing",
)
"""What serves a world, reads master files, signs, proves or belongs to tests. `ssl` is not here: asyncio loads it."""


def test_a_forwarder_has_loaded_nothing_that_it_does_not_use_after_its_first_answer():
    run = [sys.executable, "-c", FORWARDER]
    done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert "resolver.pipeline.resolved" in loaded
    assert [each for each in loaded if any(each == one or each.startswith(f"{one}.") for one in UNUSED)] == []
