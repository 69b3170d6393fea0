"""Values of an experiment that are of an option in whose place a command line chooses another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isinf
from typing import Any

from sensoryforge.config.overrides import parse_override, quote_text
from sensoryforge.core.instances import TARGET
from sensoryforge.core.values import is_number

_TYPE = "type"
_DEFAULTS = "defaults"
"""The key of an option that builds on another: what it comes to is not in its file alone."""


def reset_overrides(place: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the overrides that give a new option its own values, and none of the old one's.

    An experiment sets values of the profile or motion that it chooses. They outlive a choice of
    another: Hydra sets values after options.

    Parameters
    ----------
    place
        Where the option stands.
    before
        The values there with the old option.
    after
        What the file of the new option says.

    Examples
    --------
    >>> line = {"type": "line", "start_mm": -1.0, "speed_mm_s": 40.0}
    >>> circle = {"type": "circle", "radius_mm": 1.0, "speed_mm_s": 20.0}
    >>> reset_overrides("stimuli.motion", line, circle)
    ['~stimuli.motion.start_mm', 'stimuli.motion.speed_mm_s=20.0']
    """
    if before.get(_TYPE) == after.get(_TYPE) or _DEFAULTS in after:
        return []
    return list(_resets(place, before, after))


def _resets(place: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key, value in before.items():
        if key in (_TYPE, TARGET):
            continue
        if key not in after:
            yield f"~{place}.{key}"
        elif after[key] != value:
            yield f"{place}.{key}={_as_written(after[key])}"


def _as_written(value: Any) -> str:
    """Return a value of an option's file as it is written in an override."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if is_number(value):
        return "inf" if isinf(value) else str(value)
    return quote_text(str(value))


def is_single_name(text: str) -> bool:
    """Tell whether an override chooses one option, not several in turn.

    Examples
    --------
    >>> is_single_name("stimuli.motion=circle"), is_single_name("stimuli.motion=line,circle")
    (True, False)
    """
    override = parse_override(text)
    return override is not None and isinstance(override.value(), str)
