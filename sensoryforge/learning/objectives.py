"""What training the encoder makes small: distance to target rates, cross-entropy of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment

_SPIKES = "_spikes"
_LEAST_VARIANCE = 1e-6
"""In Hz²; targets that hardly vary are not divided by zero."""


class Objective(Protocol):
    """A module of torch that gives the loss of a chunk of the design."""

    def __call__(self, arrays: Mapping[str, Tensor], positions: Tensor) -> Tensor:
        """Return the loss of some stimuli, a scalar.

        Parameters
        ----------
        arrays
            What was encoded, ``<population>_spikes`` ``[B, T, N]`` among it.
        positions
            Positions of the stimuli in the design, int64 ``[B]``.
        """

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return its own parameters; those that require a gradient are trained too."""


class RateTargets(nn.Module):
    """The squared distance to target rates, in units of their variance.

    The repetitions of a condition that are encoded together are averaged before they are compared,
    as a PSTH is.

    Parameters
    ----------
    targets
        Population -> rates in Hz ``[C, bins, N]``, one for each condition of the design.
    experiment
        What is simulated.
    bin_ms
        Length of a bin in ms.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> experiment = check(sf.compose("stimuli.amplitude=[10,20]", "pipeline.duration_ms=10"))
    >>> objective = RateTargets({"sa": torch.rand(2, 2, 60)}, experiment, bin_ms=5)
    >>> objective({"sa_spikes": torch.zeros(2, 20, 60)}, torch.arange(2)).shape
    torch.Size([])
    """

    condition: Tensor

    def __init__(
        self, targets: Mapping[str, Tensor], experiment: Experiment, bin_ms: float
    ) -> None:
        super().__init__()
        self.dt_ms = experiment.dt_ms
        self.bin_ms = bin_ms
        self.targets = nn.ParameterDict()
        for population, rates in targets.items():
            self.targets[population] = nn.Parameter(rates, requires_grad=False)
        self.register_buffer("condition", condition_numbers(experiment), persistent=False)

    def forward(self, arrays: Mapping[str, Tensor], positions: Tensor) -> Tensor:
        """Return the squared distance of the rates of some stimuli to their targets, a scalar.

        Parameters
        ----------
        arrays
            What was encoded, ``<population>_spikes`` ``[B, T, N]`` among it.
        positions
            Positions of the stimuli in the design, int64 ``[B]``.
        """
        encoded, row = torch.unique(self.condition[positions], return_inverse=True)
        losses = []
        for population, target in self.targets.items():
            spikes = arrays[population + _SPIKES].to(row.device)
            rates = binned_rates(spikes, self.dt_ms, self.bin_ms)
            means = average_repetitions(rates, row, len(encoded))
            distance = ((means - target[encoded]) ** 2).mean()
            losses.append(distance / target.var().clamp_min(_LEAST_VARIANCE))
        return torch.stack(losses).mean()


class Readout(nn.Module):
    """The cross-entropy of a decoder of labels that is trained together with the encoder.

    Parameters
    ----------
    network
        From rates in Hz of all populations side by side, ``[B, bins, N]``, to ``[B, classes]``.
    labels
        The class of each stimulus of the design, int64 ``[S]``.
    experiment
        What is simulated.
    bin_ms
        Length of a bin in ms.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> experiment = check(sf.compose("pipeline.duration_ms=10"))
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(2 * 140, 3))
    >>> objective = Readout(network, torch.tensor([0]), experiment, bin_ms=5)
    >>> objective({"sa_spikes": torch.zeros(1, 20, 140)}, torch.tensor([0])).shape
    torch.Size([])
    """

    labels: Tensor

    def __init__(
        self, network: nn.Module, labels: Tensor, experiment: Experiment, bin_ms: float
    ) -> None:
        super().__init__()
        self.network = network
        self.dt_ms = experiment.dt_ms
        self.bin_ms = bin_ms
        self.register_buffer("labels", labels, persistent=False)

    def outputs(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return what the decoder makes of encoded arrays, ``[B, classes]``."""
        trains = []
        for name, array in arrays.items():
            if name.endswith(_SPIKES):
                trains.append(array.to(self.labels.device))
        rates = binned_rates(torch.cat(trains, dim=-1), self.dt_ms, self.bin_ms)
        outputs: Tensor = self.network(rates)
        return outputs

    def forward(self, arrays: Mapping[str, Tensor], positions: Tensor) -> Tensor:
        """Return the cross-entropy of the decoder's outputs for some stimuli, a scalar.

        Parameters
        ----------
        arrays
            What was encoded; the decoder reads every ``<population>_spikes`` ``[B, T, N]``.
        positions
            Positions of the stimuli in the design, int64 ``[B]``.
        """
        return F.cross_entropy(self.outputs(arrays), self.labels[positions])


def binned_rates(spikes: Tensor, dt_ms: float, bin_ms: float) -> Tensor:
    """Return the rate of each neuron in bins of time.

    Parameters
    ----------
    spikes
        ``[..., T, N]``, bool, or 0.0 and 1.0 with a gradient.
    dt_ms
        Length of a sample in ms.
    bin_ms
        Length of a bin in ms, rounded to whole samples.

    Returns
    -------
    Tensor
        Rates in Hz ``[..., bins, N]``; a last bin that is not full is left out.

    Raises
    ------
    ConfigError
        Where a bin is shorter than a sample or longer than the stimulus.

    Examples
    --------
    >>> binned_rates(torch.ones(10, 1), dt_ms=0.5, bin_ms=2.5).flatten().tolist()
    [2000.0, 2000.0]
    """
    samples = round(bin_ms / dt_ms)
    duration = spikes.shape[-2]
    if not 1 <= samples <= duration:
        longest = duration * dt_ms
        raise ConfigError(f"bin_ms: got {bin_ms:g}, allowed is {dt_ms:g} to {longest:g} (ms)")
    bins = duration // samples
    whole = spikes[..., : bins * samples, :].float()
    binned = whole.reshape(*whole.shape[:-2], bins, samples, whole.shape[-1])
    counts = binned.sum(-2)
    return counts * (1000.0 / (samples * dt_ms))


def average_repetitions(rates: Tensor, row: Tensor, count: int) -> Tensor:
    """Return the mean of the rates over the stimuli of each condition, ``[count, bins, N]``.

    Parameters
    ----------
    rates
        ``[B, bins, N]``.
    row
        Which of ``count`` conditions each stimulus belongs to, int64 ``[B]``.
    count
        Conditions.
    """
    sums = rates.new_zeros(count, *rates.shape[1:]).index_add(0, row, rates)
    repetitions = torch.bincount(row, minlength=count)
    return sums / repetitions[:, None, None]


def condition_numbers(experiment: Experiment) -> Tensor:
    """Return the number of the condition of each stimulus of the design, int64 ``[S]``."""
    design = experiment.design
    numbers: list[int] = []
    first = 0
    for span in design.locate(0, len(design)):
        numbers += (span.condition + first).tolist()
        first += span.family.count_conditions
    return torch.tensor(numbers)
