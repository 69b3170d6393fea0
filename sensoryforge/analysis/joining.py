"""Several datasets opened as one, their arrays read when asked for.

What is joined was made by one pipeline (`check_same_pipeline`), and a stimulus that several of them
have is there once. ``sensoryforge merge`` writes what is joined here into a dataset of its own.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sensoryforge.analysis.joint_metadata import (
    describe_failures,
    joint_metadata,
    show_origin,
    without_arrays,
)
from sensoryforge.analysis.pipelines import summarise_differences
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_names
from sensoryforge.store.dataset import Dataset
from sensoryforge.store.formats.base import FileReader, Metadata, Shelf

MOST_DIFFERENCES = 3
"""Keys that are named of a dataset with another pipeline,"""
MOST_REFUSED = 10
"""and such datasets that are named."""
OF_AFFERENTS = ("xy_mm", "unit", "delay_ms", "tag", "noise_std")
"""What the metadata say of each afferent, behind the name of its population."""
_OWN = "sensoryforge"
"""The version that spikes depend on: those of libraries change none."""
_Dataset = TypeVar("_Dataset", bound=Dataset)


@dataclass(frozen=True)
class Choice:
    """Which stimuli of several datasets are taken, each once.

    Attributes
    ----------
    rows
        Of each stimulus, in order: the number of its dataset and its row there.
    repeated
        Of each stimulus that stands in a further dataset: what was taken, and what was left.
    described_by
        The datasets whose entries say what is taken: the others' stimuli are all among theirs.
    """

    rows: tuple[tuple[int, int], ...]
    repeated: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    described_by: tuple[int, ...]

    @property
    def overlap(self) -> bool:
        """Whether a stimulus stands in several of those that say what is taken."""
        say = set(self.described_by)
        return any(taken[0] in say and left[0] in say for taken, left in self.repeated)

    def taken(self, count: int) -> list[int]:
        """Return how many stimuli are taken from each of ``count`` datasets."""
        taken = [0] * count
        for number, _ in self.rows:
            taken[number] += 1
        return taken


def choose_once(datasets: Sequence[Dataset]) -> Choice:
    """Return every stimulus once, in the order of the datasets and of their designs.

    A stimulus is known by its id. One that was computed is preferred to one that failed.

    Parameters
    ----------
    datasets
        Those that are joined.

    Examples
    --------
    >>> first, second = results.take([0, 1, 2]), results.take([2, 3])
    >>> choice = choose_once([first, second])
    >>> choice.rows, choice.repeated
    (((0, 0), (0, 1), (0, 2), (1, 1)), (((0, 2), (1, 0)),))
    """
    ids = [dataset.ids for dataset in datasets]
    failed = [_failed_rows(dataset) for dataset in datasets]
    described_by = _not_within_another([set(of_dataset) for of_dataset in ids])
    others = [number for number in range(len(datasets)) if number not in described_by]
    chosen: dict[str, tuple[int, int]] = {}
    repeated: list[tuple[str, tuple[int, int]]] = []
    for number in [*described_by, *others]:
        for row, stimulus in enumerate(ids[number]):
            before = chosen.setdefault(stimulus, (number, row))
            if before == (number, row):
                continue
            is_better = before[1] in failed[before[0]] and row not in failed[number]
            if is_better:
                chosen[stimulus] = (number, row)
            repeated.append((stimulus, before if is_better else (number, row)))
    return Choice(
        tuple(chosen.values()),
        tuple((chosen[stimulus], left) for stimulus, left in repeated),
        tuple(described_by),
    )


def join(datasets: Sequence[_Dataset]) -> _Dataset:
    """Return datasets of one pipeline as one, a stimulus that several have once.

    ``index`` counts on over all of them. The configuration has the stimuli of all; the metadata
    say in ``joined`` what came from where.

    Parameters
    ----------
    datasets
        Two or more.

    Raises
    ------
    ConfigError
        With a line for each dataset of another pipeline.

    Examples
    --------
    >>> len(join([results.take([0, 1, 2]), results.take([2, 3])]))
    4
    """
    check_same_pipeline(datasets)
    return join_chosen(datasets, choose_once(datasets))


def join_chosen(datasets: Sequence[_Dataset], choice: Choice) -> _Dataset:
    """Return the stimuli that were chosen of datasets of one pipeline; see `join`."""
    metadata = joint_metadata(
        datasets, choice.taken(len(datasets)), choice.described_by, overlap=choice.overlap
    )
    joint = stack(datasets, choice.rows, metadata)
    failures = describe_failures(joint)
    for said in (joint.metadata, joint.facts):
        said["failures"] = failures
    return joint


def stack(
    datasets: Sequence[_Dataset], rows: Sequence[tuple[int, int]], metadata: Metadata
) -> _Dataset:
    """Return stimuli of several datasets as one; no array is read.

    Parameters
    ----------
    datasets
        Those that have the stimuli.
    rows
        Of each stimulus, in order: the number of its dataset and its row there.
    metadata
        What the whole says of itself.
    """
    paths: list[Path] = []
    openers: dict[Path, Callable[[Path], FileReader]] = {}
    blocks = []
    for dataset in datasets:
        block = dataset._rows.copy()
        block[:, 0] += len(paths)
        blocks.append(block)
        paths += dataset._files
        openers.update(dict.fromkeys(dataset._files, dataset.open_file))
    starts = np.cumsum([0, *map(len, blocks)])
    numbers = np.array(rows, np.int64).reshape(-1, 2)
    chosen = np.concatenate(blocks)[starts[numbers[:, 0]] + numbers[:, 1]]
    chosen[:, 2] = np.arange(len(chosen))
    joint = copy.copy(datasets[0])
    for name in ("table", "_population_counts"):
        vars(joint).pop(name, None)  # of the first dataset alone
    joint.directories = tuple(chain.from_iterable(dataset.directories for dataset in datasets))
    joint.directory = _common_folder(joint.directories)
    joint.complete = all(dataset.complete for dataset in datasets)
    joint.open_file = _Openers(openers)
    vars(joint).update(
        _checkpoint=None,
        _shelf=Shelf(joint.open_file),
        _files=paths,
        _rows=chosen,
        metadata=metadata,
        facts=without_arrays(metadata),
    )
    return joint


@dataclass(frozen=True)
class _Openers:
    """Opens each file as the dataset does that it is of; it may be copied to other processes."""

    by_path: dict[Path, Callable[[Path], FileReader]]

    def __call__(self, path: Path) -> FileReader:
        return self.by_path[path](path)


# --- whether they go together ---


def check_same_pipeline(datasets: Sequence[Dataset]) -> None:
    """Refuse datasets whose pipeline, neurons or arrays are not those of the first.

    Parameters
    ----------
    datasets
        Those that are to be one.

    Raises
    ------
    ConfigError
        With a line for each of the others that differs; it names the keys.

    Examples
    --------
    >>> check_same_pipeline([results, results])
    """
    problems = []
    for dataset in datasets[1:]:
        difference = _difference_in_words(datasets[0], dataset)
        if difference:
            problems.append(f"{show_origin(dataset)}: {difference}")
    if len(problems) > MOST_REFUSED:
        left = len(problems) - MOST_REFUSED
        problems[MOST_REFUSED:] = [f"and {left} more datasets that do not go together"]
    if problems:
        raise ConfigError(problems)


def describe_versions(datasets: Sequence[Dataset]) -> str:
    """Return which versions of SensoryForge made the datasets; empty where it is one, or unknown.

    Examples
    --------
    >>> describe_versions([results, results])
    ''
    """
    first_with: dict[str, Dataset] = {}
    for dataset in datasets:
        version = (dataset.facts.get("versions") or {}).get(_OWN)
        if version is not None:
            first_with.setdefault(str(version), dataset)
    if len(first_with) < 2:
        return ""
    return list_names(f"{show_origin(made)} {version}" for version, made in first_with.items())


def find_mismatch(datasets: Sequence[Dataset]) -> str:
    """Return why the arrays of datasets do not go together; an empty text if they do.

    Examples
    --------
    >>> find_mismatch([results, results])
    ''
    """
    first = datasets[0]
    for dataset in datasets[1:]:
        if dataset.names != first.names:
            return "they hold different arrays"
        for name in first.names:
            one, other = first.shape(name), dataset.shape(name)
            if one != other:
                return f"{name}: {_sides(one)} and {_sides(other)}"
        if _pipeline(dataset).get("dt_ms") != _pipeline(first).get("dt_ms"):
            return "their samples are of different length"
        problem = _differing_afferents(first, dataset)
        if problem:
            return problem
    return ""


def _difference_in_words(first: Dataset, other: Dataset) -> str:
    """Return in what a dataset is not like the first one; an empty text if it is."""
    here, there = show_origin(first), show_origin(other)
    if "config" not in first.facts or "config" not in other.facts:
        missing = here if "config" not in first.facts else there
        return f"not compared with {here}: {missing} does not say by which pipeline it was made"
    differences = summarise_differences(first.facts["config"], other.facts["config"])
    if differences:
        told = [
            f"{difference.key}: {difference.now} ({here}: {difference.was})"
            for difference in differences[:MOST_DIFFERENCES]
        ]
        if len(differences) > MOST_DIFFERENCES:
            told.append(f"and {len(differences) - MOST_DIFFERENCES} more")
        return f"made with {', '.join(told)}; only datasets of one pipeline are joined"
    mismatch = find_mismatch([first, other])
    return f"does not go together with {here}, {mismatch}" if mismatch else ""


def _pipeline(dataset: Dataset) -> dict[str, Any]:
    return dict(dataset.facts["config"].get("pipeline") or {})


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _differing_afferents(one: Dataset, other: Dataset) -> str:
    """Return in what the afferents of two datasets differ, an empty text for nothing.

    An interrupted run does not say where they lie: with the same seed it is where the other's do.
    """
    keys = ["receptors_xy_mm"]
    for population in one.populations:
        keys += [f"{population}_{what}" for what in OF_AFFERENTS]
    problem = ""
    for key in keys:
        here, there = one.metadata.get(key), other.metadata.get(key)
        if here is None or there is None:
            continue
        if not np.array_equal(np.asarray(here), np.asarray(there)):
            problem = f"their {key} differ"
            if key.endswith("_xy_mm"):
                problem = "their afferents lie in different places"
            break
    seeds = [_pipeline(dataset).get("seed") for dataset in (one, other)]
    if seeds[0] == seeds[1]:
        return problem
    places = [f"{population}_xy_mm" for population in one.populations]
    if any(key not in dataset.metadata for dataset in (one, other) for key in places):
        problem = "an interrupted run does not say where its afferents lie"
    of_seeds = f"pipeline.seed is {seeds[0]} and {seeds[1]}"
    return f"{problem}, {of_seeds}; one run with all seeds grows a dataset" if problem else ""


# --- which stimuli ---


def _failed_rows(dataset: Dataset) -> set[int]:
    errors = dataset.errors
    if not errors:
        return set()
    return set(np.flatnonzero(np.isin(dataset._rows[:, 2], list(errors))).tolist())


def _not_within_another(sets: Sequence[set[str]]) -> list[int]:
    """Return the numbers of the sets that no other one holds whole; of equal ones the first."""
    kept = []
    for number, stimuli in enumerate(sets):
        is_within = False
        for other, its_stimuli in enumerate(sets):
            if other == number or not stimuli <= its_stimuli:
                continue
            is_within |= len(stimuli) < len(its_stimuli) or other < number
        if not is_within:
            kept.append(number)
    return kept


def _common_folder(directories: Sequence[Path]) -> Path:
    """Return the folder that all directories lie in."""
    try:
        return Path(os.path.commonpath(directories))
    except ValueError:  # on other drives, or some of them absolute and others not
        return Path(os.path.commonpath([path.absolute() for path in directories]))
