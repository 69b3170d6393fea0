"""A bar that counts, on standard error: drawn anew on a terminal, lines now and then elsewhere.

A terminal and a notebook go back to the start of a line. A file and a pipe, such as the log of a
job on a cluster, would keep every state of the bar in one endless line.
"""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

if TYPE_CHECKING:
    from tqdm import tqdm

STEP = 0.1
"""The share of the whole after which a line is due,"""
SOONEST_S = 5.0
"""but not before so many seconds,"""
LATEST_S = 30.0
"""and after so many seconds whatever was done."""

Bar: TypeAlias = "tqdm[Any] | Lines"
"""What :func:`open_bar` returns."""


def open_bar(total: int, done: int, title: str, unit: str) -> Bar:
    """Return a bar that has begun: that of tqdm, or lines with the same methods.

    Parameters
    ----------
    total, done
        How many there are, and how many were done before.
    title
        What stands in front.
    unit
        What is counted.
    """
    if not is_live(sys.stderr):
        return Lines(total, done, title, unit)
    from tqdm import tqdm

    return tqdm(total=total, initial=done, desc=title, unit=unit)


def is_live(stream: TextIO) -> bool:
    """Tell whether a line can be drawn anew: on a terminal, or in a notebook."""
    if type(stream).__module__.startswith("ipykernel"):
        return True
    return stream.isatty()


class Lines:
    """Says how far something is: after a tenth of it, or half a minute, and at its end.

    Parameters
    ----------
    total, done, title, unit
        As `open_bar` takes them.
    stream
        Where lines go, by default standard error.

    Examples
    --------
    >>> bar = Lines(8, 2, "Progress", "stimulus", stream=sys.stdout)
    >>> bar.update(6)
    >>> bar.close()
    Progress: 100% 8/8 [00:00, ...]
    """

    def __init__(
        self, total: int, done: int, title: str, unit: str, stream: TextIO | None = None
    ) -> None:
        self.total = total
        self.n = done
        self.title = title
        self.unit = unit
        self.postfix = ""
        self._stream = stream or sys.stderr
        self._before = done
        self._begun = monotonic()
        self._told_at = self._begun
        self._told = done
        self._open = True

    def update(self, count: int = 1) -> None:
        """Count so many more."""
        self.n += count
        if self.n < self.total and self._is_due():
            self._tell()

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        """Set what stands behind the numbers; ``refresh`` says it at once."""
        self.postfix = text
        if refresh:
            self._write(f"{self.title}: {text}")

    def close(self) -> None:
        """Say how far it came."""
        if self._open:
            self._open = False
            self._tell()

    def _is_due(self) -> bool:
        waited_s = monotonic() - self._told_at
        is_step = self.n - self._told >= STEP * self.total
        return waited_s >= LATEST_S or (is_step and waited_s >= SOONEST_S)

    def _tell(self) -> None:
        self._told_at = monotonic()
        self._told = self.n
        elapsed_s = self._told_at - self._begun
        rate = (self.n - self._before) / max(elapsed_s, 1e-9)
        percent = 100 * self.n // max(self.total, 1)
        parts = [_clock(elapsed_s), f"{rate:.2f} {self.unit}/s", self.postfix]
        shown = ", ".join(part for part in parts if part)
        self._write(f"{self.title}: {percent}% {self.n}/{self.total} [{shown}]")

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _clock(seconds: float) -> str:
    """Return a time as minutes and seconds, with hours where there are any."""
    minutes, whole_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02d}:{whole_s:02d}"
    return f"{hours}:{clock}" if hours else clock
