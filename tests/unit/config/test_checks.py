"""Settings of checks, as a person writes them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from resolver.config import checks
from resolver.config.checks import Statuses
from resolver.config.sections.pools import Pool


def pool(**said: Any) -> Pool:
    return Pool.model_validate({"members": ["192.0.2.1"], **said})


def test_what_is_written_is_what_is_meant():
    said = pool(
        check="https",
        check_status=[200, "204", "300-399"],
        check_path="/health?full=1",
        check_host="DNS.Example.",
        check_rcodes=["noerror", "NXDOMAIN", "NOERROR"],
        check_type="aaaa",
        check_name="WWW.Example.com",
    )
    assert said.check_status == (Statuses(200, 200), Statuses(204, 204), Statuses(300, 399))
    assert [str(each) for each in said.check_status] == ["200", "204", "300-399"]
    assert said.check_host == "dns.example"
    assert said.check_rcodes == ("NOERROR", "NXDOMAIN")
    assert (said.check_name, said.check_type) == ("www.example.com.", "AAAA")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("check_rcodes", ["NOEROR"], "\"NOEROR\" is no response code; did you mean 'NOERROR'?"),
        ("check_rcodes", [], "no list of response codes"),
        ("check_rcodes", "NOERROR", "no list of response codes"),
        ("check_rcodes", [7.5], "7.5 is no response code"),
        ("check_type", "ANY", '"ANY" is no type to check with; write one as in "A"'),
        ("check_type", "AXFR", "no type to check with"),
        ("check_type", "QUUX", "is no record type"),
        ("check_type", 1, "1 is no record type"),
        ("check_status", ["300-200"], '"300-200" is no range; write "200-300"'),
        ("check_status", ["2xx"], '"2xx" is no status of HTTP; write one as in "200" or "200-299"'),
        ("check_status", [True], "true is no status"),
        ("check_status", [], "no list of 1 to 16 statuses"),
        ("check_status", [200] * 17, "no list of 1 to 16 statuses"),
        ("check_path", "health", 'no path of a URL; write one as in "/health"'),
        ("check_path", "/a b", "has characters that no path has"),
        ("check_path", "/a\r\nx: y", "has characters that no path has"),
        ("check_path", "/ü", "has characters that no path has"),
        ("check_host", "a:80", "is no host name"),
        ("check_body", 5, "is no text to look for"),
        ("check_name", "a..b", "is no zone name"),
    ],
)
def test_what_cannot_be_is_told_with_what_to_write(key: str, value: object, told: str):
    with pytest.raises(ValidationError) as raised:
        pool(**{key: value})
    assert told in str(raised.value)


def test_the_data_of_a_record_is_read_as_in_a_zone_file():
    assert checks.rdata("A", "192.0.2.1") == bytes((192, 0, 2, 1))
    assert checks.rdata("NS", "NS.Example.") == b"\x02ns\x07example\0"
    with pytest.raises(ValueError, match=r'"192.0.2" is no data of a record of type A'):
        checks.rdata("A", "192.0.2")
