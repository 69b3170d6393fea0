"""Which numbers of neurons and pipeline may be axes of one dataset, by their keys.

All else that `neurons` and `pipeline` say has one value in a dataset.
"""

from __future__ import annotations

from collections.abc import Mapping

SEED_AXIS = "pipeline_seed"
"""The column of the seed that skins are drawn from, where that is an axis."""
SEED_KEY = "pipeline.seed"
BLOCKS = ("filter", "model")
"""Blocks of equations whose parameters may be axes."""
OF_POPULATION = ("gain", "noise_std")
"""Numbers of a population itself that may be axes."""
WHAT_MAY_BE_AXES = (
    "axes of one dataset are the stimuli's parameters, parameters of filters and models, gain, "
    "noise_std, units.row and pipeline.seed"
)
ROW = "row"
"""The number of a table of units that may be one: the row that all neurons are."""
PER, CONDITION = "per", "condition"
"""The key of a range that is drawn from, and what it says of one that is an axis."""


def could_be_axis(key: str) -> bool:
    """Tell whether a key is that of a number that may be an axis.

    Examples
    --------
    >>> could_be_axis("neurons.populations.sa.filter.parameters.tau_d")
    True
    >>> could_be_axis("neurons.populations.sa.gain"), could_be_axis("neurons.populations.sa.count")
    (True, False)
    """
    if key == SEED_KEY:
        return True
    match key.split("."):
        case ["neurons", "populations", _, name]:
            return name in OF_POPULATION
        case ["neurons", "populations", _, "units", name]:
            return name == ROW
        case ["neurons", "populations", _, block, "parameters", _]:
            return block in BLOCKS
    return False


def is_of_population(key: str) -> bool:
    """Tell whether a key is that of a number which all neurons of a population share.

    Examples
    --------
    >>> is_of_population("neurons.populations.sa.gain")
    True
    >>> is_of_population("neurons.populations.sa.model.parameters.a")
    False
    """
    return could_be_axis(key) and key.count(".") == 3


def is_axis(key: str, value: object) -> bool:
    """Tell whether a configuration makes a number an axis: by a list, or a range.

    Examples
    --------
    >>> is_axis("pipeline.seed", [1, 2]), is_axis("pipeline.seed", 1)
    (True, False)
    """
    if isinstance(value, Mapping):
        return could_be_axis(key) and PER in value
    return could_be_axis(key) and isinstance(value, list)
