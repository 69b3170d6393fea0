"""Every receptor is felt by the neuron nearest to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.types import Positions
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.innervation.links import Links, with_nearest
from sensoryforge.skin.neighbours import Cloud
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Nearest(Innervation):
    """Each receptor belongs to its nearest neuron: fields tile the skin and do not overlap.

    A neuron weighs its receptors equally. One to which no receptor is nearest, as where neurons
    outnumber receptors, pools the receptor nearest to it. The seed is not used.

    Examples
    --------
    >>> from sensoryforge.skin.receptors import Grid
    >>> centres = np.array([[-0.6, 0.0], [0.6, 0.0]])
    >>> fields = Nearest().draw(Grid(1, 4, 0.5), centres, seed=0)
    >>> fields.indices.tolist(), fields.weights.tolist()
    ([[0, 1], [2, 3]], [[0.5, 0.5], [0.5, 0.5]])
    """

    can_refuse = False

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        """Return the receptive fields of afferents at ``centres`` ``[N, 2]`` in mm."""
        xy_mm = receptors.xy()
        nearest, _ = Cloud(centres).nearest(xy_mm, 1)
        neuron = nearest[:, 0]
        links = Links(neuron, np.arange(len(neuron)), np.ones(len(neuron)))
        has_none = np.bincount(neuron, minlength=len(centres)) == 0
        links = with_nearest(links, Cloud(xy_mm), centres, np.flatnonzero(has_none))
        return links.with_values(np.ones(len(links.neuron))).normalised().as_fields(len(centres))
