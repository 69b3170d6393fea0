"""What a run will cost, by arithmetic: stimuli, memory, disk and time; nothing is simulated.

The figures of this file were measured with ``benchmarks/kernel.py`` and whole runs on two cores.
What an output format costs, it says itself (`sensoryforge.store.formats.Format`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from sensoryforge.core.devices import resolve_device
from sensoryforge.design.experiment import Experiment, PopulationSpec
from sensoryforge.design.family import Family
from sensoryforge.equations.linear import find_exact
from sensoryforge.equations.program import output_program, step_program
from sensoryforge.running.devices import choose_backend
from sensoryforge.simulation.kernels.forecast import count_to_compile
from sensoryforge.stimuli import find_recipe

CHUNK_BYTES = 256 * 1024**2
"""Memory that a chunk of stimuli may take, where ``pipeline.chunk_size`` is auto."""
NANOSECONDS_A_STEP = {"torch": 14.0, "numba": 1.0, "triton": 0.02}
"""One neuron, one integration step, filter and model, on one core; a GPU's is not measured."""
NANOSECONDS_OF_NOISE = {"torch": 200.0, "numba": 0.8, "triton": 0.02}
"""One neuron-sample of noise, on one core."""
NANOSECONDS_OF_RECEPTOR_NOISE = 25.0
"""One receptor-sample of noise, drawn and pooled by torch on one core, whatever the backend."""
SECONDS_A_CALL = 8e-6
"""What torch takes to start one operation, however little it works on.

A step has dozens of operations for each population.
"""
CALLS_A_SAMPLE = 10
"""Operations of torch in each sample besides those of the equations."""
SECONDS_A_CONTACT = 0.002
"""Solving one contact with a skin that deforms, of some hundred pins."""
STILLS = 100
"""Contacts of a stimulus that changes its shape or its place."""
START_S = 4.5
"""Importing, composing, and loading what was compiled before."""
SECONDS_A_KERNEL = 4.0
"""Compiling one kernel of the numba backend, which a machine does once."""
PROCESS_BYTES = 600e6
"""What the process takes before its first stimulus."""
WHOLE = 1.3
"""Memory that a results file takes which is one object there, in units of its size."""
BYTES_A_NEURON = 400
"""What the simulation of one stimulus keeps for each neuron: states, parameters, keys of noise."""
BYTES_A_NOISY_RECEPTOR = 256
"""What drawing the noise of one stimulus takes for each receptor: four samples at a time."""
BYTES_AN_ARRAY = 500
"""What a compressed array may take on the disk besides its samples."""
BYTES_A_FILE = 32_000
"""What a compressed results file may take besides its stimuli: its metadata above all."""


@dataclass(frozen=True)
class Estimate:
    """The cost of a run.

    ``stimuli`` counts those to be computed; ``samples`` and ``neurons`` are of each of them.
    ``disk_bytes`` is of the whole dataset: its size or, where ``compressed``, the most it can have.

    Examples
    --------
    >>> Estimate(10, 600, 140, memory_bytes=6e8, disk_bytes=8.8e5, seconds=5.0).lines()[1]
    'Estimated memory: 600 MB, disk: 880 kB, time: 5 s'
    """

    stimuli: int
    samples: int
    neurons: int
    memory_bytes: float
    disk_bytes: float
    seconds: float
    compressed: bool = False

    def lines(self) -> list[str]:
        """Return the estimate as a dry run prints it."""
        memory = format_bytes(self.memory_bytes)
        disk = format_bytes(self.disk_bytes)
        if self.compressed:
            disk = f"at most {disk}"
        time = format_duration(self.seconds)
        return [
            f"Each stimulus: {self.samples} samples × {self.neurons} neurons",
            f"Estimated memory: {memory}, disk: {disk}, time: {time}",
        ]


def estimate(experiment: Experiment, backend: str, stimuli: int | None = None) -> Estimate:
    """Return what a run costs.

    Parameters
    ----------
    experiment
        What is run.
    backend
        What simulates it: ``torch``, ``numba`` or ``triton``.
    stimuli
        How many stimuli are still to be computed, by default all.
    """
    todo = len(experiment.design) if stimuli is None else stimuli
    disk_bytes = _disk_bytes(experiment)
    return Estimate(
        stimuli=todo,
        samples=experiment.samples,
        neurons=_count_neurons(experiment),
        memory_bytes=_memory_bytes(experiment, todo, disk_bytes),
        disk_bytes=disk_bytes,
        seconds=_seconds(experiment, backend, todo),
        compressed=experiment.batch.format.compresses,
    )


def count_kernels_to_compile(experiment: Experiment) -> int:
    """Return how many kernels a run will compile before its first stimulus.

    Those of the numba backend alone are known beforehand.
    """
    device = resolve_device(experiment.device, experiment.backend)
    backend = choose_backend(experiment, device)
    return count_to_compile(experiment) if backend == "numba" else 0


# --- how many stimuli at a time ---


def choose_part_size(experiment: Experiment) -> int:
    """Return how many stimuli are committed together.

    While one part is written the next is simulated, so that a crash may lose two: each is half of
    what the user wants to have at stake.
    """
    return (experiment.batch.checkpoint_frequency + 1) // 2


def choose_chunk_size(experiment: Experiment) -> int:
    """Return how many stimuli are simulated together.

    ``pipeline.chunk_size`` decides; where it is auto, they are as many as :data:`CHUNK_BYTES` of
    memory hold, and no more than a part has.
    """
    if experiment.chunk_size is not None:
        return experiment.chunk_size
    fitting = CHUNK_BYTES // _bytes_simulating(experiment)
    return max(1, min(choose_part_size(experiment), fitting))


# --- the size of one stimulus ---


def _count_neurons(experiment: Experiment) -> int:
    """Return how many neurons an experiment has, all populations together."""
    return sum(population.count for population in experiment.populations.values())


def _count_noisy_neurons(experiment: Experiment) -> int:
    populations = experiment.populations.items()
    return sum(spec.count for name, spec in populations if experiment.largest_noise(name) > 0)


def _count_noisy_receptors(experiment: Experiment) -> int:
    """Return how many receptors have noise, those of each population counted by themselves."""
    populations = experiment.populations.values()
    noisy = [population for population in populations if population.receptor_noise_std > 0]
    return experiment.sheet.count * len(noisy)


def _bytes_of_receptor_noise(experiment: Experiment) -> int:
    """Return the memory that noise of the receptors takes in one stimulus of a chunk.

    Beside what is drawn it is the drive, float32, twice for a moment.
    """
    populations = experiment.populations.values()
    neurons = sum(p.count for p in populations if p.receptor_noise_std > 0)
    drawn = BYTES_A_NOISY_RECEPTOR * _count_noisy_receptors(experiment)
    return 8 * experiment.samples * neurons + drawn


def _spike_bytes(experiment: Experiment) -> int:
    """Return the bytes of one stimulus's spikes: one for each neuron and sample."""
    return _count_neurons(experiment) * experiment.samples


def _saved_bytes(experiment: Experiment) -> int:
    """Return the bytes of ``batch.save``'s intermediates for one stimulus: float32."""
    columns = 0
    for name in experiment.batch.save:
        of_receptors = name == "stimulus"
        columns += experiment.sheet.count if of_receptors else _count_neurons(experiment)
    return 4 * columns * experiment.samples


def _count_arrays(experiment: Experiment) -> int:
    """Return how many arrays a stimulus has in the file: spikes, and what ``batch.save`` names."""
    of_population = [name for name in experiment.batch.save if name != "stimulus"]
    of_sheet = len(experiment.batch.save) - len(of_population)
    return len(experiment.populations) * (1 + len(of_population)) + of_sheet


def _bytes_simulating(experiment: Experiment) -> int:
    """Return the memory that one stimulus of a chunk takes while it is simulated."""
    states = BYTES_A_NEURON * _count_neurons(experiment)
    noise = _bytes_of_receptor_noise(experiment)
    skin = _bytes_of_skin(experiment)
    return 2 * _spike_bytes(experiment) + states + 3 * _saved_bytes(experiment) + noise + skin


def _bytes_of_skin(experiment: Experiment) -> int:
    """Return the memory that a stimulus takes whose contact with a skin that deforms changes.

    It is the drive and its rate, float32, twice for a moment. One whose contact stays as it is, is
    a few terms.
    """
    if experiment.skin is None or all(map(_is_constant, experiment.design.families)):
        return 0
    return 16 * _spike_bytes(experiment)


def _is_constant(family: Family) -> bool:
    """Tell whether what presses keeps its shape: the contact is worked out once."""
    recipe = find_recipe(family.target, family.parts)
    return recipe.separable and recipe.least_terms == 1


def _seconds_of_contacts(experiment: Experiment) -> float:
    """Return how long the contacts of all stimuli with a skin that deforms take on one core."""
    if experiment.skin is None:
        return 0.0
    contacts = 0
    for family in experiment.design.families:
        stills = 1 if _is_constant(family) else min(STILLS, experiment.samples)
        contacts += stills * family.count_conditions
    return SECONDS_A_CONTACT * contacts


# --- disk ---


def _disk_bytes(experiment: Experiment) -> float:
    """Return the size of the results file, the most it can have where its format compresses.

    How well spikes compress depends on how many there are, which only the simulation tells.
    """
    form = experiment.batch.format
    samples = _spike_bytes(experiment) + _saved_bytes(experiment)
    if not form.compresses:
        return float(len(experiment.design) * (form.bytes_a_stimulus + samples))
    overhead = form.bytes_a_stimulus + BYTES_AN_ARRAY * _count_arrays(experiment)
    return float(BYTES_A_FILE + len(experiment.design) * (overhead + samples))


# --- memory ---


def _memory_bytes(experiment: Experiment, todo: int, disk_bytes: float) -> float:
    in_flight = _bytes_in_flight(experiment, todo)
    merging = WHOLE * disk_bytes if experiment.batch.format.whole_in_memory else 0.0
    # Each thread has what is felt of one stimulus in double precision.
    working = 4 * experiment.batch.num_workers * _bytes_of_skin(experiment)
    return PROCESS_BYTES + max(in_flight + working, merging)


def _bytes_in_flight(experiment: Experiment, todo: int) -> int:
    """Return the memory of what is not on the disk yet.

    That is a part and its copy being written, the next part, and a chunk being simulated.
    """
    part = min(choose_part_size(experiment), todo)
    next_part = min(part, todo - part)
    chunk = min(choose_chunk_size(experiment), part)
    stored = _spike_bytes(experiment) + _saved_bytes(experiment)
    return (2 * part + next_part) * stored + chunk * _bytes_simulating(experiment)


# --- time ---


def _seconds(experiment: Experiment, backend: str, todo: int) -> float:
    """Return how long a run takes, from the prompt to the prompt."""
    form = experiment.batch.format
    workers = max(1, experiment.batch.num_workers)
    stored = _spike_bytes(experiment) + _saved_bytes(experiment)
    simulating_ns = _nanoseconds_simulating(experiment, backend) / workers
    writing_ns = stored * form.nanoseconds_a_byte
    a_stimulus = (simulating_ns + writing_ns) * 1e-9 + form.seconds_a_stimulus
    seconds = START_S + todo * a_stimulus + _seconds_of_contacts(experiment) / workers
    if backend == "numba" and todo:
        seconds += SECONDS_A_KERNEL * count_to_compile(experiment)
    if backend == "torch":
        chunks = ceil(todo / choose_chunk_size(experiment))
        seconds += chunks * _count_calls(experiment) * SECONDS_A_CALL
    return seconds


def _nanoseconds_simulating(experiment: Experiment, backend: str) -> float:
    """Return what one stimulus takes on one core."""
    populations = experiment.populations.values()
    steps_a_sample = sum(p.count * _count_steps(experiment, p) for p in populations)
    steps = steps_a_sample * experiment.samples
    draws = _count_noisy_neurons(experiment) * experiment.samples
    receptor_draws = _count_noisy_receptors(experiment) * experiment.samples
    return (
        steps * NANOSECONDS_A_STEP[backend]
        + draws * NANOSECONDS_OF_NOISE[backend]
        + receptor_draws * NANOSECONDS_OF_RECEPTOR_NOISE
    )


def _count_calls(experiment: Experiment) -> int:
    """Return how many operations torch starts for one chunk."""
    populations = experiment.populations.values()
    in_a_sample = sum(_count_calls_a_sample(experiment, p) for p in populations)
    return experiment.samples * in_a_sample


def _count_steps(experiment: Experiment, population: PopulationSpec) -> float:
    """Return the steps of filter and model in a sample, half each for one of them alone."""
    substeps = experiment.substeps_of(population)
    return (1 + substeps) / 2 if experiment.steps_exactly(population) else substeps


def _count_calls_a_sample(experiment: Experiment, population: PopulationSpec) -> int:
    """Return how many operations one population takes in a sample.

    A program has operations of three levels: done once, once a sample (1), and once a step (2).
    """
    substeps = experiment.substeps_of(population)
    exact = find_exact(population.filter) if experiment.steps_exactly(population) else None
    filtering = step_program(population.filter if exact is None else exact.block)
    firing = step_program(population.model)
    output = output_program(population.filter)
    filter_calls = len(filtering.at(2)) * (1 if exact else substeps)
    model_calls = len(firing.at(2)) * substeps
    once = len(filtering.at(1)) + len(firing.at(1)) + len(output.at(2))
    return filter_calls + model_calls + once + CALLS_A_SAMPLE


# --- in words ---


def format_bytes(size: float) -> str:
    """Return a number of bytes in words.

    Examples
    --------
    >>> format_bytes(1.4e9)
    '1.4 GB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def format_duration(seconds: float) -> str:
    """Return a time in words.

    Examples
    --------
    >>> format_duration(12), format_duration(12_000)
    ('12 s', '3 h 20 min')
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * 3600:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
