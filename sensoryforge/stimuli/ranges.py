"""What a parameter may be: a number in a range, one of a few words, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TypeAlias, TypeGuard

from sensoryforge.core.messages import list_alternatives, list_names
from sensoryforge.core.values import is_finite, is_number, is_whole

LARGEST_SEED = 2**53
"""Parameters are kept as float64, which holds whole numbers up to here."""


@dataclass(frozen=True)
class Range:
    """The numbers that a parameter may be.

    Parameters
    ----------
    unit
        Unit of the parameter, for messages.
    low, high
        Smallest and largest value.
    low_open
        Whether ``low`` itself is left out.
    infinite
        Whether the parameter may also be infinite, where ``low`` and ``high`` allow it.
    whole
        Whether only whole numbers are allowed.
    optional
        Whether it may be left out, or be null. Then it adds nothing to what a stimulus is, and its
        class finds no number there.
    of_pipeline
        The key of the pipeline that says its value where it is left out, or is null.

    Examples
    --------
    >>> length = Range("mm", low=0.0, low_open=True)
    >>> str(length), length.allows(0.3), length.allows(0)
    ('a number > 0 (mm)', True, False)
    """

    unit: str = ""
    low: float = -inf
    high: float = inf
    low_open: bool = False
    infinite: bool = False
    whole: bool = False
    optional: bool = False
    of_pipeline: str = ""

    def allows(self, value: object) -> TypeGuard[int | float]:
        """Tell whether a value is a number in this range."""
        if not is_number(value):
            return False
        if self.whole and not is_whole(value):
            return False
        is_infinite = abs(value) == inf
        if not (is_finite(value) or (self.infinite and is_infinite)):
            return False
        is_above = value > self.low if self.low_open else value >= self.low
        return is_above and value <= self.high

    def __str__(self) -> str:
        """Return the range in words, as in "a number > 0 (mm)"."""
        limits = []
        if self.low != -inf:
            limits.append(f"{'>' if self.low_open else '>='} {self.low:g}")
        if self.high != inf:
            limits.append(f"<= {self.high:g}")
        words = ["a whole number" if self.whole else "a number"]
        if limits:
            words.append(" and ".join(limits))
        if self.infinite:
            words.append("or .inf")
        if self.unit:
            words.append(f"({self.unit})")
        if self.optional or self.of_pipeline:
            words.append("or null")
        return " ".join(words)


@dataclass(frozen=True)
class Choice:
    """The words that a parameter may be.

    Parameters
    ----------
    names
        Each word that is allowed; none for any text at all.
    optional
        Whether it may be left out, or be null; its class then finds an empty text.

    Raises
    ------
    TypeError
        For words that are not in one tuple.

    Examples
    --------
    >>> combine = Choice(("add", "larger"))
    >>> str(combine), combine.allows("add"), combine.allows(3)
    ('add or larger', True, False)
    """

    names: tuple[str, ...] = ()
    optional: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        names: object = self.names
        optional: object = self.optional
        if not isinstance(names, tuple) or not isinstance(optional, bool):
            raise TypeError('Choice takes its words as one tuple: Choice(("a", "b"))')

    def allows(self, value: object) -> TypeGuard[str]:
        """Tell whether a value is one of the words."""
        if not isinstance(value, str):
            return False
        return not self.names or value in self.names

    def __str__(self) -> str:
        """Return the words in a row."""
        words = f"one of {list_names(self.names)}"
        if not self.names:
            words = "a text"
        elif len(self.names) == 2:
            words = " or ".join(self.names)
        return f"{words} or null" if self.optional else words


@dataclass(frozen=True)
class FileOf:
    """The files that a parameter may name: those that a reader can read.

    Parameters
    ----------
    suffixes
        The endings that are allowed, such as ``.npy``.
    what
        What the file holds, in words.

    Examples
    --------
    >>> heights = FileOf((".png", ".npy"), "a height map")
    >>> str(heights), heights.allows("letter.png"), heights.allows("letter.txt")
    ('a file with a height map, .png or .npy', True, False)
    """

    suffixes: tuple[str, ...]
    what: str
    optional: bool = False
    unit: str = ""

    def allows(self, value: object) -> TypeGuard[str]:
        """Tell whether a value is the name of such a file; whether it exists is told later."""
        return isinstance(value, str) and Path(value).suffix.lower() in self.suffixes

    def __str__(self) -> str:
        """Return what belongs here, in words."""
        return f"a file with {self.what}, {list_alternatives(self.suffixes)}"


Allowed: TypeAlias = Range | Choice | FileOf
"""What a parameter may be."""

MODEL_DRIVE = "a.u."
"""The unit of amplitudes where they are model drive, which is not calibrated."""
MILLIMETRE = "mm"
"""That of amplitudes which populations with a ``drive_per_mm`` take."""
DRIVE = Range(low=0.0)
"""Range of a drive: model drive at the receptor, not calibrated."""
PLACE = Range("mm")
"""Range of a coordinate on the skin."""
LENGTH = Range("mm", low=0.0, low_open=True)
"""Range of a width or a distance."""
RIM = Range("mm", low=0.0)
"""Range of the width of a rim; zero is a sharp one."""
ANGLE = Range("degrees")
"""Range of a direction, counter-clockwise from the x axis."""
INSTANT = Range("ms", low=0.0)
"""Range of a time since the stimulus began, or of a stretch of time."""
FREQUENCY = Range("Hz", low=0.0, low_open=True)
"""Range of how often something comes again."""
SPEED = Range("mm/s", low=0.0)
"""Range of a speed along a path."""
FRACTION = Range(low=0.0, high=1.0)
"""Range of a part of something."""
COUNT = Range(low=1.0, high=10_000.0, whole=True)
"""Range of a number of things."""
SEED = Range(low=0.0, high=LARGEST_SEED, whole=True)
"""Range of what freezes something random."""
