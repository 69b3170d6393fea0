"""Parts, checkpoint, results.pt and results.h5: what a run leaves on the disk, and how it is read back.

An output format is one file here, ``<name>_format.py``; nothing else lists it. Importing this package is instant: torch
and h5py come with the modules inside.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sensoryforge.errors import ConfigError, listing, suggest

if TYPE_CHECKING:
    from sensoryforge.store.base import Format

_ENDING = "_format.py"


def formats() -> tuple[str, ...]:
    """Return the names of the output formats, as ``batch.format`` takes them."""
    return tuple(sorted(file.name.removesuffix(_ENDING) for file in Path(__file__).parent.glob("*" + _ENDING)))


def get(name: str) -> Format:
    """Return the module that writes and reads a format; raises ConfigError for an unknown name."""
    known = formats()
    if name not in known:
        raise ConfigError(f"batch.format: got {name!r}, allowed are {listing(known)}{suggest(name, known)}")
    return cast("Format", import_module(f"{__name__}.{name}_format"))


def results_name(name: str) -> str:
    """Return the name of a format's results file, e.g. ``results.pt``."""
    return f"results.{get(name).SUFFIX}"
