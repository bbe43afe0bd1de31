"""docs/recipes.md: each line works, `dig +trace` among them, in a network namespace that the test makes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import raw
from tests.support.daemons import PATIENCE, ROOT, Daemon, environment
from tests.support.fixtures import Print
from tests.support.namespaces import LOOPBACK_UP, namespace

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

RECIPES = (ROOT / "docs" / "recipes.md").read_text()
TRACE = "## dig +trace, and any other program, inside the simulated internet"


def commands(text: str) -> list[str]:
    return [line[4:] for line in text.splitlines() if line.startswith("    ")]


def section(heading: str) -> str:
    text = RECIPES.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    assert text, heading
    return text


ANCHOR = "anchor.bind"
"""The file that one line writes and others read."""

OTHERS = [line for line in commands(RECIPES) if "#" in line]


@pytest.mark.parametrize("line", [line for line in OTHERS if not line.startswith("resolver ")])
def test_a_client_shows_what_the_recipe_says(daemon: Daemon, printed: Print, line: str) -> None:
    command, _, wanted = line.replace("5300", str(daemon.port)).partition("#")
    name, *words = shlex.split(command)
    if ANCHOR in words:
        anchor = daemon.directory / ANCHOR
        anchor.write_text(daemon.resolver("zones", "anchor", "--bind").stdout)
        words[words.index(ANCHOR)] = str(anchor)
    assert wanted.strip() in printed(name, *words)


@pytest.mark.parametrize("line", [line for line in OTHERS if line.startswith("resolver ")])
def test_a_command_shows_what_the_recipe_says(daemon: Daemon, line: str) -> None:
    command, _, wanted = line.partition("#")
    words = shlex.split(command)[1:]
    if words[0] in ("stats", "cache"):
        words += ["--socket", str(daemon.socket)]
    if words[0] == "healthcheck":
        words += ["--listen", f"{daemon.host}:{daemon.port}"]
    if words[0] == "check":
        shutil.copytree(ROOT / "zones", daemon.directory / "my-world", dirs_exist_ok=True)
    with raw.datagrams((daemon.host, daemon.port)) as sock:
        sock.send(raw.query("www.example.com"))
        sock.recv(65535)
    done = daemon.resolver(*words)
    assert done.returncode == 0, done.stderr
    assert wanted.strip() in done.stdout


# -- dig +trace


@pytest.fixture
def traced(program: Callable[[str], str], tmp_path: Path) -> str:
    """What the recipe prints, each line of it run as it stands."""
    program("dig")
    first, *lines = commands(section(TRACE))
    assert first == "sudo unshare --net --mount bash"
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, start in (("resolver", "-m resolver"), ("ip", f"-c {shlex.quote(LOOPBACK_UP)}")):
        if name == "resolver" or shutil.which(name) is None:
            (tools / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {start} "$@"\n')
            (tools / name).chmod(0o755)
    environ = environment(tmp_path)
    environ["PATH"] = f"{tools}:{environ['PATH']}"
    script = "\n".join(f"{line} || exit 1" if not line.endswith("&") else line for line in lines)
    done = subprocess.run(
        [*namespace(), "bash", "-c", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "event=stopped" in done.stderr
    return done.stdout


def test_dig_trace_walks_from_the_root_to_the_answer(traced: str) -> None:
    steps = re.findall(r"^;; Received \d+ bytes from (\S+)#53\((\S+)\)", traced, re.MULTILINE)
    assert steps[0][0] == "127.0.0.1"
    assert [re.sub(r"^[a-c]\.root|^[ab]\.nic|^ns[12]", "*", name) for _, name in steps[1:]] == [
        "*-servers.test",
        "*.com",
        "*.example.com",
    ]
    assert all(host.startswith("127.53.") for host, _ in steps[1:])
    shown = [" ".join(line.split()) for line in traced.splitlines()]
    assert "com. 86400 IN NS a.nic.com." in shown
    assert "example.com. 86400 IN NS ns1.example.com." in shown
    assert "www.example.com. 3600 IN A 192.0.2.80" in shown
    assert not re.search(r"^;; (?!Received|global options|Query|SERVER|WHEN|MSG)", traced, re.MULTILINE), traced
    assert "Address: 2001:db8::80" in shown, "nslookup"
    assert any(line.endswith(" www.example.com") for line in shown), "getent"
