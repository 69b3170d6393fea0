"""A population of afferents: where they lie, which receptors they pool, and the equations that they follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sensoryforge.errors import ConfigError, listing, suggest
from sensoryforge.experiment import Experiment, PopulationSpec
from sensoryforge.kernels import Afferents
from sensoryforge.kernels.learned import Learned
from sensoryforge.kernels.surrogate import Surrogate
from sensoryforge.numerics import hash64
from sensoryforge.receptors import layout
from sensoryforge.types import Floats, Ints, Positions


class Population(nn.Module):
    """Afferents on the sheet: where they lie, which receptors they pool, and their equations."""

    positions: Positions
    indices: Ints
    weights: Floats
    gather: Tensor
    strength: Tensor

    def __init__(self, name: str, spec: PopulationSpec, experiment: Experiment) -> None:
        super().__init__()
        self.name, self.spec = name, spec
        self.dt_ms, self.substeps = experiment.dt_ms, experiment.substeps
        self.surrogate = Surrogate(experiment.surrogate, experiment.surrogate_width)
        self.learned = nn.ModuleDict()
        seed = experiment.seed
        self.positions = layout(spec.layout, experiment.sheet, spec.count, hash64("layout", seed, name))
        drawn = spec.innervation.draw(experiment.sheet, self.positions, hash64("innervation", seed, name))
        self.indices, self.weights = drawn.indices, drawn.weights
        self.values: dict[str, dict[str, float | Tensor]] = {}
        for kind, block in (("filter", spec.filter), ("model", spec.model)):
            drawn_values = block.draw(spec.count, seed, name, kind)
            self.values[kind] = {n: v if isinstance(v, float) else _single(v) for n, v in drawn_values.items()}

    def _given(self, kind: str) -> dict[str, float | Tensor]:
        """Return the numbers of a block; those that differ are on the CPU, where kernels want them first."""
        return {n: self._learned(f"{kind}.{n}", v) for n, v in self.values[kind].items()}

    def _learned(self, name: str, value: float | Tensor) -> float | Tensor:
        """Return what a number has become by learning."""
        key = name.replace(".", "/")
        return self.learned[key]() if key in self.learned else value

    @property
    def learnable(self) -> tuple[str, ...]:
        """Names of the numbers that can be learned: ``gain``, ``filter.tau_d``, ``model.a``, ..."""
        return ("gain", *(f"{kind}.{n}" for kind in ("filter", "model") for n in self.values.get(kind, {})))

    def learn(self, name: str, *, each: bool = False) -> nn.Parameter:
        """Make a number a parameter to train, one for the population or one for each neuron; return it.

        Raises ConfigError for a number that is not there.
        """
        if name not in self.learnable:
            known = f"known are {listing(self.learnable)}{suggest(name, self.learnable)}"
            raise ConfigError(f"learn: population {self.name} has no number '{name}', {known}")
        kind, _, parameter = name.rpartition(".")
        start = self._given(kind)[parameter] if kind else self.spec.gain
        self.learned[name.replace(".", "/")] = made = Learned(start, self.spec.count if each else None)
        return made.change

    @property
    def learning(self) -> bool:
        """Whether spikes have a gradient: something is learned, in training, and gradients are on."""
        wanted = any(p.requires_grad for p in self.learned.parameters())
        return wanted and self.training and torch.is_grad_enabled()

    def afferents(self) -> Afferents:
        """Return the equations and numbers that a kernel needs."""
        spec = self.spec
        return Afferents(
            filter=spec.filter,
            model=spec.model,
            filter_values=self._given("filter"),
            model_values=self._given("model"),
            gain=self._learned("gain", spec.gain) * spec.model.drive_scale,
            noise_std=spec.noise_std * spec.model.drive_scale,
            dt_ms=self.dt_ms,
            substeps=self.substeps,
            surrogate=self.surrogate if self.learning else None,
        )

    def connect(self, receptors: Ints) -> None:
        """Find the pooled receptors among those that a stimulus is evaluated at, whose numbers are ascending."""
        gather = torch.from_numpy(np.searchsorted(receptors, self.indices))
        self.register_buffer("gather", gather, persistent=False)
        self.register_buffer("strength", torch.from_numpy(self.weights), persistent=False)

    def pool(self, pressure: Floats) -> Floats:
        """Return the weighted sum of pooled receptors: [..., R] -> [..., N], added in a fixed order.

        An array gives an array; a tensor on the population's device gives a tensor there, with the same bits.
        """
        gather: Any = self.gather
        strength: Any = self.strength
        if isinstance(pressure, np.ndarray):
            gather, strength = gather.numpy(), strength.numpy()
        total: Floats = pressure[..., gather[:, 0]] * strength[:, 0]
        for c in range(1, strength.shape[1]):
            total += pressure[..., gather[:, c]] * strength[:, c]
        return total


def _single(values: Floats) -> Tensor:
    """Return one value a neuron, in float32."""
    return torch.as_tensor(values).float()
