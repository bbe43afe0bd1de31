"""Hostile signed zones: more keys, signatures, hashes and proofs than anybody could check (CVE-2023-50387 and 50868).

Rules
* The zone `evil.` has a DS at its parent, a key-signing key that it names, and a zone-signing key; what has to be good
  so that more is looked at is signed by these. All else is for show: keys are points of their curve or numbers of the
  size of a modulus, and signatures numbers in their range, so that each check costs what a true one does.
* A key tag is a checksum, and most flags of a key mean nothing: any two keys are given one tag by flags alone.
* Signatures are in time from 2023 to 2057, so that the same zone serves virtual time and sockets.

Limits: what a reply holds fits into 64 KiB, and into the records that are read of a message.
"""

from __future__ import annotations

import hashlib
import itertools
from base64 import b32hexdecode, b32hexencode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import dns.dnssec
import dns.name
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from resolver.dnssec.canonical import signed_labels
from resolver.dnssec.records import REVOKED, ZONE_KEY, read_dnskey
from resolver.message import AA, QR, Class, Message, Question, RRset, Transport, Type
from resolver.wire import names
from tests.robustness.world import Attack, Hostile
from tests.support import zone_text
from tests.support.signed import KSK, ZSK, key

EVIL: Final = names.from_text("evil.")
TAG: Final = 4711
"""The tag of all keys that are there to collide."""
MANY: Final = 100
"""Signatures and keys of a kind: the records of a message leave room for more, the octets of 64 KiB hardly do."""
BEGINS, EXPIRES = 1_700_000_000, 2_750_000_000

P256, P384, ED25519, RSA = 13, 14, 15, 8
_SIZES: Final = {P256: 64, P384: 96, ED25519: 64, RSA: 512}
"""Octets of a signature."""


def octets(*what: object, size: int) -> bytes:
    """Octets that look random, and are always the same for `what`."""
    return hashlib.shake_256(repr(what).encode()).digest(size)


@lru_cache(maxsize=1024)
def public(algorithm: int, number: int, exponent: int = 65537) -> bytes:
    """The public key field of a key that reads well, whose private key nobody needs."""
    if algorithm == RSA:
        modulus = bytearray(octets("modulus", number, size=512))
        modulus[0] |= 0x80
        modulus[-1] |= 1
        told = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
        return bytes((len(told),)) + told + bytes(modulus)
    if algorithm == ED25519:
        made = key(ED25519, seed=f"trap {number}")
        return made.dnskey.key
    curve = ec.SECP256R1() if algorithm == P256 else ec.SECP384R1()
    private = ec.derive_private_key(number + 1000, curve)
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def with_tag(field: bytes) -> bytes | None:
    """The key with that `field` behind its flags, and with flags that give it the tag `TAG` and let it sign zones."""
    without = read_dnskey(b"\0\0" + field).tag
    for flags in ((TAG - without) % 0x10000, (TAG - without - 1) % 0x10000):
        made = read_dnskey(flags.to_bytes(2, "big") + field)
        if made.tag == TAG and flags & ZONE_KEY and not flags & REVOKED:
            return made.rdata
    return None


def colliding(count: int, algorithm: int = P256, exponent: int = 65537) -> tuple[bytes, ...]:
    """So many keys of one algorithm with the tag `TAG`, which may sign zones."""
    fields = (bytes((3, algorithm)) + public(algorithm, number, exponent) for number in itertools.count())
    return tuple(itertools.islice(filter(None, map(with_tag, fields)), count))


def head(rrset: RRset, algorithm: int = P256, tag: int = TAG, signer: bytes = EVIL) -> bytes:
    """An RRSIG of `rrset` up to its signature."""
    fixed = rrset.type.to_bytes(2, "big") + bytes((algorithm, signed_labels(rrset.name)))
    times = b"".join(each.to_bytes(4, "big") for each in (rrset.ttl, EXPIRES, BEGINS))
    return fixed + times + tag.to_bytes(2, "big") + signer


def forged(rrset: RRset, count: int, algorithm: int = P256, tag: int = TAG, signer: bytes = EVIL) -> tuple[bytes, ...]:
    """So many signatures of `rrset` that do not hold, each other than the rest."""
    before = head(rrset, algorithm, tag, signer)
    return tuple(before + each for each in _numbers(_SIZES[algorithm], count))


@lru_cache
def _numbers(size: int, count: int) -> tuple[bytes, ...]:
    """So many pairs of numbers, each below the order of a curve, or the first of them below a modulus."""
    return tuple(2 * (b"\x01" + octets("signature", number, size=size // 2 - 1)) for number in range(count))


def signatures(rrset: RRset, rdatas: Iterable[bytes]) -> RRset:
    """The RRSIG set with `rdatas`."""
    return RRset(rrset.name, Type.RRSIG, Class.IN, rrset.ttl, tuple(rdatas))


class Trap:
    """The zone `evil.`: `say` answers what is asked but its keys; `extra` are keys besides its two, `more` the DS
    besides the true one, and `over_keys` makes the signatures of the keys of the true one."""

    def __init__(
        self,
        say: Callable[[Trap, Question], Message],
        extra: tuple[bytes, ...] = (),
        more: tuple[bytes, ...] = (),
        over_keys: Callable[[RRset, bytes], tuple[bytes, ...]] = lambda rrset, true: (true,),
        algorithm: int = P256,
    ) -> None:
        self.ksk, self.zsk = key(P256, KSK, "evil ksk"), key(algorithm, ZSK, "evil zsk")
        self._say, self._over_keys = say, over_keys
        self.dnskeys = RRset(EVIL, Type.DNSKEY, Class.IN, 3600, (self.ksk.rdata, self.zsk.rdata, *extra))
        self.ds = (*more, self.ksk.ds("evil."))
        self._signed: dict[RRset, bytes] = {}

    def script(self, query: Message, transport: Transport) -> Message:
        """What a server of the zone says."""
        assert query.question is not None
        question = query.question._replace(name=names.fold(query.question.name))
        if question.type == Type.DNSKEY and question.name == EVIL:
            true = self.true(self.dnskeys)
            return answer(query, self.dnskeys, signatures(self.dnskeys, self._over_keys(self.dnskeys, true)))
        said = self._say(self, question)
        return said._replace(question=query.question)

    def true(self, rrset: RRset) -> bytes:
        """A signature of `rrset` that holds."""
        made = self._signed.get(rrset)
        if made is None:
            signer = self.ksk if rrset.type == Type.DNSKEY else self.zsk
            made = self._signed[rrset] = signer.rrsig(rrset, "evil.", begins=BEGINS, expires=EXPIRES)
        return made

    def build(self, internet: Hostile) -> None:
        """The zone is delegated, with its DS, and answers."""
        internet.weapon("evil.", self.script)
        internet.delegate_by(*(f"evil. 3600 IN {ds_text(ds)}" for ds in self.ds))


def ds_text(ds: bytes) -> str:
    """A DS record as master files have it."""
    return f"DS {int.from_bytes(ds[:2], 'big')} {ds[2]} {ds[3]} {ds[4:].hex()}"


def answer(query: Message | None, *rrsets: RRset, authority: tuple[RRset, ...] = (), rcode: int = 0) -> Message:
    """An authoritative reply."""
    return Message(0, QR | AA, rcode, None if query is None else query.question, rrsets, authority)


def _address(name: bytes) -> RRset:
    return RRset(name, Type.A, Class.IN, 300, (b"\xc0\0\2\x42",))


def _soa() -> RRset:
    (soa,) = zone_text.rrsets(["evil. 300 IN SOA ns.evil. who.evil. 1 2 3 4 300"])
    return soa


# -- what is said


def address_with(make: Callable[[RRset], tuple[bytes, ...]]) -> Callable[[Trap, Question], Message]:
    """An address, signed by what `make` makes."""

    def say(trap: Trap, question: Question) -> Message:
        rrset = _address(question.name)
        return answer(None, rrset, signatures(rrset, make(rrset)))

    return say


def _true_address(trap: Trap, question: Question) -> Message:
    rrset = _address(question.name)
    return answer(None, rrset, signatures(rrset, (trap.true(rrset),)))


def _many_records(trap: Trap, question: Question) -> Message:
    """A set as large as is read, with many signatures: all of it is sorted for each."""
    rdatas = tuple(octets(number, size=4) for number in range(350))
    rrset = RRset(question.name, Type.A, Class.IN, 300, rdatas)
    return answer(None, rrset, signatures(rrset, forged(rrset, MANY)))


def _long_chain(trap: Trap, question: Question) -> Message:
    """Signatures by the name that was asked for and all above it, none of which is a zone, as each proves of itself."""
    if question.type == Type.DS:
        soa = _soa()
        nsec = RRset(question.name, Type.NSEC, Class.IN, 300, (b"\1\0" + question.name + b"\0\1\x40",))
        sets = [each for rrset in (soa, nsec) for each in (rrset, signatures(rrset, (trap.true(rrset),)))]
        return answer(None, authority=tuple(sets))
    rrset = _address(question.name)
    signers = list(names.ancestors(question.name))[:MANY]
    return answer(
        None, rrset, signatures(rrset, (each for signer in signers for each in forged(rrset, 1, signer=signer)))
    )


def _chain(bad: int) -> Callable[[Trap, Question], Message]:
    """Aliases in one reply, each with `bad` signatures before the one that holds."""

    def say(trap: Trap, question: Question) -> Message:
        rrsets: list[RRset] = []
        name = question.name
        for number in range(11):
            target = names.prepend(b"z%d" % number, EVIL)
            link = RRset(name, Type.CNAME, Class.IN, 300, (target,))
            rrsets += [
                link,
                signatures(link, (*forged(link, bad, trap.zsk.dnskey.algorithm, trap.zsk.dnskey.tag), trap.true(link))),
            ]
            name = target
        last = _address(name)
        return answer(None, *rrsets, last, signatures(last, (trap.true(last),)))

    return say


def _separate_links(trap: Trap, question: Question) -> Message:
    """An alias in each reply, so that what is spent on one must be remembered for the next."""
    name = question.name
    number = int(name[2 : name[0] + 1]) + 1 if name[1:2] == b"z" else 0
    link = RRset(name, Type.CNAME, Class.IN, 300, (names.prepend(b"z%d" % number, EVIL),))
    return answer(None, link, signatures(link, (*forged(link, 7, P256, trap.zsk.dnskey.tag), trap.true(link))))


def _denied(trap: Trap, question: Question) -> Message:
    """A name error whose SOA and NSEC sets have many signatures each, of which none holds but the SOA's."""
    soa, (_, tag) = _soa(), (P256, trap.zsk.dnskey.tag)
    authority = [soa, signatures(soa, (*forged(soa, 7, P256, tag), trap.true(soa)))]
    for number in range(16):
        owner = names.prepend(b"n%02d" % number, EVIL)
        nsec = RRset(owner, Type.NSEC, Class.IN, 300, (names.prepend(b"n%02dx" % number, EVIL) + b"\0\1\x40",))
        authority += [nsec, signatures(nsec, forged(nsec, 16, P256, tag))]
    return answer(None, authority=tuple(authority), rcode=3)


def _hashed(iterations: int, spans: int = 1) -> Callable[[Trap, Question], Message]:
    """A name error by NSEC3, of the apex alone, so that no ancestor of the name is ever found to lie in a span."""

    def say(trap: Trap, question: Question) -> Message:
        soa = _soa()
        authority = [soa, signatures(soa, (trap.true(soa),))]
        for number in range(spans):
            owner = apex_hash(iterations) if not number else octets("owner", number, size=20)
            after = (int.from_bytes(owner, "big") + 1).to_bytes(20, "big")
            label = b32hexencode(owner).lower()
            rdata = b"\1\0" + iterations.to_bytes(2, "big") + b"\0\x14" + after + b"\0\1\x40"
            nsec3 = RRset(names.prepend(label, EVIL), Type.NSEC3, Class.IN, 300, (rdata,))
            authority += [nsec3, signatures(nsec3, (trap.true(nsec3),))]
        return answer(None, authority=tuple(authority), rcode=3)

    return say


@lru_cache
def apex_hash(iterations: int) -> bytes:
    """The hash of the zone's own name, as dnspython makes it."""
    return b32hexdecode(dns.dnssec.nsec3_hash(dns.name.from_text("evil."), None, iterations, 1))


# -- the attacks

DEEP: Final = ".".join("x" for _ in range(120)) + ".evil."
LARGEST: Final = (1 << 35) - 1
"""The largest exponent of an RSA key that any resolver is known to take."""


def ds_of(rdatas: Iterable[bytes], digest_type: int = 2) -> tuple[bytes, ...]:
    """A DS for each of those keys, with the digest of another one: so each is tried with every key of its tag."""
    return tuple(
        TAG.to_bytes(2, "big") + bytes((rdata[3], digest_type)) + octets("digest", rdata, size=32) for rdata in rdatas
    )


def named(rdatas: Iterable[bytes]) -> tuple[bytes, ...]:
    """A true DS for each of those keys."""
    return tuple(
        TAG.to_bytes(2, "big") + bytes((rdata[3], 2)) + hashlib.sha256(EVIL + rdata).digest() for rdata in rdatas
    )


KEYTRAP: Final = "KeyTrap"
HASHES: Final = "NSEC3 hashes"
PROOFS: Final = "proofs with many signatures"


def _many(algorithm: int, exponent: int = 65537) -> Trap:
    """As many keys of one tag as signatures."""
    count = MANY if algorithm != RSA else 50
    say = address_with(lambda rrset: forged(rrset, count, algorithm))
    return Trap(say, colliding(count, algorithm, exponent))


@dataclass(frozen=True)
class Laid:
    """One of the attacks: `name` is what is asked for, `bound` the most messages, `make` the zone."""

    kind: str
    variant: str
    make: Callable[[], Trap]
    name: str = "www.evil."
    bound: int = 5
    rcode: str = "SERVFAIL"
    holds: bool = False
    """Whether there is nothing wrong with its signatures but their number."""

    @cached_property
    def trap(self) -> Trap:
        """The zone, made when it is first asked for."""
        return self.make()

    @property
    def attack(self) -> Attack:
        """As it stands among the others."""
        build = lambda internet: self.trap.build(internet)  # noqa: E731
        return Attack(self.kind, self.variant, self.bound, build, self.name, rcodes=(self.rcode,), ours=True)


def _jam() -> Trap:
    return Trap(address_with(lambda rrset: forged(rrset, MANY)), colliding(1))


def _cram() -> Trap:
    return Trap(address_with(lambda rrset: forged(rrset, 1)), colliding(MANY))


def _key_sig() -> Trap:
    keys = colliding(MANY)
    return Trap(_true_address, keys, named(keys), lambda rrset, true: (*forged(rrset, MANY), true))


def _long_keys() -> Trap:
    """Keys of 15,000 octets, which are none, and as many DS as are tried with them."""
    fields = (bytes((3, P256)) + octets("long", number, size=15_000) for number in itertools.count())
    keys = tuple(itertools.islice(filter(None, map(with_tag, fields)), 3))
    return Trap(
        _true_address,
        keys,
        tuple(b"".join((ds[:4], octets(number, size=32))) for number in range(8) for ds in ds_of(keys[:1])),
    )


def _hash() -> Trap:
    keys = colliding(MANY)
    return Trap(_true_address, keys, ds_of(keys))


_LAID: Final = (
    Laid(KEYTRAP, "100 keys of one tag, 100 signatures", lambda: _many(P256)),
    Laid(KEYTRAP, "the same with P-384", lambda: _many(P384)),
    Laid(KEYTRAP, "the same with Ed25519", lambda: _many(ED25519)),
    Laid(KEYTRAP, "50 keys of 4,096 bits with large exponents", lambda: _many(RSA, LARGEST)),
    Laid(KEYTRAP, "SigJam: one key, 100 signatures", _jam),
    Laid(KEYTRAP, "LockCram: 100 keys of one tag, one signature", _cram),
    Laid(KEYTRAP, "KeySigTrap: keys that the DS name, signatures over the keys", _key_sig),
    Laid(KEYTRAP, "HashTrap: 100 DS of one tag, 100 keys", _hash),
    Laid(KEYTRAP, "8 DS of keys of 15,000 octets", _long_keys),
    Laid(KEYTRAP, "signers at each of 120 labels", lambda: Trap(_long_chain), DEEP, bound=27),
    Laid(KEYTRAP, "100 signatures of 350 records", lambda: Trap(_many_records, colliding(MANY))),
    Laid(PROOFS, "a name error", lambda: Trap(_denied)),
    Laid(PROOFS, "11 aliases in a reply, 7 bad signatures each", lambda: Trap(_chain(7))),
    Laid(PROOFS, "11 aliases in a reply, which all hold", lambda: Trap(_chain(0)), rcode="NOERROR", holds=True),
    Laid(PROOFS, "the same with P-384", lambda: Trap(_chain(0), algorithm=P384), rcode="NOERROR", holds=True),
    Laid(PROOFS, "an alias in each reply, 7 bad signatures each", lambda: Trap(_separate_links), bound=13),
    Laid(HASHES, "120 labels, no iterations", lambda: Trap(_hashed(0)), DEEP),
    Laid(HASHES, "120 labels, 50 iterations", lambda: Trap(_hashed(50)), DEEP),
    Laid(HASHES, "120 labels, 150 iterations", lambda: Trap(_hashed(150)), DEEP, rcode="NXDOMAIN"),
    Laid(HASHES, "120 labels, 2,500 iterations", lambda: Trap(_hashed(2500)), DEEP),
)
TRAPS: Final = {each.attack.id: each for each in _LAID}
"""By the names that they have among the attacks, in the order of the table."""

WALK: Final = next(name for name, each in TRAPS.items() if each.bound > 20)
"""The one of them that costs by its messages rather than by each of them."""

ATTACKS: Final = tuple(each.attack for each in _LAID)
