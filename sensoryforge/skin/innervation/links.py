"""Receptive fields from a list of links: which neuron, which receptor, what weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensoryforge.core.types import Floats, Ints, Positions
from sensoryforge.skin.innervation.base import ReceptiveFields
from sensoryforge.skin.neighbours import Cloud


@dataclass(frozen=True)
class Links:
    """Links from receptors to N neurons, ``[L]`` of each, in any order.

    Parameters
    ----------
    neuron, receptor
        Which two are linked; no two are linked twice.
    value
        What a kind makes a weight of: a weight, or the square of a distance in mm^2.

    Examples
    --------
    >>> links = Links(np.array([0, 1, 1]), np.array([4, 4, 5]), np.array([2.0, 1.0, 3.0]))
    >>> fields = links.normalised().as_fields(2)
    >>> fields.indices.tolist(), fields.weights.tolist()
    ([[4, 4], [4, 5]], [[1.0, 0.0], [0.25, 0.75]])
    """

    neuron: Ints
    receptor: Ints
    value: Floats

    def with_values(self, value: Floats) -> Links:
        """Return the same links with other values."""
        return Links(self.neuron, self.receptor, value)

    def sorted(self) -> Links:
        """Return the links ordered by neuron, then receptor."""
        key = self.neuron * (int(self.receptor.max()) + 1) + self.receptor
        if (np.diff(key) >= 0).all():
            return self
        order = np.argsort(key, kind="stable")
        return Links(self.neuron[order], self.receptor[order], self.value[order])

    def without_zeros(self) -> Links:
        """Return the links whose value is not zero."""
        kept = self.value != 0
        return Links(self.neuron[kept], self.receptor[kept], self.value[kept])

    def normalised(self) -> Links:
        """Return the links with the values of each neuron divided by their sum."""
        # One after the other, in order: what other neurons have cannot change the rounding.
        ordered = self.sorted()
        sums = np.bincount(ordered.neuron, weights=ordered.value)
        return ordered.with_values(ordered.value / sums[ordered.neuron])

    def as_fields(self, count: int) -> ReceptiveFields:
        """Return the receptive fields of ``count`` neurons, each of which has a link.

        A row with fewer links than the longest is filled up with its last receptor, weight zero.
        """
        ordered = self.sorted()
        links_of = np.bincount(ordered.neuron, minlength=count)
        first = np.cumsum(links_of) - links_of
        number = np.arange(links_of.max())
        at = first[:, None] + np.minimum(number, links_of[:, None] - 1)
        is_own = number < links_of[:, None]
        weights = np.where(is_own, ordered.value[at], 0.0)
        return ReceptiveFields(ordered.receptor[at], weights)


def links_within(cloud: Cloud, centres: Positions, reach_mm: float) -> Links:
    """Return the links of neurons to all receptors within reach, or to the nearest where none is.

    Parameters
    ----------
    cloud
        The receptors.
    centres
        Where the neurons lie, ``[N, 2]`` in mm.
    reach_mm
        How far a receptor may lie.

    Returns
    -------
    Links
        Their values are the squares of the distances in mm^2.
    """
    parts = list(cloud.pairs_within(centres, reach_mm))
    neuron, receptor, squares = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    has_none = np.bincount(neuron, minlength=len(centres)) == 0
    return with_nearest(Links(neuron, receptor, squares), cloud, centres, np.flatnonzero(has_none))


def with_nearest(links: Links, cloud: Cloud, centres: Positions, neurons: Ints) -> Links:
    """Return links with one more for each of some neurons: to the receptor nearest to it."""
    if len(neurons) == 0:
        return links
    numbers, squares = cloud.nearest(centres[neurons], 1)
    return Links(
        np.concatenate([links.neuron, neurons]),
        np.concatenate([links.receptor, numbers[:, 0]]),
        np.concatenate([links.value, squares[:, 0]]),
    )
