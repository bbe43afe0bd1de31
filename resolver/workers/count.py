"""Decides how many workers a daemon has: what is configured, or as many as there are CPUs for them.

Rules: "auto" counts the CPUs that the process may run on (its affinity) and those that its control group pays for (the
quota over the period, rounded up: a part of a CPU is used by a worker that waits now and then), and takes the smaller
number; each worker must get a part of every limit.

Limits: on systems without SO_REUSEPORT that spreads (all but Linux) there is one. A quota that is changed later counts
from the next reload on. Which groups there are above the root of a container is not seen from inside; Docker and
Kubernetes set the quota on that root.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.config import Config
from resolver.config.contradictions import divided
from resolver.config.values import MAX_WORKERS
from resolver.errors import ConfigError

GROUPS: Final = Path("/sys/fs/cgroup")
OWN: Final = Path("/proc/self/cgroup")


def wanted(config: Config) -> int:
    """How many workers `config` comes to. Raises `ConfigError` where there cannot be several."""
    configured = config.server.workers
    if sys.platform != "linux":
        if configured > 1:
            raise ConfigError("several workers need Linux", where="server.workers", instead="write 1")
        return 1
    return configured or min(usable_cpus(), MAX_WORKERS, *(bound for _, _, bound in divided(config)))


def usable_cpus(groups: Path = GROUPS, own: Path = OWN) -> int:
    """CPUs that this process may use, 1 at least."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min([allowed, *_quotas(groups, own)]))


def _quotas(groups: Path, own: Path) -> Iterator[int]:
    """CPUs that each control group around this process pays for, where there is a quota."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root = groups
        elif "cpu" in controllers.split(","):
            root = groups / "cpu"
        else:
            continue
        inside = Path(path.lstrip("/"))
        for each in (inside, *inside.parents):
            quota = _quota(root / each)
            if quota is not None:
                yield quota


def _quota(group: Path) -> int | None:
    """CPUs that `group` pays for, in version 2 or 1 of control groups; None without a limit."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((group / name).read_text() for name in names).split()
            if quota != "max" and int(quota) > 0:
                return -(-int(quota) // int(period))
        except (OSError, ValueError, ZeroDivisionError):
            continue
    return None
