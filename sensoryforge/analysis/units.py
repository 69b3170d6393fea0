"""The units of parameters, as the classes of the stimuli give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensoryforge.core.errors import ConfigError
from sensoryforge.stimuli import stimulus_class
from sensoryforge.stimuli.base import DRIVE, Range

if TYPE_CHECKING:
    from sensoryforge.store.dataset import Dataset


def stimulus_entries(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the entries of the configuration's stimuli, a type each.

    >>> [entry["type"] for entry in stimulus_entries(results)]
    ['gaussian']
    """
    config = dataset.metadata.get("config") or {}
    stimuli = config.get("stimuli") or []
    return [entry for entry in stimuli if isinstance(entry, dict)]


def unit(dataset: Dataset, name: str) -> str:
    """Return the unit of a parameter.

    It is ``a.u.`` for model drive, which is not calibrated, and empty where there is none.

    >>> unit(results, "sigma"), unit(results, "amplitude"), unit(results, "repetition")
    ('mm', 'a.u.', '')
    """
    if name == "repetition":
        return ""
    for entry in stimulus_entries(dataset):
        allowed = _range(entry, name)
        if allowed is not None:
            return "a.u." if allowed == DRIVE else allowed.unit
    return ""


def axis_label(dataset: Dataset, name: str) -> str:
    """Return a parameter with its unit, as an axis of a picture says it.

    >>> axis_label(results, "sigma")
    'sigma (mm)'
    """
    of_parameter = unit(dataset, name)
    return f"{name} ({of_parameter})" if of_parameter else name


def _range(entry: dict[str, Any], name: str) -> Range | None:
    """Return the range of an entry's parameter, None where it has none or its class is missing."""
    try:
        return stimulus_class(str(entry.get("_target_"))).ranges.get(name)
    except ConfigError:
        return None
