"""Numbers of afferents that are axes of one dataset: lists, and ranges with ``per: condition``.

``neurons.populations.sa.filter.parameters.tau_d=[10,30,100]`` is an axis ``sa_filter_tau_d``, as a
list of the stimuli's parameters is. So are parameters of models, ``gain``, ``noise_std``,
``units.row``, and ``pipeline.seed``. Everything else of neurons and pipeline decides on the shape
of a dataset, or on what is pooled: it has one value a dataset.

A range of such a number says ``per: condition``, ``{low: 10, high: 100, per: condition}``; without
it each *neuron* is drawn for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from sensoryforge.config.catalogue import declared_units, read_option
from sensoryforge.config.sources import conf_dir
from sensoryforge.config.stimuli import list_from_text
from sensoryforge.config.units import read_units
from sensoryforge.core.axes import BLOCKS, CONDITION, OF_POPULATION, PER, ROW, SEED_AXIS, SEED_KEY
from sensoryforge.core.messages import format_value
from sensoryforge.design.experiment import PopulationSpec
from sensoryforge.design.neuron_axis import NeuronAxis
from sensoryforge.equations.parameters import PerNeuron
from sensoryforge.skin.units import LATENCY
from sensoryforge.stimuli import Range
from sensoryforge.stimuli.ranges import LARGEST_SEED

_LEAST = {"gain": -inf, "noise_std": 0.0}
"""The least that numbers of a population itself may be."""


@dataclass(frozen=True)
class WrittenAxis:
    """A number of afferents that was written as an axis.

    Attributes
    ----------
    axis
        Which number it is.
    value
        A list of numbers, or a range.
    allowed
        What the number may be.
    """

    axis: NeuronAxis
    value: Any
    allowed: Range

    @property
    def example(self) -> Any:
        """A value of the axis that is allowed, which stands for all where one is needed."""
        values = self.value
        if isinstance(values, Mapping):
            values = [values.get("low"), values.get("mean")]
        allowed = [value for value in values if self.allowed.allows(value)]
        return allowed[0] if allowed else 1


def read_neuron_axes(
    plain: Mapping[str, Any], search: Iterable[str | Path] = ()
) -> list[WrittenAxis]:
    """Return the numbers of a configuration that are axes, that of the seed first.

    Parameters
    ----------
    plain
        A configuration in plain containers.
    search
        Folders that it was composed from.

    Examples
    --------
    >>> plain = {"neurons": {"populations": {"sa": {"gain": [1, 2], "noise_std": 0.5}}}}
    >>> [written.axis.name for written in read_neuron_axes(plain)]
    ['sa_gain']
    """
    axes: list[WrittenAxis] = []
    for key, value in _numbers(plain):
        spread = as_axis(value)
        if spread is None:
            continue
        allowed = _allowed(key, plain)
        axis = _axis_of(key, allowed.unit)
        if key.endswith(f".units.{ROW}"):
            axis, allowed = _of_rows(axis, plain, search)
        axes.append(WrittenAxis(axis, spread, allowed))
    return axes


def as_axis(value: Any) -> Any:
    """Return the list or the range that makes a number an axis; None for one that is none.

    Examples
    --------
    >>> as_axis([1, 2]), as_axis("linspace(1, 2, 3)"), as_axis(3.0)
    ([1, 2], [1, 1.5, 2], None)
    >>> as_axis({"low": 1, "high": 2, "per": "condition"}), as_axis({"low": 1, "high": 2})
    ({'low': 1, 'high': 2}, None)
    """
    read = list_from_text(value)
    if isinstance(read, list):
        return read
    if not isinstance(read, Mapping) or PER not in read:
        return None
    if read[PER] != CONDITION:
        return dict(read)  # which is told as a mistake
    return {key: item for key, item in read.items() if key != PER}


def _of_rows(
    axis: NeuronAxis, plain: Mapping[str, Any], search: Iterable[str | Path]
) -> tuple[NeuronAxis, Range]:
    """Return the axis of the rows of a table with what they say, and which rows there are."""
    written = plain["neurons"]["populations"][axis.population]["units"]
    # What is wrong with the table is told where the population is read.
    table = read_units(axis.key, {**written, ROW: None}, search, [])
    if table is None:
        return axis, Range(low=0, whole=True)
    every_row = np.arange(len(table.rows))
    columns: dict[str, tuple[float, ...]] = {}
    for name in table.columns:
        if name != LATENCY:
            columns[name] = tuple(table.column(name, every_row).tolist())
    return replace(axis, columns=columns), Range(low=0, high=len(every_row) - 1, whole=True)


def with_examples(plain: Mapping[str, Any], axes: Sequence[WrittenAxis]) -> Mapping[str, Any]:
    """Return a configuration in which axes of neurons have one value, an example.

    The configuration itself stays as it is.
    """
    for written in axes:
        plain = _replaced(plain, written.axis.key.split("."), written.example)
    return plain


def written_out(plain: Mapping[str, Any], axes: Sequence[WrittenAxis]) -> Mapping[str, Any]:
    """Return a configuration in which axes of neurons are lists and ranges, and no presets."""
    for written in axes:
        value = written.value
        if isinstance(value, Mapping):
            value = {**value, PER: CONDITION}
        plain = _replaced(plain, written.axis.key.split("."), value)
    return plain


def problems_of_units(
    axes: Sequence[WrittenAxis], populations: Mapping[str, PopulationSpec]
) -> Iterator[str]:
    """Yield a line for each axis whose number a table of units says too."""
    rows_of = {written.axis.population: written.axis for written in axes if written.axis.columns}
    for written in axes:
        axis, spec = written.axis, populations.get(written.axis.population)
        if spec is None:
            continue
        got = f"{axis.key}: got {format_value(written.value)}"
        rows = rows_of.get(axis.population)
        if rows is not None and axis.path in rows.columns:
            table = f"{rows.key}, whose table has the column {axis.path}"
            yield f"{got} beside {table}, allowed is one of them"
        elif axis.columns and _has_latencies(spec):
            reason = "a population has the same delays in all conditions"
            yield f"{got} beside units.latency: true, allowed is false: {reason}"
        elif isinstance(_number_of(spec, axis.path), PerNeuron):
            yield f"{got} beside the column {axis.path} of units, allowed is one of them"


def _has_latencies(spec: PopulationSpec) -> bool:
    """Tell whether spikes of a population travel for as long as its table of units says."""
    return spec.delay is not None and isinstance(spec.delay.distance_mm, PerNeuron)


def _number_of(spec: PopulationSpec, path: str) -> Any:
    """Return what a population has for a number, None for the rows of a table."""
    block, _, name = path.rpartition(".")
    numbers: dict[str, Mapping[str, Any]] = {
        "filter": spec.filter.parameters,
        "model": spec.model.parameters,
        "": {"gain": spec.gain, "noise_std": spec.noise_std},
    }
    return numbers.get(block, {}).get(name)


def _replaced(node: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Return a mapping with another value at a path; what is not on the path is shared."""
    first, *rest = path
    return {**node, first: _replaced(node[first], rest, value) if rest else value}


def _axis_of(key: str, unit: str) -> NeuronAxis:
    if key == SEED_KEY:
        return NeuronAxis(SEED_AXIS, key)
    _, _, population, *path = key.split(".")
    steps = [step for step in path if step != "parameters"]
    name = "_".join([population, *steps])
    return NeuronAxis(name, key, population, ".".join(steps), unit)


def _numbers(plain: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield key and value of each number that may be an axis."""
    pipeline = plain.get("pipeline")
    if isinstance(pipeline, Mapping) and "seed" in pipeline:
        yield SEED_KEY, pipeline["seed"]
    neurons = plain.get("neurons")
    populations = neurons.get("populations") if isinstance(neurons, Mapping) else None
    for name, population in populations.items() if isinstance(populations, Mapping) else ():
        if isinstance(population, Mapping) and _is_name(name):
            yield from _numbers_of_population(f"neurons.populations.{name}", population)


def _numbers_of_population(where: str, population: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for block in BLOCKS:
        mapping = population.get(block)
        parameters = mapping.get("parameters") if isinstance(mapping, Mapping) else None
        for name, value in parameters.items() if isinstance(parameters, Mapping) else ():
            if _is_name(name):
                yield f"{where}.{block}.parameters.{name}", value
    for name in OF_POPULATION:
        if name in population:
            yield f"{where}.{name}", population[name]
    table = population.get("units")
    if isinstance(table, Mapping) and ROW in table:
        yield f"{where}.units.{ROW}", table[ROW]


def _is_name(name: object) -> bool:
    """Tell whether a key is a name; what else stands there is told where it is read."""
    return isinstance(name, str) and name.isidentifier()


def _allowed(key: str, plain: Mapping[str, Any]) -> Range:
    """Return what the number at a key may be."""
    if key == SEED_KEY:
        return Range(high=LARGEST_SEED, low=0, whole=True)
    _, _, population, *path = key.split(".")
    match path:
        case ["units", _]:
            return Range(low=0, whole=True)
        case [name]:
            return Range(_unit(declared_units("population")[name]), low=_LEAST[name])
    block, _, name = path
    parameters = plain["neurons"]["populations"][population][block]["parameters"]
    return Range(_unit_of_parameter(block, name, parameters))


def _unit_of_parameter(block: str, name: str, parameters: Mapping[str, Any]) -> str:
    """Return the unit of a parameter, as the shipped options with such parameters agree on it."""
    units: set[str] = set()
    for path in (conf_dir() / block).glob("*.yaml"):
        declared = {parameter.key: parameter.unit for parameter in read_option(path).parameters}
        if declared.keys() == set(map(str, parameters)):
            units.add(_unit(declared[name]))
    return units.pop() if len(units) == 1 else ""


def _unit(declared: str) -> str:
    return "" if declared in ("-", "1") else declared
