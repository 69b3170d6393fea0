"""Datasets that are joined, made of one that was run: nothing is simulated twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from sensoryforge.analysis.results import Results, load
from sensoryforge.store.formats import locate_format
from sensoryforge.store.writer import DatasetWriter

Change = Callable[[dict[str, Any]], None]


def copy_of(
    results: Results,
    directory: Path,
    rows: Sequence[int] | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    version: str | None = None,
    format: str = "hdf5",
    failed: Sequence[int] = (),
    change: Change | None = None,
    complete: bool = True,
) -> Path:
    """Write some stimuli of a dataset as a run of them would have, and return the directory.

    Parameters
    ----------
    results
        Where the stimuli come from.
    directory
        Where they go.
    rows
        Which of them, all by default.
    config
        The configuration that is kept, by default that of the dataset.
    version
        Which version of SensoryForge is said to have made it.
    format
        How it is written.
    failed
        Rows that could not be computed there.
    change
        What is changed in each stimulus.
    complete
        Whether there is a results file; otherwise the run was interrupted after all but one.
    """
    rows = list(range(len(results)) if rows is None else rows)
    metadata = dict(results.metadata)
    metadata["config"] = dict(config or metadata["config"])
    if version is not None:
        metadata["versions"] = {**metadata["versions"], "sensoryforge": version}
    ids = [results.ids[row] for row in rows]
    writer = DatasetWriter.begin(directory, locate_format(format), ids, metadata["config"])
    for index, row in enumerate(rows[:-1] if not complete else rows):
        item = {**results[row], "index": index}
        if change is not None:
            change(item)
        arrays = {name: item.pop(name)[None] for name in results.names}
        if row in failed:
            item["error"] = "its drive is not finite"
            arrays = {name: torch.zeros_like(array) for name, array in arrays.items()}
        writer.commit([item], arrays)
    if complete:
        writer.finish(metadata)
    return directory


def items(results: Results) -> list[dict[str, Any]]:
    """Return the stimuli of a dataset by their ids, arrays as bytes, without their places."""
    stimuli = []
    for item in results:
        plain = {name: value for name, value in item.items() if name != "index"}
        for name in results.names:
            plain[name] = (item[name].dtype, tuple(item[name].shape), item[name].numpy().tobytes())
        stimuli.append(plain)
    return stimuli


def changed(results: Results, key: str, value: object) -> dict[str, Any]:
    """Return the configuration of a dataset with one key, given with dots, changed."""
    config = _copy(load(results.directory).metadata["config"])
    *above, last = key.split(".")
    node = config
    for word in above:
        node = node[word]
    node[last] = value
    return config


def _copy(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _copy(value) for key, value in node.items()}
    return node
