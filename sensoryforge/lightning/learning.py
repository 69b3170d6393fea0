"""Training the encoder itself: parameters of its equations, through filter, neuron, threshold and reset.

    names = ["sa.gain", "sa.filter.tau_d"]
    module = LearningModule(experiment, names, RateTargets(targets, experiment, bin_ms=5))
    Trainer(max_epochs=100).fit(module, DesignDataModule(experiment))

Forward, spikes are those of a run, bit for bit; backward, they have the surrogate gradient of ``pipeline.surrogate``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader

from sensoryforge.encoder import Encoder
from sensoryforge.errors import ConfigError, listing, suggest
from sensoryforge.experiment import Experiment
from sensoryforge.lightning.encoding import Chunk, EncodingModule, chunks
from sensoryforge.population import Population

_SUFFIX = "_spikes"


def learn(encoder: Encoder, names: Sequence[str], *, each: bool = False) -> dict[str, nn.Parameter]:
    """Make numbers of the equations parameters to train, and return them.

    ``names``: ``<population>.gain``, ``<population>.filter.<parameter>`` or ``<population>.model.<parameter>``;
    ``each``: one value a neuron instead of one a population. Raises ConfigError with a line for each unknown name.
    """
    problems, found = [], []
    for name in names:
        population, _, number = name.partition(".")
        known = list(encoder.populations)
        part = encoder.populations[population] if population in known else None
        if not isinstance(part, Population):
            problems.append(f"learn: got '{name}', populations are {listing(known)}{suggest(population, known)}")
        elif number not in part.learnable:
            near = suggest(number, part.learnable)
            problems.append(f"learn: got '{name}', numbers of {population} are {listing(part.learnable)}{near}")
        else:
            found.append((name, part, number))
    if encoder.backend != "torch":
        problems.append(f"learn: backend {encoder.backend} has no gradients; use backend torch")
    if problems:
        raise ConfigError(problems)
    return {name: part.learn(number, each=each) for name, part, number in found}


def learned(encoder: Encoder) -> dict[str, Tensor]:
    """Return what each number that is trained has become, by its name."""
    return {
        f"{name}.{key.replace('/', '.')}": value().detach()
        for name, part in encoder.populations.items()
        if isinstance(part, Population)
        for key, value in part.learned.items()
    }


def overrides(encoder: Encoder) -> list[str]:
    """Return the overrides that give a run the learned numbers; raises ConfigError for one value a neuron."""
    values = learned(encoder)
    many = [name for name, value in values.items() if value.ndim]
    if many:
        raise ConfigError(f"learned: {listing(many)} differ from neuron to neuron, which no override can say")
    made = []
    for name, value in values.items():
        population, _, number = name.partition(".")
        block, _, parameter = number.rpartition(".")
        key = f"{block}.parameters.{parameter}" if block else parameter
        made.append(f"neurons.populations.{population}.{key}={value.item():.9g}")
    return made


def rates(spikes: Tensor, dt_ms: float, bin_ms: float) -> Tensor:
    """Return the rates in Hz, [..., bins, N], of spikes [..., T, N]; a last bin that is not full is left out."""
    samples = round(bin_ms / dt_ms)
    bins = spikes.shape[-2] // samples
    if samples < 1 or not bins:
        raise ConfigError(f"bin_ms: got {bin_ms:g}, allowed is {dt_ms:g} to {spikes.shape[-2] * dt_ms:g} (ms)")
    whole = spikes[..., : bins * samples, :].float()
    counts = whole.reshape(*whole.shape[:-2], bins, samples, whole.shape[-1]).sum(-2)
    return counts * (1000.0 / (samples * dt_ms))


class Objective(Protocol):
    """What training makes small: a module that takes encoded arrays and the stimuli's places in the design."""

    def __call__(self, arrays: Mapping[str, Tensor], places: Tensor) -> Tensor:
        """Return the loss."""


class RateTargets(nn.Module):
    """The squared distance to target rates, in units of their variance.

    ``targets``: population -> rates in Hz [C, bins, N], one for each condition. The repetitions of a condition that
    are encoded together are averaged before they are compared, as a PSTH is.
    """

    def __init__(self, targets: Mapping[str, Tensor], experiment: Experiment, bin_ms: float) -> None:
        super().__init__()
        self.dt_ms, self.bin_ms = experiment.dt_ms, bin_ms
        self.targets = nn.ParameterDict({n: nn.Parameter(t, requires_grad=False) for n, t in targets.items()})
        self.register_buffer("condition", conditions(experiment), persistent=False)

    condition: Tensor

    def forward(self, arrays: Mapping[str, Tensor], places: Tensor) -> Tensor:
        """Return the loss."""
        which, row = torch.unique(self.condition[places], return_inverse=True)
        losses = []
        for name, target in self.targets.items():
            spikes = arrays[name + _SUFFIX].to(row.device)
            found = psth(rates(spikes, self.dt_ms, self.bin_ms), row, len(which))
            losses.append(((found - target[which]) ** 2).mean() / target.var().clamp_min(1e-6))
        return torch.stack(losses).mean()


class Readout(nn.Module):
    """The cross-entropy of a decoder that reads labels [S] off the rates; it is trained with the encoder.

    ``network``: rates in Hz of all populations side by side, [B, bins, N], to [B, classes].
    """

    labels: Tensor

    def __init__(self, network: nn.Module, labels: Tensor, experiment: Experiment, bin_ms: float) -> None:
        super().__init__()
        self.network, self.dt_ms, self.bin_ms = network, experiment.dt_ms, bin_ms
        self.register_buffer("labels", labels, persistent=False)

    def outputs(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return what the decoder makes of encoded arrays."""
        spikes = [array.to(self.labels.device) for name, array in arrays.items() if name.endswith(_SUFFIX)]
        outputs: Tensor = self.network(rates(torch.cat(spikes, dim=-1), self.dt_ms, self.bin_ms))
        return outputs

    def forward(self, arrays: Mapping[str, Tensor], places: Tensor) -> Tensor:
        """Return the loss."""
        return F.cross_entropy(self.outputs(arrays), self.labels[places])


def psth(rates: Tensor, row: Tensor, count: int) -> Tensor:
    """Return the mean of the rates [B, bins, N] over the stimuli of each of ``count`` conditions."""
    sums = rates.new_zeros(count, *rates.shape[1:]).index_add(0, row, rates)
    return sums / torch.bincount(row, minlength=count)[:, None, None]


def conditions(experiment: Experiment) -> Tensor:
    """Return the number of the condition of each stimulus of the design, int64 [S]."""
    numbers: list[int] = []
    first = 0
    for span in experiment.design.locate(0, len(experiment.design)):
        numbers += (span.condition + first).tolist()
        first += span.family.count_conditions
    return torch.tensor(numbers)


class LearningModule(EncodingModule):
    """Trains numbers of an encoder, and the parameters of its objective, by Adam.

    ``learning_rate`` is a relative step: 0.05 changes a time constant by about 5%.
    """

    def __init__(
        self,
        experiment: Experiment,
        names: Sequence[str],
        objective: nn.Module,
        *,
        each: bool = False,
        learning_rate: float = 0.05,
        objective_rate: float = 0.01,
    ) -> None:
        super().__init__(experiment, "torch")
        learn(self.encoder, names, each=each)
        self.objective = objective
        self.learning_rate, self.objective_rate = learning_rate, objective_rate

    def training_step(self, batch: Chunk, batch_idx: int) -> Tensor:
        """Return the loss of a chunk of the design."""
        encoded = self(batch)
        if encoded.errors:
            raise ConfigError(f"learn: the states are no longer finite ({next(iter(encoded.errors.values()))})")
        places = torch.cat([torch.arange(*each) for each in batch]).to(self.device)
        loss: Tensor = self.objective(encoded.arrays, places)
        self.log("train_loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(places))
        return loss

    def configure_optimizers(self) -> Any:
        """Return Adam, with a rate for the encoder and another for the objective."""
        groups = [{"params": list(self.encoder.parameters()), "lr": self.learning_rate}]
        rest = [p for p in self.objective.parameters() if p.requires_grad]
        optimiser = torch.optim.Adam([*groups, *([{"params": rest, "lr": self.objective_rate}] if rest else [])])
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class DesignDataModule(LightningDataModule):
    """All stimuli of a design, in chunks, for training the encoder; one item is one chunk."""

    def __init__(self, experiment: Experiment, chunk_size: int | None = None) -> None:
        super().__init__()
        count = len(experiment.design)
        self.chunks = chunks(np.arange(count), chunk_size or count, count)

    def train_dataloader(self) -> DataLoader[Chunk]:
        """Return the chunks in order."""
        return DataLoader(self.chunks, batch_size=None, collate_fn=_same)  # type: ignore[arg-type]


def _same(item: Any) -> Any:
    return item
