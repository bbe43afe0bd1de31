"""docs/recording.md: each line works, and each sample is what comes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from resolver.cli import main
from resolver.version import VERSION

PAGE = (Path(__file__).parents[3] / "docs/recording.md").read_text()
LINE = re.compile(r"^    resolver ([^#\n]*?) +# (.*)$", re.MULTILINE)
SAMPLE = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_line_gives_what_stands_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LINE.findall(PAGE)
    assert len(lines) >= 8
    for command, wanted in lines:
        main(shlex.split(command))
        told = capsys.readouterr()
        assert wanted in told.out + told.err, command


def test_each_sample_is_what_comes(capsys: pytest.CaptureFixture[str]) -> None:
    (sample,) = SAMPLE.findall(PAGE)
    for part in sample.split("$ ")[1:]:
        command, _, wanted = part.partition("\n")
        words = shlex.split(command)
        if words[0] == "cat":
            given = DATE.sub("DATE", Path(words[1]).read_text()).replace(f"resolverd {VERSION}", "resolverd VERSION")
        else:
            assert main(words[1:]) == 0
            given = capsys.readouterr().out
        assert given == wanted, command


def test_a_recording_is_the_internet_of_a_test() -> None:
    (example,) = PYTHON.findall(PAGE)
    assert main(shlex.split(LINE.findall(PAGE)[0][0])) == 0
    exec(compile(example, "recording.md", "exec"), {})
