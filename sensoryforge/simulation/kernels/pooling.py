"""Pooling, compiled: what afferents feel of the pressure at their receptors, in double precision.

Receptors are added in the order of the innervation, one product and one sum after the other, as
NumPy and torch do it: the bits are theirs. So are those of stills that are blended.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensoryforge.core.kernel_cache import load
from sensoryforge.core.types import Floats, Ints

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

BLENDING = """\
import numpy as np
from numba import njit

@njit(
    ["void(float64[:,::1], int64[:,::1], float64[:,::1], float32[:,::1])",
     "void(float64[:,::1], int64[:,::1], float64[:,::1], float64[:,::1])"],
    cache=True, nogil=True,
)
def kernel(felt, numbers, weights, drive):
    samples, terms = numbers.shape
    neurons = felt.shape[1]
    total = np.empty(neurons)
    for sample in range(samples):
        still, weight = numbers[sample, 0], weights[sample, 0]
        for neuron in range(neurons):
            total[neuron] = felt[still, neuron] * weight
        for term in range(1, terms):
            still, weight = numbers[sample, term], weights[sample, term]
            for neuron in range(neurons):
                total[neuron] += felt[still, neuron] * weight
        for neuron in range(neurons):
            drive[sample, neuron] = total[neuron]
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


def blend_rows(
    felt: Floats, numbers: Ints, weights: Floats, precision: type[np.floating] = np.float32
) -> Any:
    """Return what stills feel like at each sample: `Blend.frames`, rounded to some precision.

    Parameters
    ----------
    felt
        What afferents feel of each still, ``[J, N]``.
    numbers, weights
        Which stills each sample is made of, and how much of each, ``[T, M]``.
    precision
        ``np.float32``, or ``np.float64``, which rounds nothing.

    Returns
    -------
    array
        ``[T, N]``.

    Examples
    --------
    >>> felt = np.array([[0.0], [10.0]])
    >>> blend_rows(felt, np.array([[0, 1]]), np.array([[0.5, 0.5]])).tolist()
    [[5.0]]
    """
    drive = np.empty((len(numbers), felt.shape[1]), dtype=precision)
    load(BLENDING)(
        np.ascontiguousarray(felt, dtype=np.float64),
        np.ascontiguousarray(numbers, dtype=np.int64),
        np.ascontiguousarray(weights, dtype=np.float64),
        drive,
    )
    return drive
