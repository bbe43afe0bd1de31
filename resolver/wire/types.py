"""How types and rcodes are written: the mnemonics of the IANA registry, RFC 3597 for the rest."""

from __future__ import annotations

from typing import Final

_MNEMONICS: Final[dict[int, str]] = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB",
    28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 39: "DNAME", 41: "OPT", 42: "APL",
    43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3",
    51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY",
    62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF", 108: "EUI48", 109: "EUI64", 249: "TKEY",
    250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY", 256: "URI", 257: "CAA",
}  # fmt: skip
_NUMBERS: Final = {mnemonic: number for number, mnemonic in _MNEMONICS.items()}
RCODES: Final[dict[int, str]] = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN",
    7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS", 23: "BADCOOKIE",
}  # fmt: skip
"""The response codes that have a mnemonic."""
_RCODE_NUMBERS: Final = {mnemonic: number for number, mnemonic in RCODES.items()}


def to_text(number: int) -> str:
    """The mnemonic of a type, `TYPE65280` for one without (RFC 3597 section 5)."""
    return _MNEMONICS.get(number) or f"TYPE{number}"


def from_text(text: str) -> int:
    """The type that `text` names, in any letter case. Raises ValueError."""
    upper = text.upper()
    if upper in _NUMBERS:
        return _NUMBERS[upper]
    if upper.startswith("TYPE") and upper[4:].isdecimal() and int(upper[4:]) <= 0xFFFF:
        return int(upper[4:])
    raise ValueError(f"{text!r} is no record type; write one like A, AAAA, MX, or TYPE65280")


def rcode_to_text(number: int) -> str:
    """The mnemonic of a response code, `RCODE11` for one without."""
    return RCODES.get(number) or f"RCODE{number}"


def rcode_from_text(text: str) -> int:
    """The response code that `text` names, in any letter case, or by its number. Raises ValueError."""
    upper = text.upper()
    if upper in _RCODE_NUMBERS:
        return _RCODE_NUMBERS[upper]
    number = upper.removeprefix("RCODE")
    if number.isascii() and number.isdecimal() and len(number) <= 4 and int(number) <= 0xFFF:
        return int(number)
    raise ValueError(f"{text!r} is no response code")
