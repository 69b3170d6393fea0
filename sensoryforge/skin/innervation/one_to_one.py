"""One receptor for each neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.types import Bools, Ints, Positions
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.neighbours import Cloud
from sensoryforge.skin.receptors.base import Receptors

_CANDIDATES = 8
"""Receptors that a neuron asks for at first; twice as many where these are too few."""


@dataclass(frozen=True)
class OneToOne(Innervation):
    """Each neuron feels one receptor alone, and no receptor is felt by two.

    The pairs that lie nearest are taken first; of pairs equally near, that of the neuron, then the
    receptor with the smaller number. The seed is not used.

    Raises
    ------
    ConfigError
        When drawing, where there are more neurons than receptors.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> centres = np.array([[0.1, 0.0], [0.0, 0.0]])
    >>> OneToOne().draw(Grid(1, 3, 0.5), centres, seed=0).indices.tolist()
    [[2], [1]]
    """

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Return the receptive fields of afferents at ``centres`` ``[N, 2]`` in mm."""
        if len(centres) > receptors.count:
            got = f"{len(centres)} neurons on {receptors.count} receptors"
            raise ConfigError(f"got {got}, allowed are at most as many neurons as receptors")
        taken = np.full(len(centres), -1, np.int64)
        free = np.arange(receptors.count)
        xy_mm = receptors.xy()
        candidates = _CANDIDATES
        while True:
            waiting = np.flatnonzero(taken < 0)
            if len(waiting) == 0:
                return ReceptiveFields(taken[:, None], np.ones((len(centres), 1)))
            count = min(candidates, len(free))
            near, squares = Cloud(xy_mm[free]).nearest(centres[waiting], count)
            pairs = np.argsort(squares, axis=None, kind="stable")
            places, columns = np.divmod(pairs, count)
            is_last = (columns == count - 1) & (count < len(free))
            _take_in_turn(taken, waiting[places], free[near].ravel()[pairs], is_last)
            free = np.setdiff1d(free, taken, assume_unique=True)
            candidates *= 2


def _take_in_turn(taken: Ints, neurons: Ints, receptors: Ints, is_last: Bools) -> None:
    """Give each neuron the first receptor in a list of pairs that no other has before it.

    It ends where a neuron has none at its last pair: one that is not in the list may come next.
    """
    gone: set[int] = set()
    for neuron, receptor, last in zip(
        neurons.tolist(), receptors.tolist(), is_last.tolist(), strict=True
    ):
        if taken[neuron] >= 0:
            continue
        if receptor not in gone:
            taken[neuron] = receptor
            gone.add(receptor)
        elif last:
            return
