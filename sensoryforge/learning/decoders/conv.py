"""Convolutions over time."""

from __future__ import annotations

from torch import Tensor, nn


class ConvDecoder(nn.Module):
    """Convolutions over time, each halving it, then the mean over what is left.

    Parameters
    ----------
    samples
        Samples or bins T of a stimulus; any number is taken.
    neurons
        Neurons N of all populations, the channels of the first convolution.
    outputs
        Numbers to give for a stimulus: one a class, or one a parameter.
    channels
        Features of each layer.
    kernel
        Width of a convolution in bins.
    layers
        Convolutions, each with batch normalisation and GELU.

    Examples
    --------
    >>> import torch
    >>> decoder = ConvDecoder(samples=20, neurons=5, outputs=3)
    >>> decoder(torch.zeros(8, 20, 5)).shape
    torch.Size([8, 3])
    """

    def __init__(
        self,
        samples: int,
        neurons: int,
        outputs: int,
        *,
        channels: int = 32,
        kernel: int = 5,
        layers: int = 2,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        width = neurons
        for _ in range(layers):
            stages.append(_halving_convolution(width, channels, kernel))
            width = channels
        self.features = nn.Sequential(
            nn.BatchNorm1d(neurons),
            *stages,
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
        )
        self.readout = nn.Linear(channels, outputs)

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the outputs ``[B, outputs]`` for counts ``[B, T, N]``."""
        features = self.features(spikes.transpose(1, 2))
        outputs: Tensor = self.readout(features)
        return outputs


def _halving_convolution(inputs: int, outputs: int, kernel: int) -> nn.Module:
    convolution = nn.Conv1d(inputs, outputs, kernel, stride=2, padding=kernel // 2)
    return nn.Sequential(convolution, nn.BatchNorm1d(outputs), nn.GELU())
