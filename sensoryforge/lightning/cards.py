"""Several GPUs in one process, through Lightning's ``devices``."""

from __future__ import annotations

import torch
from pytorch_lightning.strategies import SingleDeviceStrategy


class OneProcess(SingleDeviceStrategy):
    """Leaves all of ``Trainer(devices=...)`` to the module, which begins work on each in turn and waits for none.

    A chunk takes a GPU far longer than it takes the CPU to ask for, so that a process for each GPU would gain nothing,
    and one process has one checkpoint, one lock and one place for signals.
    """

    strategy_name = "one_process"

    def __init__(self) -> None:
        super().__init__()
        self.parallel_devices: list[torch.device] = []  # Lightning fills it with what ``devices`` means

    @property
    def root_device(self) -> torch.device:
        """The first of the devices."""
        return self.parallel_devices[0] if self.parallel_devices else super().root_device

    @property
    def is_distributed(self) -> bool:
        """Whether there are several processes."""
        return False
