"""docs/dnssec.md: each line of it works, each sample is what comes, each table and setting is true."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.config import Config
from resolver.dnssec.anchors import INTERNET
from resolver.dnssec.faults import Fault
from tests.clients.conftest import Program
from tests.differential.inside import wait_for
from tests.support.daemons import PATIENCE, ROOT, Daemon, environment, free_port, run_resolver
from tests.support.fixtures import Ask, Print

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

PAGE = (ROOT / "docs" / "dnssec.md").read_text()
COMMANDS = re.findall(r"^    (\w.*?) +# (.+)$", PAGE, re.MULTILINE)
"""Each line with what it shows."""
SAMPLES = re.findall(r"^```text\n\$ (.+)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
UNBOUND = re.search(r"^```text\n(server:\n(?:.*\n)*?)```$", PAGE, re.MULTILINE)
TOML = re.findall(r"^```toml\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
WORLD = TOML[0]
OUR_PORT, THEIR_PORT = "5300", "5301"


def constant(text: str) -> str:
    """`text` without what is another each time: moments, durations, and how many messages it took."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    return re.sub(r"\d+ messages, [\d.]+ ms", "SO MUCH", text).rstrip()


def test_the_page_has_what_is_tested() -> None:
    assert (len(SAMPLES), len(TOML)) == (3, 3)
    assert len(COMMANDS) == len([line for line in PAGE.splitlines() if line.startswith("    ") and " # " in line])
    assert UNBOUND is not None


@pytest.mark.parametrize(("command", "shown"), SAMPLES, ids=[command for command, _ in SAMPLES])
def test_a_sample_is_what_comes(tmp_path: Path, command: str, shown: str) -> None:
    settings, words = command.split("resolver ")
    done = run_resolver(tmp_path, *words.split(), environ=dict(each.split("=") for each in settings.split()))
    assert constant(done.stdout) == constant(shown)


@pytest.mark.parametrize(
    ("command", "wanted"),
    [each for each in COMMANDS if each[0].startswith("dig ") and THEIR_PORT not in each[0]],
)
def test_dig_shows_what_the_page_says(daemon: Daemon, printed: Print, command: str, wanted: str) -> None:
    name, *words = shlex.split(command.replace(OUR_PORT, str(daemon.port)))
    assert wanted in printed(name, *words)


@pytest.mark.parametrize(("command", "wanted"), [each for each in COMMANDS if each[0].startswith("resolver ")])
def test_a_command_shows_what_the_page_says(daemon: Daemon, tmp_path: Path, command: str, wanted: str) -> None:
    (tmp_path / "my-world").mkdir()
    (tmp_path / "my-world" / "hierarchy.toml").write_text(WORLD)
    _, *words = shlex.split(command)
    done = run_resolver(tmp_path, *words, *(("--socket", str(daemon.socket)) if words[0] == "stats" else ()))
    assert wanted in done.stdout
    assert done.returncode == (1 if wanted == "[SIGX]" else 0), done.stderr


def test_the_table_says_what_a_client_sees_of_each_fault(daemon: Daemon, dig: Ask) -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \| (\d+) \| `(\w{4})` \|$", PAGE, re.MULTILINE)
    assert {row[0] for row in rows} == {str(fault) for fault in Fault}
    for fault, rcode, code, tag in rows:
        heard = dig(daemon, f"www.{fault}.dnssec-failed.test", "+dnssec")
        assert heard.status == rcode, fault
        assert "ad" not in heard.flags
        assert heard.ede[0].code == int(code), fault
        assert f"[{tag}]" in heard.ede[0].text


def test_the_settings_are_settings_of_ours(tmp_path: Path) -> None:
    for file in ("root-anchors.xml", "root.key"):
        (tmp_path / file).write_text("\n".join(INTERNET.lines()))
    for text in TOML[1:]:
        (tmp_path / "resolver.toml").write_text(text)
        done = run_resolver(tmp_path, "check")
        assert (done.returncode, done.stderr) == (0, "")


def test_the_limits_are_those_in_force() -> None:
    rows = re.findall(r"^\| `(budget|dnssec)\.(\w+)` \| (\d+) ", PAGE, re.MULTILINE)
    assert len(rows) == 7
    for section, key, value in rows:
        assert getattr(getattr(Config(), section), key) == int(value)


@pytest.fixture
def unbound(daemon: Daemon, program: Program, tmp_path: Path) -> Iterator[int]:
    """The port of an Unbound with the settings of the page."""
    assert UNBOUND is not None
    (tmp_path / "anchor").write_text(daemon.resolver("zones", "anchor").stdout)
    port = free_port()
    text = UNBOUND[1].replace(THEIR_PORT, str(port)).replace(OUR_PORT, str(daemon.port))
    (tmp_path / "unbound.conf").write_text(text)
    running = subprocess.Popen(
        [program("unbound"), "-d", "-c", "unbound.conf"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(("127.0.0.1", port))
        yield port
    finally:
        running.terminate()
        running.wait(PATIENCE)


@pytest.mark.parametrize(("command", "wanted"), [each for each in COMMANDS if THEIR_PORT in each[0]])
def test_unbound_with_our_anchor_shows_what_the_page_says(
    unbound: int, printed: Print, command: str, wanted: str
) -> None:
    name, *words = shlex.split(command.replace(THEIR_PORT, str(unbound)))
    assert wanted in printed(name, *words)
