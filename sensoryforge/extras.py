"""Packages that only some functions need: imported when asked for, named with their command when missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from sensoryforge.errors import ConfigError

EXTRAS = {"matplotlib": "plot", "snntorch": "snn", "tonic": "tonic", "xarray": "xarray"}
"""Package -> the extra of SensoryForge that installs it."""


def require(package: str) -> ModuleType:
    """Return an optional package. Raises ConfigError with the command that installs it."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ConfigError(f'{package} is not installed; pip install "sensoryforge[{EXTRAS[package]}]"') from error
