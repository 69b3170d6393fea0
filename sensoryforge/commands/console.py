"""What commands write, and how an error ends one."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from sensoryforge.core.errors import FailedStimuliError, SensoryForgeError, StorageError
from sensoryforge.core.signals import Interrupted, caught

FULL_ERROR = "HYDRA_FULL_ERROR"
"""Hydra's variable: a user who sets it to 1 sees tracebacks."""
RAISES_FOR_US = "SENSORYFORGE_ONE_LINE"
"""Set while our commands make Hydra raise its errors: HYDRA_FULL_ERROR is not the user's then."""
_BROKEN_PIPE = 141
"""What a shell says of a process that a closed pipe ended: 128 + SIGPIPE."""


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line, whatever the terminal can print of it."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    printable = text.encode(encoding, "replace").decode(encoding)
    stream.write(printable + "\n")
    stream.flush()


def wants_traceback() -> bool:
    """Tell whether the user asked for full errors."""
    return os.environ.get(FULL_ERROR) == "1" and RAISES_FOR_US not in os.environ


def report_error(error: SensoryForgeError) -> int:
    """Write an error, a line for each problem, and return the exit code."""
    if wants_traceback():
        traceback.print_exception(error)
    else:
        say(str(error), sys.stderr)
    return error.exit_code


def run_command(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; errors and signals end it with a line."""
    with caught() as signals:
        try:
            with plain_warnings():
                return command()
        except (StorageError, FailedStimuliError) as error:
            return report_error(error)
        except KeyboardInterrupt:
            return 130
        except (Exception, Interrupted) as error:
            # A library may have made something else of the exception that the signal raised.
            if signals.number is not None:
                return _report_interruption(signals.number)
            return _exit_code_of(error)


def _exit_code_of(error: BaseException) -> int:
    """Write what can be said of an error, and return the exit code; raises any other again."""
    if isinstance(error, SensoryForgeError):
        return report_error(error)
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return _BROKEN_PIPE
    if isinstance(error, MemoryError) and not wants_traceback():
        advice = "not enough memory; a smaller pipeline.chunk_size needs less"
        return report_error(SensoryForgeError(advice))
    raise error


def _discard_output() -> None:
    """Let what is still to be written to a closed pipe go nowhere: Python flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_interruption(number: int) -> int:
    """Say that a signal ended the command before anything was written; return the exit code."""
    with suppress(OSError):  # a terminal that has hung up takes no more words
        say("Interrupted: nothing was begun", sys.stderr)
    return 128 + number


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Write warnings as lines, without the place in the code that gave them."""
    usual_format = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"
    try:
        with warnings.catch_warnings():
            # Hydra's; an option of that name is an error of ours.
            warnings.filterwarnings("ignore", "Support for .yml files")
            yield
    finally:
        warnings.formatwarning = usual_format
