"""What a run computes on: the backend, and the devices that Lightning is to take."""

from __future__ import annotations

from sensoryforge.core.devices import triton_lacks
from sensoryforge.design.experiment import Experiment


def choose_backend(experiment: Experiment, device: str) -> str:
    """Return the backend that runs an experiment.

    Parameters
    ----------
    experiment
        Its ``backend`` may be ``auto``, which is chosen by device alone: numba on the CPU; on a GPU
        Triton, and torch where Triton is lacking.
    device
        What the run is for: ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` counts as the CPU.
    """
    if experiment.backend != "auto":
        return experiment.backend
    if not device.startswith("cuda"):
        return "numba"
    return "torch" if triton_lacks() else "triton"


def lightning_devices(experiment: Experiment, device: str) -> int | list[int]:
    """Return what Lightning's ``Trainer`` is to take as ``devices``.

    That is one GPU by its number, those of ``pipeline.devices``, or the CPU.
    """
    number = device.partition(":")[2]
    if number:
        return [int(number)]
    if device == "cpu":
        return 1
    if experiment.devices == "auto":
        return -1  # all of them; with "auto" Lightning would take only one in a notebook
    return experiment.devices
