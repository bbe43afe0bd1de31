"""docs/recipes.md: the sidecar, the gateway and the relay, as they stand there but for addresses."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from pathlib import Path

import pytest

from resolver.cli import main
from tests.support.authorities import Authority
from tests.support.daemons import ROOT, Daemon, free_port
from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

PROVEN = 'roots = "internet"'
"""Whose keys are not those of the world that the tests have."""


def recipe(heading: str, **addresses: str) -> tuple[str, list[str]]:
    """The settings and the commands of a recipe, with its `addresses` replaced."""
    text = (ROOT / "docs" / "recipes.md").read_text().partition(f"\n## {heading}")[2].partition("\n## ")[0]
    for old, new in addresses.items():
        assert old in text
        text = text.replace(old, new)
    (settings,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return settings.replace(PROVEN, ""), re.findall(r"^    (resolver .*)", text, re.MULTILINE)


def run(daemon: Daemon, command: str) -> str:
    """What the command prints, in the directory of the daemon."""
    words = shlex.split(command)[1:]
    if words[0] in ("pools", "stats"):
        words = [*words[: words.index("--config")], "--socket", str(daemon.socket)]
    out = io.StringIO()
    with contextlib.chdir(daemon.directory), contextlib.redirect_stdout(out):
        assert main(words) == 0, command
    return out.getvalue()


def test_the_sidecar_does_without_a_server_that_is_drained(serve: Serve, dig: Ask, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(str, authority.sign("dns.example"))
    ports = [free_port(), free_port()]
    servers = serve(
        "--in-memory",
        RESOLVER_SERVER__LISTEN_TLS=json.dumps([f"127.0.0.1:{port}" for port in ports]),
        RESOLVER_SERVER__TLS_CERTIFICATE=certificate,
        RESOLVER_SERVER__TLS_KEY=key,
    )
    places = {f"192.0.2.{number}": f"127.0.0.1:{port}" for number, port in enumerate(ports, 1)}
    settings, commands = recipe("A sidecar", **{"127.0.0.1:53": "127.0.0.1:0", **places})
    (tmp_path / "sidecar.toml").write_text(f'{settings}tls_ca = "{authority.ca}"\n')
    sidecar = serve("--config", "sidecar.toml")

    assert [each.data for each in dig(sidecar, "www.example.com").answer] == ["192.0.2.80"]
    said = [run(sidecar, command) for command in commands if not command.endswith("&")]
    assert said[0] == "sidecar.toml: clean\n"
    assert "forward zone ., asked of pool office" in said[1]
    assert "first-available" in said[2]
    assert said[3] == f"drained tls://{places['192.0.2.1']}#dns.example of office\n"

    assert [each.data for each in dig(sidecar, "www.example.net").answer] == ["198.51.100.80"], "by the other one"
    servers.stop()
    lost = dig(sidecar, "example.org")
    assert (lost.status, lost.tags) == ("SERVFAIL", {"PLUN"})


def test_the_gateway_answers_each_as_it_says(serve: Serve, dig: Ask, tmp_path: Path) -> None:
    upstream = serve("--in-memory")
    certificate, key = Authority(tmp_path).sign("dns.example")
    settings, commands = recipe(
        "A gateway",
        **{
            "10.0.0.53:53": "127.0.0.1:0",
            "10.0.0.53": "127.0.0.1:0",
            "10.0.1.1": f"127.0.0.1:{upstream.port}",
            "10.0.1.2": f"tcp://127.0.0.1:{upstream.port}",
            "10.0.2.1": f"127.0.0.1:{free_port()}",
            "10.9.0.0/16": "127.0.0.9/32",
            "10.9.0.7": "127.0.0.9",
            "dns.example.pem": str(certificate),
            "dns.example.key": str(key),
        },
    )
    (tmp_path / "gateway.toml").write_text(settings)
    (tmp_path / "hosts").write_text("10.0.0.5 printer.home\n")
    (tmp_path / "ads.txt").write_text("ads.example\ntrack.example\n")
    policy = "@ 60 SOA localhost. root.localhost. 1 2 3 4 60\n@ 60 NS localhost.\nwww.example.net 60 CNAME .\n"
    (tmp_path / "rpz.zone").write_text(policy)
    gateway = serve("--config", "gateway.toml")

    for name, data in (
        ("www.example.com", "192.0.2.80"),
        ("printer.home", "10.0.0.5"),
        ("www.corp.example", "10.0.0.80"),
    ):
        assert [each.data for each in dig(gateway, name).answer] == [data]
    told = {name: dig(gateway, name) for name in ("a.ads.example", "www.example.net", "no.corp.example")}
    assert {each.status for each in told.values()} == {"NXDOMAIN"}
    assert [each.tags for each in told.values()] == [{"BLKD"}, {"RPZH"}, {"LZON"}]
    assert dig(gateway, "www.example.com", "-b", "127.0.0.9").tags == {"PLUN"}, "the server of guests is not there"
    said = [run(gateway, command) for command in commands if not command.endswith("&")]
    assert said[0] == "gateway.toml: clean\n"
    gateway.kill()  # its log has an error, since the server of guests is not there
    assert "pool guests, by rule 1 (guests)" in said[1]
    assert said[2].startswith("NXDOMAIN (blocked)")


def test_the_relay_passes_on_what_it_is_sent(serve: Serve, dig: Ask, tmp_path: Path) -> None:
    upstream, port = serve("--in-memory"), free_port()
    places = {"10.0.0.53:5301": f"127.0.0.1:{port}", "10.0.1.1": f"127.0.0.1:{upstream.port}"}
    settings, _ = recipe("A relay", **places)
    (tmp_path / "relay.toml").write_text(settings.replace(', "10.0.1.2"', "") + "[world]\nin_memory = true\n")
    relay = serve("--config", "relay.toml")
    answer = dig(relay, "www.example.com", "-p", str(port)).answer
    assert [each.data for each in answer] == ["192.0.2.80"]
