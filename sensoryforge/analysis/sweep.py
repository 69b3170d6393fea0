"""The datasets of a sweep, opened as one: a row a stimulus, a column for each varied override."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sensoryforge.analysis.joining import find_mismatch, stack
from sensoryforge.analysis.joint_metadata import stimuli_of_all
from sensoryforge.core.errors import StorageError
from sensoryforge.store import files
from sensoryforge.store.checkpoint import FILE
from sensoryforge.store.dataset import Dataset
from sensoryforge.store.formats import find_results_files

if TYPE_CHECKING:
    import pandas as pd

DEEPEST = 3
"""How many folders below a sweep's directory a dataset may lie."""
_COLUMNS_OF_EVERY_TABLE = ("index", "id", "seed", "repetition", "type", "error")
"""What a swept key must not replace, as ``seed`` of ``pipeline.seed`` would."""
MOST_LISTED = 10
"""Datasets that a refusal to open them as one names."""
_SWEEP_RECORD = "multirun.yaml"
"""What Hydra writes into the directory of a sweep."""
_OVERRIDES = Path(".hydra", "overrides.yaml")
"""Where Hydra writes the overrides of a job."""
_NOT_VARIED = ("batch.", "hydra.")
"""Keys that say where a dataset goes, not what it is."""
_NUMBER = re.compile(r"(\d+)")
_Dataset = TypeVar("_Dataset", bound=Dataset)


@dataclass(frozen=True)
class Job:
    """A dataset of a sweep, and what tells it from the others: column -> value."""

    directory: Path
    values: dict[str, Any]

    def describe(self) -> str:
        """Return what tells this dataset apart, as text."""
        return ", ".join(f"{name}={value}" for name, value in self.values.items())


def find_jobs(root: Path) -> list[Job]:
    """Return the datasets below a directory that is none itself, in the order of their names.

    Parameters
    ----------
    root
        The directory of a sweep.

    Examples
    --------
    >>> find_jobs(results.directory)
    []
    """
    folders = sorted(_dataset_folders(root, DEEPEST), key=_natural_order)
    overrides = [_read_overrides(folder) for folder in folders]
    varied = _varied_keys(overrides)
    names = _column_names(varied)
    jobs = []
    for folder, of_job in zip(folders, overrides, strict=True):
        values = {names[key]: of_job[key] for key in varied}
        jobs.append(Job(folder, values or {"dataset": str(folder.relative_to(root))}))
    return jobs


def open_as_one(root: Path, jobs: Sequence[Job], datasets: Sequence[_Dataset]) -> _Dataset:
    """Return the datasets of a sweep as one.

    The table has a column for each override that the sweep varied, and ``index`` counts on over
    all of them. Metadata are those of the first dataset.

    Parameters
    ----------
    root
        The directory of the sweep.
    jobs
        The datasets in it.
    datasets
        The same, opened.

    Raises
    ------
    StorageError
        If their arrays do not go together; it lists the datasets.
    """
    is_sweep = files.exists(root / _SWEEP_RECORD)
    mismatch = find_mismatch(datasets) if is_sweep else "they are not of one sweep"
    if mismatch:
        raise StorageError(
            f"{files.show(root)}: {len(jobs)} datasets below, which do not open as one "
            f"({mismatch}); open one of {_listed(jobs)}"
        )
    rows = []
    for number, dataset in enumerate(datasets):
        rows += [(number, row) for row in range(len(dataset))]
    first = datasets[0]
    config = {**first.facts["config"], "stimuli": stimuli_of_all(datasets)}
    joint = stack(datasets, rows, {**first.metadata, "config": config})
    joint.directory = root
    joint.directories = (root,)
    vars(joint)["table"] = _joint_table(jobs, datasets)
    return joint


def _listed(jobs: Sequence[Job]) -> str:
    """Return the directories of datasets in words; a long list is cut."""
    names = [files.show(job.directory) for job in jobs[:MOST_LISTED]]
    if len(jobs) > MOST_LISTED:
        names.append(f"and {len(jobs) - MOST_LISTED} more")
    return ", ".join(names)


def _joint_table(jobs: Sequence[Job], datasets: Sequence[Dataset]) -> pd.DataFrame:
    import pandas as pd

    tables = []
    for job, dataset in zip(jobs, datasets, strict=True):
        table = dataset.table.copy()
        for name, value in job.values.items():
            table[name] = [value] * len(table)
        tables.append(table)
    joint = pd.concat(tables, ignore_index=True)
    joint["index"] = range(len(joint))
    return joint


# --- where they lie, and what tells them apart ---


def holds_dataset(folder: Path) -> bool:
    """Tell whether a folder itself is the output directory of a run."""
    return files.exists(folder / FILE) or bool(find_results_files(folder))


def _dataset_folders(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folders below one that hold a dataset, not looking below those."""
    with files.disk(folder):
        below = [path for path in folder.iterdir() if path.is_dir()]
    for path in below:
        if path.name.startswith("."):
            continue
        if holds_dataset(path):
            yield path
        elif depth > 1:
            with suppress(StorageError):  # a folder that may not be looked into
                yield from _dataset_folders(path, depth - 1)


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Return what sorts names as a reader would: 2 before 10."""
    pieces = _NUMBER.split(str(path))
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]


def _read_overrides(folder: Path) -> dict[str, Any]:
    """Return the overrides of a job by key; none where Hydra's record of them is not there."""
    import yaml

    overrides: dict[str, Any] = {}
    try:
        listed = yaml.safe_load((folder / _OVERRIDES).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    for text in listed if isinstance(listed, list) else []:
        key, equals, value = str(text).partition("=")
        key = key.lstrip("+~")
        if equals and not key.startswith(_NOT_VARIED):
            overrides[key] = _read_value(value)
    return overrides


def _read_value(text: str) -> Any:
    """Return the number or text that an override gives; anything else as it is written."""
    import yaml

    with suppress(yaml.YAMLError):
        value = yaml.safe_load(text)
        if isinstance(value, bool | int | float | str):
            return value
    return text


def _varied_keys(overrides: Sequence[dict[str, Any]]) -> list[str]:
    """Return the keys that every job has, with different values."""
    varied = []
    for key in overrides[0] if overrides else ():
        if not all(key in of_job for of_job in overrides):
            continue
        values = {repr(of_job[key]) for of_job in overrides}
        if len(values) > 1:
            varied.append(key)
    return varied


def _column_names(keys: Sequence[str]) -> dict[str, str]:
    """Return the name of each key's column: its last word, or all of it where that is taken."""
    words = [key.rpartition(".")[2] for key in keys]
    names = {}
    for key, word in zip(keys, words, strict=True):
        is_free = words.count(word) == 1 and word not in _COLUMNS_OF_EVERY_TABLE
        names[key] = word if is_free else key
    return names
