from __future__ import annotations

from pathlib import Path

import pytest

from resolver.config.load import load
from resolver.errors import ConfigError

RELAY = "[pools.edge]\nmembers = ['192.0.2.1']\nmode = 'relay'\n"


def problems(text: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "resolver.toml"
    file.write_text(text)
    try:
        load(file, {})
    except ConfigError as error:
        return str(error).replace(f"{tmp_path}/", "").splitlines()
    return []


@pytest.mark.parametrize(
    "text",
    [
        RELAY + "listen = ['127.0.0.1:5301', '[::1]:5301']\n",
        RELAY + "listen = ['127.0.0.1:0', '[::1]:0']\npolicy = 'consistent-hash'\n",
        RELAY + "listen = ['127.0.0.1']\nsticky = 'valkey://127.0.0.1'\nsticky_password = 'x'\n",
        "[server]\nlisten = ['127.0.0.1:5300']\n" + RELAY + "listen = ['127.0.0.1:5301']\n",
    ],
)
def test_a_relay_that_can_be_is_one(text: str, tmp_path: Path):
    assert problems(text, tmp_path) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (RELAY, '3: mode = "relay" needs listen; write listen = ["127.0.0.1:5301"]'),
        (
            "[pools.a]\nmembers = ['192.0.2.1']\nlisten = ['127.0.0.1']\n",
            '3: listen is set, but mode is "forward": questions come from forward zones and rules; '
            'write mode = "relay", or remove listen',
        ),
        (
            RELAY + "listen = ['127.0.0.1']\npolicy = 'qname-hash'\n",
            '5: policy is "qname-hash", but a relay reads no names; write "client-hash", or "consistent-hash"',
        ),
        (
            "[pools.a]\nmembers = 'system'\nmode = 'relay'\nlisten = ['127.0.0.1']\n",
            '2: members of a relay cannot be "system"; write their addresses',
        ),
        (
            "[pools.a]\nmembers = ['tls://192.0.2.1#dns.example']\nmode = 'relay'\nlisten = ['127.0.0.1']\n",
            '2: "tls://192.0.2.1:853#dns.example" cannot be a member of a relay, which passes on what comes as it is; '
            'write "udp://192.0.2.1:53"',
        ),
        (
            "[pools.a]\nmembers = ['tcp://192.0.2.1:5353']\nmode = 'relay'\nlisten = ['127.0.0.1']\n",
            '2: "tcp://192.0.2.1:5353" cannot be a member of a relay, which passes on what comes as it is; '
            'write "udp://192.0.2.1:5353"',
        ),
        (
            RELAY + "listen = ['192.0.2.1']\n",
            '2: "192.0.2.1:53" is where this daemon itself listens; name another server',
        ),
        (
            RELAY.replace("192.0.2.1", "127.0.0.1:5301") + "listen = ['0.0.0.0:5301']\n",
            '2: "127.0.0.1:5301" is where this daemon itself listens; name another server',
        ),
        (
            RELAY + "listen = ['127.0.0.1:5301']\n[pools.b]\nmembers = ['127.0.0.1:5301']\nmode = 'relay'\n"
            "listen = ['127.0.0.1:5302']\n",
            '6: "127.0.0.1:5301" is where this daemon itself listens; name another server',
        ),
        (
            "[server]\nlisten = ['127.0.0.1:5301']\n" + RELAY + "listen = ['127.0.0.1:5301']\n",
            '6: "127.0.0.1:5301" is where this daemon already listens for something else; write another port',
        ),
        (
            "[server]\nlisten = ['0.0.0.0:5301']\n" + RELAY + "listen = ['127.0.0.1:5301']\n",
            '6: "127.0.0.1:5301" is where this daemon already listens for something else; write another port',
        ),
        (
            RELAY + "listen = ['127.0.0.1:5301', '127.0.0.1:5301']\n",
            '4: "127.0.0.1:5301" stands there twice; remove one',
        ),
        (
            RELAY + "listen = ['0.0.0.0:5301', '127.0.0.1:5301']\n",
            '4: "0.0.0.0:5301" takes "127.0.0.1:5301" too; remove one of the two',
        ),
        (
            RELAY + "listen = ['127.0.0.1']\n[[rules]]\naction = 'pool'\npool = 'edge'\n",
            '7: "edge" is a relay, and cannot take what a rule has looked at; name a pool with mode = "forward"',
        ),
        (
            "[pools.a]\nmembers = ['192.0.2.1']\nsticky = 'memory'\nsticky_password = 'x'\n",
            "4: sticky_password is set, but the table is in no store; write a URL as `sticky`, "
            "or remove sticky_password",
        ),
    ],
)
def test_a_relay_that_cannot_be_is_told_with_its_line_and_what_to_write(text: str, problem: str, tmp_path: Path):
    assert f"resolver.toml:{problem}" in problems(text, tmp_path)
