"""What is done when the arrays of some stimuli have come to the CPU.

Packed spikes are unpacked. A stimulus fails where its drive or its states are not finite, in one
population at least, and where its class raised an error. It is emptied, so that a dataset shows no
spikes of it in any population.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sensoryforge.simulation.encoded import Arrays, Outcome
from sensoryforge.simulation.kernels import unpack_spikes


@dataclass(frozen=True)
class Arrival:
    """Arrays on their way to the CPU; called, it waits for them and returns them with the errors.

    Parameters
    ----------
    arrays
        Waits for the arrays: ``<population>_spikes`` [B,T,N], bool or packed, and what else is
        saved.
    finite
        Waits for population -> which stimuli have a finite drive and finite states in it, [B].
    samples
        The number of samples T.
    failed
        Row -> what the class of its stimulus raised.
    """

    arrays: Callable[[], Arrays]
    finite: Callable[[], Arrays]
    samples: int
    failed: dict[int, str]

    def __call__(self) -> Outcome:
        """Wait for the arrays; return them, and the rows that have no spikes with the reason."""
        arrays = self.arrays()
        finite = self.finite()
        errors: dict[int, str] = {}
        for population, is_finite in finite.items():
            for row in _rows_where(~is_finite):
                message = f"population {population}: its drive or its states are not finite"
                errors.setdefault(row, message)
        for population in finite:
            spikes = f"{population}_spikes"
            arrays[spikes] = unpack_spikes(arrays[spikes], self.samples)
            for row in errors:
                arrays[spikes][row] = False
        for row in errors:
            _unify_nan(arrays, row)
        for row, message in self.failed.items():
            for array in arrays.values():
                array[row] = 0
            errors[row] = message
        return arrays, errors


def _rows_where(condition: Tensor) -> list[int]:
    rows: list[int] = torch.nonzero(condition).flatten().tolist()
    return rows


def _unify_nan(arrays: Arrays, row: int) -> None:
    """Give what is not a number in a row the same bits everywhere; processors differ in them."""
    for array in arrays.values():
        if array.is_floating_point():
            values = array[row]
            array[row] = torch.where(values.isnan(), torch.nan, values)
