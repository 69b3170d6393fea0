"""A number of the equations that is learned, by a factor that stays positive."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sensoryforge.core.types import Floats


class Learned(nn.Module):
    """A parameter of the equations as start x exp(change), or start + change where it starts at 0.

    ``change`` is what is trained. A factor keeps the sign, so that a time constant cannot become
    negative, and makes one learning rate fit parameters of any size. Before the first step of
    training the value is the start, bit for bit.

    Parameters
    ----------
    start
        The value before training, in the parameter's unit: one number, or one a neuron [N].
    count
        With the number of neurons N here, each neuron's value is learned for itself.

    Examples
    --------
    >>> tau_ms = Learned(5.0)
    >>> tau_ms().item()
    5.0
    """

    start: Tensor

    def __init__(self, start: float | Floats | Tensor, count: int | None = None) -> None:
        super().__init__()
        value = torch.as_tensor(start).float()
        shape = torch.Size([count]) if count else torch.Size([])
        if count:
            value = value.expand(shape)
        self.register_buffer("start", value.clone())
        self.change = nn.Parameter(torch.zeros(shape))

    def forward(self) -> Tensor:
        """Return the value as it stands."""
        scaled = self.start * torch.exp(self.change)
        return torch.where(self.start == 0, self.start + self.change, scaled)
