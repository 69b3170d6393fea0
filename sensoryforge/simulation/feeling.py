"""Feeling: contacts of the receptors with a skin that deforms, and what afferents feel of them.

A contact is worked out once for each shape, whatever its size: the forces are in proportion. What
an afferent feels of it is a sum over its pins, in an order of our own. All of it is in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeAlias

import numpy as np

from sensoryforge.core.numerics import sum_rows
from sensoryforge.core.types import Floats, Ints, Positions
from sensoryforge.simulation.population import Population
from sensoryforge.skin.innervation import Elastic as AtDepth
from sensoryforge.skin.mechanics import Pins, Skin
from sensoryforge.skin.mechanics.contact import middle_of

SHAPE_STEPS = 2.0**40
"""Depths are rounded to this part of the greatest: shapes that differ in size alone are equal."""
KEPT_BYTES = 64 * 1024**2
"""Memory for contacts that come again, and for each population's weights of pins."""
LATEST = 2.0**30
"""The most samples that anything is late: more than any run has, and a whole number for sure."""
NOWHERE = -1
"""The delay of what no pin presses on, which comes from no place."""
PINS_AT_A_TIME = 64
"""Pins whose forces are added up before they are added to those of others: a fixed order."""


@dataclass(frozen=True)
class Contact:
    """The pins that press, and their forces.

    Parameters
    ----------
    touching
        Their numbers, ascending, ``[m]``.
    forces
        In N, ``[m]``.
    middle_mm
        The mean place of the forces.
    """

    touching: Ints
    forces: Floats
    middle_mm: tuple[float, float]


NO_CONTACT = Contact(np.zeros(0, np.int64), np.zeros(0), (0.0, 0.0))


@dataclass(frozen=True)
class Felt:
    """What a population feels of contacts: ``[N]`` of one, ``[J, N]`` of several.

    Parameters
    ----------
    static, dynamic
        What is felt of the forces, and of their rates.
    late
        By how many samples the rates arrive late; `NOWHERE` where no pin presses.
    """

    static: Floats
    dynamic: Floats
    late: Ints


class FeelingAtDepth:
    """The afferents of one population in a skin: what they feel of the forces on pins.

    Parameters
    ----------
    skin
        How it deforms.
    xy_mm
        Where the afferents lie, ``[N, 2]``.
    depth_mm
        How deep they lie.
    dt_ms
        Length of a sample.
    """

    def __init__(self, skin: Skin, xy_mm: Positions, depth_mm: float, dt_ms: float) -> None:
        self._skin = skin
        self._xy_mm = xy_mm
        self._depth_mm = depth_mm
        self._dt_ms = dt_ms
        self._kept: dict[int, tuple[Floats, Floats]] = {}
        weights_bytes = 16 * PINS_AT_A_TIME * max(1, len(xy_mm))
        self._most_kept = KEPT_BYTES // weights_bytes

    def feel(self, pins: Pins, contact: Contact, *, keep: bool = True) -> Felt:
        """Return what is felt of a contact.

        Parameters
        ----------
        pins
            All pins.
        contact
            Which of them press.
        keep
            Whether the weights of these pins will be asked for again.
        """
        # Of a probe that is far too large, small or far away nothing finite is felt, which is told.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            static, dynamic = self._weigh(pins, contact, keep)
            late = self._late(contact, pins.radius_mm)
        return Felt(static, dynamic, late)

    def _weigh(self, pins: Pins, contact: Contact, keep: bool) -> tuple[Floats, Floats]:
        """Return what is felt of the forces and of their rates, ``[N]`` each."""
        static = np.zeros(len(self._xy_mm))
        dynamic = np.zeros(len(self._xy_mm))
        block_of = contact.touching // PINS_AT_A_TIME
        for block in np.unique(block_of).tolist():
            some = block_of == block
            forces = contact.forces[some, None]
            numbers = contact.touching[some]
            of_static, of_dynamic = self._weights(pins, block, numbers, keep)
            static += sum_rows(of_static * forces)
            dynamic += sum_rows(of_dynamic * forces)
        return static, dynamic

    def _late(self, contact: Contact, radius_mm: float) -> Ints:
        """Return by how many samples the rates of a contact are late, ``[N]``."""
        if len(contact.touching) == 0:
            return np.full(len(self._xy_mm), NOWHERE)
        middle = np.array([contact.middle_mm])
        delay_ms = self._skin.delay_ms(_distances(middle, self._xy_mm)[0], radius_mm)
        late = np.rint(np.minimum(delay_ms / self._dt_ms, LATEST))
        return late.astype(np.int64)

    def _weights(self, pins: Pins, block: int, numbers: Ints, keep: bool) -> tuple[Floats, Floats]:
        """Return what each of some pins of a block is worth to each afferent, ``[m, N]`` each."""
        first = block * PINS_AT_A_TIME
        if block in self._kept and keep:
            static, dynamic = self._kept[block]
            return static[numbers - first], dynamic[numbers - first]
        if not keep or len(self._kept) >= self._most_kept:
            return self._work_out(pins, pins.xy_mm[numbers])
        self._kept[block] = self._work_out(pins, pins.xy_mm[first : first + PINS_AT_A_TIME])
        static, dynamic = self._kept[block]
        return static[numbers - first], dynamic[numbers - first]

    def _work_out(self, pins: Pins, xy_mm: Positions) -> tuple[Floats, Floats]:
        distances = _distances(xy_mm, self._xy_mm)
        return self._skin.weights(distances, self._depth_mm, pins.radius_mm)


def _distances(one: Positions, other: Positions) -> Floats:
    """Return the distances of two sets of places, ``[m, N]``."""
    across = one[:, 0, None] - other[:, 0]
    along = one[:, 1, None] - other[:, 1]
    distances: Floats = np.sqrt(across * across + along * along)
    return distances


@dataclass
class Contacts:
    """The contacts of the receptors of a sheet, each worked out once.

    Parameters
    ----------
    skin
        How it deforms.
    pins
        The receptors.
    """

    skin: Skin
    pins: Pins
    _kept: dict[bytes, Contact] = field(default_factory=dict)
    _kept_bytes: int = 0

    def of(self, depths: Floats) -> tuple[float, Contact]:
        """Return the contact of pins that are pressed in, for a greatest depth of 1 mm, and that.

        Parameters
        ----------
        depths
            How far each pin is pressed in, ``[R]`` in mm; one of zero or less does not touch.

        Returns
        -------
        deepest
            The greatest depth, by which the forces have to be multiplied.
        contact
            Which pins press.
        """
        deepest = float(depths.max())
        if not np.isfinite(depths).all():
            return np.nan, NO_CONTACT
        if deepest <= 0.0:
            return 0.0, NO_CONTACT
        shape = np.rint(np.maximum(depths / deepest, 0.0) * SHAPE_STEPS) / SHAPE_STEPS
        key = blake2b(shape.tobytes(), digest_size=16).digest()
        contact = self._kept.get(key)
        if contact is None:
            contact = self._solve(shape)
            self._keep(key, contact)
        return deepest, contact

    def _solve(self, depths: Floats) -> Contact:
        forces = self.skin.forces(depths, self.pins)
        touching = np.flatnonzero(forces)
        if len(touching) == 0:
            return NO_CONTACT
        pressing = forces[touching]
        return Contact(touching, pressing, middle_of(pressing, self.pins.xy_mm, touching))

    def _keep(self, key: bytes, contact: Contact) -> None:
        if self._kept_bytes > KEPT_BYTES:
            self._kept.clear()
            self._kept_bytes = 0
        self._kept[key] = contact
        self._kept_bytes += 16 * len(contact.touching) + 200


Sensing: TypeAlias = Mapping[str, FeelingAtDepth]
"""The afferents of each population, by its name."""


def sensing_of(skin: Skin, populations: Mapping[str, Population]) -> Sensing:
    """Return what feels in a skin.

    Parameters
    ----------
    skin
        How it deforms.
    populations
        The populations by name; each has the innervation ``elastic``.
    """
    sensing = {}
    for name, population in populations.items():
        innervation = population.spec.innervation
        assert isinstance(innervation, AtDepth)
        depth_mm = innervation.depth_mm
        sensing[name] = FeelingAtDepth(skin, population.positions, depth_mm, population.dt_ms)
    return sensing
