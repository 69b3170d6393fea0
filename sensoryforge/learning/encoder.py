"""Training the encoder itself: numbers of its filters and models, through threshold and reset.

    names = ["sa.gain", "sa.filter.tau_d"]
    module = LearningModule(experiment, names, RateTargets(targets, experiment, bin_ms=5))
    Trainer(max_epochs=100).fit(module, DesignDataModule(experiment))

Forward, spikes are those of a run, bit for bit; backward, they have the surrogate gradient of
``pipeline.surrogate``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.learning.objectives import Objective
from sensoryforge.learning.trainable import make_trainable
from sensoryforge.simulation.chunks import Chunk, cut_into_chunks
from sensoryforge.simulation.lightning_module import EncodingModule, load_chunks


class LearningModule(EncodingModule):
    """Trains numbers of an encoder, and the parameters of its objective, by Adam.

    The learning rates fall to zero along half a cosine over the whole training.

    Parameters
    ----------
    experiment
        What is simulated, on the torch backend.
    names
        The numbers to train; see ``make_trainable``.
    objective
        The module that gives the loss, such as ``RateTargets`` or ``Readout``.
    per_neuron
        One value a neuron instead of one a population.
    learning_rate
        A relative step: 0.05 changes a time constant by about 5%.
    objective_rate
        The step of the objective's own parameters.

    Raises
    ------
    ConfigError
        With a line for each name that is no number of the encoder.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> from sensoryforge.learning import RateTargets, learned_values
    >>> experiment = check(sf.compose("pipeline.grid_size=12", "pipeline.duration_ms=10"))
    >>> objective = RateTargets({"sa": torch.rand(1, 2, 60)}, experiment, bin_ms=5)
    >>> module = LearningModule(experiment, ["sa.gain"], objective)
    >>> float(learned_values(module.encoder)["sa.gain"])
    40.0
    """

    def __init__(
        self,
        experiment: Experiment,
        names: Sequence[str],
        objective: Objective,
        *,
        per_neuron: bool = False,
        learning_rate: float = 0.05,
        objective_rate: float = 0.01,
    ) -> None:
        super().__init__(experiment, "torch")
        make_trainable(self.encoder, names, per_neuron=per_neuron)
        self.objective = objective
        self.learning_rate = learning_rate
        self.objective_rate = objective_rate

    def training_step(self, batch: Chunk, batch_idx: int) -> Tensor:
        """Return the loss of a chunk of the design."""
        encoded = self(batch)
        if encoded.errors:
            first_error = next(iter(encoded.errors.values()))
            raise ConfigError(f"learn: the states are no longer finite ({first_error})")
        positions = torch.cat([torch.arange(start, stop) for start, stop in batch])
        positions = positions.to(self.device)
        loss: Tensor = self.objective(encoded.arrays, positions)
        stimuli = len(positions)
        self.log("train_loss", loss.detach(), on_step=False, on_epoch=True, batch_size=stimuli)
        return loss

    def configure_optimizers(self) -> Any:
        """Return Adam, with a rate for the encoder and another for the objective."""
        groups = [{"params": list(self.encoder.parameters()), "lr": self.learning_rate}]
        trained = [value for value in self.objective.parameters() if value.requires_grad]
        if trained:
            groups.append({"params": trained, "lr": self.objective_rate})
        optimiser = torch.optim.Adam(groups)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class DesignDataModule(LightningDataModule):
    """All stimuli of a design, in chunks, for training the encoder; one item is one chunk.

    Parameters
    ----------
    experiment
        Whose design it is.
    chunk_size
        Stimuli simulated together, one step of the optimiser; None takes all of them.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> experiment = check(sf.compose("stimuli.amplitude=[10,20,30]"))
    >>> list(DesignDataModule(experiment, chunk_size=2).train_dataloader())
    [((0, 2),), ((2, 3),)]
    """

    def __init__(self, experiment: Experiment, chunk_size: int | None = None) -> None:
        super().__init__()
        count = len(experiment.design)
        self.chunks = cut_into_chunks(np.arange(count), chunk_size or count, count)

    def train_dataloader(self) -> DataLoader[Chunk]:
        """Return the chunks in order."""
        return load_chunks(self.chunks)
