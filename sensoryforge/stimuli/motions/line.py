"""Along a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import cos_turns, divide, sin_turns
from sensoryforge.core.types import Bools, Columns, Floats
from sensoryforge.stimuli.cautions import Sheet
from sensoryforge.stimuli.motions.motion import Motion
from sensoryforge.stimuli.ranges import ANGLE, INSTANT, PLACE, SPEED, Allowed


class Line(Motion):
    """Along a straight line at a steady speed.

    Parameters
    ----------
    columns
        ``speed_mm_s``, ``direction`` (degrees from the x axis), ``start_mm`` (where it starts,
        along the direction; at zero where it rests), ``onset_ms`` (when it starts to move), each
        ``[C]``.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"speed_mm_s": 20.0, "direction": 90.0, "start_mm": -2.0, "onset_ms": 0.0}
    >>> line = Line({name: np.array([value]) for name, value in values.items()})
    >>> x, y = line.place(line.distance(np.array([0.0, 100.0])))
    >>> x.tolist(), y.tolist()
    ([[0.0, -0.0]], [[-2.0, 0.0]])
    """

    tensors = True
    leads = ("start_mm", "direction")
    unfinished = "is still entering the sheet"

    ranges: ClassVar[Mapping[str, Allowed]] = {
        "speed_mm_s": SPEED,
        "direction": ANGLE,
        "start_mm": PLACE,
        "onset_ms": INSTANT,
    }

    def place(self, distance_mm: Floats) -> tuple[Floats, Floats]:
        """Return where the shape is."""
        turns = divide(self["direction"], 360.0)
        along = self["start_mm"] + distance_mm
        return along * cos_turns(turns), along * sin_turns(turns)

    @classmethod
    def ends_ms(cls, columns: Columns, x_mm: Floats, y_mm: Floats, sheet: Sheet) -> Floats:
        """Return when the middle of the shape has crossed the sheet; infinite where it never does.

        >>> values = {"speed_mm_s": 20.0, "direction": 90.0, "start_mm": -3.0, "onset_ms": 10.0}
        >>> columns = {name: np.array([value]) for name, value in values.items()}
        >>> place = np.zeros(1)
        >>> Line.ends_ms(columns, place, place, Sheet(4.8, 4.8, 0.15)).tolist()
        [280.0]
        """
        enters_mm, leaves_mm = _on_the_sheet(columns, x_mm, y_mm, sheet)
        return _reaches_ms(columns, leaves_mm, is_crossing=enters_mm < leaves_mm)

    @classmethod
    def arrives_ms(cls, columns: Columns, x_mm: Floats, y_mm: Floats, sheet: Sheet) -> Floats:
        """Return when the middle of the shape is on the sheet, as a stroke may end there.

        >>> values = {"speed_mm_s": 20.0, "direction": 90.0, "start_mm": -3.0, "onset_ms": 10.0}
        >>> columns = {name: np.array([value]) for name, value in values.items()}
        >>> place = np.zeros(1)
        >>> Line.arrives_ms(columns, place, place, Sheet(4.8, 4.8, 0.15)).round(6).tolist()
        [40.0]
        """
        enters_mm, leaves_mm = _on_the_sheet(columns, x_mm, y_mm, sheet)
        reaches_ms = _reaches_ms(columns, enters_mm, is_crossing=enters_mm < leaves_mm)
        return np.where(columns["start_mm"] >= enters_mm, 0.0, reaches_ms)


def _on_the_sheet(
    columns: Columns, x_mm: Floats, y_mm: Floats, sheet: Sheet
) -> tuple[Floats, Floats]:
    """Return where along its line the middle of a shape comes to the sheet, and leaves it."""
    turns = columns["direction"] / 360.0
    along_x = _leaves(x_mm - sheet.center_mm[0], cos_turns(turns), sheet.width_mm / 2)
    along_y = _leaves(y_mm - sheet.center_mm[1], sin_turns(turns), sheet.height_mm / 2)
    return np.maximum(along_x[0], along_y[0]), np.minimum(along_x[1], along_y[1])


def _reaches_ms(columns: Columns, place_mm: Floats, *, is_crossing: Bools) -> Floats:
    """Return when a shape reaches a place along its line that lies ahead; infinite if none does."""
    way_mm = place_mm - columns["start_mm"]
    speed = columns["speed_mm_s"]
    is_ahead = is_crossing & (way_mm > 0) & (speed > 0) & np.isfinite(place_mm)
    moves_ms = np.full(len(speed), np.inf)
    moves_ms[is_ahead] = 1000.0 * way_mm[is_ahead] / speed[is_ahead]
    reaches_ms: Floats = columns["onset_ms"] + moves_ms
    return reaches_ms


def _leaves(offset_mm: Floats, slope: Floats, half_mm: float) -> tuple[Floats, Floats]:
    """Return where along a line its coordinate comes within some distance of zero, and leaves it.

    Of a line that stays outside both are NaN, which is neither before nor after anything.
    """
    is_inside = np.abs(offset_mm) <= half_mm
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (-half_mm - offset_mm) / slope
        second = (half_mm - offset_mm) / slope
    enters = np.where(slope == 0, np.where(is_inside, -np.inf, np.nan), np.minimum(first, second))
    leaves = np.where(slope == 0, np.where(is_inside, np.inf, np.nan), np.maximum(first, second))
    return enters, leaves
