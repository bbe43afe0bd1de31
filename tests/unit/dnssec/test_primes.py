from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from resolver.dnssec import primes

OCTETS = hashlib.shake_256(b"some octets").digest(64)


def test_two_primes_make_a_modulus_of_the_length_that_was_asked_for() -> None:
    p, q = primes.pair(OCTETS, 65537)
    assert p != q
    assert (p * q).bit_length() == 512
    assert 0 <= p - (int.from_bytes(OCTETS[:32], "big") | 3 << 254) < 10_000
    assert all(pow(base, number - 1, number) == 1 for number in (p, q) for base in (2, 3, 5, 7, 11, 13))


def test_the_same_octets_give_the_same_primes() -> None:
    assert primes.pair(OCTETS, 65537) == primes.pair(OCTETS, 65537)


def test_halves_that_are_equal_give_two_primes_all_the_same() -> None:
    p, q = primes.pair(OCTETS[:32] * 2, 65537)
    assert 0 < q - p < 10_000


def test_no_prime_is_one_more_than_a_multiple_of_the_exponent() -> None:
    first, _ = primes.pair(OCTETS, 3)
    assert first % 3 == 2


@pytest.mark.parametrize("number", [(2**61 - 1) * (2**31 - 1), 1373653, 2047, 561])
def test_what_is_no_prime_is_none(number: int) -> None:
    assert not primes._is_prime(number)


def test_known_primes_pass() -> None:
    assert primes._is_prime(2**127 - 1)
    assert primes._is_prime(2**521 - 1)


def test_they_make_a_key_that_cryptography_takes() -> None:
    octets = hashlib.shake_256(b"more").digest(128)
    p, q = primes.pair(octets, 65537)
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q)
    )
    assert numbers.private_key().key_size == 1024
