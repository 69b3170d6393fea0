"""Stimuli stacked into a batch with time first, ``[T, B, N]``, as snnTorch and SpikingJelly step through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import default_collate

_KNOWN = ("index", "id", "seed", "repetition")


def collate(items: Sequence[Any]) -> Any:
    """Return a batch of stimuli: a ``DataLoader``'s ``collate_fn``.

    Items of ``Results`` give a dict: ``<population>_spikes`` float32 ``[T, B, N]``, other arrays ``[T, B, ...]``, each
    parameter ``[B]`` (NaN where a type has none) and ``type``, ``id``, ``error`` as lists. Pairs ``(spikes, target)``
    give ``([T, B, N], targets)``, and bare spikes ``[T, B, N]``.
    """
    first = items[0]
    if isinstance(first, dict):
        return _stimuli(items)
    if isinstance(first, tuple | list):
        spikes, *rest = zip(*items, strict=True)
        return _time_first(spikes), *(default_collate(list(one)) for one in rest)
    return _time_first(items)


def _stimuli(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    arrays = [name for name, value in items[0].items() if isinstance(value, torch.Tensor)]
    batch: dict[str, Any] = {name: _time_first([item[name] for item in items]) for name in arrays}
    names = dict.fromkeys(name for item in items for name in item["parameters"])
    batch |= {name: _column([item["parameters"].get(name) for item in items]) for name in names}
    batch |= {name: _column([item[name] for item in items]) for name in _KNOWN}
    if any("error" in item for item in items):
        batch["error"] = [item.get("error") for item in items]
    return batch


def _time_first(trains: Sequence[Any]) -> torch.Tensor:
    """Stack ``[T, N]`` along a new second dimension; spikes become 0.0 and 1.0."""
    stacked = torch.stack([torch.as_tensor(one) for one in trains], dim=1)
    return stacked.float() if stacked.dtype == torch.bool else stacked


def _column(values: list[Any]) -> Any:
    if any(isinstance(value, str) for value in values):
        return values
    if all(isinstance(value, int) for value in values):
        return torch.tensor(values)
    return torch.tensor([float("nan") if value is None else float(value) for value in values])
