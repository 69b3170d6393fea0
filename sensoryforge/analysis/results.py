"""A dataset with what one asks of it: selections, counts, rates, latencies, histograms; `load`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

from sensoryforge.analysis.joining import describe_versions, join
from sensoryforge.analysis.joint_metadata import show_origin
from sensoryforge.analysis.sweep import find_jobs, holds_dataset, open_as_one
from sensoryforge.core.errors import ConfigError, DamagedError, StorageError
from sensoryforge.core.messages import list_names
from sensoryforge.core.paths import expand_home
from sensoryforge.store import files
from sensoryforge.store.checkpoint import FILE, Checkpoint, read_settled
from sensoryforge.store.dataset import Dataset
from sensoryforge.store.formats import find_results_files, shipped_formats

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from sensoryforge.analysis.exports.events import Events
    from sensoryforge.analysis.neurons import Texts
    from sensoryforge.core.types import Floats, Ints


class Results(Dataset):
    """The stimuli of a dataset, in the design's order; what `load` and ``sensoryforge.run`` return.

    An item is what ``results.pt`` holds of one stimulus. Arrays are read when they are asked for.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a stimulus: index, id, seed, repetition and its parameters.
    populations : tuple of str
        Names of the afferent populations.
    metadata : dict
        How the dataset was made.
    complete : bool
        False for an interrupted run: these are its committed stimuli, and their ``index`` says
        which.

    Examples
    --------
    >>> results  # doctest: +ELLIPSIS
    <Results: 8 stimuli, sa_spikes, ra_spikes, complete, ...>
    >>> stimulus = results[0]
    >>> stimulus["parameters"]["amplitude"], tuple(stimulus["sa_spikes"].shape)
    (10, (60, 5))
    """

    def take(self, rows: Sequence[int]) -> Self:
        """Return the stimuli in some rows of the table, in that order.

        Parameters
        ----------
        rows
            Numbers of rows, B of them; a row may be named several times.

        Returns
        -------
        Results
            Of these B stimuli; no array is read.

        Examples
        --------
        >>> results.take([5, 0]).table["index"].tolist()
        [5, 0]
        """
        chosen = super().take(rows)
        # What is known of the whole is known of a part: a selection reads no spikes again.
        vars(chosen)["_population_counts"] = {
            window: counted.iloc[list(rows)].reset_index(drop=True)
            for window, counted in self._population_counts.items()
        }
        return chosen

    def where(self, /, **conditions: Any) -> Self:
        """Return the stimuli that meet every condition. No array is read.

        Parameters
        ----------
        **conditions
            Column = a value, a list of values, or a function that tells whether a value is wanted
            (``amplitude=lambda a: a > 20``). Numbers that are not whole match to nine digits.

        Raises
        ------
        ConfigError
            For columns that are not there.

        Examples
        --------
        >>> len(results.where(amplitude=30, sigma=[0.3, 0.6], type="gaussian"))
        4
        """
        from sensoryforge.analysis.selection import matching_rows

        return self.take(matching_rows(self, conditions).tolist())

    @property
    def axes(self) -> dict[str, list[Any]]:
        """Axes of the design with their values ascending.

        An axis is a parameter that the configuration writes as a list, or that differs.

        Examples
        --------
        >>> results.axes
        {'amplitude': [10, 30], 'sigma': [0.3, 0.6]}
        """
        from sensoryforge.analysis.selection import axes

        return axes(self)

    @overload
    def counts(
        self, population: str, start_ms: float = 0.0, stop_ms: float | None = None
    ) -> Ints: ...
    @overload
    def counts(
        self, population: None = None, start_ms: float = 0.0, stop_ms: float | None = None
    ) -> pd.DataFrame: ...
    def counts(
        self, population: str | None = None, start_ms: float = 0.0, stop_ms: float | None = None
    ) -> Any:
        """Return the spikes in a window.

        Parameters
        ----------
        population
            Whose spikes; None counts those of every population.
        start_ms, stop_ms
            The first instant of the window, and the first after it, in ms. None is the end.

        Returns
        -------
        numpy.ndarray or pandas.DataFrame
            The spikes of each neuron of the population, ``[B, N]``. Without a population a frame to
            join to the table: a row a stimulus, a column a population, the sum over its neurons.

        Raises
        ------
        ConfigError
            For another population, and for a window that is empty or leaves the recording.

        Examples
        --------
        >>> results.counts("sa").shape
        (8, 5)
        >>> results.table.join(results.counts(start_ms=5, stop_ms=20)).shape
        (8, 11)
        """
        from sensoryforge.analysis.measures import counts, population_counts, window

        if population is not None:
            return counts(self, population, start_ms, stop_ms)
        inside = window(self, start_ms, stop_ms)
        samples = (inside.start, inside.stop)
        if samples not in self._population_counts:
            self._population_counts[samples] = population_counts(self, start_ms, stop_ms)
        return self._population_counts[samples].copy()

    @overload
    def rates(
        self, population: str, start_ms: float = 0.0, stop_ms: float | None = None
    ) -> Floats: ...
    @overload
    def rates(
        self, population: None = None, start_ms: float = 0.0, stop_ms: float | None = None
    ) -> pd.DataFrame: ...
    def rates(
        self, population: str | None = None, start_ms: float = 0.0, stop_ms: float | None = None
    ) -> Any:
        """Return the mean rate over a window, in Hz.

        Parameters
        ----------
        population
            Whose rates; None gives those of every population.
        start_ms, stop_ms
            The first instant of the window, and the first after it, in ms. None is the end.

        Returns
        -------
        numpy.ndarray or pandas.DataFrame
            The rate of each neuron of the population, ``[B, N]``. Without a population a frame to
            join to the table: a row a stimulus, a column a population, the mean over its neurons.
            NaN for a stimulus that failed.

        Examples
        --------
        >>> results.rates("ra", 0, 10).shape
        (8, 7)
        >>> list(results.rates())
        ['sa', 'ra']
        """
        from sensoryforge.analysis.measures import population_rates, rates

        if population is not None:
            return rates(self, population, start_ms, stop_ms)
        counted = self.counts(None, start_ms, stop_ms)
        return population_rates(self, counted, start_ms, stop_ms)

    @overload
    def latency(self, population: str, since: float | str = 0.0) -> Floats: ...
    @overload
    def latency(self, population: None = None, since: float | str = 0.0) -> pd.DataFrame: ...
    def latency(self, population: str | None = None, since: float | str = 0.0) -> Any:
        """Return the time from an instant to the first spike, in ms.

        Parameters
        ----------
        population
            Whose spikes; None looks at every population.
        since
            The instant in ms, or the name of the parameter that holds it, such as ``step_time``.

        Returns
        -------
        numpy.ndarray or pandas.DataFrame
            The time to each neuron's first spike, ``[B, N]``. Without a population a frame to join
            to the table: a row a stimulus, a column a population, the earliest of its neurons. NaN
            where there is no spike.

        Examples
        --------
        >>> results.latency("sa", since=5).shape
        (8, 5)
        """
        from sensoryforge.analysis.measures import latency, population_latency

        if population is not None:
            return latency(self, population, since)
        return population_latency(self, since)

    def psth(self, population: str, bin_ms: float = 5.0) -> tuple[Floats, Floats]:
        """Return the peristimulus time histogram of each stimulus.

        Parameters
        ----------
        population
            Whose spikes.
        bin_ms
            A bin is this long, rounded to whole samples; the last one may be shorter.

        Returns
        -------
        edges : numpy.ndarray
            ``[K + 1]``, in ms.
        rates : numpy.ndarray
            ``[B, K]``: the rate in each bin in Hz, the mean over all neurons.

        Examples
        --------
        >>> edges, rates = results.psth("sa", bin_ms=10)
        >>> edges.tolist(), rates.shape
        ([0.0, 10.0, 20.0, 30.0], (8, 3))
        """
        from sensoryforge.analysis.measures import psth

        return psth(self, population, bin_ms)

    def units(self, population: str) -> Ints:
        """Return which unit each neuron is: its row in the table ``units``, counted from zero.

        Parameters
        ----------
        population
            Whose neurons.

        Returns
        -------
        numpy.ndarray
            ``[N]``.

        Raises
        ------
        ConfigError
            For another population, and for one without a table.

        Examples
        --------
        >>> results.units("sa")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        ConfigError: population sa has no table of units
        """
        from sensoryforge.analysis.neurons import units

        return units(self, population)

    def tags(self, population: str) -> Texts:
        """Return the tag of the region of the skin that each neuron lies in.

        Parameters
        ----------
        population
            Whose neurons.

        Returns
        -------
        numpy.ndarray
            ``[N]``, to select neurons with: ``counts[:, results.tags("sa") == "tip"]``.

        Raises
        ------
        ConfigError
            For another population, and for skin without regions (``pipeline.outline``).

        Examples
        --------
        >>> results.tags("sa")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        ConfigError: its skin has no regions (pipeline.outline)
        """
        from sensoryforge.analysis.neurons import tags

        return tags(self, population)

    def events(self, row: int, population: str) -> Events:
        """Return the spikes of one stimulus as events.

        Parameters
        ----------
        row
            Which stimulus: its row of the table.
        population
            Whose spikes.

        Returns
        -------
        numpy.ndarray
            A structured array of ``t`` (microseconds) and ``neuron``, in order of time; as Tonic's
            transforms want it.

        Examples
        --------
        >>> events = results.events(7, "sa")
        >>> len(events) == int(results.counts("sa")[7].sum())
        True
        """
        from sensoryforge.analysis.exports.events import stimulus_events

        return stimulus_events(self, row, population)

    @overload
    def to_xarray(
        self, population: str, what: str = "spikes", *, stacked: bool = False
    ) -> xr.DataArray: ...
    @overload
    def to_xarray(
        self, population: None = None, what: str = "spikes", *, stacked: bool = False
    ) -> xr.Dataset: ...
    def to_xarray(
        self, population: str | None = None, what: str = "spikes", *, stacked: bool = False
    ) -> Any:
        """Return the dataset as a labelled array with a dimension for each axis of the design.

        Parameters
        ----------
        population
            Whose neurons; None gives an ``xarray.Dataset`` of every population.
        what
            ``spikes``, ``counts``, ``rates`` (Hz) or ``latency`` (ms).
        stacked
            Put stimuli of one type, too, along one dimension ``stimulus``. Those of several types
            share no axes and are always stacked, and so are those that were drawn or paired.

        Examples
        --------
        >>> results.to_xarray("sa", "rates").dims
        ('amplitude', 'sigma', 'repetition', 'neuron')
        """
        from sensoryforge.analysis.exports.labelled_array import to_xarray

        return to_xarray(self, population, what, stacked)

    @cached_property
    def _population_counts(self) -> dict[tuple[int, int], pd.DataFrame]:
        """Spikes of all neurons by window (first sample, end), once counted."""
        return {}


def load(directory: str | PathLike[str] | Sequence[str | PathLike[str]]) -> Results:
    """Return the dataset in a directory, in whatever format it is, or several as one.

    It is the last complete run, or else what an interrupted one committed. Warns when an unfinished
    run is newer than the results. The datasets of a sweep open as one, with a column for each
    override that the sweep varied, if their arrays go together.

    A list of datasets of one pipeline opens as one: all stimuli in order, one that several of them
    have once, ``index`` counting on over all of them. ``sensoryforge merge`` writes the same into
    a directory of its own.

    Parameters
    ----------
    directory
        The output directory of a run, or of a sweep; a results file; or a list of these.

    Raises
    ------
    ConfigError
        For a list of datasets that were not made by one pipeline, with a line for each that
        differs from the first.
    StorageError
        When there is no dataset, when another program has it open for writing, and for a sweep
        whose datasets do not open as one; it then lists them.
    DamagedError
        When its files cannot be read.

    Examples
    --------
    >>> len(load(results.directory))
    8
    >>> len(load([results.directory]))
    8
    """
    if not isinstance(directory, str | PathLike):
        return _load_several(directory)
    root = expand_home(directory)
    if not root.is_dir():
        return _load_file(root)
    checkpoint = _read_checkpoint(root)
    if checkpoint and checkpoint.results:
        return Results(root, checkpoint, root / checkpoint.results)
    older = _results_files(root)
    if older:
        if checkpoint:
            _warn_unfinished(checkpoint, older[-1])
        return Results(root, None, older[-1])
    if checkpoint is None:
        jobs = find_jobs(root)
        if jobs:
            return open_as_one(root, jobs, [load(job.directory) for job in jobs])
        results_names = [format.results_name for format in shipped_formats()]
        names = list_names([*results_names, FILE])
        raise StorageError(f"{files.show(root)}: no dataset here (none of {names})")
    if not checkpoint.parts:
        raise StorageError(
            f"{files.show(root)}: its run was interrupted before anything was committed"
        )
    return Results(root, checkpoint, None)


def load_each(places: Sequence[str | PathLike[str]]) -> list[Results]:
    """Return the datasets in some places, those of a sweep each for itself.

    Parameters
    ----------
    places
        Directories of runs or sweeps, and results files.

    Raises
    ------
    ConfigError
        Where a dataset is named twice.
    StorageError
        Where there is none; see `load`.

    Examples
    --------
    >>> len(load_each([results.directory]))
    1
    """
    datasets: list[Results] = []
    for place in places:
        root = expand_home(place)
        jobs = find_jobs(root) if root.is_dir() and not holds_dataset(root) else []
        datasets += [load(job.directory) for job in jobs] if jobs else [load(root)]
    seen: set[tuple[Path, ...]] = set()
    for dataset in datasets:
        stored = tuple(path.resolve() for path in dataset.paths)
        if stored in seen:
            raise ConfigError(f"{show_origin(dataset)}: got twice, allowed is each dataset once")
        seen.add(stored)
    return datasets


def _load_several(places: Sequence[str | PathLike[str]]) -> Results:
    """Return several datasets as one."""
    if not places:
        raise ConfigError("load: got no dataset, allowed are one or more directories")
    datasets = load_each(places)
    if len(datasets) == 1:
        return datasets[0]
    joint = join(datasets)
    versions = describe_versions(datasets)
    if versions:
        warnings.warn(f"made by different versions of SensoryForge: {versions}", stacklevel=3)
    return joint


def _load_file(path: Path) -> Results:
    """Return the dataset of a results file, with what the checkpoint beside it says of it."""
    if not path.exists():
        raise StorageError(f"{files.show(path)}: no such directory")
    if all(path.suffix != f".{format.suffix}" for format in shipped_formats()) or path.name == FILE:
        raise StorageError(f"{files.show(path)}: a file; give its directory")
    checkpoint = _read_checkpoint(path.parent)
    if checkpoint and checkpoint.results == path.name:
        return Results(path.parent, checkpoint, path)
    return Results(path.parent, None, path)


def _results_files(root: Path) -> list[Path]:
    """Return the results files that are there, the newest last."""
    paths = [path for _, path in find_results_files(root)]
    return sorted(paths, key=lambda path: path.stat().st_mtime_ns)


def _read_checkpoint(root: Path) -> Checkpoint | None:
    """Return the checkpoint; a damaged one is no reason to refuse a results file."""
    try:
        return read_settled(root)
    except DamagedError as error:
        if not _results_files(root):
            raise
        warnings.warn(f"{error}; reading the results file without it", stacklevel=3)
        return None


def _warn_unfinished(checkpoint: Checkpoint, path: Path) -> None:
    warnings.warn(
        f"{files.show(path)} is older than {FILE}: a newer run stopped at "
        f"{checkpoint.num_completed} of {checkpoint.total_stimuli} stimuli; "
        "finish it with --resume",
        stacklevel=3,
    )
