"""The parameters of an entry: values, lists, ranges and references, by their flat names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensoryforge.config.neuron_axes import WrittenAxis
from sensoryforge.config.pieces import Piece, Reading
from sensoryforge.config.presets import HINT as PRESETS
from sensoryforge.config.presets import looks_like_preset
from sensoryforge.config.sampling import Sampling, read_spread
from sensoryforge.config.ties import is_tie, tied_key
from sensoryforge.core.messages import format_value, hint_at_number
from sensoryforge.core.paths import is_file
from sensoryforge.core.source_file import SourceFile
from sensoryforge.design.sampling import Choices, Normal, Spread, Uniform
from sensoryforge.stimuli import Allowed, FileOf, Range


@dataclass
class Parameters:
    """The parameters of an entry by their flat names.

    Attributes
    ----------
    values
        Those of every parameter, in order; of one that is drawn, an example.
    spreads
        What those that vary are drawn from.
    tied
        Those that are equal to another, and to which.
    listed
        Those that are written as lists.
    """

    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict)
    tied: dict[str, str] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)


def read_parameters(
    reading: Reading,
    pipeline: Mapping[str, Any],
    sampling: Sampling,
    neurons: Sequence[WrittenAxis] = (),
) -> Parameters:
    """Return the parameters of an entry that have no mistake, after those of ``neurons``."""
    parameters = Parameters()
    for written in neurons:
        _add_parameter(parameters, written.axis.name, written.value, written.allowed, sampling)
    ties: dict[str, str] = {}
    names: dict[str, str] = {}
    for piece in reading.pieces:
        if piece.prefix:
            parameters.values[piece.prefix.removesuffix("_")] = (piece.type,)
        for name, value in with_pipeline(piece, pipeline).items():
            allowed = piece.ranges.get(name)
            key, flat = f"{piece.where}.{name}", f"{piece.prefix}{name}"
            if allowed is None or list(mistakes_of_value(name, value, allowed, sampling)):
                continue
            names[key] = flat
            if is_tie(value):
                ties[flat] = tied_key(key, value)
                parameters.values[flat] = ()  # its place in the order
            else:
                _add_parameter(parameters, flat, value, allowed, sampling)
    for flat, key in ties.items():
        _tie(parameters, flat, key, names, ties)
    return parameters


def _add_parameter(
    parameters: Parameters, name: str, value: Any, allowed: Allowed, sampling: Sampling
) -> None:
    """Add a parameter that is no reference: a value, a list, or a range."""
    if isinstance(value, Mapping):
        spread = read_spread(name, value, allowed, sampling, [])
        assert isinstance(spread, Uniform | Normal)
        parameters.spreads[name] = spread
        parameters.values[name] = (spread.example,)
        return
    values = value if isinstance(value, list) else [value]
    parameters.values[name] = tuple(_files(values) if isinstance(allowed, FileOf) else values)
    if isinstance(value, list):
        parameters.listed.append(name)
        parameters.spreads[name] = Choices(parameters.values[name])


def _tie(
    parameters: Parameters,
    name: str,
    key: str,
    names: Mapping[str, str],
    ties: Mapping[str, str],
) -> None:
    """Make a parameter equal to the one at a key, or to that which this one is equal to."""
    source = names.get(key, "")
    for _ in range(len(ties)):
        source = names.get(ties[source], "") if source in ties else source
    if source in parameters.spreads:
        parameters.tied[name] = source
        parameters.values[name] = parameters.values[source]
    elif source in parameters.values and source not in ties:
        parameters.values[name] = parameters.values[source]
    else:  # what it is equal to has a mistake, which is told
        del parameters.values[name]


def with_pipeline(piece: Piece, pipeline: Mapping[str, Any]) -> dict[str, Any]:
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


def mistakes_of_value(key: str, value: Any, allowed: Allowed, sampling: Sampling) -> Iterator[str]:
    """Yield the line for a parameter, a value, a list or a range of them, that is out of range."""
    if isinstance(value, Mapping):
        problems: list[str] = []
        read_spread(key, value, allowed, sampling, problems)
        yield from problems
        return
    if is_tie(value):  # what it is equal to is told where that stands
        return
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
        if looks_like_preset(bad[0]):
            line += f"; {PRESETS}"
        yield line
    elif isinstance(allowed, FileOf):
        missing = [name for name in values if not is_file(name)]
        for name in missing:
            yield f"{key}: got {format_value(name)}, no such file; allowed is {allowed}"
