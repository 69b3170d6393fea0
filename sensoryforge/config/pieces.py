"""The pieces of an entry: its own parameters, and those of its profile, motion and parts.

Each piece has its place in the configuration (``stimuli.profile.ramp_ms``), of which messages
speak, and its place in the design, where parameters lie flat (``profile_ramp_ms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET
from sensoryforge.core.messages import format_value
from sensoryforge.stimuli import INSTANT, Allowed, Composite, Recipe, Shape, find_recipe
from sensoryforge.stimuli.composite import COMBINE
from sensoryforge.stimuli.recipe import MOTION, ONSET, PARTS, PIECES, PROFILE, made_of

_NO_PARAMETERS = ("repetitions", "type", TARGET, *PIECES, PARTS)


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
    target, parts = made_of(values)
    try:
        recipe = find_recipe(target, parts)
    except ConfigError as error:
        raise ConfigError(f"{where}.{line}" for line in error.problems) from error
    if not recipe.cls.ranges:
        name = recipe.cls.__name__
        line = f"{name} has no ranges, a mapping of parameters to Range"
        raise ConfigError(f"{where}._target_: {line}")
    misplaced = list(_misplaced_pieces(where, values, recipe))
    if misplaced:
        raise ConfigError(misplaced)
    reading = Reading(target, parts, recipe)
    reading.pieces += _pieces(where, "", values, recipe)
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
    others = ["type"] if is_part else ["repetitions", "type"]
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
            others = [str(other) for other in recipe.parts if other != name]
            if any(str(name).startswith(f"{other}_") for other in others):
                allowed = "a name that does not begin as another does, with _"
                yield f"{where}.{PARTS}: got {format_value(name)}, allowed is {allowed}"
            if not str(name).isidentifier():
                allowed = "a name of letters, digits and _"
                yield f"{where}.{PARTS}: got {format_value(name)}, allowed is {allowed}"
            if issubclass(part.cls, Composite):
                yield f"{where}.{PARTS}.{name}: got a composite, allowed are other stimuli"
            else:
                yield from _misplaced_pieces(f"{where}.{PARTS}.{name}", inner, part)


def _line_of_type(piece: Piece) -> str:
    got = format_value(piece.type)
    return f"{piece.where}.type: got {got}, allowed is the name of one type"
