"""A bar in a log: a line now and then, and none that is glued to another."""

from __future__ import annotations

import io

import pytest

from sensoryforge.core import progress
from sensoryforge.core.progress import Lines, open_bar


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


def told(clock: Clock, total: int, seconds_each: float) -> list[str]:
    stream = io.StringIO()
    bar = Lines(total, 0, "Progress", "stimulus", stream)
    for _ in range(total):
        clock.now += seconds_each
        bar.update()
    bar.close()
    bar.close()
    assert "\r" not in stream.getvalue()
    return stream.getvalue().splitlines()


def test_a_long_run_says_a_line_each_tenth(clock: Clock) -> None:
    lines = told(clock, 1000, seconds_each=0.1)
    assert [line.split()[1] for line in lines] == [f"{percent}%" for percent in range(10, 101, 10)]
    assert lines[-1] == "Progress: 100% 1000/1000 [01:40, 10.00 stimulus/s]"


def test_a_very_long_run_says_a_line_each_half_minute(clock: Clock) -> None:
    assert len(told(clock, 1000, seconds_each=6.0)) == 1000 * 6 / 30


def test_a_short_run_says_one_line(clock: Clock) -> None:
    assert told(clock, 20, seconds_each=0.1) == ["Progress: 100% 20/20 [00:02, 10.00 stimulus/s]"]


def test_a_run_that_goes_on_starts_where_it_was_and_tells_its_own_rate(clock: Clock) -> None:
    stream = io.StringIO()
    bar = Lines(100, 90, "Progress", "stimulus", stream)
    clock.now = 5.0
    bar.update(10)
    bar.close()
    assert stream.getvalue() == "Progress: 100% 100/100 [00:05, 2.00 stimulus/s]\n"


def test_a_terminal_has_a_live_bar_and_a_pipe_has_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", terminal)
    bar = open_bar(2, 0, "Progress", "stimulus")
    bar.update(2)
    bar.close()
    assert "\rProgress: 100%|" in terminal.getvalue()
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(open_bar(2, 0, "Progress", "stimulus"), Lines)
