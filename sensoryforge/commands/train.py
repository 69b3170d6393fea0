"""``sensoryforge train data=outputs/DATE/TIME target=amplitude`` trains a decoder.

Every key is in ``conf/train.yaml``; ``-m decoder=linear,conv`` trains several in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sensoryforge.commands import console
from sensoryforge.commands.directories import make_directory, planned_directory, shown_directory
from sensoryforge.commands.endings import errors_end_the_process, hydra_raises
from sensoryforge.commands.hydra_app import make_application
from sensoryforge.config.composer import Composer, hydra_errors, register_sweeper
from sensoryforge.config.explain import compose_with_problems, find_misread_overrides, one_line
from sensoryforge.config.hydra_private import Arguments, parse_arguments, split_basic_sweep
from sensoryforge.config.overrides import parse_override, read_directories
from sensoryforge.core.errors import ConfigError, SensoryForgeError, raise_if
from sensoryforge.core.trust import trust_folder
from sensoryforge.learning import training

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

NAME = "train"
"""The primary config of training."""
_SEVERAL = "data=["
"""How several datasets that are read as one begin."""
_codes: list[int] = []
"""The exit codes of the trainings of this process that failed."""


def main() -> int:
    """Run the application on ``sys.argv`` and return its exit code: of a sweep, the highest."""
    return console.run_command(_run_application)


def _run_application() -> int:
    """Hand the command line to Hydra, and turn its errors into ours."""
    register_sweeper()
    arguments = parse_arguments(sys.argv[1:]).with_overrides(_read_directories)
    sys.argv[1:] = [*arguments.options, *arguments.overrides]
    if arguments.config_dir:
        trust_folder(Path(arguments.config_dir))
    _codes.clear()
    application = make_application(train_job, NAME)
    with hydra_raises():
        try:
            application()
        except JobFailedError as failure:  # told by the job; one of another process comes only here
            _codes.append(failure.exit_code)
        except hydra_errors(TypeError) as error:
            raise ConfigError(_problems(arguments) or one_line(error)) from error
    return max(_codes, default=0)


def _read_directories(texts: Sequence[str]) -> list[str]:
    """Return overrides with the names of directories as text; a list of datasets stays a list."""
    words = []
    for text in texts:
        words += [text] if text.startswith(_SEVERAL) else read_directories([text])
    return words


def _problems(arguments: Arguments) -> list[str]:
    """Return a line for each override that cannot be composed.

    Of a sweep each value stands for itself.
    """
    folders = [arguments.config_dir] if arguments.config_dir else []
    composer = Composer.over(folders, NAME)
    fixed: list[str] = []
    swept: list[str] = []
    for text in arguments.overrides:
        override = parse_override(text)
        if arguments.multirun and override is not None and override.is_sweep_override():
            swept += _each_value(override)
        else:
            fixed.append(text)
    return compose_with_problems(composer, [*fixed, *swept])[1]


def _each_value(override: Override) -> list[str]:
    """Return an override of a sweep as one for each value; of an interval, for its ends."""
    key = override.get_key_element()
    if override.is_interval_sweep():
        interval: Any = override.value()
        return [f"{key}={interval.start}", f"{key}={interval.end}"]
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


class JobFailedError(SensoryForgeError):
    """A training of a sweep failed, and has said why.

    Launchers carry it to the sweep as they carry any exception, from other processes too.

    Parameters
    ----------
    message
        What was said.
    exit_code
        What a command ends with that raised it.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message, exit_code)  # both: a pickle calls the class with them
        self.exit_code = exit_code

    def __str__(self) -> str:
        return str(self.args[0])


def train_job(config: DictConfig) -> float:
    """Train one decoder in the directory that Hydra made for it.

    Returns
    -------
    float
        The best epoch's score on the validation split, for sweepers that optimise: higher is
        better. It is the accuracy of classes, R² of numbers, or minus the loss where R² is not a
        number.

    Raises
    ------
    SystemExit
        With the exit code of a single training that failed.
    JobFailedError
        For a training of a sweep that failed; the others go on.
    """
    hydra = HydraConfig.get()
    is_sweep = hydra.mode == RunMode.MULTIRUN
    name = hydra.runtime.choices.get("decoder") or "decoder"
    if is_sweep:
        name = str(hydra.job.override_dirname) or name
    directory = shown_directory(Path(hydra.runtime.output_dir), Path.cwd())
    try:
        scores = training.train(plain_settings(config), directory, name, console.say)
    except SensoryForgeError as error:
        code = console.report_error(error)
        if not is_sweep:
            raise SystemExit(code) from error
        _codes.append(code)
        raise JobFailedError(str(error), code) from None
    assert scores.validation is not None
    return scores.validation


def plain_settings(config: DictConfig) -> dict[str, Any]:
    """Return the settings of a composed configuration in plain containers."""
    own_keys = [str(key) for key in config if key != "hydra"]
    settings = OmegaConf.to_container(OmegaConf.masked_copy(config, own_keys), resolve=True)
    assert isinstance(settings, Mapping)
    return {str(key): value for key, value in settings.items()}


class TrainGuard(Callback):
    """Checks the settings of every training before Hydra makes a directory for one."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """End with one line for each problem, or make the directory."""
        with errors_end_the_process():
            raise_if(find_misread_overrides(_overrides(config), _composer_of_hydra()))
            directory = shown_directory(planned_directory(config, "run"), Path.cwd())
            training.examine(plain_settings(config), directory)
            config.hydra.run.dir = str(make_directory(config, "run"))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """End with the problems of all trainings of a sweep, if there are any."""
        with errors_end_the_process():
            composer = _composer_of_hydra()
            problems: list[str] = []
            overrides = composer.parse(_with_ends_of_intervals(_overrides(config), composer))
            for job in split_basic_sweep(overrides):
                problems += _problems_of_job(job, composer)
            raise_if(problems)


def _with_ends_of_intervals(texts: Sequence[str], composer: Composer) -> list[str]:
    """Return overrides with the two ends of each interval, of which a sweeper picks points."""
    listed: list[str] = []
    for text, override in zip(texts, composer.parse(texts), strict=True):
        if override.is_interval_sweep():
            low, high = _each_value(override)
            listed.append(f"{low},{high.partition('=')[2]}")
        else:
            listed.append(text)
    return listed


def _problems_of_job(overrides: Sequence[str], composer: Composer) -> list[str]:
    """Return what is wrong with the settings of one training of a sweep."""
    try:
        training.examine(plain_settings(composer.load(overrides)))
    except SensoryForgeError as error:
        return str(error).splitlines()
    return []


def _composer_of_hydra() -> Composer:
    """Return a composer of the options that Hydra has been started with."""
    from hydra.core.global_hydra import GlobalHydra

    return Composer(GlobalHydra.instance().config_loader(), NAME)


def _overrides(config: DictConfig) -> list[str]:
    """Return the overrides as they were written."""
    texts: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    return [str(text) for text in texts]
