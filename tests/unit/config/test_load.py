"""Which settings are in force, where they come from, and what a person is told about the wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.config import Config, load
from resolver.config.effective import to_toml
from resolver.config.sections import LISTED, NAMED, SECTIONS
from resolver.errors import ConfigError
from resolver.network.base import Endpoint


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Path:
    path = Path("resolver.toml")
    path.write_text(text)
    return path


def problems(text: str = "", environ: dict[str, str] | None = None, **overrides: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(text), environ or {}, {key.replace("__", "."): value for key, value in overrides.items()})
    return str(caught.value).splitlines()


def test_without_any_source_the_defaults_are_in_force() -> None:
    loaded = load(None, {})
    assert loaded.config == Config()
    assert loaded.file is None
    assert set(loaded.sources.values()) == {"default"}
    assert loaded.config.server.listen == (Endpoint("127.0.0.1", 5300), Endpoint("::1", 5300))


def test_a_certificate_is_looked_for_beside_the_file_that_names_it() -> None:
    text = "[server]\nlisten_tls = ['127.0.0.1']\ntls_certificate = 'one.pem'\ntls_key = 'one.key'\n"
    assert problems(text) == [
        'resolver.toml:3: tls_certificate "one.pem" is no file; give a file in PEM',
        'resolver.toml:4: tls_key "one.key" is no file; give a file in PEM',
    ]


def test_the_table_of_sections_is_that_of_the_model() -> None:
    assert [*SECTIONS, *NAMED, *LISTED] == list(Config.model_fields)
    for name, fields in SECTIONS.items():
        assert list(fields) == list(type(getattr(Config(), name)).model_fields)


def test_a_file_in_the_working_directory_is_read_without_being_named() -> None:
    written("[cache]\nsize_mb = 7\n")
    loaded = load(None, {})
    assert (loaded.config.cache.size_mb, loaded.file) == (7, Path("resolver.toml"))
    assert loaded.sources["cache.size_mb"] == "resolver.toml:2"


def test_each_source_wins_over_the_one_before() -> None:
    file = written("[cache]\nsize_mb = 1\nmin_ttl_s = 1\nmax_ttl_s = 10\n")
    environ = {"RESOLVER_CACHE__SIZE_MB": "2", "RESOLVER_CACHE__MIN_TTL_S": "2"}
    loaded = load(file, environ, {"cache.size_mb": 3})
    assert (loaded.config.cache.size_mb, loaded.config.cache.min_ttl_s, loaded.config.cache.max_ttl_s) == (
        3,
        2,
        10,
    )
    assert loaded.sources["cache.size_mb"] == "command line"
    assert loaded.sources["cache.min_ttl_s"] == "environment RESOLVER_CACHE__MIN_TTL_S"
    assert loaded.sources["cache.max_ttl_s"] == "resolver.toml:4"


def test_an_unknown_key_shows_its_line_and_the_nearest_real_one() -> None:
    assert problems("\n[server]\n# comment\nlisen = []\n") == [
        "resolver.toml:4: unknown key 'lisen' in [server]; did you mean 'listen'?"
    ]


def test_a_key_of_another_section_is_shown_where_it_belongs() -> None:
    assert problems("[server]\nsize_mb = 3") == [
        "resolver.toml:2: unknown key 'size_mb' in [server]; 'size_mb' belongs below [cache]"
    ]


def test_an_unknown_section_shows_its_line_and_the_nearest_real_one() -> None:
    assert problems("\n[servr]\n") == ["resolver.toml:2: unknown section [servr]; did you mean [server]?"]
    assert problems("mode = 3") == ["resolver.toml:1: unknown key 'mode'; 'mode' belongs below [resolver]"]


def test_a_section_that_is_no_table_is_refused() -> None:
    assert problems("log = 3") == ["resolver.toml:1: log is 3; write a section [log] with keys below it"]


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    lines = problems(
        "[cache]\nsize_mb = 'much'\nsize = 3\n[log]\nlevel = 'loud'\nqueries = 1\n",
        {"RESOLVER_SERVER__UDP_PAYLOAD": "9999", "RESOLVER_SERVER__LISEN": "x"},
    )
    assert lines == [
        'resolver.toml:2: cache.size_mb is "much"; write an integer, 1 to 1048576',
        "resolver.toml:3: unknown key 'size' in [cache]; did you mean 'size_mb'?",
        'resolver.toml:5: log.level is "loud"; write "debug" or "info" or "warning" or "error"',
        "resolver.toml:6: log.queries is 1; write true or false",
        "environment RESOLVER_SERVER__LISEN: unknown setting; did you mean RESOLVER_SERVER__LISTEN?",
        "environment RESOLVER_SERVER__UDP_PAYLOAD: server.udp_payload is 9999; write an integer, 512 to 4096",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[server\n", "resolver.toml:1: no TOML: expected ']' at the end of a table declaration at column 8"),
        ("\n[log]\nlevel info\n", "resolver.toml:3: no TOML: expected '=' after a key"),
        ("[log]\nlevel = '''\n\n", "resolver.toml:4: no TOML: "),
        ("[log]\n[log]\n", "resolver.toml:2: no TOML: cannot declare"),
    ],
)
def test_a_syntax_error_has_its_line(text: str, line: str) -> None:
    (told,) = problems(text)
    assert told.startswith(line)


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^absent\.toml: cannot be read: No such file"):
        load(Path("absent.toml"), {})
    Path("latin.toml").write_bytes(b"[log]\n# \xe4\n")
    with pytest.raises(ConfigError, match=r"^latin\.toml:2: is not UTF-8"):
        load(Path("latin.toml"), {})
    Path("huge.toml").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigError, match=r"^huge\.toml: larger than"):
        load(Path("huge.toml"), {})


def test_a_setting_of_several_types_is_told_once() -> None:
    assert problems("[world]\nserve = 'maybe'") == [
        'resolver.toml:2: world.serve is "maybe"; write "auto", true or false'
    ]


def test_types_are_not_guessed_in_a_file() -> None:
    assert problems('[cache]\nsize_mb = "64"')[0].startswith('resolver.toml:2: cache.size_mb is "64"; write an integer')
    assert problems("[cache]\nsize_mb = true")[0].startswith("resolver.toml:2: cache.size_mb is true; write")
    assert problems("[server]\ndrain_s = nan")[0].endswith("write a number, 0 to 60")


def test_a_contradiction_is_told_where_one_of_its_settings_stands() -> None:
    assert problems("[resolver]\n\nhints_file = 'resolver.toml'") == [
        'resolver.toml:3: hints_file is set but roots is "simulated"; set resolver.roots = "file" or remove hints_file'
    ]
    assert problems(resolver__mode="recursive", resolver__roots="internet")[0].startswith(
        'command line: mode = "recursive" with roots = "internet"'
    )


def test_files_that_settings_name_must_be_there() -> None:
    assert problems("[resolver]\nroots = 'file'\nhints_file = 'hints'\n[world]\ndirectory = '/nowhere'") == [
        'resolver.toml:3: hints_file "hints" is no file; give the path of a master file',
        'resolver.toml:5: directory "/nowhere" has no hierarchy.toml; give a directory that has one',
    ]


def test_a_relative_path_in_a_file_is_relative_to_that_file() -> None:
    Path("etc").mkdir()
    Path("etc/hints").touch()
    Path("etc/my.toml").write_text("[resolver]\nroots = 'file'\nhints_file = 'hints'\n")
    assert load(Path("etc/my.toml"), {}).config.resolver.hints_file == Path("etc/hints")
    environ = {"RESOLVER_RESOLVER__HINTS_FILE": "etc/hints", "RESOLVER_RESOLVER__ROOTS": "file"}
    assert load(None, environ).config.resolver.hints_file == Path("etc/hints")


def test_each_path_of_a_list_is_relative_to_the_file_that_names_it() -> None:
    Path("etc").mkdir()
    Path("etc/keys").touch()
    Path("etc/my.toml").write_text("[dnssec]\ntrust_anchor_files = ['keys']\nauto_trust_anchor_file = 'keys'\n")
    loaded = load(Path("etc/my.toml"), {}).config
    assert loaded.dnssec.trust_anchor_files == (Path("etc/keys"),)
    assert loaded.dnssec.auto_trust_anchor_file == Path("etc/keys")
    environ = {"RESOLVER_DNSSEC__TRUST_ANCHOR_FILES": '["etc/keys"]'}
    assert load(None, environ).config.dnssec.trust_anchor_files == (Path("etc/keys"),)


def test_what_is_wrong_with_an_anchor_is_told_with_its_line() -> None:
    assert problems("[dnssec]\n\ntrust_anchors = ['x. A 192.0.2.1']\ntrust_anchor_files = ['a', 'b']\n") == [
        'resolver.toml:3: dnssec.trust_anchors: "A" is neither DS nor DNSKEY; write a record as in '
        '". IN DS 20326 8 2 E06D44…" or "example.com. IN DNSKEY 257 3 13 …"'
    ]
    assert problems("[dnssec]\ntrust_anchor_files = ['a', 'b']\nauto_trust_anchor_file = 'c'\n") == [
        'resolver.toml:2: trust_anchor_files "a" is no file; give a file with DS or DNSKEY records',
        'resolver.toml:2: trust_anchor_files "b" is no file; give a file with DS or DNSKEY records',
        'resolver.toml:3: auto_trust_anchor_file "c" is no file; give a file with DS or DNSKEY records',
    ]
    assert problems("[dnssec]\ntrust_anchor_files = [5]\n")[0].startswith("resolver.toml:2: dnssec.trust_anchor_files")


def test_a_wrong_address_inside_a_table_is_told_on_its_own_line() -> None:
    text = '[resolver.stub_zones]\n"a.test" = ["::1"]\n"b.test" = ["::1", "localhost"]\n"c..d" = ["::1"]\n'
    lines = problems(text)
    assert [line.partition("; ")[0] for line in lines] == [
        'resolver.toml:3: resolver.stub_zones."b.test": "localhost" is no address',
        'resolver.toml:4: resolver.stub_zones."c..d": "c..d" is no zone name (\'c..d\' has an empty label)',
    ]


def test_hostile_text_cannot_reach_the_terminal() -> None:
    lines = problems('[server]\n"\\u001b[2J" = 1\nidentity = "\\u001b[2J\\u007f\\u009b\\u202e"')
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    "text", [f"[cache]\nsize_mb = {'9' * 5000}\n", f"[cache]\nsize_mb = {'[' * 5000}\n"], ids=["digits", "brackets"]
)
def test_what_the_reader_of_toml_gives_up_on_is_told_like_any_mistake(text: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith("resolver.toml")


@pytest.mark.parametrize("path", ["x" * 5000, "a\\u0000b"], ids=["too long", "NUL"])
@pytest.mark.parametrize("setting", ["[world]\ndirectory", "[resolver]\nroots = 'file'\nhints_file"])
def test_a_path_that_cannot_be_one_is_told_like_one_that_is_not_there(setting: str, path: str) -> None:
    (problem,) = problems(f'{setting} = "{path}"\n')
    assert problem.startswith("resolver.toml:")


POOLS = """
[pools.office]
members = ["192.0.2.1", {address = "tls://192.0.2.2#dns.example", weight = 3}]
[[rules]]
types = ["ANY"]
action = "refuse"
"""


def test_tables_of_pools_and_rules_are_read_with_their_names_and_in_their_order() -> None:
    loaded = load(written(POOLS + '[[rules]]\naction = "pool"\npool = "office"\n'), {})
    assert [str(each) for each in loaded.config.pools["office"].members] == [
        "udp://192.0.2.1:53",
        "tls://192.0.2.2:853#dns.example",
    ]
    assert [each.action for each in loaded.config.rules] == ["refuse", "pool"]
    assert loaded.sources["pools.office.members"] == "resolver.toml:3"
    assert loaded.sources["pools.office.policy"] == "default"
    assert loaded.sources["rules.2.pool"] == "resolver.toml:9"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[pools.b]\n", "resolver.toml:1: [pools.b] has no members; see docs/configuration.md"),
        (
            "[pools.b]\nmembers = []\n",
            'resolver.toml:2: pools.b.members: a pool needs members; write at least one upstream, or "system"',
        ),
        (
            "[pools.b]\nmembers = ['192.0.2.1']\npolcy = 'x'\n",
            "resolver.toml:3: unknown key 'polcy' in [pools.b]; did you mean 'policy'?",
        ),
        (
            "[pools.b]\nmembers = ['192.0.2.1']\npolicy = 'least-outstandin'\n",
            "resolver.toml:3: pools.b.policy: \"least-outstandin\" is no policy; did you mean 'least-outstanding'?",
        ),
        ("[pools]\nb = 3\n", "resolver.toml:2: pools.b is 3; write a section [pools.b] with keys below it"),
        (
            "[pools]\nmembers = ['192.0.2.1']\n",
            'resolver.toml:2: pools.members is ["192.0.2.1"]; '
            "write it below a header with a name of your own, such as [pools.office]",
        ),
        ("[server]\nlisten_doh = []\n", "unknown key 'listen_doh' in [server]; did you mean 'listen_https'?"),
        (
            "[pools.b]\nmembers = [{adress = '192.0.2.1'}]\n",
            "resolver.toml:2: pools.b.members: a member of a pool has no key \"adress\"; did you mean 'address'?",
        ),
        ("rules = 3\n", "resolver.toml:1: rules is 3; write [[rules]] with keys below it"),
        (
            "[[rules]]\naction = 'refuse'\n[[rules]]\nacton = 'pool'\naction = 'pool'\n",
            "resolver.toml:4: unknown key 'acton' in [[rules]]; did you mean 'action'?",
        ),
        (
            "[pools.b]\nmembers = 'system'\nresolv_conf = \"a\\u0000b\"\n",
            'b" has a NUL, which no path can have; remove it',
        ),
        (
            "[pools.b]\nmembers = ['tls://192.0.2.1']\ntls_ca = 'none.pem'\n",
            'none.pem" is no file; give a file of certificates in PEM, or remove it',
        ),
        (
            f"[pools.{'x' * 64}]\nmembers = ['192.0.2.1']\n",
            "is no name for one of [pools]; write at most 63 letters, digits, - and _",
        ),
        (
            "[resolver]\nforward_zones = {'corp.test' = 'b', 'Corp.Test.' = ['192.0.2.1']}\n",
            'resolver.toml:2: resolver.forward_zones: "corp.test" and "Corp.Test." are the same zone; remove one',
        ),
        (
            "[resolver.stub_zones]\n'test' = ['192.0.2.1']\n'test.' = ['192.0.2.1']\n",
            'resolver.stub_zones: "test" and "test." are the same zone; remove one',
        ),
        (
            "[filters.local_zones]\n'test' = 'static'\n'TEST' = 'refuse'\n",
            'filters.local_zones: "test" and "TEST" are the same zone; remove one',
        ),
        ("[pool.b]\n", "resolver.toml:1: unknown section [pool]; did you mean [pools.NAME]?"),
    ],
)
def test_what_is_wrong_with_a_table_of_several_shows_its_line(text: str, problem: str) -> None:
    assert [line for line in problems(text) if problem in line]


def test_a_whole_pool_can_come_from_the_environment() -> None:
    loaded = load(None, {"RESOLVER_POOLS__OFFICE": '{"members": ["192.0.2.1"]}'})
    assert str(loaded.config.pools["office"].members[0]) == "udp://192.0.2.1:53"
    with pytest.raises(ConfigError, match="is no JSON object; write one, as in"):
        load(None, {"RESOLVER_POOLS__OFFICE": "192.0.2.1"})


def test_settings_with_pools_and_rules_are_the_same_when_they_are_read_again() -> None:
    loaded = load(written(POOLS), {})
    again = load(written(to_toml(loaded)), {})
    assert again.config == loaded.config
