"""Decides how the configuration of a scenario is said to a daemon: a writer for each that is known.

Rules: a writer makes one file, with whatever belongs to it beside it, in the daemon's own folder. It says where the
daemon listens, that anybody may ask it, and what the scenario's configuration says; nothing else, so that all besides
is as the daemon's authors have it.

* `unbound`: a scenario's words are Unbound's own and are passed on, but for those that would place the daemon. Those of
  Deckard's dialect become their counterparts. A word that this version of Unbound does not know is left out and noted.
  Scenarios may be a stranger's, so words that name programs, keys and sockets of this machine are left out, too, and
  files are those beside the scenario alone, copied, because the daemon writes some of them.
* `resolver`: the settings that the same words come to when our own program plays a scenario in this process.

Limits: a writer that cannot say the date makes the judge skip scenarios whose signatures are of another time.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from resolver.config import Config
from resolver.config.effective import toml
from resolver.errors import ScenarioError
from resolver.network.base import Endpoint
from resolver.testing.replay.script import Scenario, Word
from resolver.testing.replay.settings import Arrangement, arrange
from resolver.wire import names


class Place(NamedTuple):
    """Where the daemon of a scenario is: the folder of its files, and the address at which it answers."""

    directory: Path
    where: Endpoint


class Writer(NamedTuple):
    """How to write for one daemon. `dated`: its configuration can say which date it is."""

    write: Callable[[Scenario, Place], Path]
    dated: bool


# -- Unbound

_PLACING: Final = frozenset(
    (
        *("interface", "port", "directory", "chroot", "username", "pidfile", "use-syslog", "logfile", "do-daemonize"),
        *("num-threads", "control-enable", "use-systemd"),
    )
)
"""Words that say where and how Unbound runs, which is not for a script to say."""

_OF_THIS_MACHINE: Final = frozenset(
    (
        *("include", "include-toplevel", "python-script", "dynlib-file", "redis-server-path", "control-interface"),
        *("tls-service-key", "tls-service-pem", "tls-cert-bundle", "tls-session-ticket-keys"),
        *("ssl-service-key", "ssl-service-pem", "ssl-cert-bundle"),
        *("server-key-file", "server-cert-file", "control-key-file", "control-cert-file"),
        *("dnscrypt-secret-key", "dnscrypt-provider-cert", "dnscrypt-provider-cert-rotated"),
        *("dnstap-socket-path", "dnstap-tls-client-key-file", "dnstap-tls-client-cert-file", "dnstap-tls-cert-bundle"),
    )
)
"""Words with which a script would run, read or reach what is on this machine."""

MAX_FILE: Final = 16 << 20
"""Octets of a file beside a scenario."""

_RENAMED: Final = {"query-minimization": "qname-minimisation"}
"""Words of Deckard's dialect that Unbound calls otherwise."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9./:@_-]*[A-Za-z0-9./@_-]")
"""What ends in a colon is a word of Unbound's if it is not quoted."""

_FILES: Final = frozenset(
    ("zonefile", "trust-anchor-file", "auto-trust-anchor-file", "root-hints", "trusted-keys-file")
)

_SEVERAL: Final = {
    "access-control": 2,
    "access-control-tag": 2,
    "access-control-tag-action": 3,
    "access-control-tag-data": 3,
    "access-control-view": 2,
    "local-zone": 2,
    "local-zone-override": 3,
    "local-zone-tag": 2,
    "response-ip": 2,
    "response-ip-data": 2,
    "response-ip-tag": 2,
}
"""Words that take so many values; what is left is the last of them."""


def unbound(scenario: Scenario, place: Place) -> Path:
    """The unbound.conf of `scenario`."""
    for name, content in scenario.files:
        (place.directory / Path(name).name).write_text(content)
    host, port = place.where
    lines = [
        "server:",
        f"    interface: {host}@{port}",
        f"    port: {port}",
        f'    directory: "{place.directory}"',
        '    chroot: ""',
        '    username: ""',
        '    pidfile: ""',
        "    use-syslog: no",
        "    do-daemonize: no",
        "    num-threads: 1",
    ]
    server = [word for word in scenario.words if not word.clause or word.clause in _clauses(scenario, "server")]
    if not any(word.key == "access-control" for word in server):
        lines += ["    access-control: 0.0.0.0/0 allow", "    access-control: ::/0 allow"]
    if _has_servers_on_loopback(scenario) and not any(word.key == "do-not-query-localhost" for word in server):
        lines.append("    do-not-query-localhost: no")
    roots: dict[str, list[str]] = {}
    for word in server:
        if word.key in ("stub-addr", "forward-addr"):
            roots.setdefault(word.key, []).append(word.value)
        elif word.value:
            lines += _unbound_word(word, scenario, place)
    for key, hosts in roots.items():
        lines += [f"{key.removesuffix('-addr')}-zone:", "    name: .", *(f"    {key}: {host}" for host in hosts)]
    clause = 0
    for word in scenario.words:
        if word.clause and word.clause not in _clauses(scenario, "server"):
            if word.clause != clause:
                clause = word.clause
                lines.append(f"{word.key}:")
            else:
                lines += _unbound_word(word, scenario, place)
    path = place.directory / "unbound.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def _clauses(scenario: Scenario, kind: str) -> set[int]:
    return {word.clause for word in scenario.words if word.key == kind and not word.value}


def _unbound_word(word: Word, scenario: Scenario, place: Place) -> list[str]:
    key, value = _RENAMED.get(word.key, word.key), word.value
    if key in _PLACING or key in _OF_THIS_MACHINE or (key == "stub-name" and not word.clause):
        return []
    if key in _FILES and value:
        value = str(_file(value, scenario, place))
    if key == f"do-ip{6 if ':' in place.where.host else 4}" and value in ("no", "off"):
        return []  # it would not listen either; the network has no way to these addresses (`namespace.reach`)
    value = {"on": "yes", "off": "no"}.get(value, value)
    parts = value.split(None, _SEVERAL.get(key, 1) - 1)
    return [f"    {key}: {' '.join(_quoted(part) for part in parts)}"]


def _file(value: str, scenario: Scenario, place: Place) -> Path:
    """Where the daemon finds the file `value`, if it is in the scenario or beside it. Raises `ScenarioError`."""
    here = place.directory / Path(value).name
    beside = scenario.beside(value)
    if beside is None or not beside.is_file() or here.exists():
        return here
    try:
        with beside.open("rb") as file:
            octets = file.read(MAX_FILE + 1)
        if len(octets) > MAX_FILE:
            raise ScenarioError(f"more than {MAX_FILE} octets", where=str(beside), instead="make it smaller")
        here.write_bytes(octets)
    except OSError as wrong:
        raise ScenarioError(f"cannot be copied: {wrong.strerror}", where=str(beside)) from None
    return here


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def _has_servers_on_loopback(scenario: Scenario) -> bool:
    return any(ipaddress.ip_address(host).is_loopback for one in scenario.ranges for host in one.addresses)


# -- our own daemon


def resolver(scenario: Scenario, place: Place) -> Path:
    """The resolver.toml of `scenario`. Raises `ScenarioError`."""
    made = arrange(scenario)
    config = made.config
    anybody = {} if ipaddress.ip_address(place.where.host).is_loopback else {"allow": ["0.0.0.0/0", "::/0"]}
    ours: dict[str, dict[str, object]] = {
        "server": {"listen": [str(place.where)], "drain_s": 0, **anybody},
        "control": {"path": place.directory / "control.sock"},
        "resolver": _changed(config, "resolver") | {"allow_private_upstreams": True} | _roots(made, place),
        "cache": _changed(config, "cache"),
        "dnssec": _changed(config, "dnssec"),
    }
    lines: list[str] = []
    for section, values in ours.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {toml(value)}" for key, value in values.items()]
    for number, table in enumerate(config.rpz):
        file = place.directory / f"policy{number}.zone"
        file.write_text(made.texts[str(table.file)])
        said = {key: getattr(table, key) for key in sorted(table.model_fields_set)} | {"file": file}
        lines += ["[[rpz]]", *(f"{key} = {toml(value)}" for key, value in said.items())]
    path = place.directory / "resolver.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def _changed(config: Config, section: str) -> dict[str, object]:
    """The settings of a section that the scenario has said."""
    model = getattr(config, section)
    return {key: getattr(model, key) for key in sorted(model.model_fields_set) if getattr(model, key) is not None}


def _roots(made: Arrangement, place: Place) -> dict[str, object]:
    """Where iteration begins. A scenario without root servers forwards all that it asks, or has stubs for it."""
    if not made.root.servers:
        return {"roots": "internet"}
    path = place.directory / "root.hints"
    lines = []
    for server in made.root.servers:
        name = names.to_text(server.name)
        lines.append(f". 3600000 NS {name}")
        for endpoint in server.endpoints:
            lines.append(f"{name} 3600000 {'AAAA' if ':' in endpoint.host else 'A'} {endpoint.host}")
    path.write_text("\n".join(lines) + "\n")
    return {"roots": "file", "hints_file": path}


WRITERS: Final = {"unbound": Writer(unbound, dated=True), "resolver": Writer(resolver, dated=False)}
"""The writers by the names of their daemons."""


def named_by(command: list[str]) -> str | None:
    """The daemon that the words of a command start, if one is known."""
    for word in command:
        name = Path(word).name
        for known in WRITERS:
            if name == known or name.startswith((f"{known}-", f"{known}.")):
                return known
    return None
