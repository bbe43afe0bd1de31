from __future__ import annotations

import pytest

from resolver.server.siphash import siphash24

KEY = bytes(range(16))


@pytest.mark.parametrize(
    ("size", "tag"),
    [
        (0, "310e0edd47db6f72"),
        (1, "fd67dc93c539f874"),
        (2, "5a4fa9d909806c0d"),
        (3, "2d7efbd796666785"),
        (7, "37d1018bf50002ab"),
        (8, "6224939a79f5f593"),
        (15, "e545be4961ca29a1"),
        (63, "724506eb4c328a95"),
    ],
)
def test_the_vectors_of_the_reference(size, tag):
    """The key and the data are octets that count up; 15 of them are the example of the paper."""
    assert siphash24(KEY, bytes(range(size))).hex() == tag


def test_every_bit_of_key_and_data_matters():
    base = siphash24(KEY, b"twenty octets of it.")
    for at in range(16):
        key = bytes(octet ^ (0x80 if number == at else 0) for number, octet in enumerate(KEY))
        assert siphash24(key, b"twenty octets of it.") != base
    assert siphash24(KEY, b"twenty octets of it.\0") != base


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_key_has_16_octets(size):
    with pytest.raises(ValueError, match="16"):
        siphash24(bytes(size), b"")
