"""What a run will cost, by arithmetic: stimuli, memory, disk and time; nothing is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from sensoryforge.experiment import Experiment
from sensoryforge.program import output_program, step_program
from sensoryforge.survey import Survey, survey

CHUNK_BYTES = 256 * 1024**2
"""Memory that a chunk of stimuli may take, where ``pipeline.chunk_size`` is auto."""
NANOSECONDS_A_STEP = {"torch": 14.0, "numba": 1.0, "triton": 0.02}
"""One neuron, one integration step, filter and model, on one core (benchmarks/kernel.py); a GPU's is not measured."""
NANOSECONDS_OF_NOISE = {"torch": 200.0, "numba": 0.8, "triton": 0.02}
"""One neuron-sample of noise, on one core."""
SECONDS_A_CALL = 8e-6
"""What torch takes to start one operation, however little it works on: a step has dozens for each population."""
CALLS_A_SAMPLE = 10
"""Operations of torch in each sample besides those of the equations."""
NANOSECONDS_A_BYTE = {"pytorch": 2.0, "hdf5": 0.3}
"""Compressing, writing, checking and merging one neuron-sample."""
SECONDS_A_STIMULUS = {"pytorch": 0.1e-3, "hdf5": 0.5e-3}
"""What a stimulus takes besides its samples: its group and attributes above all."""
START_S = 4.5
"""Importing, composing, and loading what was compiled before."""
PROCESS_BYTES = 600e6
"""What the process takes before its first stimulus."""
WHOLE = 1.3
"""Memory that a ``results.pt`` takes while it is put together, in units of its size."""
SPIKES_REST, SPIKES_DRIVEN, SPIKES_MOST = 0.0015, 0.0095, 0.1
"""Compressed bytes of a neuron-sample of spikes: at rest; for a square root of pressure of one at 0.5 ms; at most."""
STILL, MOVING = {"stimulus": 0.012, "drive": 0.05}, {"stimulus": 0.3, "drive": 0.95}
"""How much of an intermediate compression leaves, of samples like the one before and of others."""
SETTLED, SETTLING = {"filtered": 0.03, "voltage": 0.05}, {"filtered": 0.95, "voltage": 0.8}
"""The same for what follows the stimulus; a voltage with noise never settles."""
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
    return sum(_trace_bytes(experiment, name) for name in experiment.batch.save)


def _trace_bytes(experiment: Experiment, name: str) -> int:
    """Return the bytes of one of ``batch.save`` for one stimulus."""
    width = experiment.sheet.count if name == "stimulus" else neurons(experiment)
    return 4 * width * experiment.samples


def _noisy(experiment: Experiment) -> int:
    """Return how many neurons have noise."""
    return sum(p.count for p in experiment.populations.values() if p.noise_std > 0)


def stimulus_bytes(experiment: Experiment) -> float:
    """Return what one stimulus takes on the disk."""
    form, spikes = experiment.batch.format, neurons(experiment) * experiment.samples
    if form == "pytorch":
        return STIMULUS_BYTES[form] + spikes + saved_bytes(experiment)
    seen = survey(experiment)
    firing = min(SPIKES_MOST, SPIKES_DRIVEN * seen.strength * experiment.dt_ms / 0.5)
    saved = sum(_trace_bytes(experiment, name) * _kept(experiment, name, seen) for name in experiment.batch.save)
    return STIMULUS_BYTES[form] + spikes * (SPIKES_REST + firing) + saved


def _kept(experiment: Experiment, name: str, seen: Survey) -> float:
    """Return how much of an intermediate compression leaves."""
    if name in STILL:
        return STILL[name] + (MOVING[name] - STILL[name]) * seen.moving
    quiet = SETTLED[name] + (SETTLING[name] - SETTLED[name]) * seen.settling
    noisy = _noisy(experiment) / neurons(experiment) if name == "voltage" else 0.0
    return noisy * SETTLING[name] + (1 - noisy) * quiet


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
    steps = spikes * experiment.substeps * NANOSECONDS_A_STEP[backend]
    steps += _noisy(experiment) * experiment.samples * NANOSECONDS_OF_NOISE[backend]
    written = (spikes + saved) * NANOSECONDS_A_BYTE[spec.format]
    calls = ceil(todo / chunk_size(experiment)) * _calls(experiment) if backend == "torch" else 0
    each = (steps / max(1, spec.num_workers) + written) * 1e-9 + SECONDS_A_STIMULUS[spec.format]
    return Estimate(
        stimuli=todo,
        samples=experiment.samples,
        neurons=count,
        memory_bytes=PROCESS_BYTES + max(_in_flight(experiment, todo), _whole(experiment, total * each_disk)),
        disk_bytes=total * each_disk,
        seconds=START_S + todo * each + calls * SECONDS_A_CALL,
    )


def _in_flight(experiment: Experiment, todo: int) -> int:
    """Return the memory of what is not on the disk yet: a part and its copy being written, the next, and a chunk."""
    part = min(part_size(experiment), todo)
    stimuli = 2 * part + min(part, todo - part)
    spikes, saved = neurons(experiment) * experiment.samples, saved_bytes(experiment)
    chunk = min(chunk_size(experiment), part) * (2 * spikes + 400 * neurons(experiment) + 3 * saved)
    return stimuli * (spikes + saved) + chunk


def _whole(experiment: Experiment, disk_bytes: float) -> float:
    """Return the memory that putting the results file together takes, which is one object in one of the formats."""
    return WHOLE * disk_bytes if experiment.batch.format == "pytorch" else 0


def _calls(experiment: Experiment) -> int:
    """Return how many operations torch starts for one chunk."""
    found = 0
    for population in experiment.populations.values():
        filter, model = step_program(population.filter), step_program(population.model)
        step = len(filter.at(2)) + len(model.at(2))
        sample = len(filter.at(1)) + len(model.at(1)) + len(output_program(population.filter).at(2)) + CALLS_A_SAMPLE
        found += experiment.samples * (experiment.substeps * step + sample)
    return found


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
