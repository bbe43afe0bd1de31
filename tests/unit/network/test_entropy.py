from __future__ import annotations

import os
import random

import pytest

from resolver.network.entropy import POOL, SeededEntropy, SystemEntropy


@pytest.fixture
def served(monkeypatch):
    """All that the kernel has given, from now on."""
    octets = bytearray()

    def urandom(count: int) -> bytes:
        given = random.Random(len(octets)).randbytes(count)
        octets.extend(given)
        return given

    monkeypatch.setattr("resolver.network.entropy.os.urandom", urandom)
    return octets


@pytest.mark.parametrize("entropy", [SystemEntropy(), SeededEntropy(1)])
def test_draws_stay_in_their_ranges(entropy):
    for _ in range(200):
        assert 0 <= entropy.bits(16) < 65536
        assert entropy.bits(1) in (0, 1)
        assert entropy.bits(256) < 2**256
        assert 0 <= entropy.fraction() < 1
        assert entropy.choice("abc") in "abc"
    items = list(range(50))
    entropy.shuffle(items)
    assert sorted(items) == list(range(50))


def test_ids_are_spread_over_their_whole_range():
    entropy = SystemEntropy()
    drawn = [entropy.bits(16) for _ in range(4000)]
    assert len(set(drawn)) > 3700
    assert min(drawn) < 500
    assert max(drawn) > 65000


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    def draws(seed):
        entropy = SeededEntropy(seed)
        items = list("abcdef")
        entropy.shuffle(items)
        return entropy.bits(64), entropy.fraction(), entropy.choice(range(1000)), items

    assert draws(7) == draws(7)
    assert draws(7) != draws(8)


def test_production_draws_from_the_kernel_and_cannot_be_seeded():
    random.seed(1)
    first = SystemEntropy().bits(64)
    random.seed(1)
    assert SystemEntropy().bits(64) != first
    assert isinstance(SystemEntropy()._source, random.SystemRandom)


def test_production_hands_out_each_octet_of_the_kernel_once(served):
    entropy = SystemEntropy()
    drawn = b"".join(entropy.bits(8 * size).to_bytes(size, "big") for size in (4, 3, 255, 7) * 20)
    assert len(drawn) > 2 * POOL
    position = 0
    for size in (4, 3, 255, 7) * 20:
        position = served.index(drawn[:size], position) + size
        drawn = drawn[size:]


def test_production_hands_out_each_word_of_the_kernel_once(served):
    entropy = SystemEntropy()
    drawn = [entropy.bits(16) for _ in range(POOL)]
    assert len(served) == 2 * POOL
    assert sorted(drawn) == sorted(memoryview(bytes(served)).cast("H"))


def test_production_draws_as_many_bits_as_it_was_asked_for():
    entropy = SystemEntropy()
    for count in (1, 3, 8, 13, 16, 2040):
        drawn = [entropy.bits(count) for _ in range(40)]
        assert all(0 <= value < 1 << count for value in drawn)
        assert max(drawn) >= 1 << (count - 1)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_two_processes_never_draw_the_same():
    """Drawn ahead before the fork, the rest of the pool would be in both."""
    entropy = SystemEntropy()

    def draw() -> bytes:
        """As ids and ports are drawn, and as the case of a name is: 32 octets that chance does not make alike."""
        return b"".join(entropy.bits(16).to_bytes(2, "big") for _ in range(8)) + entropy.bits(128).to_bytes(16, "big")

    draw()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, draw())
        os._exit(0)
    os.waitpid(child, 0)
    ours, theirs = draw(), os.read(read, 32)
    os.close(read)
    os.close(write)
    assert len(theirs) == 32
    assert ours[:16] != theirs[:16]
    assert ours[16:] != theirs[16:]
