"""A Braille letter: up to six raised dots."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution, Sheet, reach_cautions
from sensoryforge.stimuli.ranges import DRIVE, LENGTH, PLACE, Allowed, Choice
from sensoryforge.stimuli.shapes.shape import Shape, dome, reach_of_rectangle

LETTERS: Mapping[str, str] = {
    "a": "1",
    "b": "12",
    "c": "14",
    "d": "145",
    "e": "15",
    "f": "124",
    "g": "1245",
    "h": "125",
    "i": "24",
    "j": "245",
    "k": "13",
    "l": "123",
    "m": "134",
    "n": "1345",
    "o": "135",
    "p": "1234",
    "q": "12345",
    "r": "1235",
    "s": "234",
    "t": "2345",
    "u": "136",
    "v": "1236",
    "w": "2456",
    "x": "1346",
    "y": "13456",
    "z": "1356",
}
"""The dots of each letter: 1 to 3 down the left column, 4 to 6 down the right (ISO 17049)."""
ROWS, COLUMNS = 3, 2
"""A cell of Braille."""
HALF_DIAGONAL = 0.5 * sqrt(ROWS**2 + COLUMNS**2)
"""Of a cell, in pitches."""


class Braille(Shape):
    """A letter of Braille, centred on ``center_x``, ``center_y``; each dot is a dome.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``letter`` (a to z), ``dot_mm`` (diameter of a dot at its
        base), ``pitch_mm`` (distance of neighbouring dots), ``center_x``, ``center_y`` (mm), each
        ``[C]``. In print the dots are about 1.5 mm wide and 2.5 mm apart (ISO 17049).

    Examples
    --------
    >>> values = {"amplitude": 30.0, "dot_mm": 1.5, "pitch_mm": 2.5}
    >>> values |= {"center_x": 0.0, "center_y": 0.0, "letter": "c"}
    >>> letter = Braille({name: np.array([value]) for name, value in values.items()})
    >>> letter.space(np.array([[-1.25, 2.5], [1.25, 2.5], [-1.25, 0.0]])).tolist()
    [[[30.0, 30.0, 0.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "letter": Choice(tuple(LETTERS)),
        "dot_mm": LENGTH,
        "pitch_mm": LENGTH,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the dots at places of the skin: each place is near one of the six at most."""
        xp = namespace(self["dot_mm"])
        across = (x - self["center_x"]) / self["pitch_mm"] + 0.5 * COLUMNS
        down = 0.5 * ROWS - (y - self["center_y"]) / self["pitch_mm"]
        column = xp.clip(xp.floor(across), 0.0, COLUMNS - 1.0)
        row = xp.clip(xp.floor(down), 0.0, ROWS - 1.0)
        from_dot_x = across - column - 0.5
        from_dot_y = down - row - 0.5
        radius = 0.5 * self["dot_mm"] / self["pitch_mm"]
        square = (from_dot_x * from_dot_x + from_dot_y * from_dot_y) / (radius * radius)
        pressed = dome(square)
        pressed *= self._is_raised(xp.asarray(column * ROWS + row, dtype=xp.int64))
        pressed *= self["amplitude"]
        return pressed

    def _is_raised(self, dot: Floats) -> Floats:
        """Return one where the letter has the dot of that number, from 0 to 5, zero elsewhere."""
        xp = namespace(dot)
        raised: Floats = xp.zeros_like(dot, dtype=xp.float64)
        for condition, letter in enumerate(self.texts("letter")):
            for number in LETTERS[letter]:
                raised[condition] += dot[condition] == int(number) - 1
        return raised

    def detail_mm(self) -> Floats:
        """Return two thirds of a dot's radius."""
        detail: Floats = (1.0 / 3.0) * self["dot_mm"]
        return detail

    def reach_mm(self) -> Floats:
        """Return half the sides of the cell."""
        pitch = self["pitch_mm"]
        return reach_of_rectangle(COLUMNS * pitch, ROWS * pitch)

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse dots that overlap."""
        is_wide = columns["dot_mm"] > columns["pitch_mm"]
        if not is_wide.any():
            return []
        first = int(np.argmax(is_wide))
        got, pitch = columns["dot_mm"][first], columns["pitch_mm"][first]
        return [f"dot_mm: got {got:g}, allowed is at most pitch_mm, {pitch:g} (mm)"]

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell a letter that is off the sheet, or whose dots lie between receptors."""
        reach = HALF_DIAGONAL * columns["pitch_mm"]
        return reach_cautions(columns, reach, "dot_mm", columns["dot_mm"], sheet)
