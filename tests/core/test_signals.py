"""Signals end a run between two commits, never inside one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from sensoryforge.core.signals import Interrupted, Signals, caught, interruptible


@pytest.fixture
def signals() -> Iterator[Signals]:
    with caught() as signals:
        yield signals


def send(number: int) -> None:
    signal.raise_signal(number)


def test_a_signal_is_raised_where_the_process_is(signals: Signals) -> None:
    with pytest.raises(Interrupted) as raised:
        send(signal.SIGTERM)
    assert (signals.number, raised.value.exit_code) == (signal.SIGTERM, 143)


def test_a_signal_that_is_held_is_raised_when_the_hold_ends(signals: Signals) -> None:
    happened = []

    def commit() -> None:
        with signals.held():
            with signals.held():
                send(signal.SIGINT)
                happened.append("inner")
            happened.append("outer")

    with pytest.raises(Interrupted):
        commit()
    assert happened == ["inner", "outer"]


def test_further_signals_do_not_disturb_the_way_out(signals: Signals) -> None:
    with pytest.raises(Interrupted):
        send(signal.SIGTERM)
    send(signal.SIGINT)
    send(signal.SIGTERM)
    assert signals.number == signal.SIGTERM


def test_a_signal_that_a_library_swallowed_is_raised_again(signals: Signals) -> None:
    with pytest.raises(Interrupted):
        send(signal.SIGINT)
    with pytest.raises(Interrupted):
        signals.check()


def test_signals_that_the_process_ignores_stay_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with caught() as signals:
            send(signal.SIGTERM)
            assert signals.number is None
    finally:
        signal.signal(signal.SIGTERM, before)


def test_handlers_are_given_back_when_the_outermost_block_ends() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with caught() as outer:
        with caught() as inner:
            assert inner is outer
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_another_thread_signals_never_come() -> None:
    found: list[bool] = []

    def work() -> None:
        with caught() as signals:
            signals.install()
            found.append(signal.getsignal(signal.SIGTERM) == before)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


@pytest.mark.parametrize(
    ("number", "ends"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_what_is_left_is_said_whatever_a_library_makes_of_the_signal(
    number: int, ends: type[BaseException]
) -> None:
    lines: list[str] = []

    def call_library() -> None:
        try:
            send(number)
        except BaseException as error:
            raise RuntimeError("the library gave up") from error

    with pytest.raises(ends), interruptible(lines.append, lambda: "3 stimuli left"):
        call_library()
    assert lines == ["Interrupted: 3 stimuli left"]


def test_an_error_that_no_signal_made_is_left_as_it_is() -> None:
    lines: list[str] = []
    with pytest.raises(RuntimeError), interruptible(lines.append, lambda: "much"):
        raise RuntimeError("of its own")
    assert lines == []
