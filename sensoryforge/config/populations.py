"""Populations of a configuration, checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sensoryforge.config import kinds, rules
from sensoryforge.config.units import read_units, with_units
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, unknown_key
from sensoryforge.design.delay import read_delay
from sensoryforge.design.experiment import PopulationSpec
from sensoryforge.equations.block import Block, Kind
from sensoryforge.skin.innervation import Innervation
from sensoryforge.skin.layouts import Layout

SHORT_COUNTS = ("sa", "ra")
"""Populations whose count has a key of its own, such as ``neurons.sa_neurons``."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def read_populations(
    neurons: Any,
    sources: Mapping[str, str],
    search: Iterable[str | Path],
    problems: list[str],
    seed: int = 0,
) -> dict[str, PopulationSpec]:
    """Return the populations of a ``neurons`` node by name, those without a problem.

    Parameters
    ----------
    neurons
        The node in plain containers.
    sources
        Key of a block of equations -> the file that it came from, for messages.
    search
        Folders that the configuration was composed from.
    problems
        A line for each problem is added here.
    seed
        Base seed of the experiment, which units are drawn from.
    """
    if not isinstance(neurons, Mapping):
        got = format_value(neurons)
        problems.append(f"neurons: got {got}, allowed is a mapping with populations")
        return {}
    populations = neurons.get("populations")
    if not isinstance(populations, Mapping) or not populations:
        allowed = "allowed is a mapping of at least one population"
        problems.append(f"neurons.populations: got none, {allowed}")
        return {}
    problems += _key_problems(neurons, populations)
    rules_of_a_population = rules.population_rules(
        kinds.option_names("layout", search), kinds.option_names("units", search)
    )
    specs = {}
    for name, population in populations.items():
        where = f"neurons.populations.{name}"
        if not _NAME.fullmatch(str(name)):
            allowed = "allowed are letters, digits and _, a letter first"
            problems.append(f"{where}: got the name {name!r}, {allowed}")
            continue
        lines: list[str] = []
        written = _with_left_out(population)
        values = rules.read(where, written, rules_of_a_population, lines, "population")
        spec = _population(where, values, sources, search, lines)
        table = read_units(f"{where}.units", values.get("units"), search, lines)
        if spec is not None and table is not None and not lines:
            spec = with_units(where, spec, table, values, seed, lines)
        if spec is not None and not lines:
            specs[str(name)] = spec
        problems += [_under_the_key_written(line, neurons, str(name)) for line in lines]
    return specs


def _key_problems(neurons: Mapping[str, Any], populations: Mapping[str, Any]) -> list[str]:
    """Return a line for each key beside ``populations`` that is unknown or without effect.

    ``sa_neurons`` and ``ra_neurons`` are the defaults of these counts; a count in the population
    itself wins. Of any other population, the count follows no such key.
    """
    names = [str(name) for name in populations]
    short_keys = [f"{name}_neurons" for name in dict.fromkeys([*SHORT_COUNTS, *names])]
    known = ["populations", *short_keys]
    problems = [unknown_key("neurons", key, known) for key in neurons if key not in known]
    for name, population in zip(names, populations.values(), strict=True):
        key = f"{name}_neurons"
        is_followed = name in SHORT_COUNTS or neurons.get(key) == _count(population)
        if key in neurons and not is_followed:
            long_key = f"neurons.populations.{name}.count"
            problems.append(f"neurons.{key}: has no effect, set {long_key}")
    return problems


def _under_the_key_written(line: str, neurons: Mapping[str, Any], name: str) -> str:
    """Return a message on a count under the key that gave it its value."""
    short_key = f"{name}_neurons"
    on_the_count = f"neurons.populations.{name}.count: got "
    population = neurons["populations"].get(name)
    if short_key not in neurons or neurons[short_key] != _count(population):
        return line
    if not line.startswith(on_the_count):
        return line
    return f"neurons.{short_key}: got {line.removeprefix(on_the_count)}"


def _with_left_out(population: Any) -> Any:
    """Return a population with the keys that it may leave out."""
    return {**rules.LEFT_OUT, **population} if isinstance(population, Mapping) else population


def _count(population: object) -> Any:
    """Return the count that a population states, or None."""
    return population.get("count") if isinstance(population, Mapping) else None


def _population(
    where: str,
    values: Mapping[str, Any],
    sources: Mapping[str, str],
    search: Iterable[str | Path],
    problems: list[str],
) -> PopulationSpec | None:
    """Return a population of the values that keep their rule, None where one is missing."""
    filter_block = _block("filter", where, values, sources, problems)
    model_block = _block("model", where, values, sources, problems)
    layout = _layout(f"{where}.layout", values.get("layout"), search, problems)
    innervation = _innervation(f"{where}.innervation", values.get("innervation"), search, problems)
    if filter_block is None or model_block is None or layout is None or innervation is None:
        return None
    if not {"count", "gain", "noise_std", *rules.LEFT_OUT} <= values.keys():
        return None
    threshold_std = float(values["threshold_std"])
    delay = read_delay(values["delay_ms"])
    drive_per_mm = values["drive_per_mm"]
    return PopulationSpec(
        count=values["count"],
        layout=layout,
        innervation=innervation,
        filter=filter_block,
        model=model_block.with_threshold_spread(threshold_std) if threshold_std else model_block,
        gain=float(values["gain"]),
        noise_std=float(values["noise_std"]),
        receptor_noise_std=float(values["receptor_noise_std"]),
        threshold_std=threshold_std,
        delay=None if delay is None or delay.is_zero else delay,
        density=values["density_per_cm2"],
        drive_per_mm=None if drive_per_mm is None else float(drive_per_mm),
    )


def _block(
    kind: Kind,
    where: str,
    values: Mapping[str, Any],
    sources: Mapping[str, str],
    problems: list[str],
) -> Block | None:
    """Return the filter or the model of a population."""
    if kind not in values:
        return None
    key = f"{where}.{kind}"
    source = f"{sources[key]} ({key})" if key in sources else key
    try:
        block = Block.from_config(kind, values[kind], source)
    except ConfigError as error:
        problems += error.problems
        return None
    problems += block.unread()
    return block


def _innervation(
    where: str,
    mapping: Mapping[str, Any] | None,
    search: Iterable[str | Path],
    problems: list[str],
) -> Innervation | None:
    """Return the innervation of a population."""
    if mapping is None:
        return None
    try:
        return kinds.make_chosen(
            "innervation", where, mapping, search, "a class of innervation", Innervation
        )
    except ConfigError as error:
        problems += error.problems
        return None


def _layout(
    where: str,
    layout: str | Mapping[str, Any] | None,
    search: Iterable[str | Path],
    problems: list[str],
) -> Layout | None:
    """Return the layout of a population, given as the name of an option or as a mapping."""
    if layout is None:
        return None
    try:
        return kinds.make_chosen("layout", where, layout, search, "a class of layout", Layout)
    except ConfigError as error:
        problems += error.problems
        return None
