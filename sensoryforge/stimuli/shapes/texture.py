"""A texture: a random surface with a spectrum of its own, frozen by a seed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import namespace
from sensoryforge.core.types import Columns, Floats, Positions
from sensoryforge.stimuli.cautions import Caution, Sheet, texture_cautions
from sensoryforge.stimuli.ranges import DRIVE, LENGTH, SEED, Allowed, Range
from sensoryforge.stimuli.relief import RELIEF, Relief, pays
from sensoryforge.stimuli.shapes.shape import Shape
from sensoryforge.stimuli.surface import TILE_WAVES, Surface, make_texture

MOST_RATIO = 50.0
"""Longest over shortest wave, at most: a tile then has 1,600 points a side."""
TWO_THIRDS = 2.0 / 3.0
KEPT_TILES = 16
"""Surfaces that are kept in memory."""
_one_at_a_time = Lock()
"""Threads that need the same surface wait for the one that makes it."""


class Texture(Shape):
    """A random surface all over the sheet, the same wherever it has the same ``pattern_seed``.

    Its lowest place presses with zero, its highest with ``amplitude``. It is a tile, four of its
    longest waves wide, that comes again in all directions; see
    `sensoryforge.stimuli.surface.make_texture`.

    Parameters
    ----------
    columns
        ``amplitude`` (model drive), ``beta`` (the power falls as 1/f^beta), ``shortest_mm``,
        ``longest_mm`` (wavelengths), ``pattern_seed``, each ``[C]``.

    Examples
    --------
    >>> values = {"amplitude": 30.0, "beta": 2.0, "pattern_seed": 0}
    >>> values |= {"shortest_mm": 1.0, "longest_mm": 4.0}
    >>> texture = Texture({name: np.array([value]) for name, value in values.items()})
    >>> here, one_tile_on = texture.space(np.array([[0.5, 0.0], [16.5, 0.0]]))[0, 0]
    >>> bool(abs(here - one_tile_on) < 1e-9)
    True
    """

    tensors = True

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "amplitude": DRIVE,
        "beta": Range(low=0.0, high=8.0),
        "shortest_mm": LENGTH,
        "longest_mm": LENGTH,
        "pattern_seed": SEED,
    }

    loops: ClassVar[tuple[str, ...]] = (RELIEF,)

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the surface at places of the skin."""
        pressed = []
        for condition in range(self.count):
            tile, steps_of_mm = self._tile(condition)
            column = (x if x.ndim == 1 else x[condition]) * steps_of_mm
            row = (y if y.ndim == 1 else y[condition]) * steps_of_mm
            pressed.append(tile.at(column, row))
        heights: Floats = self["amplitude"] * namespace(x).stack(pressed)
        return heights

    def stills(self, xy: Positions, x: Floats, y: Floats) -> Floats:
        """Return the surface moved to several places; compiled, where it is worked out at many."""
        if not pays(xy, x):
            return super().stills(xy, x, y)
        tile, steps_of_mm = self._tile(0)
        relief = Relief(tile, steps_of_mm, amplitude=float(self["amplitude"][0, 0]))
        return relief.stills(xy, x, y)

    def _tile(self, condition: int) -> tuple[Surface, float]:
        """Return the surface of a condition, and how many of its points lie in a millimetre."""
        names = ("beta", "shortest_mm", "longest_mm", "pattern_seed")
        beta, shortest, longest, seed = (float(self[name][condition, 0]) for name in names)
        with _one_at_a_time:
            tile = _make_tile(beta, shortest, longest, int(seed))
        return tile, (len(tile.heights) - 1) / (TILE_WAVES * longest)

    def detail_mm(self) -> Floats:
        """Return two thirds of the shortest wave, which then has six stills."""
        detail: Floats = TWO_THIRDS * self["shortest_mm"]
        return detail

    @classmethod
    def check(cls, columns: Columns, duration_ms: float) -> list[str]:
        """Refuse wavelengths in the wrong order, or too far apart."""
        shortest, longest = columns["shortest_mm"], columns["longest_mm"]
        is_wrong = (longest < shortest) | (longest > MOST_RATIO * shortest)
        if not is_wrong.any():
            return []
        first = int(np.argmax(is_wrong))
        low, high = shortest[first], MOST_RATIO * shortest[first]
        allowed = f"allowed is {low:g} to {high:g}, {MOST_RATIO:g} times shortest_mm (mm)"
        return [f"longest_mm: got {longest[first]:g}, {allowed}"]

    @classmethod
    def cautions(cls, columns: Columns, sheet: Sheet) -> list[Caution]:
        """Tell waves that are finer than the receptors."""
        return texture_cautions(columns["shortest_mm"], sheet)


@lru_cache(maxsize=KEPT_TILES)
def _make_tile(beta: float, shortest_mm: float, longest_mm: float, seed: int) -> Surface:
    return Surface.tile(make_texture(beta, shortest_mm, longest_mm, seed))
