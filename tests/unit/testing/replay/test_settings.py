from __future__ import annotations

from dataclasses import replace

import pytest

from resolver.errors import ScenarioError
from resolver.message import Transport
from resolver.network.base import Endpoint, Upstream
from resolver.testing.replay.settings import FEATURES, MEANINGLESS, arrange, words_known
from resolver.testing.virtual_time import WALL_START
from tests.support.scripts import asks, scenario

DS = f"DS 1 8 1 {'0A' * 20}"


def of(config: str):
    return arrange(scenario(asks(1, "www.example. IN A"), config=config))


def test_the_stub_zone_of_the_root_is_the_root_hints():
    made = of('stub-zone:\n name: "."\n stub-addr: 192.0.2.1\n stub-addr: 2001:db8::1\n')
    assert made.root.configured
    places = [endpoint for server in made.root.servers for endpoint in server.endpoints]
    assert places == [Endpoint("192.0.2.1", 53), Endpoint("2001:db8::1", 53)]
    assert not made.config.resolver.stub_zones


def test_in_the_dialect_of_deckard_addresses_stand_alone():
    made = of(
        "do-ip6: no\nquery-minimization: off\n;server:\nval-override-date: 20070916134226\nstub-addr: 192.0.2.1\n"
    )
    assert made.root.servers[0].endpoints == (Endpoint("192.0.2.1", 53),)
    assert made.families == {4}
    assert made.wall == 1_189_950_146
    assert not made.config.resolver.qname_minimisation
    assert list(of("forward-addr: 192.0.2.9\n").config.resolver.forward_zones) == ["."]


def test_zones_become_those_of_the_settings():
    made = of(
        'stub-zone:\n name: "example.com"\n stub-addr: 192.0.2.2\n'
        'forward-zone:\n name: "b."\n forward-addr: 192.0.2.3\n'
    )
    assert made.config.resolver.stub_zones == {"example.com.": (Upstream(Endpoint("192.0.2.2", 53), Transport.UDP),)}
    assert made.config.resolver.forward_zones == {"b.": (Upstream(Endpoint("192.0.2.3", 53), Transport.UDP),)}


def test_what_is_said_of_stale_answers_and_of_prefetching_becomes_settings():
    made = of(
        "server:\n serve-expired: yes\n serve-expired-client-timeout: 1\n serve-expired-reply-ttl: 123\n"
        " serve-expired-ttl: 3600\n prefetch: yes\n"
    )
    cache = made.config.cache
    assert (cache.serve_stale, cache.prefetch) == (True, True)
    assert (cache.stale_client_timeout_ms, cache.stale_ttl_s, cache.stale_max_age_s) == (1, 123, 3600)
    assert of("server:\n serve-expired-ttl: 0\n").config.cache.stale_max_age_s == 604_800


def test_what_is_not_said_is_as_the_authors_of_scripts_had_it():
    silent = of("server:\n").config
    assert (silent.cache.serve_stale, silent.cache.prefetch) == (False, False)
    assert silent.resolver.unreserved == (".",)


def test_nothing_said_is_our_own_default():
    made = of("server:\n")
    assert made.config.resolver.qname_minimisation
    assert made.config.resolver.use_0x20
    assert (made.families, made.wall, made.needs) == ({4, 6}, WALL_START, {})


def test_features_are_needed_by_the_first_line_that_asks_for_them():
    made = of('auth-zone:\n name: "a."\nauth-zone:\n name: "b."\n')
    assert made.needs == {"auth-zone": 1}


def test_zones_that_are_forwarded_first_are_iterated_then():
    made = of('forward-zone:\n name: "b"\n forward-addr: 192.0.2.3\n forward-first: yes\n')
    assert made.config.resolver.forward_first == ("b.",)
    assert of("forward-zone:\n forward-first: no\n").config.resolver.forward_first == ()


def test_trust_anchors_and_what_goes_with_them_become_settings(tmp_path):
    made = of(
        f'server:\n trust-anchor: "example.com. 3600 IN {DS}"\n trust-anchor: "b. {DS}"\n aggressive-nsec: no\n'
        ' domain-insecure: "Sub.example.com"\n val-nsec3-keysize-iterations: "1024 100 2048 200"\n'
    ).config.dnssec
    assert made.validation
    assert made.trust_anchors == (f"example.com. 3600 IN {DS}", f"b. {DS}")
    assert [str(each) for each in made.negative_trust_anchors] == ["sub.example.com.", "."]
    assert (made.nsec3_iterations_insecure, made.nsec3_iterations_max, made.aggressive) == (100, 65_535, False)
    keys = tmp_path / "keys"
    keys.write_text(f". {DS}\n")
    made = scenario(asks(1, "www.example. IN A"), config=f"server:\n trust-anchor-file: {keys}\n")
    from_file = arrange(replace(made, path=tmp_path / "some.rpl")).config.dnssec
    assert (from_file.validation, from_file.trust_anchor_files) == (True, (keys,))
    assert from_file.negative_trust_anchors == ()


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "link", "a/../../secret"])
def test_a_file_elsewhere_is_not_read_whatever_a_scenario_says(tmp_path, name):
    (tmp_path / "secret").write_text("password\n")
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    made = scenario(asks(1, "www.example. IN A"), config=f"server:\n trust-anchor-file: {name}\n")
    with pytest.raises(ScenarioError) as caught:
        arrange(replace(made, path=folder / "some.rpl"))
    assert "is not beside the scenario" in str(caught.value)
    assert "password" not in str(caught.value)


def test_who_may_look_into_the_cache_is_whom_the_script_allows_it():
    assert of("server:\n verbosity: 1\n").config.server.snoop is None
    assert of("server:\n access-control: 10.0.0.0/8 allow\n").config.server.snoop == ()
    words = "server:\n access-control: 10.0.0.0/8 allow\n access-control: 127.0.0.1\tallow_snoop\n"
    snoop = of(f"{words} access-control: 192.0.2.7/24 allow_snoop\n").config.server.snoop
    assert snoop is not None
    assert [*map(str, snoop)] == ["127.0.0.1/32", "192.0.2.0/24"]


def test_without_an_anchor_nothing_is_validated():
    assert not of("server:\n").config.dnssec.validation


def test_the_root_of_the_internet_is_not_believed_in_a_script():
    """Its anchor is built in for `roots = "internet"`, and a script has a root of its own."""
    assert [str(each) for each in of("server:\n").config.dnssec.negative_trust_anchors] == ["."]
    assert of(f'server:\n trust-anchor: ". {DS}"\n').config.dnssec.negative_trust_anchors == ()


def test_words_about_local_zones_private_addresses_and_dns64_become_filters():
    ours = of(
        'server:\n local-zone: "corp." static\n local-zone: "b.corp." inform_deny\n'
        ' local-data: "a.corp. 60 IN A 192.0.2.1"\n local-data-ptr: "192.0.2.1 a.corp."\n'
        ' module-config: "dns64 validator iterator"\n private-address: 10.0.0.0/8\n private-domain: "c."\n'
    ).config.filters
    assert ours.local_zones == {"corp.": "static", "b.corp.": "deny"}
    assert ours.local_data == ("a.corp. 60 IN A 192.0.2.1", "1.2.0.192.in-addr.arpa PTR a.corp.")
    assert list(map(str, ours.dns64)) == ["64:ff9b::/96"]
    assert ours.rebinding
    assert ours.rebinding_names == ("c.",)
    assert "10.0.0.0/8" not in map(str, ours.rebinding_networks)
    assert "192.168.0.0/16" in map(str, ours.rebinding_networks)
    assert list(map(str, of("server:\n dns64-prefix: 2001:db8::/96\n").config.filters.dns64)) == ["2001:db8::/96"]


def test_local_zones_of_a_view_are_those_of_its_clients_alone():
    made = of('server:\n\nview:\n name: "v"\n local-zone: "corp." static\n local-data: "a.corp. A 192.0.2.1"\n')
    assert not made.config.filters.local_zones
    assert not made.config.filters.local_data
    assert "views" in made.needs


def test_every_word_without_meaning_has_a_reason_and_no_word_has_two_places():
    assert all(len(reason) > 15 for reason in MEANINGLESS.values())
    assert not MEANINGLESS.keys() & FEATURES.keys()
    assert set(words_known()) >= {"server", "serve-expired", "verbosity", "rpz"}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            "server:\n do-not-know: yes\n",
            "some.rpl:2: 'do-not-know' is neither a setting here nor a word without meaning",
        ),
        ("server:\n do-ip6: maybe\n", "some.rpl:2: do-ip6: 'maybe'; write yes or no"),
        ("server:\n val-override-date: today\n", "some.rpl:2: 'today' is no date"),
        ("server:\n module-config: python\n", "some.rpl:2: there is no module 'python' here"),
        ("server:\n access-control: 10.0.0.0/8 refuse\n", "some.rpl:2: access-control '10.0.0.0/8 refuse'"),
        ("server:\n access-control: here allow_snoop\n", "some.rpl:2: access-control: 'here' is no network; write one"),
        (
            'view:\n name: "."\n stub-addr: 192.0.2.1\n',
            "some.rpl:3: stub-addr in the clause view; write it in a stub-zone",
        ),
        ('rpz:\n name: "."\n stub-addr: 192.0.2.1\n', "some.rpl:3: 'stub-addr' has no meaning in a clause rpz"),
        ('rpz:\n name: "p."\n zonefile: p.zone\n', "some.rpl:3: zonefile: 'p.zone' stands nowhere"),
        ("rpz:\n rpz-log: yes\n", "some.rpl:2: rpz without a name"),
        (
            'rpz:\n name: "p."\n rpz-action-override: nxdomian\n',
            "some.rpl:3: rpz-action-override: 'nxdomian'; write one of nxdomain",
        ),
        ("stub-addr: here\n", "some.rpl:1: 'here' is no IP address"),
        ('server:\n local-zone: "a." statick\n', 'some.rpl:2: local-zone: "statick" is no type of a local zone; did'),
        ('server:\n local-data: "a. A here"\n', 'some.rpl:2: local-data: "a. A here": "here" is no data of type A'),
        ("server:\n dns64-prefix: 64:ff9b::/95\n", 'some.rpl:2: dns64-prefix: "64:ff9b::/95" has 95 bits'),
        (
            'server:\n trust-anchor: ". DS 1 8 2 00"\n',
            "some.rpl:2: trust-anchor: a digest of 1 octets, where type 2 has 32",
        ),
        ("server:\n trust-anchor-file: none\n", "some.rpl:2: trust-anchor-file: cannot be read: No such file"),
        ("server:\n domain-insecure: a..b\n", 'some.rpl:2: domain-insecure: "a..b" names no zone'),
        ("server:\n aggressive-nsec: maybe\n", "some.rpl:2: aggressive-nsec: 'maybe'; write yes or no"),
        (
            "server:\n val-nsec3-keysize-iterations: 1024\n",
            "some.rpl:2: val-nsec3-keysize-iterations: '1024'; write pairs",
        ),
        (
            'server:\n val-nsec3-keysize-iterations: "1024 9999"\n',
            "some.rpl:2: val-nsec3-keysize-iterations 1024 9999: Input should be less than or equal to 2500",
        ),
        ("server:\n serve-expired-ttl: long\n", "some.rpl:2: serve-expired-ttl: 'long'; write a number"),
        (
            "server:\n serve-expired-reply-ttl: 9999\n",
            "some.rpl:2: serve-expired-reply-ttl 9999: Input should be less than or equal to 3600; write what our own",
        ),
    ],
)
def test_a_word_that_is_not_understood_is_an_error_with_its_line(config, told):
    with pytest.raises(ScenarioError) as raised:
        of(config)
    assert told in str(raised.value)


ZONE = "zonefile:\nTEMPFILE_NAME p.zone\nTEMPFILE_CONTENTS p.zone\n@ SOA ns. h. 1 2 3 4 5\nTEMPFILE_END\n"


def test_a_policy_zone_of_a_scenario_is_one_of_ours():
    made = of(f'rpz:\n name: "p."\n rpz-action-override: cname\n rpz-cname-override: "g."\n rpz-log: yes\n {ZONE}')
    (table,) = made.config.rpz
    assert (table.zone, str(table.file), table.action, table.target) == ("p.", "p.zone", "cname", "g.")
    assert made.texts == {"p.zone": "@ SOA ns. h. 1 2 3 4 5\n"}
    assert not made.needs


@pytest.mark.parametrize("source", [" primary: 192.0.2.1\n", " url: http://example.com/p.zone\n", ""])
def test_a_policy_zone_that_is_to_be_had_from_elsewhere_is_a_feature_that_we_lack(source):
    made = of(f'rpz:\n name: "p."\n{source}')
    assert (made.needs, made.config.rpz) == ({"rpz-transfer": 2}, ())
