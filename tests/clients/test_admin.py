"""The admin API of a daemon as people use it: curl, the commands, and clients that ask for names after each change."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest

from resolver.config import load
from resolver.control import schemas
from resolver.control.routes import OF_PROGRAM, of_process
from tests.support.daemons import PATIENCE, ROOT, Daemon, run_resolver
from tests.support.fixtures import Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

TOKEN = "a-token-of-some-length"
EXAMPLE = re.compile(r"^    (curl .*http://127\.0\.0\.1:8053/.*)$", re.MULTILINE)

CLIENTS = 32
"""So many that each of two workers has some, but once in 2^31 times."""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A configuration file to be written by the test."""
    return tmp_path / "resolver.toml"


def written(settings: Path, admin: str, more: str = "", workers: int = 1) -> None:
    server = f'[server]\nlisten = ["127.0.0.1:0"]\nworkers = {workers}\n'
    settings.write_text(f"{server}{more}[world]\nin_memory = true\n[admin]\n{admin}\n")


class Client:
    """Who drives the daemon with curl, and asks it for names."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    @property
    def port(self) -> int:
        """Where the admin API listened last."""
        return int(re.findall(r"event=admin listening=\S+:(\d+)", self.daemon.log.text)[-1])

    def curl(self, *arguments: str) -> tuple[int, Any]:
        """Status and value; `{}` before a path is where the API is."""
        at = [re.sub(r"^{}(?=/)", f"http://127.0.0.1:{self.port}", each) for each in arguments]
        command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", *at]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    def done(self, *arguments: str) -> Any:
        """The value of what succeeds."""
        status, value = self.curl(*arguments)
        assert status == 200, value
        return value

    def put(self, name: str, **body: Any) -> None:
        """A zone is declared."""
        self.done("-X", "PUT", "-d", json.dumps(body), f"{{}}/zones/{name}")

    def answer(self, name: str, rtype: str = "A") -> list[str]:
        """What a client gets: the response code, if it is not NOERROR, and the data."""
        reply = dns.query.udp(dns.message.make_query(name, rtype), self.daemon.host, PATIENCE, self.daemon.port)
        data = sorted(each.to_text() for rrset in reply.answer for each in rrset)
        return data if reply.rcode() == dns.rcode.NOERROR else [dns.rcode.to_text(reply.rcode()), *data]

    def ttl(self, name: str) -> int:
        """The TTL of the answer."""
        reply = dns.query.udp(dns.message.make_query(name, "A"), self.daemon.host, PATIENCE, self.daemon.port)
        return int(reply.answer[0].ttl)


@pytest.fixture
def started(serve: Serve, settings: Path, program: Callable[[str], str]) -> Iterator[Any]:
    """Starts a daemon with those settings."""
    program("curl")

    def start(admin: str = 'listen = ["127.0.0.1:0"]', more: str = "", workers: int = 1) -> Client:
        written(settings, admin, more, workers)
        return Client(serve("--config", str(settings)))

    return start


def test_each_example_of_the_page_does_what_it_says(started: Any) -> None:
    """In their order, on a daemon that was started for all of them."""
    pool = '[pools.office]\nmembers = ["192.0.2.1", "192.0.2.2"]\ncheck = "none"\n'
    client = started(more=f"test_clock = true\n[history]\nmessages = 1000\n{pool}")
    routes = iter([*of_process(lambda: load(None, {})), *OF_PROGRAM])
    page = (ROOT / "docs/admin-api.md").read_text().partition("## The daemon")[2]
    examples = EXAMPLE.findall(page)
    client.done("-X", "DELETE", "{}/faults")
    for example in examples:
        route = next(routes)
        words = shlex.split(example)[1:]
        at = [each.replace("http://127.0.0.1:8053", "{}") for each in words]
        if at[-1] == "{}/faults/1":
            number = client.done("{}/faults")["faults"][-1]["id"]
            at[-1] = f"{{}}/faults/{number}"
        value = client.done(*at)
        schemas.check(route.shape.answer, value)
    assert next(routes, None) is None, "a route without an example"


def test_wrong_hosts_and_tokens_are_refused_and_in_the_log(started: Any) -> None:
    client = started(f'listen = ["127.0.0.1:0"]\ntoken = "{TOKEN}"\nhosts = ["dns.test"]')
    right = ("-H", f"Authorization: Bearer {TOKEN}")
    assert client.curl(*right, "{}/health") == (200, {"status": "ok"})
    assert client.curl(*right, "-H", "Host: dns.test:8053", "{}/health")[0] == 200
    status, value = client.curl("-H", "Authorization: Bearer guessed-token-1234", "{}/health")
    assert (status, value["error"]) == (401, "the token is wrong")
    assert client.curl("{}/health")[0] == 401
    assert client.curl(*right, "-H", "Host: evil.example", "{}/health")[0] == 421
    assert client.curl(*right, "-H", "Origin: http://evil.example", "{}/zones")[0] == 403
    shown = client.done(*right, "{}/config")["settings"]["admin"]
    assert shown["token"] == "set, and not shown"
    client.daemon.log.wait_for(r"level=warning event=admin_wrong_token client=127\.0\.0\.1")
    client.daemon.log.wait_for(r"level=warning event=admin_wrong_host client=127\.0\.0\.1 reason=evil\.example")
    client.daemon.log.wait_for(r"level=warning event=admin_wrong_site client=127\.0\.0\.1 reason=http://evil\.example")
    log = client.daemon.stop()
    assert TOKEN not in log
    assert "guessed-token" not in log


def test_a_change_is_seen_by_the_next_question(started: Any) -> None:
    client = started()
    assert client.answer("www.shop.new") == ["NXDOMAIN"]
    client.put("shop.new", data={"www": {"A": ["192.0.2.1"]}})
    assert client.answer("www.shop.new") == ["192.0.2.1"]
    client.done("-X", "PUT", "-d", '{"values": ["192.0.2.2"]}', "{}/records/www.shop.new/A")
    assert client.answer("www.shop.new") == ["192.0.2.2"]
    client.done("-X", "PUT", "-d", '{"values": ["192.0.2.3"], "forget": false}', "{}/records/www.shop.new/A")
    assert client.answer("www.shop.new") == ["192.0.2.2"]
    client.done("-X", "DELETE", "{}/zones/shop.new")
    assert client.answer("www.shop.new") == ["NXDOMAIN"]
    client.daemon.stop()


def test_a_zone_of_the_shipped_world_is_changed_and_a_reload_brings_it_back(started: Any) -> None:
    client = started()
    before = client.answer("www.example.com")
    assert before
    client.done("-X", "PUT", "-d", '{"values": ["192.0.2.77"]}', "{}/records/www.example.com/A")
    assert client.answer("www.example.com") == ["192.0.2.77"]
    client.done("-X", "POST", "-d", '{"name": "example.com", "subtree": true}', "{}/cache/flush")
    client.daemon.reload()
    client.done("-X", "POST", "-d", '{"name": "example.com", "subtree": true}', "{}/cache/flush")
    assert client.answer("www.example.com") == before
    client.daemon.stop()


def test_challtestsrv_as_a_suite_drives_it(started: Any) -> None:
    client = started()

    def post(path: str, **body: Any) -> None:
        client.done("-d", json.dumps(body), f"{{}}{path}")

    post("/set-default-ipv4", ip="127.0.0.1")
    assert client.answer("whatever.letsencrypt.test") == ["127.0.0.1"]
    post("/set-txt", host="_acme-challenge.site.example.", value="a-digest")
    assert client.answer("_acme-challenge.site.example", "TXT") == ['"a-digest"']
    assert client.answer("site.example") == ["127.0.0.1"]
    post("/add-a", host="site.example", addresses=["192.0.2.1", "192.0.2.2"])
    assert client.answer("site.example") == ["192.0.2.1", "192.0.2.2"]
    post("/set-servfail", host="site.example")
    assert client.answer("site.example") == ["SERVFAIL"]
    post("/clear-servfail", host="site.example")
    assert client.answer("site.example") == ["192.0.2.1", "192.0.2.2"]
    post("/clear-a", host="site.example")
    assert client.answer("site.example") == ["127.0.0.1"]
    post("/clear-txt", host="_acme-challenge.site.example")
    assert client.answer("_acme-challenge.site.example", "TXT") == []
    post("/set-default-ipv4", ip="")
    assert client.answer("_acme-challenge.site.example", "TXT") == ["NXDOMAIN"]
    assert client.curl("-d", '{"host": "site.example"}', "{}/dns-request-history")[0] == 409
    client.daemon.stop()


def test_the_commands_for_faults(started: Any) -> None:
    client = started()
    client.put("shop.new", data={"www": {"A": ["192.0.2.1"]}})
    resolver = client.daemon.resolver

    def command(*words: str, code: int = 0) -> str:
        done = resolver(*words, "--socket", str(client.daemon.socket))
        assert done.returncode == code, done
        return done.stdout if code == 0 else done.stderr

    assert command("fault", "clear").startswith("cleared ")
    added = json.loads(command("fault", "add", "servfail", "--name", "www.shop.new", "--json"))
    assert (added["kind"], added["name"]) == ("servfail", "www.shop.new.")
    assert client.answer("www.shop.new") == ["SERVFAIL"]
    (line,) = [line for line in command("fault", "list").splitlines() if "www.shop.new." in line]
    assert line.split()[:2] == [str(added["id"]), "servfail"]
    assert "in force" in line
    assert command("fault", "clear", str(added["id"])) == "cleared 1 fault\n"
    client.done("-d", '{"name": "www.shop.new"}', "{}/cache/flush")
    assert client.answer("www.shop.new") == ["192.0.2.1"]
    assert "did you mean 'servfail'?" in command("fault", "add", "servfial", code=2)
    assert "there is no fault 99" in command("fault", "clear", "99", code=1)
    assert "no server ns9.shop.new. is in this world" in command(
        "fault", "add", "silent", "--server", "ns9.shop.new", code=1
    )
    client.daemon.stop()


def test_the_commands_for_time(started: Any) -> None:
    client = started(more="test_clock = true\n")
    client.put("shop.new", data={"www": {"A": {"ttl": 300, "values": ["192.0.2.1"]}}})

    def clock(*words: str) -> str:
        done = client.daemon.resolver("clock", *words, "--socket", str(client.daemon.socket))
        assert done.returncode == 0, done
        return done.stdout

    assert 295 <= client.ttl("www.shop.new") <= 300
    before = clock("show")
    assert clock("advance", "4m") > before
    assert 50 <= client.ttl("www.shop.new") <= 60
    body = '{"values": ["192.0.2.2"], "ttl": 300, "forget": false}'
    client.done("-X", "PUT", "-d", body, "{}/records/www.shop.new/A")
    assert client.answer("www.shop.new") == ["192.0.2.1"]
    clock("advance", "61s")
    assert client.answer("www.shop.new") == ["192.0.2.2"]
    assert clock("freeze").endswith("(frozen)\n")
    ttl = client.ttl("www.shop.new")
    assert clock("show") == clock("show")
    assert client.ttl("www.shop.new") == ttl
    assert json.loads(clock("thaw", "--json"))["frozen"] is False
    done = client.daemon.resolver("clock", "advance", "-1m", "--socket", str(client.daemon.socket))
    assert done.returncode == 1
    assert done.stderr.startswith("resolver: by: '-1m' is out of range; write ")
    client.daemon.stop()


def test_a_daemon_whose_time_cannot_be_moved_says_so(started: Any) -> None:
    client = started()
    done = client.daemon.resolver("clock", "show", "--socket", str(client.daemon.socket))
    assert done.returncode == 1
    assert done.stderr.endswith("start it with `resolver serve --test-clock`\n")


def test_every_worker_makes_a_change(started: Any) -> None:
    client = started(more="test_clock = true\n[history]\nmessages = 100\n", workers=2)
    client.put("shop.new", data={"www": {"A": {"ttl": 60, "values": ["192.0.2.1"]}}})
    assert [client.answer("www.shop.new") for _ in range(CLIENTS)] == [["192.0.2.1"]] * CLIENTS
    said = client.done("{}/history?side=client&name=www.shop.new")
    assert len(said["messages"]) == CLIENTS
    assert {each["worker"] for each in said["messages"]} == {0, 1}
    client.done("-d", '{"kind": "servfail", "name": "www.shop.new"}', "{}/faults")
    client.done("-d", '{"by": "2m"}', "{}/clock/advance")
    assert {client.ttl("www.shop.new") for _ in range(CLIENTS)} == {30}, "stale in each, as nobody answers"
    client.done("-d", '{"name": "www.shop.new"}', "{}/cache/flush")
    assert [client.answer("www.shop.new") for _ in range(CLIENTS)] == [["SERVFAIL"]] * CLIENTS
    faults = [each for each in client.done("{}/faults")["faults"] if not each["declared"]]
    assert len(faults) == 1
    assert faults[0]["applied"] >= 2
    assert client.done("-X", "DELETE", f"{{}}/faults/{faults[0]['id']}") == {"cleared": 1}
    assert client.curl("-X", "DELETE", "{}/zones/none.new")[0] == 404
    client.daemon.stop()


def test_a_reload_moves_the_listener_and_changes_the_token(started: Any, settings: Path) -> None:
    client = started()
    first = client.port
    written(settings, f'listen = ["127.0.0.1:0"]\ntoken = "{TOKEN}"')
    client.daemon.reload()
    assert client.curl("{}/health")[0] == 401
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        written(settings, f'listen = ["127.0.0.1:{holder.getsockname()[1]}"]')
        line = client.daemon.reload("reload_refused")
        assert "no admin API: " in line
        assert "is taken" in line
    assert client.port == first
    assert client.curl("{}/health")[0] == 401
    written(settings, "")
    client.daemon.reload()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", first))
    client.daemon.signal(signal.SIGTERM)
    assert client.daemon.wait() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_does_not_switch_the_clock_and_says_so(started: Any, settings: Path, workers: int) -> None:
    client = started(workers=workers)
    written(settings, 'listen = ["127.0.0.1:0"]', "test_clock = true\n", workers)
    client.daemon.reload("test_clock_not_switched")
    client.daemon.log.wait_for(r"event=reloaded")
    assert client.curl("{}/clock")[0] == 409
    client.daemon.stop()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_that_is_taken_keeps_the_daemon_from_starting(tmp_path: Path, settings: Path, workers: int) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        written(settings, f'listen = ["127.0.0.1:{holder.getsockname()[1]}"]', workers=workers)
        done = run_resolver(tmp_path, "serve", "--config", str(settings))
    assert done.returncode == 1
    assert "resolver: no admin API: cannot listen on 127.0.0.1:" in done.stderr
    assert "write another address in admin.listen" in done.stderr
    assert "Traceback" not in done.stderr


def test_beyond_loopback_there_is_no_api_without_a_token(tmp_path: Path, settings: Path) -> None:
    written(settings, 'listen = ["0.0.0.0:8053"]')
    done = run_resolver(tmp_path, "serve", "--config", str(settings))
    assert done.returncode == 2
    assert "is not on loopback, and there is no token; set admin.token or admin.token_file" in done.stderr


def test_a_worker_that_is_started_again_without_the_changes_is_told(started: Any) -> None:
    client = started(workers=2)
    client.put("shop.new", data={})
    pid = next(each["pid"] for each in client.daemon.control("GET", "/workers")["workers"] if each["worker"] == 1)
    os.kill(pid, signal.SIGKILL)
    client.daemon.log.wait_for(r"level=warning event=worker_without_changes worker=1")
    client.daemon.log.wait_for(r"event=worker_started worker=1")
    client.daemon.signal(signal.SIGTERM)
    assert client.daemon.wait() == 0
