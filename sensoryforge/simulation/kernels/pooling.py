"""Pooling, compiled: what afferents feel of the pressure at their receptors, in double precision.

Receptors are added in the order of the innervation, one product and one sum after the other, as
NumPy and torch do it: the bits are theirs.
"""

from __future__ import annotations

import numpy as np

from sensoryforge.core.types import Floats, Ints
from sensoryforge.simulation.kernels.cache import load

# nogil: conditions are pooled in several threads.
POOLING = """\
from numba import njit

@njit(
    "void(float64[:,::1], int64[:,::1], float64[:,::1], float64[:,::1])",
    cache=True, nogil=True,
)
def kernel(pressure, receptors, strength, felt):
    neurons, connections = receptors.shape
    for row in range(len(pressure)):
        for neuron in range(neurons):
            total = pressure[row, receptors[neuron, 0]] * strength[neuron, 0]
            for connection in range(1, connections):
                of_receptor = pressure[row, receptors[neuron, connection]]
                total += of_receptor * strength[neuron, connection]
            felt[row, neuron] = total
"""


def pool_rows(pressure: Floats, receptors: Ints, strength: Floats) -> Floats:
    """Return the weighted sum of each afferent's receptors.

    Parameters
    ----------
    pressure
        At each receptor, ``[..., R]``.
    receptors, strength
        Which receptors each afferent pools, and how strongly, ``[N, C]``.

    Returns
    -------
    Floats
        ``[..., N]``.

    Examples
    --------
    >>> receptors, strength = np.array([[0, 2]]), np.array([[0.5, 0.5]])
    >>> pool_rows(np.array([[10.0, 7.0, 30.0]]), receptors, strength).tolist()
    [[20.0]]
    """
    rows = np.ascontiguousarray(pressure, dtype=np.float64).reshape(-1, pressure.shape[-1])
    felt = np.empty((len(rows), len(receptors)))
    numbers = np.ascontiguousarray(receptors, dtype=np.int64)
    load(POOLING)(rows, numbers, np.ascontiguousarray(strength, dtype=np.float64), felt)
    return felt.reshape(*pressure.shape[:-1], len(receptors))
