"""The units of parameters, as the dataset keeps them or the classes of its stimuli give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET
from sensoryforge.skin.mechanics import Skin
from sensoryforge.stimuli import DRIVE, Allowed, find_recipe
from sensoryforge.stimuli.ranges import MILLIMETRE, MODEL_DRIVE
from sensoryforge.stimuli.recipe import made_of

if TYPE_CHECKING:
    from sensoryforge.store.dataset import Dataset

DRIVE_PER_MM = "drive_per_mm"
"""The key of a population that is calibrated; one that is not has none in a dataset."""
_NO_UNIT = ("-", "1")
"""How a class may say that a parameter has no unit."""


def amplitude_unit(dataset: Dataset) -> str:
    """Return the unit of the amplitudes of a dataset's stimuli.

    It is that of the skin that they pressed on, ``mm`` where populations are calibrated, and
    ``a.u.`` for model drive, which is not.

    >>> amplitude_unit(results)
    'a.u.'
    """
    kept = dataset.metadata.get("amplitude_unit")
    if kept is not None:
        return str(kept)
    # A run that was interrupted has only its configuration.
    config = dataset.metadata.get("config") or {}
    skin = (config.get("pipeline") or {}).get("skin")
    if not isinstance(skin, dict) or TARGET not in skin:
        populations = (config.get("neurons") or {}).get("populations") or {}
        calibrated = any(DRIVE_PER_MM in values for values in populations.values())
        return MILLIMETRE if calibrated else MODEL_DRIVE
    try:
        return trust.locate(skin[TARGET], "a class of skin", Skin).amplitude_unit
    except ConfigError:
        return Skin.amplitude_unit


def pressure_label(of_amplitude: str = MODEL_DRIVE) -> str:
    """Return what stimuli do to the skin, as an axis of a picture says it.

    Parameters
    ----------
    of_amplitude
        The unit of their amplitudes.

    Examples
    --------
    >>> pressure_label(), pressure_label("mm")
    ('drive (a.u.)', 'indentation (mm)')
    """
    return f"{pressure_word(of_amplitude)} ({of_amplitude})"


def pressure_word(of_amplitude: str = MODEL_DRIVE) -> str:
    """Return what stimuli do to the skin, in a word; see `pressure_label`.

    >>> pressure_word(), pressure_word("mm")
    ('drive', 'indentation')
    """
    return "drive" if of_amplitude == MODEL_DRIVE else "indentation"


def stimulus_entries(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the entries of the configuration's stimuli, a type each.

    >>> [entry["type"] for entry in stimulus_entries(results)]
    ['gaussian']
    """
    config = dataset.metadata.get("config") or {}
    stimuli = config.get("stimuli") or []
    return [entry for entry in stimuli if isinstance(entry, dict)]


def parameter_units(
    made_of: Iterable[tuple[str, Mapping[str, str]]], amplitude_unit: str = MODEL_DRIVE
) -> dict[str, str]:
    """Return the unit of each parameter of some families of stimuli.

    Parameters
    ----------
    made_of
        What each family is made of: the dotted path of its class and of its parts. One that is not
        to be had is left out. Where two have a parameter of the same name, the first says its unit.
    amplitude_unit
        That of model drive; a skin that deforms has its own.

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
            units.setdefault(name, amplitude_unit if allowed == DRIVE else _unit_of(allowed))
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
        entries = (made_of(entry) for entry in stimulus_entries(dataset))
        units = parameter_units(entries, amplitude_unit(dataset))
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
    return "" if allowed.unit in _NO_UNIT else allowed.unit
