"""What can be played in a black box, and what a person must write for it."""

from __future__ import annotations

import pytest

from resolver.errors import ConfigError
from resolver.network.base import Endpoint
from resolver.testing.blackbox import namespace
from resolver.testing.blackbox.daemon import words
from resolver.testing.blackbox.judging import Aim, aim, impossible
from resolver.testing.blackbox.servers import addresses
from tests.support.scripts import PLAIN, PRIMING, ROOT, asks, entry, scenario, server

QUESTION = "www.example. IN A"
WHERE = Endpoint("127.0.0.1", 53)
UNBOUND = Aim(WHERE, "unbound -d -c {config}", "unbound")
OURS = Aim(WHERE, "resolver serve --config {config}", "resolver")
SIGNED = PLAIN.replace("server:\n", "server:\n trust-anchor: x\n val-override-date: 20070916134226\n")


def test_what_is_up_to_the_daemon_or_to_time_is_not_played() -> None:
    ask = asks(1, QUESTION)
    assert impossible(scenario(ask, "STEP 2 TIMEOUT"), UNBOUND) == ("black box: TIMEOUT in line 17 is up to the daemon")
    assert impossible(scenario(ask, "STEP 2 TIME_PASSES ELAPSE 2.5"), UNBOUND) == (
        "black box: 2.5 s pass in line 17, and time cannot be moved"
    )
    assert impossible(scenario(ask, "STEP 2 TIME_PASSES ELAPSE 2", "STEP 3 TRAFFIC"), UNBOUND) is None
    until = ("STEP 2 TIME_PASSES UNTIL 1.5", "STEP 3 TIME_PASSES UNTIL 3", "STEP 4 TIME_PASSES UNTIL 9")
    assert impossible(scenario(ask, *until[:2]), UNBOUND) is None
    assert impossible(scenario(ask, *until), UNBOUND) == "black box: 6 s pass in line 19, and time cannot be moved"


def test_a_server_where_the_daemon_is_cannot_be() -> None:
    reason = impossible(scenario(server(PRIMING, address="127.0.0.1"), asks(1, QUESTION)), UNBOUND)
    assert reason == "black box: a server of the script is at 127.0.0.1, where the daemon is"


def test_a_client_of_the_other_family_cannot_reach_the_daemon() -> None:
    from_six = asks(1, QUESTION).replace("QUERY", "QUERY ADDRESS ::5")
    assert impossible(scenario(from_six), UNBOUND) == ("black box: the client in line 10 cannot reach 127.0.0.1")
    assert impossible(scenario(from_six), Aim(Endpoint("::1", 53))) is None


def test_a_daemon_that_cannot_be_told_the_date_does_not_play_what_was_signed_then() -> None:
    signed = scenario(asks(1, QUESTION), config=SIGNED)
    assert impossible(signed, UNBOUND) is None
    undated = "resolver cannot be told the date in line 3; start it by a command with {date}"
    assert impossible(signed, OURS) == f"black box: {undated}"
    assert impossible(signed, Aim(WHERE, "dated {date} resolver", "resolver")) is None
    unsigned = SIGNED.replace(" trust-anchor: x\n", "")
    assert impossible(scenario(asks(1, QUESTION), config=unsigned), OURS) is None


def test_servers_stand_where_the_script_has_them_and_where_it_sends_anybody() -> None:
    glue = entry(
        QUESTION,
        "SECTION AUTHORITY",
        "example. NS ns.example.",
        "SECTION ADDITIONAL",
        "ns.example. A 192.0.2.5",
        "ns.example. AAAA 2001:db8::5",
        "ns.example. A 0.0.0.0",
        "ns.example. AAAA ff02::1",
        r"ns.example. A \# 3 010203",
    )
    stub = ROOT + "forward-zone:\n name: x.\n forward-addr: 192.0.2.6\n"
    reply = "STEP 2 REPLY ADDRESS 192.0.2.7\n" + entry(QUESTION)
    made = scenario(server(PRIMING, glue, address="192.0.2.4"), asks(1, QUESTION), reply, config=PLAIN + stub)
    assert set(addresses(made)) == {
        *("192.0.2.1", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"),
        "2001:db8::5",
    }


@pytest.mark.parametrize(
    ("start", "kind", "told"),
    [
        ("", None, "--start: the command is empty; write one"),
        ("unbound 'x", None, "--start: No closing quotation; close the quotes"),
        ("unbound -c {conf}", None, "--start: nothing stands for {conf}; use one of: {config}, {address}"),
        (
            "named -c {config}",
            None,
            "--start: whose configuration does 'named' take?; write --daemon ",
        ),
        (None, "unbound", "--daemon: says whose configuration to write, and nothing is started"),
    ],
)
def test_what_cannot_be_started_is_told(start: str | None, kind: str | None, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        aim(WHERE, start, kind)
    assert str(raised.value).startswith(told)


def test_a_command_needs_no_configuration() -> None:
    assert aim(WHERE, "some-daemon --listen {address}:{port}", None).kind is None
    assert words("a '{address} b' {config}", {"address": "::1", "config": "/x y"}) == ["a", "::1 b", "/x y"]


def test_a_network_that_cannot_be_made_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(flags: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(namespace, "_call_unshare", refuse)
    with pytest.raises(ConfigError) as raised:
        namespace.enter()
    assert str(raised.value) == (
        "--start: no network namespace can be made here: Operation not permitted; run it as root on Linux, or allow "
        "unprivileged user namespaces (sysctl user.max_user_namespaces)"
    )
