from __future__ import annotations

import ipaddress

import pytest

from resolver import hints
from resolver.engine.delegation import NameServer
from resolver.errors import ConfigError, ZoneError
from resolver.network.base import Endpoint
from resolver.network.reach import Reach, reach_of
from resolver.wire import names
from tests.support.messages import name


def test_the_root_servers_of_the_internet_are_thirteen_with_two_public_addresses_each():
    found = hints.internet()
    assert (found.zone, found.configured, len(found.servers)) == (names.ROOT, True, 13)
    for server in found.servers:
        assert names.to_text(server.name).endswith(".root-servers.net.")
        four, six = (ipaddress.ip_address(each.host) for each in server.endpoints)
        assert (four.version, six.version) == (4, 6)
        assert all(each.port == 53 and reach_of(each.host) is Reach.PUBLIC for each in server.endpoints)
        assert str(six) == server.endpoints[1].host


def test_a_hints_file_is_read(tmp_path):
    path = tmp_path / "named.root"
    path.write_text(
        ". 3600000 NS A.ROOT.TEST.\n. 3600000 NS b.root.test.\n. 3600000 NS nowhere.test.\n"
        "A.ROOT.TEST. 3600000 A 198.41.0.4\nA.ROOT.TEST. 3600000 AAAA 2001:503:ba3e::2:30\n"
        "b.root.test. 60 A 192.0.2.1\n"
    )
    found = hints.from_file(path)
    assert found.servers == (
        NameServer(name("a.root.test."), (Endpoint("198.41.0.4", 53), Endpoint("2001:503:ba3e::2:30", 53))),
        NameServer(name("b.root.test."), (Endpoint("192.0.2.1", 53),)),
    )


def test_a_hints_file_without_an_address_says_what_to_write(tmp_path):
    path = tmp_path / "named.root"
    path.write_text(". 3600 NS a.root.test.\n")
    with pytest.raises(ConfigError, match=r"named\.root: names no root server with an address; write") as caught:
        hints.from_file(path)
    assert "A or AAAA" in str(caught.value)


def test_a_hints_file_that_is_no_master_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "named.root"
    path.write_text(". 3600 NS a.root.test.\na.root.test. 3600 A not-an-address\n")
    with pytest.raises(ZoneError, match=r"named\.root:2"):
        hints.from_file(path)


def test_more_servers_than_a_root_has_are_cut():
    many = [NameServer(name(f"r{number}."), (Endpoint("192.0.2.1", number),)) for number in range(20)]
    assert len(hints.root(many).servers) == 13
