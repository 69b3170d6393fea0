"""Units of a population: the table that it names, and the numbers that its neurons get from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sensoryforge.config import kinds
from sensoryforge.config.outlines import DENSITY, MOST_NEURONS
from sensoryforge.core.axes import ROW
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value
from sensoryforge.core.types import Ints
from sensoryforge.design.delay import Delay
from sensoryforge.design.experiment import PopulationSpec
from sensoryforge.equations.parameters import PerNeuron
from sensoryforge.skin.units import KEYS, LATENCY, UnitTable

Number = TypeVar("Number", float, PerNeuron)

DRIVE_PER_MM = "drive_per_mm"
"""The key of a population that is calibrated."""
NONE = "none"
"""The option that stands for no table."""
OF_POPULATION = ("gain", "noise_std")
"""Columns that are keys of the population itself."""


def has_units(value: object) -> bool:
    """Tell whether a key ``units`` names a table.

    Examples
    --------
    >>> has_units("sa1"), has_units("none"), has_units({"assign": "cycle"})
    (True, False, False)
    """
    if isinstance(value, Mapping):
        names_option = value.get(kinds.TYPE, NONE) != NONE
        unknown = [key for key in value if key not in KEYS and key != kinds.TYPE]
        says = [key for key in ("columns", "rows", "file", ROW) if value.get(key) is not None]
        return bool(names_option or unknown or says)
    return value not in (None, NONE)


def take_away_unset(plain: Mapping[str, Any]) -> None:
    """Take ``units``, ``density_per_cm2`` and ``drive_per_mm`` out where they say nothing.

    What is kept of them is then what was kept before there were such keys.

    Parameters
    ----------
    plain
        A configuration in plain containers; it is changed.
    """
    neurons = plain.get("neurons")
    populations = neurons.get("populations") if isinstance(neurons, Mapping) else None
    for population in populations.values() if isinstance(populations, Mapping) else ():
        if not isinstance(population, dict):
            continue
        table = population.get("units")
        if not has_units(table):
            population.pop("units", None)
        elif isinstance(table, dict) and table.get(ROW) is None:
            table.pop(ROW, None)
        for key in (DENSITY, DRIVE_PER_MM):
            if population.get(key) is None:
                population.pop(key, None)


def read_units(
    where: str, value: Any, search: Iterable[str | Path], problems: list[str]
) -> UnitTable | None:
    """Return the table that a key ``units`` names, None where it names none.

    Parameters
    ----------
    where
        The key, for messages.
    value
        The name of an option, or a mapping with ``columns`` and ``rows`` or a ``file``.
    search
        Folders that the configuration was composed from.
    problems
        Takes a line for each mistake.
    """
    if not has_units(value) or not isinstance(value, str | Mapping):
        return None
    try:
        values = kinds.spell_out("units", value, search)
    except ConfigError as error:
        problems.append(f"{where}.{kinds.TYPE}: {error}")
        return None
    try:
        return UnitTable.from_config(values)
    except ConfigError as error:
        problems += [f"{where}.{line}" for line in error.problems]
        return None


def with_units(
    where: str,
    spec: PopulationSpec,
    table: UnitTable,
    values: Mapping[str, Any],
    seed: int,
    problems: list[str],
) -> PopulationSpec:
    """Return a population whose neurons have the numbers of their units.

    Parameters
    ----------
    where
        The key of the population.
    spec
        The population without units.
    table
        The units.
    values
        What the configuration says of the population.
    seed
        The base seed of the experiment.
    problems
        Takes a line for each column that is unknown, and for a latency that is set twice.
    """
    problems += [f"{where}.units.{line}" for line in table.problems_of_columns(_columns_of(spec))]
    if spec.count > MOST_NEURONS:
        got = f"got {spec.count}, allowed with units is at most {MOST_NEURONS} (neurons)"
        problems.append(f"{where}.count: {got}")
        return spec
    uses_latency = table.latency and LATENCY in table.columns
    if uses_latency and spec.delay is not None:
        got = f"got {format_value(values['delay_ms'])}"
        lines = f"{where}.delay_ms: {got} beside the column {LATENCY} of units, allowed is one"
        problems.append(f"{lines} of them; units.latency: false leaves the column out")
    units = table.draw(spec.count, seed, where.rpartition(".")[2])
    if table.row is not None:
        return _with_one_unit(spec, table, units, uses_latency=uses_latency)
    each: dict[str, PerNeuron] = {}
    for name in table.columns:
        each[name] = PerNeuron(tuple(table.column(name, units).tolist()))
    return replace(
        spec,
        filter=spec.filter.with_values_of_neurons(_of_block("filter", each)),
        model=spec.model.with_values_of_neurons(_of_block("model", each)),
        gain=each.get("gain", spec.gain),
        noise_std=each.get("noise_std", spec.noise_std),
        delay=Delay(each[LATENCY]) if uses_latency else spec.delay,
        units=tuple(units.tolist()),
    )


def _with_one_unit(
    spec: PopulationSpec, table: UnitTable, units: Ints, *, uses_latency: bool
) -> PopulationSpec:
    """Return a population whose neurons are all the same unit, and so share its numbers."""
    shared = {name: float(table.column(name, units[:1])[0]) for name in table.columns}
    latency = PerNeuron((shared.get(LATENCY, 0.0),) * spec.count)
    return replace(
        spec,
        filter=spec.filter.with_parameters(**_of_block("filter", shared)),
        model=spec.model.with_parameters(**_of_block("model", shared)),
        gain=shared.get("gain", spec.gain),
        noise_std=shared.get("noise_std", spec.noise_std),
        delay=Delay(latency) if uses_latency else spec.delay,
        units=tuple(units.tolist()),
    )


def _columns_of(spec: PopulationSpec) -> list[str]:
    """Return the columns that a table of a population may have."""
    filters = [f"filter.{name}" for name in spec.filter.parameters]
    models = [f"model.{name}" for name in spec.model.parameters]
    return [*filters, *models, *OF_POPULATION, LATENCY]


def _of_block(block: str, each: Mapping[str, Number]) -> dict[str, Number]:
    """Return the values of a block's parameters by their own names."""
    prefix = f"{block}."
    names = [name for name in each if name.startswith(prefix)]
    return {name.removeprefix(prefix): each[name] for name in names}
