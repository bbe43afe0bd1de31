from __future__ import annotations

import random

import dns.message
import pytest

from resolver.errors import BadName, Oversized, WireError
from resolver.message import AA, CD, QR, RD, TC, Class, Edns, Message, Question, Rcode, RRset, Type
from resolver.wire.parse import UNBOUNDED, Bounds, parse

NAME = b"\x03www\x07example\x03com\0"
QUESTION = NAME + b"\0\x01\0\x01"


def message(
    *records: bytes, counts: tuple[int, int, int] | None = None, flags: int = 0x8180, question: bytes = QUESTION
) -> bytes:
    """Octets with one question and `records`, all in the answer section unless `counts` says otherwise."""
    counted = (len(records), 0, 0) if counts is None else counts
    header = (0x1234, flags, 1 if question else 0, *counted)
    return b"".join(number.to_bytes(2, "big") for number in header) + question + b"".join(records)


def record(
    owner: bytes = b"\xc0\x0c",
    rtype: int = 1,
    cls: int = 1,
    ttl: int = 300,
    rdata: bytes = b"\xc0\0\2\1",
    size: int = -1,
) -> bytes:
    size = len(rdata) if size < 0 else size
    fixed = rtype.to_bytes(2, "big") + cls.to_bytes(2, "big") + ttl.to_bytes(4, "big") + size.to_bytes(2, "big")
    return owner + fixed + rdata


def opt(payload: int = 1232, ttl: int = 0, options: bytes = b"", owner: bytes = b"\0") -> bytes:
    return record(owner, Type.OPT, payload, ttl, options)


@pytest.mark.rfc(1035, "4.1")
def test_a_query_is_read() -> None:
    wire = dns.message.make_query("WWW.example.com", "AAAA", id=7).to_wire()
    assert parse(wire) == Message(7, RD, 0, Question(b"\x03WWW\x07example\x03com\0", Type.AAAA, Class.IN))


@pytest.mark.rfc(1035, "4.1.1")
def test_flags_rcode_and_opcode_are_told_apart() -> None:
    read = parse(message(flags=QR | AA | TC | CD | 0x2000 | Rcode.NXDOMAIN))
    assert (read.flags, read.rcode, read.opcode) == (QR | AA | TC | CD | 0x2000, Rcode.NXDOMAIN, 4)


def test_the_sections_are_kept_apart() -> None:
    read = parse(message(record(), record(), record(), counts=(1, 1, 1)))
    only = (RRset(NAME, 1, 1, 300, (b"\xc0\0\2\1",)),)
    assert (read.answer, read.authority, read.additional) == (only, only, only)


def test_a_message_without_a_question_has_none() -> None:
    assert parse(message(question=b"")).question is None


@pytest.mark.rfc(9619, "4")
def test_more_than_one_question_is_refused() -> None:
    wire = bytearray(message(question=QUESTION * 2))
    wire[5] = 2
    with pytest.raises(WireError, match="2 questions"):
        parse(bytes(wire))


@pytest.mark.rfc(2181, "5")
def test_records_of_one_owner_type_and_class_are_one_rrset_wherever_they_stand() -> None:
    read = parse(
        message(
            record(rdata=b"\0\0\0\2"),
            record(rtype=16, rdata=b"\1x"),
            record(rdata=b"\0\0\0\1"),
            record(cls=3, rdata=b"\0\0\0\3"),
            record(b"\x03WWW\xc0\x10", rdata=b"\0\0\0\4"),
        )
    )
    assert read.answer == (
        RRset(NAME, 1, 1, 300, (b"\0\0\0\2", b"\0\0\0\1", b"\0\0\0\4")),
        RRset(NAME, 16, 1, 300, (b"\1x",)),
        RRset(NAME, 1, 3, 300, (b"\0\0\0\3",)),
    )


@pytest.mark.rfc(2181, "5.2")
def test_records_of_one_rrset_that_differ_in_ttl_have_the_lowest() -> None:
    ttls = (300, 60, 600)
    read = parse(message(*(record(ttl=ttl, rdata=bytes((0, 0, 0, at))) for at, ttl in enumerate(ttls))))
    assert [(rrset.ttl, len(rrset.rdatas)) for rrset in read.answer] == [(60, 3)]


@pytest.mark.rfc(2181, "8")
@pytest.mark.parametrize(("ttl", "taken"), [(0x7FFFFFFF, 0x7FFFFFFF), (0x80000000, 0), (0xFFFFFFFF, 0)])
def test_a_ttl_with_its_top_bit_set_is_0(ttl: int, taken: int) -> None:
    assert parse(message(record(ttl=ttl))).answer[0].ttl == taken


@pytest.mark.rfc(2181, "5")
def test_a_record_sent_twice_is_one() -> None:
    read = parse(message(record(), record(rdata=b"\0\0\0\1"), record()))
    assert read.answer[0].rdatas == (b"\xc0\0\2\1", b"\0\0\0\1")


@pytest.mark.rfc(4034, "6.2")
def test_records_that_differ_in_the_case_of_a_name_are_one_and_other_octets_have_no_case() -> None:
    names = [record(rtype=2, rdata=rdata) for rdata in (b"\1a\0", b"\1A\0", b"\1b\0")]
    assert parse(message(*names)).answer[0].rdatas == (b"\1a\0", b"\1b\0")
    exchanges = [record(rtype=15, rdata=rdata) for rdata in (b"\0A\1a\0", b"\0a\1a\0", b"\0a\1A\0")]
    assert parse(message(*exchanges)).answer[0].rdatas == (b"\0A\1a\0", b"\0a\1a\0")


def test_names_in_rdata_are_uncompressed_and_keep_their_case() -> None:
    read = parse(message(record(rtype=5, rdata=b"\x03Web\xc0\x10"), record(rtype=15, rdata=b"\0\x0a\xc0\x0c")))
    assert read.answer[0].rdatas == (b"\x03Web\x07example\x03com\0",)
    assert read.answer[1].rdatas == (b"\0\x0a" + NAME,)


@pytest.mark.rfc(1035, "3.4.1")
@pytest.mark.parametrize(("rtype", "size"), [(1, 0), (1, 3), (1, 5), (1, 16), (28, 0), (28, 4), (28, 15), (28, 17)])
def test_an_address_of_the_wrong_length_is_refused(rtype: int, size: int) -> None:
    assert parse(message(record(rtype=rtype, rdata=bytes(4 if rtype == 1 else 16)))).answer
    with pytest.raises(WireError, match="should end"):
        parse(message(record(rtype=rtype, rdata=bytes(size))))


@pytest.mark.parametrize("size", [4, 6])
@pytest.mark.parametrize("rtype", [2, 5, 12, 39])
def test_a_length_of_rdata_that_its_name_does_not_have_is_refused(rtype: int, size: int) -> None:
    with pytest.raises(WireError, match="should end"):
        parse(message(record(rtype=rtype, rdata=b"\x03web\0\0", size=size)))


@pytest.mark.rfc(2136, "2.5")
@pytest.mark.parametrize("cls", [Class.NONE, Class.ANY])
@pytest.mark.parametrize("rtype", [1, 2, 6, 15, 16, 28, 33, 255, 65280])
def test_empty_rdata_in_the_classes_of_updates_is_read(rtype: int, cls: int) -> None:
    read = parse(message(record(rtype=rtype, cls=cls, ttl=0, rdata=b""), flags=0x2800))
    assert read.answer == (RRset(NAME, rtype, cls, 0, (b"",)),)


@pytest.mark.rfc(6891, "6.1.3")
def test_an_opt_becomes_edns_and_the_upper_bits_of_the_rcode() -> None:
    options = b"\0\x03\0\0" + b"\0\x0a\0\x02ab"
    read = parse(message(record(), opt(4096, 0x01_01_8000, options), counts=(1, 0, 1), flags=0x8183))
    assert read.edns == Edns(4096, 1, True, ((3, b""), (10, b"ab")))
    assert read.rcode == 0x13
    assert read.additional == ()


@pytest.mark.rfc(6891, "6.1.2")
def test_the_ttl_of_an_opt_is_no_ttl() -> None:
    read = parse(message(opt(ttl=0xFF00_0000), counts=(0, 0, 1)))
    assert read.rcode == 0xFF0


def test_an_opt_may_stand_before_other_records() -> None:
    read = parse(message(opt(), record(), counts=(0, 0, 2)))
    assert read.edns == Edns(1232)
    assert len(read.additional) == 1


@pytest.mark.rfc(6891, "6.1.1")
@pytest.mark.parametrize(
    ("records", "counts"),
    [
        ((opt(), opt()), (0, 0, 2)),
        ((opt(), opt(512)), (0, 0, 2)),
        ((opt(),), (1, 0, 0)),
        ((opt(),), (0, 1, 0)),
        ((opt(owner=b"\xc0\x0c"),), (0, 0, 1)),
    ],
    ids=["two", "two that differ", "answer", "authority", "owner"],
)
def test_an_opt_that_is_not_alone_not_additional_or_not_the_roots_is_refused(
    records: tuple[bytes, ...], counts: tuple[int, int, int]
) -> None:
    with pytest.raises(WireError, match="an OPT"):
        parse(message(*records, counts=counts))


@pytest.mark.parametrize("options", [b"\0", b"\0\x03\0", b"\0\x03\0\x01", b"\0\x03\0\x00\0"])
def test_edns_options_that_do_not_fill_the_opt_are_refused(options: bytes) -> None:
    with pytest.raises(WireError):
        parse(message(opt(options=options), counts=(0, 0, 1)))


@pytest.mark.rfc(8945, "5.2")
def test_a_tsig_is_the_last_record_or_the_message_is_refused() -> None:
    tsig = record(b"\1k\0", Type.TSIG, Class.ANY, 0, b"\4hmac\0" + bytes(16))
    read = parse(message(opt(), tsig, counts=(0, 0, 2)))
    assert [rrset.type for rrset in read.additional] == [Type.TSIG]
    for records, counts in (((tsig, opt()), (0, 0, 2)), ((tsig,), (1, 0, 0)), ((tsig, tsig), (0, 0, 2))):
        with pytest.raises(WireError, match="TSIG"):
            parse(message(*records, counts=counts))


@pytest.mark.parametrize("rest", [b"\0", QUESTION, record()])
def test_octets_behind_the_last_record_are_refused(rest: bytes) -> None:
    for wire in (message(), message(record()), message(opt(), counts=(0, 0, 1))):
        with pytest.raises(WireError, match="the records end at octet"):
            parse(wire + rest)


def test_a_message_cut_short_anywhere_is_refused() -> None:
    wire = message(
        record(), record(rtype=6, rdata=b"\xc0\x0c\xc0\x10" + bytes(20)), opt(options=b"\0\x03\0\0"), counts=(1, 1, 1)
    )
    parse(wire)
    for size in range(len(wire)):
        with pytest.raises(WireError):
            parse(wire[:size])


@pytest.mark.parametrize("at", [5, 7, 9, 11])
def test_counts_that_lie_are_refused(at: int) -> None:
    wire = message(record(), record(), record(), counts=(1, 1, 1))
    for more in (1, 2, 255):
        lying = bytearray(wire)
        lying[at] = (lying[at] + more) & 0xFF
        with pytest.raises(WireError):
            parse(bytes(lying))


def test_counts_that_no_such_message_can_hold_are_refused_before_anything_is_read() -> None:
    wire = message(counts=(0xFFFF, 0xFFFF, 0xFFFF))
    with pytest.raises(WireError, match="196605 records announced in 0 octets"):
        parse(wire)
    with pytest.raises(WireError, match="2 records announced in 16 octets"):
        parse(message(record(), counts=(1, 1, 0)))


def test_more_records_than_are_read_are_refused_before_any_is_and_a_transfer_is_exempt() -> None:
    broken = message(*[record(rdata=b"\0\1\0\0")] * 512, record(rdata=b"x"))
    with pytest.raises(Oversized, match="513 records; 512 are read of one message"):
        parse(broken)
    whole = message(*[record(rdata=number.to_bytes(4, "big")) for number in range(513)])
    assert len(parse(whole, UNBOUNDED).answer[0].rdatas) == 513
    assert len(parse(message(*[record(rdata=number.to_bytes(4, "big")) for number in range(512)])).answer) == 1


def test_the_records_of_all_sections_count() -> None:
    three = message(record(), record(b"\x01a\xc0\x0c"), record(b"\x01b\xc0\x0c"), counts=(1, 1, 1))
    assert parse(three, Bounds(records=3)).additional
    with pytest.raises(Oversized):
        parse(three, Bounds(records=2))


def test_a_count_that_lies_is_malformed_and_no_large_message() -> None:
    with pytest.raises(WireError) as caught:
        parse(message(record(), counts=(4000, 0, 0)))
    assert not isinstance(caught.value, Oversized)


def test_more_edns_options_than_are_read_are_refused() -> None:
    def query(count: int) -> bytes:
        return message(opt(options=b"\0\x0f\0\0" * count), counts=(0, 0, 1))

    edns = parse(query(32)).edns
    assert edns is not None
    assert len(edns.options) == 32
    with pytest.raises(WireError, match="more than 32 EDNS options") as caught:
        parse(query(33))
    assert not isinstance(caught.value, Oversized), "it is this server's mistake; another may be asked"
    assert parse(query(33), UNBOUNDED).edns is not None


def test_rdata_longer_than_the_message_is_refused() -> None:
    with pytest.raises(WireError):
        parse(message(record(size=5)))
    with pytest.raises(WireError):
        parse(message(record(size=0xFFFF)))
    with pytest.raises(WireError):
        parse(message(record(rtype=65280, size=5)))
    with pytest.raises(WireError):
        parse(message(opt(), counts=(0, 0, 1))[:-1] + b"\x04")


def test_a_bad_name_is_a_wire_error_too() -> None:
    with pytest.raises(BadName, match="pointer"):
        parse(message(record(b"\xc0\xff")))
    assert issubclass(BadName, WireError)


def test_a_large_message_of_many_equal_records_is_read_in_one_pass() -> None:
    """4,000 records of one RRset: merging them must not compare each with each."""
    records = [record(rdata=at.to_bytes(4, "big")) for at in range(4000)]
    read = parse(message(*records, *records[:1000]), UNBOUNDED)
    assert [len(rrset.rdatas) for rrset in read.answer] == [4000]


def test_a_question_that_the_caller_has_compared_is_taken_as_it_is_and_names_may_still_point_to_it():
    cname = record(rtype=Type.CNAME, rdata=b"\x02to\xc0\x10")
    other = record(b"\xc0\x10", Type.NS, rdata=b"\xc0\x0c")
    wire = message(cname, record(b"\x02to\xc0\x10"), other, opt(), counts=(2, 1, 1))
    question = Question(NAME, Type.A, Class.IN)
    read = parse(wire, question=question)
    assert read == parse(wire)
    assert read.question is question
    assert [each.name for each in read.answer] == [NAME, b"\x02to\x07example\x03com\0"]


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_message_that_ends_early_is_refused_also_behind_a_known_question(cut):
    wire = message(record(), opt(), counts=(1, 0, 1))[:-cut]
    with pytest.raises(WireError):
        parse(wire, question=Question(NAME, Type.A))


ASKED = Question(NAME, Type.A, Class.IN)
NS = record(b"\xc0\x10", Type.NS, rdata=b"\x02ns\xc0\x10")
GLUE = record(b"\x02ns\xc0\x10")


@pytest.mark.parametrize(("ttl", "lowest"), [(300, 8), (7, 7), (0x80000000, 0)])
def test_what_stands_behind_the_addresses_that_were_asked_for_is_left_out_unless_all_is_wanted(ttl: int, lowest: int):
    answers = [record(ttl=9), record(rdata=b"\xc0\0\2\2", ttl=ttl), record(rdata=b"\xc0\0\2\1", ttl=8)]
    wire = message(*answers, NS, GLUE, opt(options=b"\0\x0a\0\0"), counts=(3, 1, 2))
    whole = parse(wire, question=ASKED)
    assert whole.answer == (RRset(NAME, Type.A, Class.IN, lowest, (b"\xc0\0\2\1", b"\xc0\0\2\2")),)
    assert whole.authority
    assert whole.additional
    assert parse(wire, question=ASKED, whole=False) == whole._replace(authority=(), additional=())


@pytest.mark.parametrize(
    ("records", "counts", "question"),
    [
        ([NS, GLUE], (0, 1, 1), ASKED),
        ([record(b"\xc0\x10"), NS, GLUE], (1, 1, 1), ASKED),
        ([record(NAME), NS, GLUE], (1, 1, 1), ASKED),
        ([record(), record(b"\xc0\x10"), NS, GLUE], (2, 1, 1), ASKED),
        ([record(rtype=Type.AAAA, rdata=bytes(16)), NS, GLUE], (1, 1, 1), ASKED),
        ([record(rtype=Type.CNAME, rdata=b"\2ns\xc0\x10"), GLUE, NS], (2, 1, 0), ASKED),
        ([record(cls=Class.CH), NS, GLUE], (1, 1, 1), Question(NAME, Type.A, Class.CH)),
        ([record(rtype=Type.NS, rdata=b"\2ns\xc0\x10"), NS, GLUE], (1, 1, 1), Question(NAME, Type.NS)),
    ],
)
def test_all_is_read_of_a_message_that_has_anything_else_for_an_answer(records, counts, question):
    asked = question.name + question.type.to_bytes(2, "big") + question.cls.to_bytes(2, "big")
    wire = message(*records, counts=counts, question=asked)
    assert parse(wire, question=question, whole=False) == parse(wire)
    assert parse(wire).authority


def test_a_message_is_malformed_whether_it_is_wanted_whole_or_not():
    rng = random.Random(1035)
    soa = record(b"\xc0\x10", Type.SOA, rdata=b"\2ns\xc0\x10\4host\xc0\x10" + bytes(20))
    good = message(record(), soa, NS, GLUE, opt(), record(b"\xc0\x10", Type.TXT, rdata=b"\1x"), counts=(1, 2, 3))
    begin = len(message(record()))
    malformed = 0
    for _ in range(4000):
        wire = bytearray(good)
        wire[rng.randrange(begin, len(wire))] = rng.choice((0, 1, 2, 41, 63, 64, 250, 0xC0, rng.randrange(256)))
        octets = bytes(wire[: rng.randrange(begin, len(wire))] if rng.random() < 0.1 else wire)
        try:
            whole = parse(octets, question=ASKED)
        except WireError:
            malformed += 1
            with pytest.raises(WireError):
                parse(octets, question=ASKED, whole=False)
        else:
            assert parse(octets, question=ASKED, whole=False) == whole._replace(authority=(), additional=())
    assert 1000 < malformed < 3000
