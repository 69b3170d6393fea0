"""A dataset as a labelled array: one dimension for each axis of the design.

Stimuli of one type lie on a grid: ``(amplitude, sigma, ..., repetition, time, neuron)``, every axis ascending, fixed
parameters as scalar coordinates. Where the grid has places without a stimulus (an interrupted run, a selection, a
failed stimulus), ``present`` is False; spikes and counts are zero there, rates and latencies NaN. Stimuli of several
types share no axes, so they are stacked: ``(stimulus, time, neuron)``, ``type`` and parameters along ``stimulus``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge import analysis
from sensoryforge.errors import ConfigError, listing, suggest
from sensoryforge.extras import require
from sensoryforge.selection import axes, check_population, codes, failed, parameters
from sensoryforge.types import Ints

if TYPE_CHECKING:
    import xarray as xr

    from sensoryforge.store.results import Results

_UNITS = {"spikes": "", "counts": "spikes", "rates": "Hz", "latency": "ms"}


def to_xarray(
    results: Results, population: str | None = None, what: str = "spikes", stacked: bool = False
) -> xr.DataArray | xr.Dataset:
    """Return ``spikes`` (bool), ``counts``, ``rates`` (Hz) or ``latency`` (ms) with the design's axes as dimensions.

    One population gives a DataArray with the dimension ``neuron``; none gives a Dataset of all, whose dimensions are
    ``sa_neuron`` and so on. Only spikes have ``time`` (ms). ``stacked`` puts stimuli of one type, too, along
    ``stimulus``.
    """
    xarray = require("xarray")
    if what not in _UNITS:
        raise ConfigError(f"what: got {what!r}, allowed are {listing(_UNITS)}{suggest(what, _UNITS)}")
    grid = _grid(results, stacked)
    if population is not None:
        found: xr.DataArray = _array(results, grid, check_population(results, population), what, "neuron")
        return found
    arrays = {name: _array(results, grid, name, what, f"{name}_neuron") for name in results.populations}
    both: xr.Dataset = xarray.Dataset(arrays)
    return both


@dataclass(frozen=True)
class _Grid:
    """Where each stimulus goes: dimensions, their lengths, the flat place of each, and what labels them."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    places: Ints
    coords: dict[str, Any]

    def put(self, values: Any, fill: Any) -> Any:
        """Return values ``[B, ...]`` on the grid ``[*shape, ...]``."""
        out = np.full((int(np.prod(self.shape)), *values.shape[1:]), fill, dtype=values.dtype)
        out[self.places] = values
        return out.reshape(*self.shape, *values.shape[1:])


def _grid(results: Results, stacked: bool) -> _Grid:
    table = results.table
    if stacked or table["type"].nunique() != 1:
        return _stack(results)
    levels = axes(results) | {"repetition": sorted(table["repetition"].unique().tolist())}
    shape = tuple(len(values) for values in levels.values())
    places = np.ravel_multi_index([codes(table[name], values) for name, values in levels.items()], shape)
    coords: dict[str, Any] = {name: (name, values, _attributes(results, name)) for name, values in levels.items()}
    coords |= {name: ((), table[name].iloc[0]) for name in ("type", *parameters(table)) if name not in levels}
    grid = _Grid(tuple(levels), shape, places.astype(np.int64), coords)
    coords["index"] = (grid.dims, grid.put(table["index"].to_numpy(), -1))
    coords["present"] = (grid.dims, grid.put(~failed(results), False))
    return grid


def _stack(results: Results) -> _Grid:
    table = results.table
    names = ["index", "id", "repetition", "type", *parameters(table)]
    coords = {name: ("stimulus", table[name].to_numpy(), _attributes(results, name)) for name in names}
    coords["present"] = ("stimulus", ~failed(results), {})
    return _Grid(("stimulus",), (len(table),), np.arange(len(table)), coords)


def _array(results: Results, grid: _Grid, population: str, what: str, neuron: str) -> Any:
    xarray = require("xarray")
    dims, coords = (*grid.dims, neuron), grid.coords | _neurons(results, population, neuron)
    if what == "spikes":
        dims = (*grid.dims, "time", neuron)
        times = np.arange(analysis.samples(results)) * analysis.step_ms(results)
        coords["time"] = ("time", times, {"units": "ms"})
        values = np.zeros((len(results), *results.spikes(population).shape[1:]), dtype=bool)
        for row, spikes in enumerate(analysis.trains(results, population)):
            values[row] = spikes
    else:
        values = getattr(analysis, what)(results, population)
    data = grid.put(values, np.nan if values.dtype.kind == "f" else 0)
    units = {"units": _UNITS[what]} if _UNITS[what] else {}
    return xarray.DataArray(data, coords, dims, name=f"{population}_{what}", attrs=units)


def _neurons(results: Results, population: str, dim: str) -> dict[str, Any]:
    """Return the numbers of the neurons, and where they lie if the metadata says so."""
    coords: dict[str, Any] = {dim: (dim, np.arange(results.spikes(population).shape[2]))}
    places = results.metadata.get(f"{population}_xy_mm")
    if places is not None:
        prefix = dim.removesuffix("neuron")
        coords |= {f"{prefix}{axis}_mm": (dim, places[:, n].numpy(), {"units": "mm"}) for n, axis in enumerate("xy")}
    return coords


def _attributes(results: Results, name: str) -> dict[str, str]:
    """Return the unit of a parameter, as its stimulus class says."""
    from sensoryforge.units import unit

    found = unit(results, name)
    return {"units": found} if found else {}
