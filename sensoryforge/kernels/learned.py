"""A number of the equations that is learned, by a factor that stays positive."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sensoryforge.types import Floats


class Learned(nn.Module):
    """A parameter as start x exp(change), or start + change where it starts at 0; ``change`` is what is trained.

    A factor keeps the sign, so that a time constant cannot become negative, and makes one learning rate fit
    parameters of any size. Before the first step the value is the start, bit for bit.
    """

    start: Tensor

    def __init__(self, start: float | Floats | Tensor, count: int | None = None) -> None:
        """``start``: a number or one a neuron [N]; with a ``count``, each neuron's value is learned for itself."""
        super().__init__()
        value = torch.as_tensor(start).float()
        self.register_buffer("start", value.expand(count).clone() if count else value.clone())
        self.change = nn.Parameter(torch.zeros(count) if count else torch.zeros(()))

    def forward(self) -> Tensor:
        """Return the value as it stands."""
        return torch.where(self.start == 0, self.start + self.change, self.start * torch.exp(self.change))
