"""What commands write, and how an error ends one."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from sensoryforge.errors import FailedStimuliError, SensoryForgeError, StorageError
from sensoryforge.signals import Interrupted, caught

ONE_LINE = "SENSORYFORGE_ONE_LINE"
"""Set while our own commands make Hydra hand its errors over; then HYDRA_FULL_ERROR is not the user's."""


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line, whatever the terminal can print of it."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def wants_traceback() -> bool:
    """Tell whether the user asked for full errors."""
    return os.environ.get("HYDRA_FULL_ERROR") == "1" and ONE_LINE not in os.environ


def report(error: SensoryForgeError) -> int:
    """Write an error, a line for each problem, and return the exit code."""
    if wants_traceback():
        traceback.print_exception(error)
    else:
        say(str(error), sys.stderr)
    return error.exit_code


def ended(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; errors and signals end it with a line."""
    with caught() as signals:
        try:
            with plain_warnings():
                return command()
        except (StorageError, FailedStimuliError) as error:
            return report(error)
        except KeyboardInterrupt:
            return 130
        except (Exception, Interrupted) as error:
            if signals.number is not None:  # whatever a library made of the exception that the signal raised
                return _interrupted(signals.number)
            if isinstance(error, SensoryForgeError):
                return report(error)
            if isinstance(error, BrokenPipeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 141
            if isinstance(error, MemoryError) and not wants_traceback():
                return report(SensoryForgeError("not enough memory; a smaller pipeline.chunk_size needs less"))
            raise


def _interrupted(number: int) -> int:
    """Say that a signal ended the command before it had begun to write, and return the exit code."""
    with suppress(OSError):
        say("Interrupted: nothing was begun", sys.stderr)
    return 128 + number


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Write warnings as lines, without the place in the code that gave them."""
    usual = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Support for .yml files")  # Hydra's: such an option is an error of ours
            yield
    finally:
        warnings.formatwarning = usual
