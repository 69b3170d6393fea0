"""Which kernels the numba backend will compile in a run: told from the equations, without torch.

The source of a kernel depends on a population's equations, on which of its numbers differ between
neurons, and on how a stimulus separates. Where a class of the user's has more than one term, this
is a guess.
"""

from __future__ import annotations

from math import frexp
from typing import TypedDict

from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment, PopulationSpec
from sensoryforge.equations.linear import find_exact
from sensoryforge.equations.parameters import Distribution, PerNeuron
from sensoryforge.simulation.kernels.body import OUTSIDE_EQUATIONS
from sensoryforge.simulation.kernels.cache import is_compiled
from sensoryforge.simulation.kernels.numba_writer import write
from sensoryforge.simulation.kernels.plan import OWNERS, KernelPlan
from sensoryforge.simulation.kernels.pooling import POOLING
from sensoryforge.stimuli import find_recipe


class DriveKeys(TypedDict):
    """The words of a `KernelPlan` that say how a drive comes."""

    terms: int
    rates: int
    delayed: bool


def count_to_compile(experiment: Experiment) -> int:
    """Return how many kernels a run will compile: those that are not on the disk already.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> count_to_compile(check(sf.compose("pipeline.substeps=997")))
    2
    """
    return sum(not is_compiled(text) for text in kernel_texts(experiment))


def kernel_texts(experiment: Experiment) -> set[str]:
    """Return the source of each kernel of an experiment."""
    texts: set[str] = set()
    for terms in _terms_of_design(experiment):
        for name, population in experiment.populations.items():
            plan = _plan(name, population, experiment, terms)
            texts.add(write(plan, _differing(plan, population)).text)
            if terms == 0 and population.innervation.pools_receptors:
                texts.add(POOLING)
    return texts


def _terms_of_design(experiment: Experiment) -> set[int]:
    """Return of how many products the drives of a design are the sum; 0 stands for frames."""
    terms: set[int] = set()
    for family in experiment.design.families:
        try:
            recipe = find_recipe(family.target, family.parts)
            terms.add(recipe.least_terms if recipe.separable else 0)
        except ConfigError:  # the run itself will say so
            continue
    return terms


def _plan(name: str, population: PopulationSpec, experiment: Experiment, terms: int) -> KernelPlan:
    """Return what a population's kernel is written for."""
    voltage = next(iter(population.model.states))
    traces = {"drive": "drive", "filtered": "filtered", "voltage": voltage}
    saved = experiment.batch.save
    mantissa, _ = frexp(experiment.dt_ms)
    exact = find_exact(population.filter) if experiment.steps_exactly(population) else None
    return KernelPlan(
        filter=population.filter if exact is None else exact.block,
        model=population.model,
        **_of_drive(population, experiment, terms),
        substeps=experiment.substeps_of(population),
        filter_substeps=None if exact is None else 1,
        noisy=experiment.largest_noise(name) > 0,
        record=tuple(traces[name] for name in saved if name in traces),
        exact_rate=mantissa == 0.5,
        varied=any(axis.population == name for axis in experiment.neuron_axes),
    )


def _of_drive(population: PopulationSpec, experiment: Experiment, terms: int) -> DriveKeys:
    """Return what a plan says of the drive."""
    if experiment.skin is None:
        # Noise of the receptors differs from sample to sample: the drive is read from frames.
        is_read = population.receptor_noise_std > 0
        return {"terms": 0 if is_read else terms, "rates": 0, "delayed": False}
    # In a skin that deforms a product is felt twice, as pressure and as its rate, which is late.
    is_product = terms == 1
    return {"terms": 2 if is_product else 0, "rates": 1, "delayed": is_product}


def _differing(plan: KernelPlan, population: PopulationSpec) -> frozenset[tuple[str, int]]:
    """Return the constants of which each neuron has its own.

    They are what a distribution or a table of units reaches.
    """
    differing: set[tuple[str, int]] = set()
    of_population = {"gain": population.gain, "scale": population.noise_std}
    for register, name in enumerate(OUTSIDE_EQUATIONS):
        if isinstance(of_population.get(name), PerNeuron):
            differing.add(("run", register))
    for name, program in plan.programs.items():
        parameters = plan.blocks[OWNERS[name]].parameters
        for instruction in program.instructions:
            reads_own = any((name, register) in differing for register in instruction.args)
            parameter = parameters.get(str(instruction.value))
            is_own = instruction.op == "name" and isinstance(parameter, Distribution | PerNeuron)
            if instruction.level == 0 and (reads_own or is_own):
                differing.add((name, instruction.out))
    return frozenset(differing)
