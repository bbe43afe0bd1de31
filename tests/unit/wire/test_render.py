from __future__ import annotations

import random

import dns.flags
import dns.message
import pytest

from resolver.message import AA, CD, EDNS_PAYLOAD, QR, RA, RD, TC, Edns, Message, Question, Rcode, RRset, Type
from resolver.wire import names
from resolver.wire.parse import UNBOUNDED, parse
from resolver.wire.rdata import canonical
from resolver.wire.render import MIN_LIMIT, render, render_query

COM = b"\x03com\0"
EXAMPLE = b"\x07example\x03com\0"
WWW = b"\x03www\x07example\x03com\0"
QUESTION = Question(WWW, Type.A)


def a(name: bytes, *last: int, ttl: int = 300) -> RRset:
    return RRset(name, Type.A, 1, ttl, tuple(bytes((192, 0, 2, octet)) for octet in last or (1,)))


def txt(name: bytes, size: int, mark: bytes = b"x") -> RRset:
    """An RRset that takes a little more than `size` octets."""
    strings = b"".join(b"\xff" + mark * 255 for _ in range(size // 256)) + bytes((size % 256,)) + mark * (size % 256)
    return RRset(name, Type.TXT, 1, 300, (strings,))


def reply(**parts: object) -> Message:
    return Message(7, QR | RD | RA, 0, QUESTION)._replace(**parts)


@pytest.mark.rfc(1035, "4.1.4")
def test_owners_that_equal_the_question_point_to_it_and_so_show_the_clients_spelling() -> None:
    asked = Question(b"\x03wWw\x07eXample\x03com\0", Type.A)
    wire = render(reply(question=asked, answer=(a(WWW, 1, 2),)))
    assert wire[29 + 4 :] == b"".join(b"\xc0\x0c\0\1\0\1\0\0\x01\x2c\0\4\xc0\0\2" + bytes((at,)) for at in (1, 2))
    assert parse(wire).answer[0].name == asked.name


def test_other_names_keep_their_spelling_and_are_compressed_only_against_the_same() -> None:
    owner = b"\x04mail\x07Example\x03com\0"
    read = parse(render(reply(authority=(a(owner), a(b"\x04mail" + EXAMPLE, 2)))))
    assert [rrset.name for rrset in read.authority] == [owner]
    assert read.authority[0].rdatas == (b"\xc0\0\2\1", b"\xc0\0\2\2")
    wire = render(reply(authority=(a(owner),)))
    assert owner[:-5] in wire
    assert owner not in wire
    assert parse(wire).authority == (a(owner),)


@pytest.mark.rfc(3597, "4")
def test_names_in_rdata_are_compressed_in_types_of_rfc_1035_only() -> None:
    soa = WWW + b"\x04root" + EXAMPLE + bytes(20)
    cases = {
        Type.NS: (WWW, 2),
        Type.PTR: (WWW, 2),
        Type.MX: (b"\0\1" + WWW, 4),
        Type.SOA: (soa, 2 + 7 + 20),
        14: (WWW + WWW, 4),
        Type.SRV: (bytes(6) + WWW, None),
        Type.DNAME: (WWW, None),
        17: (WWW + WWW, None),
        Type.RRSIG: (bytes(18) + WWW + b"sig", None),
        65280: (WWW, None),
    }
    for rtype, (rdata, size) in cases.items():
        message = reply(answer=(RRset(WWW, rtype, 1, 300, (rdata,)),))
        wire = render(message)
        assert len(wire) == 33 + 12 + (len(rdata) if size is None else size), rtype
        assert parse(wire) == message


def test_the_root_is_written_as_one_octet() -> None:
    message = Message(7, QR, 0, Question(names.ROOT, Type.NS), (RRset(names.ROOT, Type.NS, 1, 9, (WWW, EXAMPLE)),))
    wire = render(message)
    assert wire[12:].startswith(b"\0\0\2\0\1" + b"\0\0\2\0\1")
    assert parse(wire) == message
    assert dns.message.from_wire(wire).answer[0].name == dns.name.root


@pytest.mark.rfc(1035, "4.1.4")
def test_no_pointer_leads_beyond_16383_octets() -> None:
    far = tuple(a(f"\x05h{at:04}".encode() + EXAMPLE) for at in range(1000))
    again = tuple(RRset(rrset.name, Type.NS, 1, 300, (b"\x02ns" + rrset.name, rrset.name)) for rrset in far)
    message = reply(answer=far, authority=again)
    wire = render(message)
    assert len(wire) > 0x8000
    assert parse(wire, UNBOUNDED) == message
    assert len(dns.message.from_wire(wire).authority) == 1000


def test_records_of_an_update_without_rdata_are_rendered() -> None:
    message = reply(authority=(RRset(WWW, Type.NS, 255, 0, (b"",)),))
    assert parse(render(message)) == message


@pytest.mark.rfc(6891, "6.1.3")
def test_an_opt_carries_the_upper_bits_of_the_rcode() -> None:
    message = reply(rcode=Rcode.BADVERS, edns=Edns(4096, 1, True, ((3, b"id"), (65001, b""))))
    wire = render(message)
    assert parse(wire) == message
    assert dns.message.from_wire(wire).rcode() == 16


@pytest.mark.rfc(6891, "6.1.3")
def test_an_rcode_that_needs_an_opt_is_servfail_without_one() -> None:
    assert parse(render(reply(rcode=Rcode.BADVERS))).rcode == Rcode.SERVFAIL


def test_stray_bits_in_the_flags_do_not_become_an_rcode() -> None:
    assert parse(render(reply(flags=QR | 0xF, rcode=0))).rcode == 0


def test_a_message_without_a_question_is_rendered() -> None:
    message = Message(7, QR, Rcode.FORMERR, None)
    assert render(message) == bytes.fromhex("0007 8001 0000 0000 0000 0000")
    assert parse(render(message._replace(answer=(a(WWW),)))).answer == (a(WWW),)


@pytest.mark.rfc(2181, "9")
@pytest.mark.parametrize("section", ["answer", "authority"])
def test_an_rrset_of_answer_or_authority_that_does_not_fit_is_left_out_whole_and_sets_tc(section: str) -> None:
    sets = (txt(WWW, 200, b"x"), txt(COM, 300, b"y"), txt(EXAMPLE, 10, b"z"))
    message = reply(**{section: sets}, additional=(a(COM),))
    read = parse(render(message, 512))
    assert read.flags & TC
    assert getattr(read, section) == sets[:1]
    assert read.additional == ()
    assert parse(render(message, 1232)) == message


@pytest.mark.rfc(2181, "9")
@pytest.mark.parametrize("edns", [None, Edns()])
@pytest.mark.parametrize("count", [1, 2])
def test_an_answer_that_fills_the_limit_is_whole_and_one_octet_more_is_too_much(edns: Edns | None, count: int) -> None:
    rdatas = tuple(bytes((at,)) * 600 for at in range(count))
    wire = render(reply(answer=(RRset(WWW.upper(), 65280, 1, 60, rdatas),), edns=edns))
    read = parse(render(reply(answer=(RRset(WWW.upper(), 65280, 1, 60, rdatas),), edns=edns), len(wire)))
    assert (read.answer, read.flags & TC, read.edns) == ((RRset(WWW, 65280, 1, 60, rdatas),), 0, edns)
    longer = RRset(WWW, 65280, 1, 60, (*rdatas[:-1], bytes(601)))
    read = parse(render(reply(answer=(longer,), edns=edns), len(wire)))
    assert (read.answer, read.flags & TC, read.edns) == ((), TC, edns)


def test_half_an_rrset_is_never_sent() -> None:
    many = RRset(WWW, Type.A, 1, 300, tuple(bytes((192, 0, 2, octet)) for octet in range(100)))
    read = parse(render(reply(answer=(many,)), 512))
    assert read.answer == ()
    assert read.flags & TC


def test_authority_is_left_out_when_the_answer_did_not_fit() -> None:
    read = parse(render(reply(answer=(txt(WWW, 600),), authority=(a(COM),)), 512))
    assert (read.answer, read.authority) == ((), ())
    assert read.flags & TC


@pytest.mark.rfc(2181, "9")
def test_additional_rrsets_that_do_not_fit_are_left_out_without_tc_and_smaller_ones_stay() -> None:
    extra = (txt(COM, 300), txt(EXAMPLE, 300), a(b"\x02ns" + COM))
    read = parse(render(reply(answer=(a(WWW),), additional=extra), 512))
    assert read.additional == (extra[0], extra[2])
    assert not read.flags & TC


def test_a_name_that_was_cut_off_is_not_pointed_to() -> None:
    lost = RRset(b"\x04lost\x03org\0", Type.TXT, 1, 300, txt(WWW, 600).rdatas)
    kept = (a(b"\x04lost\x03org\0"), a(b"\x04kept\x03org\0"))
    read = parse(render(reply(answer=(a(WWW),), additional=(lost, *kept)), 512))
    assert read.additional == kept


def referral(*glue: RRset, aa: bool = False, answer: tuple[RRset, ...] = ()) -> Message:
    delegation = RRset(EXAMPLE, Type.NS, 1, 300, (b"\x02ns" + EXAMPLE, b"\x02ns\x03org\0"))
    flags = QR | (AA if aa else 0)
    return reply(flags=flags, answer=answer, authority=(delegation, txt(COM, 380)), additional=glue)


BELOW = RRset(b"\x02Ns\x07Example\x03com\0", Type.AAAA, 1, 300, tuple(bytes((at,)) * 16 for at in range(3)))
BESIDE = RRset(b"\x02ns\x03org\0", Type.AAAA, 1, 300, BELOW.rdatas)


@pytest.mark.rfc(9471, "3.1")
def test_a_referral_without_room_for_glue_below_the_cut_sets_tc() -> None:
    assert parse(render(referral(BELOW), 512)).flags & TC
    assert not parse(render(referral(BELOW), 1232)).flags & TC


@pytest.mark.rfc(9471, "3.2")
def test_a_referral_without_room_for_glue_from_beside_the_cut_does_not_set_tc() -> None:
    read = parse(render(referral(BESIDE), 512))
    assert read.additional == ()
    assert not read.flags & TC


def test_an_answer_without_room_for_addresses_of_its_name_servers_does_not_set_tc() -> None:
    assert not parse(render(referral(BELOW, aa=True), 512)).flags & TC
    assert not parse(render(referral(BELOW, answer=(a(WWW),)), 512)).flags & TC


@pytest.mark.rfc(6891, "7")
def test_the_opt_stays_whatever_is_left_out() -> None:
    edns = Edns(EDNS_PAYLOAD, options=((15, b"\0\x16" + b"t" * 300),))
    read = parse(render(reply(answer=(txt(WWW, 300),), edns=edns), 512))
    assert read.edns == edns
    assert read.flags & TC
    assert read.answer == ()


def test_options_that_do_not_fit_at_all_are_left_out_from_the_last() -> None:
    options = ((3, b"i" * 200), (15, b"\0\x16" + b"t" * 300), (10, b"c" * 8))
    wire = render(reply(edns=Edns(EDNS_PAYLOAD, options=options)), 512)
    read = parse(wire)
    assert len(wire) <= 512
    assert read.edns is not None
    assert read.edns.options == options[:1]


@pytest.mark.rfc(6891, "6.2.3")
def test_a_limit_below_512_octets_is_512() -> None:
    message = reply(answer=(txt(WWW, 400),))
    assert render(message, 0) == render(message, 511) == render(message, MIN_LIMIT) == render(message)


def some_message(rng: random.Random) -> Message:
    pool = [names.ROOT, COM, EXAMPLE, WWW, WWW.swapcase(), b"\x02ns" + EXAMPLE, b"\x02ns\x03net\0", b"\x04mail" + WWW]

    def section(most: int) -> tuple[RRset, ...]:
        found = {}
        for _ in range(rng.randint(0, most)):
            name, rtype = rng.choice(pool), rng.choice((1, 2, 6, 15, 16, 28, 33))
            rdatas: dict[bytes, bytes] = {}
            for _ in range(rng.choice((1, 1, 2, 5))):
                target = rng.choice(pool)
                rdata = {
                    1: rng.randbytes(4),
                    2: target,
                    6: target + rng.choice(pool) + rng.randbytes(20),
                    15: rng.randbytes(2) + target,
                    16: b"\x30" + rng.randbytes(48),
                    28: rng.randbytes(16),
                    33: rng.randbytes(6) + target,
                }[rtype]
                rdatas.setdefault(canonical(rtype, rdata), rdata)
            found[name.lower(), rtype] = RRset(name, rtype, 1, rng.randrange(9999), tuple(rdatas.values()))
        return tuple(found.values())

    edns = Edns(1232, 0, True, ((65001, rng.randbytes(rng.choice((8, 40, 300)))),)) if rng.random() < 0.5 else None
    question = Question(rng.choice(pool), 1) if rng.random() < 0.9 else None
    flags = QR | (AA if rng.random() < 0.5 else 0)
    return Message(rng.getrandbits(16), flags, rng.choice((0, 3)), question, section(6), section(4), section(8), edns)


@pytest.mark.rfc(2181, "9")
def test_whatever_the_limit_the_octets_stay_below_it_and_say_a_part_of_the_message() -> None:
    rng = random.Random(7)
    truncated = 0
    for _ in range(1500):
        message = some_message(rng)
        whole = parse(render(message))
        limit = rng.randint(512, 700)
        wire = render(message, limit)
        read = parse(wire)
        assert len(wire) <= limit
        assert (read.id, read.rcode, read.question, read.edns) == (whole.id, whole.rcode, whole.question, whole.edns)
        assert read.flags & ~TC == whole.flags
        assert read.answer == whole.answer[: len(read.answer)]
        assert read.authority == whole.authority[: len(read.authority)]
        assert [rrset for rrset in whole.additional if rrset in read.additional] == list(read.additional)
        left_out = len(whole.answer + whole.authority) - len(read.answer + read.authority)
        if left_out:
            assert read.flags & TC
            assert read.additional == ()
        if read == whole:
            assert not read.flags & TC
        if not message.flags & TC and read.flags & TC and not left_out:
            assert not whole.answer
            assert not whole.flags & AA
        assert len(dns.message.from_wire(wire, one_rr_per_rrset=True).answer) == sum(
            len(rrset.rdatas) for rrset in read.answer
        )
        truncated += read.flags & TC != 0
    assert 200 < truncated < 1300


def test_rendering_and_parsing_leads_back_to_the_message_but_for_the_spelling_of_the_question() -> None:
    rng = random.Random(8)
    for _ in range(500):
        message = some_message(rng)
        again = parse(render(message))
        asked = message.question.name if message.question else b""
        for before, after in zip(
            message.answer + message.authority + message.additional,
            again.answer + again.authority + again.additional,
            strict=True,
        ):
            same = len(asked) > 1 and before.name.lower() == asked.lower()
            assert after.name == (asked if same else before.name)
            assert after[1:4] == before[1:4]
            assert after.rdatas == before.rdatas
        assert again[:4] == message[:4]
        assert again.edns == message.edns


@pytest.mark.parametrize("rd", [True, False])
@pytest.mark.parametrize("cd", [True, False])
@pytest.mark.parametrize("edns", [None, Edns(), Edns(4096, 0, True, ((10, b"12345678"), (3, b"")))])
def test_a_query_is_rendered_as_any_message_is(rd: bool, cd: bool, edns: Edns | None) -> None:
    flags = (RD if rd else 0) | (CD if cd else 0)
    wire = render_query(0xFFFF, QUESTION, rd=rd, edns=edns, cd=cd)
    assert wire == render(Message(0xFFFF, flags, 0, QUESTION, edns=edns))
    theirs = dns.message.from_wire(wire)
    assert theirs.question[0].name.to_text() == "www.example.com."
    assert (dns.flags.CD in theirs.flags) is cd
