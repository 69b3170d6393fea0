"""Kinds of a thing, such as layouts: each a class that an option of a config group names.

There is no list of kinds to keep: an option is a YAML file ``conf/GROUP/NAME.yaml`` that names the
class in ``_target_``, in the shipped folder or in one of the user's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sensoryforge.config.sources import conf_dir
from sensoryforge.config.yaml_file import read_yaml
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET, make_instance
from sensoryforge.core.messages import list_names, suggest

__all__ = ["is_shipped", "make_chosen", "make_instance", "option", "option_names", "spell_out"]

_T = TypeVar("_T")
TYPE = "type"
"""The key of a mapping that names the option of a group whose values it completes."""


def option_names(group: str, search: Iterable[str | Path] = ()) -> list[str]:
    """Return the names of the options of a group: the shipped ones, then the user's.

    Examples
    --------
    >>> option_names("layout")
    ['blue_noise', 'even', 'hex', 'jittered', 'point', 'random', 'table']
    """
    names = []
    for folder in _folders(search):
        names += [path.stem for path in sorted((folder / group).glob("*.yaml"))]
    return list(dict.fromkeys(names))


def option(group: str, name: str, search: Iterable[str | Path] = ()) -> dict[str, Any]:
    """Return what an option says, in plain containers.

    Parameters
    ----------
    group, name
        The option ``GROUP/NAME.yaml``.
    search
        Folders that a configuration was composed from; the shipped one need not be among them.

    Raises
    ------
    ConfigError
        Where no folder has the option; the message has no key: ``got 'ring', allowed are
        blue_noise, even, ...``.

    Examples
    --------
    >>> option("layout", "even")
    {'_target_': 'sensoryforge.skin.layouts.Even'}
    """
    search = list(search)
    names = option_names(group, search)
    if name not in names:
        hint = _misnamed(group, name, search) or suggest(name, names)
        raise ConfigError(f"got {name!r}, allowed are {list_names(names)}{hint}")
    for folder in _folders(search):
        path = folder / group / f"{name}.yaml"
        if path.is_file():
            return read_yaml(path)
    raise AssertionError("an option that is listed has a file")


def make_chosen(
    group: str,
    where: str,
    value: str | Mapping[str, Any],
    search: Iterable[str | Path],
    wanted: str,
    base: type[_T],
) -> _T:
    """Return an instance of what a key chooses: the name of an option, or a mapping like one.

    Parameters
    ----------
    group
        The group of the option.
    where
        The key, for messages.
    value
        What stands there; see `spell_out`.
    search
        Folders that the configuration was composed from.
    wanted, base
        What is wanted, in words, and the class that it must be a subclass of.

    Raises
    ------
    ConfigError
        With a line for each problem.
    """
    try:
        content = spell_out(group, value, search)
    except ConfigError as error:
        raise ConfigError(f"{where}.{TYPE}: {error}") from error
    return make_instance(where, content, wanted, base)


def spell_out(
    group: str, value: str | Mapping[str, Any], search: Iterable[str | Path] = ()
) -> dict[str, Any]:
    """Return what a key says that chooses an option, with the option's own values in it.

    Parameters
    ----------
    group
        The group of the option.
    value
        The name of an option, a mapping with a ``type`` that names it and values of its own, or
        a mapping such as an option holds, which is returned as it is.
    search
        Folders that the configuration was composed from.

    Raises
    ------
    ConfigError
        Where no folder has the option; the message has no key.

    Examples
    --------
    >>> spell_out("innervation", {"type": "uniform", "radius_mm": 1.0})
    {'_target_': 'sensoryforge.skin.innervation.Uniform', 'radius_mm': 1.0}
    """
    if isinstance(value, str):
        return option(group, value, search)
    values = {str(key): item for key, item in value.items()}
    if TYPE not in values or TARGET in values:
        return values
    name = values.pop(TYPE)
    return {**option(group, str(name), search), **values}


def is_shipped(group: str, name: str) -> bool:
    """Tell whether an option comes with SensoryForge.

    Examples
    --------
    >>> is_shipped("layout", "even"), is_shipped("layout", "ring")
    (True, False)
    """
    return name in option_names(group)


def _folders(search: Iterable[str | Path]) -> list[Path]:
    """Return the shipped folder, whose options no other can hide, then those of the user's."""
    users = [Path(folder) for folder in search]
    return [conf_dir(), *(folder for folder in users if folder.resolve() != conf_dir())]


def _misnamed(group: str, name: str, search: Iterable[str | Path]) -> str:
    """Return the hint at a file that would be the option if it ended in .yaml, or an empty text."""
    for folder in _folders(search):
        path = folder / group / f"{name}.yml"
        if path.is_file():
            return f"; {path} must end in .yaml"
    return ""
