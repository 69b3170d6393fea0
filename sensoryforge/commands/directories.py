"""Where the runs and sweeps of a command line go, and how to go on with one."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sensoryforge.config.composed import free_directory, is_dated
from sensoryforge.config.overrides import format_override
from sensoryforge.core.errors import StorageError
from sensoryforge.core.paths import expand_home
from sensoryforge.design.experiment import Experiment

Mode: TypeAlias = Literal["run", "sweep"]
"""A single run or a sweep, as Hydra's node names the settings of their directories."""


def planned_directory(config: DictConfig, mode: Mode) -> Path:
    """Return the directory that a run or a sweep would make, or use again."""
    wanted = expand_home(str(config.hydra[mode].dir))
    return free_directory(wanted) if _is_named_by_the_time(config, mode) else wanted


def make_directory(config: DictConfig, mode: Mode) -> Path:
    """Make and return the directory of a run or a sweep.

    One named by the time gets a number when it is taken (two runs in the same second); one that
    was named is used again.
    """
    wanted = expand_home(str(config.hydra[mode].dir))
    if not _is_named_by_the_time(config, mode):
        try:
            wanted.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise StorageError(f"{wanted}: a file, not a directory") from error
        except OSError as error:
            raise _cannot_be_made(wanted, error) from error
        return wanted
    for number in count(1):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _cannot_be_made(path, error) from error
        return path
    raise AssertionError("the numbers do not end")


def shown_directory(folder: Path, cwd: Path) -> Path:
    """Return a directory as it is called where the command was given.

    In full where the job works somewhere else (``hydra.job.chdir``).
    """
    if cwd == Path.cwd() and folder.is_relative_to(cwd):
        return folder.relative_to(cwd)
    return folder


def with_output_dir(experiment: Experiment, directory: Path) -> Experiment:
    """Return an experiment with its results in another directory."""
    batch_section = {**experiment.config["batch"], "output_dir": str(directory)}
    return replace(
        experiment,
        batch=replace(experiment.batch, output_dir=directory),
        config={**experiment.config, "batch": batch_section},
    )


def resume_overrides(hydra: Any, set_by_us: int) -> str:
    """Return the overrides that go on with a run or a sweep, added to its command.

    Parameters
    ----------
    hydra
        The node ``hydra`` of its configuration.
    set_by_us
        How many overrides of a directory in it the user did not write.
    """
    mode: Mode = "sweep" if hydra.mode == RunMode.MULTIRUN else "run"
    key = f"hydra.{mode}.dir"
    overrides_of_directory = [
        text for text in hydra.overrides.hydra if str(text).startswith(f"{key}=")
    ]
    if len(overrides_of_directory) <= set_by_us:
        key = "batch.output_dir"
    cwd = Path(hydra.runtime.cwd)
    directory = shown_directory(cwd / str(hydra[mode].dir), cwd)
    return f"batch.resume=true {format_override(key, directory)}"


def as_written(config: DictConfig, mode: Mode, key: str) -> str:
    """Return a key of ``hydra.run`` or ``hydra.sweep`` as it is written, ``${...}`` and all."""
    node = OmegaConf.to_container(config.hydra[mode], resolve=False)
    return str(node[key]) if isinstance(node, dict) else ""


def _is_named_by_the_time(config: DictConfig, mode: Mode) -> bool:
    """Tell whether the directory has the time in its name, so that every run has its own."""
    text = as_written(config, mode, "dir")
    if "${now" in text:
        return True
    return text == "${batch.output_dir}" and is_dated(config)


def _cannot_be_made(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path}: the directory cannot be made ({error.strerror})")
