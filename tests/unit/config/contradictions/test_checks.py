"""Settings of checks that do not go together."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.config import Config, load
from resolver.config.contradictions import checks
from resolver.config.effective import to_toml
from resolver.config.sections.pools import Pool


def found(**said: Any) -> list[str]:
    pool = Pool.model_validate({"members": ["192.0.2.1"], **said})
    config = Config().model_copy(update={"pools": {"office": pool}})
    return [f"{each.section}.{each.key}: {each.what}; {each.instead}" for each in checks.find(config)]


@pytest.mark.parametrize("kind", ["dns", "tcp", "tls", "http", "https", "none"])
def test_each_kind_of_check_is_fine_by_itself(kind: str):
    assert found(check=kind) == []


@pytest.mark.parametrize(
    "said",
    [
        {"check": "tcp", "check_name": "example.com"},
        {"check": "tls", "check_path": "/health"},
        {"check": "http", "check_certificate_days": 7},
        {"check": "tcp", "check_host": "dns.example"},
        {"check": "none", "check_body": "up"},
        {"check": "dns", "check_port": 53},
    ],
)
def test_what_a_kind_of_check_has_no_use_for_is_told(said: dict[str, Any]):
    (told,) = found(**said)
    key = next(each for each in said if each != "check")
    assert told.startswith(
        f'pools.office.{key}: {key} is set, and check = "{said["check"]}" has no use for it; remove it'
    )


def test_a_record_that_cannot_be_of_the_type_is_told():
    (told,) = found(check_type="A", check_answer="nobody")
    assert told.startswith('pools.office.check_answer: "nobody" is no data of a record of type A')


def test_a_record_in_an_answer_that_is_never_good_is_told():
    (told,) = found(check_type="A", check_answer="192.0.2.1", check_rcodes=["NXDOMAIN"])
    assert told.startswith("pools.office.check_rcodes: check_answer is set, and no answer with NOERROR is good")


def test_settings_that_are_shown_are_the_same_when_they_are_read_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = ('check_status = [200, "300-399"]', 'check_body = "a\\nb"')
    text = "\n".join(("[pools.office]", 'members = ["192.0.2.1"]', 'check = "http"', *said))
    (tmp_path / "resolver.toml").write_text(text)
    loaded = load(None, {})
    (tmp_path / "resolver.toml").write_text(to_toml(loaded))
    assert load(None, {}).config == loaded.config
