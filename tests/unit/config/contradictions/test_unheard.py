"""Rules for queries that never come."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.config import load
from resolver.errors import ConfigError

OPEN = 'listen = ["0.0.0.0:53"]\n'
TLS = 'listen_tls = ["127.0.0.1:0"]\n'
HTTPS = 'listen_https = ["127.0.0.1:0"]\n'


def problems(directory: Path, server: str, rule: str) -> list[str]:
    """What is said of such a rule in a daemon that listens so."""
    file = directory / "resolver.toml"
    file.write_text(f'[server]\n{server}[[rules]]\naction = "drop"\n{rule}\n')
    try:
        load(file, {})
    except ConfigError as wrong:
        return [line.partition(": ")[2] for line in str(wrong).splitlines()]
    return []


@pytest.mark.parametrize(
    ("server", "rule", "said"),
    [
        ("", 'transports = ["tls"]', "no query comes over tls; set server.listen_tls, or remove the rule"),
        (TLS, 'transports = ["https"]', "no query comes over https; set server.listen_https, or remove the rule"),
        (
            "",
            'server_names = ["a.test"]',
            "no query comes over tls or https, and no other has server_names; set server.listen_tls or "
            "server.listen_https, or remove the rule",
        ),
        (TLS, 'paths = ["/a"]\nheaders = {x = "y"}', "no query comes over https, and no other has paths"),
        (TLS, 'headers = {x = "y"}', "no query comes over https, and no other has headers"),
        (OPEN, 'clients = ["192.0.2.0/24"]', "clients in 192.0.2.0/24 may not ask; add them to server.allow"),
        (OPEN + 'allow = ["192.0.2.0/24"]\n', 'clients = ["10.0.0.0/8"]', "clients in 10.0.0.0/8 may not ask"),
        (OPEN + 'deny = ["10.0.0.0/8"]\n', 'clients = ["10.1.0.0/16"]', "10.1.0.0/16 is in server.deny; remove it"),
    ],
)
def test_a_rule_for_queries_that_never_come_is_told_with_what_opens_the_way(tmp_path, server, rule, said):
    (told,) = problems(tmp_path, server, rule)
    assert told.startswith(f"this rule can never fit: {said}")


@pytest.mark.parametrize(
    ("server", "rule"),
    [
        ("", 'transports = ["udp", "tls"]'),
        (TLS, 'server_names = ["a.test"]'),
        (HTTPS, 'server_names = ["a.test"]\npaths = ["/a"]\ntransports = ["https"]'),
        ("", 'clients = ["192.0.2.0/24"]'),
        (OPEN, 'clients = ["127.0.0.0/8"]'),
        (OPEN, 'clients = ["10.1.0.0/16", "192.0.2.0/24"]'),
        (OPEN, 'clients = ["0.0.0.0/0"]'),
        (OPEN + 'allow = ["192.0.2.0/24"]\n', 'clients = ["192.0.2.128/25"]'),
        (OPEN + 'deny = ["10.1.0.0/16"]\n', 'clients = ["10.0.0.0/8", "fd00::/8"]'),
    ],
)
def test_a_rule_for_queries_that_may_come_is_fine(tmp_path, server, rule):
    assert problems(tmp_path, server, rule) == []


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (OPEN, 'clients in "192.0.2.0/24" may not ask, so they cannot look into the cache; add them to server.allow'),
        (
            OPEN + 'deny = ["192.0.0.0/16"]\n',
            'clients in "192.0.2.0/24" may not ask, so they cannot look into the cache',
        ),
        (OPEN + 'allow = ["192.0.2.7/32", "10.1.0.0/16"]\n', ""),
        ("", ""),  # all that can ask are on this machine
    ],
)
def test_who_may_look_into_the_cache_and_not_ask_is_told(tmp_path, server, said):
    told = problems(tmp_path, f'{server}snoop = ["127.0.0.0/8", "10.0.0.0/8", "192.0.2.0/24"]\n', "")
    assert [each.startswith(said) for each in told] == [True] * bool(said)
