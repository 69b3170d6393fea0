"""Reading a dataset back, finished or interrupted, in either format; arrays are read when asked for."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from operator import index as as_int
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from sensoryforge import store
from sensoryforge.errors import ConfigError, DamagedError, StorageError, listing, suggest
from sensoryforge.store import files
from sensoryforge.store.base import Entry, FileReader, Metadata, Shelf
from sensoryforge.store.checkpoint import FILE, Checkpoint, settled

if TYPE_CHECKING:
    import pandas as pd
    import torch
    import xarray as xr

    from sensoryforge.events import Events
    from sensoryforge.types import Floats, Ints

_SPIKES = "_spikes"


class Results(Sequence[dict[str, Any]]):
    """The stimuli of a dataset, in the design's order; an item is what ``results.pt`` holds of one.

    ``complete`` is False for an interrupted run: these are its committed stimuli, and their ``index`` says which.
    """

    def __init__(self, directory: Path, checkpoint: Checkpoint | None, path: Path | None) -> None:
        self.directory = directory
        self.complete = path is not None
        self._checkpoint, self._path = checkpoint, path
        self._shelf = Shelf(_open)
        self.totals: dict[tuple[int, int], pd.DataFrame] = {}  # spikes of all neurons by window, once counted
        self._first()

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the stimulus at a place, or a list of those in a slice; the tensors are the caller's own."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        file, row, place = self._rows[as_int(index)].tolist()
        reader = self._shelf[self._files[file]]
        arrays = {name: reader.array(row, name) for name in reader.shapes}
        rest = {**reader.entries[row], "index": place}
        return {"parameters": dict(rest.pop("parameters")), **arrays, **rest}

    def __repr__(self) -> str:
        kind = "complete" if self.complete else "interrupted"
        return f"<Results: {len(self)} stimuli, {listing(self.names)}, {kind}, {files.show(self.directory)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays that each stimulus has."""
        return tuple(self._first().shapes)

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the afferent populations."""
        return tuple(name.removesuffix(_SPIKES) for name in self.names if name.endswith(_SPIKES))

    @property
    def metadata(self) -> Metadata:
        """How the dataset was made; of an interrupted run only its config."""
        return self._first().metadata if self._path or self._checkpoint is None else {"config": self._checkpoint.config}

    @property
    def facts(self) -> Metadata:
        """The metadata without arrays, read at once."""
        return self._first().facts if self._path or self._checkpoint is None else {"config": self._checkpoint.config}

    @property
    def errors(self) -> dict[int, str]:
        """Index of each stimulus that could not be computed, and why."""
        known = [self._shelf[path].errors for path in self._files]
        if not any(known):
            return {}
        return {place: known[file][row] for file, row, place in self._rows.tolist() if row in known[file]}

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a stimulus: index, id, seed, repetition, its parameters, and ``error`` only if any failed."""
        import pandas as pd

        table: dict[str, Any] = {"index": self._rows[:, 2], "id": [], "seed": [], "repetition": []}
        for number, entry in enumerate(self._entries):
            row = {**entry["parameters"], **{name: entry[name] for name in ("id", "seed", "repetition")}}
            for name, value in row.items():
                if isinstance(column := table.setdefault(name, []), list):
                    column += [*[None] * (number - len(column)), value]
        table = {
            name: [*values, *[None] * (len(self) - len(values))] if isinstance(values, list) else values
            for name, values in table.items()
        }
        if errors := self.errors:
            table["error"] = [errors.get(place) for place in self._rows[:, 2].tolist()]
        return pd.DataFrame(table)

    def spikes(self, population: str) -> Stack:
        """Return the spikes of a population, ``bool[T, N]`` a stimulus, read when indexed."""
        if population not in self.populations:
            known = f"allowed are {listing(self.populations)}{suggest(population, self.populations)}"
            raise ConfigError(f"population: got {population!r}, {known}")
        return self.arrays(population + _SPIKES)

    def arrays(self, name: str) -> Stack:
        """Return one array of every stimulus, such as ``sa_drive``, read when indexed."""
        if name not in self.names:
            raise ConfigError(f"array: got {name!r}, allowed are {listing(self.names)}{suggest(name, self.names)}")
        return Stack(self, name)

    def where(self, /, **conditions: Any) -> Results:
        """Return the stimuli that meet every condition: ``where(amplitude=[10, 20], sigma=0.5, type="step")``.

        A condition is a value, several values, or a test of one (``amplitude=lambda a: a > 20``) on a column of the
        table. No array is read.
        """
        from sensoryforge.selection import places

        return self.take(places(self, conditions).tolist())

    def take(self, rows: Sequence[int]) -> Results:
        """Return the stimuli in some rows of the table, in that order."""
        chosen = copy.copy(self)
        vars(chosen)["_rows"] = self._rows[list(rows)].reshape(-1, 3)
        vars(chosen)["table"] = self.table.iloc[list(rows)].reset_index(drop=True)
        chosen.totals = {key: frame.iloc[list(rows)].reset_index(drop=True) for key, frame in self.totals.items()}
        return chosen

    @property
    def axes(self) -> dict[str, list[Any]]:
        """Axes of the design with their values ascending: parameters written as lists, or that differ."""
        from sensoryforge.selection import axes

        return axes(self)

    @overload
    def counts(self, population: str, start_ms: float = 0.0, stop_ms: float | None = None) -> Ints: ...
    @overload
    def counts(self, population: None = None, start_ms: float = 0.0, stop_ms: float | None = None) -> pd.DataFrame: ...
    def counts(self, population: str | None = None, start_ms: float = 0.0, stop_ms: float | None = None) -> Any:
        """Return the spikes in a window of each neuron of a population ``[B, N]``; without one, of all its neurons.

        Without a population it is a frame to join to the table: a row a stimulus, a column a population.
        """
        from sensoryforge.analysis import counts, totals

        return (
            counts(self, population, start_ms, stop_ms) if population is not None else totals(self, start_ms, stop_ms)
        )

    @overload
    def rates(self, population: str, start_ms: float = 0.0, stop_ms: float | None = None) -> Floats: ...
    @overload
    def rates(self, population: None = None, start_ms: float = 0.0, stop_ms: float | None = None) -> pd.DataFrame: ...
    def rates(self, population: str | None = None, start_ms: float = 0.0, stop_ms: float | None = None) -> Any:
        """Return the rate in Hz of each neuron of a population ``[B, N]``; without one, the mean over its neurons."""
        from sensoryforge.analysis import mean_rates, rates

        return (
            rates(self, population, start_ms, stop_ms)
            if population is not None
            else mean_rates(self, start_ms, stop_ms)
        )

    @overload
    def latency(self, population: str, since: float | str = 0.0) -> Floats: ...
    @overload
    def latency(self, population: None = None, since: float | str = 0.0) -> pd.DataFrame: ...
    def latency(self, population: str | None = None, since: float | str = 0.0) -> Any:
        """Return the time in ms to each neuron's first spike ``[B, N]``, or NaN; without a population, its earliest.

        ``since`` is an instant in ms, or the parameter that holds it, such as ``step_time``.
        """
        from sensoryforge.analysis import earliest, latency

        return latency(self, population, since) if population is not None else earliest(self, since)

    def psth(self, population: str, bin_ms: float = 5.0) -> tuple[Floats, Floats]:
        """Return edges ``[K + 1]`` in ms and the mean neuron's rate in Hz in each bin ``[B, K]``."""
        from sensoryforge.analysis import psth

        return psth(self, population, bin_ms)

    def events(self, index: int, population: str) -> Events:
        """Return a stimulus's spikes as a structured array of ``t`` (microseconds) and ``neuron``, as for Tonic."""
        from sensoryforge.events import of_stimulus

        return of_stimulus(self, index, population)

    @overload
    def to_xarray(self, population: str, what: str = "spikes", *, stacked: bool = False) -> xr.DataArray: ...
    @overload
    def to_xarray(self, population: None = None, what: str = "spikes", *, stacked: bool = False) -> xr.Dataset: ...
    def to_xarray(self, population: str | None = None, what: str = "spikes", *, stacked: bool = False) -> Any:
        """Return spikes, counts, rates or latency with a dimension for each axis of the design; see ``labelled``."""
        from sensoryforge.labelled import to_xarray

        return to_xarray(self, population, what, stacked)

    @property
    def stored(self) -> list[tuple[Path, int]]:
        """The file of each stimulus, and its row there."""
        return [(self._files[file], row) for file, row, _ in self._rows.tolist()]

    def array(self, index: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus."""
        file, row, _ = self._rows[as_int(index)].tolist()
        return self._shelf[self._files[file]].array(row, name)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one array of one stimulus."""
        return self._first().shapes[name]

    def empty(self, name: str) -> torch.Tensor:
        """Return one array of no stimulus, ``[0, ...]``."""
        return self._first().array(0, name).new_empty(0, *self.shape(name))

    @cached_property
    def _rows(self) -> Ints:
        """Of each stimulus its file, its row there, and its place in the design, ``[B, 3]``."""
        if self._path:
            places = [np.arange(len(self._first()))]
        else:
            places = [part.indices for part in (self._checkpoint.parts if self._checkpoint else ())]
        rows = np.concatenate(
            [np.stack([np.full(len(p), k), np.arange(len(p)), p], axis=1) for k, p in enumerate(places)]
        )
        rows = rows[rows[:, 2] >= 0]
        return rows[np.argsort(rows[:, 2], kind="stable")]

    @property
    def _entries(self) -> Iterator[Entry]:
        return (self._shelf[self._files[file]].entries[row] for file, row, _ in self._rows.tolist())

    @cached_property
    def _files(self) -> list[Path]:
        parts = self._checkpoint.parts if self._checkpoint else ()
        return [self._path] if self._path else [self.directory / part.file for part in parts]

    @property
    def _any(self) -> Path:
        """A file of the dataset, also of a selection without stimuli."""
        return self._files[0]

    def _first(self) -> FileReader:
        return self._shelf[self._any]


class Stack:
    """One array of every stimulus: ``stack[i]`` is one stimulus's, ``stack[a:b]`` a tensor of several."""

    def __init__(self, results: Results, name: str) -> None:
        self._results, self._name = results, name

    def __len__(self) -> int:
        return len(self._results)

    @property
    def shape(self) -> tuple[int, ...]:
        """Count of stimuli, then the shape of one, as ``stack[:]`` would have."""
        return len(self), *self._results.shape(self._name)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, index: int | slice) -> torch.Tensor:
        """Return one stimulus's array, or several stacked."""
        if not isinstance(index, slice):
            return self._results.array(index, self._name)
        import torch

        places = range(*index.indices(len(self)))
        rows = [self[place] for place in places]
        return torch.stack(rows) if rows else self._results.empty(self._name)


def load(directory: str | PathLike[str]) -> Results:
    """Return the dataset in a directory: its last complete run, or else what an interrupted one committed.

    Warns when an unfinished run is newer than the results. Raises StorageError when there is none, DamagedError when
    its files cannot be read.
    """
    root = Path(directory)
    if not root.is_dir():
        what = "a file; give its directory" if root.exists() else "no such directory"
        raise StorageError(f"{files.show(root)}: {what}")
    checkpoint = _checkpoint(root)
    if checkpoint and checkpoint.results:
        return Results(root, checkpoint, root / checkpoint.results)
    older = _results_files(root)
    if older:
        if checkpoint:
            _warn_unfinished(checkpoint, older[-1])
        return Results(root, None, older[-1])
    if checkpoint is None:
        names = listing([*map(store.results_name, store.formats()), FILE])
        raise StorageError(f"{files.show(root)}: no dataset here (none of {names})")
    if not checkpoint.parts:
        raise StorageError(f"{files.show(root)}: its run was interrupted before anything was committed")
    return Results(root, checkpoint, None)


def _open(path: Path) -> FileReader:
    return next(kind for kind in map(store.get, store.formats()) if path.suffix == f".{kind.SUFFIX}").Reader(path)


def _results_files(root: Path) -> list[Path]:
    """Return the results files that are there, the newest last."""
    paths = [root / store.results_name(name) for name in store.formats()]
    return sorted((path for path in paths if files.exists(path)), key=lambda path: path.stat().st_mtime_ns)


def _checkpoint(root: Path) -> Checkpoint | None:
    """Return the checkpoint; a damaged one is no reason to refuse a results file."""
    try:
        return settled(root)
    except DamagedError as error:
        if not _results_files(root):
            raise
        warnings.warn(f"{error}; reading the results file without it", stacklevel=3)
        return None


def _warn_unfinished(checkpoint: Checkpoint, path: Path) -> None:
    done = checkpoint.total_stimuli - len(checkpoint.todo)
    warnings.warn(
        f"{files.show(path)} is older than {FILE}: a newer run stopped at {done} of "
        f"{checkpoint.total_stimuli} stimuli; finish it with --resume",
        stacklevel=3,
    )
