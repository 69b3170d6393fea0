"""Families read from the entries of a configuration, and what is wrong with their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sensoryforge.config.neuron_axes import WrittenAxis
from sensoryforge.config.parameters import mistakes_of_value, read_parameters, with_pipeline
from sensoryforge.config.pieces import Piece, Reading, read_pieces
from sensoryforge.config.rules import whole
from sensoryforge.config.sampling import Sampling, make_plan, read_sampling
from sensoryforge.config.stimuli import Entry
from sensoryforge.core.axes import CONDITION, PER, is_of_population
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import (
    USERS_FAILURES,
    describe_failure,
    format_value,
    unknown_key,
)
from sensoryforge.core.values import is_number
from sensoryforge.design.design import Design, as_written
from sensoryforge.design.family import Family, Values
from sensoryforge.design.sampling import GRID, draw
from sensoryforge.design.telling import describe_spread
from sensoryforge.stimuli import Allowed

REPETITIONS = whole(1)
MAX_CHECKED = 1_000_000
"""Conditions of a family whose parameters are compared with each other."""


def read_families(
    entries: Sequence[Entry],
    pipeline: Mapping[str, Any],
    problems: list[str],
    *,
    is_glued: bool = False,
    neurons: Sequence[WrittenAxis] = (),
) -> tuple[Family, ...]:
    """Return the family of each entry; a line for each mistake goes to ``problems``.

    Parameters
    ----------
    entries
        The entries of a configuration.
    pipeline
        ``duration_ms``, ``dt_ms`` and ``seed``; where the first two are not known, nothing is
        compared with them.
    problems
        Takes the lines; an entry with a problem has no family.
    is_glued
        Whether a rigid probe may pull the skin.
    neurons
        Numbers of afferents that are axes of every family.
    """
    families: list[Family] = []
    for entry in entries:
        try:
            reading = _read(entry)
        except ConfigError as error:
            problems += error.problems
            continue
        mistakes: list[str] = []
        sampling = read_sampling(entry.where, entry.values, pipeline, mistakes)
        mistakes += _mistakes(entry, reading, pipeline, sampling)
        of_neurons = list(_mistakes_of_neurons(neurons, sampling, reading))
        is_whole = not mistakes and not of_neurons
        # What is wrong with a list is wrong for every entry.
        mistakes += [line for line in of_neurons if line not in problems]
        try:
            family = _family(entry, reading, pipeline, sampling, neurons=neurons, is_whole=is_whole)
        except ConfigError as error:
            problems += [*mistakes, *error.problems]
            continue
        mistakes += _mistakes_of_points(family, reading, neurons)
        if is_whole and not mistakes:
            families.append(family)
        duration_ms = pipeline.get("duration_ms")
        for line in _contradictions(reading, family, duration_ms, is_glued):
            mistakes.append(f"{entry.where}.{line}")
        problems += mistakes
    return tuple(families)


def _read(entry: Entry) -> Reading:
    """Return an entry in pieces; ConfigError says why it cannot be."""
    stimulus_type = entry.values.get("type")
    if not isinstance(stimulus_type, str):
        raise ConfigError(
            f"{entry.where}.type: got {format_value(stimulus_type)}, allowed is the name of one "
            "type; several types take an entry each"
        )
    return read_pieces(entry.where, entry.values)


# --- mistakes ---


def _mistakes(
    entry: Entry, reading: Reading, pipeline: Mapping[str, Any], sampling: Sampling
) -> Iterator[str]:
    """Yield a line for each key that is unknown, missing or out of range."""
    for piece in reading.pieces:
        yield from _mistakes_of_piece(piece, pipeline, sampling)
    repetitions = entry.values.get("repetitions")
    if not REPETITIONS.allows(repetitions):
        key = f"{entry.where}.repetitions"
        yield REPETITIONS.problem(key, repetitions, unit="noise realisations")


def _mistakes_of_piece(
    piece: Piece, pipeline: Mapping[str, Any], sampling: Sampling
) -> Iterator[str]:
    known = [*piece.ranges, *piece.others]
    for key in piece.values:
        if key not in known and key != "_target_":
            yield unknown_key(piece.where, key, known)
    parameters = with_pipeline(piece, pipeline)
    for name, allowed in piece.ranges.items():
        if name in parameters:
            key = f"{piece.where}.{name}"
            yield from mistakes_of_value(key, parameters[name], allowed, sampling)
        elif not allowed.optional:
            yield f"{piece.where}.{name}: missing, allowed is {allowed}"


def _mistakes_of_neurons(
    neurons: Sequence[WrittenAxis], sampling: Sampling, reading: Reading
) -> Iterator[str]:
    """Yield a line for each number of afferents that is out of range, or not to be drawn so."""
    of_stimulus = {flat for _, flat, _ in _keys_of_columns(reading, ())}
    first_with: dict[str, str] = {}
    for written in neurons:
        axis = written.axis
        first = first_with.setdefault(axis.name, axis.key)
        if first != axis.key:
            problem = f"its column {axis.name} is that of {first}"
            yield f"{axis.key}: {problem} too; rename the population or the parameter"
        twice = _first_twice(written.value)
        if twice is not None:
            yield f"{axis.key}: got {format_value(twice)} twice, allowed is once"
            continue
        if isinstance(written.value, Mapping) and PER in written.value:
            got = f"{axis.key}: got {format_value(written.value)}"
            without = (
                "" if is_of_population(axis.key) else "; without it each neuron is drawn alone"
            )
            yield f"{got}, allowed is {PER}: {CONDITION}{without}"
        else:
            yield from mistakes_of_value(axis.key, written.value, written.allowed, sampling)
        if axis.name in of_stimulus:
            problem = f"its column {axis.name} is a parameter of {sampling.where}"
            yield f"{axis.key}: {problem}; rename the parameter"


def _first_twice(values: Any) -> Any:
    """Return the first number of a list that stands there before, None where each stands once."""
    seen: set[float] = set()
    for value in values if isinstance(values, list) else ():
        if is_number(value):
            if float(value) in seen:
                return value
            seen.add(float(value))
    return None


# --- a family ---


def _family(
    entry: Entry,
    reading: Reading,
    pipeline: Mapping[str, Any],
    sampling: Sampling,
    *,
    neurons: Sequence[WrittenAxis],
    is_whole: bool,
) -> Family:
    """Return the family of an entry, of the parameters without mistakes.

    Its axes are numbers of afferents, then the entry's own parameters in their order, then those of
    its profile, its motion and its parts. Points are drawn where the entry ``is_whole``, without
    any mistake.
    """
    parameters = read_parameters(reading, pipeline, sampling, neurons if is_whole else ())
    axes: dict[str, Values] = {**parameters.values}
    drawn = None
    is_product = sampling.method == GRID and sampling.condition is None and not parameters.tied
    if is_whole and not is_product:
        fixed = {name: values[0] for name, values in axes.items()}
        for name in (*parameters.spreads, *parameters.tied):
            fixed.pop(name, None)
        drawn = draw(make_plan(sampling, parameters.spreads, fixed, parameters.tied))
        axes |= drawn.values
    return Family(
        type=entry.values["type"],
        target=reading.target,
        axes=axes,
        listed=tuple(parameters.listed),
        repetitions=entry.values.get("repetitions", 1),
        parts=reading.parts,
        drawn=drawn,
        of_neurons=tuple(written.axis.name for written in neurons) if is_whole else (),
    )


def _mistakes_of_points(
    family: Family, reading: Reading, neurons: Sequence[WrittenAxis]
) -> Iterator[str]:
    """Yield a line for each parameter with a value, drawn or taken over, that it may not have."""
    if family.drawn is None:
        return
    plan = family.drawn.plan
    for key, flat, allowed in _keys_of_columns(reading, neurons):
        source = plan.tied.get(flat, flat)
        if source not in plan.spreads:
            continue
        bad = _first_bad(family.axes[flat], allowed)
        if bad is None:
            continue
        line = f"{key}: got {format_value(bad)}"
        if flat != source:
            line += f" of {source}, which it is equal to"
        else:
            line += f" of {describe_spread(family, flat)}"
        yield f"{line}, allowed is {allowed}; keep to it with {plan.where}.where"


def _keys_of_columns(
    reading: Reading, neurons: Sequence[WrittenAxis]
) -> Iterator[tuple[str, str, Allowed]]:
    """Yield key, column and range of each parameter."""
    for written in neurons:
        yield written.axis.key, written.axis.name, written.allowed
    for piece in reading.pieces:
        for name, allowed in piece.ranges.items():
            yield f"{piece.where}.{name}", f"{piece.prefix}{name}", allowed


def _first_bad(values: Any, allowed: Allowed) -> Any:
    """Return a value that is not allowed; of numbers that were drawn the ends tell."""
    ends = [values.min(), values.max()] if isinstance(values, np.ndarray) else values
    for value in ends:
        plain = as_written(value)
        if not allowed.allows(plain):
            return plain
    return None


def _contradictions(
    reading: Reading, family: Family, duration_ms: float | None, is_glued: bool
) -> Sequence[str]:
    """Return the lines for parameters that contradict each other or the duration."""
    if duration_ms is None:
        return []
    conditions = np.arange(min(family.count_conditions, MAX_CHECKED))
    columns = Design((family,)).columns(family, conditions)
    try:
        lines = reading.recipe.check(columns, duration_ms, is_glued=is_glued)
        return [str(line) for line in lines]
    except USERS_FAILURES as error:
        # A check may need a parameter that is missing, which has been said already.
        needed = [name for name, of in reading.recipe.ranges.items() if not of.optional]
        if any(name not in family.axes for name in needed):
            return []
        name = reading.recipe.cls.__name__
        return [f"_target_: {name}.check fails, {describe_failure(error)}"]
