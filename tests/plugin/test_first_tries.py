"""What somebody tries who has not read the page to its end."""

from __future__ import annotations

import ipaddress
import unittest
from pathlib import Path

import pytest

from resolver.errors import InputError, ZoneError
from resolver.network.faults.words import WORDS
from resolver.testing import Answer, InternetMixin, ServerHandle, UndeclaredName, async_internet, internet
from resolver.testing.options import Given, Options
from resolver.testing.servers import VERBS
from resolver.testing.tried import FAULTS, MEANT


@pytest.fixture
def shop(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    return dns


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("record", r"'Internet' has no attribute 'record'; use set\(name, type, values\) or add"),
        ("resolv", "did you mean 'resolve'"),
        ("advance", r"use clock\.advance\(time\)"),
        ("message", "which the fixture hides, write `from dns import message`"),
        ("nothing_like_it", "'Internet' has no attribute 'nothing_like_it'$"),
    ],
)
def test_a_method_that_is_not_there_is_an_error_that_names_the_one_that_is(dns, word, said):
    with pytest.raises(AttributeError, match=said):
        getattr(dns, word)


def test_answers_and_clocks_say_which_attribute_was_meant(shop):
    answer = shop.resolve("www.shop.example")
    with pytest.raises(AttributeError, match="'Answer' has no attribute 'address'; use addresses"):
        _ = answer.address
    with pytest.raises(AttributeError, match="did you mean 'rcode'"):
        _ = answer.rcod
    with pytest.raises(AttributeError, match=r"'TestClock' has no attribute 'tick'; use advance\(time\)"):
        shop.clock.tick(5)


def test_what_is_meant_by_another_name_is_there(shop):
    owners = {"Internet": shop, "Answer": shop.resolve("www.shop.example"), "TestClock": shop.clock}
    for kind, tried in MEANT.items():
        for word, hint in tried.items():
            assert not hasattr(owners[kind], word), word
            first = hint.removeprefix("use ").partition(" ")[0].partition("(")[0].rstrip(",")
            found = owners[kind]
            for part in first.split("."):
                found = getattr(found, part)


def test_an_answer_without_what_was_asked_for_is_false(shop):
    assert shop.resolve("www.shop.example")
    assert not shop.resolve("www.shop.example", "AAAA")
    assert not shop.resolve("gone.shop.example")


def test_a_fault_may_last_for_a_block(shop):
    with shop.fault("servfail", zone="shop.example") as number:
        assert number == shop.faults[0]["id"]
        assert shop.resolve("www.shop.example").rcode == "SERVFAIL"
    shop.clock.advance("1m")
    assert shop.resolve("www.shop.example").rcode == "NOERROR"
    with shop.partition("resolver", ["ns1.shop.example", "ns2.shop.example"]):
        shop.clear_faults()
    assert not shop.faults


def test_what_a_handle_arranged_lasts_for_its_block_and_nothing_else_ends(shop):
    shop.server("ns1.shop.example").delay("300ms")
    with shop.server("ns1.shop.example").drop().servfail(type="A"):
        assert [each["kind"] for each in shop.faults] == ["latency", "silent", "servfail"]
    assert [each["kind"] for each in shop.faults] == ["latency"]


def test_editors_and_type_checkers_know_each_word_of_a_handle():
    words = {each.replace("-", "_") for each in (*WORDS, *VERBS)}
    assert words == {*ServerHandle.__annotations__, "drop", "delay"}


def test_type_checkers_know_each_option():
    assert list(Given.__annotations__) == list(Options.__dataclass_fields__)


def test_a_zone_may_be_written_with_addresses_of_ipaddress(dns):
    six = ipaddress.ip_address("2001:db8::1")
    dns.zone("shop.example", {"@": {"A": [ipaddress.ip_address("192.0.2.1"), "192.0.2.2"], "AAAA": six}})
    assert dns.resolve("shop.example").addresses == ["192.0.2.1", "192.0.2.2"]
    assert dns.resolve("shop.example", "AAAA").addresses == ["2001:db8::1"]
    dns.set("shop.example", "A", ipaddress.ip_address("192.0.2.3"))
    dns.flush()
    assert dns.resolve("shop.example").addresses == ["192.0.2.3"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"": {"A": "192.0.2.1"}}, 'an empty name; write "@" for the zone itself'),
        ({"@": {"MX": [(10, "mx")]}}, r"\(10, 'mx'\) is no text; write \"10 mx\""),
        ({"@": {"A": 5}}, "write text in quotes"),
    ],
)
def test_a_zone_that_is_written_otherwise_is_an_error_that_shows_how(dns, data, said):
    with pytest.raises(ZoneError, match=said):
        dns.zone("shop.example", data)


def test_names_are_written_with_all_letters_where_a_test_writes_them(dns):
    dns.zone("bücher.example", {"münchen": {"A": "192.0.2.1"}, "@": {"CNAME": "münchen"}} | {"@": {"TXT": "x"}})
    dns.add("köln.bücher.example", "A", "192.0.2.2")
    dns.absent("äpfel.example")
    assert dns.resolve("münchen.bücher.example").addresses == ["192.0.2.1"]
    assert dns.resolve("xn--kln-sna.xn--bcher-kva.example").addresses == ["192.0.2.2"]
    assert dns.flush("bücher.example") > 0
    assert dns.resolve("äpfel.example").rcode == "NXDOMAIN"
    assert dns.remove("köln.bücher.example") == 1
    with pytest.raises(InputError, match=r"write it in A-labels, as 'xn--kln-sna.example'"):
        dns.history.count(name="köln.example")


def test_an_address_in_place_of_its_name_is_an_error_that_says_it(dns):
    dns.zone("2.0.192.in-addr.arpa", {"1": {"PTR": "www.shop.example."}})
    with pytest.raises(InputError, match=r"write the name that PTR records have: '1\.2\.0\.192\.in-addr\.arpa'"):
        dns.resolve("192.0.2.1", "PTR")


def test_a_record_that_no_zone_encloses_is_told_where_it_is_set(dns):
    for change in (dns.set, dns.add):
        with pytest.raises(UndeclaredName, match=r"nobody declared www\.shop\.example"):
            change("www.shop.example", "A", "192.0.2.1")
    dns.absent("shop.example")
    dns.set("www.shop.example", "A", "192.0.2.1")
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.1"]
    with internet(undeclared="nxdomain") as allowed:
        allowed.set("www.shop.example", "A", "192.0.2.1")
        assert allowed.resolve("www.shop.example").addresses == ["192.0.2.1"]


def test_code_under_test_may_take_the_time_from_the_clock(shop):
    wall, passed = shop.clock.time(), shop.clock.monotonic()
    assert wall == shop.clock.now.timestamp()
    shop.clock.advance("61s")
    assert shop.clock.time() - wall == pytest.approx(61)
    assert shop.clock.monotonic() - passed == pytest.approx(61)


def test_trio_waits_for_an_answer_too():
    trio = pytest.importorskip("trio")

    async def main() -> Answer:
        async with async_internet() as dns:
            dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            return await dns.aresolve("www.shop.example")

    assert trio.run(main).addresses == ["192.0.2.1"]


def test_what_is_advised_is_said_by_methods(shop):
    shop.resolve("www.shop.example")
    assert shop.resolve("www.shop.example").explanation.advice == 'dns.flush("www.shop.example") has it asked again.'
    shop.flush()
    shop.fault("refused", server="ns1.shop.example")
    shop.fault("refused", server="ns2.shop.example")
    assert "dns.clear_faults(" in shop.resolve("www.shop.example").explanation.advice
    shop.zone("lame.example", {"@": {"NS": "ns1.other.example."}}, servers=[])
    assert "Name them in `servers` of dns.zone" in shop.resolve("www.lame.example").explanation.advice
    assert "hierarchy.toml" not in shop.resolve("www.shop.example").explanation.advice


def test_the_types_of_the_package_are_told_to_others():
    import resolver

    assert Path(resolver.__file__).with_name("py.typed").exists()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("timeout", r"there is no fault 'timeout'; use silent, or drop\(\)"),
        ("NXDOMAIN", r"use rcode, as in rcode\(\"NXDOMAIN\"\)"),
        ("servfial", "did you mean 'servfail'"),
    ],
)
def test_a_fault_by_another_word_is_an_error_that_says_which_is_meant(shop, word, said):
    with pytest.raises(InputError, match=said):
        shop.fault(word)
    with pytest.raises(AttributeError, match=said):
        getattr(shop.server("ns1.shop.example"), word)


def test_what_is_said_of_faults_in_other_words_is_a_fault():
    words = {each.replace("-", "_") for each in WORDS}
    for word, hint in FAULTS.items():
        assert word not in words
        assert hint.partition(",")[0].partition(" ")[0] in words


def test_a_fault_for_a_name_that_nobody_declared_is_an_error(shop):
    for condition in ({"zone": "shpo.example"}, {"name": "*.shpo.example"}, {"name": ["www.shop.example", "a.b.c"]}):
        with pytest.raises(UndeclaredName, match="nobody declared"):
            shop.fault("servfail", **condition)
    assert not shop.faults
    for condition in ({"zone": "."}, {"zone": "example"}, {"name": "*.shop.example"}):
        shop.fault("servfail", **condition)


def test_a_test_of_unittest_needs_no_setup_of_the_mixin():
    class Shop(InternetMixin, unittest.TestCase):
        def setUp(self):
            self.dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})

        def test_first(self):
            assert self.dns.resolve("www.shop.example").addresses == ["192.0.2.1"]

        def test_without(self):
            pass

    for name in ("test_first", "test_without", "test_first"):
        assert Shop(name).run().wasSuccessful()


def test_a_mixin_that_stands_behind_is_an_error_of_the_class():
    with pytest.raises(TypeError, match=r"write `class Shop\(InternetMixin, unittest\.TestCase\)`"):

        class Shop(unittest.TestCase, InternetMixin):
            pass


def test_help_and_completion_show_what_a_test_can_use(shop):
    ns1 = shop.server("ns1.shop.example")
    assert "by how much" in ns1.latency.__doc__
    assert "probability, count, skip, at, for." in ns1.latency.__doc__
    assert {"servfail", "drop", "ds_mismatch"} <= set(dir(ns1))
    assert [each for each in dir(shop.history) if not each.startswith("_")] == [
        "answers",
        "assert_asked",
        "assert_not_asked",
        "assert_sequence",
        "clear",
        "count",
        "forgotten",
        "last",
        "queries",
        "since",
    ]
