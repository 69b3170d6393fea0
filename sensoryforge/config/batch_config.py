"""A batch file as a primary config of Hydra.

Hydra reads no ``.yml`` and no list of stimuli. A file becomes a primary config that holds the
shipped groups, the options that the file picks, an entry of the group ``stimuli`` for each of its
entries, and then the file's own values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.config.batch_file import (
    BatchFile,
    batch_file_of,
    merge_mapping,
    populations_of,
    read_batch_file,
)
from sensoryforge.config.composer import Composer, hydra_errors
from sensoryforge.config.explain import (
    compose_with_problems,
    explain_failure,
    explain_unresolved,
    is_in_another_file,
)
from sensoryforge.config.nested import Options
from sensoryforge.config.other_options import drop_values_of_other_options
from sensoryforge.config.overrides import key_of, text_of_long_list, with_entry_name
from sensoryforge.config.presets import text_of_range
from sensoryforge.config.sources import PRIMARY, conf_dir
from sensoryforge.config.stimuli import named_entries
from sensoryforge.config.yaml_file import read_yaml
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, list_names

if TYPE_CHECKING:
    from omegaconf import DictConfig

AMPLITUDE = "amplitude"
"""The parameter that may be in thresholds, a mapping."""
NAME = "sensoryforge_batch_file"
"""The name of the primary config that a batch file becomes."""
COMPOSED_ONE_BY_ONE = 50
"""Entries of a file that Hydra composes one by one, at most.

An entry is a group to Hydra, and the time that its defaults list takes grows with the square of
their number: 40 s for 1,000. Of more, each type is composed once, and the entries are made of that
in Python. Overrides of stimuli need entries that Hydra knows: with them it goes on composing all.
"""
_USUAL_STIMULUS = {"stimuli": "gaussian"}
"""What is composed where a file has no stimulus that could be: its other mistakes are told too."""


def compose_batch_file(path: str | Path, overrides: Sequence[str]) -> tuple[DictConfig, list[str]]:
    """Compose a batch file, with overrides on top.

    Parameters
    ----------
    path
        The file.
    overrides
        Overrides as on a command line.

    Returns
    -------
    config : DictConfig
        What could be composed, the ``hydra`` node included.
    problems : list of str
        A line for each mistake found on the way.

    Raises
    ------
    ConfigError
        Where nothing could be composed.
    """
    return _compose(read_batch_file(Path(path)), str(path), overrides, Path(path).parent)


def compose_mapping(values: Mapping[str, Any]) -> tuple[DictConfig, list[str]]:
    """Compose a mapping such as a batch file holds; what it leaves out keeps its default.

    Returns what could be composed, and a line for each mistake found on the way.
    """
    return _compose(batch_file_of(values), "configuration", [])


def _compose(
    batch_file: BatchFile, name: str, overrides: Sequence[str], folder: Path | None = None
) -> tuple[DictConfig, list[str]]:
    """Compose what a batch file in a folder says; ``name`` is what its messages call it."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf
    from omegaconf.errors import GrammarParseError

    options = Composer.over(batch_file.search)
    nested = Options(batch_file.search, beside=folder)
    nested.find_files_of_populations(populations_of(batch_file.values))
    one_by_one = _are_of_stimuli(overrides)
    stimuli = _read_stimuli(batch_file, options, nested, one_by_one=one_by_one)
    primary = _primary_config(batch_file, stimuli, options)
    _drop_overridden_values(primary, overrides, options)
    _drop_other_amplitudes(primary.get("stimuli"), overrides)
    composer = Composer.over(batch_file.search, NAME, can_sweep=False)
    overrides = [with_entry_name(text, stimuli.spellings) for text in overrides]
    drop_values_of_other_options(primary, overrides, batch_file.choices, options)
    try:
        ConfigStore.instance().store(name=NAME, node=OmegaConf.create(primary))
        config, problems = compose_with_problems(composer, overrides)
        if stimuli.to_make:
            _make_entries(config, stimuli.to_make)
    except GrammarParseError as error:
        raise ConfigError([*batch_file.problems, explain_unresolved(error)]) from error
    except hydra_errors() as error:
        line = explain_failure(error)
        if not is_in_another_file(error):
            line = f"{name}: {line}"
        raise ConfigError([*batch_file.problems, line]) from error
    return config, [*batch_file.problems, *problems]


def _drop_overridden_values(
    primary: dict[str, Any], overrides: Sequence[str], options: Composer
) -> None:
    """Drop a file's values that an option chosen on the command line sets (``batch=hdf5``)."""
    for text in overrides:
        section, _, option = text.partition("=")
        if section not in ("pipeline", "batch") or not isinstance(primary.get(section), dict):
            continue
        if option not in options.options(section):
            continue
        # An option that only repeats the defaults does not outrank the file.
        usual = _as_written(options.load()[section])
        chosen = _as_written(options.load([text])[section])
        for key in list(primary[section]):
            if key in chosen and chosen[key] != usual.get(key):
                del primary[section][key]


def _drop_other_amplitudes(stimuli: Any, overrides: Sequence[str]) -> None:
    """Drop amplitudes of a file in whose place the command line has thresholds, or numbers.

    A mapping and a list cannot be merged, and of two mappings one has keys that the other lacks.
    """
    for text in overrides:
        section, *path = key_of(text).split(".")
        if section != "stimuli" or path[-1:] != [AMPLITUDE] or not isinstance(stimuli, dict):
            continue
        in_thresholds = text.partition("=")[2].startswith("{")
        named = [stimuli.get(name) for name in path[:-1]]
        for values in named or [stimuli, *stimuli.values()]:
            if not isinstance(values, dict) or AMPLITUDE not in values:
                continue
            if in_thresholds or isinstance(values[AMPLITUDE], dict):
                del values[AMPLITUDE]


def _as_written(node: DictConfig) -> dict[Any, Any]:
    """Return a section with its ``${...}``: the time in an output directory is never the same."""
    from omegaconf import OmegaConf

    written = OmegaConf.to_container(node, resolve=False)
    assert isinstance(written, dict)
    return written


def _primary_config(
    batch_file: BatchFile, stimuli: _FileStimuli, options: Composer
) -> dict[str, Any]:
    """Return the primary config of a batch file; choices that do not exist become problems."""
    shipped = read_yaml(conf_dir() / f"{PRIMARY}.yaml")
    shipped_defaults = shipped.pop("defaults")
    choices = _existing_choices(batch_file, options)
    config = {
        "defaults": _defaults_list(shipped_defaults, stimuli.defaults, choices, options),
        **shipped,
    }
    values = dict(batch_file.values)
    if "stimuli" in values:
        values["stimuli"] = stimuli.values
    merge_mapping(config, values)
    return config


def _existing_choices(batch_file: BatchFile, options: Composer) -> dict[str, str]:
    """Return the choices of a file that exist; a line for each other goes to its problems."""
    existing: dict[str, str] = {}
    for key, name in batch_file.choices.items():
        group = key.partition("@")[0]
        if name in options.options(group):
            existing[key] = name
        else:
            batch_file.problems.append(options.no_such_option(key, group, name))
    return existing


def _defaults_list(
    shipped: Sequence[Any],
    stimuli: Sequence[dict[str, str]],
    choices: Mapping[str, str],
    options: Composer,
) -> list[Any]:
    """Return the shipped defaults list with the stimuli and choices of a file in it.

    A choice of a group that the list has takes its place. One that lies deeper (the model of a
    population) is an override, which Hydra wants at the end, or a group of its own.
    """
    groups: list[Any] = []
    overrides: list[Any] = []
    left = dict(choices)
    for item in shipped:
        key = next(iter(item)) if isinstance(item, dict) else item
        if key == "stimuli":
            groups += stimuli
        elif key.startswith("override "):
            overrides.append(item)
        elif key in left:
            groups.append({key: left.pop(key)})
        elif key != "_self_":
            groups.append(item)
    chosen_deeper = _deeper_choices(left, options) if left else set()
    for key, name in left.items():
        if key in chosen_deeper:
            overrides.append({f"override {key}": name})
        else:
            groups.append({key: name})
    return [*groups, *overrides, "_self_"]


def _deeper_choices(choices: Mapping[str, str], options: Composer) -> set[str]:
    """Return the choices that options make themselves: those of the populations, new ones too."""
    shipped = set(options.load().hydra.runtime.choices)
    added = [key for key in choices if key.startswith("population@") and key not in shipped]
    if not added:
        return shipped
    composed = options.load([f"+{key}={choices[key]}" for key in added])
    return set(composed.hydra.runtime.choices) - set(added)


# --- the stimuli of a file ---


@dataclass(frozen=True)
class _FileEntry:
    """One entry of a file: its name (a number in a list), its type, its own values."""

    name: str
    type: str
    values: dict[str, Any]


@dataclass(frozen=True)
class _FileStimuli:
    """The stimuli of a file.

    Attributes
    ----------
    defaults
        What the defaults list has of them.
    values
        The values that the entries get.
    to_make
        Name -> an entry that is made of its type after composing.
    spellings
        How an override may name an entry -> the name that Hydra knows it by; empty for a single
        one.
    """

    defaults: list[dict[str, str]]
    values: dict[str, Any]
    to_make: dict[str, _FileEntry] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)


def _are_of_stimuli(overrides: Sequence[str]) -> bool:
    """Tell whether an override is of stimuli, or picks their type."""
    return any(key_of(text).startswith("stimuli") for text in overrides)


def _read_stimuli(
    batch_file: BatchFile, options: Composer, nested: Options, *, one_by_one: bool = False
) -> _FileStimuli:
    """Return a file's stimuli; entries with mistakes become problems."""
    if "stimuli" not in batch_file.values:
        batch_file.problems.append("stimuli: missing, allowed is a list of entries with a type")
        return _FileStimuli([_USUAL_STIMULUS], {})
    node = batch_file.values["stimuli"]
    entries = list(_file_entries(node, options, nested, batch_file.problems))
    if not entries:  # what is wrong with those that are there has been said
        if not named_entries(node):
            line = "stimuli: got none, allowed is at least one entry with a type"
            batch_file.problems.append(line)
        return _FileStimuli([_USUAL_STIMULUS], {})
    if len(entries) == 1:
        spellings = dict.fromkeys([entries[0].name, *_names_of(entries)], "")
        return _FileStimuli([{"stimuli": entries[0].type}], entries[0].values, spellings=spellings)
    if len(entries) <= COMPOSED_ONE_BY_ONE or one_by_one:
        return _several_stimuli(entries)
    return _many_stimuli(entries)


def _several_stimuli(entries: Sequence[_FileEntry]) -> _FileStimuli:
    """Return several entries, each composed by Hydra."""
    defaults: list[dict[str, str]] = []
    values: dict[str, Any] = {}
    for name, entry in zip(_names_of(entries), entries, strict=True):
        defaults.append({f"stimuli@stimuli.{name}": entry.type})
        values[name] = entry.values
    numbers = [entry.name for entry in entries]
    spellings = dict(zip(numbers, _names_of(entries), strict=True))
    return _FileStimuli(defaults, values, spellings=spellings)


def _many_stimuli(entries: Sequence[_FileEntry]) -> _FileStimuli:
    """Return many entries, whose types alone Hydra composes."""
    types = dict.fromkeys(entry.type for entry in entries)
    defaults = [{f"stimuli@stimuli.{type_name}": type_name} for type_name in types]
    return _FileStimuli(defaults, {}, dict(zip(_names_of(entries), entries, strict=True)))


def _make_entries(config: DictConfig, entries: Mapping[str, _FileEntry]) -> None:
    """Put entries in the place of the types that Hydra composed, with their own values in them."""
    from omegaconf import OmegaConf, open_dict

    types: Any = OmegaConf.to_container(config.stimuli, resolve=False)
    made: dict[str, Any] = {}
    for name, entry in entries.items():
        made[name] = {}
        merge_mapping(made[name], types[entry.type])
        merge_mapping(made[name], entry.values)
    with open_dict(config):
        config.stimuli = made


def _names_of(entries: Sequence[_FileEntry]) -> list[str]:
    """Return the names of entries, those of a list named by their types."""
    wanted = [entry.type if entry.name.isdigit() else entry.name for entry in entries]
    return _number_repeated(wanted)


def _file_entries(
    node: Any, options: Composer, nested: Options, problems: list[str]
) -> Iterator[_FileEntry]:
    """Yield the entries of a file that have a type which exists."""
    types = options.options("stimuli")
    for where, entry in named_entries(node):
        if not isinstance(entry, Mapping):
            problems.append(f"{where}: got {format_value(entry)}, {_allowed_entry(options)}")
            continue
        stimulus_type = entry.get("type")
        if not isinstance(stimulus_type, str):
            got = format_value(stimulus_type)
            problems.append(f"{where}.type: got {got}, {_allowed_entry(options)}")
            continue
        if stimulus_type not in types:
            problems.append(options.no_such_option(f"{where}.type", "stimuli", stimulus_type))
            continue
        name = where.removeprefix("stimuli").lstrip(".")
        completed = nested.complete(where, entry, problems)
        values = {
            key: text_of_range(text_of_long_list(value))
            for key, value in completed.items()
            if key != "type"
        }
        yield _FileEntry(name, stimulus_type, values)


def _allowed_entry(options: Composer) -> str:
    return f"allowed is an entry with one type: {list_names(options.options('stimuli'))}"


def _number_repeated(names: Sequence[str]) -> list[str]:
    """Return names with a number behind the second and later of each: step, step_2, step_3."""
    times: dict[str, int] = {}
    numbered: list[str] = []
    for name in names:
        times[name] = times.get(name, 0) + 1
        numbered.append(name if times[name] == 1 else f"{name}_{times[name]}")
    return numbered
