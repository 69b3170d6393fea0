"""A dataset as a labelled array: one dimension for each axis of the design.

Stimuli of one type lie on a grid: ``(amplitude, sigma, ..., repetition, time, neuron)``, every axis
ascending, fixed parameters as scalar coordinates. Where the grid has places without a stimulus (an
interrupted run, a selection, a failed stimulus), ``present`` is False; spikes and counts are zero
there, rates and latencies NaN. Stimuli of several types share no axes, so they are stacked:
``(stimulus, time, neuron)``, ``type`` and parameters along ``stimulus``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.analysis import measures, neurons
from sensoryforge.analysis.selection import (
    axes,
    check_population,
    failed,
    is_drawn,
    level_codes,
    parameters,
)
from sensoryforge.analysis.units import unit
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.packages import require
from sensoryforge.core.types import Bools, Floats, Ints

if TYPE_CHECKING:
    import xarray as xr

    from sensoryforge.store.dataset import Dataset

_MEASURES: dict[str, Callable[[Dataset, str], Ints | Floats]] = {
    "counts": measures.counts,
    "rates": measures.rates,
    "latency": measures.latency,
}
_UNITS = {"spikes": "", "counts": "spikes", "rates": "Hz", "latency": "ms"}


def to_xarray(
    dataset: Dataset, population: str | None = None, what: str = "spikes", stacked: bool = False
) -> xr.DataArray | xr.Dataset:
    """Return a dataset as a labelled array with the design's axes as dimensions.

    Parameters
    ----------
    dataset
        Such as `sensoryforge.load` returns.
    population
        One population gives a DataArray with the dimension ``neuron``; None gives a Dataset of all,
        whose dimensions are ``sa_neuron`` and so on.
    what
        ``spikes`` (bool), ``counts``, ``rates`` (Hz) or ``latency`` (ms). Only spikes have the
        dimension ``time`` (ms).
    stacked
        Put stimuli of one type, too, along one dimension ``stimulus``.

    Raises
    ------
    ConfigError
        For another population or measure, and where xarray is not installed.

    Examples
    --------
    >>> rates = to_xarray(results, "sa", "rates")
    >>> rates.dims, rates.attrs["units"]
    (('amplitude', 'sigma', 'repetition', 'neuron'), 'Hz')
    >>> to_xarray(results, "sa").sel(amplitude=30, sigma=0.3, repetition=1).dims
    ('time', 'neuron')
    """
    xarray = require("xarray")
    if what not in _UNITS:
        allowed = f"{list_names(_UNITS)}{suggest(what, _UNITS)}"
        raise ConfigError(f"what: got {what!r}, allowed are {allowed}")
    grid = _grid(dataset, stacked)
    if population is not None:
        check_population(dataset, population)
        of_population: xr.DataArray = _array(dataset, grid, population, what, "neuron")
        return of_population
    arrays = {}
    for name in dataset.populations:
        arrays[name] = _array(dataset, grid, name, what, f"{name}_neuron")
    of_all: xr.Dataset = xarray.Dataset(arrays)
    return of_all


@dataclass(frozen=True)
class _Grid:
    """Where each stimulus goes.

    ``dims`` and ``shape``: names and lengths of the dimensions; ``places``: the flat place of each
    stimulus, ``[B]``; ``coords``: what labels the dimensions.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    places: Ints
    coords: dict[str, Any]

    def put(self, values: Any, fill: Any) -> Any:
        """Return values ``[B, ...]`` on the grid ``[*shape, ...]``."""
        rest = values.shape[1:]
        places = int(np.prod(self.shape))
        on_grid = np.full((places, *rest), fill, dtype=values.dtype)
        on_grid[self.places] = values
        return on_grid.reshape(*self.shape, *rest)


def _grid(dataset: Dataset, stacked: bool) -> _Grid:
    """Return the design's axes and repetitions as a grid, or a stack of the stimuli."""
    table = dataset.table
    if stacked or table["type"].nunique() != 1 or is_drawn(dataset):
        return _stack(dataset)
    levels = axes(dataset)
    levels["repetition"] = sorted(table["repetition"].unique().tolist())
    coords: dict[str, Any] = {}
    for name, values in levels.items():
        coords[name] = (name, values, _attributes(dataset, name))
    for name in ("type", *parameters(table)):
        if name not in levels:
            coords[name] = ((), table[name].iloc[0])
    shape = tuple(len(values) for values in levels.values())
    codes = [level_codes(table[name], values) for name, values in levels.items()]
    places = np.ravel_multi_index(codes, shape).astype(np.int64)
    grid = _Grid(tuple(levels), shape, places, coords)
    index = grid.put(table["index"].to_numpy(), -1)
    present = grid.put(~failed(dataset), False)
    coords["index"] = (grid.dims, index)
    coords["present"] = (grid.dims, present)
    return grid


def _stack(dataset: Dataset) -> _Grid:
    """Return a grid with the one dimension ``stimulus``."""
    table = dataset.table
    coords: dict[str, Any] = {}
    for name in ("index", "id", "repetition", "type", *parameters(table)):
        values = table[name].to_numpy()
        coords[name] = ("stimulus", values, _attributes(dataset, name))
    coords["present"] = ("stimulus", ~failed(dataset), {})
    count = len(table)
    return _Grid(("stimulus",), (count,), np.arange(count), coords)


def _array(dataset: Dataset, grid: _Grid, population: str, what: str, neuron: str) -> Any:
    """Return one measure of a population on the grid; ``neuron`` names the last dimension."""
    xarray = require("xarray")
    coords = grid.coords | _neuron_coords(dataset, population, neuron)
    if what == "spikes":
        dims = (*grid.dims, "time", neuron)
        times_ms = np.arange(measures.sample_count(dataset)) * measures.step_ms(dataset)
        coords["time"] = ("time", times_ms, {"units": "ms"})
        data = grid.put(_all_spikes(dataset, population), False)
    else:
        dims = (*grid.dims, neuron)
        values = _MEASURES[what](dataset, population)
        nothing = np.nan if values.dtype.kind == "f" else 0
        data = grid.put(values, nothing)
    attributes = {"units": _UNITS[what]} if _UNITS[what] else {}
    return xarray.DataArray(data, coords, dims, name=f"{population}_{what}", attrs=attributes)


def _all_spikes(dataset: Dataset, population: str) -> Bools:
    """Return the spikes of every stimulus, ``[B, T, N]``, read one after the other."""
    spikes = np.zeros(dataset.spikes(population).shape, dtype=bool)
    for row, train in enumerate(measures.spike_trains(dataset, population)):
        spikes[row] = train
    return spikes


def _neuron_coords(dataset: Dataset, population: str, neuron: str) -> dict[str, Any]:
    """Return the numbers of the neurons, and where they lie if the metadata says so."""
    numbers = np.arange(measures.neuron_count(dataset, population))
    coords: dict[str, Any] = {neuron: (neuron, numbers)}
    key = f"{population}_xy_mm"
    # On several skins each neuron lies in several places.
    xy_mm = neurons.of_skin(dataset, key) if neurons.has_one_skin(dataset, key) else None
    if xy_mm is not None:
        prefix = neuron.removesuffix("neuron")
        x_mm, y_mm = xy_mm.numpy().T
        attributes = {"units": "mm"}
        coords[f"{prefix}x_mm"] = (neuron, x_mm, attributes)
        coords[f"{prefix}y_mm"] = (neuron, y_mm, attributes)
    prefix = neuron.removesuffix("neuron")
    has_units = f"{population}_unit" in dataset.metadata
    if has_units and neurons.has_one_skin(dataset, f"{population}_unit"):
        coords[f"{prefix}unit"] = (neuron, neurons.units(dataset, population))
    has_tags = f"{population}_tag" in dataset.metadata
    if has_tags and neurons.has_one_skin(dataset, f"{population}_tag"):
        coords[f"{prefix}tag"] = (neuron, neurons.tags(dataset, population))
    return coords


def _attributes(dataset: Dataset, name: str) -> dict[str, str]:
    """Return the unit of a parameter as xarray keeps it."""
    of_parameter = unit(dataset, name)
    return {"units": of_parameter} if of_parameter else {}
