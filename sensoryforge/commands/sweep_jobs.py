"""The jobs of a sweep: planned and checked together, then placed in directories of their own.

The sweeper that Hydra calls for ``-m`` (``_plugins/hydra_plugins/sensoryforge_sweeper``) asks this
module for the jobs, and hands them to the launcher.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from sensoryforge.commands import console
from sensoryforge.commands.command_line import check_jobs
from sensoryforge.commands.directories import (
    as_written,
    make_directory,
    planned_directory,
    resume_overrides,
    with_output_dir,
)
from sensoryforge.commands.endings import errors_end_the_process
from sensoryforge.commands.hydra_app import run_job
from sensoryforge.config.composer import Composer
from sensoryforge.config.hydra_runtime import hydra_known
from sensoryforge.config.overrides import quote_text
from sensoryforge.config.sweep import Job, plan
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.signals import Interrupted, caught, exception_of
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.preflight import preflight

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from hydra.core.utils import JobReturn


SHIPPED_SUBDIRECTORY = "job_${hydra.job.num}"
"""``hydra.sweep.subdir`` in ``conf/config.yaml``: with another sweeper each job has its own too."""


def prepare_sweep(
    config: DictConfig, composer: Composer, overrides: Sequence[Override]
) -> list[list[str]]:
    """Return the overrides of each job of a sweep, all checked.

    Parameters
    ----------
    config
        What Hydra composed of the overrides that all jobs share; gets the sweep's directory.
    composer
        Composes the jobs.
    overrides
        The overrides of the sweep.

    Returns
    -------
    list of list of str
        What the launcher is given for each job; none after a dry run, which is done here.
    """
    with errors_end_the_process(), hydra_known(config):
        jobs = [_spelled_out(job, composer) for job in plan(overrides, composer)]
        experiments = check_jobs(composer, [job.overrides for job in jobs])
        names = _subdirectories(config, composer, jobs)
        _dry_run_or_preflight(config, names, experiments)
        if experiments[0].batch.dry_run:
            return []
        folder = make_directory(config, "sweep")
    config.hydra.sweep.dir = str(folder)
    user_named = _user_named_subdirectory(config)
    prepared: list[list[str]] = []
    for job, name in zip(jobs, names, strict=True):
        place = _overrides_of_place(folder, None if user_named else name)
        prepared.append([*job.overrides, *place])
    return prepared


def _spelled_out(job: Job, composer: Composer) -> Job:
    """Return a job with overrides of several stimuli written for each entry that has the key."""
    return Job(tuple(composer.spell_out(job.overrides)), job.name)


def _dry_run_or_preflight(
    config: DictConfig, names: Sequence[str], experiments: Sequence[Experiment]
) -> None:
    """Do the dry run of each job, or look at what each would find in its directory."""
    parent = planned_directory(config, "sweep")
    for name, experiment in zip(names, experiments, strict=True):
        placed = with_output_dir(experiment, parent / name)
        if placed.batch.dry_run:
            run_job(placed, name)
        else:
            preflight(placed)


# --- directories ---


def _user_named_subdirectory(config: DictConfig) -> bool:
    """Tell whether the user said where in a sweep's directory its jobs are."""
    return as_written(config, "sweep", "subdir") != SHIPPED_SUBDIRECTORY


def _subdirectories(config: DictConfig, composer: Composer, jobs: Sequence[Job]) -> list[str]:
    """Return the name of each job's sub-directory: the user's own, or that of its axes."""
    if not _user_named_subdirectory(config):
        return [job.name for job in jobs]
    names: list[str] = []
    for number, job in enumerate(jobs):
        composed = composer.load(job.overrides)
        with hydra_known(composed, number):
            names.append(str(composed.hydra.sweep.subdir))
    if len(set(names)) < len(names):
        got = as_written(config, "sweep", "subdir")
        advice = "${hydra.job.num} in it tells them apart"
        raise ConfigError(
            f"hydra.sweep.subdir: got {got!r}, one directory for several jobs; {advice}"
        )
    return names


def _overrides_of_place(folder: Path, name: str | None) -> list[str]:
    """Return the overrides that tell Hydra where a job's directory is.

    A job without a name, the only one of its sweep, is in the sweep's directory itself; with None
    the sub-directory stays what the user made it.
    """
    overrides = [f"hydra.sweep.dir={quote_text(str(folder))}"]
    if name is not None:
        overrides.append(f"hydra.sweep.subdir={quote_text(name or '.')}")
    return overrides


# --- how a sweep ends ---


@contextmanager
def telling_how_to_resume(config: DictConfig) -> Iterator[None]:
    """Say how to go on with a sweep that a signal ends outside of a job of this process."""
    with caught() as signals:
        try:
            yield
        except (Exception, Interrupted):
            if signals.number is None:
                raise
            console.say(f"Interrupted: go on with {resume_overrides(config.hydra, set_by_us=0)}")
            raise exception_of(signals.number) from None


def finish_sweep(returns: Sequence[Sequence[JobReturn]]) -> None:
    """End with the exit code of the jobs: zero when all went well, else the highest."""
    codes: list[int] = []
    for launched in returns:
        codes += [int(job.return_value or 0) for job in launched]
    if any(codes):
        raise SystemExit(max(codes))
