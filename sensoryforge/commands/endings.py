"""How Hydra's errors become ours, and ours end the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sensoryforge.commands import console
from sensoryforge.core.errors import SensoryForgeError


@contextmanager
def hydra_raises() -> Iterator[None]:
    """Make Hydra raise its errors; by itself it prints them and ends the process.

    A user who has asked for tracebacks has made it so already.
    """
    if console.wants_traceback():
        yield
        return
    os.environ.update({console.FULL_ERROR: "1", console.RAISES_FOR_US: "1"})
    try:
        yield
    finally:
        del os.environ[console.FULL_ERROR], os.environ[console.RAISES_FOR_US]


@contextmanager
def errors_end_the_process() -> Iterator[None]:
    """Report an error and end the process.

    Within a callback an exception is not enough: Hydra answers it with a warning, and goes on.
    """
    try:
        yield
    except SensoryForgeError as error:
        raise SystemExit(console.report_error(error)) from error
