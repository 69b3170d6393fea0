"""Networks that read a stimulus off spikes: float32 counts ``[B, T, N]`` in, ``[B, outputs]`` out.

A decoder of your own is one more such class and one file ``decoder/NAME.yaml`` with its ``_target_`` and its options.
"""

from __future__ import annotations

from torch import Tensor, nn

from sensoryforge.extras import require


class LinearDecoder(nn.Module):
    """A weighted sum of each neuron's spike count, in ``windows`` equal stretches of the stimulus."""

    def __init__(self, samples: int, neurons: int, outputs: int, *, windows: int = 1) -> None:
        super().__init__()
        windows = min(windows, samples)
        self.counts = nn.AdaptiveAvgPool1d(windows)
        inputs = neurons * windows
        self.readout = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(inputs), nn.Linear(inputs, outputs))

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the outputs."""
        outputs: Tensor = self.readout(self.counts(spikes.transpose(1, 2)))
        return outputs


class ConvDecoder(nn.Module):
    """Convolutions over time, each halving it, then the mean over what is left."""

    def __init__(
        self, samples: int, neurons: int, outputs: int, *, channels: int = 32, kernel: int = 5, layers: int = 2
    ) -> None:
        super().__init__()
        widths = [neurons, *[channels] * layers]
        stages = [_stage(widths[k], widths[k + 1], kernel) for k in range(layers)]
        self.features = nn.Sequential(nn.BatchNorm1d(neurons), *stages, nn.AdaptiveAvgPool1d(1), nn.Flatten())
        self.readout = nn.Linear(channels, outputs)

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the outputs."""
        outputs: Tensor = self.readout(self.features(spikes.transpose(1, 2)))
        return outputs


def _stage(narrow: int, wide: int, kernel: int) -> nn.Module:
    halving = nn.Conv1d(narrow, wide, kernel, stride=2, padding=kernel // 2)
    return nn.Sequential(halving, nn.BatchNorm1d(wide), nn.GELU())


class SpikingDecoder(nn.Module):
    """Leaky integrate-and-fire neurons with recurrent connections, read out by leaky units that do not fire.

    Built on snnTorch, ``pip install "sensoryforge[snn]"``; its surrogate gradient is the fast sigmoid.
    """

    def __init__(self, samples: int, neurons: int, outputs: int, *, hidden: int = 64, beta: float = 0.9) -> None:
        super().__init__()
        snn = require("snntorch")
        self.into = nn.Sequential(nn.Flatten(0, 1), nn.BatchNorm1d(neurons), nn.Linear(neurons, hidden))
        self.hidden = snn.RLeaky(
            beta=beta, linear_features=hidden, spike_grad=snn.surrogate.fast_sigmoid(slope=10), learn_beta=True
        )
        self.out = nn.Linear(hidden, outputs)
        self.readout = snn.Leaky(beta=beta, reset_mechanism="none", learn_beta=True)

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the readout's potential, its mean over time."""
        current = self.into(spikes).unflatten(0, spikes.shape[:2])
        fired, hidden = self.hidden.init_rleaky()
        readout = self.readout.init_leaky()
        total = spikes.new_zeros(())
        for step in current.unbind(1):
            fired, hidden = self.hidden(step, fired, hidden)
            _, readout = self.readout(self.out(fired), readout)
            total = total + readout
        return total / spikes.shape[1]
