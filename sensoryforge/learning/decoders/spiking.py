"""A recurrent spiking network, built on snnTorch."""

from __future__ import annotations

from torch import Tensor, nn

from sensoryforge.core.packages import require

_SURROGATE_SLOPE = 10
"""Steepness of the fast sigmoid whose gradient stands in for that of a spike."""


class SpikingDecoder(nn.Module):
    """Leaky integrate-and-fire neurons with recurrent connections, read out by leaky units.

    The readout does not fire: its potential, averaged over time, is the output. Needs snnTorch,
    ``pip install "sensoryforge[snn]"``; its surrogate gradient is the fast sigmoid [1]_.

    Parameters
    ----------
    samples
        Samples or bins T of a stimulus; any number is taken.
    neurons
        Neurons N of all populations that are decoded.
    outputs
        Numbers to give for a stimulus: one a class, or one a parameter.
    hidden
        Leaky integrate-and-fire neurons, connected all to all.
    beta
        What is left of a potential after a bin, at the start of training.

    Raises
    ------
    ConfigError
        Where snnTorch is not installed.

    References
    ----------
    .. [1] Zenke F, Ganguli S (2018) SuperSpike: supervised learning in multilayer spiking neural
       networks. Neural Computation 30:1514. doi:10.1162/neco_a_01086

    Examples
    --------
    >>> import torch
    >>> decoder = SpikingDecoder(samples=20, neurons=5, outputs=3, hidden=16)
    >>> decoder(torch.zeros(8, 20, 5)).shape
    torch.Size([8, 3])
    """

    def __init__(
        self, samples: int, neurons: int, outputs: int, *, hidden: int = 64, beta: float = 0.9
    ) -> None:
        super().__init__()
        snn = require("snntorch")
        # All bins pass the first layer at once; only the neurons have to go step by step.
        self.into = nn.Sequential(
            nn.Flatten(0, 1),
            nn.BatchNorm1d(neurons),
            nn.Linear(neurons, hidden),
        )
        self.hidden = snn.RLeaky(
            beta=beta,
            linear_features=hidden,
            spike_grad=snn.surrogate.fast_sigmoid(slope=_SURROGATE_SLOPE),
            learn_beta=True,
        )
        self.out = nn.Linear(hidden, outputs)
        self.readout = snn.Leaky(beta=beta, reset_mechanism="none", learn_beta=True)

    def forward(self, spikes: Tensor) -> Tensor:
        """Return the readout's potential, its mean over time, ``[B, outputs]``."""
        current = self.into(spikes).unflatten(0, spikes.shape[:2])
        fired, hidden = self.hidden.init_rleaky()
        readout = self.readout.init_leaky()
        total = spikes.new_zeros(())
        for step in current.unbind(1):
            fired, hidden = self.hidden(step, fired, hidden)
            _, readout = self.readout(self.out(fired), readout)
            total = total + readout
        return total / spikes.shape[1]
