"""Thresholds: the least amplitude at which a neuron fires what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensoryforge.analysis import measures
from sensoryforge.analysis.selection import as_numbers, check_column, check_population, failed
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.analysis.results import Results
    from sensoryforge.core.types import Floats

FREQUENCY_ENDING = "frequency_hz"
"""What the columns end in that say how often a vibration comes again."""
STRENGTH = "amplitude"
"""The column that thresholds are told in."""


def frequency_column(results: Results) -> str | None:
    """Return the axis of a design that is the frequency of a vibration, if there is one.

    Examples
    --------
    >>> frequency_column(results) is None  # a design of amplitudes and sizes
    True
    """
    for name in results.axes:
        if name.endswith(FREQUENCY_ENDING) and as_numbers(results.axes[name]) is not None:
            return name
    return None


def thresholds(
    results: Results,
    population: str,
    by: str | None = None,
    *,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> pd.DataFrame:
    """Return the least amplitude at which each neuron fires, at each value of a parameter.

    What is asked of a neuron is a spike in every cycle of a vibration where ``by`` is a frequency,
    and a single spike in the window where it is anything else. A cycle that the window cuts may go
    without: half a spike is forgiven. That is the criterion by which afferents are tuned in
    Johansson, Landström and Lundström 1982 (doi:10.1016/0006-8993(82)90899-x). Counts of
    repetitions are averaged before.

    Parameters
    ----------
    results
        A dataset with several amplitudes.
    population
        Whose neurons.
    by
        A parameter; without it the frequency where the design varies one, else none.
    start_ms, stop_ms
        The window in which spikes count, in ms; None is the end.

    Returns
    -------
    pandas.DataFrame
        A row a value of ``by`` (one row, of 0, without), a column a neuron; in the amplitude's
        unit, NaN where no amplitude of the design is enough.

    Raises
    ------
    ConfigError
        Where the design varies other parameters as well, or has no numbers to compare.

    Examples
    --------
    >>> lowest = thresholds(results.where(sigma=0.3), "sa")
    >>> lowest.shape
    (1, 5)
    """
    import pandas as pd

    check_population(results, population)
    by = by or frequency_column(results)
    if by is not None:
        check_column(results, by, "by")
    lacks = lacking_axes(results, by)
    if lacks:
        raise ConfigError(f"thresholds: {lacks}")
    counts = measures.counts(results, population, start_ms, stop_ms).astype(np.float64)
    intact = ~failed(results)
    table = results.table[intact]
    # Without a parameter all stimuli are of one kind.
    kinds = np.zeros(len(table)) if by is None else table[by].to_numpy()
    means = pd.DataFrame(counts[intact]).groupby([kinds, table[STRENGTH].to_numpy(float)]).mean()
    samples = measures.window(results, start_ms, stop_ms)
    seconds = (samples.stop - samples.start) * measures.step_ms(results) / 1000.0
    rows: dict[object, Floats] = {}
    for kind, of_kind in means.groupby(level=0):
        is_cycle = by is not None and by.endswith(FREQUENCY_ENDING)
        asked = float(str(kind)) * seconds - 0.5 if is_cycle else 1.0
        rows[kind] = _least(of_kind.droplevel(0), asked)
    lowest = pd.DataFrame.from_dict(rows, orient="index")
    lowest.index.name = by
    return lowest


def _least(means: pd.DataFrame, asked: float) -> Floats:
    """Return the least amplitude, of those in the index, at which each column is as asked."""
    is_enough = means.to_numpy() >= asked
    amplitudes = means.index.to_numpy(dtype=np.float64)
    first = is_enough.argmax(axis=0)
    return np.where(is_enough.any(axis=0), amplitudes[first], np.nan)


def lacking_axes(results: Results, by: str | None) -> str:
    """Return why a design has no thresholds against a parameter; nothing where it has.

    Examples
    --------
    >>> lacking_axes(results, "sigma"), lacking_axes(results, None)
    ('', 'the design also varies sigma; narrow it with where')
    """
    varied = [name for name, values in results.axes.items() if len(values) > 1]
    if STRENGTH not in varied or as_numbers(results.axes[STRENGTH]) is None:
        return f"the design has one {STRENGTH}, allowed are several"
    others = [name for name in varied if name not in (STRENGTH, by)]
    if others:
        return f"the design also varies {list_names(others)}; narrow it with where"
    return ""
