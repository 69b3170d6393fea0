"""What is done when the arrays of some stimuli have come to the CPU.

Packed spikes are unpacked, and travel to where they are recorded. A stimulus fails where its drive
or its states are not finite, in one population at least, and where its class raised an error. It is
emptied, so that a dataset shows no spikes of it in any population.
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
    delays
        Population -> by how many samples its spikes are late, [N], where they are.
    failed
        Row -> what the class of its stimulus raised.
    """

    arrays: Callable[[], Arrays]
    finite: Callable[[], Arrays]
    samples: int
    delays: dict[str, Tensor]
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
            if population in self.delays:
                arrays[spikes] = delay_spikes(arrays[spikes], self.delays[population])
            for row in errors:
                arrays[spikes][row] = False
        for row in errors:
            _unify_nan(arrays, row)
        for row, message in self.failed.items():
            for array in arrays.values():
                array[row] = 0
            errors[row] = message
        return arrays, errors


def delay_spikes(spikes: Tensor, late: Tensor) -> Tensor:
    """Return spikes later by some samples; those that would come after the end are gone.

    Parameters
    ----------
    spikes
        bool, or 0.0 and 1.0 with a gradient, [B,T,N].
    late
        By how many samples those of each neuron are late, int64 [N].

    Examples
    --------
    >>> spikes = torch.tensor([[[True, True], [False, True], [False, True]]])
    >>> delay_spikes(spikes, torch.tensor([2, 1]))[0].int().tolist()
    [[0, 0], [0, 1], [1, 1]]
    """
    samples = torch.arange(spikes.shape[1], device=spikes.device)
    left = samples[:, None] - late.to(spikes.device)
    has_arrived = left >= 0
    source = left.clamp(min=0).expand_as(spikes)
    arriving = spikes.gather(1, source)
    return torch.where(has_arrived, arriving, torch.zeros_like(arriving))


def _rows_where(condition: Tensor) -> list[int]:
    rows: list[int] = torch.nonzero(condition).flatten().tolist()
    return rows


def _unify_nan(arrays: Arrays, row: int) -> None:
    """Give what is not a number in a row the same bits everywhere; processors differ in them."""
    for array in arrays.values():
        if array.is_floating_point():
            values = array[row]
            array[row] = torch.where(values.isnan(), torch.nan, values)
