"""What is done when the arrays of some stimuli have come to the CPU.

Packed spikes are unpacked. Stimuli that failed are emptied, so that a dataset shows no spikes of
them: those whose drive or states are not finite, and those whose class raised an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    wait
        Waits for the arrays: ``<population>_spikes`` [B,T,N], bool or packed,
        ``<population>.finite`` [B], and what else is saved.
    populations
        The names of the populations.
    samples
        The number of samples T.
    failed
        Row -> what the class of its stimulus raised.
    """

    wait: Callable[[], Arrays]
    populations: Sequence[str]
    samples: int
    failed: dict[int, str]

    def __call__(self) -> Outcome:
        """Wait for the arrays; return them, and the rows that have no spikes with the reason."""
        arrays = self.wait()
        errors: dict[int, str] = {}
        for population in self.populations:
            spikes = f"{population}_spikes"
            arrays[spikes] = unpack_spikes(arrays[spikes], self.samples)
            finite = arrays.pop(f"{population}.finite")
            for row in _rows_where(~finite):
                arrays[spikes][row] = False
                _unify_nan(arrays, row)
                message = f"population {population}: its drive or its states are not finite"
                errors.setdefault(row, message)
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
