"""What a daemon's limits and policy zones look like to real clients."""

from __future__ import annotations

import shutil
from pathlib import Path

import dns.flags
import dns.rcode
import pytest

from tests.support import raw
from tests.support.daemons import ROOT
from tests.support.fixtures import Ask, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

CONFIG = """\
[server]
listen = ["127.0.0.1:0"]
[world]
in_memory = true
[limits]
{limits}
[[rpz]]
zone = "rpz.example"
file = "policy.zone"
"""


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """A folder with a configuration and the policy zone of the documentation."""
    shutil.copy(ROOT / "tests/data/policy.zone", tmp_path / "policy.zone")
    (tmp_path / "resolver.toml").write_text(CONFIG.format(limits=""))
    return tmp_path


@pytest.mark.usefixtures("configured")
def test_rules_of_a_policy_zone_are_what_dig_and_kdig_see(serve: Serve, dig: Ask, kdig: Ask) -> None:
    daemon = serve("--config", "resolver.toml")
    bad = dig(daemon, "a.bad.example")
    assert (bad.status, bad.ede_codes) == ("NXDOMAIN", {15})
    assert "[RPZH]" in bad.ede[0].text
    assert [record.owner for record in bad.authority] == ["a.bad.example."]
    assert [record.owner for record in bad.additional] == ["rpz.example."]
    assert kdig(daemon, "portal.example", "AAAA").data == ["AAAA 2001:db8::80"]
    assert dig(daemon, "portal.example", "MX").counts[1] == 0
    assert dig(daemon, "forged.example", "+ignore").flags >= {"tc"}
    assert dig(daemon, "shop.test", "+tcp").data[0] == "CNAME garden.example."
    assert daemon.stats()["filters.rpz"] >= 5
    assert 'trigger="qname *.bad.example."' in daemon.log.text


def test_a_policy_zone_that_went_bad_leaves_the_rules_in_force(configured: Path, serve: Serve, dig: Ask) -> None:
    daemon = serve("--config", "resolver.toml")
    zone = configured / "policy.zone"
    good = zone.read_text()
    zone.write_text(good + "worse.example CNAM .\n")
    line = daemon.reload("reload_refused")
    assert f"policy.zone:{good.count(chr(10)) + 1}: unknown record type 'CNAM'" in line
    assert dig(daemon, "bad.example").status == "NXDOMAIN"
    zone.write_text(good.replace("bad.example                    CNAME .", "bad.example A 192.0.2.7"))
    daemon.reload()
    assert dig(daemon, "bad.example").data == ["A 192.0.2.7"]
    daemon.kill()  # its log has the error that was wanted


def test_a_client_over_its_rate_is_sent_to_tcp_and_refused_there_when_it_goes_on(
    configured: Path, serve: Serve, dig: Ask
) -> None:
    limits = 'queries_per_s = 1\nburst_s = 2\nslip = 1\nexempt = ["127.0.0.2/32"]'
    (configured / "resolver.toml").write_text(CONFIG.format(limits=limits))
    daemon = serve("--config", "resolver.toml")
    assert dig(daemon, "www.example.com", "-b", "127.0.0.2").data
    query, burst = raw.query("www.example.com"), 60
    with raw.datagrams((daemon.host, daemon.port)) as sock:
        for _ in range(burst):
            sock.send(query)
        heard = [raw.response(sock.recv(4096)) for _ in range(burst)]
    answered = [each for each in heard if each.answer]
    assert 2 <= len(answered) <= burst // 2
    assert all(each.flags & dns.flags.TC and not each.answer for each in heard if each not in answered)
    with raw.connect((daemon.host, daemon.port)) as stream:
        stream.sendall(raw.framed(query) * burst)
        streams = [raw.response(raw.receive(stream)) for _ in range(burst)]
    assert streams[0].answer, "nobody can forge a stream, so it has a bucket of its own"
    refused = [each for each in streams if each.rcode() == dns.rcode.REFUSED]
    assert len(refused) >= burst // 2
    assert "[RATE]" in str(refused[0].options[0])
    stats = daemon.stats()
    assert stats["limits.queries_truncated"] == burst - len(answered)
    assert stats["limits.queries_refused"] == len(refused)
    assert "event=limited what=queries network=127.0.0.1/32" in daemon.log.text
    assert all(dig(daemon, "www.example.com", "-b", "127.0.0.2").data for _ in range(4))
