"""Each child of broken.test fails in its own way, and whoever asks is told how: the promise of the shipped world."""

from __future__ import annotations

import pytest

from resolver.message import Rcode
from tests.support.messages import told
from tests.support.whole import extended_errors, whole

WORKING = {"slow": "192.0.2.94", "lossy": "192.0.2.95", "truncated": "192.0.2.99"}

FAILING = {
    "lame": (22, "LAME", "has no authority over the zone"),
    "silent": (22, "MUTE", "no server of silent.broken.test. replied"),
    "servfail": (23, "SVFL", "answered SERVFAIL"),
    "refused": (22, "RFSD", "refused to answer"),
    "cnameloop": (0, "LOOP", "aliases lead back to cnameloop.broken.test."),
    "cyclic": (22, "NOAD", "depends on itself"),
    "dangling": (22, "NOAD", "no name server of dangling.broken.test. has an address"),
    "upward": (22, "UPWD", "referred upwards"),
}

MODES = pytest.mark.parametrize("mode", ["iterative", "recursive"])


def ask(child: str, mode: str, **options):
    async def main(made):
        message = await made.ask(f"{child}.broken.test.")
        return message, made.took

    return whole(main, {"resolver": {"mode": mode}}, **options)


@MODES
@pytest.mark.parametrize("child", WORKING)
def test_what_works_with_patience_is_answered(child, mode):
    message, took = ask(child, mode)
    assert message.rcode == Rcode.NOERROR
    assert told(*message.answer) == [f"{child}.broken.test. 3600 A {WORKING[child]}"]
    assert took <= 4.5


@pytest.mark.rfc(8914, "4")
@pytest.mark.parametrize("child", FAILING)
def test_what_is_broken_is_servfail_with_its_cause(child):
    code, tag, text = FAILING[child]
    message, took = ask(child, "iterative")
    assert (message.rcode, message.answer) == (Rcode.SERVFAIL, ())
    ((told_code, told_text),) = extended_errors(message)
    assert (told_code, told_text[-6:]) == (code, f"[{tag}]")
    assert text in told_text
    assert took <= 4.5


@pytest.mark.rfc(8914, "3")
@pytest.mark.parametrize("child", FAILING)
def test_in_the_recursive_mode_the_cause_at_the_bottom_is_told_too(child):
    code, tag, text = FAILING[child]
    message, took = ask(child, "recursive")
    errors = extended_errors(message)
    assert message.rcode == Rcode.SERVFAIL
    assert errors[0] == (23, ".: c.root-servers.test. (127.53.0.3) answered SERVFAIL [SVFL]")
    assert any(each[0] == code and each[1].endswith(f"[{tag}]") and text in each[1] for each in errors[1:]), errors
    assert took <= 4.5


@pytest.mark.parametrize("seed", range(20))
def test_loss_is_overcome_by_asking_again(seed):
    for mode in ("iterative", "recursive"):
        message, took = ask("lossy", mode, seed=seed)
        assert message.rcode == Rcode.NOERROR
        assert took <= 4.5


@MODES
def test_two_halves_of_a_cycle_asked_at_once_do_not_wait_for_each_other(mode):
    async def main(made):
        import asyncio

        names = ["cyclic.broken.test.", "cyclic2.broken.test.", "ns.cyclic.broken.test.", "ns.cyclic2.broken.test."]
        began = made.clock.monotonic()
        messages = await asyncio.gather(*(made.ask(name) for name in names * 3))
        return {message.rcode for message in messages}, made.clock.monotonic() - began

    rcodes, took = whole(main, {"resolver": {"mode": mode}})
    assert rcodes == {Rcode.SERVFAIL}
    assert took <= 4.5


@MODES
def test_everything_asked_at_once_is_answered_in_time(mode):
    async def main(made):
        import asyncio

        children = [*WORKING, *FAILING]
        began = made.clock.monotonic()
        messages = await asyncio.gather(*(made.ask(f"{child}.broken.test.") for child in children * 4))
        took = made.clock.monotonic() - began
        return dict(zip(children * 4, messages, strict=True)), took

    messages, took = whole(main, {"resolver": {"mode": mode}})
    assert took <= 4.5
    for child, message in messages.items():
        assert message.rcode == (Rcode.NOERROR if child in WORKING else Rcode.SERVFAIL), child
        assert message.rcode == Rcode.NOERROR or extended_errors(message), child


@pytest.mark.rfc(9520, "3.2")
def test_a_failure_is_remembered_and_told_as_such():
    async def main(made):
        await made.ask("silent.broken.test.")
        first = made.took
        message = await made.ask("silent.broken.test.")
        return first, made.took, extended_errors(message)

    first, second, errors = whole(main)
    assert first <= 3.0
    assert second == 0
    assert [code for code, _ in errors] == [22, 13]


def test_a_client_without_edns_gets_the_rcode_alone():
    async def main(made):
        return await made.ask("refused.broken.test.", edns=None)

    message = whole(main)
    assert (message.rcode, message.edns) == (Rcode.SERVFAIL, None)
