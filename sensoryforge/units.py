"""The units of parameters, as the classes of the stimuli give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensoryforge.errors import ConfigError
from sensoryforge.stimuli import stimulus_class
from sensoryforge.stimuli.base import DRIVE, Range

if TYPE_CHECKING:
    from sensoryforge.store.results import Results


def entries(results: Results) -> list[dict[str, Any]]:
    """Return the entries of the configuration's stimuli, a type each."""
    found = (results.metadata.get("config") or {}).get("stimuli") or []
    return [entry for entry in found if isinstance(entry, dict)]


def unit(results: Results, name: str) -> str:
    """Return the unit of a parameter; ``a.u.`` for model drive, which is not calibrated; empty where there is none."""
    if name == "repetition":
        return ""
    for found in (_range(entry, name) for entry in entries(results)):
        if found is not None:
            return "a.u." if found == DRIVE else found.unit
    return ""


def labelled(results: Results, name: str) -> str:
    """Return a parameter with its unit, as an axis of a picture says it."""
    found = unit(results, name)
    return f"{name} ({found})" if found else name


def _range(entry: dict[str, Any], name: str) -> Range | None:
    """Return the range of an entry's parameter, or None where it has none, or its class is not to be had."""
    try:
        return stimulus_class(str(entry.get("_target_"))).ranges.get(name)
    except ConfigError:
        return None
