"""What a stimulus is: pressure on the sheet over time, computed for many conditions at once.

A new stimulus is a subclass of `Stimulus` with ``ranges``, ``space`` and ``time`` (or, where space
and time do not separate, ``separable = False`` and ``frames``), and a YAML file in ``conf/stimuli``
with its defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sensoryforge.core.numerics import exp, namespace
from sensoryforge.core.types import Columns, Floats, Frames, Positions, Space, Time
from sensoryforge.stimuli.conditions import Conditions
from sensoryforge.stimuli.ranges import DRIVE, LENGTH, PLACE, Range

__all__ = [
    "DRIVE",
    "LENGTH",
    "PLACE",
    "TIME_TOLERANCE_MS",
    "Punches",
    "Range",
    "Stimulus",
    "bell",
    "footprint",
    "steady",
]

TIME_TOLERANCE_MS = 1e-6
"""Samples lie at multiples of dt, which round: instants closer than this are the same."""


@dataclass(frozen=True)
class Punches:
    """Rigid flat round probes, one a condition, as a skin that deforms knows them.

    Parameters
    ----------
    depth_mm
        How deep each is pressed in where its profile is one, ``[C]``.
    radius_mm
        Its radius, ``[C]``.
    x_mm, y_mm
        Where its middle is, ``[C]``.
    """

    depth_mm: Floats
    radius_mm: Floats
    x_mm: Floats
    y_mm: Floats


class Stimulus(Conditions):
    """Stimuli of one type; an instance holds C conditions of it as columns of parameters.

    Parameters
    ----------
    columns
        Parameter -> its value in each condition, ``[C]``; every parameter in ``ranges``.

    Attributes
    ----------
    ranges
        Parameter -> what it may be, in the order in which a new configuration lists them.
    separable
        Whether the pressure is a sum of K products of a factor in space and a factor in time. Then
        ``space`` and ``time`` are defined, else ``frames``.
    tensors
        Whether the methods take torch tensors as well as arrays, and give them the same bits, so
        that a GPU can shape the stimuli. A class says so for itself, not for its subclasses: those
        may compute with NumPy.
    count
        Number of conditions C.

    Examples
    --------
    >>> class Tap(Stimulus):
    ...     ranges = {"amplitude": DRIVE, "end": Range("ms")}
    ...     def space(self, xy):
    ...         return self["amplitude"][:, :, None] * np.ones(len(xy))
    ...     def time(self, t_ms, duration_ms):
    ...         return (t_ms < self["end"])[:, None, :].astype(float)
    >>> taps = Tap({"amplitude": np.array([10.0, 20.0]), "end": np.array([1.0, 2.0])})
    >>> taps.frames(xy=np.zeros((1, 2)), t_ms=np.arange(3.0), duration_ms=3.0)[:, :, 0].tolist()
    [[10.0, 0.0, 0.0], [20.0, 20.0, 0.0]]
    """

    separable: ClassVar[bool] = True

    @classmethod
    def punches(cls, columns: Columns) -> Punches | None:
        """Return the rigid flat round probes that stimuli of this type are; by default none are.

        Under a skin that deforms such a probe is a single pin, whose contact is known exactly; any
        other stimulus has a pin at each receptor. A class says so for itself, not for its
        subclasses.

        Parameters
        ----------
        columns
            Parameter -> its value in each condition, ``[C]``.

        Examples
        --------
        >>> from sensoryforge.stimuli import Gaussian
        >>> Gaussian.punches({"amplitude": np.array([1.0])}) is None
        True
        """
        return None

    def space(self, xy: Positions) -> Space:
        """Return the factors in space, of K terms.

        Parameters
        ----------
        xy
            Receptors, ``[R, 2]`` in mm.

        Returns
        -------
        Space
            What each term presses at each receptor, ``[C, K, R]``.

        Examples
        --------
        >>> from sensoryforge.stimuli import Gaussian
        >>> values = {"amplitude": 30.0, "sigma": 1.0, "center_x": 0.0, "center_y": 0.0}
        >>> press = Gaussian({name: np.array([value]) for name, value in values.items()})
        >>> press.space(np.array([[0.0, 0.0], [1.0, 0.0]])).round(2).tolist()
        [[[30.0, 18.2]]]
        """
        raise NotImplementedError(f"{type(self).__name__} does not separate: use frames")

    def time(self, t_ms: Floats, duration_ms: float) -> Time:
        """Return the factors in time, of K terms.

        Parameters
        ----------
        t_ms
            When each sample starts, ``[T]``, the first at 0.
        duration_ms
            How long the stimulus is.

        Returns
        -------
        Time
            The course of each term, ``[C, K, T]``.

        Examples
        --------
        >>> from sensoryforge.stimuli import Gaussian
        >>> values = {"amplitude": 30.0, "sigma": 1.0, "center_x": 0.0, "center_y": 0.0}
        >>> press = Gaussian({name: np.array([value]) for name, value in values.items()})
        >>> press.time(np.arange(3.0), duration_ms=3.0).tolist()
        [[[1.0, 1.0, 1.0]]]
        """
        raise NotImplementedError(f"{type(self).__name__} does not separate: use frames")

    def frames(self, xy: Positions, t_ms: Floats, duration_ms: float) -> Frames:
        """Return the pressure: the products of space and time, added in order.

        Parameters
        ----------
        xy
            Receptors, ``[R, 2]`` in mm.
        t_ms
            When each sample starts, ``[T]``.
        duration_ms
            How long the stimulus is.

        Returns
        -------
        Frames
            ``[C, T, R]``. The class shows an example.
        """
        space = self.space(xy)
        time = self.time(t_ms, duration_ms)
        pressure = time[:, 0, :, None] * space[:, 0, None, :]
        for term in range(1, space.shape[1]):
            pressure += time[:, term, :, None] * space[:, term, None, :]
        return pressure


def footprint(stimulus: Stimulus, xy: Positions, height: Floats | float = 1.0) -> Space:
    """Return a Gaussian on the skin, ``height exp(-r^2 / 2 sigma^2)``, as ``[C, 1, R]``.

    It is the product of one factor along x and one along y: on a lattice each needs only as many
    exponentials as there are columns or rows.

    Parameters
    ----------
    stimulus
        What has the parameters ``sigma``, ``center_x`` and ``center_y`` in mm.
    xy
        Receptors, ``[R, 2]`` in mm.
    height
        Pressure at the centre, ``[C, 1]`` or the same for all.

    Examples
    --------
    >>> from sensoryforge.stimuli import Gaussian
    >>> values = {"amplitude": 30.0, "sigma": 1.0, "center_x": 0.0, "center_y": 0.0}
    >>> press = Gaussian({name: np.array([value]) for name, value in values.items()})
    >>> footprint(press, np.array([[0.0, 0.0], [1.0, 0.0]])).round(4).tolist()
    [[[1.0, 0.6065]]]
    """
    xp = namespace(xy)
    xs, column = xp.unique(xy[:, 0], return_inverse=True)
    ys, row = xp.unique(xy[:, 1], return_inverse=True)
    across = height * bell(xs, stimulus["center_x"], stimulus["sigma"])
    along = bell(ys, stimulus["center_y"], stimulus["sigma"])
    if xp is not np:
        product = across[:, column] * along[:, row]
        tensor: Space = product[:, None]
        return tensor
    # Condition by condition into one array: no second array of all conditions is made on the way.
    out = np.empty((stimulus.count, 1, len(xy)))
    for condition in range(stimulus.count):
        factor_x = across[condition].take(column)
        factor_y = along[condition].take(row)
        np.multiply(factor_x, factor_y, out=out[condition, 0])
    return out


def steady(stimulus: Stimulus, t_ms: Floats) -> Time:
    """Return ones, for a stimulus that does not change over time: ``[C, 1, T]``.

    Parameters
    ----------
    stimulus
        The stimulus, C conditions.
    t_ms
        Starts of the samples, ``[T]`` in ms.

    Examples
    --------
    >>> from sensoryforge.stimuli import Gaussian
    >>> values = {"amplitude": 30.0, "sigma": 1.0, "center_x": 0.0, "center_y": 0.0}
    >>> press = Gaussian({name: np.array([value]) for name, value in values.items()})
    >>> steady(press, np.arange(3.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    xp = namespace(t_ms)
    ones: Time = xp.tile(xp.ones_like(t_ms), (stimulus.count, 1, 1))
    return ones


def bell(place: Floats, center: Floats, sigma: Floats) -> Floats:
    """Return a Gaussian along a line, ``exp(-(place - center)^2 / 2 sigma^2)``.

    Parameters
    ----------
    place
        Places in mm, ``[P]``, or ``[C, P]`` where each condition has its own.
    center, sigma
        Its centre and standard deviation in mm, ``[C, 1]``.

    Examples
    --------
    >>> bell(np.array([0.0, 1.0]), np.array([[0.0]]), np.array([[1.0]])).round(4).tolist()
    [[1.0, 0.6065]]
    """
    with np.errstate(over="ignore"):
        z = (place - center) / sigma
        return exp(-0.5 * (z * z))
