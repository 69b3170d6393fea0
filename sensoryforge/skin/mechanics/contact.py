"""Contact: which pins of a shape press on the skin, and with what force.

A shape is a set of flat pins, each pressed in by a depth of its own. A pin sinks by its own force
and by those of all others. Skin is pressed and not pulled: where a pin would have to pull, as in
the hollow behind a ridge, the skin lets go of it, and its force is zero.

The forces are the solution of ``P >= 0``, ``C P >= S``, with equality wherever P is above zero. It
is found by conjugate gradients with projection (Polonsky and Keer 1999,
doi:10.1016/S0043-1648(99)00113-1), here of prescribed depths: products of a matrix and a vector and
no more, summed in an order of our own (`sum_rows`), so that the bits are the same everywhere.
"""

from __future__ import annotations

import numpy as np

from sensoryforge.core.numerics import sum_rows
from sensoryforge.core.types import Bools, Floats, Ints, Positions
from sensoryforge.skin.mechanics.half_space import sink

PRECISION = 1e-11
"""How far surface and pins may lie apart, as part of the greatest depth."""
MOST_STEPS = 2000
"""Steps after which the forces are taken as they are; tens are usual."""
MOST_ROUNDS = 100
"""Times that pins are left out, or taken in again; a few are usual."""
FEWEST = 64
"""Of fewer pins none is left out."""
FEW = 0.7
"""Part of the pins that still press where the others are left out."""
ROWS = 256
"""Rows of the matrix that are worked on at a time: with 1,000 pins 2 MB."""
KEPT_BYTES = 64 * 1024**2
"""A larger matrix is looked up again in every step, so that memory stays flat."""
LATTICE_MM = 1e-9
"""How far pins may lie from the points of a lattice and still be on it: places are rounded."""


class Pins:
    """Flat round pins of one radius, such as the receptors of a sheet.

    Parameters
    ----------
    xy_mm
        Where they are, ``[n, 2]``.
    radius_mm
        Their radius, at most half the distance of neighbours.

    Examples
    --------
    >>> pins = Pins(np.array([[0.0, 0.0], [2.0, 0.0]]), radius_mm=1.0)
    >>> pins.sinking(np.array([0]), np.array([0, 1])).round(6).tolist()
    [[1.0, 0.333333]]
    """

    def __init__(self, xy_mm: Positions, radius_mm: float) -> None:
        self.xy_mm = xy_mm
        self.radius_mm = radius_mm
        self._columns, across_mm = _steps_along(xy_mm[:, 0])
        self._rows, along_mm = _steps_along(xy_mm[:, 1])
        self._table: Floats | None = None
        if across_mm and along_mm:
            # A pin sinks by how many columns and rows the other is away: few numbers, once for all.
            x = np.arange(self._columns.max() + 1) * across_mm
            y = np.arange(self._rows.max() + 1) * along_mm
            self._table = sink(np.sqrt(x * x + (y * y)[:, None]), radius_mm)

    def sinking(self, pressed: Ints, others: Ints) -> Floats:
        """Return how far pins sink under the force of each that is pressed.

        It is relative to how far a pin sinks by its own force.

        Parameters
        ----------
        pressed, others
            The numbers of pins, ``[m]`` and ``[n]``.

        Returns
        -------
        Floats
            ``[m, n]``.
        """
        if self._table is None:
            x, y = self.xy_mm[:, 0], self.xy_mm[:, 1]
            across = x[pressed, None] - x[others]
            along = y[pressed, None] - y[others]
            return sink(np.sqrt(across * across + along * along), self.radius_mm)
        rows = np.abs(self._rows[pressed, None] - self._rows[others])
        rows *= self._table.shape[1]
        rows += np.abs(self._columns[pressed, None] - self._columns[others])
        looked_up: Floats = np.take(self._table, rows)
        return looked_up


def _steps_along(places: Floats) -> tuple[Ints, float]:
    """Return at which step of a lattice each place is, and its pitch; zero where there is none."""
    distinct = np.unique(places)
    gaps = np.diff(distinct)
    gaps = gaps[gaps > LATTICE_MM]
    if len(gaps) == 0:
        return np.zeros(len(places), np.int64), 1.0
    first, last = float(distinct[0]), float(distinct[-1])
    # The whole length over the number of steps: its rounding is shared by all of them.
    pitch = (last - first) / np.rint((last - first) / gaps.min())
    steps = (places - first) / pitch
    nearest = np.rint(steps)
    if float(np.abs(steps - nearest).max()) * pitch > LATTICE_MM:
        return np.zeros(len(places), np.int64), 0.0
    return nearest.astype(np.int64), float(pitch)


class _Compliance:
    """How far some pins sink under their forces; the matrix is kept where it is not too large."""

    def __init__(self, pins: Pins, numbers: Ints, kept: Floats | None = None) -> None:
        self._pins = pins
        self._numbers = numbers
        self._kept = kept
        if kept is None and 8 * len(numbers) ** 2 <= KEPT_BYTES:
            self._kept = pins.sinking(numbers, numbers)

    def of(self, some: Ints) -> _Compliance:
        """Return the same of some of the pins."""
        kept = None if self._kept is None else self._kept[some[:, None], some]
        return _Compliance(self._pins, self._numbers[some], kept)

    def times(self, forces: Floats) -> Floats:
        """Return how far the pins sink under forces ``[n]``: added in a fixed order."""
        sunk = np.zeros(len(forces))
        pressed = np.flatnonzero(forces)
        for first in range(0, len(pressed), ROWS):
            some = pressed[first : first + ROWS]
            if self._kept is None:
                rows = self._pins.sinking(self._numbers[some], self._numbers)
            else:
                rows = self._kept[some]
            rows *= forces[some, None]
            sunk += sum_rows(rows)
        return sunk


def press(depths: Floats, pins: Pins) -> Floats:
    """Return the forces of pins that are pressed in, in units of a lone pin's force per mm.

    Parameters
    ----------
    depths
        How far each pin is pressed in, in mm, ``[n]``; one of zero or less does not touch.
    pins
        Where they are.

    Returns
    -------
    Floats
        ``[n]``, none below zero.

    Examples
    --------
    Two pins side by side sink into each other's hollow, and each takes less than one alone:

    >>> pins = Pins(np.array([[0.0, 0.0], [2.0, 0.0]]), radius_mm=1.0)
    >>> press(np.array([1.0, 1.0]), pins).round(6).tolist()
    [0.75, 0.75]
    """
    forces = np.zeros(len(depths))
    if not np.isfinite(depths).all():
        return np.full(len(depths), np.nan)
    touching = np.flatnonzero(depths > 0.0)
    if len(touching) == 0:
        return forces
    deepest = float(depths[touching].max())
    compliance = _Compliance(pins, touching)
    forces[touching] = deepest * _solve(compliance, depths[touching] / deepest)
    return forces


def _solve(compliance: _Compliance, depths: Floats) -> Floats:
    """Return the forces of pins whose greatest depth is one.

    Pins that have let go are left out of the matrix, and looked at again when the others are at
    rest: of a rough surface a quarter touches.
    """
    forces = depths * (_dot(depths, depths) / _dot(depths, compliance.times(depths)))
    among = np.arange(len(depths))
    for _ in range(MOST_ROUNDS):
        some = compliance if len(among) == len(depths) else compliance.of(among)
        forces[among] = _relax(some, depths[among], forces[among])
        held = forces > 0.0
        if _are_few(int(np.count_nonzero(held)), len(among)):
            among = np.flatnonzero(held)
            continue
        gap = compliance.times(forces) - depths
        is_in_skin = ~held & (gap < -PRECISION)
        if not is_in_skin.any():
            break
        forces[is_in_skin] = -gap[is_in_skin]
        among = np.flatnonzero(held | is_in_skin)
    return forces


def _relax(compliance: _Compliance, depths: Floats, forces: Floats) -> Floats:
    """Return the forces of pins at rest, or those so far where only few of them still press."""
    direction = np.zeros_like(depths)
    square_before = 1.0
    is_fresh = True
    for _ in range(MOST_STEPS):
        gap = compliance.times(forces) - depths  # below zero where the pin is in the skin
        held = forces > 0.0
        if _is_solved(gap, held) or _are_few(int(np.count_nonzero(held)), len(held)):
            break
        square = _dot_of(gap, gap, held)
        along = 0.0 if is_fresh else square / square_before
        direction = np.where(held, gap + along * direction, 0.0)
        square_before = square
        step = _dot_of(gap, direction, held) / _dot(direction, compliance.times(direction))
        forces = np.maximum(forces - step * direction, 0.0)
        let_go = (forces == 0.0) & held
        is_pressed_again = (forces == 0.0) & (gap < 0.0)
        forces[is_pressed_again] -= step * gap[is_pressed_again]
        # Where the pins that touch have changed, earlier directions say nothing any more.
        is_fresh = bool(is_pressed_again.any() or let_go.any())
    return forces


def _are_few(held: int, among: int) -> bool:
    """Tell whether so few pins press that it pays to leave out the others."""
    return among > FEWEST and held < FEW * among


def _is_solved(gap: Floats, held: Bools) -> bool:
    farthest = np.where(held, np.abs(gap), np.maximum(-gap, 0.0))
    return float(farthest.max()) <= PRECISION


def _dot(one: Floats, other: Floats) -> float:
    return float(sum_rows(one * other))


def _dot_of(one: Floats, other: Floats, some: Bools) -> float:
    return _dot(np.where(some, one, 0.0), other)


def middle_of(forces: Floats, xy_mm: Positions, touching: Ints) -> tuple[float, float]:
    """Return the middle of a contact: the mean place of its pins, weighted by their forces.

    Parameters
    ----------
    forces
        The forces of the pins that touch, ``[m]``.
    xy_mm
        The places of all pins, ``[n, 2]``.
    touching
        The numbers of those that touch, ``[m]``.

    Examples
    --------
    >>> pins = np.array([[0.0, 0.0], [2.0, 0.0]])
    >>> middle_of(np.array([1.0, 3.0]), pins, np.array([0, 1]))
    (1.5, 0.0)
    """
    total = float(sum_rows(forces.copy()))
    x = float(sum_rows(forces * xy_mm[touching, 0])) / total
    y = float(sum_rows(forces * xy_mm[touching, 1])) / total
    return x, y
