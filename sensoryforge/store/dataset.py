"""A dataset read back, finished or interrupted, its arrays when asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from operator import index as as_int
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.old_names import upgraded
from sensoryforge.store import files
from sensoryforge.store.checkpoint import Checkpoint, Part, scan
from sensoryforge.store.formats import locate_format, locate_format_of
from sensoryforge.store.formats.base import FileReader, Format, Metadata, Shelf
from sensoryforge.store.table import Entry

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from sensoryforge.core.types import Ints

_SPIKES = "_spikes"
_IDENTITY = ("id", "seed", "repetition")
_MOST_SHOWN = 3
"""Directories that a dataset shows itself with."""


class Dataset(Sequence[dict[str, Any]]):
    """The stimuli of a dataset, in the design's order; an item is what ``results.pt`` holds of one.

    ``directories`` are where it lies: its own, or those of the datasets that were opened as one.
    ``open_file`` opens one of its files, for readers of their own (`SpikeReader`).

    Parameters
    ----------
    directory
        Where it lies.
    checkpoint
        What the run says of itself; None where only a results file is there.
    path
        The results file; None for an interrupted run: then these are its committed stimuli, their
        ``index`` says which, and ``complete`` is False.
    """

    def __init__(self, directory: Path, checkpoint: Checkpoint | None, path: Path | None) -> None:
        self.directory = directory
        self.directories: tuple[Path, ...] = (directory,)
        self.complete = path is not None
        self._checkpoint = checkpoint
        self._path = path
        self.format = self._find_format()
        self.open_file: Callable[[Path], FileReader] = self.format.reader
        self._shelf = Shelf(self.open_file)
        self._first()

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the stimulus in a row of the table, or a list of those in a slice.

        The tensors are the caller's own.
        """
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        try:
            place = as_int(index)
        except TypeError:
            raise TypeError(_not_a_row(index, self.names, self.populations)) from None
        file, row, position = self._rows[place].tolist()
        reader = self._shelf[self._files[file]]
        arrays = {name: reader.array(row, name) for name in reader.shapes}
        entry = {**reader.entries[row], "index": position}
        parameters = dict(entry.pop("parameters"))
        return {"parameters": parameters, **arrays, **entry}

    def __contains__(self, value: object) -> bool:
        """Tell whether a name is that of an array, a population or a column of the table.

        For a number, tell whether a stimulus has it as its ``index``; for an item, whether it is
        of this dataset.

        Examples
        --------
        >>> "sa_spikes" in results, "sa" in results, "sigma" in results, "sigm" in results
        (True, True, True, False)
        >>> 7 in results, 8 in results
        (True, False)
        """
        if isinstance(value, str):
            return value in (*self.names, *self.populations, *self.table)
        if isinstance(value, int | np.integer):
            return bool((self._rows[:, 2] == value).any())
        if isinstance(value, dict):  # an item of this dataset, or of another
            rows = np.flatnonzero(self._rows[:, 2] == value.get("index", -1))
            return any(self.table["id"][row] == value.get("id") for row in rows)
        return False

    def __repr__(self) -> str:
        name = type(self).__name__
        state = "complete" if self.complete else "interrupted"
        stimuli = "1 stimulus" if len(self) == 1 else f"{len(self)} stimuli"
        where = list_names(files.show(directory) for directory in self.directories[:_MOST_SHOWN])
        if len(self.directories) > _MOST_SHOWN:
            where += f" and {len(self.directories) - _MOST_SHOWN} more"
        return f"<{name}: {stimuli}, {list_names(self.names)}, {state}, {where}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays that each stimulus has.

        Examples
        --------
        >>> results.names
        ('sa_spikes', 'ra_spikes')
        """
        return tuple(self._first().shapes)

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the afferent populations.

        Examples
        --------
        >>> results.populations
        ('sa', 'ra')
        """
        return tuple(name.removesuffix(_SPIKES) for name in self.names if name.endswith(_SPIKES))

    @property
    def total_spikes(self) -> dict[str, int] | None:
        """How many spikes each population has in the whole dataset; None where no run counted.

        Examples
        --------
        >>> list(results.total_spikes)
        ['sa', 'ra']
        """
        return None if self._checkpoint is None else self._checkpoint.spikes

    @cached_property
    def metadata(self) -> Metadata:
        """How the dataset was made; of an interrupted run only its config.

        Examples
        --------
        >>> results.metadata["dt_ms"], tuple(results.metadata["sa_xy_mm"].shape)
        (0.5, (5, 2))
        """
        if self._config_only is not None:
            return self._config_only
        return _with_todays_names(self._first().metadata)

    @cached_property
    def facts(self) -> Metadata:
        """The metadata without arrays, read at once."""
        if self._config_only is not None:
            return self._config_only
        return _with_todays_names(self._first().facts)

    @property
    def _config_only(self) -> Metadata | None:
        """What is known of an interrupted run; None where a results file says more."""
        if self._path or self._checkpoint is None:
            return None
        return {"config": self._checkpoint.config}

    @property
    def errors(self) -> dict[int, str]:
        """Index of each stimulus that could not be computed, and why.

        Examples
        --------
        >>> results.errors
        {}
        """
        errors_by_file = [self._shelf[path].errors for path in self._files]
        if not any(errors_by_file):
            return {}
        errors: dict[int, str] = {}
        for file, row, position in self._rows.tolist():
            if row in errors_by_file[file]:
                errors[position] = errors_by_file[file][row]
        return errors

    def find_damage(self) -> tuple[str, ...]:
        """Return a line for each file that is not what the run wrote; every file is read.

        None can be told of a results file whose run left no checkpoint.

        Examples
        --------
        >>> results.find_damage()
        ()
        """
        if self._checkpoint is None:
            return ()
        return scan(self.directory, self._checkpoint).problems

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a stimulus: index, id, seed, repetition and its parameters.

        A parameter that a stimulus of another type does not have is missing there (NaN or None).
        The column ``error`` is there only if a stimulus failed.

        Examples
        --------
        >>> float(results.table["sigma"][2]), str(results.table["type"][2])
        (0.6, 'gaussian')
        """
        import pandas as pd

        positions = self._rows[:, 2]
        columns = _Columns(_IDENTITY)
        for entry in self._entries:
            identity = {name: entry[name] for name in _IDENTITY}
            columns.add_row({**entry["parameters"], **identity})
        table: dict[str, Any] = {"index": positions, **columns.close()}
        errors = self.errors
        if errors:
            table["error"] = [errors.get(position) for position in positions.tolist()]
        return pd.DataFrame(table)

    @property
    def ids(self) -> list[str]:
        """The id of each stimulus.

        Examples
        --------
        >>> results.ids == results.table["id"].tolist()
        True
        """
        return [entry["id"] for entry in self._entries]

    def spikes(self, population: str) -> Stack:
        """Return the spikes of a population, read when indexed.

        Parameters
        ----------
        population
            Its name, such as ``sa``.

        Returns
        -------
        Stack
            Bool ``[T, N]`` for each of B stimuli.

        Raises
        ------
        ConfigError
            If there is no population of that name.

        Examples
        --------
        >>> spikes = results.spikes("sa")
        >>> spikes.shape, spikes[0].dtype, tuple(spikes[2:5].shape)
        ((8, 60, 5), torch.bool, (3, 60, 5))
        """
        if population not in self.populations:
            raise ConfigError(_not_there("population", population, self.populations))
        return self.arrays(population + _SPIKES)

    def arrays(self, name: str) -> Stack:
        """Return one array of every stimulus, read when indexed.

        Parameters
        ----------
        name
            Its name, such as ``sa_spikes``, or ``sa_drive`` if ``batch.save`` named ``drive``.

        Raises
        ------
        ConfigError
            If the stimuli have no array of that name.

        Examples
        --------
        >>> results.arrays("ra_spikes").shape
        (8, 60, 7)
        """
        if name not in self.names:
            raise ConfigError(_not_there("array", name, self.names))
        return Stack(self, name)

    def take(self, rows: Sequence[int]) -> Self:
        """Return the stimuli in some rows of the table, in that order.

        Parameters
        ----------
        rows
            Numbers of rows, B of them; a row may be named several times.

        Returns
        -------
        Dataset
            Of these B stimuli; no array is read.

        Examples
        --------
        >>> [stimulus["index"] for stimulus in results.take([5, 0])]
        [5, 0]
        """
        rows = list(rows)
        selection = copy.copy(self)
        vars(selection)["_rows"] = self._rows[rows].reshape(-1, 3)
        vars(selection)["table"] = self.table.iloc[rows].reset_index(drop=True)
        return selection

    @property
    def paths(self) -> list[Path]:
        """The files that it is kept in: the results file, or the parts of an interrupted run."""
        return list(self._files)

    @property
    def parts(self) -> dict[Path, Part]:
        """What its run says of its files, by their paths; nothing where no checkpoint is there."""
        return {self.directory / part.file: part for part in self._parts}

    @property
    def stored(self) -> list[tuple[Path, int]]:
        """The file of each stimulus, and its row there."""
        return [(self._files[file], row) for file, row, _ in self._rows.tolist()]

    def array(self, row: int, name: str) -> torch.Tensor:
        """Return one array of one stimulus, that of a row of the table."""
        file, row_in_file, _ = self._rows[as_int(row)].tolist()
        return self._shelf[self._files[file]].array(row_in_file, name)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one array of one stimulus."""
        return self._first().shapes[name]

    def empty(self, name: str) -> torch.Tensor:
        """Return one array of no stimulus, ``[0, ...]``."""
        return self._first().array(0, name).new_empty(0, *self.shape(name))

    @cached_property
    def _rows(self) -> Ints:
        """Of each stimulus its file, its row there, and its position in the design, ``[B, 3]``."""
        blocks = [np.zeros((0, 3), np.int64)]
        for file, positions in enumerate(self._positions_by_file):
            rows = np.arange(len(positions))
            blocks.append(np.stack([np.full_like(rows, file), rows, positions], axis=1))
        table = np.concatenate(blocks)
        table = table[table[:, 2] >= 0]  # without those that the design no longer has
        return table[np.argsort(table[:, 2], kind="stable")]

    @property
    def _positions_by_file(self) -> list[Ints]:
        """Of each file the positions of its rows in the design."""
        if self._path:
            return [np.arange(len(self._first()))]
        return [part.indices for part in self._parts]

    @property
    def _entries(self) -> Iterator[Entry]:
        for file, row, _ in self._rows.tolist():
            yield self._shelf[self._files[file]].entries[row]

    @cached_property
    def _files(self) -> list[Path]:
        if self._path:
            return [self._path]
        return [self.directory / part.file for part in self._parts]

    @property
    def _parts(self) -> tuple[Part, ...]:
        return self._checkpoint.parts if self._checkpoint else ()

    def _find_format(self) -> Format:
        if self._checkpoint:
            return locate_format(self._checkpoint.format)
        return locate_format_of(self._any)

    @property
    def _any(self) -> Path:
        """A file of the dataset, also of a selection without stimuli."""
        return self._files[0]

    def _first(self) -> FileReader:
        return self._shelf[self._any]


class _Columns:
    """Columns of a table, gathered row by row; what a row does not have is None."""

    def __init__(self, names: Sequence[str]) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in names}
        self._count = 0

    def add_row(self, row: dict[str, Any]) -> None:
        for name, value in row.items():
            column = self._columns.setdefault(name, [])
            if len(column) < self._count:
                self._pad(column)
            column.append(value)
        self._count += 1

    def close(self) -> dict[str, list[Any]]:
        """Return every column, all of one length."""
        for column in self._columns.values():
            self._pad(column)
        return self._columns

    def _pad(self, column: list[Any]) -> None:
        column.extend([None] * (self._count - len(column)))


def _with_todays_names(metadata: Metadata) -> Metadata:
    """Return metadata whose configuration names today's classes."""
    if "config" not in metadata:
        return metadata
    return {**metadata, "config": upgraded(metadata["config"])}


def _not_there(what: str, name: str, names: Sequence[str]) -> str:
    return f"{what}: got {name!r}, allowed are {list_names(names)}{suggest(name, names)}"


def _not_a_row(name: object, names: Sequence[str], populations: Sequence[str]) -> str:
    """Return what to write in place of the name of an array where the number of a row belongs."""
    said = f"results[{name!r}]: an index is the number of a row, from 0"
    if not isinstance(name, str):
        return said
    population = name.removesuffix(_SPIKES)
    if population in populations:
        return f'{said}; results.spikes("{population}") is the spikes of all stimuli'
    if name in names:
        return f'{said}; results.arrays("{name}") is that array of all stimuli'
    return f"{said}; results.table[{name!r}] is a column of the table"


class Stack:
    """One array of every stimulus.

    ``stack[i]`` is that of one stimulus, ``stack[a:b]`` a tensor of several, ``[b - a, ...]``.
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        self._dataset = dataset
        self._name = name

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def shape(self) -> tuple[int, ...]:
        """Count of stimuli, then the shape of one, as ``stack[:]`` would have."""
        return len(self), *self._dataset.shape(self._name)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, index: int | slice) -> torch.Tensor:
        """Return one stimulus's array, or several stacked."""
        if not isinstance(index, slice):
            return self._dataset.array(index, self._name)
        import torch

        rows = range(*index.indices(len(self)))
        if not rows:
            return self._dataset.empty(self._name)
        return torch.stack([self[row] for row in rows])
