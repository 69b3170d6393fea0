"""Where the afferents of a population lie and which receptors they pool, drawn from the seed.

The simulation, the metadata of a dataset and its pictures all ask here, so that they cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import USERS_FAILURES, describe_failure
from sensoryforge.core.numerics import hash64
from sensoryforge.core.types import Ints, Positions
from sensoryforge.core.values import is_whole
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.layouts.base import Layout
from sensoryforge.skin.outlined import Density, Inside, place_in_regions, region_counts
from sensoryforge.skin.outlines.base import Outline
from sensoryforge.skin.receptors.base import Receptors


@dataclass(frozen=True)
class Places:
    """The afferents of one population on the skin; each of the two draws is made when first needed.

    Parameters
    ----------
    population
        Name of the population, part of what the draws depend on.
    receptors, layout, innervation
        What is drawn on, and how.
    count
        Number of afferents N, at least 1.
    seed
        Base seed of the experiment.
    outline
        How far the skin reaches; None for all of the sheet.
    density
        Afferents a cm2, by tag where the regions of the outline differ; it says how ``count`` is
        shared among them.

    Raises
    ------
    ConfigError
        For a count that is not allowed; when drawing, for a layout or an innervation of the user's
        that fails or returns something else than it should.

    Examples
    --------
    >>> from sensoryforge.skin.innervation import Gaussian
    >>> from sensoryforge.skin.layouts import Even
    >>> from sensoryforge.skin.receptors import Grid
    >>> places = Places("sa", Grid(8, 8, 0.15), Even(), Gaussian(0.3, 4), count=6, seed=42)
    >>> places.xy_mm.shape, places.fields.indices.shape
    ((6, 2), (6, 4))
    """

    population: str
    receptors: Receptors
    layout: Layout
    innervation: Innervation
    count: int
    seed: int
    outline: Outline | None = None
    density: Density | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.count) or self.count < 1:
            raise ConfigError(
                f"count: got {self.count!r}, allowed is a whole number >= 1 (neurons)"
            )

    @cached_property
    def xy_mm(self) -> Positions:
        """Where the afferents lie, ``[N, 2]`` in mm."""
        return self._placed[0]

    @property
    def regions(self) -> Ints:
        """The number of the region of the outline that each lies in, ``[N]``."""
        return self._placed[1]

    @cached_property
    def _placed(self) -> tuple[Positions, Ints]:
        """Where the afferents lie, and in which region."""
        seed = hash64("layout", self.seed, self.population)
        try:
            if self.outline is None:
                xy = self.layout.place(self.receptors, self.count, seed)
                return _checked_positions(xy, self.count), np.zeros(self.count, dtype=np.int64)
            counts = region_counts(self.outline, self.receptors, self.density, self.count)
            xy, regions = place_in_regions(self.layout, self.receptors, self.outline, counts, seed)
            return _checked_positions(xy, self.count), regions
        except USERS_FAILURES as error:
            raise self._failed("layout", self.layout, error) from error

    @cached_property
    def fields(self) -> ReceptiveFields:
        """Which receptors they pool, and with what weights."""
        centres = self.xy_mm
        seed = hash64("innervation", self.seed, self.population)
        try:
            if self.outline is None or self.innervation.numbers_the_sheet:
                fields = self.innervation.draw(self.receptors, centres, seed)
                return _checked_fields(fields, self.count, self.receptors.count)
            skin = Inside(self.receptors, self.outline)
            if not skin.count:
                raise ConfigError(
                    "got no receptor inside pipeline.outline, allowed is at least one"
                )
            fields = self.innervation.draw(skin, centres, seed)
            fields = _checked_fields(fields, self.count, skin.count)
            return ReceptiveFields(skin.numbers[fields.indices], fields.weights)
        except USERS_FAILURES as error:
            raise self._failed("innervation", self.innervation, error) from error

    def _failed(self, part: str, kind: Layout | Innervation, error: BaseException) -> ConfigError:
        """Return the error that names the population and the class at fault."""
        where = f"neurons.populations.{self.population}.{part}"
        if isinstance(error, ConfigError):
            return ConfigError(f"{where}: {line}" for line in error.problems)
        return ConfigError(f"{where}: {type(kind).__name__} fails, {describe_failure(error)}")


def _checked_positions(xy: Positions, count: int) -> Positions:
    """Return places as float64, or raise ValueError where they are not N finite points."""
    xy = np.asarray(xy, dtype=np.float64)
    if xy.shape != (count, 2):
        raise ValueError(f"place returned an array of shape {xy.shape}, not [{count}, 2]")
    if not np.isfinite(xy).all():
        raise ValueError("place returned a place that is not finite")
    return xy


def _checked_fields(fields: ReceptiveFields, count: int, receptors: int) -> ReceptiveFields:
    """Return receptive fields as arrays, or raise ValueError where they do not fit the skin."""
    indices = np.asarray(fields.indices)
    weights = np.asarray(fields.weights, dtype=np.float64)
    if indices.dtype.kind not in "iu":
        raise ValueError(f"draw returned indices of {indices.dtype}, not whole numbers")
    if indices.ndim != 2 or len(indices) != count or indices.shape[1] == 0:
        raise ValueError(f"draw returned indices of shape {indices.shape}, not [{count}, C]")
    if weights.shape != indices.shape:
        shapes = f"{weights.shape} for indices of shape {indices.shape}"
        raise ValueError(f"draw returned weights of shape {shapes}")
    if indices.min() < 0 or indices.max() >= receptors:
        raise ValueError(f"draw returned a receptor outside 0 to {receptors - 1}")
    if not np.isfinite(weights).all():
        raise ValueError("draw returned a weight that is not finite")
    return ReceptiveFields(indices.astype(np.int64, copy=False), weights)
