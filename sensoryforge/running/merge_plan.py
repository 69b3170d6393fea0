"""What a merge would write, all of it checked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.core.devices import total_memory_bytes
from sensoryforge.core.errors import ConfigError, DamagedError
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.paths import expand_home
from sensoryforge.running.estimate import format_bytes
from sensoryforge.store import files, lock
from sensoryforge.store.formats import find_results_files, locate_format, shipped_formats

if TYPE_CHECKING:
    from sensoryforge.analysis.joining import Choice
    from sensoryforge.analysis.results import Results
    from sensoryforge.store.checkpoint import Checkpoint, Committed
    from sensoryforge.store.formats import Format

ANY_VERSION = "--any-version"
_TWO_WAYS = "replace it with --overwrite, or choose another --output"


@dataclass(frozen=True)
class MergePlan:
    """Datasets that go together, and where they go.

    Attributes
    ----------
    datasets
        Those that are joined.
    choice
        Which of their stimuli are taken.
    joint
        The same opened as one.
    output
        The directory of the whole.
    format
        How it is written.
    config
        The configuration that it keeps.
    ids
        Those of its stimuli, in order.
    """

    datasets: list[Results]
    choice: Choice
    joint: Results
    output: Path
    format: Format
    config: dict[str, Any]
    ids: list[str]

    @property
    def path(self) -> Path:
        """The results file."""
        return self.output / self.format.results_name

    @property
    def bytes_a_stimulus(self) -> int:
        """How much memory the arrays of a stimulus take."""
        sizes = []
        for name in self.joint.names:
            values = prod(self.joint.shape(name))
            sizes.append(values * self.joint.empty(name).element_size())
        return sum(sizes)


def plan_merge(
    places: Sequence[str | PathLike[str]],
    output: str | PathLike[str],
    format: str | None = None,
    any_version: bool = False,
) -> MergePlan:
    """Return what a merge of some datasets would write; nothing is written.

    Parameters
    ----------
    places
        Directories of runs or sweeps, and results files.
    output
        The directory of the whole.
    format
        The name of its format; None takes that of the first dataset.
    any_version
        Whether datasets of different versions of SensoryForge are joined.

    Raises
    ------
    ConfigError
        Where they do not go together, or the output is no place for them.
    StorageError
        Where there is no dataset, or a run is writing one.
    """
    from sensoryforge.analysis.joining import (
        check_same_pipeline,
        choose_once,
        describe_versions,
        join_chosen,
    )
    from sensoryforge.analysis.results import load_each
    from sensoryforge.running.merge_metadata import complete_metadata

    if not places:
        raise ConfigError("merge: got no dataset, allowed are two or more")
    directory = expand_home(output)
    _check_output(directory, places)
    datasets = load_each(places)
    if len(datasets) == 1:
        raise ConfigError(
            f"merge: got one dataset, {datasets[0].directory}, allowed are two or more"
        )
    check_same_pipeline(datasets)
    versions = describe_versions(datasets)
    if versions and not any_version:
        raise ConfigError(
            f"merge: got datasets of different versions of SensoryForge ({versions}); "
            f"{ANY_VERSION} joins them, where the changelog names no change of bits between these"
        )
    for place in [directory, *(dataset.directory for dataset in datasets)]:
        lock.probe(place)
    chosen_format = _find_format(format, datasets[0])
    choice = choose_once(datasets)
    joint = join_chosen([complete_metadata(dataset) for dataset in datasets], choice)
    config = _config_of(joint, directory, chosen_format, is_named=format is not None)
    plan = MergePlan(datasets, choice, joint, directory, chosen_format, config, joint.ids)
    _check_memory(plan)
    return plan


def check_datasets(plan: MergePlan) -> None:
    """Read every file and compare it with its checksum.

    Raises
    ------
    DamagedError
        For the first file that is not what was written.
    """
    for dataset in plan.datasets:
        for problem in dataset.find_damage():
            raise DamagedError(f"{files.show(dataset.directory)}: {problem}")


# --- what goes together ---


def _check_output(output: Path, places: Sequence[str | PathLike[str]]) -> None:
    """Refuse an output that is a file, one of the datasets, or inside of one."""
    if output.exists() and not output.is_dir():
        raise ConfigError(f"--output: {files.show(output)} is a file, allowed is a directory")
    wanted = output.resolve()
    for place in places:
        given = expand_home(place)
        is_file = given.is_file()
        folder = (given.parent if is_file else given).resolve()
        is_inside = folder in wanted.parents and not is_file
        if wanted == folder or is_inside:
            where = "inside" if is_inside else "where"
            what = "it" if is_inside else "a dataset that is joined lies"
            raise ConfigError(
                f"--output: got {files.show(output)}, {where} {what}; "
                "allowed is a directory beside the datasets"
            )


def _find_format(name: str | None, first: Results) -> Format:
    if name is None or name == first.format.written_name:
        return first.format
    names = [format.name for format in shipped_formats()]
    if name not in names:
        allowed = f"allowed are {list_names(names)}{suggest(name, names)}"
        raise ConfigError(f"--format: got {name!r}, {allowed}")
    return locate_format(name)


def _config_of(joint: Results, output: Path, format: Format, *, is_named: bool) -> dict[str, Any]:
    """Return the configuration of the whole, which has the stimuli of all."""
    config: dict[str, Any] = joint.facts["config"]
    batch = {**(config.get("batch") or {}), "output_dir": str(output)}
    if is_named:
        batch["format"] = format.name
    for flag in ("resume", "overwrite", "dry_run"):
        batch[flag] = False
    return {**config, "batch": batch}


def _check_memory(plan: MergePlan) -> None:
    """Refuse a dataset that does not fit the memory, where its format makes one object of it."""
    available = total_memory_bytes()
    if not plan.format.whole_in_memory or available is None:
        return
    needed = plan.bytes_a_stimulus * len(plan.ids)
    if needed > available:
        amounts = f"about {format_bytes(needed)} of {format_bytes(available)}"
        raise ConfigError(
            f"--format: {plan.format.name} keeps the dataset in memory, {amounts}; "
            "take --format hdf5"
        )


# --- what is there already ---


def read_committed(plan: MergePlan, overwrite: bool) -> Committed | None:
    """Return what an earlier merge or run left in the output to go on from; None to begin anew.

    Raises
    ------
    ConfigError
        Where something there would be lost.
    """
    from sensoryforge.store.checkpoint import scan

    if overwrite:
        return None
    before = _read_before(plan.output)
    if before is None:
        return None
    where = files.show(plan.output)
    if before.results is None and not _is_same_merge(before, plan):
        done = f"{before.num_completed} of {before.total_stimuli} stimuli"
        raise ConfigError(
            f"{where}: holds an unfinished run ({done}) of another dataset; "
            f"discard it with --overwrite, or choose another --output"
        )
    _check_made_alike(before, plan)
    committed = scan(plan.output, before)
    if before.results is not None and committed.problems:
        raise ConfigError(f"{where}: {before.results} is damaged, or was changed; {_TWO_WAYS}")
    lost = len(committed.ids - frozenset(plan.ids))
    if lost:
        count = len(committed.ids)
        noun = "stimulus" if count == 1 else "stimuli"
        raise ConfigError(
            f"{where}: holds a dataset of {count} {noun}, {lost} of which none of these has; "
            f"{_TWO_WAYS}"
        )
    return committed


def _read_before(output: Path) -> Checkpoint | None:
    """Return what the output's last run or merge says of itself."""
    from sensoryforge.store.checkpoint import PARTS, read_or_recover, told_by_results

    before = read_or_recover(output)
    if before is not None and (before.results or before.parts):
        return before
    if find_results_files(output):
        told = told_by_results(output)
        if told is None:
            problem = "holds results, and nothing tells of which run"
            raise ConfigError(f"{files.show(output)}: {problem}; {_TWO_WAYS}")
        return told
    if before is None and (output / PARTS).is_dir():
        problem = "has parts of a run but no checkpoint.pt that says which stimuli they hold"
        raise ConfigError(f"{files.show(output)}: {problem}; {_TWO_WAYS}")
    return None


def _is_same_merge(before: Checkpoint, plan: MergePlan) -> bool:
    """Tell whether an unfinished run was this merge, or would make the same dataset."""
    if before.total_stimuli != len(plan.ids):
        return False
    return _as_text(before.config) == _as_text(plan.config)


def _as_text(config: dict[str, Any]) -> str:
    """Return what makes a dataset what it is as text, which compares also what is not a number."""
    said = {key: value for key, value in config.items() if key != "batch"}
    return json.dumps(said, sort_keys=True)


def _check_made_alike(before: Checkpoint, plan: MergePlan) -> None:
    """Refuse to add to a dataset of another pipeline, or in another format."""
    from sensoryforge.analysis.pipelines import summarise_differences

    where = files.show(plan.output)
    differences = summarise_differences(before.config, plan.config)
    if differences:
        first = differences[0]
        raise ConfigError(
            f"{where}: holds a dataset made with {first.key}: {first.was} (now {first.now}); "
            f"{_TWO_WAYS}"
        )
    if before.format != plan.format.written_name:
        raise ConfigError(
            f"{where}: holds a dataset in the format {before.format}; "
            f"take --format {before.format}, {_TWO_WAYS}"
        )
