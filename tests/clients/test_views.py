"""Views: dig asks one daemon from several addresses of loopback, and each is told its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.daemons import run_resolver
from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

ZONE = """\
$ORIGIN example.com.
@ 300 IN SOA ns hostmaster 1 2 3 4 60
@ 300 IN NS ns
ns 300 IN A 10.0.0.1
www 300 IN A 10.0.0.80
alias 300 IN CNAME www.example.net.
"""

SETTINGS = """\
[server]
listen = ["127.0.0.1:{port}"]
[resolver]
roots = "internet"
forward_zones = {{ "." = ["127.0.0.1:{upstream}"] }}
[dnssec]
validation = false
[pools.others]
members = ["127.0.0.1:{upstream}"]
[[rules]]
name = "inside"
clients = ["127.0.0.2/32"]
action = "authority"
zone_files = ["inside.zone"]
[[rules]]
name = "old"
clients = ["127.0.0.3/32"]
suffixes = ["old.test"]
action = "rewrite"
to_suffix = "example.com"
[[rules]]
name = "pooled"
clients = ["127.0.0.3/32"]
action = "pool"
pool = "others"
[[rules]]
name = "barred"
names_files = ["barred.txt"]
action = "refuse"
[[rules]]
name = "over-tcp"
types = ["TXT"]
action = "truncate"
"""


def test_each_client_is_told_its_own_view_again_and_again(serve: Serve, dig: Ask, tmp_path: Path) -> None:
    upstream = serve("--in-memory")
    (tmp_path / "inside.zone").write_text(ZONE)
    (tmp_path / "barred.txt").write_text("barred.test  # and nothing else\n")
    config = tmp_path / "resolver.toml"
    config.write_text(SETTINGS.format(port=0, upstream=upstream.port))
    daemon = serve("--config", str(config))

    def ask(source: str, *words: str) -> list[str]:
        return [each.data for each in dig(daemon, *words, "-b", source).answer]

    for _ in range(3):
        assert ask("127.0.0.2", "www.example.com") == ["10.0.0.80"]
        assert ask("127.0.0.1", "www.example.com") == ["192.0.2.80"]
        assert ask("127.0.0.3", "www.example.com") == ["192.0.2.80"]
    assert dig(daemon, "none.example.com", "-b", "127.0.0.2").status == "NXDOMAIN"
    assert len(ask("127.0.0.2", "alias.example.com")) > 1, "an alias that leads out of the zone is followed"
    (rewritten,) = dig(daemon, "www.old.test", "-b", "127.0.0.3").answer
    assert (rewritten.owner, rewritten.data) == ("www.old.test.", "192.0.2.80")

    barred = dig(daemon, "barred.test")
    assert barred.status == "REFUSED"
    assert barred.tags == {"RULE"}
    truncated = dig(daemon, "example.com", "TXT", "+ignore")
    assert "tc" in truncated.flags
    assert dig(daemon, "example.com", "TXT").transport == "TCP"

    (tmp_path / "barred.txt").write_text("www.example.net\n")
    daemon.reload()
    assert dig(daemon, "www.example.net").status == "REFUSED"
    assert ask("127.0.0.2", "www.example.com") == ["10.0.0.80"]

    told = run_resolver(tmp_path, "which", "www.example.com", "--client", "127.0.0.3", "--config", str(config))
    assert "pool others, by rule 3 (pooled); because of clients (127.0.0.3/32)" in told.stdout
