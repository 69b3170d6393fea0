"""The skin of a configuration, and what does not go with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sensoryforge.config import kinds
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.design.experiment import PopulationSpec
from sensoryforge.skin.mechanics import Skin
from sensoryforge.skin.mechanics.pins_of_sheet import LATTICES
from sensoryforge.skin.mechanics.trial import problems_of_use

NO_SKIN = "none"
"""The option that stands for receptors that feel the drive itself."""
KEY = "pipeline.skin"


def read_skin(value: Any, search: Sequence[str | Path], problems: list[str]) -> Skin | None:
    """Return the skin that a configuration chooses; None where it has no mechanics.

    Parameters
    ----------
    value
        The name of an option of the group ``skin``, or a mapping like one.
    search
        Folders that the configuration was composed from.
    problems
        Takes a line for each problem.

    Examples
    --------
    >>> read_skin("none", [], []) is None
    True
    >>> read_skin("elastic", [], []).poisson_ratio
    0.4
    """
    if is_none(value):
        return None
    try:
        skin = kinds.make_chosen("skin", KEY, value, search, "a class of skin", Skin)
    except ConfigError as error:
        problems += error.problems
        return None
    faults = [f"{KEY}: {line}" for line in problems_of_use(skin)]
    problems += faults
    return None if faults else skin


def is_none(value: Any) -> bool:
    """Tell whether a value chooses no mechanics."""
    return value in (None, NO_SKIN, {kinds.TYPE: NO_SKIN})


def problems_of_skin(
    value: Any, pipeline: Mapping[str, Any], populations: Mapping[str, PopulationSpec]
) -> Iterator[str]:
    """Yield a line for each population and each key that does not go with the skin.

    Parameters
    ----------
    value
        What ``pipeline.skin`` is.
    pipeline
        The section, of the keys without a problem.
    populations
        The populations without a problem.
    """
    if is_none(value):
        yield from _problems_of_units(populations)
        for name, population in populations.items():
            if not population.innervation.pools_receptors:
                where = f"neurons.populations.{name}.innervation"
                yield f"{where}: elastic needs a skin that deforms, set {KEY}: elastic"
        return
    arrangement = pipeline.get("arrangement", LATTICES[0])
    if arrangement not in LATTICES:
        allowed = f"under {KEY} allowed are {list_names(LATTICES)}, whose receptors can be pins"
        yield f"pipeline.arrangement: got '{arrangement}', {allowed}"
    for name, population in populations.items():
        where = f"neurons.populations.{name}"
        if population.innervation.pools_receptors:
            kind = type(population.innervation).__name__
            allowed = f"under {KEY} allowed is elastic, with a depth_mm"
            yield f"{where}.innervation: got {kind}, which pools receptors; {allowed}"
        if population.receptor_noise_std != 0:
            got = f"{where}.receptor_noise_std: got {population.receptor_noise_std:g}"
            yield f"{got}, under {KEY} allowed is 0: no receptors are pooled; set noise_std"
        if population.drive_per_mm is not None:
            got = f"{where}.drive_per_mm: got {population.drive_per_mm:g}"
            yield f"{got}, under {KEY} allowed is null: amplitudes are in mm there anyway"


def _problems_of_units(populations: Mapping[str, PopulationSpec]) -> Iterator[str]:
    """Yield the line for populations of which some take mm, and others drive."""
    in_mm = [name for name, spec in populations.items() if spec.drive_per_mm is not None]
    in_drive = [name for name in populations if name not in in_mm]
    if in_mm and in_drive:
        where = f"neurons.populations.{in_drive[0]}.drive_per_mm"
        allowed = "allowed is a number > 0 (1/mm), or null for all populations"
        has = "has one" if len(in_mm) == 1 else "have one"
        yield f"{where}: got null while {list_names(in_mm)} {has}, {allowed}"
