"""The Hydra application: from a command line to the run of one job.

The way of a command line: it is read and rewritten (`command_line.CommandLine`); Hydra composes
it; before Hydra makes a directory the configuration is checked. For a single run `RunGuard` does
that; for a sweep our sweeper (in ``_plugins/``) has ``sweep_jobs.py`` plan, check and place the
jobs. Then Hydra calls `run_composed` for each job.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from sensoryforge.commands import console
from sensoryforge.commands.checked import recall, remember
from sensoryforge.commands.command_line import CommandLine
from sensoryforge.commands.directories import (
    make_directory,
    planned_directory,
    resume_overrides,
    shown_directory,
    with_output_dir,
)
from sensoryforge.commands.endings import errors_end_the_process, hydra_raises
from sensoryforge.config.composer import Composer, hydra_errors, register_sweeper
from sensoryforge.config.explain import explain_failure, find_misread_overrides
from sensoryforge.config.hydra_runtime import hydra_known
from sensoryforge.config.overrides import task_overrides
from sensoryforge.config.reading import check_composed
from sensoryforge.config.sources import PRIMARY, SECTIONS, conf_dir
from sensoryforge.core.errors import ConfigError, SensoryForgeError
from sensoryforge.core.trust import trust_folder
from sensoryforge.design.experiment import Experiment
from sensoryforge.running import execute
from sensoryforge.running.preflight import preflight


def main() -> int:
    """Run the application on ``sys.argv`` and return its exit code."""
    return console.run_command(_run_application)


def _run_application() -> int:
    """Read the command line, rewrite it, and hand it to Hydra, once."""
    register_sweeper()
    line = CommandLine.read(sys.argv[1:])
    if line.arguments.config_dir:  # a folder that the user names is the user's own
        trust_folder(Path(line.arguments.config_dir))
    sys.argv[1:] = line.rewritten()
    application = make_application(run_composed, PRIMARY)
    with hydra_raises():
        try:
            application()
        except hydra_errors(ValueError, TypeError) as error:
            raise _explain_refusal(line, error) from error
    return 0


def make_application(task: Callable[[DictConfig], Any], name: str) -> Callable[[], Any]:
    """Return the Hydra application of a primary config, which reads ``sys.argv``."""
    import hydra

    decorate = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=name)
    application: Callable[[], Any] = decorate(task)
    return application


def _explain_refusal(line: CommandLine, error: Exception) -> Exception:
    """Return the error that says what is wrong with a command line that Hydra refused."""
    said = str(error)
    if said.startswith("Only one of --run"):
        advice = "batch.dry_run=true shows what a sweep would run"
        return ConfigError(f"--multirun (-m) goes without --cfg and --info; {advice}")
    if said.startswith("The --resolve flag"):
        return ConfigError("--resolve goes with --cfg")
    problems = line.problems()
    if problems:
        return ConfigError(problems)
    if isinstance(error, hydra_errors()):
        return ConfigError(explain_failure(error))
    return error


# --- one job ---


def run_composed(config: DictConfig) -> int:
    """Run one job in the directory that Hydra made for it; a single run ends with its exit code."""
    hydra = HydraConfig.get()
    is_single = hydra.mode != RunMode.MULTIRUN
    has_no_name = is_single or hydra.sweep.subdir == "."
    try:
        experiment = _experiment_of_job(config, hydra)
        code = run_job(
            experiment,
            name="" if has_no_name else str(hydra.sweep.subdir),
            resume_with=resume_overrides(hydra, set_by_us=0 if is_single else 1),
        )
    except SensoryForgeError as error:
        code = console.report_error(error)
    if is_single and code:
        raise SystemExit(code)
    return code


def _experiment_of_job(config: DictConfig, hydra: Any) -> Experiment:
    """Return the experiment of a job, checked if this process has not checked it yet."""
    directory = shown_directory(Path(hydra.runtime.output_dir), Path(hydra.runtime.cwd))
    overrides = task_overrides(hydra)
    experiment = recall(overrides, config)
    if experiment is None:
        with open_dict(config):
            config.batch.output_dir = str(directory)
            config.hydra = {"runtime": hydra.runtime}  # it says where the options came from
        experiment = check_composed(config, [])
    return with_output_dir(experiment, directory)


def run_job(experiment: Experiment, name: str = "", resume_with: str | None = None) -> int:
    """Run an experiment, or say what it would do.

    Parameters
    ----------
    experiment
        What to run.
    name
        Tells the jobs of a sweep apart.
    resume_with
        What to add to the command to go on with the run.
    """
    if name:
        console.say(f"{name}:")
    execute.run_experiment(experiment, echo=console.say, resume_with=resume_with)
    return 0


def is_experiment(config: DictConfig) -> bool:
    """Tell whether a primary config is an experiment: one whose options are swept lacks those."""
    return any(section in config for section in SECTIONS)


# --- before a single run ---


class RunGuard(Callback):
    """Checks the configuration of a single run before Hydra makes a directory for it.

    Hydra calls it: ``hydra.callbacks`` in ``conf/config.yaml`` names it.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """End with one line for each problem, do a dry run, or make the run's directory."""
        with errors_end_the_process(), hydra_known(config):
            experiment = _check_single_run(config)
            placed = with_output_dir(experiment, planned_directory(config, "run"))
            if placed.batch.dry_run:
                raise SystemExit(run_job(placed))
            preflight(placed)
            config.hydra.run.dir = str(make_directory(config, "run"))


def _check_single_run(config: DictConfig) -> Experiment:
    """Return the experiment of a configuration that Hydra composed from a command line."""
    from hydra.core.global_hydra import GlobalHydra

    composer = Composer(GlobalHydra.instance().config_loader())
    overrides = task_overrides(config.hydra)
    experiment = check_composed(config, find_misread_overrides(overrides, composer))
    remember(overrides, config, experiment)
    return experiment
