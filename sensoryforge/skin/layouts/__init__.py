"""Where the afferents of a population lie, a file a layout."""

from __future__ import annotations

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.layouts.even import Even
from sensoryforge.skin.layouts.random import Random

__all__ = ["Even", "Layout", "Random", "shipped_layout"]


def shipped_layout(name: str) -> Layout:
    """Return the layout that a dataset names with a word, such as ``even``.

    A dataset keeps the word of a shipped layout without parameters, and the whole mapping of any
    other. The word is the name of the class in lower case.

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
        if isinstance(exported, type) and issubclass(exported, Layout) and exported is not Layout:
            layouts[name.lower()] = exported
    return layouts
