"""From override strings or a batch file to a configuration, and from that to an experiment."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.config.batch_config import compose_batch_file, compose_mapping
from sensoryforge.config.batch_file import read_batch_file
from sensoryforge.config.calibration import stale_factors
from sensoryforge.config.checks import check_plain
from sensoryforge.config.composed import (
    fill_in_defaults,
    give_own_directory,
    option_files,
    plain_config,
    plain_value,
    read_directory,
    search_folders,
    take_away_populations,
)
from sensoryforge.config.composer import Composer, hydra_errors
from sensoryforge.config.explain import (
    compose_with_problems,
    explain_failure,
    find_misread_overrides,
)
from sensoryforge.config.files import note_checksums
from sensoryforge.config.in_thresholds import put_amplitudes
from sensoryforge.config.set_twice import leave_counts_to_densities
from sensoryforge.config.sources import PRIMARY, SECTIONS, hidden_options
from sensoryforge.config.units import take_away_unset
from sensoryforge.config.written_out import write_out_options
from sensoryforge.core.errors import ConfigError, raise_if
from sensoryforge.core.messages import suggest
from sensoryforge.core.values import plain_python

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sensoryforge.design.experiment import Experiment
    from sensoryforge.equations.block import Block, Kind

_ALWAYS_THERE = {"pipeline": "backend", "batch": "format"}
"""A key of each of these sections that every whole configuration has, those of datasets too."""


def compose(
    *overrides: str, config_name: str = PRIMARY, search: Iterable[str | Path] = ()
) -> DictConfig:
    """Return the configuration that the same overrides give on a command line.

    Parameters
    ----------
    *overrides
        Words as on a command line: ``"stimuli=step"``, ``"stimuli.amplitude=[10, 20]"``.
    config_name
        The primary config; ``train`` is that of training a decoder.
    search
        Folders with options of your own.

    Returns
    -------
    omegaconf.DictConfig
        The sections ``pipeline``, ``neurons``, ``stimuli`` and ``batch``, to look at, to change,
        and to hand to `sensoryforge.run`.

    Raises
    ------
    ConfigError
        With a line for each override that cannot be composed.

    Examples
    --------
    >>> config = compose("stimuli=step", "stimuli.amplitude=[10, 20]")
    >>> list(config.stimuli.amplitude)
    [10, 20]
    """
    config, problems = compose_with_problems(Composer.over(search, config_name), overrides)
    raise_if(problems)
    return without_hydra(config)


def load_batch_file(path: str | Path, overrides: Sequence[str] = ()) -> DictConfig:
    """Return the configuration of a batch file, with overrides on top.

    Parameters
    ----------
    path
        The file.
    overrides
        Overrides as on a command line.

    Raises
    ------
    ConfigError
        With a line for each problem that keeps it from being composed.

    Examples
    --------
    >>> from sensoryforge.commands.cli import STARTER
    >>> sorted(load_batch_file(STARTER, ["pipeline.seed=7"]))
    ['batch', 'neurons', 'pipeline', 'stimuli']
    """
    config, problems = compose_batch_file(path, overrides)
    raise_if(problems)
    return without_hydra(config)


def check(config: DictConfig | Mapping[str, Any] | str | PathLike[str]) -> Experiment:
    """Return the experiment that a configuration describes.

    Parameters
    ----------
    config
        The sections of an experiment, as `compose` returns them or in plain containers; NumPy's
        arrays, ranges and paths are welcome. Or some of the sections, written as in a batch file:
        what they leave out keeps its default. Or the path of a batch file.

    Raises
    ------
    ConfigError
        With a line for every problem.

    Examples
    --------
    >>> experiment = check(compose("stimuli.amplitude=[10, 20]", "stimuli.repetitions=3"))
    >>> len(experiment.design), experiment.samples
    (6, 600)
    """
    if isinstance(config, str | PathLike):
        return check_batch_file(Path(config))
    if not _is_composed(config):
        composed, problems = compose_mapping(plain_python(config))
        return check_composed(composed, problems)
    return check_composed(config, [])


def _is_composed(config: DictConfig | Mapping[str, Any]) -> bool:
    """Tell whether a configuration is a whole one, not sections as in a batch file.

    Of what the shipped sections say a batch file leaves most out; a whole one has every key.
    """
    if any(section not in config for section in SECTIONS):
        return False
    for section, always_there in _ALWAYS_THERE.items():
        values = config[section]
        # What is no mapping is no whole one either: the checks say so.
        if isinstance(values, Mapping) and always_there not in values:
            return False
    return True


def check_batch_file(
    path: str | Path, overrides: Sequence[str] = (), *, calibrating: bool = False
) -> Experiment:
    """Return the experiment of a batch file; problems of composing and of values come together.

    ``calibrating`` says that thresholds, which amplitudes may be in, are yet to be found.
    """
    config, problems = compose_batch_file(path, overrides)
    experiment = check_composed(config, problems, file=Path(path), calibrating=calibrating)
    if not calibrating:
        _warn_of_stale_factors(Path(path), experiment)
    return experiment


def _warn_of_stale_factors(path: Path, experiment: Experiment) -> None:
    """Warn where a calibration that a batch file takes in is of populations as they were once."""
    for calibration, section in read_batch_file(path).calibrations:
        populations = experiment.config["neurons"]["populations"]
        for line in stale_factors(calibration, section, populations):
            warnings.warn(line, stacklevel=3)


def compose_overrides(composer: Composer, overrides: Sequence[str]) -> tuple[DictConfig, list[str]]:
    """Compose the overrides of a job, which may share its options with others.

    Returns the configuration of what can be composed, and a line for each override that cannot.
    """
    if not list(find_misread_overrides(overrides, composer)):
        with suppress(*hydra_errors(ValueError)):
            return composer.load_quickly(composer.spell_out(overrides)), []
    return compose_with_problems(composer, overrides)


def check_composed(
    config: DictConfig | Mapping[str, Any],
    problems: Iterable[str],
    *,
    file: Path | None = None,
    calibrating: bool = False,
) -> Experiment:
    """Check a configuration of which some problems are known already; all are raised together.

    ``file`` is the batch file that it came from.
    """
    folders = search_folders(config)
    lines = [*problems, *hidden_options(folders)]
    try:
        lines += leave_counts_to_densities(config)
        plain = plain_config(config)
        read_directory(plain)
        take_away_populations(plain)
        give_own_directory(plain, config)
        fill_in_defaults(plain, config, lines)
        write_out_options(plain, folders)
        take_away_unset(plain)
        note_checksums(plain)
        put_amplitudes(plain, file, calibrating=calibrating)
        experiment = check_plain(plain, option_files(config), folders)
    except ConfigError as error:
        lines += error.problems
    raise_if(lines)
    return experiment


def load_block(path: str, /, search: Iterable[str | Path] = (), **parameters: Any) -> Block:
    """Return a filter or a neuron model, a block of equations, by its name.

    Parameters
    ----------
    path
        ``"filter/NAME"`` or ``"model/NAME"``.
    search
        Folders with options of your own.
    **parameters
        Parameters of the block that shall have another value: a number, or a distribution over
        neurons such as ``{"mean": 0.02, "std": 0.004}``.

    Raises
    ------
    ConfigError
        For a block or a parameter that is not there.

    Examples
    --------
    >>> fast_spiking = load_block("model/izhikevich", a=0.1, d=2.0)
    >>> fast_spiking.parameters["a"]
    0.1
    """
    from sensoryforge.equations.block import Block

    group, _, name = path.strip("/").partition("/")
    if group not in ("filter", "model"):
        hint = suggest(group, ("filter", "model"))
        raise ConfigError(f"{path}: got the group '{group}', allowed are filter, model{hint}")
    composer = Composer.over(search)
    if name not in composer.options(group):
        raise ConfigError(composer.no_such_option(path, group, name))
    try:
        config = composer.load([f"+{group}@block={name}"])
    except hydra_errors() as error:
        raise ConfigError(explain_failure(error)) from error
    kind: Kind = "filter" if group == "filter" else "model"
    block = Block.from_config(kind, plain_value(config.block), path)
    raise_if(block.unread())
    return block.with_parameters(**parameters)


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a composed configuration without Hydra's own node."""
    from omegaconf import open_dict

    # Only Hydra's node knows the user's folders: what options there say is written out before it
    # is dropped.
    raise_if(leave_counts_to_densities(config))
    write_out_options(config, search_folders(config))
    with open_dict(config):
        config.pop("hydra", None)
    return config
