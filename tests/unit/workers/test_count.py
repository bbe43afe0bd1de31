"""How many workers there are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from resolver.config import Config
from resolver.errors import ConfigError
from resolver.workers import count
from resolver.workers.count import usable_cpus, wanted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="affinity and control groups are Linux's")


@pytest.fixture(autouse=True)
def _eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def placed(root: Path, line: str, files: dict[str, str]) -> int:
    """The CPUs of a process in the group that `line` names, where these `files` say what groups may use."""
    own = root / "own"
    own.write_text(f"3:memory:/elsewhere\n{line}\n")
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return usable_cpus(root, own)


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "20000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"a.slice/d.service/cpu.max": "max 100000", "a.slice/cpu.max": "300000 100000"}, 3),
        ({"a.slice/d.service/cpu.max": "100000 50000", "a.slice/cpu.max": "300000 100000"}, 2),
        ({"b.slice/cpu.max": "100000 100000"}, 8),
    ],
)
def test_the_quota_of_each_group_around_it_counts(tmp_path: Path, files: dict[str, str], cpus: int) -> None:
    assert placed(tmp_path, "0::/a.slice/d.service", files) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 8), ("250000", 3)])
def test_so_it_does_in_the_first_version_of_control_groups(tmp_path: Path, quota: str, cpus: int) -> None:
    files = {"cpu/box/cpu.cfs_quota_us": quota, "cpu/box/cpu.cfs_period_us": "100000"}
    assert placed(tmp_path, "4:cpu,cpuacct:/box", files) == cpus


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path, tmp_path / "nothing") == 8


def test_what_is_configured_counts_and_auto_leaves_a_part_of_each_limit_to_everyone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(count, "usable_cpus", lambda: 8)
    assert wanted(Config()) == 1
    assert wanted(Config.model_validate({"server": {"workers": 3}})) == 3
    for auto in ("auto", 0):
        assert wanted(Config.model_validate({"server": {"workers": auto}})) == 8
    assert wanted(Config.model_validate({"server": {"workers": "auto"}, "cache": {"size_mb": 5}})) == 5


def test_elsewhere_there_is_one_and_several_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert wanted(Config.model_validate({"server": {"workers": "auto"}})) == 1
    with pytest.raises(ConfigError, match=r"server.workers: several workers need Linux; write 1"):
        wanted(Config.model_validate({"server": {"workers": 2}}))


@pytest.mark.parametrize("wrong", ["many", -1, 65, 1.5, True, ""])
def test_what_is_no_number_of_workers_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r'write 1 to 64, or "auto"'):
        Config.model_validate({"server": {"workers": wrong}})
