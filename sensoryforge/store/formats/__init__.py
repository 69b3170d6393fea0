"""Output formats, a file or a folder each.

Every module here but ``base`` holds a subclass of ``Format``; a file in ``conf/format/`` makes it
an option of ``batch.format``. Looking through the modules is quick, since they import torch and
h5py in their functions only. A format of your own is found by the dotted path of its class.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.store import files
from sensoryforge.store.formats.base import FileReader, Format

if TYPE_CHECKING:
    from sensoryforge.store.formats.hdf5 import Hdf5 as Hdf5
    from sensoryforge.store.formats.pytorch import Pytorch as Pytorch

__all__ = [
    "FileReader",
    "Format",
    "Hdf5",
    "Pytorch",
    "find_results_files",
    "locate_format",
    "shipped_formats",
]


@cache
def shipped_formats() -> tuple[Format, ...]:
    """Return the formats in this folder, by name.

    Examples
    --------
    >>> [format.results_name for format in shipped_formats()]
    ['results.h5', 'results.pt']
    """
    formats = [kind() for kind in _shipped_classes()]
    return tuple(sorted(formats, key=lambda format: format.name))


def locate_format(name: str) -> Format:
    """Return the format that a checkpoint names.

    Parameters
    ----------
    name
        The name of a shipped format, or the dotted path of a class of your own.

    Raises
    ------
    ConfigError
        If there is none, or its module is not trusted.

    Examples
    --------
    >>> locate_format("pytorch").results_name
    'results.pt'
    """
    names = [format.name for format in shipped_formats()]
    if name in names:
        return shipped_formats()[names.index(name)]
    if "." not in name:
        allowed = f"allowed are {list_names(names)}{suggest(name, names)}"
        raise ConfigError(f"checkpoint.pt, format: got {name!r}, {allowed}")
    try:
        return trust.locate(name, "an output format", Format)()
    except ConfigError as error:
        raise ConfigError(f"checkpoint.pt, format: {error}") from error


def locate_format_of(path: Path) -> Format:
    """Return the shipped format whose files end as this one does.

    Raises ConfigError where none does.
    """
    for format in shipped_formats():
        if path.suffix == f".{format.suffix}":
            return format
    raise ConfigError(f"{path.name}: ends as no output format's files do")


def find_results_files(directory: Path) -> list[tuple[Format, Path]]:
    """Return the results files in a directory that are of shipped formats, with their formats.

    Parameters
    ----------
    directory
        The output directory of a run.

    Raises
    ------
    StorageError
        If the directory may not be looked into.

    Examples
    --------
    >>> [path.name for _, path in find_results_files(results.directory)]
    ['results.pt']
    """
    there: list[tuple[Format, Path]] = []
    for format in shipped_formats():
        path = directory / format.results_name
        if files.exists(path):
            there.append((format, path))
    return there


def _shipped_classes() -> Iterator[type[Format]]:
    for module_info in pkgutil.iter_modules(__path__, f"{__name__}."):
        module = import_module(module_info.name)
        for value in vars(module).values():
            is_format = isinstance(value, type) and issubclass(value, Format)
            if is_format and value is not Format and value.__module__ == module.__name__:
                yield value


def __getattr__(name: str) -> Any:
    """Return the class of a shipped format, imported when it is first asked for."""
    if not name.startswith("_"):
        for kind in _shipped_classes():
            if kind.__name__ == name:
                return kind
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
