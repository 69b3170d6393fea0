"""The packages of others: large ones imported and left in less time, optional ones asked for."""

from __future__ import annotations

import atexit
import gc
import sys
from functools import cache
from importlib import import_module
from types import ModuleType

from sensoryforge.core.errors import ConfigError

EXTRAS = {"matplotlib": "plot", "snntorch": "snn", "tonic": "tonic", "xarray": "xarray"}
"""Optional package -> the extra of SensoryForge that installs it."""


def require(package: str) -> ModuleType:
    """Return a package that only some functions need.

    Parameters
    ----------
    package
        A key of :data:`EXTRAS`.

    Raises
    ------
    ConfigError
        Where it is not installed, with the command that installs it.

    Examples
    --------
    >>> require("matplotlib").__name__
    'matplotlib'
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        extra = EXTRAS[package]
        raise ConfigError(
            f'{package} is not installed; pip install "sensoryforge[{extra}]"'
        ) from error


def import_heavy(*names: str) -> None:
    """Import large modules while no garbage is collected.

    They make a million objects and no garbage. Going through these objects again and again takes a
    fifth of the time that the import takes.
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
    """Spare the interpreter its last search for garbage, among all modules, as it ends."""
    atexit.register(_exempt_all_from_collection)


def _exempt_all_from_collection() -> None:
    # Triton counts its objects at the end, and complains of those that are still there.
    if "triton" not in sys.modules:
        gc.freeze()
