"""A weighted sum of spike counts."""

from __future__ import annotations

from torch import Tensor, nn


class LinearDecoder(nn.Module):
    """A weighted sum of each neuron's spike count, in equal windows of the stimulus.

    Parameters
    ----------
    samples
        Samples or bins T of a stimulus.
    neurons
        Neurons N of all populations.
    outputs
        Numbers to give for a stimulus: one a class, or one a parameter.
    windows
        Equal stretches of the stimulus, each with its own counts; at most ``samples``.

    Examples
    --------
    >>> import torch
    >>> decoder = LinearDecoder(samples=20, neurons=5, outputs=3, windows=4)
    >>> decoder(torch.zeros(8, 20, 5)).shape
    torch.Size([8, 3])
    """

    def __init__(self, samples: int, neurons: int, outputs: int, *, windows: int = 1) -> None:
        super().__init__()
        windows = min(windows, samples)
        inputs = neurons * windows
        self.counts = nn.AdaptiveAvgPool1d(windows)
        self.readout = nn.Sequential(
            nn.Flatten(),
            nn.BatchNorm1d(inputs),
            nn.Linear(inputs, outputs),
        )

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the outputs ``[B, outputs]`` for counts ``[B, T, N]``."""
        counts = self.counts(spikes.transpose(1, 2))
        outputs: Tensor = self.readout(counts)
        return outputs
