from __future__ import annotations

import pytest

from resolver.errors import WireError
from resolver.network.entropy import SeededEntropy
from resolver.server.cookies import Cookies, Standing, drawn

SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
ROLLED = "445536bcd2513298075a5d379663c962"
CLIENT = bytes.fromhex("2464c4abcf10c957")
HOST = "198.51.100.100"
MADE = 1559731985


class At:
    """A clock that shows what it is told."""

    def __init__(self, wall: float) -> None:
        self.now = wall

    def wall(self) -> float:
        return self.now


def jar(wall: float = MADE, secret: str = SECRET) -> Cookies:
    return Cookies(bytes.fromhex(secret), At(wall))  # type: ignore[arg-type]


@pytest.mark.rfc(9018, "A")
@pytest.mark.parametrize(
    ("secret", "host", "wall", "sent", "standing", "answered"),
    [
        (SECRET, HOST, MADE, "2464c4abcf10c957", Standing.NEW, "2464c4abcf10c957010000005cf79f111f8130c3eee29480"),
        (
            SECRET,
            HOST,
            1559734385,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
            Standing.GOOD,
            "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
        ),
        (
            SECRET,
            "203.0.113.203",
            1559734700,
            "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
            Standing.BAD,
            "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
        ),
        (
            ROLLED,
            "2001:db8:220:1:59de:d0f4:8769:82b8",
            1559741961,
            "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
            Standing.BAD,
            "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
        ),
    ],
    ids=["A.1", "A.2", "A.3", "A.4"],
)
def test_the_vectors_of_the_rfc(secret, host, wall, sent, standing, answered):
    """A.3: the cookie is over an hour old. A.4: it was made with the secret of before, of which we keep none."""
    assert jar(wall, secret).answer(bytes.fromhex(sent), host) == (standing, bytes.fromhex(answered))


@pytest.mark.rfc(9018, "A")
def test_a_cookie_with_reserved_octets_that_are_not_zero_is_good_when_its_tag_says_so():
    """A.3 in its time: the tag covers the reserved octets, which other servers may use."""
    sent = bytes.fromhex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5")
    assert jar(0x5CF78F71 + 60).answer(sent, "203.0.113.203") == (Standing.GOOD, sent)


@pytest.mark.rfc(9018, "A")
def test_the_cookie_of_the_secret_of_before_was_good_then():
    sent = bytes.fromhex("22681ab97d52c298010000005cf7c57926556bd0934c72f8")
    old = "dd3bdf9344b678b185a6f5cb60fca715"
    assert jar(0x5CF7C579, old).answer(sent, "2001:db8:220:1:59de:d0f4:8769:82b8") == (Standing.GOOD, sent)


@pytest.mark.rfc(9018, "4.3")
@pytest.mark.parametrize(
    ("age", "standing", "renewed"),
    [
        (-301, Standing.BAD, True),
        (-300, Standing.GOOD, False),
        (0, Standing.GOOD, False),
        (1800, Standing.GOOD, False),
        (1801, Standing.GOOD, True),
        (3600, Standing.GOOD, True),
        (3601, Standing.BAD, True),
        (2**31 + 5, Standing.BAD, True),
    ],
)
def test_a_cookie_is_good_for_an_hour_and_renewed_after_half(age, standing, renewed):
    _, sent = jar().answer(CLIENT, HOST)
    shown, answered = jar(MADE + age).answer(sent, HOST)
    assert shown is standing
    assert (answered != sent) is renewed
    assert jar(MADE + age).answer(answered, HOST) == (Standing.GOOD, answered)


@pytest.mark.rfc(9018, "4.3")
def test_time_goes_on_when_its_32_bits_are_full():
    _, sent = jar(2**32 - 10).answer(CLIENT, HOST)
    assert jar(2**32 + 10).answer(sent, HOST) == (Standing.GOOD, sent)


def test_what_is_not_ours_is_bad():
    _, sent = jar().answer(CLIENT, HOST)
    others = [sent[:at] + bytes((sent[at] ^ 1,)) + sent[at + 1 :] for at in range(len(sent))]
    others += [sent[:-1], sent + b"\0", CLIENT + bytes(32)]
    for other in others:
        standing, answered = jar().answer(other, HOST)
        assert standing is Standing.BAD
        assert answered[:8] == other[:8]
        assert jar().answer(answered, HOST)[0] is Standing.GOOD
    assert jar().answer(sent, "198.51.100.101")[0] is Standing.BAD
    assert jar(secret=ROLLED).answer(sent, HOST)[0] is Standing.BAD


@pytest.mark.rfc(7873, "5.2.2")
def test_an_option_has_8_octets_or_16_to_40():
    for size in range(60):
        if size == 8 or 16 <= size <= 40:
            jar().answer(bytes(size), HOST)
        else:
            with pytest.raises(WireError, match=f" {size} octets"):
                jar().answer(bytes(size), HOST)


def test_a_link_local_client_has_its_cookie_whatever_its_interface_is_called():
    _, sent = jar().answer(CLIENT, "fe80::1%eth0")
    assert jar().answer(sent, "fe80::1")[0] is Standing.GOOD


def test_secrets_are_drawn():
    entropy = SeededEntropy(1)
    first, second = drawn(entropy), drawn(entropy)
    assert len(first) == len(second) == 16
    assert first != second
