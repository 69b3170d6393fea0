"""Silence, foretold and told: stimuli that nothing feels, populations that never fire.

Foretold too is what is not felt as it is meant: a course that the run cuts off, or samples too
coarsely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from sensoryforge.core.messages import USERS_FAILURES, describe_failure
from sensoryforge.core.types import Columns
from sensoryforge.design.design import Design, column_of
from sensoryforge.design.experiment import Experiment
from sensoryforge.design.family import Family
from sensoryforge.skin.innervation import Elastic
from sensoryforge.skin.receptors import Receptors
from sensoryforge.stimuli import Caution, Sheet, Span, find_recipe

PINS_APART = 0.65
"""Afferents this part of the distance of pins deep, or deeper, feel one surface, within 4%."""
MOST_CONDITIONS = 1_000_000
"""Conditions of a type that are looked at."""


def foretell_silence(experiment: Experiment) -> list[str]:
    """Return a message for each thing that will not be felt as meant; parameters alone tell.

    Those are stimuli off the sheet, finer than the receptors or flat; shapes whose way misses the
    sheet, or takes longer than the run; profiles that the run cuts off, and vibrations too fast for
    its samples; and populations that pool nothing. Types are summed up, however many entries a
    design has.

    Parameters
    ----------
    experiment
        What is about to run.

    Examples
    --------
    >>> from sensoryforge.config import check
    >>> foretell_silence(check(sf.compose("stimuli.center_x=50")))[0][:41]
    'stimuli.center_x: got 50, off the sheet, '
    """
    sheet = _sheet_of(experiment.sheet)
    span = Span(experiment.duration_ms, experiment.dt_ms)
    families = _families_by_type(experiment.design)
    is_only_type = len(families) == 1
    lines: list[str] = []
    for of_type in families:
        where = "stimuli" if is_only_type else f"stimuli of type {of_type[0].type}"
        is_pinned = experiment.skin is not None and is_rigid(of_type[0])
        lines += _lines_of_type(where, of_type, sheet, span, is_pinned)
    lines += _lines_of_pins(experiment, sheet.pitch_mm)
    lines += _lines_of_populations(experiment)
    return lines


def spikes_line(spikes: Mapping[str, int]) -> str:
    """Return how many spikes each population has in a dataset.

    Examples
    --------
    >>> spikes_line({"sa": 194, "ra": 61})
    'Spikes: sa 194, ra 61'
    """
    counts = [f"{population} {count}" for population, count in spikes.items()]
    return f"Spikes: {', '.join(counts)}"


def tell_silence(spikes: Mapping[str, int]) -> list[str]:
    """Return a message for each population that has no spike in any stimulus.

    Examples
    --------
    >>> tell_silence({"sa": 194, "ra": 0})
    ['neurons.populations.ra: not one spike in any stimulus']
    """
    silent = [population for population, count in spikes.items() if count == 0]
    return [f"neurons.populations.{name}: not one spike in any stimulus" for name in silent]


# --- stimuli ---


def _sheet_of(receptors: Receptors) -> Sheet:
    area = receptors.width_mm * receptors.height_mm
    pitch_mm = sqrt(area / receptors.count)
    return Sheet(receptors.width_mm, receptors.height_mm, pitch_mm, receptors.center_mm)


def _families_by_type(design: Design) -> list[list[Family]]:
    """Return the families of each type that are made of the same classes."""
    families: dict[tuple[str, ...], list[Family]] = {}
    for family in design.families:
        # Parameters may be left out: columns of one type have to have the same names.
        key = (family.type, family.target, *family.parts.values(), *family.axes)
        families.setdefault(key, []).append(family)
    return list(families.values())


def is_rigid(family: Family) -> bool:
    """Tell whether stimuli are rigid probes at rest, which a skin that deforms takes for one pin.

    Examples
    --------
    >>> is_rigid(Family("disc", "sensoryforge.stimuli.Disc", {}))
    True
    """
    return find_recipe(family.target, family.parts).is_rigid


def _lines_of_type(
    where: str, families: Sequence[Family], sheet: Sheet, span: Span, is_pinned: bool
) -> Iterator[str]:
    """Yield a line for each reason why stimuli of one type are hardly felt.

    Of a rigid probe on a skin that deforms the place alone matters, not how close receptors lie.
    """
    recipe = find_recipe(families[0].target, families[0].parts)
    columns = _columns_of(families)
    try:
        for caution in recipe.cautions(columns, sheet, span):
            is_of_shape = caution.parameter in recipe.cls.ranges
            is_of_place = caution.parameter.startswith("center_")
            is_told = is_of_place or not (is_pinned and is_of_shape)
            if np.any(caution.conditions) and is_told:
                yield _line_of_caution(where, caution, columns)
    except USERS_FAILURES as error:
        yield f"{where}: {recipe.cls.__name__}.cautions fails, {describe_failure(error)}"


def _line_of_caution(where: str, caution: Caution, columns: Columns) -> str:
    values = columns[caution.parameter][caution.conditions]
    count, total = len(values), len(caution.conditions)
    extent = "" if count == total == 1 else f" in {count} of {total} conditions"
    if len(np.unique(values)) > 1:
        extent = f" and others{extent}"
    got = values[0] if isinstance(values[0], str) else f"{values[0]:g}"
    return f"{where}.{caution.key}: got {got}{extent}, {caution.reason}"


def _columns_of(families: Sequence[Family]) -> Columns:
    """Return the parameters of families of one type, their conditions one after the other."""
    columns: dict[str, list[Any]] = {}
    left = MOST_CONDITIONS
    for family in families:
        count = min(family.count_conditions, left)
        left -= count
        numbers = family.value_numbers(np.arange(count))
        for name, values in family.axes.items():
            if name not in family.of_neurons:
                columns.setdefault(name, []).append(column_of(values)[numbers[name]])
    return {name: np.concatenate(parts) for name, parts in columns.items()}


# --- a skin that deforms ---


def _lines_of_pins(experiment: Experiment, pitch_mm: float) -> Iterator[str]:
    """Yield a line for populations that lie less deep than receptors, which press, lie apart."""
    if experiment.skin is None or all(map(is_rigid, experiment.design.families)):
        return
    shallow = {}
    for name, population in experiment.populations.items():
        innervation = population.innervation
        if isinstance(innervation, Elastic) and innervation.depth_mm < PINS_APART * pitch_mm:
            shallow[name] = innervation.depth_mm
    if shallow:
        names = ", ".join(f"{name} ({depth_mm:g} mm deep)" for name, depth_mm in shallow.items())
        felt = f"single ones are felt by {names}"
        yield f"pipeline.spacing_mm: got {pitch_mm:g}, receptors press as pins and {felt}"


# --- populations ---


def _lines_of_populations(experiment: Experiment) -> Iterator[str]:
    """Yield a line for each population that nothing can drive."""
    for name, population in experiment.populations.items():
        key = f"neurons.populations.{name}"
        gains = experiment.values_of_axes(name, "gain")
        is_deaf = not any(gains) if gains else population.gain == 0
        if is_deaf:
            yield f"{key}.gain: got 0, nothing of the drive reaches the model"
        # Weights of the shipped innervations sum to one; drawing them here would take its time.
        is_shipped = type(population.innervation).__module__.startswith("sensoryforge.")
        if not is_shipped and not np.any(experiment.places(name).fields.weights):
            yield f"{key}.innervation: every weight is 0, the receptive fields reach no receptor"
