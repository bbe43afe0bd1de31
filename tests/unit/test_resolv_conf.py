from __future__ import annotations

import io
import os

import pytest

from resolver.network.base import Endpoint
from resolver.observe.log import Log
from resolver.resolv_conf import LOOK_S, MAX_NAMED, MAX_OCTETS, Followed, named, read
from resolver.testing.virtual_time import VirtualClock
from tests.support.strict import run_strictly

OWN = (Endpoint("192.0.2.53", 53), Endpoint("127.0.0.1", 5300))


def hosts(text: str, own=OWN) -> list[str]:
    return [each.upstream.endpoint.host for each in read(text, own).members]


def test_servers_are_those_behind_nameserver_in_their_order_and_once():
    text = """# by hand
    search example.com
    nameserver 192.0.2.1
    nameserver\t2001:DB8::1   # the second
    nameserver 192.0.2.1
    ; nameserver 192.0.2.9
    options edns0
    """
    assert hosts(text) == ["192.0.2.1", "2001:db8::1"]
    assert {each.upstream.endpoint.port for each in read(text, OWN).members} == {53}


@pytest.mark.parametrize("address", ["192.0.2.53", "127.0.0.1", "::1"])
def test_who_leads_back_to_this_daemon_is_left_out(address):
    own = (Endpoint("192.0.2.53", 53), Endpoint("0.0.0.0", 53), Endpoint("::", 53))
    found = read(f"nameserver {address}\nnameserver 192.0.2.1\n", own)
    assert ([each.upstream.endpoint.host for each in found.members], found.ours) == (["192.0.2.1"], (address,))


def test_another_server_on_loopback_is_not_this_daemon():
    assert hosts("nameserver 127.0.0.1\nnameserver 127.0.0.53\n") == ["127.0.0.1", "127.0.0.53"]


@pytest.mark.parametrize("behind", ["", "fe80::1%eth0", "dns.test", "192.0.2.7 5", "tcp://192.0.2.7"])
def test_a_line_that_cannot_be_used_is_told_by_its_number_and_skipped(behind):
    found = read(f"\nnameserver {behind}\nnameserver 192.0.2.1\n", OWN)
    assert ([number for number, _ in found.wrong], len(found.members)) == ([2], 1)


def test_not_more_than_a_few_are_used():
    found = read("".join(f"nameserver 192.0.2.{last}\n" for last in range(1, 20)), OWN)
    assert (len(found.members), len(found.wrong)) == (MAX_NAMED, 11)


def test_a_line_ends_where_the_system_says_that_it_does():
    assert hosts(
        "# by a lease of x\x0bnameserver 192.0.2.9\r\n# \u2028nameserver 192.0.2.8\nnameserver 192.0.2.1\r\n"
    ) == ["192.0.2.1"]


@pytest.mark.parametrize("cut", range(-12, 2))
def test_of_a_long_file_nobody_is_asked_whose_line_is_cut(tmp_path, cut):
    whole = b"nameserver 192.0.2.1\n"
    last = b"nameserver 192.0.2.123\n"
    fill = b"#" * (MAX_OCTETS - len(whole) - len(last) - cut - 1) + b"\n"
    (tmp_path / "resolv.conf").write_bytes(whole + fill + last + b"nameserver 192.0.2.2\n")
    found = [each.upstream.endpoint.host for each in named(tmp_path / "resolv.conf", OWN)]
    assert found == ["192.0.2.1"] + ["192.0.2.123"] * (cut >= 0)


def test_who_stands_there_now_is_nobody_where_the_file_cannot_be_read(tmp_path):
    assert not named(tmp_path / "not-there", OWN)
    (tmp_path / "dangling").symlink_to(tmp_path / "not-there")
    assert not named(tmp_path / "dangling", OWN)
    assert not named(tmp_path, OWN)


class Scene:
    """A file that is followed in virtual time."""

    def __init__(self, directory) -> None:
        self.file = directory / "resolv.conf"
        self.clock, self.log = VirtualClock(), io.StringIO()
        self.members: list[list[str]] = []
        self.followed = Followed("system", self.file, OWN, self._become, self.clock, Log(self.log, self.clock.wall))

    def _become(self, members) -> None:
        self.members.append([each.upstream.endpoint.host for each in members])

    async def says(self, *addresses: str, text: str = "") -> None:
        """The file is replaced by one with these servers, and looked at."""
        other = self.file.with_suffix(".new")
        other.write_text(text + "".join(f"nameserver {each}\n" for each in addresses))
        os.replace(other, self.file)
        await self.clock.advance(LOOK_S)


def followed(main, directory):
    async def go():
        scene = Scene(directory)
        try:
            return await main(scene) or scene
        finally:
            scene.followed.end()

    return run_strictly(go())


def test_the_pool_follows_the_file(tmp_path):
    async def main(scene):
        await scene.says("192.0.2.1")
        scene.followed.begin()
        await scene.says("192.0.2.1", text="# only a word more\n")
        await scene.says("192.0.2.2", "192.0.2.1")

    scene = followed(main, tmp_path)
    assert scene.members == [["192.0.2.1"], ["192.0.2.2", "192.0.2.1"]]
    assert 'members="192.0.2.2 192.0.2.1"' in scene.log.getvalue()


def test_a_file_that_is_gone_or_says_nothing_leaves_the_members_and_is_told_once(tmp_path):
    async def main(scene):
        await scene.says("192.0.2.1")
        scene.followed.begin()
        scene.file.unlink()
        await scene.clock.advance(10 * LOOK_S)
        await scene.says()
        await scene.says("192.0.2.3")

    scene = followed(main, tmp_path)
    assert scene.members == [["192.0.2.1"], ["192.0.2.3"]]
    assert scene.log.getvalue().count("cannot be read: No such file or directory") == 1
    assert scene.log.getvalue().count("names no server that can be used") == 1


def test_a_pipe_in_the_place_of_the_file_keeps_nobody_waiting(tmp_path):
    async def main(scene):
        await scene.says("192.0.2.1")
        scene.followed.begin()
        scene.file.unlink()
        os.mkfifo(scene.file)
        await scene.clock.advance(2 * LOOK_S)
        await scene.says("192.0.2.2")

    scene = followed(main, tmp_path)
    assert scene.members == [["192.0.2.1"], ["192.0.2.2"]]
    assert scene.log.getvalue().count("cannot be read: it is no regular file") == 1


def test_a_file_that_names_nobody_but_this_daemon_leaves_nobody(tmp_path):
    async def main(scene):
        await scene.says("192.0.2.1")
        scene.followed.begin()
        await scene.says("192.0.2.53")

    scene = followed(main, tmp_path)
    assert scene.members == [["192.0.2.1"], []]
    assert "names nobody but this daemon, at 192.0.2.53" in scene.log.getvalue()


def test_bad_lines_are_told_and_a_file_without_end_is_cut(tmp_path):
    async def main(scene):
        await scene.says("192.0.2.1", "nonsense\x1b", text="nameserver 192.0.2.4\n")
        scene.followed.begin()
        await scene.says("192.0.2.9", text="#" * MAX_OCTETS)

    scene = followed(main, tmp_path)
    assert scene.members == [["192.0.2.4", "192.0.2.1"]]
    assert f"{scene.file}:3" in scene.log.getvalue()
    assert "\x1b" not in scene.log.getvalue()


def test_a_link_that_leads_nowhere_for_a_while_leaves_the_members(tmp_path):
    async def main(scene):
        scene.file.symlink_to(tmp_path / "one")
        (tmp_path / "one").write_text("nameserver 192.0.2.1\n")
        scene.followed.begin()
        (tmp_path / "one").unlink()
        await scene.clock.advance(2 * LOOK_S)
        (tmp_path / "one").write_text("nameserver 192.0.2.2\n")
        await scene.clock.advance(LOOK_S)

    assert followed(main, tmp_path).members == [["192.0.2.1"], ["192.0.2.2"]]


def test_after_its_end_nothing_is_looked_at(tmp_path):
    async def main(scene):
        await scene.says("192.0.2.1")
        scene.followed.begin()
        scene.followed.end()
        await scene.says("192.0.2.2")

    assert followed(main, tmp_path).members == [["192.0.2.1"]]
