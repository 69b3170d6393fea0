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
    shipped = {kind.__name__.lower(): kind for kind in (Even, Random)}
    if name not in shipped:
        raise ConfigError(
            f"got {name!r}, allowed are {list_names(shipped)}{suggest(name, shipped)}"
        )
    return shipped[name]()
