"""Reliefs, compiled: how high a surface is at receptors, with it moved to several places.

Each operation is that of NumPy's way (`Surface.at`), in the same order: the bits are its.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.kernel_cache import load
from sensoryforge.core.types import Floats, Positions
from sensoryforge.stimuli.surface import Surface

MANY_HEIGHTS = 2048
"""Heights from which on it pays to load the compiled loop."""

# nogil: conditions are worked out in several threads. A place that is not a number has no height.
RELIEF = """\
from math import floor, nan

from numba import njit

@njit(
    "void(float64[:,::1], boolean, float64[::1], float64[:,::1], float64[::1], float64[::1],"
    " float64[:,::1])",
    cache=True, nogil=True,
)
def kernel(heights, is_tile, frame, xy, moved_x, moved_y, pressed):
    center_x, center_y, cosine, sine = frame[:4]
    points_of_mm, column_at_center, row_at_center, amplitude = frame[4:]
    lines, columns = heights.shape
    for still in range(len(pressed)):
        for receptor in range(len(xy)):
            x = xy[receptor, 0] - moved_x[still] - center_x
            y = xy[receptor, 1] - moved_y[still] - center_y
            column = (x * cosine + y * sine) * points_of_mm + column_at_center
            row = (y * cosine - x * sine) * points_of_mm + row_at_center
            if is_tile:
                column -= floor(column / (columns - 1.0)) * (columns - 1.0)
                row -= floor(row / (lines - 1.0)) * (lines - 1.0)
            else:
                column = min(max(column + 1.0, 0.0), columns - 1.0)
                row = min(max(row + 1.0, 0.0), lines - 1.0)
            if column != column or row != row:
                pressed[still, receptor] = nan
                continue
            left = min(max(floor(column), 0.0), columns - 2.0)
            below = min(max(floor(row), 0.0), lines - 2.0)
            column -= left
            row -= below
            i, j = int(below), int(left)
            lower = heights[i, j] + (heights[i, j + 1] - heights[i, j]) * column
            upper = heights[i + 1, j] + (heights[i + 1, j + 1] - heights[i + 1, j]) * column
            pressed[still, receptor] = (lower + (upper - lower) * row) * amplitude
"""


@dataclass(frozen=True)
class Relief:
    """A surface laid on the skin.

    Parameters
    ----------
    surface
        Its heights.
    points_of_mm
        Steps of its lattice in a millimetre.
    amplitude
        What a height of one presses with.
    center_mm
        The place that it is turned about.
    axes
        Cosine and sine of the direction of its rows.
    at_center
        Column and row of the lattice at that place.
    """

    surface: Surface
    points_of_mm: float
    amplitude: float
    center_mm: tuple[float, float] = (0.0, 0.0)
    axes: tuple[float, float] = (1.0, 0.0)
    at_center: tuple[float, float] = (0.0, 0.0)

    def stills(self, xy: Positions, x: Floats, y: Floats) -> Floats:
        """Return the pressure with the surface moved to several places; see `Shape.stills`.

        Examples
        --------
        >>> relief = Relief(Surface.island(np.array([[1.0]])), points_of_mm=1.0, amplitude=30.0)
        >>> moved = np.array([0.0, 0.5])
        >>> relief.stills(np.array([[0.0, 0.0]]), moved, np.zeros(2)).tolist()
        [[30.0], [15.0]]
        """
        frame = (*self.center_mm, *self.axes, self.points_of_mm, *self.at_center, self.amplitude)
        pressed = np.empty((len(x), len(xy)))
        load(RELIEF)(
            self.surface.heights,
            self.surface.is_tile,
            np.array(frame),
            np.ascontiguousarray(xy, dtype=np.float64),
            np.ascontiguousarray(x, dtype=np.float64),
            np.ascontiguousarray(y, dtype=np.float64),
            pressed,
        )
        return pressed


def pays(xy: Positions, x: Floats) -> bool:
    """Tell whether there are arrays, and enough heights to work out to load the loop for them."""
    return isinstance(x, np.ndarray) and len(x) * len(xy) >= MANY_HEIGHTS
