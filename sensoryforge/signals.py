"""Signals that lose nothing: they end a run between two commits, never inside one.

SIGINT, SIGTERM and SIGHUP become an exception, Interrupted, once: what follows is the way out, which further signals
do not disturb. A signal whose exception got lost, because it came while a library was swallowing exceptions, is raised
again at the next ``check``. Signals that the process was started to ignore (``nohup``) stay ignored.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from sensoryforge.errors import FailedStimuliError, StorageError

SIGNALS = tuple(getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n))


class Interrupted(BaseException):
    """A signal asked the run to end; not an Exception, and not one that Lightning turns into its own exit."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)

    @property
    def exit_code(self) -> int:
        """What a process that a signal ended exits with."""
        return 128 + self.number


class Signals:
    """Turns the signals into Interrupted, held back while something is being committed."""

    def __init__(self) -> None:
        self.number: int | None = None
        """The first signal that came."""
        self._before: dict[int, Any] = {}
        self._held = 0

    def install(self) -> None:
        """Take the handlers over, also from a library that has just set its own; main thread only."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before.setdefault(number, signal.signal(number, self._handle))

    def restore(self) -> None:
        """Give the handlers back."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back until the block ends."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self.check()

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self.number is not None and not self._held:
            raise Interrupted(self.number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
            self.check()


@contextmanager
def interruptible(say: Callable[[str], None], left: Callable[[], str]) -> Iterator[Signals]:
    """Yield the signals; where one ends the block, say what is left, and raise KeyboardInterrupt or SystemExit."""
    with caught() as signals:
        try:
            yield signals
        except (StorageError, FailedStimuliError):
            raise
        except BaseException as error:  # whatever a library made of the exception that the signal raised
            number = signals.number or (signal.SIGINT if isinstance(error, KeyboardInterrupt) else None)
            if number is None:
                raise
            with suppress(OSError):  # a terminal that has hung up takes no more words
                say(f"Interrupted: {left()}")
            raise (KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)) from None


_active: Signals | None = None


@contextmanager
def caught() -> Iterator[Signals]:
    """Yield the signals of this process, taken over until the outermost such block ends.

    Outside the main thread, which alone receives signals, they are ones that never come.
    """
    global _active
    if threading.current_thread() is not threading.main_thread():
        yield Signals()
    elif _active is not None:
        yield _active
    else:
        _active = signals = Signals()
        signals.install()
        try:
            yield signals
        finally:
            signals.restore()
            _active = None
