"""The log of a daemon tells why each answer is what it is, of queries that are worked on at the same time too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import raw
from tests.support.daemons import Daemon
from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

CONFIG = """
[server]
listen = ["127.0.0.1:0"]
[log]
queries = true
explanations = {}
"""
EXPLAINING = {"RESOLVER_LOG__FORMAT": "json", "RESOLVER_LOG__QUERIES": "true", "RESOLVER_LOG__EXPLANATIONS": "true"}


def asked_at_once(running: Daemon, *names: str) -> None:
    """All `names` have been asked before any is answered, and have their answers."""
    with raw.datagrams((running.host, running.port)) as sock:
        for name in names:
            sock.send(raw.query(name))
        for _ in names:
            raw.response(sock.recv(65535))


def explained(log: str) -> dict[str, dict[str, Any]]:
    """The events of queries by name."""
    events = [json.loads(line) for line in log.splitlines() if line]
    return {event["name"]: event for event in events if event["event"] == "query"}


@pytest.mark.parametrize("where", [(), ("--in-memory",)], ids=["sockets", "memory"])
def test_each_query_is_explained_by_its_id_whatever_else_is_going_on(serve: Serve, where: tuple[str, ...]) -> None:
    running = serve(*where, **EXPLAINING)
    names = ("www.example.com", "refused.broken.test", "slow.broken.test", "www.example.net", "silent.broken.test")
    asked_at_once(running, *names)
    asked_at_once(running, "www.example.com")
    events = explained(running.stop())
    assert len({event["query"] for event in events.values()}) == len(names)
    said = {name: event["explanation"] for name, event in events.items()}
    assert said["www.example.com."].startswith("www.example.com. A was in the cache: learnt ")
    assert "for example.net.) answered www.example.net. A from its zone (example.net.zone:" in said["www.example.net."]
    assert "for slow.broken.test.) answered slow.broken.test. A" in said["slow.broken.test."]
    assert "fault rule" in said["refused.broken.test."]
    assert "(refused)" in said["refused.broken.test."]
    assert "(silent)" in said["silent.broken.test."]
    for name, text in said.items():
        others = {other for other in said if other != name}
        assert not any(other in text for other in others), f"{name} is explained by what was done for another: {text}"


def test_explanations_go_and_come_with_a_reload(serve: Serve, dig: Ask, tmp_path: Path) -> None:
    settings = tmp_path / "resolver.toml"
    settings.write_text(CONFIG.format("false"))
    running = serve("--config", "resolver.toml")
    dig(running, "www.example.com")
    settings.write_text(CONFIG.format("true"))
    running.reload()
    dig(running, "www.example.net")
    dig(running, "www.example.com")
    settings.write_text(CONFIG.format("false"))
    running.reload()
    dig(running, "www.example.kr")
    told = [line for line in running.stop().splitlines() if " event=query " in line]
    assert ["explanation=" in line for line in told] == [False, True, True, False]
    assert "was in the cache" in told[2]
