"""What an encoder made of some stimuli, and how it leaves a GPU beside the work on the next.

A GPU works on its own: an encoder asks it for the spikes of a chunk and returns at once, with an
:class:`Encoded` that does not hold them yet. Whoever reads it waits until they have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

Arrays: TypeAlias = dict[str, Tensor]
"""Arrays [B, ...] by the name that they have in a dataset."""
Outcome: TypeAlias = tuple[Arrays, dict[int, str]]
"""The arrays, and for each row without spikes the reason."""


class Encoded:
    """What was made of some stimuli; whoever reads it waits until it has arrived.

    Parameters
    ----------
    arrive
        Waits for the arrays and returns them, with what went wrong. It is called once.

    Examples
    --------
    >>> encoded = Encoded(lambda: ({"sa_spikes": torch.zeros(2, 600, 60, dtype=torch.bool)}, {}))
    >>> encoded.arrays["sa_spikes"].shape
    torch.Size([2, 600, 60])
    """

    def __init__(self, arrive: Callable[[], Outcome]) -> None:
        self._arrive: Callable[[], Outcome] | None = arrive

    @cached_property
    def outcome(self) -> Outcome:
        """The arrays and the errors."""
        assert self._arrive is not None
        outcome = self._arrive()
        self._arrive = None  # it holds what the arrays were made from
        return outcome

    @property
    def arrays(self) -> Arrays:
        """The arrays, on the CPU; where something is learned, on the encoder's device."""
        return self.outcome[0]

    @property
    def errors(self) -> dict[int, str]:
        """The rows that have no spikes, and why."""
        return self.outcome[1]


def send(tensors: Arrays) -> Callable[[], Arrays]:
    """Begin to bring tensors to the CPU.

    They leave a GPU by a stream of their own, so that its next work need not wait for the copies,
    and land in page-locked memory, since only into that a GPU copies while the CPU goes on.

    Returns
    -------
    callable
        Waits until all have arrived and returns them, copied out of the page-locked memory, of
        which a machine has little.
    """
    on_gpu = {name: tensor for name, tensor in tensors.items() if tensor.is_cuda}
    if not on_gpu:
        return leave(tensors)
    device = next(iter(on_gpu.values())).device
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    landed = dict(tensors)
    for name, tensor in on_gpu.items():
        landed[name] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    with torch.cuda.stream(stream):
        for name, tensor in on_gpu.items():
            landed[name].copy_(tensor, non_blocking=True)
            # Its memory is not to be used again before this stream has read it.
            tensor.record_stream(stream)
    all_landed = stream.record_event()
    page_locked = tuple(on_gpu)  # their names alone, so that the tensors on the GPU can be let go

    def wait() -> Arrays:
        all_landed.synchronize()
        arrays = dict(landed)
        for name in page_locked:
            arrays[name] = landed[name].clone()
        return arrays

    return wait


def leave(tensors: Arrays) -> Callable[[], Arrays]:
    """Leave tensors where they are, as :func:`send` is called: those that have a gradient."""
    return lambda: tensors


def join(encodings: Sequence[Encoded]) -> Encoded:
    """Return the stimuli of several encodings, in order, as one.

    Examples
    --------
    >>> first = Encoded(lambda: ({"x": torch.zeros(3)}, {1: "overflows"}))
    >>> second = Encoded(lambda: ({"x": torch.ones(2)}, {0: "fails"}))
    >>> join([first, second]).errors
    {1: 'overflows', 3: 'fails'}
    """
    if len(encodings) == 1:
        return encodings[0]
    return Encoded(lambda: _join([encoded.outcome for encoded in encodings]))


def _join(outcomes: Sequence[Outcome]) -> Outcome:
    first_arrays, _ = outcomes[0]
    joined: Arrays = {}
    for name in first_arrays:
        joined[name] = torch.cat([arrays[name] for arrays, _ in outcomes])
    errors: dict[int, str] = {}
    rows_before = 0
    for arrays, messages in outcomes:
        for row, message in messages.items():
            errors[rows_before + row] = message
        rows_before += len(next(iter(arrays.values())))
    return joined, errors
