"""Network namespaces of a test's own, in which port 53 and all of 127/8 are free."""

from __future__ import annotations

import subprocess

import pytest

LOOPBACK_UP = (
    "import fcntl, socket, struct; "
    "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH14x', b'lo', 0x41))"  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
)
"""`ip link set lo up` where there is no `ip`."""


def namespace() -> list[str]:
    """The command that runs another in namespaces of its own, where that is allowed; else the test is skipped."""
    why = ""
    for privilege in ((), ("--map-root-user",)):
        tool = ["unshare", *privilege, "--net", "--mount", "--pid", "--fork", "--kill-child"]
        try:
            tried = subprocess.run([*tool, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("unshare is not installed: apt-get install util-linux")
        if tried.returncode == 0:
            return tool
        why = tried.stderr.strip()
    pytest.skip(f"namespaces cannot be made here (root can): {why}")
