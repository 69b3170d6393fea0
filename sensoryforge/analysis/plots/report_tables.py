"""The tables of the report: the design, the conditions and the stimuli of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from sensoryforge.analysis.plots.style import short
from sensoryforge.analysis.selection import as_numbers, parameters
from sensoryforge.analysis.selection import axes as design_axes
from sensoryforge.analysis.units import axis_label, unit

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.analysis.results import Results

_DECIMALS = 3
"""Of a rate in Hz."""
_DIGITS = 7
"""Of any other number in a table; the dataset and its CSV file have all of them."""
_MOST_VALUES = 20
"""Values of a parameter up to which the design has each of them; of more it has their range."""


@dataclass(frozen=True)
class Column:
    """A column of a table: what its head says, and the style classes of its cells."""

    name: str
    style: str


@dataclass(frozen=True)
class Table:
    """A table in texts, as a page shows it."""

    columns: list[Column]
    rows: list[list[str]]

    @property
    def sorts(self) -> bool:
        """Whether there is anything to sort."""
        return len(self.rows) > 1


def as_text(frame: pd.DataFrame, wrapped: Sequence[str] = ()) -> Table:
    """Return a frame in texts; long texts of the ``wrapped`` columns go over several lines.

    >>> table = as_text(design_frame(results))
    >>> table.rows[0][:3]
    ['gaussian', 'amplitude 10, 30 a.u.; sigma 0.3, 0.6 mm', '8']
    """
    columns = []
    for name in frame:
        style = "text wrap" if name in wrapped else "text"
        if frame[name].dtype.kind in "ifu":  # numbers
            style = ""
        columns.append(Column(str(name), style))
    rows = []
    for values in frame.itertuples(index=False):
        rows.append([format_cell(value) for value in values])
    return Table(columns, rows)


def format_cell(value: Any) -> str:
    """Return a value as a table says it, nothing where there is none.

    >>> format_cell(0.1 + 0.2), format_cell(float("nan")), format_cell("step")
    ('0.3', '', 'step')
    """
    if value is None or value != value:
        return ""
    return short(value, _DIGITS) if isinstance(value, float) else str(value)


def design_frame(results: Results) -> pd.DataFrame:
    """Return a row a type: its axes, how many stimuli and conditions, and what is fixed."""
    import pandas as pd

    rows = []
    for stimulus_type in dict.fromkeys(results.table["type"]):
        rows.append(_design_row(results.where(type=stimulus_type), stimulus_type))
    return pd.DataFrame(rows)


def stimuli_frame(results: Results, every_column: bool = False) -> pd.DataFrame:
    """Return a row a stimulus: its parameters, and spikes and rate in Hz of each population.

    Of the table only what tells stimuli apart, unless ``every_column``.
    """
    table = results.table
    counts = results.counts()
    rates = results.rates()
    columns = list(table) if every_column else _telling_columns(results)
    frame = table[columns].copy()
    for population in results.populations:
        frame[f"{population} spikes"] = counts[population]
        frame[f"{population} rate (Hz)"] = rates[population].round(_DECIMALS)
    for name in ("id", "error"):
        if name in table and name not in columns:
            frame[name] = table[name]
    return frame


def conditions_frames(results: Results) -> dict[str, pd.DataFrame]:
    """Return for each type a row a condition: its parameters, then the populations' rates.

    Each population has the mean and the SD in Hz; a parameter that no stimulus of the type varies
    has no column.

    >>> list(conditions_frames(results)["gaussian"])[:4]
    ['amplitude', 'sigma', 'sa rate (Hz)', 'sa SD (Hz)']
    """
    frames = {}
    for stimulus_type in dict.fromkeys(results.table["type"]):
        frames[str(stimulus_type)] = _conditions_frame(results.where(type=stimulus_type))
    return frames


def with_units(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the unit of each parameter in its head."""
    labels = {name: axis_label(results, str(name)) for name in frame}
    return frame.rename(columns=labels)


def _conditions_frame(of_type: Results) -> pd.DataFrame:
    """Return a row a condition of one type."""
    import pandas as pd

    left_out = ("index", "repetition")
    columns = [name for name in _telling_columns(of_type) if name not in left_out]
    if not columns:
        columns = ["type"]
    rates = of_type.table[columns].join(of_type.rates())
    conditions = rates.groupby(columns, sort=False, dropna=False)
    columns_of_rates: dict[str, pd.Series[Any]] = {}
    for population in of_type.populations:
        of_population = conditions[population]
        columns_of_rates[f"{population} rate (Hz)"] = of_population.mean().round(_DECIMALS)
        spread = of_population.std().round(_DECIMALS)
        if spread.notna().any():  # there are repetitions
            columns_of_rates[f"{population} SD (Hz)"] = spread
    columns_of_rates["stimuli"] = conditions.size()
    return pd.DataFrame(columns_of_rates).reset_index()


def _design_row(of_type: Results, stimulus_type: str) -> dict[str, Any]:
    """Return what the design says of the stimuli of one type."""
    table = of_type.table
    axes = design_axes(of_type)
    varied = [_with_values(of_type, name, values) for name, values in axes.items()]
    fixed = []
    for name in parameters(table):
        if name not in axes and table[name].notna().all():
            value = table[name].iloc[0]
            fixed.append(_with_values(of_type, name, [value]))
    conditions = 1
    if axes:
        conditions = len(table[list(axes)].drop_duplicates())
    return {
        "type": stimulus_type,
        "axes": "; ".join(varied) or "none",
        "stimuli": len(table),
        "conditions": conditions,
        "repetitions": table["repetition"].nunique(),
        "fixed": "; ".join(fixed),
    }


def _with_values(results: Results, name: str, values: list[Any]) -> str:
    """Return a parameter with its values and their unit."""
    if name == "hold_ms" and values == [inf]:
        return "hold_ms to the end"
    if len(values) > _MOST_VALUES and as_numbers(values) is not None:
        low = short(min(values), digits=4)
        high = short(max(values), digits=4)
        return f"{name} {len(values)} values from {low} to {high} {unit(results, name)}".rstrip()
    texts = ", ".join(format_cell(value) for value in values)
    return f"{name} {texts} {unit(results, name)}".rstrip()


def _telling_columns(results: Results) -> list[str]:
    """Return the columns of the table that tell stimuli apart."""
    table = results.table
    columns = ["index"]
    for name in ("type", *parameters(table)):
        if table[name].nunique() > 1:
            columns.append(name)
    columns.append("repetition")
    return columns
