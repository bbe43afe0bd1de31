"""What rules may say, and which of it cannot stand together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resolver.config import load
from resolver.config.effective import to_toml
from resolver.errors import ConfigError

POOL = """[pools.office]
members = ["192.0.2.1"]
[pools.relayed]
members = ["192.0.2.2"]
mode = "relay"
listen = ["127.0.0.1:5399"]
"""


def problems(tmp_path: Path, *rules: str) -> list[str]:
    """What is said of a file with these rules, each some lines; without the path."""
    file = tmp_path / "resolver.toml"
    file.write_text(POOL + "".join(f"[[rules]]\n{each}\n" for each in rules))
    try:
        load(file, {})
    except ConfigError as wrong:
        return [line.removeprefix(f"{file}:") for line in str(wrong).splitlines()]
    return []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('action = "pol"', "is no action; did you mean 'pool'?"),
        ("action = 5", '5 is no action; use one of: add-subnet'),
        ('action = "drop"\nname = ["a..b"]', "8: unknown key|name"),
        ('action = "drop"\nnames = ["a..b"]', 'rules.1.names: "a..b" is no zone name'),
        ('action = "drop"\nnames = []', "rules.1.names is []; write a list of names"),
        ('action = "drop"\ntypes = ["AAAAA"]', "rules.1.types: \"AAAAA\" is no record type; did you mean 'AAAA'?"),
        ('action = "drop"\nclients = ["10.0.0.1/8"]', "names an address within its network; write 10.0.0.0/8"),
        ('action = "drop"\ntransports = ["upd"]', "rules.1.transports: \"upd\" is no transport; did you mean 'udp'?"),
        ('action = "drop"\npaths = ["dns"]', 'rules.1.paths: "dns" is no path; write one as in "/dns-query"'),
        ('action = "drop"\nserver_names = ["a*b"]', "with * at its end for all that begin so"),
        ('action = "drop"\nedns_options = ["ecz"]', "is no EDNS option; did you mean 'ecs'?"),
        ('action = "drop"\nedns_options = [0]', "0 is no EDNS option; write a code of 1 to 65535, or nsid"),
        ('action = "drop"\ntimes = ["mon-fry"]', "has a day that is none of mon, tue"),
        ('action = "drop"\ntimes = ["mon"]\ntime_zone = "Europe/Zurch"', '"Europe/Zurch" is no time zone'),
        ('action = "drop"\ntime_zone = "Europe/Zurich"', "there are no times that it would be for"),
        ('action = "drop"\nchance = 0', "rules.1.chance is 0; write a number, above 0, at most 1"),
        ('action = "drop"\nchance = 1.5', "rules.1.chance is 1.5; write a number, above 0, at most 1"),
        ('action = "drop"\nunless = { tipes = ["A"] }', "\"tipes\" is no matcher; did you mean 'types'?"),
        ('action = "drop"\nunless = { types = ["FOO"] }', '"FOO" is no record type'),
        ('action = "drop"\nunless = 1', "rules.1.unless is 1; write a table of matchers"),
        ('action = "pool"', 'action = "pool" has no pool; add `pool`'),
        ('action = "pool"\npool = "ofice"', "9: there is no pool \"ofice\"; did you mean 'office'?"),
        ('action = "pool"\npool = "relayed"', '"relayed" is a relay'),
        ('action = "drop"\npool = "office"', '9: pool is for action = "pool", not "drop"; remove it'),
        ('action = "answer"', 'action = "answer" has no records; add `records`'),
        ('action = "answer"\nrecords = ["B 192.0.2.1"]', '"B 192.0.2.1": \'B\' is no record type; write one like A'),
        ('action = "answer"\nrecords = ["A 192.0.2.256"]', '"A 192.0.2.256": "192.0.2.256" is no data of type A'),
        ('action = "answer"\nrecords = ["TYPE41 x"]', "TYPE41 is a type of messages, not of data; write"),
        ('action = "answer"\nrecords = ["A 192.0.2.1", "CNAME b.test"]', "records has a CNAME and others; remove one"),
        ('action = "refuse"\nede_text = "a\\nb"', "cannot be; write a printable text of 1 to 120 characters"),
        ('action = "refuse"\nede_text = ""', '"" cannot be; write a printable text of 1 to 120 characters'),
        ('action = "drop"\nunless = {}', "9: unless looks at nothing; write a matcher into it, or remove it"),
        ('action = "refuse"\nrcode = "NXDOMAN"', "is no rcode; did you mean 'NXDOMAIN'?"),
        ('action = "rewrite"', 'action = "rewrite" has no to_name and no to_suffix and no to_type'),
        ('action = "rewrite"\nto_suffix = "a.test"', "to_suffix has no suffixes to take the place of"),
        ('action = "rewrite"\nto_suffix = "a"\nto_name = "b"\nsuffixes = ["c"]', "there is a to_name, too"),
        ('action = "ttl"', 'action = "ttl" has no ttl_min_s and no ttl_max_s'),
        ('action = "ttl"\nttl_min_s = 9\nttl_max_s = 5', "ttl_min_s 9 is above ttl_max_s 5; write at most 5"),
        ('action = "drop"\ntagged = ["staff"]', '9: no rule before it tags anything "staff"; put a rule'),
        ('action = "drop"\nunless = { tagged = ["staff"] }', 'no rule before it tags anything "staff"'),
        ('action = "drop"\ntransports = ["udp"]\npaths = ["/a"]', "8: this rule can never fit: nothing that"),
        ('action = "tag"\ntags = [""]', '"" is no name here'),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_one_line_with_what_to_write_instead(tmp_path: Path, rule: str, said: str):
    found = problems(tmp_path, rule)
    assert len(found) == 1, found
    assert any(one in found[0] for one in said.split("|")), found


def test_a_rule_that_another_hides_is_told_with_its_line(tmp_path: Path):
    first = 'clients = ["10.0.0.0/8"]\naction = "drop"'
    found = problems(tmp_path, first, 'clients = ["10.1.0.0/16"]\nname = "x"\naction = "refuse"')
    assert found == [
        "13: this rule can never fit: rule 1 decides whatever would, before it; put it before that one, or remove it"
    ]


def test_two_rules_have_different_names(tmp_path: Path):
    rule = 'name = "ads"\naction = "tag"\ntags = ["x"]'
    assert problems(tmp_path, rule, rule) == ['12: rule 1 is called "ads", too; give them different names']


def test_a_tag_that_is_misspelled_is_told_the_nearest(tmp_path: Path):
    found = problems(tmp_path, 'action = "tag"\ntags = ["staff"]', 'action = "drop"\ntagged = ["stuff"]')
    assert found == ["12: no rule before it tags anything \"stuff\"; did you mean 'staff'?"]


def test_zones_of_the_world_are_needed_where_a_rule_answers_from_them(tmp_path: Path):
    file = tmp_path / "resolver.toml"
    file.write_text('[resolver]\nroots = "internet"\n[[rules]]\naction = "authority"\n')
    with pytest.raises(ConfigError, match="4: there are no zones to answer from: the simulated world is not served"):
        load(file, {})


SHOWN = """
[[rules]]
name = "all"
names_files = ["names.txt"]
names = ["B.test"]
types = ["aaaa", "TYPE65280"]
clients = ["10.0.0.0/8"]
transports = ["tls"]
server_names = ["A.test"]
edns_options = ["ecs", 65001]
action = "pool"
pool = "office"
unless = { suffixes = ["c.test"], names_files = ["names.txt"] }
[[rules]]
action = "answer"
records = ["A 192.0.2.1", 'TXT "two  blanks"']
"""


def test_the_rules_in_force_are_shown_so_that_they_can_be_read_again(tmp_path: Path):
    file = tmp_path / "resolver.toml"
    (tmp_path / "names.txt").write_text("a.test\n")
    file.write_text(f'[server]\nlisten_tls = ["127.0.0.1:0"]\nlisten_https = ["127.0.0.1:0"]\n{POOL}{SHOWN}')
    loaded = load(file, {})
    again = tmp_path / "again" / "again.toml"
    again.parent.mkdir()
    again.write_text(to_toml(loaded))
    assert load(again, {}).config.rules == loaded.config.rules
    rule = loaded.config.rules[0]
    assert rule.names_files == rule.unless.names_files == (tmp_path / "names.txt",)
    assert (rule.types, rule.edns_options, rule.server_names) == (("AAAA", "TYPE65280"), (8, 65001), ("a.test",))


def described(**rule: Any) -> str:
    from tests.support.rules import rules

    return str(rules(rule)[0].action)


def test_actions_are_told_as_a_person_would_say_them():
    told = [
        described(action="pool", pool="p"),
        described(action="answer", records=["A 192.0.2.1", "60 TXT x", "A 192.0.2.2"]),
        described(action="refuse", rcode="nxdomain".upper()),
        described(action="rewrite", to_name="a.test", to_type="A"),
        described(action="ttl", ttl_min_s=5, ttl_max_s=5),
        described(action="add-subnet", ipv4_prefix=20),
        described(action="authority", zone_files=["a.zone"]),
    ]
    assert told == [
        "pool p",
        "answer with A, TXT",
        "refuse with NXDOMAIN",
        "rewrite to a.test. A",
        "TTL of 5 s",
        "add the client's subnet, /20 or /56",
        "authority of a.zone",
    ]
