"""How the daemon lives: started, told to reload, told to end."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from resolver import compiled, daemon
from resolver.arranged import Lab
from resolver.cli.control_client import ask
from resolver.config import Config, Loaded, load
from resolver.errors import ListenError
from resolver.network.base import Endpoint
from resolver.network.faults import FaultTable

pytestmark = pytest.mark.sockets


class Program:
    """A double of the program that sends its own process a signal for each thing that happens to it."""

    simulated: Sequence[tuple[str, Endpoint]] = ()
    encrypted: Sequence[Endpoint] = ()
    https: Sequence[Endpoint] = ()
    shown = None
    reloads = 0
    lab = Lab(FaultTable())

    def __init__(self, config: Config, after_start: Sequence[int], after_reload: Sequence[int]) -> None:
        self.config = config
        self.after_start, self.after_reload = after_start, after_reload
        self.life: list[str] = []
        self.listening = [Endpoint("127.0.0.1", 5399)]

    async def start(self) -> None:
        self.life.append("start")
        for number in self.after_start:
            os.kill(os.getpid(), number)

    async def reload(self, config: Config) -> None:
        self.life.append(f"reload {config.cache.size_mb}")
        for number in self.after_reload:
            os.kill(os.getpid(), number)

    async def stop(self, drain_s: float | None = None, *, relieved: bool = False) -> None:
        self.life.append("stop" if drain_s is None else f"stop in {drain_s:g}")

    def stats(self) -> Mapping[str, int | float | str]:
        return {}

    def cache_entries(self, limit: int) -> Sequence[Mapping[str, object]]:
        return []

    def flush(self, name: bytes, subtree: bool) -> int:
        return 0


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def written(text: str) -> None:
    Path("resolver.toml").write_text(text)


def lived(
    after_start: Sequence[int] = (signal.SIGTERM,), after_reload: Sequence[int] = (signal.SIGTERM,)
) -> tuple[int, list[str], str]:
    """The exit code, what happened to the program, and what was printed."""
    made: list[Program] = []

    def build(config: Config) -> Program:
        made.append(Program(config, after_start, after_reload))
        return made[-1]

    out = io.StringIO()
    code = daemon.run(lambda: load(None, {}), build, out)
    return code, made[0].life, out.getvalue()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_drains_and_returns_0(number: int) -> None:
    code, life, out = lived([number])
    assert (code, life) == (0, ["start", "stop"])
    assert "dig @127.0.0.1 -p 5399 www.example.com" in out
    assert not Path("control-5399.sock").exists()


def test_it_may_have_as_many_files_open_as_the_system_lets_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raised: list[str] = []
    monkeypatch.setattr(daemon.descriptors, "raise_limit", lambda: raised.append("raised") or (1024, 4096))
    original = Program.__init__

    def made(self: Program, *arguments: object) -> None:
        raised.append("made")
        original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Program, "__init__", made)
    lived()
    assert raised == ["raised", "made"], "what the program may use follows from it"
    assert "event=descriptors limit=4096 before=1024" in capsys.readouterr().err


def test_what_is_compiled_and_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiled, "_found", [compiled.Unusable("it does not load")])
    assert lived()[0] == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "event=plain_python" in line]
    assert 'level=warning event=plain_python problem="it does not load" instead=' in line
    monkeypatch.setattr(compiled, "_found", [compiled.Unwanted("nothing is compiled")])
    lived()
    assert "plain_python" not in capsys.readouterr().err


def test_searching_for_garbage_keeps_nobody_waiting() -> None:
    """Collections of the young walk few objects: the middle one takes what so many young ones have left, and the last.

    What exists at the start is in none.
    """
    before = gc.get_threshold()
    try:
        lived()
        youngest, middle, _ = gc.get_threshold()
        assert youngest * (middle + 2) <= 10_000
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_told_twice_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(self: Program, drain_s: float | None = None) -> None:
        self.life.append("stopping")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)
        raise AssertionError("it waited")

    monkeypatch.setattr(Program, "stop", slow)
    code, life, _ = lived()
    assert (code, life) == (143, ["start", "stopping"])


def test_a_hangup_reads_the_configuration_again(capsys: pytest.CaptureFixture[str]) -> None:
    original = Program.start

    async def start(self: Program) -> None:
        written("[cache]\nsize_mb = 7\n[server]\ndrain_s = 0.5\n")
        await original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "start", start)
        code, life, _ = lived([signal.SIGHUP])
    assert (code, life) == (0, ["start", "reload 7", "stop"])
    told = capsys.readouterr().err
    assert "event=reloaded config=resolver.toml" in told
    assert "event=stopping drain_s=0.5" in told


def test_it_takes_a_restart_to_have_several_workers(capsys: pytest.CaptureFixture[str]) -> None:
    original = Program.start

    async def start(self: Program) -> None:
        written("[server]\nworkers = 3\n")
        await original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "start", start)
        code, life, _ = lived([signal.SIGHUP])
    assert (code, life) == (0, ["start", "reload 64", "stop"])
    assert "level=warning event=workers_not_started workers=3" in capsys.readouterr().err


def test_a_wrong_configuration_is_told_in_one_line_and_the_old_one_kept(capsys: pytest.CaptureFixture[str]) -> None:
    reads: list[int] = []

    def settings() -> Loaded:
        reads.append(1)
        if len(reads) == 2:
            Path("resolver.toml").write_text("[cache]\nsize = 7\n[log]\nlevel = 3\n")
            os.kill(os.getpid(), signal.SIGTERM)
        return load(None, {})

    made: list[Program] = []

    def build(config: Config) -> Program:
        made.append(Program(config, [signal.SIGHUP], []))
        return made[-1]

    assert daemon.run(settings, build, io.StringIO()) == 0
    assert made[0].life == ["start", "stop"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "event=reload_refused" in line]
    assert "level=error" in line
    assert "resolver.toml:2: unknown key 'size' in [cache]" in line
    assert " | resolver.toml:4: log.level is 3" in line


def test_a_reload_that_the_program_refuses_keeps_the_old_one(capsys: pytest.CaptureFixture[str]) -> None:
    async def refuse(self: Program, _: Config) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise ListenError("port 53 is taken")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "reload", refuse)
        code, life, _ = lived([signal.SIGHUP])
    assert (code, life) == (0, ["start", "stop"])
    assert 'problem="port 53 is taken"' in capsys.readouterr().err


def test_a_start_that_fails_fails_the_daemon() -> None:
    async def fail(_: Program) -> None:
        raise ListenError("port 53 is taken")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "start", fail)
        with pytest.raises(ListenError):
            lived()


def test_a_control_socket_that_cannot_be_made_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    Path("control-5399.sock").write_text("a file")
    code, life, _ = lived()
    assert (code, life) == (0, ["start", "stop"])
    assert "level=warning event=no_control" in capsys.readouterr().err
    assert Path("control-5399.sock").read_text() == "a file"


def test_a_control_socket_that_is_not_wanted_is_not_made(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text("[control]\nenabled = false\n")
    lived()
    assert "control" not in capsys.readouterr().err


def test_the_daemon_can_be_asked_while_it_runs() -> None:
    import threading

    answers: list[object] = []

    def asking() -> None:
        answers.append(ask(Path("control-5399.sock"), "GET", "/config")["settings"])
        os.kill(os.getpid(), signal.SIGTERM)

    class Announced(io.StringIO):
        def flush(self) -> None:
            threading.Thread(target=asking).start()

    assert daemon.run(lambda: load(None, {}), lambda config: Program(config, [], []), Announced()) == 0
    assert isinstance(answers[0], dict)


def test_told_twice_at_once_it_does_not_drain() -> None:
    code, life, _ = lived([signal.SIGTERM, signal.SIGINT])
    assert (code, life) == (143, ["start", "stop in 0"])


def test_whatever_breaks_a_reload_the_daemon_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken(self: Program, config: Config) -> None:
        self.life.append("reload")
        os.kill(os.getpid(), signal.SIGTERM)
        raise RecursionError("too deep")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "reload", broken)
        code, life, _ = lived([signal.SIGHUP])
    assert (code, life) == (0, ["start", "reload", "stop"])
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "event=reload_refused" in line]
    assert "RecursionError" in line
    assert "test_daemon.py:" in line


def test_a_control_socket_that_cannot_be_moved_stays_where_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[bool] = []

    async def reload(self: Program, config: Config) -> None:
        asyncio.get_running_loop().call_later(0.05, lambda: seen.append(Path("control-5399.sock").is_socket()))
        asyncio.get_running_loop().call_later(0.06, os.kill, os.getpid(), signal.SIGTERM)

    original = Program.start

    async def start(self: Program) -> None:
        written('[control]\npath = "/dev/null"\n')
        await original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "reload", reload)
        patch.setattr(Program, "start", start)
        code, _, _ = lived([signal.SIGHUP])
    assert code == 0
    assert seen == [True]
    assert "event=no_control" in capsys.readouterr().err
