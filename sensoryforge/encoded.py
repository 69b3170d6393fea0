"""What an encoder made of some stimuli, and how it comes back from a GPU: beside the work on the next ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

Arrays: TypeAlias = dict[str, Tensor]
Made: TypeAlias = tuple[Arrays, dict[int, str]]


class Encoded:
    """Arrays [B, ...] by name, and what went wrong, by row. Whoever reads either waits until they have arrived."""

    def __init__(self, arrive: Callable[[], Made]) -> None:
        self._arrive: Callable[[], Made] | None = arrive

    @cached_property
    def made(self) -> Made:
        """Both together."""
        assert self._arrive is not None
        made = self._arrive()
        self._arrive = None  # it holds what they were made from
        return made

    @property
    def arrays(self) -> Arrays:
        """The arrays, on the CPU; where something is learned, on the encoder's device."""
        return self.made[0]

    @property
    def errors(self) -> dict[int, str]:
        """The rows that have no spikes, and why."""
        return self.made[1]


def send(tensors: Arrays) -> Callable[[], Arrays]:
    """Begin to bring tensors to the CPU; return what waits for them.

    They leave a GPU by a stream of their own, so that its next work need not wait, and land in page-locked memory, of
    which there is little: whoever waits gets copies.
    """
    moving = {n: t for n, t in tensors.items() if t.is_cuda}
    if not moving:
        return lambda: tensors
    device = next(iter(moving.values())).device
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    landed = {n: torch.empty(t.shape, dtype=t.dtype, pin_memory=True) if t.is_cuda else t for n, t in tensors.items()}
    with torch.cuda.stream(stream):
        for name, tensor in moving.items():
            landed[name].copy_(tensor, non_blocking=True)
            tensor.record_stream(stream)
    event, names = stream.record_event(), tuple(moving)

    def wait() -> Arrays:
        event.synchronize()
        return {n: t.clone() if n in names else t for n, t in landed.items()}

    return wait


def joined(parts: Sequence[Encoded]) -> Encoded:
    """Return the groups of a chunk, in order, as one."""
    return parts[0] if len(parts) == 1 else Encoded(lambda: _joined([part.made for part in parts]))


def _joined(parts: Sequence[Made]) -> Made:
    arrays = {n: torch.cat([part[n] for part, _ in parts]) for n in parts[0][0]}
    errors, done = {}, 0
    for part, failed in parts:
        errors.update({row + done: message for row, message in failed.items()})
        done += len(next(iter(part.values())))
    return arrays, errors
