"""Values of a file that are of an option in whose place a command line chooses another.

A batch file says where a line starts, and a command line chooses a circle, which has no start. What
was said of the line is not meant for the circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sensoryforge.config.composer import Composer
from sensoryforge.config.overrides import key_of
from sensoryforge.stimuli.recipe import PIECES

_PARTS = ("innervation", "filter", "model", "units")
"""Parts of a population that are chosen from a group of their own."""


def drop_values_of_other_options(
    primary: dict[str, Any],
    overrides: Iterable[str],
    choices: Mapping[str, str],
    options: Composer,
) -> None:
    """Drop the values of a file that are of an option which the command line replaces.

    Parameters
    ----------
    primary
        The sections of the file; they are changed.
    overrides
        Those of the command line.
    choices
        The options that the file picks, by key of a defaults list.
    options
        Composes the options.

    Examples
    --------
    >>> from sensoryforge.config.composer import Composer
    >>> line = {"type": "line", "start_mm": -1.0}
    >>> primary = {"stimuli": {"sigma": 0.5, "motion": line}}
    >>> drop_values_of_other_options(primary, ["stimuli.motion=circle"], {}, Composer.over())
    >>> primary
    {'stimuli': {'sigma': 0.5}}
    """
    for text in overrides:
        name = text.partition("=")[2]
        key = key_of(text)
        path = key.rpartition("@")[2].split(".")
        if path[0] == "stimuli" and path[-1] in PIECES:
            _drop_pieces(primary.get("stimuli"), path[1:-1], path[-1])
        elif path[:2] == ["neurons", "populations"] and len(path) == 4 and "@" in key:
            part = path[-1]
            populations = (primary.get("neurons") or {}).get("populations") or {}
            population = populations.get(path[2])
            if part not in _PARTS or not isinstance(population, dict):
                continue
            if part in population and name != _chosen_before(key, choices, options):
                del population[part]


def _drop_pieces(stimuli: Any, entry: Sequence[str], piece: str) -> None:
    """Drop the profile or motion of one entry, or those of all."""
    if not isinstance(stimuli, dict):
        return
    entries = [stimuli.get(entry[0])] if entry else [stimuli, *stimuli.values()]
    for values in entries:
        if isinstance(values, dict):
            values.pop(piece, None)


def _chosen_before(key: str, choices: Mapping[str, str], options: Composer) -> str | None:
    """Return the option that a file picks at a place, or that is shipped there."""
    if key in choices:
        return choices[key]
    added = [
        f"+{place}={name}" for place, name in choices.items() if place.startswith("population@")
    ]
    shipped = options.load().hydra.runtime.choices
    new = [text for text in added if key_of(text) not in shipped]
    chosen = options.load(new).hydra.runtime.choices if new else shipped
    return str(chosen[key]) if key in chosen else None
