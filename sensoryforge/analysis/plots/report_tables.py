"""The tables of the report: the design, the conditions and the stimuli of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from sensoryforge.analysis.selection import axes as design_axes
from sensoryforge.analysis.selection import parameters
from sensoryforge.analysis.units import axis_label, unit

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.analysis.results import Results

_DECIMALS = 3
"""Of a rate in Hz."""


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
    return f"{value:.10g}" if isinstance(value, float) else str(value)


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


def conditions_frame(results: Results) -> pd.DataFrame:
    """Return a row a condition: its parameters, mean and SD in Hz of each population's rate."""
    columns = [name for name in _telling_columns(results) if name not in ("index", "repetition")]
    if not columns:
        columns = ["type"]
    rates = results.table[columns].join(results.rates())
    conditions = rates.groupby(columns, sort=False, dropna=False)
    frame = conditions.size().to_frame("stimuli")
    for population in results.populations:
        of_population = conditions[population]
        frame[f"{population} rate (Hz)"] = of_population.mean().round(_DECIMALS)
        frame[f"{population} SD (Hz)"] = of_population.std().round(_DECIMALS)
    return frame.reset_index()


def with_units(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the unit of each parameter in its head."""
    labels = {name: axis_label(results, str(name)) for name in frame}
    return frame.rename(columns=labels)


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
