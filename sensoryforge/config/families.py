"""Families read from the entries of a configuration, and what is wrong with their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sensoryforge.config.pieces import Piece, Reading, read_pieces
from sensoryforge.config.rules import whole
from sensoryforge.config.stimuli import Entry
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import (
    USERS_FAILURES,
    describe_failure,
    format_value,
    hint_at_number,
    unknown_key,
)
from sensoryforge.core.paths import is_file
from sensoryforge.core.source_file import SourceFile
from sensoryforge.design.design import Design
from sensoryforge.design.family import Family
from sensoryforge.stimuli import Allowed, FileOf, Range

REPETITIONS = whole(1)
MAX_CHECKED = 1_000_000
"""Conditions of a family whose parameters are compared with each other."""


def read_families(
    entries: Sequence[Entry],
    pipeline: Mapping[str, Any],
    problems: list[str],
    *,
    is_glued: bool = False,
) -> tuple[Family, ...]:
    """Return the family of each entry; a line for each mistake goes to ``problems``.

    Parameters
    ----------
    entries
        The entries of a configuration.
    pipeline
        ``duration_ms`` and ``dt_ms``; where they are not known, nothing is compared with them.
    problems
        Takes the lines; an entry with a problem has no family.
    is_glued
        Whether a rigid probe may pull the skin.
    """
    families: list[Family] = []
    for entry in entries:
        try:
            reading = _read(entry)
        except ConfigError as error:
            problems += error.problems
            continue
        mistakes = list(_mistakes(entry, reading, pipeline))
        family = _family(entry, reading, pipeline)
        if not mistakes:
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


def _mistakes(entry: Entry, reading: Reading, pipeline: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each key that is unknown, missing or out of range."""
    for piece in reading.pieces:
        yield from _mistakes_of_piece(piece, pipeline)
    repetitions = entry.values.get("repetitions")
    if not REPETITIONS.allows(repetitions):
        key = f"{entry.where}.repetitions"
        yield REPETITIONS.problem(key, repetitions, unit="noise realisations")


def _mistakes_of_piece(piece: Piece, pipeline: Mapping[str, Any]) -> Iterator[str]:
    known = [*piece.ranges, *piece.others]
    for key in piece.values:
        if key not in known and key != "_target_":
            yield unknown_key(piece.where, key, known)
    parameters = _with_pipeline(piece, pipeline)
    for name, allowed in piece.ranges.items():
        if name in parameters:
            yield from _mistakes_of_value(f"{piece.where}.{name}", parameters[name], allowed)
        elif not allowed.optional:
            yield f"{piece.where}.{name}: missing, allowed is {allowed}"


def _mistakes_of_value(key: str, value: Any, allowed: Allowed) -> Iterator[str]:
    """Yield the line for a parameter, a value or a list of them, that is out of range."""
    values = value if isinstance(value, list) else [value]
    if not values:
        yield f"{key}: got an empty list, allowed is {allowed}, or a list of them"
        return
    bad = [item for item in values if not allowed.allows(item)]
    if bad:
        others = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        is_path = isinstance(allowed, FileOf) and isinstance(bad[0], str)
        got = format_value(Path(bad[0]).name if is_path else bad[0])
        line = f"{key}: got {got}{others}, allowed is {allowed}, or a list of them"
        if any(isinstance(item, list) for item in bad):
            line += "; lists cannot be nested"
        if isinstance(allowed, Range):
            line += hint_at_number(bad[0])
        yield line
    elif isinstance(allowed, FileOf):
        missing = [name for name in values if not is_file(name)]
        for name in missing:
            yield f"{key}: got {format_value(name)}, no such file; allowed is {allowed}"


# --- a family ---


def _family(entry: Entry, reading: Reading, pipeline: Mapping[str, Any]) -> Family:
    """Return the family of an entry, of the parameters without mistakes.

    Its axes are the entry's own parameters in their order, then those of its profile, its motion
    and its parts.
    """
    axes: dict[str, tuple[Any, ...]] = {}
    listed: list[str] = []
    for piece in reading.pieces:
        if piece.prefix:
            axes[piece.prefix.removesuffix("_")] = (piece.type,)
        for name, value in _with_pipeline(piece, pipeline).items():
            allowed = piece.ranges.get(name)
            if allowed is None or list(_mistakes_of_value(name, value, allowed)):
                continue
            values = value if isinstance(value, list) else [value]
            if isinstance(value, list):
                listed.append(f"{piece.prefix}{name}")
            is_file = isinstance(allowed, FileOf)
            axes[f"{piece.prefix}{name}"] = tuple(_files(values) if is_file else values)
    return Family(
        type=entry.values["type"],
        target=reading.target,
        axes=axes,
        listed=tuple(listed),
        repetitions=entry.values.get("repetitions", 1),
        parts=reading.parts,
    )


def _with_pipeline(piece: Piece, pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a piece; those that it leaves to the pipeline have its value."""
    parameters = piece.parameters
    for name, allowed in piece.ranges.items():
        if isinstance(allowed, Range) and allowed.of_pipeline:
            value_of_pipeline = pipeline.get(allowed.of_pipeline)
            if parameters.get(name) is None and value_of_pipeline is not None:
                parameters[name] = value_of_pipeline
    return parameters


def _files(paths: Sequence[str]) -> list[SourceFile]:
    """Return files by their names, or by their paths where two have the same name."""
    names = [Path(path).name for path in paths]
    are_distinct = len(set(names)) == len(names)
    shown = names if are_distinct else paths
    return [SourceFile(name, path) for name, path in zip(shown, paths, strict=True)]


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
