"""Where the afferents of a population lie, a file a layout."""

from __future__ import annotations

import re
from inspect import signature

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.layouts.blue_noise import BlueNoise
from sensoryforge.skin.layouts.even import Even
from sensoryforge.skin.layouts.hex import Hex
from sensoryforge.skin.layouts.jittered import Jittered
from sensoryforge.skin.layouts.point import Point
from sensoryforge.skin.layouts.random import Random
from sensoryforge.skin.layouts.table import CellTable

__all__ = [
    "BlueNoise",
    "CellTable",
    "Even",
    "Hex",
    "Jittered",
    "Layout",
    "Point",
    "Random",
    "shipped_layout",
]


def shipped_layout(name: str) -> Layout:
    """Return the layout that a dataset names with a word, such as ``even``.

    A dataset keeps the word of a shipped layout without parameters, and the whole mapping of any
    other. The word is the name of the class in lower case, its parts joined by ``_``.

    Parameters
    ----------
    name
        The word.

    Raises
    ------
    ConfigError
        Where no such layout is shipped; the message has no key.

    Examples
    --------
    >>> shipped_layout("even")
    Even()
    """
    shipped = _exported_layouts()
    if name not in shipped:
        raise ConfigError(
            f"got {name!r}, allowed are {list_names(shipped)}{suggest(name, shipped)}"
        )
    return shipped[name]()


def _exported_layouts() -> dict[str, type[Layout]]:
    """Return the layouts that this package exports, by the word that a dataset keeps of them."""
    layouts: dict[str, type[Layout]] = {}
    for name in __all__:
        exported = globals()[name]
        if not isinstance(exported, type) or not issubclass(exported, Layout):
            continue
        # A layout with parameters has no word: a dataset keeps the whole mapping.
        if exported is not Layout and not signature(exported).parameters:
            layouts[_word_of(name)] = exported
    return layouts


def _word_of(class_name: str) -> str:
    """Return the word of a class: BlueNoise is called blue_noise."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()
