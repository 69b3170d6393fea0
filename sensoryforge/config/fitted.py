"""The fitted populations beside those of an experiment: who is like whom, on the same skin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sensoryforge.config.reading import check, load_block
from sensoryforge.core.errors import ConfigError, raise_if
from sensoryforge.core.messages import format_value, list_names, suggest
from sensoryforge.design.experiment import Experiment
from sensoryforge.skin.mechanics.pins_of_sheet import LATTICES

LIKE = {"sa": "sa1", "ra": "ra1", "pc": "pc"}
"""Which fitted population one of the usual name is like."""
FITTED = ("sa1", "ra1", "pc")
"""Populations that were fitted to recordings, whose amplitudes are mm."""
_ANY_STIMULUS = [{"type": "gaussian"}]
"""What stands where those of the experiment will."""
FEWEST = 36
"""Fitted afferents at least: each unit, of four or nine, is there equally often."""


def read_likenesses(texts: Sequence[str], populations: Sequence[str]) -> dict[str, str]:
    """Return which fitted population each population is like, as far as that is known.

    Parameters
    ----------
    texts
        What was said, ``NAME=FITTED`` each; it stands before what the names themselves say.
    populations
        The populations of an experiment.

    Raises
    ------
    ConfigError
        With a line for each name that is not there.

    Examples
    --------
    >>> read_likenesses(["deep=pc"], ["sa", "deep", "other"])
    {'sa': 'sa1', 'deep': 'pc'}
    """
    likenesses = {name: LIKE[name] for name in populations if name in LIKE}
    problems = []
    for text in texts:
        name, equals, fitted = text.partition("=")
        if not equals or name not in populations:
            allowed = f"allowed is NAME=FITTED with a NAME of {list_names(populations)}"
            hint = suggest(name, populations) if equals else ""
            problems.append(f"--like: got {text!r}, {allowed}{hint}")
        elif fitted not in FITTED:
            allowed = f"allowed are {list_names(FITTED)}{suggest(fitted, FITTED)}"
            problems.append(f"--like: got {text!r}, {allowed}")
        else:
            likenesses[name] = fitted
    raise_if(problems)
    return {name: likenesses[name] for name in populations if name in likenesses}


def fitted_experiment(experiment: Experiment, likenesses: Mapping[str, str]) -> Experiment:
    """Return an experiment of fitted populations on the skin of another, with its stimuli.

    The skin is elastic, and samples are as long as the step at which the populations were fitted.
    Receptors that form no lattice are a grid. Each population has as many neurons as the one that
    is like it, 36 at least, and its units in turn.

    Parameters
    ----------
    experiment
        A checked configuration, without a skin that deforms.
    likenesses
        Name of a population -> the fitted population that it is like.

    Raises
    ------
    ConfigError
        Where the sheet does not go with a skin that deforms.
    """
    # Drives of the populations that pool receptors have no meaning here.
    populations: dict[str, object] = {"sa": None, "ra": None}
    for name, fitted in likenesses.items():
        populations[name] = {
            "type": fitted,
            "count": max(FEWEST, experiment.populations[name].count),
            "density_per_cm2": None,
            "units": {"type": fitted, "assign": "cycle"},
        }
    mapping = {
        "pipeline": _pipeline(experiment),
        "neurons": {"populations": populations},
        "stimuli": _ANY_STIMULUS,
    }
    try:
        fitted_to = check(mapping)
    except ConfigError as error:
        lines = [f"of the fitted populations: {line}" for line in error.problems]
        raise ConfigError(lines) from error
    return replace(fitted_to, design=experiment.design)


def _pipeline(experiment: Experiment) -> dict[str, object]:
    """Return the section of the pipeline under which fitted populations run."""
    pipeline = dict(experiment.config["pipeline"])
    if pipeline.get("arrangement") not in LATTICES:
        pipeline["arrangement"] = LATTICES[0]
    step_ms = load_block("filter/touch_slow").step_ms
    assert step_ms is not None
    samples = math.ceil(round(experiment.duration_ms / step_ms, 6))
    fitted = {
        "skin": "elastic",
        "dt_ms": step_ms,
        "duration_ms": float(f"{samples * step_ms:.12g}"),
        "substeps": "auto",
        "integrator": "euler",
    }
    return {**pipeline, **fitted}


def read_depths(texts: Sequence[str], populations: Sequence[str]) -> dict[str, float]:
    """Return the threshold in mm of each population, as far as it was said.

    Parameters
    ----------
    texts
        ``MM`` for all populations, or ``NAME=MM`` for one.
    populations
        The populations of an experiment.

    Raises
    ------
    ConfigError
        With a line for each text that says neither.

    Examples
    --------
    >>> read_depths(["0.05", "ra=0.02"], ["sa", "ra"])
    {'sa': 0.05, 'ra': 0.02}
    """
    depths: dict[str, float] = {}
    problems = []
    for text in texts:
        name, equals, number = text.rpartition("=")
        depth_mm = _number(number)
        if (equals and name not in populations) or depth_mm is None:
            allowed = f"allowed is a number > 0 (mm), or NAME=NUMBER of {list_names(populations)}"
            problems.append(f"--threshold-mm: got {format_value(text)}, {allowed}")
            continue
        for population in [name] if equals else populations:
            depths[population] = depth_mm
    raise_if(problems)
    return depths


def _number(text: str) -> float | None:
    """Return a number above zero, None for any other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0.0 < number < math.inf else None
