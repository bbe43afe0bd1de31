"""What clients see of names and answers that are decided here, and a reload with a list that is none."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

SETTINGS = """
[server]
listen = ["127.0.0.1:0"]

[filters]
local_data = ["nas.corp.example 60 A 192.0.2.9", "wiki.corp.example CNAME www.example.com"]
local_zones = { "corp.example" = "static" }
block_lists = ["ads.txt"]
dns64 = ["64:ff9b::/96"]
"""


def test_clients_are_told_what_is_decided_here_and_a_bad_list_changes_nothing(
    serve: Serve, dig: Ask, tmp_path: Path
) -> None:
    ads = tmp_path / "ads.txt"
    ads.write_text("||ads.example.net^\n||a.test^\n||no name^\n")
    (tmp_path / "resolver.toml").write_text(SETTINGS)
    daemon = serve("--config", "resolver.toml", "--in-memory")
    daemon.log.wait_for(r'event=names_skipped .*bad=1 first="line 3: ')

    assert dig(daemon, "nas.corp.example").data == ["A 192.0.2.9"]
    assert dig(daemon, "wiki.corp.example").data == ["CNAME www.example.com.", "A 192.0.2.80"]
    assert dig(daemon, "none.corp.example").status == "NXDOMAIN"
    assert dig(daemon, "ipv4only.arpa", "AAAA").data == ["AAAA 64:ff9b::c000:aa", "AAAA 64:ff9b::c000:ab"]
    blocked = dig(daemon, "www.ads.example.net", "+tcp")
    assert blocked.status == "NXDOMAIN"
    assert "EDE: 15 (Blocked): (ads.example.net. is blocked by ads.txt [BLKD])" in blocked.text

    ads.write_text("<html>\n<body>\nGone\n")
    assert "most of it cannot be read (bad lines: 2)" in daemon.reload("reload_refused")
    assert dig(daemon, "www.ads.example.net").status == "NXDOMAIN"
    ads.write_text("www.example.com\n")
    daemon.reload()
    assert dig(daemon, "www.example.com").status == "NXDOMAIN"
    assert daemon.stats()["filters.names"] == 1
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert daemon.log.text.count("level=error") == 1, "that of the reload"
