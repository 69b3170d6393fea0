"""What several datasets that were joined say of themselves as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sensoryforge.analysis.joint_entries import different_entries, fold_entries
from sensoryforge.analysis.pipelines import with_axes_of_all
from sensoryforge.core.messages import list_names
from sensoryforge.store import files
from sensoryforge.store.dataset import Dataset
from sensoryforge.store.formats.base import Metadata
from sensoryforge.store.table import FAILURE_KEYS


def show_origin(dataset: Dataset) -> str:
    """Return where a dataset lies, in words."""
    return list_names(files.show(directory) for directory in dataset.directories)


def stimuli_of_all(datasets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """Return the entries of the configurations' stimuli, equal ones once.

    Examples
    --------
    >>> [entry["type"] for entry in stimuli_of_all([results, results])]
    ['gaussian']
    """
    stimuli = [dataset.facts["config"].get("stimuli") or [] for dataset in datasets]
    return different_entries(chain.from_iterable(stimuli))


def joint_metadata(
    datasets: Sequence[Dataset],
    taken: Sequence[int],
    described_by: Sequence[int],
    *,
    overlap: bool,
) -> Metadata:
    """Return the metadata of the whole: those of the first dataset, and what is of all.

    Of a run that was interrupted only the configuration is known.

    Parameters
    ----------
    datasets
        Those that are joined.
    taken
        How many stimuli come from each.
    described_by
        The numbers of those whose entries say which stimuli there are.
    overlap
        Whether two of these have a stimulus in common.

    Examples
    --------
    >>> joint = joint_metadata([results, results], [8, 0], [0], overlap=False)
    >>> joint["design_text"][-1]
    '  → 4 parameter combinations × 2 repetitions = 8 stimuli'
    """
    known = [dataset for dataset in datasets if "design" in dataset.facts]
    joint = dict(known[0].metadata) if known else {}
    of_all = [datasets[number] for number in described_by]
    stimuli = stimuli_of_all(of_all)
    configs = [dataset.facts["config"] for dataset in datasets]
    config = with_axes_of_all(configs)
    # An entry stands under the values of axes of all, so that others may have its stimuli now.
    if overlap or any(config.get("neurons") != one.get("neurons") for one in configs):
        stimuli = fold_entries(stimuli)
    joint["config"] = {**config, "stimuli": stimuli}
    if "seeds" in joint:
        # Places that differ between seeds are not joined: here they are the same for all.
        joint["seeds"] = config["pipeline"]["seed"]
    joint["joined"] = _origins(datasets, taken)
    if known:
        designs = [dataset.facts.get("design") or [] for dataset in of_all]
        joint["design"] = different_entries(chain.from_iterable(designs))
        joint["units"] = _joint_units(known)
        joint |= _times(datasets)
    joint["design_text"] = _design_text(datasets, joint["joined"])
    return joint


def _origins(datasets: Sequence[Dataset], taken: Sequence[int]) -> list[dict[str, Any]]:
    """Return what came from where, and which version made it."""
    origins: list[dict[str, Any]] = []
    for dataset, count in zip(datasets, taken, strict=True):
        origin: dict[str, Any] = {
            "directory": show_origin(dataset),
            "stimuli": len(dataset),
            "taken": count,
            "complete": dataset.complete,
        }
        for key in ("versions", "started", "joined"):
            if key in dataset.facts:
                origin[key] = dataset.facts[key]
        origins.append(origin)
    return origins


def _joint_units(datasets: Sequence[Dataset]) -> dict[str, str]:
    units: dict[str, str] = {}
    for dataset in datasets:
        for name, unit in (dataset.facts.get("units") or {}).items():
            units.setdefault(name, unit)
    return units


def _times(datasets: Sequence[Dataset]) -> Metadata:
    """Return when the first was begun, how long all took and how many stimuli that were."""
    run = [dataset.facts for dataset in datasets if "started" in dataset.facts]
    if not run:
        return {}
    return {
        "started": min(str(facts["started"]) for facts in run),
        "wall_time_s": round(sum(facts["wall_time_s"] for facts in run), 3),
        "stimuli_computed": sum(facts["stimuli_computed"] for facts in run),
    }


def _design_text(datasets: Sequence[Dataset], origins: Sequence[dict[str, Any]]) -> list[str]:
    """Return the lines of every design, each below the name of its dataset."""
    lines = []
    for dataset, origin in zip(datasets, origins, strict=True):
        lines.append(_origin_line(origin))
        for line in dataset.facts.get("design_text") or []:
            lines.append(f"  {line}")
    return lines


def _origin_line(origin: dict[str, Any]) -> str:
    """Return how many stimuli of a dataset are in the whole."""
    stimuli, taken = origin["stimuli"], origin["taken"]
    noun = "stimulus" if stimuli == 1 else "stimuli"
    state = "" if origin["complete"] else " of an interrupted run"
    line = f"From {origin['directory']}: {stimuli} {noun}{state}"
    left = stimuli - taken
    return f"{line}, {left} of them taken from another dataset" if left else line


def describe_failures(joint: Dataset) -> list[dict[str, Any]]:
    """Return what the metadata say of each stimulus that failed.

    Examples
    --------
    >>> describe_failures(results)
    []
    """
    failures = []
    positions = set(joint.errors)
    for position, entry in enumerate(joint._entries if positions else ()):
        if position in positions:
            numbered = {**entry, "index": position}
            failures.append({key: numbered[key] for key in FAILURE_KEYS})
    return failures


def without_arrays(metadata: Metadata) -> Metadata:
    """Return metadata without their tensors."""
    import torch

    return {key: value for key, value in metadata.items() if not isinstance(value, torch.Tensor)}
