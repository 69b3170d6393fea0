"""Thresholds: the amplitude at which a part of a population's neurons fire, found by bisection.

Amplitudes are steps of one ladder, evenly spaced in their logarithm, so that the same one always
has the same noise. Each pass tries 16 of them at once and leaves a sixteenth of the ladder:

    >>> STEPS
    4096
    >>> steps_to_try(Bracket(0, 4096))
    [256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2304, 2560, 2816, 3072, 3328, 3584, 3840]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sensoryforge.core.devices import resolve_device
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.design.design import Design
from sensoryforge.design.experiment import Experiment
from sensoryforge.design.family import Family
from sensoryforge.running.devices import choose_backend
from sensoryforge.running.estimate import choose_chunk_size

AMPLITUDE = "amplitude"
"""The parameter that is searched."""
HIGHEST_DRIVE = 30.0
HIGHEST_MM = 1.0
"""The highest amplitude that is tried, where nothing else is said."""
AT_ONCE = 16
PASSES = 3
STEPS = AT_ONCE**PASSES
"""Steps of a ladder of amplitudes, the highest of which is the last."""
DECADES = 5
"""The lowest amplitude of a ladder is so many powers of ten below the highest."""
RAISED = 3
"""How often the highest amplitude is made ten times higher where nothing fires."""
TRIED = 1 + PASSES * (AT_ONCE - 1)
"""Amplitudes that a search tries: the highest, and 15 in each pass."""

Fired = npt.NDArray[np.bool_]
Tick = Callable[[int], object]


class Bracket(NamedTuple):
    """Two steps of a ladder: at the lower too few neurons fire, at the upper enough do."""

    lower: int
    upper: int


@dataclass(frozen=True)
class Threshold:
    """At which amplitude a part of a population's neurons fire.

    Parameters
    ----------
    population
        Its name.
    amplitude
        The threshold; None where there is none, and ``problem`` says why.
    highest
        The highest amplitude tried.
    reached
        How many neurons fire there in some repetition: those that the stimulus can reach.
    neurons
        How many there are.
    problem
        Why there is no threshold, in words.
    """

    population: str
    amplitude: float | None
    highest: float
    reached: int
    neurons: int
    problem: str = ""


def find_threshold(
    experiment: Experiment,
    population: str,
    family: Family,
    *,
    fraction: float = 0.5,
    highest: float | None = None,
    tick: Tick | None = None,
) -> Threshold:
    """Return the amplitude at which a part of a population's neurons fire at least one spike.

    It is a part of the neurons that the stimulus can reach, which are those that fire in some
    repetition at the highest amplitude tried; repetitions are averaged. The threshold is the lowest
    amplitude of a ladder at which the part is reached while it is not at the step below, as far as
    bisection sees: in each pass the lowest of 16 amplitudes that reach it is the upper end of what
    the next pass looks at. Where more neurons fire at a lower amplitude than at a higher one, as
    noise or a model that falls silent under a strong drive may have it, there may be a lower
    amplitude between two that were tried, which is not found.

    Conduction delays are left out, and ``drive_per_mm`` is: without a skin that deforms the
    threshold is model drive.

    Parameters
    ----------
    experiment
        A checked configuration: its skin, noise and seeds.
    population
        The name of one of its populations.
    family
        The stimulus: of each of its parameters the first value counts.
    fraction
        The part of the neurons, above 0 and at most 1.
    highest
        The highest amplitude tried, by default 30 (drive) or 1 mm; made ten times higher, thrice
        at most, where not one neuron fires.
    tick
        Is called with a number of amplitudes that were tried.

    Raises
    ------
    ConfigError
        Where the stimulus has no amplitude to search, or fails at one.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> experiment = check(sf.compose("pipeline.grid_size=12", "stimuli=step"))
    >>> threshold = find_threshold(experiment, "sa", experiment.design.families[0])
    >>> 1 < threshold.amplitude < 10, threshold.reached, threshold.neurons
    (True, 60, 60)
    """
    one = _alone(experiment, population)
    in_mm = experiment.skin is not None
    top = highest if highest is not None else HIGHEST_MM if in_mm else HIGHEST_DRIVE
    tell = tick or _say_nothing
    search = _Search(one, population, family, top)
    reached = search.reached()
    for _ in range(RAISED):
        if reached.any():
            break
        higher = _Search(one, population, family, 10.0 * search.highest, search.encoder)
        try:
            reached = higher.reached()
        except ConfigError:
            break  # it overflows there: what was tried before is the highest
        search = higher
    tell(1)
    neurons = experiment.populations[population].count
    found = Threshold(population, None, search.highest, int(reached.sum()), neurons)
    if not reached.any():
        tell(TRIED - 1)
        return replace(found, problem=f"not one spike up to an amplitude of {search.highest:g}")
    return _with_amplitude(found, *search.bisect(reached, fraction, tell))


def _with_amplitude(found: Threshold, step: int, amplitude: float) -> Threshold:
    """Return a threshold with its amplitude, or with the reason why there is none."""
    if step > STEPS:
        return replace(found, problem=f"too few neurons fire together up to {found.highest:g}")
    if step == 1:
        problem = f"fires at {amplitude:g} too, the lowest amplitude tried: without a stimulus"
        return replace(found, problem=problem)
    return replace(found, amplitude=amplitude)


def ladder(highest: float) -> tuple[float, ...]:
    """Return the amplitudes of a ladder, ``STEPS + 1`` from the lowest to the highest.

    They are rounded to five digits, so that every machine has the same.

    Examples
    --------
    >>> amplitudes = ladder(100.0)
    >>> amplitudes[0], amplitudes[2048], amplitudes[4096]
    (0.001, 0.31623, 100.0)
    """
    powers = 10.0 ** (DECADES * (np.arange(STEPS + 1) / STEPS - 1.0))
    return tuple(float(f"{highest * power:.5g}") for power in powers.tolist())


def steps_to_try(bracket: Bracket) -> list[int]:
    """Return the steps within a bracket that a pass tries, 15 that are evenly spaced."""
    width = (bracket.upper - bracket.lower) // AT_ONCE
    return [bracket.lower + width * number for number in range(1, AT_ONCE)]


def narrow(bracket: Bracket, steps: Sequence[int], enough: Sequence[bool]) -> Bracket:
    """Return the bracket of the lowest step at which enough neurons fire, and the one before it.

    Examples
    --------
    >>> narrow(Bracket(0, 48), [12, 24, 36], [False, True, False])
    Bracket(lower=12, upper=24)
    >>> narrow(Bracket(0, 48), [12, 24, 36], [False, False, False])
    Bracket(lower=36, upper=48)
    """
    lower = bracket.lower
    for step, is_enough in zip(steps, enough, strict=True):
        if is_enough:
            return Bracket(lower, step)
        lower = step
    return Bracket(lower, bracket.upper)


class _Search:
    """The amplitudes of one stimulus, and what a population fires at them."""

    def __init__(
        self,
        experiment: Experiment,
        population: str,
        family: Family,
        highest: float,
        encoder: Any = None,
    ) -> None:
        self.highest = highest
        self.amplitudes = ladder(highest)
        self.repetitions = family.repetitions
        self._name = population
        climbing = _of_one_condition(family, self.amplitudes)
        design = Design((climbing,), experiment.design.seed)
        self._experiment = replace(experiment, design=design)
        self._chunk_size = choose_chunk_size(self._experiment)
        self.encoder = encoder or _encoder(self._experiment)

    def reached(self) -> Fired:
        """Return which neurons fire in some repetition at the highest amplitude, ``[N]``."""
        fired: Fired = self._fire([STEPS])[0].any(axis=0)
        return fired

    def bisect(self, reached: Fired, fraction: float, tick: Tick) -> tuple[int, float]:
        """Return the step of the threshold and its amplitude; one beyond the last for none."""
        bracket = Bracket(0, STEPS)
        seen = {STEPS: self._is_enough([STEPS], reached, fraction)[0]}
        for _ in range(PASSES):
            steps = steps_to_try(bracket)
            enough = self._is_enough(steps, reached, fraction)
            seen |= dict(zip(steps, enough, strict=True))
            bracket = narrow(bracket, steps, enough)
            tick(len(steps))
        if not seen[bracket.upper]:
            return STEPS + 1, self.highest
        return bracket.upper, self.amplitudes[bracket.upper]

    def _is_enough(self, steps: Sequence[int], reached: Fired, fraction: float) -> list[bool]:
        """Tell of each step whether the part of the reached neurons fires there, on average."""
        fired = self._fire(steps)[:, :, reached]
        needed = fraction * fired[0].size
        counts: list[int] = fired.sum(axis=(1, 2)).tolist()
        return [count >= needed for count in counts]

    def _fire(self, steps: Sequence[int]) -> Fired:
        """Return which neurons fire at some steps, ``[steps, repetitions, N]``."""
        from sensoryforge.simulation.chunks import cut_into_chunks

        repetitions = np.arange(self.repetitions)
        positions = (np.array(steps)[:, None] * self.repetitions + repetitions).ravel()
        pieces = []
        self.encoder.experiment = self._experiment
        for chunk in cut_into_chunks(positions, self._chunk_size, len(positions)):
            encoded = self.encoder(chunk)
            for message in encoded.errors.values():
                tried = f"amplitude: fails within what was tried, up to {self.highest:g}"
                raise ConfigError(f"{tried}; {message}; set --highest lower")
            pieces.append(encoded.arrays[f"{self._name}_spikes"].any(dim=1).cpu().numpy())
        fired: Fired = np.concatenate(pieces).reshape(len(steps), self.repetitions, -1)
        return fired


def _encoder(experiment: Experiment) -> Any:
    """Return the encoder of an experiment on its device."""
    from sensoryforge.simulation.encoder import Encoder

    device = resolve_device(experiment.device, experiment.backend)
    return Encoder(experiment, choose_backend(experiment, device)).to(device)


def _alone(experiment: Experiment, population: str) -> Experiment:
    """Return an experiment of one population, without delays, whose amplitudes are not scaled.

    What it draws depends on its name and the seed, not on the others.
    """
    spec = replace(experiment.populations[population], delay=None, drive_per_mm=None)
    batch = replace(experiment.batch, save=())
    return replace(experiment, populations={population: spec}, batch=batch)


def _of_one_condition(family: Family, amplitudes: tuple[float, ...]) -> Family:
    """Return a family with the first value of each parameter, and these amplitudes."""
    axes = {name: values[:1] for name, values in family.axes.items()}
    return replace(family, axes={**axes, AMPLITUDE: amplitudes}, listed=(AMPLITUDE,))


def check_stimulus(family: Family, where: str, *, in_mm: bool) -> None:
    """Refuse a stimulus that has no amplitude, or is not in proportion to it where it is drive.

    Raises
    ------
    ConfigError
        With the key of the stimulus, ``where``.
    """
    from sensoryforge.stimuli import find_recipe

    if AMPLITUDE not in family.axes:
        has = list_names(family.axes)
        raise ConfigError(f"{where}: a {family.type} has no amplitude to search, it has {has}")
    if not in_mm and not find_recipe(family.target, family.parts).in_proportion:
        problem = f"more of a {family.type} touches the deeper it is, so that no factor makes drive"
        raise ConfigError(f"{where}: {problem} of mm; allowed is a stimulus of another type")


def _say_nothing(_: int) -> None:
    """Take a number."""
