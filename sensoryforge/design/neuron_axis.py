"""Numbers of afferents that are axes of a design: ten time constants in one dataset.

Such a number differs from condition to condition as a parameter of the stimulus does. It stands in
a family under a flat name, `sa_filter_tau_d`, and is part of what a condition is; the noise of a
stimulus does not depend on it, so that afferents with different numbers are compared under the same
noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sensoryforge.core.axes import SEED_AXIS
from sensoryforge.core.types import Floats


@dataclass(frozen=True)
class NeuronAxis:
    """A number of one population, or the seed of all, that is an axis.

    Parameters
    ----------
    name
        Its column, such as ``sa_filter_tau_d``.
    key
        Its key in a configuration, such as ``neurons.populations.sa.filter.parameters.tau_d``.
    population
        The population; an empty text for the seed, which is everybody's.
    path
        Which number of the population it is: ``filter.tau_d``, ``model.a``, ``gain``,
        ``noise_std``, or ``units.row``.
    unit
        Its unit; an empty text for none.
    columns
        Of ``units.row``, what a row of the table says: path -> a number for each row.

    Examples
    --------
    >>> axis = NeuronAxis("sa_gain", "neurons.populations.sa.gain", "sa", "gain")
    >>> axis.numbers(np.array([0.5, 2.0]))
    {'gain': array([0.5, 2. ])}
    """

    name: str
    key: str
    population: str = ""
    path: str = ""
    unit: str = ""
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def is_seed(self) -> bool:
        """Whether it is the seed of the skin."""
        return self.name == SEED_AXIS

    @property
    def paths(self) -> tuple[str, ...]:
        """The numbers of the population that it sets."""
        return tuple(self.columns) if self.columns else (self.path,)

    def numbers(self, values: Floats) -> dict[str, Floats]:
        """Return the numbers of the population that values of the axis stand for, ``[B]`` each."""
        if not self.columns:
            return {self.path: values}
        rows = values.astype(np.int64)
        return {path: np.array(column)[rows] for path, column in self.columns.items()}
