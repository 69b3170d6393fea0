"""Stimuli stacked into a batch with time first, ``[T, B, N]``, as spiking networks take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

_FIXED = ("index", "id", "seed", "repetition")
"""What every stimulus has beside its parameters and arrays."""


def collate(items: Sequence[Any]) -> Any:
    """Return a batch of stimuli: the ``collate_fn`` of a DataLoader for snnTorch or SpikingJelly.

    Parameters
    ----------
    items
        Items of ``Results``, pairs ``(spikes, target)``, or spikes ``[T, N]`` alone.

    Returns
    -------
    dict or tuple or Tensor
        Of items of ``Results`` a dict: ``<population>_spikes`` float32 ``[T, B, N]``, other arrays
        ``[T, B, ...]``, each parameter ``[B]`` (NaN where a type has none), and ``type``, ``id``
        and ``error`` as lists. Of pairs ``([T, B, N], targets)``. Of spikes ``[T, B, N]``.

    Examples
    --------
    >>> trains = [torch.zeros(600, 60, dtype=torch.bool) for _ in range(4)]
    >>> collate(trains).shape
    torch.Size([600, 4, 60])
    """
    first = items[0]
    if isinstance(first, dict):
        return _collate_stimuli(items)
    if isinstance(first, tuple | list):
        spikes, *targets = zip(*items, strict=True)
        collated = [default_collate(list(column)) for column in targets]
        return _stack(spikes), *collated
    return _stack(items)


def _collate_stimuli(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    batch: dict[str, Any] = {}
    for name, value in items[0].items():
        if isinstance(value, Tensor):
            batch[name] = _stack([item[name] for item in items])
    for name in _parameter_names(items):
        batch[name] = _column([item["parameters"].get(name) for item in items])
    for name in _FIXED:
        batch[name] = _column([item[name] for item in items])
    if any("error" in item for item in items):
        batch["error"] = [item.get("error") for item in items]
    return batch


def _parameter_names(items: Sequence[dict[str, Any]]) -> list[str]:
    """Return the parameters of all items, in the order in which they come up."""
    names: dict[str, None] = {}
    for item in items:
        names |= dict.fromkeys(item["parameters"])
    return list(names)


def _stack(trains: Sequence[Any]) -> Tensor:
    """Stack arrays ``[T, ...]`` along a new second dimension; spikes become 0.0 and 1.0."""
    stacked = torch.stack([torch.as_tensor(train) for train in trains], dim=1)
    if stacked.dtype == torch.bool:
        return stacked.float()
    return stacked


def _column(values: list[Any]) -> list[Any] | Tensor:
    """Return one value a stimulus: a list where there is text, a tensor of numbers otherwise."""
    if any(isinstance(value, str) for value in values):
        return values
    if all(isinstance(value, int) for value in values):
        return torch.tensor(values)
    numbers = [float("nan") if value is None else float(value) for value in values]
    return torch.tensor(numbers)
