"""How links of a chain of trust are written."""

from __future__ import annotations

from resolver.cli.chain import Digest, Key, Link, Signature
from resolver.cli.chain_lines import lines

SIGNATURE = Signature(7, "ED25519", "test.", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 1)


def test_keys_stand_in_a_line_each_with_what_names_them() -> None:
    keys = [Key(7, "ED25519", 257, "DS", False), Key(8, "ED25519", 385, "", True), Key(9, "ED448", 256, "", False)]
    link = Link("test.", "DNSKEY", "secure", keys=keys, signature=SIGNATURE)
    assert list(lines([link])) == [
        "✓ test. DNSKEY",
        "    key 7, ED25519, key-signing, named by the DS",
        "    key 8, ED25519, key-signing, revoked",
        "    key 9, ED448, zone-signing",
        "    RRSIG: by key 7 of test., 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z",
    ]


def test_of_data_the_signature_is_told_in_full_and_before_what_proves_its_wildcard() -> None:
    link = Link("a.test.", "A", "secure", signature=SIGNATURE._replace(wildcard="*.test."), shown=["NSEC …"])
    assert list(lines([link])) == [
        "✓ a.test. A",
        "    RRSIG: by key 7 of test., 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z, ED25519, 1 label",
        "    made from the wildcard *.test., as its signature has fewer labels than the name",
        "    NSEC …",
    ]


def test_what_does_not_hold_has_a_mark_a_word_and_a_reason() -> None:
    unsigned = Link("net.", "no DS", "insecure", "net. is not signed", shown=["NSEC of net."], signature=SIGNATURE)
    broken = Link("a.test.", "A", "bogus", "it expired [SIGX]", ds=[Digest(1, "ED448", "SHA-384")])
    assert list(lines([unsigned, broken])) == [
        "○ net. no DS: insecure",
        "    NSEC of net.",
        "    RRSIG: by key 7 of test., 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z",
        "    net. is not signed",
        "✗ a.test. A: bogus",
        "    DS: key 1, ED448, by SHA-384",
        "    it expired [SIGX]",
    ]


def test_nothing_that_a_server_wrote_reaches_the_terminal() -> None:
    assert list(lines([Link("a.", "A", "bogus", "\x1b[2J")])) == ["✗ a. A: bogus", "    \\u001b[2J"]
