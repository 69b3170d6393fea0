"""The units of parameters, as the dataset keeps them or the classes of its stimuli give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sensoryforge.core.errors import ConfigError
from sensoryforge.stimuli import DRIVE, Allowed, find_recipe
from sensoryforge.stimuli.recipe import made_of

if TYPE_CHECKING:
    from sensoryforge.store.dataset import Dataset

_NO_UNIT = ("-", "1")
"""How a class may say that a parameter has no unit."""


def stimulus_entries(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the entries of the configuration's stimuli, a type each.

    >>> [entry["type"] for entry in stimulus_entries(results)]
    ['gaussian']
    """
    config = dataset.metadata.get("config") or {}
    stimuli = config.get("stimuli") or []
    return [entry for entry in stimuli if isinstance(entry, dict)]


def parameter_units(made_of: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, str]:
    """Return the unit of each parameter of some families of stimuli.

    Parameters
    ----------
    made_of
        What each family is made of: the dotted path of its class and of its parts. One that is not
        to be had is left out. Where two have a parameter of the same name, the first says its unit.

    Returns
    -------
    dict
        Parameter -> unit: ``a.u.`` for model drive, empty where there is none.

    Examples
    --------
    >>> parameter_units([("sensoryforge.stimuli.Gaussian", {})])["sigma"]
    'mm'
    """
    units: dict[str, str] = {}
    for target, parts in made_of:
        try:
            ranges = find_recipe(target, parts).ranges
        except ConfigError:
            continue
        for name, allowed in ranges.items():
            units.setdefault(name, _unit_of(allowed))
    return units


def unit(dataset: Dataset, name: str) -> str:
    """Return the unit of a parameter.

    It is ``a.u.`` for model drive, which is not calibrated, and empty where there is none. A
    dataset keeps the units; of an older one the classes of its stimuli are asked.

    >>> unit(results, "sigma"), unit(results, "amplitude"), unit(results, "repetition")
    ('mm', 'a.u.', '')
    """
    if name == "repetition":
        return ""
    units = dataset.metadata.get("units")
    if units is None:
        units = parameter_units(made_of(entry) for entry in stimulus_entries(dataset))
    return str(units.get(name, ""))


def axis_label(dataset: Dataset, name: str) -> str:
    """Return a parameter with its unit, as an axis of a picture says it.

    >>> axis_label(results, "sigma")
    'sigma (mm)'
    """
    of_parameter = unit(dataset, name)
    return f"{name} ({of_parameter})" if of_parameter else name


def _unit_of(allowed: Allowed) -> str:
    """Return the unit of a range, empty where it has none."""
    if allowed == DRIVE:
        return "a.u."
    return "" if allowed.unit in _NO_UNIT else allowed.unit
