"""A dataset as one of Tonic's; imported only where Tonic is installed.

The class stands at the top of a module, so that workers of a DataLoader find it by its name however
they are started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tonic


class SpikeEvents(tonic.Dataset):  # type: ignore[misc]
    """Stimuli of a dataset as events of one population, each with its target.

    Parameters
    ----------
    directory
        Of the dataset.
    read
        Returns the events of the stimulus in a row; it can be pickled.
    neurons
        Of the population.
    dtype
        Of the events.
    targets
        One for each stimulus.
    classes
        What targets that were words mean.
    transform
        Takes the events of a stimulus.
    """

    def __init__(
        self,
        directory: str,
        read: Callable[[int], npt.NDArray[np.void]],
        neurons: int,
        dtype: np.dtype[Any],
        targets: Sequence[Any],
        classes: Sequence[str],
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(directory, transform=transform)
        self.read = read
        self.sensor_size = (neurons, 1, 1)
        self.dtype = dtype
        self.classes = tuple(classes)
        self.targets = list(targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        events: Any = self.read(index)
        if self.transform:
            events = self.transform(events)
        return events, self.targets[index]

    def __len__(self) -> int:
        return len(self.targets)
