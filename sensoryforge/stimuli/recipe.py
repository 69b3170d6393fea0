"""Recipes: what stimuli of a family are made of, and what their parameters may be.

A stimulus is a shape with a profile and a motion, or a composite of such, or a class of its own.
Its parameters lie flat: ``amplitude`` of the shape, ``profile_ramp_ms`` of the profile,
``left_amplitude`` of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.base import Punches, Stimulus
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.cautions import Caution, Sheet
from sensoryforge.stimuli.composite import AddedParts, BlendedParts, Composite, Part
from sensoryforge.stimuli.conditions import Conditions
from sensoryforge.stimuli.deepening import DeepeningShape
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.pressed import MovingShape, PressedShape
from sensoryforge.stimuli.profiles.hold import Hold
from sensoryforge.stimuli.profiles.profile import Profile
from sensoryforge.stimuli.profiles.timing import late_onsets
from sensoryforge.stimuli.ranges import INSTANT, Allowed
from sensoryforge.stimuli.shapes.shape import Shape
from sensoryforge.stimuli.span import Span
from sensoryforge.stimuli.ways import Way

PROFILE = "profile"
MOTION = "motion"
PIECES = (PROFILE, MOTION)
"""What a shape may have; groups of options have these names."""
PARTS = "parts"
"""The key of a composite below which its parts stand."""
SAMPLING_KEYS = ("sampling", "samples", "sampling_seed", "where")
"""Keys of an entry that say how its conditions are made of the values of its parameters."""
NO_PARAMETERS = ("type", "_target_", "repetitions", *SAMPLING_KEYS)
"""Keys of an entry that say what it is of, how often, and how it is sampled."""
ONSET = "onset_ms"
"""When a part of a composite starts."""

_T = TypeVar("_T", bound=Conditions)


@dataclass(frozen=True)
class Recipe:
    """What stimuli are made of.

    Called with columns of parameters it returns the stimuli.

    Parameters
    ----------
    cls
        The class of the shape, of the composite, or of a stimulus of its own.
    profile, motion
        The classes of what brings a shape to life; None where it has none.
    parts
        The parts of a composite by name, in order.
    combine
        How they meet.

    Examples
    --------
    >>> from sensoryforge.stimuli import Gaussian, Trapezoid
    >>> taps = Recipe(Gaussian, profile=Trapezoid)
    >>> list(taps.ranges)[-4:]
    ['profile_onset_ms', 'profile_ramp_ms', 'profile_hold_ms', 'profile_release_ms']
    """

    cls: type[Stimulus]
    profile: type[Profile] | None = None
    motion: type[Motion] | None = None
    parts: Mapping[str, Recipe] = field(default_factory=dict)
    combine: str = "add"

    @property
    def ranges(self) -> dict[str, Allowed]:
        """Every parameter by its flat name, and what it may be."""
        ranges = dict(self.cls.ranges)
        for prefix, kind in self._pieces():
            for name, allowed in kind.ranges.items():
                ranges[f"{prefix}_{name}"] = allowed
        for name, recipe in self.parts.items():
            ranges[f"{name}_{ONSET}"] = INSTANT
            for parameter, allowed in recipe.ranges.items():
                ranges[f"{name}_{parameter}"] = allowed
        return ranges

    @property
    def separable(self) -> bool:
        """Whether the pressure is a sum of products of space and time."""
        if self.parts:
            are_separable = all(recipe.separable for recipe in self.parts.values())
            return are_separable and self.combine == "add"
        return self.motion is None and self.cls.separable

    @property
    def least_terms(self) -> int:
        """Of how many products the pressure is the sum, where a class has a single one."""
        if self.parts:
            return sum(recipe.least_terms for recipe in self.parts.values())
        return 1

    @property
    def is_blended(self) -> bool:
        """Whether the pressure is a blend of stills."""
        if self.parts:
            return not self.separable
        return self.motion is not None or self._deepens or issubclass(self.cls, BlendedStimulus)

    @property
    def loops(self) -> frozenset[str]:
        """The sources of compiled loops that work out its stills."""
        if self.parts:
            of_parts = (recipe.loops for recipe in self.parts.values())
            return frozenset().union(*of_parts)
        if self.motion is None or not issubclass(self.cls, Shape):
            return frozenset()
        return frozenset(self.cls.loops)

    @property
    def is_rigid(self) -> bool:
        """Whether stimuli are rigid flat probes at rest."""
        # What a class says of itself does not hold for its subclasses.
        return "punches" in vars(self.cls) and not self.parts and self.motion is None

    @property
    def in_proportion(self) -> bool:
        """Whether the pressure is in proportion to the amplitude, wherever the stimulus presses."""
        return not self._deepens and all(recipe.in_proportion for recipe in self.parts.values())

    @property
    def _deepens(self) -> bool:
        """Whether more of the shape touches the deeper it is pressed in."""
        return issubclass(self.cls, Shape) and not self.cls.in_proportion

    @property
    def takes_tensors(self) -> bool:
        """Whether stimuli can be shaped as tensors: every class says so, of itself."""
        if self.parts:
            return all(recipe.takes_tensors for recipe in self.parts.values())
        classes = [self.cls, *(kind for _, kind in self._pieces())]
        return all(bool(vars(kind).get("tensors")) for kind in classes)

    def __call__(self, columns: Columns) -> Stimulus:
        """Return the stimuli of some conditions.

        Parameters
        ----------
        columns
            Flat parameter -> its value in each condition, ``[C]``.
        """
        if self.parts:
            return self._composite(columns)
        if not issubclass(self.cls, Shape):
            return self.cls(columns)
        if self.motion is not None or self._deepens:
            return self._moving(columns)
        if self.profile is not None:
            shape = self.cls(columns)
            return PressedShape(shape, self.profile(_within(PROFILE, columns)))
        return self.cls(columns)

    def punches(self, columns: Columns) -> Punches | None:
        """Return the rigid flat probes that stimuli of some conditions are, where they are such.

        Parameters
        ----------
        columns
            Flat parameter -> its value in each condition, ``[C]``.

        Examples
        --------
        >>> from sensoryforge.stimuli import Gaussian
        >>> Recipe(Gaussian).punches({}) is None
        True
        """
        return self.cls.punches(columns) if self.is_rigid else None

    def check(self, columns: Columns, duration_ms: float, *, is_glued: bool = False) -> list[str]:
        """Return a line for each contradiction between parameters, its key first.

        Parameters
        ----------
        columns
            Flat parameter -> its value in each condition, ``[C]``.
        duration_ms
            How long the stimulus is.
        is_glued
            Whether a rigid probe may pull the skin.
        """
        own = {name: values for name, values in columns.items() if name in self.cls.ranges}
        problems = [str(line) for line in self.cls.check(own, duration_ms)]
        for prefix, kind in self._pieces():
            of_piece = kind.check(_within(prefix, columns), duration_ms)
            problems += [f"{prefix}.{line}" for line in of_piece]
        if self.profile is not None and not (is_glued and self.is_rigid):
            of_profile = self.profile.pulls(_within(PROFILE, columns))
            problems += [f"{PROFILE}.{line}" for line in of_profile]
        for name, recipe in self.parts.items():
            of_part = _within(name, columns)
            onsets = of_part.pop(ONSET)
            late = late_onsets(onsets, duration_ms, f"{PARTS}.{name}.{ONSET}")
            problems += late
            if not late:
                of_part_problems = _check_part(recipe, of_part, onsets, duration_ms)
                problems += [f"{PARTS}.{name}.{line}" for line in of_part_problems]
        return problems

    def cautions(self, columns: Columns, sheet: Sheet, span: Span) -> Iterator[Caution]:
        """Yield why some conditions will hardly be felt, or not as they are meant.

        A shape that moves may come from off the sheet: of such a one its way is looked at.

        Parameters
        ----------
        columns
            Flat parameter -> its value in each condition, ``[C]``.
        sheet
            What they press on.
        span
            The time that there is.
        """
        # What a class says of itself does not hold for its subclasses.
        if "cautions" in vars(self.cls) and not self.parts:
            for caution in self.cls.cautions(columns, sheet):
                is_of_place = caution.parameter.startswith("center_")
                if self.motion is None or not is_of_place:
                    yield caution
        if self.profile is not None and "cautions_in_time" in vars(self.profile):
            of_profile = _within(PROFILE, columns)
            for caution in self.profile.cautions_in_time(of_profile, span):
                yield caution.within(PROFILE, PROFILE)
        if self.motion is not None:
            of_motion = _within(MOTION, columns)
            yield from Way(self.cls, self.motion, columns, of_motion, sheet).cautions(span)
        for name, recipe in self.parts.items():
            of_part = _within(name, columns)
            later = span.after(of_part.pop(ONSET))
            for caution in recipe.cautions(of_part, sheet, later):
                yield caution.within(name, f"{PARTS}.{name}")

    def _pieces(self) -> Iterator[tuple[str, type[Profile] | type[Motion]]]:
        """Yield the profile and the motion, where there are any, with their prefix."""
        if self.profile is not None:
            yield PROFILE, self.profile
        if self.motion is not None:
            yield MOTION, self.motion

    def _moving(self, columns: Columns) -> Stimulus:
        assert issubclass(self.cls, Shape)
        count = len(next(iter(columns.values())))
        shapes = _one_by_one(self.cls, columns, count)
        profile = self.profile or Hold
        profiles = _one_by_one(profile, _within(PROFILE, columns), count)
        if self.motion is None:
            return DeepeningShape(shapes, profiles, None)
        motions = _one_by_one(self.motion, _within(MOTION, columns), count)
        if self._deepens:
            return DeepeningShape(shapes, profiles, motions)
        return MovingShape(shapes, profiles, motions)

    def _composite(self, columns: Columns) -> Stimulus:
        parts = []
        for name, recipe in self.parts.items():
            of_part = _within(name, columns)
            onset_ms = of_part.pop(ONSET)
            parts.append(Part(recipe, of_part, onset_ms))
        if self.separable:
            return AddedParts(parts)
        return BlendedParts(parts, self.combine)


def find_recipe(target: str, parts: Mapping[str, str]) -> Recipe:
    """Return the recipe of dotted paths of classes.

    Parameters
    ----------
    target
        The class of the shape, of the composite, or of a stimulus of its own.
    parts
        What else there is: ``profile`` and ``motion`` of a shape; of a composite ``combine``, each
        part by its name, and what a part has, as in ``left.profile``.

    Raises
    ------
    ConfigError
        Where there is no such class, it is of the wrong kind, or its module is not trusted.

    Examples
    --------
    >>> find_recipe("sensoryforge.stimuli.Gaussian", {}).cls.__name__
    'Gaussian'
    """
    cls = stimulus_class(target)
    if issubclass(cls, Composite):
        recipes = {name: _part_of(name, parts) for name in _names_of_parts(parts)}
        return Recipe(cls, parts=recipes, combine=parts.get("combine", "add"))
    profile = None
    if PROFILE in parts:
        profile = locate(f"{PROFILE}.", parts[PROFILE], "a Profile class", Profile)
    motion = None
    if MOTION in parts:
        motion = locate(f"{MOTION}.", parts[MOTION], "a Motion class", Motion)
    return Recipe(cls, profile, motion)


def made_of(values: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return of which classes the stimuli of an entry are made, as dotted paths.

    Examples
    --------
    >>> made_of({"_target_": "a.Dot", "profile": {"_target_": "b.Tap"}})
    ('a.Dot', {'profile': 'b.Tap'})
    """
    parts: dict[str, str] = {}
    for key in PIECES:
        piece = values.get(key)
        if isinstance(piece, Mapping):
            parts[key] = str(piece.get("_target_"))
    named = values.get(PARTS)
    if isinstance(named, Mapping):
        parts["combine"] = str(values.get("combine"))
        for name, part in named.items():
            target, inner = made_of(part)
            parts[str(name)] = target
            parts |= {f"{name}.{key}": path for key, path in inner.items()}
    return str(values.get("_target_")), parts


def flat_values(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return what an entry holds by flat names: parameters, and the types of its pieces.

    Examples
    --------
    >>> flat_values({"type": "disc", "amplitude": 3, "profile": {"type": "sine", "phase": 90}})
    {'amplitude': 3, 'profile': 'sine', 'profile_phase': 90}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if key in PIECES and isinstance(value, Mapping):
            flat[f"{prefix}{key}"] = value.get("type")
            flat |= flat_values(value, f"{prefix}{key}_")
        elif key == PARTS and isinstance(value, Mapping):
            for name, part in value.items():
                flat[f"{prefix}{name}"] = part.get("type")
                flat |= flat_values(part, f"{prefix}{name}_")
        elif key not in NO_PARAMETERS and value is not None:
            flat[f"{prefix}{key}"] = value
    return flat


def stimulus_class(target: str) -> type[Stimulus]:
    """Return the class of stimulus at a dotted path.

    Raises ConfigError where there is no such class, it is no Stimulus, or its module is not
    trusted.

    Examples
    --------
    >>> stimulus_class("sensoryforge.stimuli.Step").__name__
    'Step'
    """
    return locate("", target, "a Stimulus class", Stimulus)


def locate(where: str, target: str, wanted: str, base: type[_T]) -> type[_T]:
    """Return a class at a dotted path; ConfigError says at which key there is none."""
    try:
        return trust.locate(target, wanted, base)
    except ConfigError as error:
        raise ConfigError(f"{where}_target_: {error}") from error.__cause__


def _names_of_parts(parts: Mapping[str, str]) -> list[str]:
    return [name for name in parts if "." not in name and name != "combine"]


def _part_of(name: str, parts: Mapping[str, str]) -> Recipe:
    prefix = f"{name}."
    inner = {}
    for key, value in parts.items():
        if key.startswith(prefix):
            inner[key.removeprefix(prefix)] = value
    return find_recipe(parts[name], inner)


def _within(prefix: str, columns: Columns) -> Columns:
    """Return the parameters of a piece, by the names that they have in it."""
    start = f"{prefix}_"
    within: Columns = {}
    for name, values in columns.items():
        if name.startswith(start):
            within[name.removeprefix(start)] = values
    return within


def _one_by_one(kind: Callable[[Columns], _T], columns: Columns, count: int) -> list[_T]:
    """Return one instance for each condition."""
    instances = []
    for condition in range(count):
        one = slice(condition, condition + 1)
        instances.append(kind({name: values[one] for name, values in columns.items()}))
    return instances


def _check_part(
    recipe: Recipe, columns: Columns, onset_ms: Floats, duration_ms: float
) -> list[str]:
    """Return a line for each contradiction in a part; each condition has the time that is left."""
    problems: list[str] = []
    for onset in np.unique(onset_ms).tolist():
        starts_then = onset_ms == onset
        conditions = {name: values[starts_then] for name, values in columns.items()}
        problems += recipe.check(conditions, duration_ms - onset)
    return list(dict.fromkeys(problems))
