"""Spikes of many stimuli, as fast as a training step wants them, in any number of processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sensoryforge.core.errors import DamagedError
from sensoryforge.store import files
from sensoryforge.store.dataset import Dataset
from sensoryforge.store.formats.base import Shelf

_OPEN = 16
"""Files of an unfinished run that are held open at once."""


class SpikeReader:
    """Reads the spikes of chosen stimuli: populations side by side, ``[B, T, N]``.

    It may be copied to other processes, by pickling or a fork; each opens the files for itself.

    Parameters
    ----------
    results
        The dataset.
    populations
        Names of the populations, in the order in which their neurons are wanted.

    Examples
    --------
    >>> reader = SpikeReader(results, ["sa", "ra"])
    >>> reader.neurons["ra"], tuple(reader.read([3, 0]).shape)
    (slice(5, 12, None), (2, 60, 12))
    """

    def __init__(self, results: Dataset, populations: Sequence[str]) -> None:
        stored = results.stored
        paths = [path for path, _ in stored]
        rows = [row for _, row in stored]
        self.paths = list(dict.fromkeys(paths))
        numbers = {path: number for number, path in enumerate(self.paths)}
        self.file = np.array([numbers[path] for path in paths], np.int32)
        self.row = np.array(rows, np.int64)
        self.neurons: dict[str, slice] = {}
        self.samples = 0
        self.count = 0
        for name in populations:
            self.samples, neurons = results.shape(f"{name}_spikes")
            self.neurons[name] = slice(self.count, self.count + neurons)
            self.count += neurons
        self._shelf = Shelf(results.open_file, limit=_OPEN)

    def __len__(self) -> int:
        return len(self.row)

    def read(self, rows: Sequence[int]) -> Tensor:
        """Return the spikes of some stimuli.

        Parameters
        ----------
        rows
            Rows of the dataset's table, B of them.

        Returns
        -------
        Tensor
            Bool ``[B, T, N]``, the populations' neurons side by side.

        Raises
        ------
        DamagedError
            If a file is not what was written.
        """
        spikes = np.empty((len(rows), self.samples, self.count), np.uint8)
        for out, row in zip(spikes, rows, strict=True):
            reader = self._shelf[self.paths[self.file[row]]]
            row_in_file = int(self.row[row])
            for name, columns in self.neurons.items():
                reader.read_spikes_into(row_in_file, f"{name}_spikes", out[:, columns])
        if spikes.max(initial=0) > 1:
            raise DamagedError(
                f"{files.show(self.paths[0].parent)}: a spike that is neither 0 nor 1"
            )
        return torch.from_numpy(spikes.view(np.bool_))

    def close(self) -> None:
        """Let go of the files; they are opened again when asked for."""
        self._shelf.close()
