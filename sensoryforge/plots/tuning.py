"""How the response depends on the parameters: a map over two axes, and curves with error bars over repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import sensoryforge.plots.style as style
from sensoryforge import analysis
from sensoryforge.errors import ConfigError, listing
from sensoryforge.selection import check_column, failed, numbers
from sensoryforge.types import Floats
from sensoryforge.units import labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from sensoryforge.store.results import Results

_MOST_CURVES = 8
_MOST_NUMBERS = 64


def responses(results: Results, axes: list[str], window: tuple[float, float | None] = (0.0, None)) -> pd.DataFrame:
    """Return the mean neuron's rate in Hz of every stimulus that has all the axes: a column a population, and them."""
    names = [check_column(results, name, "axis") for name in axes]
    table = results.table[[*dict.fromkeys([*names, "repetition"])]].join(results.rates(None, *window))
    found = table[~failed(results)].dropna(subset=names)
    if not len(found):
        raise ConfigError(f"axis: no stimulus has {' and '.join(names)} together; take one type with where(type=...)")
    return found


def heatmap(
    results: Results, x: str, y: str, *, window: tuple[float, float | None] = (0.0, None), width: float = style.WIDTH
) -> style.Picture:
    """Return the mean rate over two axes, a panel a population; other axes and repetitions are averaged.

    ``window`` is the part of the stimulus that counts, in ms. A place without a stimulus stays blank.
    """
    if x == y:
        raise ConfigError(f"axis: got {x!r} twice, allowed are two different ones")
    found = responses(results, [x, y], window)
    with style.settings():
        figure, axes = style.panels(width, results.populations, _map_height(found[y].nunique()))
        for axis, name in zip(axes, results.populations, strict=True):
            _draw_map(axis, results, found.pivot_table(name, y, x, dropna=False), name)
        style.headline(figure, _said(results, found, [x, y], window))
    return figure


def tuning(
    results: Results,
    x: str,
    by: str | None = None,
    *,
    window: tuple[float, float | None] = (0.0, None),
    width: float = style.WIDTH,
) -> style.Picture:
    """Return the mean rate against a parameter, a curve for each value of another, a panel a population.

    Error bars are the standard deviation over repetitions. Of more than eight curves, eight are drawn.
    """
    columns = [x] if by is None else [x, by]
    found = responses(results, columns, window)
    levels = _curves(sorted(found[by].unique().tolist())) if by else [None]
    with style.settings():
        figure, axes = style.panels(width, results.populations, 2.9 if len(levels) < 5 else 3.3)
        for axis, name in zip(axes, results.populations, strict=True):
            for number, level in enumerate(levels):
                part = found if by is None else found[found[by] == level]
                _draw_curve(axis, results, part, x, name, number, len(levels), level)
            _finish_curves(axis, results, found, x, name)
        if by:
            _legend(figure, axes[0], labelled(results, by))
        spread = "; bars: SD over repetitions" if found["repetition"].nunique() > 1 else ""
        style.headline(figure, _said(results, found, columns, window) + spread)
    return figure


def statistics(found: pd.DataFrame, x: str, population: str) -> pd.DataFrame:
    """Return mean and standard deviation over repetitions at each value of ``x``; other axes are averaged first."""
    of_repetition = found.groupby([x, "repetition"] if x != "repetition" else [x])[population].mean()
    grouped = of_repetition.groupby(level=0)
    return grouped.agg(["mean", "std", "count"])


def _draw_map(axis: Axes, results: Results, cells: pd.DataFrame, population: str) -> None:
    values = cells.to_numpy(dtype=np.float64)
    image = axis.imshow(
        values, origin="lower", aspect="auto", cmap=style.MAP, vmin=0, vmax=max(np.nanmax(values), 1e-9)
    )
    figure = axis.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=axis, label="rate (Hz)")
    _ticks(axis.set_xticks, cells.columns.tolist())
    _ticks(axis.set_yticks, cells.index.tolist())
    axis.set(xlabel=labelled(results, str(cells.columns.name)), ylabel=labelled(results, str(cells.index.name)))
    axis.set_title(style.title(population))
    axis.spines[:].set_visible(False)
    if values.size <= _MOST_NUMBERS:
        _write_values(axis, values)


def _write_values(axis: Axes, values: Floats) -> None:
    """Write each rate into its place, light on dark and dark on light."""
    half = 0.55 * max(np.nanmax(values), 1e-9)
    for (row, column), value in np.ndenumerate(values):
        if value == value:
            ink = "white" if value < half else style.INK
            axis.text(
                column, row, f"{value:.2g}" if value < 100 else f"{value:.0f}", ha="center", va="center", color=ink
            )


def _ticks(put: Any, values: list[Any]) -> None:
    """Label places 0, 1, 2, ... with values, at most a dozen of them."""
    step = -(-len(values) // 12)
    put(range(0, len(values), step), [style.short(value) for value in values[::step]])


def _draw_curve(
    axis: Axes, results: Results, part: pd.DataFrame, x: str, population: str, number: int, total: int, level: Any
) -> None:
    points = statistics(part, x, population)
    colour = style.colour(results, population) if level is None else _shade(number, total)
    axis.errorbar(
        _positions(points.index.tolist(), part, x),
        points["mean"].to_numpy(),
        yerr=points["std"].fillna(0.0).to_numpy(),
        color=colour,
        marker=style.MARKERS[number % len(style.MARKERS)],
        markersize=5,
        linewidth=1.5,
        capsize=2.5,
        elinewidth=1,
        label=style.short(level),
    )


def _finish_curves(axis: Axes, results: Results, found: pd.DataFrame, x: str, population: str) -> None:
    values = sorted(found[x].unique().tolist())
    if numbers(values) is None:
        _ticks(axis.set_xticks, values)
    elif len(values) <= 7:
        axis.set_xticks(values, [style.short(value) for value in values])
    axis.set(xlabel=labelled(results, x), ylabel="rate (Hz)", title=style.title(population))
    axis.set_ylim(0, max(1.06 * axis.dataLim.y1, 0.1))
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)


def _positions(values: list[Any], part: pd.DataFrame, x: str) -> Any:
    """Return where values lie along an axis: numbers where they are, words and infinity one after the other."""
    every = sorted(part[x].unique().tolist())
    return np.asarray(values if numbers(every) is not None else [every.index(value) for value in values])


def _legend(figure: style.Picture, axis: Axes, title: str) -> None:
    """Write the legend below the panels, where it covers no curve."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles, labels, title=title, loc="outside lower center", ncols=min(len(labels), 4 + 4 * (len(labels) > 8))
    )


def _curves(levels: list[Any]) -> list[Any]:
    """Return at most eight of the values, evenly spread, the first and the last among them."""
    chosen = np.rint(np.linspace(0, len(levels) - 1, min(len(levels), _MOST_CURVES))).astype(int)
    return [levels[number] for number in chosen]


def _shade(number: int, total: int) -> Any:
    import matplotlib as mpl

    return mpl.colormaps[style.MAP](0.88 * number / max(total - 1, 1))


def _map_height(rows: int) -> float:
    return min(1.3 + 0.36 * max(rows, 4), 5.0)


def _said(results: Results, found: pd.DataFrame, shown: list[str], window: tuple[float, float | None]) -> str:
    """Return in words what is drawn, and what the mean was taken over."""
    table = results.table.loc[found.index]
    others = [name for name in results.axes if name not in shown and table[name].nunique() > 1]
    count = found["repetition"].nunique()
    over = [f"{count} repetitions"] * (count > 1 and "repetition" not in shown)
    over += [f"{table[name].nunique()} values of {name}" for name in others]
    part = analysis.window(results, *window)
    dt = analysis.step_ms(results)
    types = "" if table["type"].nunique() == 1 else f" ({listing(table['type'].unique())})"
    mean = f", averaged over {' and '.join(over)}" if over else ""
    return f"Rate of the mean neuron{types}, {part.start * dt:g} to {part.stop * dt:g} ms{mean}"
