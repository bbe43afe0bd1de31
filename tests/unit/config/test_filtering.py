from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from resolver.config import Config, load
from resolver.config.effective import to_toml
from resolver.errors import ConfigError


def refused(tmp_path: Path, text: str) -> list[str]:
    """What is wrong with a section `[filters]`, a line each."""
    file = tmp_path / "resolver.toml"
    file.write_text(f"[filters]\n{text}\n")
    with pytest.raises(ConfigError) as wrong:
        load(file, {})
    return [line.removeprefix(f"{file}:") for line in str(wrong.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('local_zones = { corp = "statick" }', "\"statick\" is no type of a local zone; did you mean 'static'?"),
        ('local_zones = { "a..b" = "static" }', "is no zone name"),
        ('local_data = ["www.corp A 192.0.2.256"]', '"192.0.2.256" is no data of type A'),
        ("local_data = [7]", "7 is no record; write"),
        ('block = ["."]', '"." would be all names; write one as in "ads.example"'),
        ('allow = ["*."]', "is no zone name"),
        ('block = ["https://ads.example/"]', 'is no name of a host; write one as in "ads.example"'),
        ('allow = ["ads.*.example"]', 'is no name of a host; write one as in "ads.example"'),
        ('block = ["192.0.2.1"]', 'is no name of a host; write one as in "ads.example"'),
        ('block = ["a\\\\.b.example"]', "has a label that no list has"),
        ('block_answer = "nxdomaine"', "\"nxdomaine\" is no answer to blocked names; did you mean 'nxdomain'?"),
        ('block_answer = ["ads"]', '"ads" is no address; write a list of addresses'),
        ("block_answer = []", "[] is no answer to blocked names"),
        ('dns64 = ["192.0.2.0/24"]', "is a network of IPv4"),
        ('dns64 = ["64:ff9b::/95"]', '"64:ff9b::/95" has 95 bits; a prefix has one of 32, 40, 48, 56, 64, 96'),
        ('dns64 = ["2001:db8:0:0:100::/96"]', "bits 64 to 71 of a prefix are 0"),
        ('block_lists = ["none.txt"]', "is no file; give a file of names, or remove it"),
        ('hosts_files = ["none.txt"]', "is no file; give a file of names, or remove it"),
        ('blocklists = ["a.txt"]', "unknown key 'blocklists' in [filters]; did you mean 'block_lists'?"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_its_line_and_what_to_write(tmp_path, text, said):
    (line,) = refused(tmp_path, text)
    assert line.startswith("2: ")
    assert said in line


def test_the_line_is_that_of_the_entry_of_a_list(tmp_path):
    (line,) = refused(tmp_path, 'local_data = [\n  "a.corp A 192.0.2.1",\n  "b.corp A",\n]')
    assert line.startswith(("2: ", "4: "))
    assert '"b.corp A" is no record' in line


def test_settings_in_force_read_again_are_the_same(tmp_path):
    (tmp_path / "names.txt").write_text("ads.test\n")
    file = tmp_path / "resolver.toml"
    file.write_text(
        """
[filters]
local_zones = { "Corp.test" = "static" }
local_data = ["www.corp.test  300  TXT  \\"two  blanks\\""]
block_lists = ["names.txt"]
allow = ["*.good.test"]
block_answer = ["192.0.2.1", "2001:DB8::1"]
dns64 = ["64:ff9b::/96"]
"""
    )
    loaded = load(file, {})
    ours = loaded.config.filters
    assert ours.block_lists == (tmp_path / "names.txt",)
    assert ours.allow == ("*.good.test.",)
    assert ours.block_answer == ("192.0.2.1", "2001:db8::1")
    assert ours.local_zones == {"corp.test.": "static"}
    again = tmp_path / "again.toml"
    again.write_text(to_toml(loaded))
    assert load(again, {}).config == loaded.config


def test_defaults_filter_nothing():
    ours = Config().filters
    for key in ("local_zones", "local_data", "hosts_files", "block", "block_lists", "rebinding", "dns64", "log"):
        assert not getattr(ours, key)
    assert ours.dns64_exclude_aaaa == (ipaddress.ip_network("::ffff:0:0/96"),)
