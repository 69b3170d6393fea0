"""A field of raised dots in rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from sensoryforge.core.numerics import like, namespace, uniforms
from sensoryforge.core.types import Columns, Floats
from sensoryforge.stimuli.cautions import Caution, Sheet, reach_cautions
from sensoryforge.stimuli.ranges import COUNT, DRIVE, LENGTH, PLACE, SEED, Allowed, Range
from sensoryforge.stimuli.shapes.shape import Shape, dome, reach_of_rectangle


class Dots(Shape):
    """Dots in rows and columns, each a dome of its own place.

    The dots are centred on ``center_x``, ``center_y``. With ``jitter`` each is moved by a random
    amount along x and y, at most that part of the pitch; ``pattern_seed`` freezes where to. A dot
    is a dome, ``amplitude (1 - r^2 / radius^2)^2``.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``rows``, ``columns``, ``pitch_mm``, ``diameter_mm``,
        ``jitter`` (part of the pitch), ``pattern_seed``, ``center_x``, ``center_y`` (mm), each
        ``[C]``.

    Examples
    --------
    >>> values = {"amplitude": 30.0, "rows": 1, "columns": 2, "pitch_mm": 2.0, "diameter_mm": 1.0}
    >>> values |= {"jitter": 0.0, "pattern_seed": 0, "center_x": 0.0, "center_y": 0.0}
    >>> dots = Dots({name: np.array([value]) for name, value in values.items()})
    >>> dots.space(np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])).tolist()
    [[[30.0, 0.0, 30.0]]]
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "rows": COUNT,
        "columns": COUNT,
        "pitch_mm": LENGTH,
        "diameter_mm": LENGTH,
        "jitter": Range(low=0.0, high=0.5),
        "pattern_seed": SEED,
        "center_x": PLACE,
        "center_y": PLACE,
    }

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the dots at places of the skin.

        A dot never leaves its own cell of the lattice, so that a place is near one dot at most.
        """
        xp = namespace(self["rows"])
        # Places in pitches from the lower left corner of the lattice of cells.
        across = (x - self["center_x"]) / self["pitch_mm"] + 0.5 * self["columns"]
        along = (y - self["center_y"]) / self["pitch_mm"] + 0.5 * self["rows"]
        column, row = xp.floor(across), xp.floor(along)
        has_dot = (column >= 0) & (column < self["columns"]) & (row >= 0) & (row < self["rows"])
        column = xp.minimum(xp.clip(column, 0.0, None), self["columns"] - 1.0)
        row = xp.minimum(xp.clip(row, 0.0, None), self["rows"] - 1.0)
        shift_x, shift_y = self._shifts(row, column)
        from_dot_x = across - column - 0.5 - shift_x
        from_dot_y = along - row - 0.5 - shift_y
        radius = 0.5 * self["diameter_mm"] / self["pitch_mm"]
        square = (from_dot_x * from_dot_x + from_dot_y * from_dot_y) / (radius * radius)
        pressed: Floats = self["amplitude"] * (dome(square) * has_dot)
        return pressed

    def _shifts(self, row: Floats, column: Floats) -> tuple[Any, Any]:
        """Return how far each dot is moved, ``[C, P]`` in pitches."""
        xp = namespace(self["jitter"])
        if not bool((self["jitter"] > 0).any()):
            return 0.0, 0.0
        shifts_x = xp.zeros_like(row)
        shifts_y = xp.zeros_like(row)
        for condition in range(self.count):
            rows = int(self["rows"][condition, 0])
            columns = int(self["columns"][condition, 0])
            seed = int(self["pattern_seed"][condition, 0])
            drawn = uniforms(seed, "dots", size=2 * rows * columns).reshape(-1, 2) * 2.0 - 1.0
            table = self["jitter"][condition] * like(drawn, row)
            dot = row[condition] * columns + column[condition]
            number = xp.asarray(dot, dtype=xp.int64)
            shifts_x[condition] = table[number, 0]
            shifts_y[condition] = table[number, 1]
        return shifts_x, shifts_y

    def detail_mm(self) -> Floats:
        """Return two thirds of a dot's radius."""
        detail: Floats = (1.0 / 3.0) * self["diameter_mm"]
        return detail

    def reach_mm(self) -> Floats:
        """Return half the sides of the field, which no dot leaves."""
        pitch = self["pitch_mm"]
        return reach_of_rectangle(self["columns"] * pitch, self["rows"] * pitch)

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse dots that overlap."""
        room = 0.5 - 0.5 * columns["diameter_mm"] / columns["pitch_mm"]
        is_wide = columns["diameter_mm"] > columns["pitch_mm"]
        is_moved_too_far = ~is_wide & (columns["jitter"] > room + 1e-9)
        problems = []
        if is_wide.any():
            first = int(np.argmax(is_wide))
            got = columns["diameter_mm"][first]
            pitch = columns["pitch_mm"][first]
            problems.append(
                f"diameter_mm: got {got:g}, allowed is at most pitch_mm, {pitch:g} (mm)"
            )
        if is_moved_too_far.any():
            first = int(np.argmax(is_moved_too_far))
            got = columns["jitter"][first]
            problems.append(
                f"jitter: got {got:g}, allowed is at most {room[first]:g}, the part of the pitch "
                "that keeps dots of this diameter apart"
            )
        return problems

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell dots that are off the sheet, or lie between receptors."""
        half_diagonal = 0.5 * np.hypot(columns["rows"], columns["columns"]) * columns["pitch_mm"]
        diameter = columns["diameter_mm"]
        return reach_cautions(columns, half_diagonal, "diameter_mm", diameter, sheet)
