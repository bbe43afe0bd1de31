"""What a test does with the fixture `dns`."""

from __future__ import annotations

import datetime
import os
import time

import pytest

from resolver.auth.plan import Plan
from resolver.errors import ConfigError, InputError, ZoneError
from resolver.testing import UndeclaredName, WrongRcode, internet


def declare(dns):
    dns.zone("shop.example.", {"www": {"A": ["192.0.2.1", "192.0.2.2"]}, "api": {"CNAME": "www"}})


# -- the world


def test_a_zone_is_resolved_from_the_root_with_parents_that_nobody_declared(dns):
    declare(dns)
    answer = dns.resolve("api.shop.example")
    assert answer.rcode == "NOERROR"
    assert answer.addresses == ["192.0.2.1", "192.0.2.2"]
    assert [str(each) for each in answer.records] == [
        "api.shop.example. 60 IN CNAME www.shop.example.",
        "www.shop.example. 60 IN A 192.0.2.1",
        "www.shop.example. 60 IN A 192.0.2.2",
    ]
    assert dns.history.count(server="a.root-servers.test.", zone="example.") == 1
    assert dns.history.count(server="a.gtld.test.") == 1


def test_data_may_be_the_lines_of_a_master_file(dns):
    dns.zone("shop.example", records='mail 300 IN MX 10 mx.example.net.\n@ IN TXT "v=spf1 -all" " more"\n')
    assert dns.resolve("mail.shop.example", "MX").values == ["10 mx.example.net."]
    assert dns.resolve("mail.shop.example", "MX").ttl == 300
    assert dns.resolve("shop.example", "TXT").texts == ["v=spf1 -all more"]


def test_a_change_is_seen_when_the_ttl_is_over_and_not_before(dns):
    declare(dns)
    assert dns.resolve("www.shop.example").ttl == 60
    dns.set("www.shop.example", "A", "192.0.2.9", ttl=5)
    dns.clock.advance("59s")
    old = dns.resolve("www.shop.example")
    assert (old.addresses, old.ttl) == (["192.0.2.1", "192.0.2.2"], 1)
    dns.clock.advance("2s")
    new = dns.resolve("www.shop.example")
    assert (new.addresses, new.ttl) == (["192.0.2.9"], 5)


def test_records_are_added_and_removed(dns):
    declare(dns)
    dns.add("www.shop.example", "A", ["192.0.2.3"])
    dns.add("new.shop.example", "AAAA", "2001:db8::1")
    assert len(dns.resolve("www.shop.example").addresses) == 3
    assert dns.resolve("new.shop.example", "AAAA").addresses == ["2001:db8::1"]
    assert dns.remove("www.shop.example", "A", "192.0.2.1") == 1
    assert dns.remove("new.shop.example") == 1
    assert dns.remove("never.shop.example") == 0
    dns.flush()
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.2", "192.0.2.3"]
    assert dns.resolve("new.shop.example", "AAAA").rcode == "NXDOMAIN"


def test_forgetting_a_part_keeps_the_rest(dns):
    declare(dns)
    dns.zone("other.example", {"www": {"A": "192.0.2.7"}})
    dns.resolve("www.shop.example")
    dns.resolve("www.other.example")
    dns.set("www.shop.example", "A", "192.0.2.9")
    dns.set("www.other.example", "A", "192.0.2.8")
    assert dns.flush("shop.example") > 0
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.9"]
    assert dns.resolve("www.other.example").addresses == ["192.0.2.7"]


def test_a_zone_is_removed_and_its_names_are_no_mistakes(dns):
    declare(dns)
    dns.resolve("www.shop.example")
    dns.remove_zone("shop.example")
    assert dns.resolve("www.shop.example").addresses
    dns.flush()
    assert dns.resolve("www.shop.example").rcode == "NXDOMAIN"


def test_zones_and_faults_come_back(dns):
    declare(dns)
    dns.snapshot()
    dns.set("www.shop.example", "A", "192.0.2.9")
    dns.server("ns1.shop.example").drop()
    dns.snapshot("changed")
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.9"]
    dns.restore()
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.1", "192.0.2.2"]
    assert not dns.faults
    dns.restore("changed")
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.9"]
    assert len(dns.faults) == 1
    with pytest.raises(InputError, match="chnged"):
        dns.restore("chnged")


def test_a_zone_below_a_zone_is_delegated_from_it(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    dns.zone("eu.shop.example", {"www": {"A": "192.0.2.2"}}, servers=["ns.eu.shop.example"])
    assert dns.resolve("www.eu.shop.example").addresses == ["192.0.2.2"]
    dns.history.assert_asked(server="ns.eu.shop.example.")


@pytest.mark.dns(ttl=5, wall="2030-06-01T12:00:00+02:00", seed=7)
def test_the_marker_sets_options(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    assert dns.resolve("www.shop.example").ttl == 5
    assert dns.seed == 7
    assert dns.clock.now == datetime.datetime(2030, 6, 1, 10, tzinfo=datetime.UTC)


@pytest.mark.dns(mode="recursive", settings={"cache": {"serve_stale": True}})
def test_the_resolver_is_set_as_the_marker_says(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    dns.resolve("www.shop.example")
    dns.clock.advance("2m")
    dns.fault("silent")
    stale = dns.resolve("www.shop.example")
    assert stale.addresses == ["192.0.2.1"]
    assert stale.ede[0].code == 3


def test_a_world_may_come_from_a_directory(tmp_path):
    (tmp_path / "hierarchy.toml").write_text(
        '[zone."."]\n[[server]]\nname = "a.root.test"\naddress = "127.53.0.1"\nzones = [".", "test"]\n[zone."test"]\n'
        'records = ["www A 192.0.2.5"]\n'
    )
    with internet(world=tmp_path) as dns:
        assert dns.resolve("www.test").addresses == ["192.0.2.5"]
        assert dns.resolve("gone.test").rcode == "NXDOMAIN"
        dns.set("www.test", "A", "192.0.2.6")
        dns.flush()
        assert dns.resolve("www.test").addresses == ["192.0.2.6"]


def test_an_internet_shows_what_it_has():
    with internet() as dns:
        assert repr(dns) == "<internet, nothing declared>"
        declare(dns)
        assert repr(dns) == "<internet of shop.example.; <clock at 2026-01-01T00:00:00Z>>"
    assert repr(dns) == "<internet, closed>"


# -- answers


def test_an_answer_tells_all_that_a_client_got(dns):
    declare(dns)
    answer = dns.resolve("WWW.shop.example.", "A")
    assert (answer.aa, answer.ad, answer.tc, answer.ra) == (False, False, False, True)
    assert answer.name == "WWW.shop.example."
    assert answer.authority == []
    assert answer.ede == []
    assert repr(answer) == "<Answer WWW.shop.example. A NOERROR: 192.0.2.1, 192.0.2.2; TTL 60>"
    assert answer.raise_for_rcode() is answer


def test_a_denial_has_a_ttl_too_and_says_why(dns):
    declare(dns)
    answer = dns.resolve("wwww.shop.example")
    assert answer.rcode == "NXDOMAIN"
    assert answer.values == answer.addresses == []
    assert answer.ttl == 60
    assert "www.shop.example" in str(answer.explanation)
    with pytest.raises(WrongRcode, match=r"NOERROR was expected of <Answer wwww\.shop\.example\. A NXDOMAIN.*\n.*www"):
        answer.raise_for_rcode()
    assert dns.resolve("wwww.shop.example").raise_for_rcode("NXDOMAIN").rcode == "NXDOMAIN"


def test_an_answer_that_does_not_fit_into_a_datagram_comes_by_tcp(dns):
    dns.zone("big.example", {"@": {"TXT": ['"' + "x" * 200 + f'{number}"' for number in range(30)]}})
    answer = dns.resolve("big.example", "TXT")
    assert len(answer.texts) == 30
    assert not answer.tc
    assert [each.transport for each in dns.history.answers()] == ["udp", "tcp"]
    dns.resolve("big.example", "TXT", tcp=True)
    assert [each.transport for each in dns.history.answers()] == ["udp", "tcp", "tcp"]


def test_signatures_are_proven_and_come_where_they_are_asked_for(dns):
    dns.zone("signed.example", {"www": {"A": "192.0.2.1"}}, dnssec=True)
    dns.zone("plain.example", {"www": {"A": "192.0.2.1"}})
    answer = dns.resolve("www.signed.example")
    assert answer.ad
    assert [each.type for each in answer.records] == ["A"]
    assert [each.type for each in dns.resolve("www.signed.example", dnssec=True).records] == ["A", "RRSIG"]
    assert not dns.resolve("www.plain.example").ad


def test_what_is_signed_wrongly_is_bogus_but_for_those_who_do_not_want_it_checked(dns):
    dns.zone("bogus.example", {"www": {"A": "192.0.2.1"}}, dnssec={"fault": "expired"})
    answer = dns.resolve("www.bogus.example")
    assert answer.rcode == "SERVFAIL"
    assert answer.ede[0].code == 7
    assert dns.resolve("www.bogus.example", cd=True).addresses == ["192.0.2.1"]


@pytest.mark.dns(dnssec="nsec3")
def test_all_zones_are_signed_if_the_marker_says_so(dns):
    dns.zone("signed.example", {"www": {"A": "192.0.2.1"}})
    dns.zone("plain.example", {"www": {"A": "192.0.2.1"}}, dnssec=False)
    assert dns.resolve("www.signed.example").ad
    assert not dns.resolve("www.plain.example").ad
    denied = dns.resolve("gone.signed.example", dnssec=True)
    assert "NSEC3" in {each.type for each in denied.authority}


def test_an_internationalised_name_may_be_asked_for_as_it_is_written(dns):
    dns.zone("xn--bcher-kva.example", {"www": {"A": "192.0.2.1"}})
    assert dns.resolve("www.bücher.example").addresses == ["192.0.2.1"]


@pytest.mark.parametrize(
    ("name", "rtype", "said"), [("a..b", "A", "empty label"), ("a.example", "AA", "no record type")]
)
def test_what_is_no_question_is_told_so(dns, name, rtype, said):
    with pytest.raises(ValueError, match=said):
        dns.resolve(name, rtype)


# -- names that nobody declared


def test_a_name_that_nobody_declared_is_named_with_the_nearest(dns):
    declare(dns)
    with pytest.raises(UndeclaredName) as raised:
        dns.resolve("www.shop.exmaple")
    text = str(raised.value)
    assert text.startswith("nobody declared www.shop.exmaple.: the nearest that is declared is www.shop.example.; ")
    assert "dns.zone('shop.exmaple.', ...)" in text
    assert "dns.absent('www.shop.exmaple.')" in text
    assert len(dns.history) == 0


def test_a_name_in_a_declared_zone_does_not_exist(dns):
    declare(dns)
    assert dns.resolve("gone.shop.example").rcode == "NXDOMAIN"
    assert dns.resolve("www.shop.example", "AAAA").rcode == "NOERROR"


def test_absent_names_may_be_asked_for(dns):
    declare(dns)
    dns.absent("gone.example", "other.test")
    for name in ("gone.example", "www.gone.example", "other.test"):
        assert dns.resolve(name).rcode == "NXDOMAIN"
    with pytest.raises(UndeclaredName):
        dns.resolve("notgone.example")
    with pytest.raises(ValueError, match="empty label"):
        dns.absent("a..b")


@pytest.mark.dns(undeclared="nxdomain")
def test_all_names_may_be_asked_for_if_the_marker_says_so(dns):
    assert dns.resolve("www.anything.test").rcode == "NXDOMAIN"


@pytest.mark.parametrize("name", ["localhost", "www.invalid", "example", "a.gtld.test", ".", "4.3.2.10.in-addr.arpa"])
def test_names_that_are_special_and_those_of_parents_may_be_asked_for(dns, name):
    declare(dns)
    assert dns.resolve(name, "NS").rcode in ("NOERROR", "NXDOMAIN")


def test_an_alias_to_a_name_that_nobody_declared_is_a_mistake(dns):
    dns.zone("shop.example", {"www": {"CNAME": "shop.cdn.test."}})
    with pytest.raises(
        UndeclaredName, match=r"an alias leads to shop\.cdn\.test\., and nobody declared shop\.cdn\.test"
    ):
        dns.resolve("www.shop.example")
    dns.absent("cdn.test")
    assert dns.resolve("www.shop.example").rcode == "NXDOMAIN"


# -- what goes wrong


def test_a_server_that_is_dropped_is_passed_over_until_it_is_restored(dns):
    declare(dns)
    server = dns.server("ns1.shop.example.")
    assert server.drop() is server
    dns.server("NS2.shop.example").drop()
    failed = dns.resolve("www.shop.example")
    assert failed.rcode == "SERVFAIL"
    assert failed.ms > 1000
    assert "ns1.shop.example" in str(failed.explanation)
    server.restore()
    dns.clock.advance("1m")
    assert dns.resolve("www.shop.example").rcode == "NOERROR"
    assert [each["kind"] for each in dns.faults] == ["silent"]


def test_a_server_is_late_by_what_a_test_says(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}}, servers=["ns.shop.example"])
    dns.server("ns.shop.example").delay("300ms")
    assert dns.resolve("www.shop.example").ms == pytest.approx(300)
    dns.flush()
    dns.server("ns.shop.example").restore().delay(50)
    assert dns.resolve("www.shop.example").ms == pytest.approx(50)


def test_a_fault_ends_after_so_many_times_and_after_a_while(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1", "AAAA": "2001:db8::1"}}, servers=["ns.shop.example"])
    dns.server("ns.shop.example").servfail(type="A", count=5)
    assert dns.resolve("www.shop.example", "AAAA").rcode == "NOERROR"
    assert dns.resolve("www.shop.example").rcode == "SERVFAIL"
    dns.clear_faults()
    dns.clock.advance(60)
    dns.server("ns.shop.example").refuse(at="30s", for_="60s")
    assert dns.resolve("www.shop.example").rcode == "NOERROR"
    dns.clock.advance(61)
    assert dns.resolve("www.shop.example").rcode == "SERVFAIL"
    dns.clock.advance(60)
    assert dns.resolve("www.shop.example").rcode == "NOERROR"


def test_two_groups_are_parted(dns):
    declare(dns)
    number = dns.partition("resolver", ["ns1.shop.example.", "ns2.shop.example."])
    assert dns.resolve("www.shop.example").rcode == "SERVFAIL"
    assert dns.clear_faults(number) == 1
    dns.clock.advance("1m")
    assert dns.resolve("www.shop.example").rcode == "NOERROR"


def test_the_same_seed_loses_the_same_messages():
    def lost(seed):
        with internet(seed=seed) as dns:
            dns.zone("shop.example", {str(each): {"A": "192.0.2.1"} for each in range(20)})
            dns.fault("loss", 0.5)
            return [dns.resolve(f"{each}.shop.example").ms for each in range(20)]

    assert lost(1) == lost(1)
    assert lost(1) != lost(2)


def test_a_word_that_is_no_fault_names_the_nearest(dns):
    declare(dns)
    server = dns.server("ns1.shop.example")
    with pytest.raises(AttributeError, match=r"there is no fault 'servfial'; did you mean 'servfail'\?"):
        server.servfial()
    with pytest.raises(InputError, match=r"there is no fault 'delayed'; did you mean 'delay'\?"):
        dns.fault("delayed", 5)
    with pytest.raises(InputError, match="'probabilty'"):
        server.drop(probabilty=0.5)
    with pytest.raises(InputError, match="is no time"):
        server.delay("soon")
    with pytest.raises(InputError, match=r"no server 'ns3\.shop\.example'.*ns[12]\.shop\.example"):
        dns.server("ns3.shop.example")
    with pytest.raises(InputError, match="takes one value"):
        server.latency(1, 2)
    assert not dns.faults
    assert "wrong_id" in dir(server)
    assert not hasattr(server, "__len__")


def test_a_server_tells_where_it_is_and_what_it_serves(dns):
    declare(dns)
    server = dns.server("ns1.shop.example")
    assert repr(server) == "<server ns1.shop.example.>"
    assert server.zones == ["shop.example."]
    assert [address.split(".")[0] for address in server.addresses] == ["127", "fd53::2:1"]


# -- time


def test_a_day_passes_in_no_time(dns):
    began, then = time.monotonic(), dns.clock.now
    dns.clock.advance(datetime.timedelta(days=1))
    dns.clock.advance("1h")
    dns.clock.advance(0.5)
    assert dns.clock.now - then == datetime.timedelta(days=1, hours=1, seconds=0.5)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("wrong", [-1, datetime.timedelta(seconds=-1), "soon", "5 minutes", "-5m", None, float("nan")])
def test_time_is_moved_by_a_time_and_not_back(dns, wrong):
    then = dns.clock.now
    with pytest.raises(InputError, match='"250ms", "30s", "5m"'):
        dns.clock.advance(wrong)
    assert dns.clock.now == then


def test_ttls_stand_still_while_the_clock_is_frozen(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}}, servers=["ns.shop.example"])
    dns.clock.freeze()
    dns.server("ns.shop.example").delay("1s")
    dns.resolve("www.shop.example")
    assert dns.clock.frozen
    assert "frozen" in repr(dns.clock)
    assert dns.resolve("www.shop.example").ttl == 60
    dns.clock.advance("10s")
    assert dns.resolve("www.shop.example").ttl == 50
    dns.clock.thaw()
    assert not dns.clock.frozen


# -- what is wrong with what a test says


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tll": 5}, "there is no option 'tll'; did you mean 'ttl'"),
        ({"ttl": -1}, "ttl is -1; write whole seconds"),
        ({"seed": "x"}, "seed is 'x'; write a whole number"),
        ({"wall": "yesterday"}, "wall is 'yesterday'; write a time like"),
        ({"wall": 1e12}, "wall is 1000000000000.0; write a time between 1970 and 2100"),
        ({"mode": "recursiv"}, "mode is 'recursiv'; did you mean 'recursive'"),
        ({"dnssec": "nsec4"}, "dnssec is 'nsec4'; did you mean 'nsec'"),
        ({"undeclared": "ignore"}, "undeclared is 'ignore'; use one of: fail, nxdomain"),
        ({"settings": 5}, "settings is 5; write sections with keys"),
        ({"world": "/nowhere"}, "world is '/nowhere'; name a directory that holds a hierarchy.toml"),
    ],
)
def test_an_option_that_cannot_be_is_told_with_what_to_write(options, said):
    with pytest.raises(InputError, match=said), internet(**options):
        pass


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cahce": {}}, r"unknown section \[cahce\]; did you mean \[cache\]"),
        ({"cache": {"serve_stael": True}}, r"unknown key 'serve_stael' in \[cache\]; did you mean 'serve_stale'"),
        ({"cache": {"serve_stale": 5}}, "cache.serve_stale is 5; write true or false"),
    ],
)
def test_a_setting_that_cannot_be_is_told_with_what_to_write(settings, said):
    with pytest.raises(ConfigError, match=said), internet(settings=settings):
        pass


def test_a_zone_that_cannot_be_is_told_at_the_line_that_declares_it(dns):
    with pytest.raises(ZoneError, match=r"test_dns.py:\d+: .*192\.0\.2\.300") as raised:
        dns.zone("shop.example", {"www": {"A": "192.0.2.300"}})
    frames = [each.frame.code.path for each in raised.traceback]
    assert str(frames[-1]).endswith("calling.py"), "no frame of what was called is left"
    assert len(frames) == 2
    with pytest.raises(ZoneError, match="CNAME"):
        dns.zone("shop.example", {"www": {"A": "192.0.2.3", "CNAME": "api"}})
    with pytest.raises(UndeclaredName, match=r"declare its zone with dns\.zone\('shop\.example\.', \.\.\.\)"):
        dns.set("www.shop.example", "A", "192.0.2.1")
    dns.zone("shop.example")
    with pytest.raises(ZoneError, match="5 is no text"):
        dns.set("www.shop.example", "A", 5)
    dns.remove_zone("shop.example")
    with pytest.raises(InputError, match="None is no text; write a name and a type"):
        dns.resolve(None)
    with pytest.raises(ZoneError, match="no such zone"):
        dns.remove_zone("shop.example")


def test_a_change_that_cannot_be_changes_nothing(dns):
    declare(dns)
    with pytest.raises(ZoneError, match="more than one CNAME"):
        dns.add("api.shop.example", "CNAME", "mail")
    assert dns.resolve("api.shop.example").addresses == ["192.0.2.1", "192.0.2.2"]


def test_what_only_the_whole_world_refuses_is_told_at_the_line_that_brought_it_about(dns, monkeypatch):
    declare(dns)
    monkeypatch.setattr(Plan, "world", lambda plan: (_ for _ in ()).throw(ZoneError("not in this world")))
    with pytest.raises(ZoneError, match="not in this world"):
        dns.set("www.shop.example", "A", "192.0.2.9")


# -- sockets


def sockets():
    links = []
    for each in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{each}"))
        except OSError:  # that of the listing itself
            continue
    return sum(link.startswith("socket:") for link in links)


def test_there_is_no_socket_until_one_is_wanted():
    before = sockets()
    with internet() as dns:
        declare(dns)
        dns.resolve("www.shop.example")
        dns.clock.advance("5m")
        dns.set("www.shop.example", "A", "192.0.2.9")
        dns.resolve("www.shop.example")
        assert sockets() == before
        assert dns.nameserver.port
        assert sockets() > before
    assert sockets() == before
