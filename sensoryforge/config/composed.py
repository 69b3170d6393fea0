"""What a composed configuration says: where it comes from, its plain values, its directory."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from sensoryforge.config.batch_file import populations_of
from sensoryforge.config.composer import Composer
from sensoryforge.config.explain import explain_unresolved
from sensoryforge.config.nested import Options
from sensoryforge.config.sources import conf_dir
from sensoryforge.config.stimuli import named_entries
from sensoryforge.config.ties import keep_ties
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.values import is_whole, plain_python

if TYPE_CHECKING:
    from omegaconf import DictConfig


# --- where it comes from ---


def search_folders(config: DictConfig | Mapping[str, Any]) -> list[Path]:
    """Return the folders that a configuration was composed from, as far as it still says so."""
    from omegaconf import DictConfig, OmegaConf

    if not isinstance(config, DictConfig) or "hydra" not in config:
        return []
    sources = OmegaConf.select(config, "hydra.runtime.config_sources") or []
    return [Path(source.path) for source in sources if source.schema == "file"]


def option_files(config: DictConfig | Mapping[str, Any]) -> dict[str, str]:
    """Return for the key of each chosen option the file that it came from, for messages."""
    from omegaconf import DictConfig, OmegaConf

    if not isinstance(config, DictConfig) or "hydra" not in config:
        return {}
    folders = search_folders(config)
    choices = OmegaConf.select(config, "hydra.runtime.choices") or {}
    files: dict[str, str] = {}
    for choice, name in choices.items():
        group, _, key = str(choice).partition("@")
        relative = Path(group) / f"{name}.yaml"
        for folder in folders:
            if (folder / relative).is_file():
                is_shipped = folder.is_relative_to(conf_dir())
                shown = f"conf/{group}/{name}.yaml" if is_shipped else str(folder / relative)
                files[key or group] = shown
                break
    return files


# --- its values ---


def plain_config(config: DictConfig | Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as plain containers, without ``hydra``, every ``${...}`` resolved.

    Raises ConfigError for a value that stands for nothing.
    """
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    is_composed = isinstance(config, DictConfig)
    composed: Any = config if is_composed else OmegaConf.create(plain_python(config))
    plain: dict[str, Any] = {}
    try:
        for key in composed:
            if key != "hydra":
                plain[str(key)] = plain_value(composed[key])
        if "stimuli" in plain:
            keep_ties(plain, composed)
    except OmegaConfBaseException as error:
        raise ConfigError(explain_unresolved(error)) from error
    return plain


def plain_value(value: Any) -> Any:
    """Return a value of a configuration in plain containers."""
    from omegaconf import OmegaConf

    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)


def fill_in_defaults(
    plain: dict[str, Any], config: DictConfig | Mapping[str, Any], problems: list[str]
) -> None:
    """Give stimuli, and what stands within them, the defaults of the options that they name.

    Parameters
    ----------
    plain
        The configuration in plain containers; its ``stimuli`` are replaced.
    config
        The same as it was composed; it says where options are.
    problems
        Takes a line for each type that does not exist; entries of such a type are left out.
    """
    _fill_in_types(plain, config, problems)
    options = Options(search_folders(config))
    options.find_files_of_populations(populations_of(plain))
    completed: dict[str, Any] = {}
    for where, entry in named_entries(plain.get("stimuli")):
        name = where.removeprefix("stimuli").lstrip(".")
        is_entry = isinstance(entry, Mapping)
        completed[name] = options.complete(where, entry, problems) if is_entry else entry
    if isinstance(plain.get("stimuli"), list):
        plain["stimuli"] = list(completed.values())
    elif completed:
        plain["stimuli"] = completed.get("", completed)


def _fill_in_types(
    plain: dict[str, Any], config: DictConfig | Mapping[str, Any], problems: list[str]
) -> None:
    """Give entries that were written without an option the defaults of their type."""
    entries: list[Any] = []
    for _, entry in named_entries(plain.get("stimuli")):
        entries.append(dict(entry) if isinstance(entry, Mapping) else entry)
    wanted = {entry["type"] for entry in entries if _is_bare(entry)}
    if not wanted:
        return
    own_folders = [folder for folder in search_folders(config) if folder != conf_dir()]
    composer = Composer.over(own_folders)
    types = composer.options("stimuli")
    for name in sorted(wanted - set(types)):
        problems.append(composer.no_such_option("stimuli.type", "stimuli", name))
    defaults = _defaults_of_types(sorted(wanted & set(types)), composer)
    completed: list[Any] = []
    for entry in entries:
        if not _is_bare(entry):
            completed.append(entry)
        elif entry["type"] in defaults:
            completed.append({**defaults[entry["type"]], **entry})
    plain["stimuli"] = completed


def _is_bare(entry: Any) -> bool:
    """Tell whether an entry has a type and nothing that says which class it is of."""
    if not isinstance(entry, dict) or "_target_" in entry:
        return False
    return isinstance(entry.get("type"), str)


def _defaults_of_types(types: list[str], composer: Composer) -> dict[str, Any]:
    """Return the option of each type in plain containers."""
    entries = [f"+stimuli@stimuli.{name}={name}" for name in types]
    composed = composer.load(["~stimuli", *entries])
    defaults: dict[str, Any] = plain_config({"stimuli": composed.get("stimuli", {})})["stimuli"]
    return defaults


# --- its directory ---


def is_dated(config: DictConfig | Mapping[str, Any]) -> bool:
    """Tell whether the output directory has the time in it, so that every run has its own."""
    from omegaconf import DictConfig, OmegaConf

    batch = config.get("batch")
    if not isinstance(batch, DictConfig):
        return False
    unresolved = OmegaConf.to_container(batch, resolve=False)
    return isinstance(unresolved, dict) and "${now" in str(unresolved.get("output_dir"))


def take_away_populations(plain: dict[str, Any]) -> None:
    """Take away the populations that are null, as in ``neurons.populations.ra=null``.

    Examples
    --------
    >>> plain = {"neurons": {"populations": {"sa": {"count": 3}, "ra": None}}}
    >>> take_away_populations(plain)
    >>> list(plain["neurons"]["populations"])
    ['sa']
    """
    neurons = plain.get("neurons")
    populations = neurons.get("populations") if isinstance(neurons, dict) else None
    if isinstance(populations, dict):
        for name in [name for name, population in populations.items() if population is None]:
            del populations[name]


def read_directory(plain: dict[str, Any]) -> None:
    """Make an output directory that is called by a number, or is a path in Python, a text."""
    batch = plain.get("batch")
    if isinstance(batch, dict):
        directory = batch.get("output_dir")
        if is_whole(directory) or isinstance(directory, PurePath):
            batch["output_dir"] = str(directory)


def give_own_directory(plain: dict[str, Any], config: DictConfig | Mapping[str, Any]) -> None:
    """Make an output directory that has the time in its name one that does not exist yet."""
    if is_dated(config):
        plain["batch"]["output_dir"] = str(free_directory(plain["batch"]["output_dir"]))


def free_directory(path: str | Path) -> Path:
    """Return a path, or the first of ``path-2``, ``path-3``, ... that does not exist."""
    wanted = Path(path)
    if not wanted.exists():
        return wanted
    for number in count(2):
        candidate = wanted.with_name(f"{wanted.name}-{number}")
        if not candidate.exists():
            return candidate
    raise AssertionError("the numbers do not end")
