"""A population of afferents: where they lie, what they pool, which equations they follow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.types import Floats, Ints, Positions
from sensoryforge.design.experiment import Experiment, PopulationSpec
from sensoryforge.equations.linear import find_exact
from sensoryforge.equations.parameters import PerNeuron
from sensoryforge.simulation.kernels import Afferents
from sensoryforge.simulation.kernels.exact import step_exactly
from sensoryforge.simulation.kernels.learned import Learned
from sensoryforge.simulation.kernels.pooling import pool_rows
from sensoryforge.simulation.kernels.surrogate import Surrogate

Numbers: TypeAlias = Mapping[str, Tensor]
"""Numbers of a population that differ between stimuli, float64 [B,1], by their paths."""
MANY_ROWS = 16
"""Rows from which on it pays to load the compiled loop."""


class Population(nn.Module):
    """Afferents of one class: their receptive fields, and the numbers of their equations.

    Parameters
    ----------
    name
        The population's name, such as ``sa``.
    spec
        Its layout, innervation, filter and model.
    experiment
        What it is part of: receptors, time axis and seed.

    Attributes
    ----------
    positions
        Where the afferents lie, [N,2] in mm.
    indices, weights
        The receptors that each afferent pools, [N,C], and their weights; in a skin that deforms
        there are none.
    values
        ``filter`` or ``model`` -> parameter name -> a number that all share, or float32 [N].

    Examples
    --------
    >>> from sensoryforge.config.reading import check, compose
    >>> experiment = check(compose("neurons.sa_neurons=60"))
    >>> population = Population("sa", experiment.populations["sa"], experiment)
    >>> population.positions.shape
    (60, 2)
    """

    positions: Positions
    indices: Ints
    weights: Floats
    gather: Tensor
    strength: Tensor

    def __init__(self, name: str, spec: PopulationSpec, experiment: Experiment) -> None:
        super().__init__()
        self.name = name
        self.spec = spec
        self.seed = experiment.seed
        self.dt_ms = experiment.dt_ms
        self.substeps = experiment.substeps_of(spec)
        self._exact_afferents: Afferents | None = None
        self.exact = find_exact(spec.filter) if experiment.steps_exactly(spec) else None
        self.surrogate = Surrogate(experiment.surrogate, experiment.surrogate_width)
        self.learned = nn.ModuleDict()
        own_axes = [axis for axis in experiment.neuron_axes if axis.population == name]
        self.axes = {path for axis in own_axes for path in axis.paths}
        places = experiment.places(name)
        self.positions = places.xy_mm
        if spec.innervation.pools_receptors:
            self.indices = places.fields.indices
            self.weights = places.fields.weights
        self.values = {
            "filter": _single(spec.filter.draw(spec.count, experiment.seed, name, "filter")),
            "model": _single(spec.model.draw(spec.count, experiment.seed, name, "model")),
        }

    # --- innervation ---

    def connect(self, receptors: Ints) -> None:
        """Find the pooled receptors among those that stimuli are looked at.

        Parameters
        ----------
        receptors
            The numbers of those receptors in the sheet, ascending, [R].
        """
        gather = torch.from_numpy(np.searchsorted(receptors, self.indices))
        self.register_buffer("gather", gather, persistent=False)
        self.register_buffer("strength", torch.from_numpy(self.weights), persistent=False)

    def own_receptors(self) -> tuple[Tensor, Tensor]:
        """Return the receptors that this population pools, and which of them each afferent does.

        Returns
        -------
        receptors
            Their numbers in the sheet, ascending, int64 [R].
        pooled
            Where among them each afferent's are, int64 [N,C], on the population's device.
        """
        receptors, pooled = np.unique(self.indices, return_inverse=True)
        of_afferents = torch.from_numpy(pooled.reshape(self.indices.shape))
        return torch.from_numpy(receptors), of_afferents.to(self.gather.device)

    def pool(self, pressure: Any, pooled: Tensor | None = None) -> Any:
        """Return the weighted sum of the pooled receptors: [..., R] -> [..., N].

        They are added in a fixed order, since the sums of libraries round differently for another
        batch, thread count or device. An array gives an array; a tensor on the population's device
        gives a tensor there, with the same bits.

        Parameters
        ----------
        pressure
            What is felt at receptors.
        pooled
            Which of these receptors each afferent pools, [N,C]; by default those that
            :meth:`connect` found.
        """
        gather: Any = self.gather if pooled is None else pooled
        strength: Any = self.strength
        if isinstance(pressure, np.ndarray):
            gather = gather.numpy()
            strength = strength.numpy()
            if pressure[..., 0].size >= MANY_ROWS:
                return pool_rows(pressure, gather, strength)
        total: Floats = pressure[..., gather[:, 0]] * strength[:, 0]
        for connection in range(1, strength.shape[1]):
            of_receptors = pressure[..., gather[:, connection]]
            total += of_receptors * strength[:, connection]
        return total

    # --- conduction ---

    def delays(self) -> Tensor | None:
        """Return by how many samples the spikes of each afferent are late, int64 [N], or None."""
        if self.spec.delay is None:
            return None
        late = self.spec.delay.draw_samples(self.spec.count, self.seed, self.name, self.dt_ms)
        return torch.from_numpy(late)

    # --- equations ---

    @property
    def voltage(self) -> str:
        """The state that a dataset calls voltage: the model's first."""
        return next(iter(self.spec.model.states))

    def afferents(self, of_stimuli: Numbers = MappingProxyType({})) -> Afferents:
        """Return the equations and numbers that a kernel needs.

        Parameters
        ----------
        of_stimuli
            Numbers that differ between stimuli: ``gain``, ``noise_std``, ``filter.tau_d``,
            ``model.a``, ... -> float64 [B,1].
        """
        spec = self.spec
        scale = spec.model.drive_scale
        noise_std = of_stimuli.get("noise_std", _number(spec.noise_std))
        afferents = Afferents(
            filter=spec.filter,
            model=spec.model,
            filter_values=self._values("filter", of_stimuli),
            model_values=self._values("model", of_stimuli),
            gain=self._value("gain", _number(spec.gain), of_stimuli) * scale,
            noise_std=noise_std * scale,
            dt_ms=self.dt_ms,
            substeps=self.substeps,
            surrogate=self.surrogate if self.learning else None,
        )
        if self.exact is None:
            return afferents
        # What is learned changes from step to step of a training; all else is prepared once.
        if of_stimuli:
            return step_exactly(afferents, self.exact)
        if self._exact_afferents is None or self.learned:
            self._exact_afferents = step_exactly(afferents, self.exact)
        return self._exact_afferents

    def _values(
        self, block: str, of_stimuli: Numbers = MappingProxyType({})
    ) -> dict[str, float | Tensor]:
        """Return the numbers of a block.

        Those that differ between neurons are on the CPU, where kernels want them first.
        """
        values: dict[str, float | Tensor] = {}
        for parameter, value in self.values[block].items():
            values[parameter] = self._value(f"{block}.{parameter}", value, of_stimuli)
        return values

    def _value(
        self, name: str, start: float | Tensor, of_stimuli: Numbers = MappingProxyType({})
    ) -> float | Tensor:
        """Return what a number is for each stimulus, or what it has become by learning."""
        if name in of_stimuli:
            return of_stimuli[name]
        key = _module_key(name)
        if key not in self.learned:
            return start
        learned: Tensor = self.learned[key]()
        return learned

    # --- learning ---

    @property
    def learnable(self) -> tuple[str, ...]:
        """Names of the numbers that can be learned: ``gain``, ``filter.tau_d``, ``model.a``, ..."""
        names = ["gain"]
        for block, values in self.values.items():
            names += [f"{block}.{parameter}" for parameter in values]
        return tuple(names)

    def learn(self, name: str, *, each: bool = False) -> nn.Parameter:
        """Make a number a parameter to train.

        Parameters
        ----------
        name
            One of :attr:`learnable`.
        each
            Whether each neuron has one of its own, instead of one for the population.

        Returns
        -------
        Parameter
            What is trained: the logarithm of the factor by which the number changes.

        Raises
        ------
        ConfigError
            For a number that is not there.
        """
        if name not in self.learnable:
            known = f"known are {list_names(self.learnable)}{suggest(name, self.learnable)}"
            raise ConfigError(f"learn: population {self.name} has no number '{name}', {known}")
        if name in self.axes:
            got = f"{self.name}.{name}, which is an axis of the design"
            raise ConfigError(f"learn: got {got}, allowed is a number that all stimuli share")
        block, _, parameter = name.rpartition(".")
        start = self._values(block)[parameter] if block else _number(self.spec.gain)
        count = self.spec.count if each else None
        learned = Learned(start, count)
        self.learned[_module_key(name)] = learned
        return learned.change

    @property
    def learning(self) -> bool:
        """Whether spikes have a gradient: something is learned, in training, with gradients on."""
        wanted = any(parameter.requires_grad for parameter in self.learned.parameters())
        return wanted and self.training and torch.is_grad_enabled()


def _module_key(name: str) -> str:
    """Return a number's name as a ModuleDict takes it, which allows no dots."""
    return name.replace(".", "/")


def _number(value: float | PerNeuron) -> float | Tensor:
    """Return a number of the population, [N] where each neuron has its own.

    In float64, as a number that all share: it is rounded where it is used.
    """
    if not isinstance(value, PerNeuron):
        return value
    return torch.tensor(value.values, dtype=torch.float64)


def _single(values: dict[str, float | Floats]) -> dict[str, float | Tensor]:
    """Return numbers of a block with those that differ between neurons in float32."""
    single: dict[str, float | Tensor] = {}
    for name, value in values.items():
        single[name] = value if isinstance(value, float) else torch.as_tensor(value).float()
    return single
