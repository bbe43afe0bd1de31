"""Decides which faults there are, and what can be said of each: one list of words for hierarchy.toml, for fixtures, for
the command and for the API.

Rules: a word names what goes wrong, and has parameters of its own; the conditions (`CONDITIONS`) say with whom, with
which questions, how often and when, and are the same for all. `-` and `_` in a word are the same.

Limits: a word for streams leaves datagrams alone, and one for datagrams leaves streams alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from resolver.network.faults import values
from resolver.network.faults.values import Read
from resolver.text import nearest

MAX_WAIT_MS: Final = 60_000
"""A minute: no client waits longer."""
MAX_COUNT: Final = 1_000_000_000
MAX_SECONDS: Final = 10 * 365 * 86_400.0
"""Ten years: nothing that is tested lasts longer."""
MAX_COPIES: Final = 16
MAX_OCTETS: Final = 60_000
"""Octets of an oversize datagram: with its question and its headers it fits into one of IP."""


class Parameter(NamedTuple):
    """Something that can be said of a fault. `default` is None where it need not, or must, be said."""

    word: str
    does: str
    read: Read
    """Gives the value as it is kept. Raises `values.Unfit`."""
    default: Any = None
    required: bool = False
    takes: str = ""
    """The range or the form, in words."""


class Word(NamedTuple):
    """A fault: what it does, and which parameters it takes. `transport` is the only one on which it acts."""

    word: str
    group: str
    does: str
    parameters: tuple[Parameter, ...] = ()
    transport: str = ""

    def parameter(self, word: str) -> Parameter | None:
        """Its own parameter of that name."""
        return next((each for each in self.parameters if each.word == word), None)


TIMING, LOSS, ANSWERS, FORGERY, MALFORMED, STREAMS, DNSSEC = GROUPS = (
    "time",
    "loss",
    "answers",
    "forgery",
    "malformed octets",
    "streams",
    "DNSSEC",
)
"""What faults are about, in the order of the page."""


def _ms(default: float, does: str) -> Parameter:
    takes = f"milliseconds, 0 to {MAX_WAIT_MS:,}, or a time as `1.5s`"
    return Parameter("ms", does, values.milliseconds(0, MAX_WAIT_MS), float(default), takes=takes)


_EDE: Final = (
    Parameter("ede", "an extended DNS error for those who ask with EDNS", values.whole(0, 0xFFFF), takes="0 to 65535"),
    Parameter("text", "the text of the extended DNS error", values.text, takes="a text"),
)

_ALL: Final = (
    Word("latency", TIMING, "The reply is late by `ms`, or by what is drawn from a normal distribution around it.", (
            _ms(100, "by how much"),
            Parameter("deviation_ms", "the standard deviation", values.milliseconds(0, MAX_WAIT_MS), 0.0,
                takes=f"milliseconds, 0 to {MAX_WAIT_MS:,}"),
        )),
    Word("jitter", TIMING, "The reply is late by up to `ms`, evenly spread.", (_ms(100, "at most by how much"),)),
    Word("late", TIMING, "The reply comes when its asker has given up, `ms` after it should.",
        (_ms(6000, "by how much"),)),
    Word("clock_skew", TIMING, "The server's clock is wrong: its signatures are made for a time `seconds` away.", (
        Parameter("seconds", "by how much it is ahead; less than 0 where it is behind",
            values.seconds(-MAX_SECONDS, MAX_SECONDS), required=True, takes="seconds, or a time as `-40d`"),
        )),
    Word("silent", LOSS, "Never replies; on TCP it accepts and never answers."),
    Word("loss", LOSS, "The datagram is lost; a stream loses nothing.", transport="udp"),
    Word("duplication", LOSS, "The reply comes `copies` times.", (
        Parameter("copies", "how often it comes", values.whole(2, MAX_COPIES), 2, takes=f"2 to {MAX_COPIES}"),
        ), transport="udp"),
    Word("reordering", LOSS, "The reply waits until another of the same server has overtaken it, at most for `ms`.",
        (_ms(100, "how long it waits if none does"),), transport="udp"),
    Word("partition", LOSS, "Nothing passes between two groups.", (
        Parameter("between", "the two groups: servers by name or address, networks, `resolver`, `clients`",
            values.groups, required=True, takes='`[["ns1.example.com"], ["resolver"]]`'),
        )),
    Word("servfail", ANSWERS, "Replies SERVFAIL.", _EDE),
    Word("refused", ANSWERS, "Replies REFUSED.", _EDE),
    Word("rcode", ANSWERS, "Replies with the response code `rcode` and nothing else.", (
        Parameter("rcode", "the response code", values.rcode, required=True, takes="a mnemonic, or a number to 4095"),
        *_EDE,
        )),
    Word("truncated", ANSWERS, "Sets TC on everything over UDP and says no more; over TCP it is good.",
        transport="udp"),
    Word("lame", ANSWERS, "Replies NOERROR without authority and without data: not its zone (RFC 9499 section 7)."),
    Word("upward", ANSWERS, "Refers everybody to the root (RFC 4697 section 2.3)."),
    Word("oversize", ANSWERS, "Sends a datagram of `octets`, however little was offered.", (
        Parameter("octets", "the size of the datagram", values.whole(513, MAX_OCTETS), 4096,
            takes=f"513 to {MAX_OCTETS:,}"),
        ), transport="udp"),
    Word("wrong_id", FORGERY, "Replies with another id."),
    Word("wrong_question", FORGERY, "Replies to another question."),
    Word("wrong_case", FORGERY, "Repeats the question in other letter case."),
    Word("wrong_source", FORGERY, "Replies from another place than was asked.", (
        Parameter("part", "what is wrong with the place", values.one_of("address", "port"), "address",
            takes="`address` or `port`"),
        ), transport="udp"),
    Word("garbage", MALFORMED, "Replies with octets that are no message."),
    Word("no_octets", MALFORMED, "Replies with a message of no octets."),
    Word("header_only", MALFORMED, "Replies with nothing but the header, whose counts promise more."),
    Word("cut_short", MALFORMED, "Ends the message in the middle, without TC."),
    Word("trailing_octets", MALFORMED, "Has octets behind the end of the message."),
    Word("wrong_counts", MALFORMED, "Counts more records in the answer than there are."),
    Word("compression_loop", MALFORMED, "Has a name whose compression pointer points to itself."),
    Word("forward_pointer", MALFORMED, "Has a name whose compression pointer points behind the end of the message."),
    Word("bad_label", MALFORMED, "Has a name with a label of a type that there is not (RFC 6891 section 5)."),
    Word("long_name", MALFORMED, "Has a name of more than 255 octets."),
    Word("bad_length", MALFORMED, "Has a record that claims to be longer than the message."),
    Word("two_questions", MALFORMED, "Repeats the question twice (RFC 9619)."),
    Word("two_opts", MALFORMED, "Has two OPT records (RFC 6891 section 6.1.1)."),
    Word("echo", MALFORMED, "Sends the query back as it came, QR unset."),
    Word("tcp_reset", STREAMS, "Resets the connection when the query has come.", transport="tcp"),
    Word("tcp_stall", STREAMS, "Sends the first half of the reply, then nothing, and leaves the connection open.",
        transport="tcp"),
    Word("tcp_cut", STREAMS, "Ends the connection in the middle of the reply.", transport="tcp"),
    Word("tcp_slow", STREAMS, "Sends the reply octet by octet, one each `ms`.", (_ms(10, "the time before each one"),),
        transport="tcp"),
    Word("tcp_empty", STREAMS, "Sends a frame of no octets in place of the reply.", transport="tcp"),
    Word("expired", DNSSEC, "Signatures of the zone have expired."),
    Word("future", DNSSEC, "Signatures of the zone are not valid yet."),
    Word("wrongkey", DNSSEC, "Data are signed by a key that is not among those of the zone."),
    Word("bogus", DNSSEC, "The signatures of data do not hold."),
    Word("unsigned", DNSSEC, "Data have no signatures, although the DS says that the zone is signed."),
    Word("ds-mismatch", DNSSEC, "The digest in the DS is not that of the key."),
    Word("unknown-algorithm", DNSSEC, "Keys and signatures are of an algorithm that nobody knows."),
    Word("unknown-digest", DNSSEC, "The DS has a digest of a type that nobody knows."),
    Word("nsec-missing", DNSSEC, "NSEC and NSEC3 records are left out."),
    Word("nsec3-iterations", DNSSEC, "NSEC3 hashes take more iterations than validators do."),
    Word("ksk-missing", DNSSEC, "The key that the DS names is not among those of the zone."),
    Word("revoked", DNSSEC, "The key that the DS names is revoked (RFC 5011 section 2.1)."),
)  # fmt: skip

WORDS: Final[Mapping[str, Word]] = {each.word: each for each in _ALL}
"""Each fault under its word."""

_SERVERS: Final = "a name or an address, or several"

CONDITIONS: Final[Mapping[str, Parameter]] = {
    each.word: each
    for each in (
        Parameter("server", "the servers that it concerns", values.servers, takes=_SERVERS),
        Parameter("zone", "questions for names at or below it; for a DNSSEC fault, the signed zone", values.domains,
            takes="a name, or several"),
        Parameter("name", "questions for that name; `*.example.com` is any below example.com", values.domains,
            takes="a name, or several"),
        Parameter("type", "questions for that type", values.rtypes, takes="a type, or several"),
        Parameter("transport", "queries that come by it", values.transports, takes="`udp` or `tcp`"),
        Parameter("source", "who asks", values.sources,
            takes="`resolver`, `clients`, a server's name, an address or a network, or several"),
        Parameter("probability", "how likely it is each time", values.number(0, 1), 1.0, takes="0 to 1"),
        Parameter("count", "how often it happens, before it is over", values.whole(1, MAX_COUNT), takes="1 or more"),
        Parameter("skip", "how many queries are spared first", values.whole(0, MAX_COUNT), 0, takes="0 or more"),
        Parameter("at", "when it begins, after the rule was added", values.seconds(0, MAX_SECONDS), 0.0,
            takes="seconds, or a time as `30s`, `5m`, `250ms`"),
        Parameter("for", "how long it lasts", values.seconds(0.001, MAX_SECONDS),
            takes="seconds, or a time as `30s`, `5m`, `250ms`"),
    )
}  # fmt: skip
"""What can be said of every fault: with whom, with which questions, how often and when. What is not said is no
condition."""


def known(word: str) -> Word | None:
    """The fault that is written `word`, with `-` or `_`; None for none."""
    return _SPELLED.get(word.replace("-", "_"))


def meant(word: str) -> str:
    """A hint at the word that was meant by `word`, which is none; all words where none is near."""
    spelled = word.strip().lower().replace("-", "_")
    other = _SPELLED.get(spelled)
    if other is not None:
        return f"did you mean {other.word!r}?"
    if spelled in _RCODES:
        return f'did you mean "rcode" with rcode = "{spelled.upper()}"?'
    if spelled in _OTHERWISE:
        return f"did you mean {_OTHERWISE[spelled]!r}?"
    return nearest(spelled, WORDS)


_RCODES: Final = ("formerr", "nxdomain", "notimp", "notauth", "badvers")
_OTHERWISE: Final = {
    "drop": "silent",
    "timeout": "silent",
    "blackhole": "silent",
    "down": "silent",
    "delay": "latency",
    "lag": "latency",
    "packet_loss": "loss",
    "malformed": "garbage",
    "corrupt": "garbage",
    "reset": "tcp_reset",
    "skew": "clock_skew",
}
"""What others call some of the faults."""

_SPELLED: Final = {word.replace("-", "_"): each for word, each in WORDS.items()}
