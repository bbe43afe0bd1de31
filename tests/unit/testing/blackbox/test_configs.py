"""What a scenario's configuration becomes for each daemon."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.config import load
from resolver.network.base import Endpoint
from resolver.testing.blackbox.configs import Place, named_by, resolver, unbound
from tests.support.scripts import PLAIN, ROOT, asks, scenario, server

QUESTION = "www.example. IN A"
WHERE = Endpoint("127.0.0.1", 53)
ANCHOR = f'". DS 1 13 2 {"00" * 32}"'


def written(tmp_path: Path, config: str, *parts: str) -> list[str]:
    """The lines of the unbound.conf."""
    made = scenario(*parts, asks(1, QUESTION), config=config)
    return [line.strip() for line in unbound(made, Place(tmp_path, WHERE)).read_text().splitlines()]


def test_the_words_of_unbound_are_passed_on_in_their_clauses(tmp_path: Path) -> None:
    config = f'server:\n qname-minimisation: no\n trust-anchor: {ANCHOR}\n target-fetch-policy: "0 0 0"\n{ROOT}'
    lines = written(tmp_path, config)
    assert lines[0] == "server:"
    clause = lines.index("stub-zone:")
    for line in ("qname-minimisation: no", f"trust-anchor: {ANCHOR}", 'target-fetch-policy: "0 0 0"'):
        assert line in lines[:clause]
    assert lines[clause + 1 :] == ["name: .", "stub-addr: 192.0.2.1"]


def test_unbound_is_placed_and_lets_anybody_ask_unless_the_script_says_who(tmp_path: Path) -> None:
    lines = written(tmp_path, PLAIN)
    for line in ("interface: 127.0.0.1@53", f'directory: "{tmp_path}"', 'chroot: ""', "access-control: ::/0 allow"):
        assert line in lines
    lines = written(tmp_path, "server:\n interface: 192.0.2.9\n access-control: 10.0.0.0/8 allow_snoop\n" + ROOT)
    assert "access-control: 10.0.0.0/8 allow_snoop" in lines
    assert "access-control: ::/0 allow" not in lines
    assert "interface: 192.0.2.9" not in lines


def test_words_of_the_other_dialect_become_those_of_unbound(tmp_path: Path) -> None:
    config = "query-minimization: off\ndo-ip6: no\nstub-addr: 192.0.2.1\nstub-name: a.root.\n"
    lines = written(tmp_path, config)
    assert "qname-minimisation: no" in lines
    assert "do-ip6: no" in lines
    assert lines[-3:] == ["stub-zone:", "name: .", "stub-addr: 192.0.2.1"]
    assert not any(line.startswith("stub-name") for line in lines)


def test_the_family_of_the_daemon_itself_is_never_switched_off(tmp_path: Path) -> None:
    """The network has no way to its other addresses instead."""
    assert "do-ip4: no" not in written(tmp_path, "server:\n do-ip4: no\n" + ROOT)


def test_servers_on_loopback_may_be_asked_where_the_script_has_some(tmp_path: Path) -> None:
    assert "do-not-query-localhost: no" not in written(tmp_path, PLAIN, server())
    assert "do-not-query-localhost: no" in written(tmp_path, PLAIN, server(address="127.0.0.5"))


def test_files_within_the_configuration_stand_beside_it(tmp_path: Path) -> None:
    config = (
        'rpz:\n name: "p."\n zonefile:\nTEMPFILE_NAME ../p.zone\nTEMPFILE_CONTENTS ../p.zone\n'
        "a CNAME .\nTEMPFILE_END\n" + ROOT
    )
    lines = written(tmp_path, config)
    assert f"zonefile: {tmp_path}/p.zone" in lines
    assert (tmp_path / "p.zone").read_text() == "a CNAME .\n"
    assert list(tmp_path.parent.glob("p.zone")) == []


def test_what_is_on_this_machine_is_not_for_a_script_to_name(tmp_path: Path) -> None:
    config = (
        'server:\n include: "/etc/passwd"\n tls-service-key: /etc/key\n module-config: "dynlib iterator"\n'
        " access-control-tag-action: a. Include: /etc/passwd\n auto-trust-anchor-file: /etc/passwd\n"
        f' trust-anchor-file: "../secret"\ndynlib:\n dynlib-file: /tmp/x.so\n{ROOT}'
    )
    (tmp_path / "secret").write_text("password")
    made = replace(scenario(asks(1, QUESTION), config=config), path=tmp_path / "scenarios" / "some.rpl")
    place = Place(tmp_path / "place", WHERE)
    for directory in (made.path.parent, place.directory):
        directory.mkdir()
    lines = [line.strip() for line in unbound(made, place).read_text().splitlines()]
    assert not [line for line in lines if line.startswith(("include", "tls-service-key", "dynlib-file"))]
    assert 'access-control-tag-action: a. "Include:" /etc/passwd' in lines
    assert f"auto-trust-anchor-file: {place.directory}/passwd" in lines
    assert f"trust-anchor-file: {place.directory}/secret" in lines
    assert [each.name for each in place.directory.iterdir()] == ["unbound.conf"]


def test_a_file_beside_the_scenario_is_copied_because_the_daemon_may_write_it(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(". DS\n")
    config = f"server:\n auto-trust-anchor-file: keys\n{ROOT}"
    made = replace(scenario(asks(1, QUESTION), config=config), path=tmp_path / "some.rpl")
    place = Place(tmp_path / "place", WHERE)
    place.directory.mkdir()
    assert f"auto-trust-anchor-file: {place.directory}/keys" in unbound(made, place).read_text()
    assert (place.directory / "keys").read_text() == ". DS\n"


def test_values_of_several_words_are_quoted_each_or_whole(tmp_path: Path) -> None:
    config = 'server:\n local-zone: "a.b." static\n val-nsec3-keysize-iterations: "1024 150"\n' + ROOT
    lines = written(tmp_path, config)
    assert "local-zone: a.b. static" in lines
    assert 'val-nsec3-keysize-iterations: "1024 150"' in lines


def test_our_own_daemon_gets_the_settings_of_the_white_box(tmp_path: Path) -> None:
    config = f"server:\n qname-minimisation: no\n trust-anchor: {ANCHOR}\n serve-expired: yes\n{ROOT}"
    made = scenario(asks(1, QUESTION), config=config)
    path = resolver(made, Place(tmp_path, WHERE))
    told = tomllib.loads(path.read_text())
    assert told["server"] == {"listen": ["127.0.0.1:53"], "drain_s": 0}
    assert told["resolver"]["qname_minimisation"] is False
    assert told["resolver"]["allow_private_upstreams"] is True
    assert told["cache"]["serve_stale"] is True
    assert Path(told["resolver"]["hints_file"]).read_text().splitlines() == [
        ". 3600000 NS root-0.",
        "root-0. 3600000 A 192.0.2.1",
    ]
    loaded = load(path, environ={})
    assert loaded.config.resolver.roots == "file"
    assert loaded.config.dnssec.validation


def test_whoever_asks_our_own_daemon_beyond_loopback_may(tmp_path: Path) -> None:
    made = scenario(asks(1, QUESTION))
    told = tomllib.loads(resolver(made, Place(tmp_path, Endpoint("10.0.0.1", 53))).read_text())
    assert told["server"]["allow"] == ["0.0.0.0/0", "::/0"]


@pytest.mark.parametrize(
    ("command", "daemon"),
    [
        ("/usr/sbin/unbound -d -c {config}", "unbound"),
        ("python -m resolver serve", "resolver"),
        ("resolver serve --config {config}", "resolver"),
        ("named -g -c {config}", None),
        ("/opt/unbound/sbin/other", None),
    ],
)
def test_a_command_says_whose_configuration_it_takes(command: str, daemon: str | None) -> None:
    assert named_by(command.split()) == daemon


def test_a_policy_zone_stands_beside_our_own_configuration(tmp_path: Path) -> None:
    config = (
        'rpz:\n name: "p."\n rpz-action-override: drop\n zonefile:\nTEMPFILE_NAME p.zone\nTEMPFILE_CONTENTS p.zone\n'
        "@ SOA ns. h. 1 2 3 4 5\nTEMPFILE_END\n" + ROOT
    )
    told = tomllib.loads(resolver(scenario(asks(1, QUESTION), config=config), Place(tmp_path, WHERE)).read_text())
    (table,) = told["rpz"]
    assert (table["zone"], table["action"], Path(table["file"]).parent) == ("p.", "drop", tmp_path)
    assert Path(table["file"]).read_text() == "@ SOA ns. h. 1 2 3 4 5\n"
