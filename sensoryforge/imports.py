"""Importing the large libraries that a run needs, and leaving them, in less time."""

from __future__ import annotations

import atexit
import gc
import sys
from functools import cache
from importlib import import_module


def heavy(*names: str) -> None:
    """Import modules while no garbage is collected: they make a million objects and no garbage, and going through
    these again and again takes a fifth of the time.
    """
    _leave_quickly()
    collecting = gc.isenabled()
    gc.disable()
    try:
        for name in names:
            import_module(name)
    finally:
        if collecting:
            gc.enable()


@cache
def _leave_quickly() -> None:
    """Spare the interpreter its last search for garbage, among all modules, just before its memory is given back."""
    atexit.register(_freeze)


def _freeze() -> None:
    if "triton" not in sys.modules:  # it counts its objects at the end, and complains of those still there
        gc.freeze()
