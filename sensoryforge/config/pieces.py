"""The pieces of an entry: its own parameters, and those of its profile, motion and parts.

Each piece has its place in the configuration (``stimuli.profile.ramp_ms``), of which messages
speak, and its place in the design, where parameters lie flat (``profile_ramp_ms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET
from sensoryforge.core.messages import format_value
from sensoryforge.stimuli import INSTANT, Allowed, Composite, Recipe, Shape, Stimulus, find_recipe
from sensoryforge.stimuli.composite import COMBINE
from sensoryforge.stimuli.recipe import (
    MOTION,
    ONSET,
    PARTS,
    PIECES,
    PROFILE,
    SAMPLING_KEYS,
    made_of,
)

_TAKEN_NAMES = ("index", "id", "seed", "repetition", "type", "error", "combine", *PIECES, PARTS)
"""Columns of the table of stimuli, and keys beside the parts."""
_NO_PARAMETERS = ("repetitions", *SAMPLING_KEYS, "type", TARGET, *PIECES, PARTS)


@dataclass(frozen=True)
class Piece:
    """Parameters that stand together in a configuration.

    Attributes
    ----------
    where
        The key of the mapping that holds them, such as ``stimuli.0.profile``.
    prefix
        What stands before their names in the design, such as ``profile_``.
    type
        The name of the option that they are of.
    values
        What stands there.
    ranges
        Parameter -> what it may be.
    others
        Keys that may stand beside the parameters.
    """

    where: str
    prefix: str
    type: str
    values: Mapping[str, Any]
    ranges: Mapping[str, Allowed]
    others: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """What stands there of parameters, in the order in which it does; nothing that is null."""
        parameters: dict[str, Any] = {}
        for name, value in self.values.items():
            allowed = self.ranges.get(name)
            is_left_out = value is None and allowed is not None and allowed.optional
            if name not in _NO_PARAMETERS and not is_left_out:
                parameters[name] = value
        return parameters


@dataclass
class Reading:
    """An entry as it is read: what it is made of, its pieces, and what is wrong with their types.

    Attributes
    ----------
    target, parts
        Dotted paths of the classes, as `sensoryforge.stimuli.find_recipe` takes them.
    recipe
        What stimuli are made of.
    pieces
        The pieces, the entry's own first.
    """

    target: str
    parts: dict[str, str]
    recipe: Recipe
    pieces: list[Piece] = field(default_factory=list)


def read_pieces(where: str, values: Mapping[str, Any]) -> Reading:
    """Return an entry in pieces.

    Parameters
    ----------
    where
        The key of the entry.
    values
        What it holds.

    Raises
    ------
    ConfigError
        With a line for each piece whose class is not to be had.
    """
    _raise_if(_bad_names_of_parts(where, values))
    target, parts = made_of(values)
    try:
        recipe = find_recipe(target, parts)
    except ConfigError as error:
        raise ConfigError(f"{where}.{line}" for line in error.problems) from error
    _raise_if(_bad_ranges(where, recipe))
    _raise_if(_misplaced_pieces(where, values, recipe))
    reading = Reading(target, parts, recipe)
    reading.pieces += _pieces(where, "", values, recipe)
    _raise_if(_names_met_twice(reading.pieces))
    untyped = [piece for piece in reading.pieces if not isinstance(piece.type, str)]
    if untyped:
        raise ConfigError(_line_of_type(piece) for piece in untyped)
    return reading


def _pieces(where: str, prefix: str, values: Mapping[str, Any], recipe: Recipe) -> Iterator[Piece]:
    """Yield the piece of an entry itself, then those within it."""
    is_part = bool(prefix)
    own_ranges = dict(recipe.cls.ranges)
    if is_part:
        own_ranges[ONSET] = INSTANT
        values = {ONSET: 0.0, **values}
    others = ["type"] if is_part else ["repetitions", *SAMPLING_KEYS, "type"]
    if issubclass(recipe.cls, Shape):
        others += PIECES
    if issubclass(recipe.cls, Composite):
        others.append(PARTS)
    yield Piece(where, prefix, values.get("type", ""), values, own_ranges, tuple(others))
    for key, kind in ((PROFILE, recipe.profile), (MOTION, recipe.motion)):
        if kind is not None:
            inner = values[key]
            name = inner.get("type", "")
            yield Piece(f"{where}.{key}", f"{prefix}{key}_", name, inner, kind.ranges, ("type",))
    for name, part in recipe.parts.items():
        inner = values[PARTS][name]
        yield from _pieces(f"{where}.{PARTS}.{name}", f"{prefix}{name}_", inner, part)


def _raise_if(lines: Iterator[str]) -> None:
    problems = list(lines)
    if problems:
        raise ConfigError(problems)


def _bad_names_of_parts(where: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each name of a part that would not be told apart from something else."""
    parts = values.get(PARTS)
    names = list(parts) if isinstance(parts, Mapping) else []
    for name in names:
        others = [str(other) for other in names if other != name]
        allowed = ""
        if not str(name).isidentifier():
            allowed = "a name of letters, digits and _"
        elif any(str(name).startswith(f"{other}_") for other in others):
            allowed = "a name that does not begin as another does, with _"
        elif name in _TAKEN_NAMES:
            allowed = f"any name but {', '.join(_TAKEN_NAMES)}"
        if allowed:
            yield f"{where}.{PARTS}: got {format_value(name)}, allowed is {allowed}"


def _bad_ranges(where: str, recipe: Recipe) -> Iterator[str]:
    """Yield a line for each class that does not say well what its parameters may be."""
    for key, kind in ((PROFILE, recipe.profile), (MOTION, recipe.motion)):
        if kind is not None:
            yield from _bad_ranges_of(f"{where}.{key}", kind)
    yield from _bad_ranges_of(where, recipe.cls)
    for name, part in recipe.parts.items():
        yield from _bad_ranges(f"{where}.{PARTS}.{name}", part)


def _bad_ranges_of(where: str, kind: type) -> Iterator[str]:
    ranges: Any = getattr(kind, "ranges", None)
    # A profile or a motion may have no parameters, a stimulus has one at least.
    may_be_empty = not issubclass(kind, Stimulus)
    if not _are_ranges(ranges) or not (ranges or may_be_empty):
        line = f"{kind.__name__} has no ranges, a mapping of parameters to Range"
        yield f"{where}._target_: {line}"
        return
    for name in ranges:
        if name in _NO_PARAMETERS:
            line = f"a parameter of {kind.__name__} is called {name}"
            allowed = f"any name but {', '.join(_NO_PARAMETERS)}"
            yield f"{where}._target_: {line}, allowed is {allowed}"


def _are_ranges(ranges: Any) -> bool:
    """Tell whether this is what the parameters of a class may be."""
    if not isinstance(ranges, Mapping):
        return False
    return all(isinstance(allowed, Allowed) for allowed in ranges.values())


def _names_met_twice(pieces: Sequence[Piece]) -> Iterator[str]:
    """Yield a line for each parameter whose column in the table another one has already."""
    owners: dict[str, str] = {}
    for piece in pieces:
        columns = {f"{piece.prefix}{name}": f"{piece.where}.{name}" for name in piece.ranges}
        if piece.prefix:
            columns[piece.prefix.removesuffix("_")] = piece.where
        for column, key in columns.items():
            if column in owners:
                yield f"{key}: its column is called {column}, as that of {owners[column]} is"
            owners[column] = key


def _misplaced_pieces(where: str, values: Mapping[str, Any], recipe: Recipe) -> Iterator[str]:
    """Yield a line for each profile or motion of what is no shape, and each composite in one."""
    for key in PIECES:
        if key in values and not issubclass(recipe.cls, Shape):
            got = format_value(values[key].get("type"))
            own = "a course in time of its own" if key == PROFILE else "a course of its own"
            yield f"{where}.{key}: got {got}, allowed is none: {values.get('type')} has {own}"
    if issubclass(recipe.cls, Composite):
        combine = values.get("combine")
        if not COMBINE.allows(combine):
            yield f"{where}.combine: got {format_value(combine)}, allowed is {COMBINE}"
        # Null stands for parts of which all that is wrong has been said.
        if not recipe.parts and values.get(PARTS) is not None:
            yield f"{where}.{PARTS}: got none, allowed is at least one stimulus with a name"
        for name, part in recipe.parts.items():
            inner = values[PARTS][name]
            if issubclass(part.cls, Composite):
                yield f"{where}.{PARTS}.{name}: got a composite, allowed are other stimuli"
            else:
                yield from _misplaced_pieces(f"{where}.{PARTS}.{name}", inner, part)


def _line_of_type(piece: Piece) -> str:
    got = format_value(piece.type)
    return f"{piece.where}.type: got {got}, allowed is the name of one type"
