"""The jobs of a sweep: checked together, then placed in directories of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING

from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, open_dict

from sensoryforge import console
from sensoryforge.app import again, check_jobs, directory, ending, execute, make_directory, moved, raw
from sensoryforge.composer import Composer
from sensoryforge.errors import ConfigError
from sensoryforge.preflight import preflight
from sensoryforge.signals import Interrupted, caught
from sensoryforge.sweep import Job, plan

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from hydra.core.utils import JobReturn


def prepare_sweep(cfg: DictConfig, composer: Composer, overrides: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of each job of a sweep, all checked; a dry run is done here, and leaves none."""
    with ending():
        jobs = plan(overrides, composer)
        experiments = check_jobs(composer, [job.overrides for job in jobs])
        names = _subdirectories(cfg, composer, jobs)
        place = directory(cfg, "sweep")
        placed = [moved(experiment, place / name) for name, experiment in zip(names, experiments, strict=True)]
        if placed[0].batch.dry_run:
            for name, experiment in zip(names, placed, strict=True):
                execute(experiment, name)
            return []
        for experiment in placed:
            preflight(experiment)
        folder = make_directory(cfg, "sweep")
    cfg.hydra.sweep.dir = str(folder)
    return [
        [
            *(composer.addressed(job.overrides) if len(experiment.design.families) > 1 else job.overrides),
            *_place(folder, "" if _has_own_subdirectory(cfg) else name),
        ]
        for job, name, experiment in zip(jobs, names, experiments, strict=True)
    ]


def _has_own_subdirectory(cfg: DictConfig) -> bool:
    """Tell whether the user said where in a sweep's directory its jobs are."""
    return raw(cfg, "sweep", "subdir") != "."


def _subdirectories(cfg: DictConfig, composer: Composer, jobs: Sequence[Job]) -> list[str]:
    """Return the name of each job's sub-directory: the user's own, with the number of the job, or ours."""
    if not _has_own_subdirectory(cfg):
        return [job.name for job in jobs]
    names = []
    for number, job in enumerate(jobs):
        node = composer.load(job.overrides)
        with open_dict(node):
            node.hydra.job.num, node.hydra.job.id = number, str(number)
        names.append(str(node.hydra.sweep.subdir))
    if len(set(names)) < len(names):
        got = raw(cfg, "sweep", "subdir")
        fix = "${hydra.job.num} in it tells them apart"
        raise ConfigError(f"hydra.sweep.subdir: got {got!r}, one directory for several jobs; {fix}")
    return names


@contextmanager
def telling(cfg: DictConfig) -> Iterator[None]:
    """Say how to go on with a sweep that a signal ends outside of a job of this process, and end."""
    with caught() as signals:
        try:
            yield
        except (Exception, Interrupted):
            if signals.number is None:
                raise
            console.say(f"Interrupted: go on with {again(cfg.hydra, 0)}")
            raise (KeyboardInterrupt if signals.number == SIGINT else SystemExit(128 + signals.number)) from None


def _place(folder: Path, name: str) -> list[str]:
    """Return the overrides that tell Hydra where a job's directory is; without a name the sub-directory stays."""

    def quoted(text: str) -> str:
        return QuotedString(text, Quote.single).with_quotes()

    return [f"hydra.sweep.dir={quoted(str(folder))}", *([f"hydra.sweep.subdir={quoted(name)}"] if name else [])]


def finish_sweep(returns: Sequence[Sequence[JobReturn]]) -> None:
    """End with the exit code of the jobs: zero when all went well, else the highest."""
    codes = [int(result.return_value or 0) for batch in returns for result in batch]
    if any(codes):
        raise SystemExit(max(codes))
