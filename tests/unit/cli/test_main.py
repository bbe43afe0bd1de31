"""Which command runs, and how failures are told."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resolver import cli, compiled
from resolver.cli import COMMANDS, main
from resolver.errors import ConfigError, ControlError
from resolver.version import VERSION


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(_: object) -> int:
        raise error

    monkeypatch.setattr(importlib.import_module("resolver.cli.show_config"), "run", run)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"\n  {name} " in told for name in COMMANDS)
    assert max(map(len, told.splitlines())) <= 90


def test_without_a_command_the_help_is_printed_and_it_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: resolver {name}")
    assert f"\n  resolver {name}" in told


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"resolver {VERSION} ({compiled.runs()})\n"


def test_an_unknown_command_shows_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["srve"]) == 2
    assert capsys.readouterr().err == "resolver: there is no command 'srve'; did you mean 'serve'?\n"


@pytest.mark.parametrize(
    "words", [["config", "--mode", "x"], ["config", "--lisen", "x"], ["cache"], ["cache", "list", "--limit", "x"]]
)
def test_a_wrong_option_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"resolver: {words[0]}")
    assert told.endswith("--help`\n")
    assert told.count("\n") == 1


def test_each_problem_of_what_was_written_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text("[log]\na = 1\nb = 2\n")
    assert main(["config"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": unknown")[0] for line in lines] == [
        "resolver: resolver.toml:2",
        "resolver: resolver.toml:3",
    ]


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ConfigError("wrong", where="x:1", instead="do"), 2, "resolver: x:1: wrong; do\n"),
        (ControlError("gone"), 1, "resolver: gone\n"),
        (OSError(28, "No space left on device"), 1, "resolver: [Errno 28] No space left on device\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_failures_have_a_code_and_no_traceback(
    error: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails_with(monkeypatch, error)
    assert main(["config"]) == code
    assert capsys.readouterr().err == told


def test_a_reader_that_has_gone_is_no_failure_worth_a_word() -> None:
    repository = Path(cli.__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": str(repository)}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "resolver", "config"], env=environ, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert done.stderr == b""


def test_only_the_command_that_is_asked_for_is_imported() -> None:
    repository = Path(cli.__file__).parents[2]
    program = (
        "import sys; from resolver.cli import main; main(['--help']); "
        "heavy = {'pydantic', 'asyncio', 'dns', 'h11', 'uvloop', 'json'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], cwd=repository, check=True, stdout=subprocess.DEVNULL)
