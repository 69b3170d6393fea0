"""Signals that lose nothing: they end a run between two commits, never inside one.

SIGINT (Ctrl+C), SIGTERM and SIGHUP, on Windows SIGBREAK too, become an exception, `Interrupted`::

    watching ---- a signal comes ----> `Interrupted` is raised, the way out begins
       |                                   ^
     held()                                | the hold ends
       v                                   |
    holding ----- a signal comes ----> the signal is noted

On the right-hand side further signals change nothing: the way out is not disturbed. A library may
swallow the exception; then the next `Signals.check` raises it again. Signals that the process was
started to ignore (``nohup``) stay ignored.

Python runs handlers in the main thread alone. In any other thread `caught` yields a
`Signals` that is never triggered.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from sensoryforge.core.errors import FailedStimuliError, StorageError


def _signals_of_this_system() -> tuple[signal.Signals, ...]:
    """Return what asks a process to end: Windows has no SIGHUP, the others have no SIGBREAK."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


SIGNALS = _signals_of_this_system()


class Interrupted(BaseException):
    """A signal asked the run to end.

    It is not an Exception, nor a KeyboardInterrupt, which Lightning turns into an exit of its own.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)

    @property
    def exit_code(self) -> int:
        """What a process that a signal ended exits with."""
        return 128 + self.number


class Signals:
    """Turns signals into `Interrupted`, held back while something is being committed.

    ``number`` is the first signal that came, None until then.

    Examples
    --------
    >>> with Signals().held():
    ...     pass  # what must not be cut in two
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}
        self._holds = 0

    def install(self) -> None:
        """Take the handlers over, also from a library that has just set its own."""
        if not _in_main_thread():
            return
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                before = signal.signal(number, self._handle)
                self._before.setdefault(number, before)

    def restore(self) -> None:
        """Give the handlers back."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back until the block ends; then raise `Interrupted` if one has come."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        self.check()

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come and is not held back."""
        if self.number is not None and not self._holds:
            raise Interrupted(self.number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
            self.check()


@contextmanager
def interruptible(say: Callable[[str], None], left: Callable[[], str]) -> Iterator[Signals]:
    """Run a block that a signal may end, and then say what is left to do.

    Parameters
    ----------
    say
        Takes the line for the user.
    left
        Returns what is left and how to go on; asked only when a signal came.

    Yields
    ------
    Signals
        Those of this process.

    Raises
    ------
    KeyboardInterrupt
        Where the signal was SIGINT.
    SystemExit
        Where it was another, with 128 and its number.
    """
    with caught() as signals:
        try:
            yield signals
        except (StorageError, FailedStimuliError):
            # the disk's error says more than the signal; failures are told by their caller
            raise
        except BaseException as error:  # whatever a library made of the exception of a signal
            number = signals.number
            if number is None and isinstance(error, KeyboardInterrupt):
                number = signal.SIGINT
            if number is None:
                raise
            with suppress(OSError):  # a terminal that has hung up takes no more words
                say(f"Interrupted: {left()}")
            raise exception_of(number) from None


def exception_of(number: int) -> BaseException:
    """Return the exception that ends a process as its signal does.

    Parameters
    ----------
    number
        Of the signal.

    Examples
    --------
    >>> exception_of(signal.SIGINT), exception_of(signal.SIGTERM)
    (KeyboardInterrupt(), SystemExit(143))
    """
    if number == signal.SIGINT:
        return KeyboardInterrupt()
    return SystemExit(128 + number)


_active: Signals | None = None


@contextmanager
def caught() -> Iterator[Signals]:
    """Yield the signals of this process, taken over until the outermost such block ends.

    Outside the main thread, which alone receives signals, they are never triggered.
    """
    global _active
    if not _in_main_thread():
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


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
