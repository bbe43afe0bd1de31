"""Scenarios played against daemons from outside: Debian's unbound, and our own, each in a network of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from tests.clients.conftest import Program
from tests.support.daemons import ROOT, environment
from tests.support.namespaces import namespace
from tests.support.scripts import PRIMING, asks, entry, is_told, server, text

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

SCENARIOS: Final = ROOT / "tests/data/scenarios"
PATIENCE: Final = 120.0
"""Seconds in which a dozen scenarios have been played, also on a machine that is busy."""

PLAYED: Final = (
    "deckard/0x20-question-copy/iter_cname_qnamecopy.rpl",
    "deckard/cname-chains/iter_cname_double.rpl",
    "deckard/dnssec-bogus-must-servfail/black_data.rpl",
    "deckard/dnssec-positive-other/world_cz_rhybar.rpl",
    "deckard/dnssec-wildcard/val_mal_wc.rpl",
    "deckard/forward/fwd_val_cname_sibling.rpl",
    "deckard/glue-bailiwick-scrubbing/iter_ns_noglue.rpl",
    "deckard/lame-servers/iter_lame_aaaa.rpl",
    "unbound/dname/iter_scrub_dname_sec.rpl",
    "unbound/dnssec-nsec3/val_nsec3_b4_wild.rpl",
    "unbound/qname-minimisation/iter_cname_minimise.rpl",
    "unbound/stub/iter_stub_leak.rpl",
)
"""Scenarios that our program passes in this process and in virtual time, and that unbound passes, too."""

UNBOUND: Final = ("--against", "127.0.0.1", "--start", "unbound -d -c {config}")
DATED: Final = f"{sys.executable} -m resolver.testing.blackbox.dated {{date}} serve --config {{config}}"
OURS: Final = ("--against", "127.0.0.1:5353", "--start", DATED, "--daemon", "resolver")

QUESTION: Final = "www.example. IN A"
ADDRESS: Final = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
ANSWER: Final = entry(QUESTION, *ADDRESS)
PLAIN: Final = 'server:\n qname-minimisation: no\nstub-zone:\n name: "."\n stub-addr: 192.0.2.1\n'


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    """The tests are skipped where no namespace can be made."""
    if os.environ.get("RESOLVER_CI") != "1":
        namespace()


def replay(directory: Path, *arguments: str | Path, code: int = 0) -> str:
    """What `resolver replay` printed, in `directory`; it ended with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "resolver", "replay", *map(str, arguments)],
        cwd=directory,
        env=environment(directory),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def written(directory: Path, *parts: str, config: str = PLAIN) -> Path:
    """A scenario of a test's own."""
    path = directory / "own.rpl"
    path.write_text(text(*parts, config=config))
    return path


@pytest.mark.parametrize("against", [UNBOUND, OURS], ids=["unbound", "resolver"])
def test_what_passes_in_the_white_box_passes_in_the_black_box(
    tmp_path: Path, program: Program, against: tuple[str, ...]
) -> None:
    if against is UNBOUND:
        program("unbound")
    expected = tomllib.loads((SCENARIOS / "expected.toml").read_text())
    assert {expected[name] for name in PLAYED} == {"PASS"}
    replay(tmp_path, *against, "-j", "2", "--junit", "report.xml", *(SCENARIOS / name for name in PLAYED))
    cases = list(ElementTree.parse(tmp_path / "report.xml").getroot().iter("testcase"))
    assert len(cases) == len(PLAYED)
    assert [case.get("name") for case in cases if len(case.findall("failure") + case.findall("skipped"))] == []


@pytest.mark.parametrize("against", [UNBOUND, OURS], ids=["unbound", "resolver"])
def test_traffic_and_times_are_checked_as_in_the_white_box(
    tmp_path: Path, program: Program, against: tuple[str, ...]
) -> None:
    """The server of example. takes a while, less than anybody's first timeout; then the cache answers."""
    if against is UNBOUND:
        program("unbound")
    slow = server(ANSWER.replace("copy_id", "copy_id sleep=0.3"), address="192.0.2.2")
    stub = PLAIN + 'stub-zone:\n name: "example."\n stub-addr: 192.0.2.2\n'
    parts = (
        server(PRIMING),
        slow,
        asks(10, QUESTION),
        is_told(20, QUESTION, *ADDRESS).replace("CHECK_ANSWER", "CHECK_ANSWER AFTER 0.3 WITHIN 2"),
        "STEP 30 TRAFFIC\nTRAFFIC_BEGIN\n1 192.0.2.2 www.example. A\n0 192.0.2.1 www.example. *\nTRAFFIC_END",
        "STEP 40 TIME_PASSES ELAPSE 1",
        asks(50, QUESTION),
        is_told(60, QUESTION, *ADDRESS).replace("CHECK_ANSWER", "CHECK_ANSWER WITHIN 0.2"),
        "STEP 70 TRAFFIC ONLY\nTRAFFIC_BEGIN\nTRAFFIC_END",
    )
    own = written(tmp_path, *parts, config=stub)
    assert replay(tmp_path, own).startswith("PASS")
    assert replay(tmp_path, *against, own).startswith("PASS")
    own.write_text(own.read_text().replace("AFTER 0.3 WITHIN 2", "WITHIN 0.01"))
    assert "and is wanted within 0.01 s" in replay(tmp_path, *against, own, code=1)


def test_a_failure_shows_the_difference_what_was_sent_and_the_log(tmp_path: Path, program: Program) -> None:
    program("unbound")
    other = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.8")
    own = written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION), is_told(2, QUESTION, *other))
    told = replay(tmp_path, *UNBOUND, own, code=1).splitlines()
    for line in (
        "  +answer www.example. 300 IN A 192.0.2.7",
        "  sent by the daemon",
        "   1    192.0.2.1       www.example. A UDP",
        "  logged by the daemon",
    ):
        assert line in told
    assert any("start of service (unbound" in line for line in told)


def test_words_that_this_unbound_does_not_know_are_left_out_and_noted(tmp_path: Path, program: Program) -> None:
    """No version knows the word, which has no meaning to our own program either."""
    program("unbound")
    config = PLAIN.replace("server:\n", "server:\n iter-scrub-everything: yes\n")
    own = written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS), config=config)
    told = replay(tmp_path, *UNBOUND, "--verbose", own)
    assert told.startswith("PASS")
    assert "note: the daemon does not know 'iter-scrub-everything: yes', which is left out" in told


def test_a_daemon_that_does_not_start_fails_with_what_it_said(tmp_path: Path) -> None:
    own = written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS))
    start = f"{sys.executable} -c 'import sys; print(sys.argv[1]); sys.exit(4)' {{address}}:{{port}}"
    told = replay(tmp_path, "--against", "[::1]:5301", "--start", start, own, code=1)
    assert "own.rpl: the daemon ended with exit code 4 before it answered\n  ::1:5301\n" in told
    told = replay(tmp_path, "--against", "127.0.0.1", "--start", "/no/such/daemon", own, code=1)
    assert "/no/such/daemon cannot be started: No such file or directory" in told


def test_nothing_is_left_of_a_command_that_is_killed(tmp_path: Path) -> None:
    own = written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION))
    daemon = (
        "import os, sys, time; print(os.getpid(), os.getppid(), sys.argv[1], file=open('begun', 'w')); time.sleep(600)"
    )
    (tmp_path / "daemon.py").write_text(daemon.replace("'begun'", repr(str(tmp_path / "begun"))))
    start = f"{sys.executable} {tmp_path}/daemon.py {{directory}}"
    command = subprocess.Popen(
        [sys.executable, "-m", "resolver", "replay", "--against", "127.0.0.1:5301", "--start", start, own],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: (tmp_path / "begun").exists() and len((tmp_path / "begun").read_text().split()) == 3)
    pid, player, directory = (tmp_path / "begun").read_text().split()
    assert Path(directory).is_dir()
    command.kill()
    command.wait()
    wait_for(lambda: not any(_lives(each) for each in (pid, player)))
    assert not Path(directory).exists()


def wait_for(holds: Callable[[], bool]) -> None:
    """`holds` does: processes that are not ours tell nobody when they end."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def _lives(pid: str) -> bool:
    """Whether a process runs: one that nobody has waited for is over, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_cannot_be_played_is_a_skip_with_its_reason(tmp_path: Path, program: Program) -> None:
    program("unbound")
    own = written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION), "STEP 2 TIME_PASSES ELAPSE 301")
    assert ": black box: 301 s pass in line 39, and time cannot be moved" in replay(tmp_path, *UNBOUND, own)


def test_clients_ask_from_their_own_addresses_and_over_tcp(tmp_path: Path, program: Program) -> None:
    program("unbound")
    allowed = "server:\n access-control: 10.0.0.0/8 allow\n access-control: 127.0.0.0/8 allow\n"
    own = written(
        tmp_path,
        server(PRIMING, ANSWER),
        asks(1, QUESTION, match="TCP").replace("QUERY", "QUERY ADDRESS 10.0.0.5"),
        is_told(2, QUESTION, *ADDRESS),
        asks(3, QUESTION).replace("QUERY", "QUERY ADDRESS 192.0.2.77"),
        is_told(4, QUESTION, match="rcode", reply="QR REFUSED"),
        config=PLAIN.replace("server:\n", allowed),
    )
    assert replay(tmp_path, *UNBOUND, own).startswith("PASS")


RESIDENT: Final = """
import asyncio, sys
from pathlib import Path
from resolver.cli import main
from resolver.network.base import Endpoint
from resolver.testing.blackbox import configs, namespace
from resolver.testing.blackbox.daemon import Daemon
from resolver.testing.replay.reading import read

own, where = Path("own.rpl"), Endpoint("127.0.0.1", 53)
namespace.enter()
config = configs.unbound(read(own), configs.Place(Path.cwd(), where))
running = Daemon(["unbound", "-d", "-c", str(config)], where, Path.cwd())
try:
    asyncio.run(running.answers())
    code = main(["replay", "--against", "127.0.0.1", "own.rpl"])
finally:
    running.stop()
sys.exit(code)
"""
"""A daemon that runs already, in a network that somebody else has made."""


def test_a_daemon_that_runs_already_is_played_against_where_it_is(tmp_path: Path, program: Program) -> None:
    program("unbound")
    written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS))
    done = subprocess.run(
        [sys.executable, "-c", RESIDENT],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout == "PASS own.rpl\n1 PASS, 0 FAIL, 0 SKIP\n", done.stdout + done.stderr


def test_what_cannot_be_bound_outside_of_a_network_of_its_own_is_told(tmp_path: Path) -> None:
    """Without --start no network is made, and nobody may have the script's address here."""
    own = written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION), config=PLAIN.replace("192.0.2.1", "127.0.0.9"))
    holder = (
        "import socket, subprocess, sys\n"
        "from resolver.testing.blackbox import namespace\n"
        "namespace.enter()\n"
        "held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "held.bind(('127.0.0.9', 53))\n"
        "sys.exit(subprocess.call([sys.executable, '-m', 'resolver', 'replay', '--against', '127.0.0.1', 'own.rpl']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", holder], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert f"{own.name}: the script's addresses cannot be bound here: Address already in use" in done.stdout


def test_where_no_network_can_be_made_one_line_says_so(tmp_path: Path) -> None:
    """In a user namespace that may have no network namespaces."""
    own = written(tmp_path, server(PRIMING, ANSWER), asks(1, QUESTION))
    forbid = "echo 0 > /proc/sys/user/max_net_namespaces && exec "
    command = f"{forbid}{sys.executable} -m resolver replay -j 2 --against 127.0.0.1 --start x {own} {own.parent}"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", command],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if "resolver: " not in done.stderr:
        pytest.skip(f"user namespaces cannot be made here: {done.stderr.strip()}")
    assert done.returncode == 2
    assert done.stderr == (
        "resolver: --start: no network namespace can be made here: No space left on device; run it as root on Linux, "
        "or allow unprivileged user namespaces (sysctl user.max_user_namespaces)\n"
    )
