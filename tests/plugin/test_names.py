"""Code of the process that looks up names, while they are those of a test."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import socket
import threading

import pytest

from resolver.testing import UndeclaredName, internet
from resolver.testing.internets import Internet

BEFORE = {name: getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")}


@pytest.fixture
def names(dns):
    dns.zone(
        "shop.example",
        {
            "www": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": "2001:db8::1"},
            "v4": {"A": "192.0.2.4"},
            "v6": {"AAAA": "2001:db8::6"},
            "api": {"CNAME": "v4"},
            "text": {"TXT": "nothing"},
        },
    )
    dns.patch_getaddrinfo()
    return dns


def addresses(*args, **kwargs):
    return [each[4][0] for each in socket.getaddrinfo(*args, type=socket.SOCK_STREAM, **kwargs)]


def test_names_are_those_of_the_test_and_then_those_of_before():
    with internet() as dns:
        dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
        with dns.patch_getaddrinfo():
            assert socket.gethostbyname("www.shop.example") == "192.0.2.1"
        assert {name: getattr(socket, name) for name in BEFORE} == BEFORE
        dns.patch_getaddrinfo()
        assert socket.gethostbyname("www.shop.example") == "192.0.2.1"
    assert {name: getattr(socket, name) for name in BEFORE} == BEFORE


def test_one_internet_may_stand_before_another():
    with internet() as one, internet() as other:
        one.zone("shop.example", {"www": {"A": "192.0.2.1"}})
        other.zone("shop.example", {"www": {"A": "192.0.2.2"}})
        one.patch_getaddrinfo()
        with other.patch_getaddrinfo():
            assert socket.gethostbyname("www.shop.example") == "192.0.2.2"
        assert socket.gethostbyname("www.shop.example") == "192.0.2.1"


def test_names_come_back_whatever_internet_ends_first(monkeypatch):
    monkeypatch.setattr(socket, "gethostbyname", lambda name: f"{name} as ever")
    before = {name: getattr(socket, name) for name in BEFORE}
    one, other = Internet(), Internet()
    try:
        one.zone("shop.example", {"www": {"A": "192.0.2.1"}})
        other.zone("shop.example", {"www": {"A": "192.0.2.2"}})
        one.patch_getaddrinfo()
        other.patch_getaddrinfo(leave=["left.example"])
        one.close()
        assert socket.gethostbyname("www.shop.example") == "192.0.2.2"
        assert socket.gethostbyname("left.example") == "left.example as ever"
    finally:
        one.close()
        other.close()
    assert {name: getattr(socket, name) for name in BEFORE} == before


def test_addresses_are_given_by_family(names):
    assert addresses("www.shop.example", 80) == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]
    assert addresses("www.shop.example", 80, family=socket.AF_INET) == ["192.0.2.1", "192.0.2.2"]
    assert addresses("www.shop.example", 80, family=socket.AF_INET6) == ["2001:db8::1"]
    assert addresses("WWW.Shop.Example.", None) == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]


def test_ports_services_and_kinds_of_sockets_mean_what_they_always_do(names):
    found = socket.getaddrinfo("v4.shop.example", "https")
    assert {each[4] for each in found} == {("192.0.2.4", 443)}
    assert {each[1] for each in found} >= {socket.SOCK_STREAM, socket.SOCK_DGRAM}
    assert socket.getaddrinfo(b"v6.shop.example", 53, 0, socket.SOCK_DGRAM) == [
        (socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_UDP, "", ("2001:db8::6", 53, 0, 0))
    ]
    with pytest.raises(socket.gaierror) as raised:
        socket.getaddrinfo("v4.shop.example", "no-such-service")
    assert raised.value.errno == socket.EAI_SERVICE


def test_flags_mean_what_rfc_3493_says(names):
    (first, *_) = socket.getaddrinfo("api.shop.example", 80, flags=socket.AI_CANONNAME)
    assert first[3] == "v4.shop.example"
    kinds = [each[3] for each in socket.getaddrinfo("www.shop.example", 80, flags=socket.AI_CANONNAME)]
    assert set(kinds[1:]) == {""} != {kinds[0]}
    six = {"family": socket.AF_INET6}
    assert addresses("v4.shop.example", 80, **six, flags=socket.AI_V4MAPPED) == ["::ffff:192.0.2.4"]
    assert addresses("www.shop.example", 80, **six, flags=socket.AI_V4MAPPED) == ["2001:db8::1"]
    everything = socket.AI_V4MAPPED | socket.AI_ALL
    assert len(addresses("www.shop.example", 80, **six, flags=everything)) == 3
    assert addresses("www.shop.example", 80, flags=socket.AI_ADDRCONFIG)[0] == "2001:db8::1"
    with pytest.raises(socket.gaierror) as raised:
        socket.getaddrinfo("www.shop.example", 80, flags=socket.AI_NUMERICHOST)
    assert raised.value.errno == socket.EAI_NONAME


def error_of(name, **options):
    with pytest.raises(socket.gaierror) as raised:
        socket.getaddrinfo(name, 80, **options)
    return raised.value


def test_errors_are_those_of_the_c_library(names):
    gone = error_of("gone.shop.example")
    assert (gone.errno, gone.strerror) == (socket.EAI_NONAME, "Name or service not known")
    for name, options in (("text.shop.example", {}), ("v4.shop.example", {"family": socket.AF_INET6})):
        nothing = error_of(name, **options)
        assert (nothing.errno, nothing.strerror) == (socket.EAI_NODATA, "No address associated with hostname")
    assert error_of("a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + "d" * 63).errno == socket.EAI_NONAME
    with pytest.raises(UnicodeError):
        socket.getaddrinfo("a..b", 80)


def test_a_failure_of_servers_is_temporary(names):
    names.fault("servfail", zone="shop.example")
    failed = error_of("www.shop.example")
    assert (failed.errno, failed.strerror) == (socket.EAI_AGAIN, "Temporary failure in name resolution")


def test_what_is_no_name_of_the_test_is_left_alone(names):
    assert addresses("127.0.0.1", 80) == ["127.0.0.1"]
    assert addresses("127.1", 80) == ["127.0.0.1"]
    assert addresses("::1", 80) == ["::1"]
    assert addresses(None, 80) == BEFORE["getaddrinfo"](None, 80, 0, socket.SOCK_STREAM)[0][4][:1] or addresses(
        None, 80
    )
    assert "127.0.0.1" in addresses("localhost", 80)
    assert socket.gethostbyname("") == "0.0.0.0"
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"
    assert len(names.history) == 0


def test_names_that_a_test_leaves_are_looked_up_as_ever(dns, monkeypatch):
    asked = []

    def before(host, *rest, **named):
        asked.append(host)
        return BEFORE["getaddrinfo"]("127.0.0.9" if host == "db.internal" else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", before)
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    dns.patch_getaddrinfo(leave=["postgres", "*.internal"])
    assert addresses("db.internal", 80) == ["127.0.0.9"]
    assert addresses("www.shop.example", 80) == ["192.0.2.1"]
    assert len(dns.history.answers()) == 2


def test_the_older_functions_speak_for_ipv4(names):
    assert socket.gethostbyname("api.shop.example") == "192.0.2.4"
    assert socket.gethostbyname_ex("api.shop.example") == ("v4.shop.example", ["api.shop.example"], ["192.0.2.4"])
    with pytest.raises(socket.gaierror):
        socket.gethostbyname("v6.shop.example")


def test_addresses_have_the_names_that_a_test_declares(names):
    names.zone("2.0.192.in-addr.arpa", {"4": {"PTR": "v4.shop.example."}})
    names.zone("8.b.d.0.1.0.0.2.ip6.arpa", {"6" + ".0" * 23: {"PTR": "v6.shop.example."}})
    assert socket.gethostbyaddr("192.0.2.4") == ("v4.shop.example", [], ["192.0.2.4"])
    assert socket.gethostbyaddr("v4.shop.example") == ("v4.shop.example", [], ["192.0.2.4"])
    assert socket.getfqdn("192.0.2.4") == "v4.shop.example"
    assert socket.getnameinfo(("192.0.2.4", 80), 0) == ("v4.shop.example", "http")
    assert socket.getnameinfo(("2001:db8::6", 80), 0) == ("v6.shop.example", "http")
    assert socket.getnameinfo(("192.0.2.4", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV) == ("192.0.2.4", "80")
    with pytest.raises(socket.herror, match="Unknown host"):
        socket.gethostbyaddr("192.0.2.5")


def test_addresses_that_nobody_declared_have_no_names_and_are_no_mistake(names):
    assert socket.getnameinfo(("203.0.113.1", 80), 0) == ("203.0.113.1", "http")
    with pytest.raises(socket.gaierror) as raised:
        socket.getnameinfo(("203.0.113.1", 80), socket.NI_NAMEREQD)
    assert raised.value.errno == socket.EAI_NONAME
    with pytest.raises(socket.herror):
        socket.gethostbyaddr("203.0.113.1")
    assert socket.gethostbyaddr("127.0.0.1") == BEFORE["gethostbyaddr"]("127.0.0.1")
    assert len(names.history) == 0


def test_loops_of_asyncio_look_up_the_same_names(names):
    async def main():
        loop = asyncio.get_running_loop()
        first, second = await asyncio.gather(
            loop.getaddrinfo("v4.shop.example", 80, type=socket.SOCK_STREAM),
            loop.getaddrinfo("v6.shop.example", 80, type=socket.SOCK_STREAM),
        )
        return first[0][4][0], second[0][4][0]

    assert asyncio.run(main()) == ("192.0.2.4", "2001:db8::6")


def test_threads_look_up_names_at_once(names):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(socket.gethostbyname("v4.shop.example"))) for _ in range(20)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == ["192.0.2.4"] * 20


def test_ttls_run_down_by_themselves_and_by_what_a_test_says(names):
    assert socket.gethostbyname("v4.shop.example") == "192.0.2.4"
    names.set("v4.shop.example", "A", "192.0.2.5")
    assert socket.gethostbyname("v4.shop.example") == "192.0.2.4"
    names.clock.advance("61s")
    assert socket.gethostbyname("v4.shop.example") == "192.0.2.5"


def test_a_name_that_nobody_declared_fails_for_good_and_at_the_end():
    def ask():
        with internet() as dns:
            dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
            dns.patch_getaddrinfo()
            failed = error_of("www.shpo.example")
            assert failed.errno == socket.EAI_FAIL
            assert "the nearest that is declared is www.shop.example." in failed.strerror
            assert dns.tree() == "www.shpo.example. A ? REFUSED"

    with pytest.raises(UndeclaredName, match=r"nobody declared www\.shpo\.example"):
        ask()


def _fork(look_up):
    """Begins `look_up` in a process that is forked from this one; what gives what it returns, or its error."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = str(look_up())
        except Exception as error:
            said = repr(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)

    def said() -> str:
        with open(reader) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return text

    return said


def _in_a_fork(look_up):
    """What `look_up` returns, or the error that it raises, in a process that is forked from this one."""
    return _fork(look_up)()


def test_a_process_that_is_forked_looks_its_names_up_here_too(names):
    names.zone("2.0.192.in-addr.arpa", {"4": {"PTR": "v4.shop.example."}})
    assert _in_a_fork(lambda: addresses("api.shop.example", 80)) == "['192.0.2.4']"
    assert _in_a_fork(lambda: socket.gethostbyaddr("192.0.2.4")[0]) == "v4.shop.example"
    assert _in_a_fork(lambda: socket.gethostbyaddr("198.51.100.1")) == "herror(1, 'Unknown host')"
    assert "Name or service not known" in _in_a_fork(lambda: addresses("gone.shop.example", 80))
    assert "nobody declared www.shpo.example." in _in_a_fork(lambda: addresses("www.shpo.example", 80))
    with pytest.raises(UndeclaredName):
        names.raise_for_undeclared()


def test_a_process_that_is_forked_is_told_where_to_ask(names):
    assert "in the process that was forked: ask it there" in _in_a_fork(lambda: names.resolve("www.shop.example"))


def test_a_process_that_outlives_its_test_is_told_that_nobody_answers(monkeypatch):
    monkeypatch.setattr("resolver.testing.nameserver.TIMEOUT_S", 0.2)
    over, tell = os.pipe()
    with internet() as dns, open(over) as waits, open(tell, "w") as tells:
        dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
        dns.patch_getaddrinfo()
        assert dns.nameserver.port
        said = _fork(lambda: waits.readline() and socket.getaddrinfo("www.shop.example", 80))
        dns.close()
        tells.write("over\n")
        tells.flush()
        assert "Temporary failure in name resolution" in said()


def test_a_look_up_that_is_handed_to_another_process_is_the_one_there(names):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(socket.gethostbyname, ["v4.shop.example"]) == ["192.0.2.4"]
    assert pickle.loads(pickle.dumps(socket.getaddrinfo)) == socket.getaddrinfo
