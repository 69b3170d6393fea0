"""An experiment that was checked whole: what runs, in plain dataclasses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sensoryforge.core.axes import SEED_AXIS
from sensoryforge.design.delay import Delay
from sensoryforge.design.design import Design, column_of
from sensoryforge.design.neuron_axis import NeuronAxis
from sensoryforge.equations.block import Block
from sensoryforge.equations.linear import find_exact
from sensoryforge.equations.parameters import PerNeuron, largest
from sensoryforge.equations.stepping import auto_substeps, fitted_step_ms
from sensoryforge.skin.innervation import Innervation
from sensoryforge.skin.layouts import Layout
from sensoryforge.skin.mechanics import Skin
from sensoryforge.skin.outlined import Density
from sensoryforge.skin.outlines import Outline
from sensoryforge.skin.places import Places
from sensoryforge.skin.receptors import Receptors
from sensoryforge.stimuli.ranges import MILLIMETRE, MODEL_DRIVE
from sensoryforge.store.formats import Format


@dataclass(frozen=True)
class PopulationSpec:
    """Afferents that share layout, innervation, filter and neuron model.

    Parameters
    ----------
    count
        Number of afferents.
    layout, innervation
        Where they lie, and which receptors they pool.
    filter, model
        Their equations: drive to filtered drive, and current to spikes.
    gain
        What turns filter output into model current.
    noise_std
        White noise of the model current, in drive x sqrt(ms).
    receptor_noise_std
        White noise of every receptor that is pooled, in drive x sqrt(ms).
    threshold_std
        Standard deviation over the neurons of the logarithm of their thresholds, which is already
        in the equations of ``model``.
    delay
        How long spikes travel to where they are recorded; None for no time.
    units
        The unit of each afferent, a row of the table that the population names; None without one.
    density
        Afferents a cm2, by tag where regions differ; None where only their number was said.
    drive_per_mm
        The drive that 1 mm of amplitude stands for; None where amplitudes are drive.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> spec = check(sf.compose()).populations["sa"]
    >>> spec.count, spec.layout, spec.noise_std
    (60, Even(), 2.0)
    """

    count: int
    layout: Layout
    innervation: Innervation
    filter: Block
    model: Block
    gain: float | PerNeuron
    noise_std: float | PerNeuron
    receptor_noise_std: float = 0.0
    threshold_std: float = 0.0
    delay: Delay | None = None
    units: tuple[int, ...] | None = None
    density: Density | None = None
    drive_per_mm: float | None = None


@dataclass(frozen=True)
class SkinOfSeed:
    """What the seed of the skin decides on.

    Parameters
    ----------
    sheet
        The receptors.
    outline
        How far the skin reaches on them; None for all of it.
    populations
        The afferents by the name of their population.
    """

    sheet: Receptors
    outline: Outline | None
    populations: dict[str, PopulationSpec]


@dataclass(frozen=True)
class BatchSpec:
    """Where a dataset goes and how it is written: the section ``batch`` of a configuration.

    Parameters
    ----------
    output_dir
        Directory of the dataset.
    format
        The output format.
    checkpoint_frequency
        Stimuli that a crash may cost at most: each part, which is committed to the disk as a whole,
        has half of them.
    num_workers
        Threads that simulate.
    save
        What is kept beside spikes: ``drive``, ``filtered``, ``voltage``, ``stimulus``.
    resume, overwrite
        Whether an interrupted run in the directory is continued, or discarded.
    dry_run
        Whether it is only told what would run.
    on_error
        ``continue`` or ``stop``, where a stimulus fails.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> spec = check(sf.compose("batch=hdf5")).batch
    >>> spec.format.results_name, spec.checkpoint_frequency
    ('results.h5', 100)
    """

    output_dir: Path
    format: Format
    checkpoint_frequency: int
    num_workers: int
    save: tuple[str, ...]
    resume: bool
    overwrite: bool
    dry_run: bool
    on_error: str


@dataclass(frozen=True)
class Experiment:
    """All of one run, checked: receptors, time axis, populations, stimuli and output.

    Parameters
    ----------
    sheet
        Receptors on the skin.
    duration_ms, dt_ms, samples
        How long a stimulus is, how long a sample is, and how many samples a stimulus has.
    substeps
        Integration steps in a sample.
    device, backend
        Where and by which kernel it is simulated; both may be ``auto``.
    chunk_size
        Stimuli simulated together; None for as many as fit.
    seed
        Base seed of the skin: where afferents lie, what they pool, parameters that are drawn. That
        of the noise, usually the same, is the design's.
    populations
        Afferents by the name of their population.
    design
        The stimuli, in order.
    batch
        Where the dataset goes.
    config
        The configuration that all this came from, in plain containers.
    surrogate, surrogate_width
        Shape of the gradient that stands for that of a spike in training, and its width in mV.
    integrator
        ``exact`` where linear filters are stepped exactly, else ``euler``.
    devices
        How many GPUs, which, or ``auto``, as Lightning's ``Trainer`` takes it.
    skin
        How the skin deforms; None where receptors feel the drive itself.
    outline
        How far the skin reaches on the sheet; None for all of it.
    neuron_axes
        Numbers of afferents that are axes of the design; what ``populations`` say of them is an
        example.
    skin_of_seed
        Makes what depends on the seed of the skin, where that is an axis.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> experiment = check(sf.compose("stimuli.amplitude=[10, 20]"))
    >>> len(experiment.design), experiment.samples, experiment.substeps
    (2, 600, 5)
    """

    sheet: Receptors
    duration_ms: float
    dt_ms: float
    samples: int
    substeps: int
    device: str
    backend: str
    chunk_size: int | None
    seed: int
    populations: dict[str, PopulationSpec]
    design: Design
    batch: BatchSpec
    config: dict[str, Any]
    surrogate: str = "fast_sigmoid"
    surrogate_width: float = 30.0
    integrator: str = "euler"
    devices: int | list[int] | Literal["auto"] = 1
    skin: Skin | None = None
    outline: Outline | None = None
    neuron_axes: tuple[NeuronAxis, ...] = ()
    skin_of_seed: Callable[[int], SkinOfSeed] | None = None

    @property
    def seeds(self) -> list[int]:
        """Every seed of the skin that the design has, in order."""
        seeds: dict[int, None] = {}
        for family in self.design.families:
            seeds |= dict.fromkeys(int(seed) for seed in family.axes.get(SEED_AXIS, ()))
        return list(seeds) or [self.seed]

    def largest_noise(self, population: str) -> float:
        """Return the largest standard deviation of a population's noise, in any condition."""
        stds = [largest(self.populations[population].noise_std)]
        return max([*stds, *self.values_of_axes(population, "noise_std")])

    def values_of_axes(self, population: str, path: str) -> list[float]:
        """Return the values that axes give a number of a population, none for one that is none."""
        found: list[float] = []
        for axis in self.neuron_axes:
            if axis.population != population or path not in axis.paths:
                continue
            for family in self.design.families:
                values = column_of(family.axes[axis.name])
                found += axis.numbers(values)[path].tolist()
        return found

    def at_seed(self, seed: int) -> Experiment:
        """Return the same experiment on the skin of another seed."""
        if seed == self.seed or self.skin_of_seed is None:
            return self
        skin = self.skin_of_seed(seed)
        return replace(
            self,
            seed=seed,
            sheet=skin.sheet,
            outline=skin.outline,
            populations=skin.populations,
        )

    @property
    def amplitude_unit(self) -> str:
        """The unit of amplitudes: that of the skin, mm of calibrated populations, or of drive."""
        if self.skin is not None:
            return self.skin.amplitude_unit
        calibrated = [spec.drive_per_mm is not None for spec in self.populations.values()]
        return MILLIMETRE if any(calibrated) else MODEL_DRIVE

    def substeps_of(self, population: PopulationSpec) -> int:
        """Return the integration steps in a sample of a population.

        Equations that were fitted at a step (``step_ms``) take it, whatever others take.
        """
        step_ms = fitted_step_ms([population.filter, population.model])
        return self.substeps if step_ms is None else auto_substeps(self.dt_ms, step_ms)

    def blocks_in_steps(self, population: PopulationSpec) -> list[Block]:
        """Return filter and model of a population, without a filter that is stepped exactly."""
        if self.steps_exactly(population):
            return [population.model]
        return [population.filter, population.model]

    def steps_exactly(self, population: PopulationSpec) -> bool:
        """Return whether the filter of a population is stepped exactly."""
        return self.integrator == "exact" and find_exact(population.filter) is not None

    def places(self, population: str) -> Places:
        """Return where the afferents of a population lie and which receptors they pool.

        They are drawn when first needed, and then kept.
        """
        return self._places[population]

    @cached_property
    def _places(self) -> dict[str, Places]:
        """Return the places of every population, none of them drawn yet."""
        places = {}
        for name, spec in self.populations.items():
            places[name] = Places(
                population=name,
                receptors=self.sheet,
                layout=spec.layout,
                innervation=spec.innervation,
                count=spec.count,
                seed=self.seed,
                outline=self.outline,
                density=spec.density,
            )
        return places
