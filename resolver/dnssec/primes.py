"""Decides which primes make an RSA key that is derived from a seed: the first ones above two numbers of its octets.

Rules: both primes have their two highest bits set, so that the modulus has twice their bits, and neither is one more
than a multiple of the exponent. Candidates that a small prime divides are left out before any is tested.

Limits: a number that passes `ROUNDS` rounds of Miller and Rabin is taken for a prime. Since the seed is no secret,
neither is the key; nothing here takes the same time for all numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

ROUNDS: Final = 4
"""Rounds for numbers that nobody chose to deceive: a mistake is less likely than 2^-100 (FIPS 186-5 table B.1)."""

_SPAN: Final = 1 << 14
"""Numbers above the start that are looked at together: some ten primes of 1,024 bits are among them."""
_SIEVE: Final = 1 << 15
"""Multiples of the primes below this are left out."""


def pair(octets: bytes, exponent: int) -> tuple[int, int]:
    """Two different primes for a modulus of as many bits as `octets` have."""
    half = len(octets) // 2
    p, q = _above(octets[:half], exponent), _above(octets[half:], exponent)
    return (p, q) if p != q else (p, _above((q + 2).to_bytes(half, "big"), exponent))


def _above(octets: bytes, exponent: int) -> int:
    """The first prime at or above the number that `octets` are, with its two highest bits set."""
    start = int.from_bytes(octets, "big") | 3 << 8 * len(octets) - 2 | 1
    while True:
        for candidate in _unsieved(start):
            if candidate % exponent != 1 and _is_prime(candidate):
                return candidate
        start += _SPAN


def _unsieved(start: int) -> Iterator[int]:
    """The odd numbers of the span from the odd `start` that no small prime divides."""
    left = bytearray(b"\1") * (_SPAN // 2)
    for prime in _small():
        # start + 2 * first is the first odd multiple.
        first = -start * pow(2, -1, prime) % prime
        left[first::prime] = bytes(len(range(first, len(left), prime)))
    for index, kept in enumerate(left):
        if kept:
            yield start + 2 * index


def _is_prime(number: int) -> bool:
    """Whether the odd `number`, above `_SIEVE`, passes the test of Miller and Rabin to the first bases."""
    odd, twos = number - 1, 0
    while not odd & 1:
        odd >>= 1
        twos += 1
    return all(_passes(number, base, odd, twos) for base in (2, *_small()[: ROUNDS - 1]))


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


@cache
def _small() -> tuple[int, ...]:
    """The odd primes below `_SIEVE`."""
    sieve = bytearray(b"\1") * _SIEVE
    for number in range(3, int(_SIEVE**0.5) + 1, 2):
        if sieve[number]:
            sieve[number * number :: 2 * number] = bytes(len(range(number * number, _SIEVE, 2 * number)))
    return tuple(number for number in range(3, _SIEVE, 2) if sieve[number])
