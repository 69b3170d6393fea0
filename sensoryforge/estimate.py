"""What a run will cost, by arithmetic: stimuli, memory, disk and time; nothing is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from sensoryforge.experiment import Experiment

CHUNK_BYTES = 256 * 1024**2
"""Memory that a chunk of stimuli may take, where ``pipeline.chunk_size`` is auto."""
NANOSECONDS_A_STEP = {"torch": 14.0, "numba": 1.0, "triton": 0.02}
"""One neuron, one integration step, filter and model, on one core (benchmarks/kernel.py); a GPU's is not measured."""
NANOSECONDS_OF_NOISE = {"torch": 50.0, "numba": 0.8, "triton": 0.02}
"""One neuron-sample of noise, on one core."""
NANOSECONDS_A_BYTE = {"pytorch": 2.0, "hdf5": 0.3}
"""Compressing, writing, checking and merging one neuron-sample."""
SECONDS_A_STIMULUS = {"pytorch": 0.1e-3, "hdf5": 0.5e-3}
"""What a stimulus takes besides its samples: its group and attributes above all."""
START_S = 4.5
"""Importing, composing, and loading what was compiled before."""
PROCESS_BYTES = 550e6
"""What the process takes before its first stimulus."""
BYTES_A_SAMPLE = {"pytorch": (1.0, 1.0), "hdf5": (0.0015, 0.08)}
"""On the disk, one neuron-sample of spikes, of a neuron that rests and of one that is driven: a bool, or compressed."""
SAVED_KEPT = {"pytorch": 1.0, "hdf5": 0.5}
"""How much of an intermediate is left on the disk; noise does not compress, a drive at rest does well."""
STIMULUS_BYTES = {"pytorch": 4_000, "hdf5": 1_000}
"""On the disk, what one stimulus takes besides its spikes."""


@dataclass(frozen=True)
class Estimate:
    """The cost of a run: stimuli, samples a stimulus, bytes and seconds."""

    stimuli: int
    samples: int
    neurons: int
    memory_bytes: float
    disk_bytes: float
    seconds: float

    def lines(self) -> list[str]:
        """Return the estimate as a dry run prints it."""
        return [
            f"Each stimulus: {self.samples} samples × {self.neurons} neurons",
            f"Estimated memory: {amount(self.memory_bytes)}, disk: {amount(self.disk_bytes)}, "
            f"time: {duration(self.seconds)}",
        ]


def neurons(experiment: Experiment) -> int:
    """Return how many neurons an experiment has, all populations together."""
    return sum(p.count for p in experiment.populations.values())


def saved_bytes(experiment: Experiment) -> int:
    """Return the bytes of ``batch.save``'s intermediates for one stimulus."""
    save, samples = experiment.batch.save, experiment.samples
    traces = sum(name != "stimulus" for name in save) * neurons(experiment) * samples * 4
    return traces + ("stimulus" in save) * samples * experiment.sheet.count * 4


def driven(experiment: Experiment) -> float:
    """Return which share of the neurons lies within two sigma of a footprint, on average over the design."""
    area = experiment.sheet.width_mm * experiment.sheet.height_mm
    shares = 0.0
    for family in experiment.design.families:
        sigmas = family.axes.get("sigma", (area,))
        shares += family.count * sum(min(1.0, pi * (2 * sigma) ** 2 / area) for sigma in sigmas) / len(sigmas)
    return shares / len(experiment.design)


def stimulus_bytes(experiment: Experiment) -> float:
    """Return what one stimulus takes on the disk."""
    form, share = experiment.batch.format, driven(experiment)
    rest, firing = BYTES_A_SAMPLE[form]
    spikes = neurons(experiment) * experiment.samples * (rest * (1 - share) + firing * share)
    return STIMULUS_BYTES[form] + spikes + saved_bytes(experiment) * SAVED_KEPT[form]


def part_size(experiment: Experiment) -> int:
    """Return how many stimuli are committed together.

    While one part is written the next is simulated, so that a crash may lose two: each is half of what the user
    wants to have at stake.
    """
    return (experiment.batch.checkpoint_frequency + 1) // 2


def chunk_size(experiment: Experiment) -> int:
    """Return how many stimuli are simulated together: no more than a part has, as many as fit the memory."""
    if experiment.chunk_size is not None:
        return experiment.chunk_size
    spikes = neurons(experiment) * experiment.samples
    each = 2 * spikes + 400 * neurons(experiment) + 3 * saved_bytes(experiment)
    return max(1, min(part_size(experiment), CHUNK_BYTES // each))


def estimate(experiment: Experiment, backend: str, stimuli: int | None = None) -> Estimate:
    """Return what a run costs; ``stimuli`` counts those still to be computed, by default all."""
    total = len(experiment.design)
    todo = total if stimuli is None else stimuli
    count, spec = neurons(experiment), experiment.batch
    spikes = count * experiment.samples
    saved = saved_bytes(experiment)
    each_disk = stimulus_bytes(experiment)
    part = spec.checkpoint_frequency * (spikes + saved) * 2
    chunk = chunk_size(experiment) * (2 * spikes + 400 * count + 3 * saved)
    kept = total * each_disk if spec.format == "pytorch" else 0
    cores = max(1, spec.num_workers)
    noisy = sum(p.count for p in experiment.populations.values() if p.noise_std > 0) * experiment.samples
    steps = spikes * experiment.substeps * NANOSECONDS_A_STEP[backend] + noisy * NANOSECONDS_OF_NOISE[backend]
    written = (spikes + saved) * NANOSECONDS_A_BYTE[spec.format]
    return Estimate(
        stimuli=todo,
        samples=experiment.samples,
        neurons=count,
        memory_bytes=PROCESS_BYTES + part + chunk + kept,
        disk_bytes=total * each_disk,
        seconds=START_S + todo * ((steps / cores + written) * 1e-9 + SECONDS_A_STIMULUS[spec.format]),
    )


def amount(size: float) -> str:
    """Return a number of bytes in words, as in ``1.4 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def duration(seconds: float) -> str:
    """Return a time in words, as in ``12 s`` or ``3 h 20 min``."""
    minutes, hours = round(seconds / 60), seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if hours < 1.5 else f"{minutes // 60} h {minutes % 60} min"
