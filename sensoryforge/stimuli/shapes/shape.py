"""What a shape is: pressure on the skin at rest, which a profile and a motion bring to life.

A new shape is a subclass of `Shape` with ``ranges``, ``press`` and ``detail_mm``, and a YAML file
in ``conf/stimuli`` with its defaults.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from sensoryforge.core.numerics import cos_turns, divide, namespace, sin_turns
from sensoryforge.core.types import Columns, Floats, Positions, Space, Time
from sensoryforge.stimuli.base import Stimulus, steady
from sensoryforge.stimuli.blend import Blend

WAYS_OF_PRESS = ("space", "stills", "loops", "moved", "detail_mm", "reach_mm")
"""What says the same as ``press``, or holds for one ``press`` alone."""
SHARPEST_MM = 1e-6
"""A rim narrower than this is as sharp as one of width zero."""
ROOM_FOR_ROUNDING = 1e-9
"""Of a rectangle's side, so that no receptor right at its border is left out."""


class Shape(Stimulus):
    """Shapes of one kind at rest, on from the first sample to the last.

    Examples
    --------
    A ring, as a user would write it:

    >>> import numpy as np
    >>> from sensoryforge.stimuli import DRIVE, LENGTH
    >>> class Ring(Shape):
    ...     ranges = {"amplitude": DRIVE, "radius_mm": LENGTH, "width_mm": LENGTH}
    ...     def press(self, x, y):
    ...         from_ring = np.abs(np.sqrt(x * x + y * y) - self["radius_mm"])
    ...         return self["amplitude"] * (from_ring <= 0.5 * self["width_mm"])
    ...     def detail_mm(self):
    ...         return self["width_mm"]
    >>> values = {"amplitude": 30.0, "radius_mm": 1.0, "width_mm": 0.5}
    >>> ring = Ring({name: np.array([value]) for name, value in values.items()})
    >>> ring.space(np.array([[0.0, 0.0], [0.0, 1.0]])).tolist()
    [[[0.0, 30.0]]]
    """

    in_proportion: ClassVar[bool] = True
    """Whether pressing twice as far doubles it everywhere; of a round body also more touches."""

    loops: ClassVar[tuple[str, ...]] = ()
    """Sources of compiled loops that ``stills`` loads, where it does."""

    def __init_subclass__(cls) -> None:
        """Let go of the ways that a shape inherits where it presses otherwise than its parent."""
        super().__init_subclass__()
        if "press" not in vars(cls):
            return
        for name in WAYS_OF_PRESS:
            if name not in vars(cls):
                setattr(cls, name, getattr(Shape, name))

    def press(self, x: Floats, y: Floats) -> Floats:
        """Return the pressure at places of the skin.

        A subclass that presses otherwise than its parent says anew how: what the parent knows of
        its own details, its reach and of quicker ways does not hold for it.

        Parameters
        ----------
        x, y
            The places in mm, ``[P]``, or ``[C, P]`` where each condition has its own.

        Returns
        -------
        Floats
            ``[C, P]``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no press")

    def detail_mm(self) -> Floats:
        """Return the size of the finest detail of each condition, ``[C, 1]`` in mm.

        Where the shape moves, it is worked out at places that lie a quarter of this apart, and
        between them by a cubic. Zero: at each sample. By default that is what happens.
        """
        for some in self._columns.values():
            zero: Floats = namespace(some).zeros_like(some)[:, None]
            return zero
        return np.zeros((self.count, 1))

    def reach_mm(self) -> Floats | None:
        """Return how far from its centre a shape presses, in mm.

        Farther out the pressure is zero, and a moving shape is not worked out there. A shape with a
        reach has ``center_x`` and ``center_y``.

        Returns
        -------
        Floats or None
            ``[C, 1]``, or ``[C, 2]`` along x and along y where they differ, such as
            `reach_of_rectangle`. None, as by default: it presses everywhere.
        """
        return None

    @cached_property
    def axes(self) -> tuple[Floats, Floats]:
        """Cosine and sine of ``orientation``, ``[C, 1]`` each."""
        turns = divide(self["orientation"], 360.0)
        return cos_turns(turns), sin_turns(turns)

    def moved(self, xy: Positions, x: Floats, y: Floats) -> Blend | None:
        """Return the pressure of a single condition that moves, where few stills say it exactly.

        Parameters
        ----------
        xy
            Receptors, ``[R, 2]`` in mm.
        x, y
            Where the shape is at each sample, ``[T]`` in mm.

        Returns
        -------
        Blend or None
            None, as by default: it is worked out along its path, see `detail_mm`.
        """
        return None

    def stills(self, xy: Positions, x: Floats, y: Floats) -> Floats:
        """Return the pressure of a single condition with the shape moved to several places.

        Parameters
        ----------
        xy
            Receptors, ``[R, 2]`` in mm.
        x, y
            Where the shape is, ``[J]`` in mm; at zero it is where it rests.

        Returns
        -------
        Floats
            ``[J, R]``.
        """
        across = xy[:, 0] - x[:, None]
        along = xy[:, 1] - y[:, None]
        pressed = self.press(across.reshape(1, -1), along.reshape(1, -1))
        return pressed.reshape(across.shape)

    def pressed_by(self, heights: Floats) -> Self:
        """Return the shape of a single condition, its amplitude times each of some heights.

        Parameters
        ----------
        heights
            Factors of the amplitude, ``[J]``.

        Returns
        -------
        Shape
            J conditions.
        """
        columns: Columns = {}
        for name, values in self._columns.items():
            scale = heights if name == "amplitude" else namespace(heights).ones_like(heights)
            columns[name] = values * scale
        for name, texts in self._texts.items():
            columns[name] = np.array(texts * len(heights))
        return type(self)(columns)

    def space(self, xy: Positions) -> Space:
        """Return the shape."""
        return self.press(xy[:, 0], xy[:, 1])[:, None]

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return ones."""
        return steady(self, t_ms)


def turned(x: Floats, y: Floats, axes: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return places as seen from axes that are turned.

    Parameters
    ----------
    x, y
        The places, ``[P]`` or ``[C, P]`` in mm.
    axes
        Cosine and sine of the angle by which they are turned, ``[C, 1]`` each (`Shape.axes`).

    Returns
    -------
    u, v
        The places along the first and the second turned axis, ``[C, P]``.

    Examples
    --------
    >>> import numpy as np
    >>> quarter_turn = (np.array([[0.0]]), np.array([[1.0]]))
    >>> u, v = turned(np.array([0.0]), np.array([2.0]), quarter_turn)
    >>> u.tolist(), v.tolist()
    ([[2.0]], [[0.0]])
    """
    cosine, sine = axes
    return x * cosine + y * sine, y * cosine - x * sine


def reach_of_rectangle(
    length_mm: Floats, width_mm: Floats, axes: tuple[Floats, Floats] | None = None
) -> Floats:
    """Return how far a rectangle reaches from its centre, ``[C, 2]`` along x and y in mm.

    Parameters
    ----------
    length_mm, width_mm
        Its sides, ``[C, 1]``.
    axes
        Cosine and sine of the direction of its length, ``[C, 1]`` each; by default along x.

    Examples
    --------
    >>> import numpy as np
    >>> quarter_turn = (np.array([[0.0]]), np.array([[1.0]]))
    >>> reach_of_rectangle(np.array([[4.0]]), np.array([[1.0]]), quarter_turn).round(6).tolist()
    [[0.5, 2.0]]
    """
    xp = namespace(length_mm)
    if axes is None:
        along_x, along_y = length_mm, width_mm
    else:
        cosine, sine = xp.abs(axes[0]), xp.abs(axes[1])
        along_x = cosine * length_mm + sine * width_mm
        along_y = sine * length_mm + cosine * width_mm
    sides = xp.concatenate([along_x, along_y], 1)
    reach: Floats = (0.5 + ROOM_FOR_ROUNDING) * sides
    return reach


def rim(inside_mm: Floats, edge_mm: Floats) -> Floats:
    """Return one inside, zero outside, and a smooth step of a given width at the border.

    The step is ``s^2 (3 - 2 s)``, the cubic that starts and ends level. A rim that spans some
    receptors makes the drive converge as the lattice of receptors becomes finer.

    Parameters
    ----------
    inside_mm
        How far inside the border places lie, negative outside, ``[C, P]``.
    edge_mm
        The width of the step, ``[C, 1]``.

    Examples
    --------
    >>> import numpy as np
    >>> rim(np.array([[-1.0, 0.0, 0.1, 1.0]]), np.array([[0.4]])).tolist()
    [[0.0, 0.5, 0.84375, 1.0]]
    """
    xp = namespace(inside_mm)
    s = inside_mm / xp.clip(edge_mm, SHARPEST_MM, None)
    s += 0.5
    s = xp.clip(s, 0.0, 1.0)
    step: Floats = 3.0 - 2.0 * s
    step *= s
    step *= s
    return step


def dome(square: Floats) -> Floats:
    """Return a rounded dot, ``(1 - r^2)^2`` within a radius of one and zero outside.

    Parameters
    ----------
    square
        The square of the distance from its centre, in radii.

    Examples
    --------
    >>> import numpy as np
    >>> dome(np.array([0.0, 0.5, 1.0, 4.0])).tolist()
    [1.0, 0.25, 0.0, 0.0]
    """
    height: Floats = namespace(square).clip(1.0 - square, 0.0, None)
    height *= height
    return height
