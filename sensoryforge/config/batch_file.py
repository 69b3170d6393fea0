"""Batch files as they are read: YAML with ``batch``, ``pipeline``, ``neurons`` and ``stimuli``.

A file may build on shared ones (``defaults: [base_pipeline]``), which are read first and merged
under it. What becomes of a file is in ``config/batch_config.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensoryforge.config.entry_references import with_named_references
from sensoryforge.config.kinds import TYPE
from sensoryforge.config.rules import BATCH_KEYS, BLOCK, PIPELINE, POPULATION_KEYS, SAVE
from sensoryforge.config.sources import SECTIONS, has_options
from sensoryforge.config.yaml_file import SUFFIXES, read_yaml
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET
from sensoryforge.core.messages import format_value, list_names, suggest, unknown_key

CALIBRATION = "calibration"
"""The section that `sensoryforge calibrate` writes beside what a batch file takes in."""
PARTS = ("innervation", "filter", "model", "units")
"""Parts of a population that are chosen from a group of their own."""


@dataclass
class BatchFile:
    """What a batch file and its shared files say.

    Attributes
    ----------
    values
        The merged sections; names of options are taken out of them.
    choices
        The options that are picked: key of a Hydra defaults list -> option, as in
        ``model@neurons.populations.sa.model`` -> ``lif``.
    search
        Folders ``conf`` beside the file and in its parents.
    problems
        A line for each mistake.
    calibrations
        The calibrations among the files, and what each says of stimuli.
    """

    values: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    search: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    calibrations: list[tuple[Path, Any]] = field(default_factory=list)


def read_batch_file(path: Path) -> BatchFile:
    """Read a batch file and the files that it builds on, the shared ones first.

    Raises ConfigError for a file that cannot be read at all; other mistakes are in ``problems``.
    """
    batch_file = BatchFile()
    _merge_file(batch_file, path, chain=(path.resolve(),))
    for parent in path.resolve().parents:
        if has_options(parent / "conf"):
            batch_file.search.append(parent / "conf")
    _take_choices(batch_file)
    batch_file.problems += _take_misshapen(batch_file.values)
    batch_file.values = with_named_references(batch_file.values)
    return batch_file


def batch_file_of(values: Mapping[str, Any]) -> BatchFile:
    """Return a mapping, such as a batch file holds, as the batch file that it would be.

    Parameters
    ----------
    values
        Sections in plain containers; what they leave out keeps its default.
    """
    batch_file = BatchFile(search=[])
    for key in values:
        if key not in SECTIONS:
            batch_file.problems.append(unknown_key("", key, list(SECTIONS)))
    merge_mapping(batch_file.values, _sections_of(values))
    _take_choices(batch_file)
    batch_file.problems += _take_misshapen(batch_file.values)
    batch_file.values = with_named_references(batch_file.values)
    return batch_file


def merge_mapping(base: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Merge a mapping over another, in depth; lists are replaced.

    Examples
    --------
    >>> base = {"pipeline": {"seed": 1}}
    >>> merge_mapping(base, {"pipeline": {"dt_ms": 0.5}})
    >>> base
    {'pipeline': {'seed': 1, 'dt_ms': 0.5}}
    """
    for key, value in other.items():
        if isinstance(value, Mapping):
            # A mapping of our own, never that of the file: a YAML alias may stand in two places.
            if not isinstance(base.get(key), dict):
                base[key] = {}
            merge_mapping(base[key], value)
        else:
            base[key] = value


# --- a file and those that it builds on ---


def _merge_file(batch_file: BatchFile, path: Path, chain: tuple[Path, ...]) -> None:
    """Merge one file over what is there, after the shared files that it names.

    ``chain`` are the files that led here, which none may build on again.
    """
    values = read_yaml(path)
    if CALIBRATION in values:
        batch_file.calibrations.append((path, values.pop(CALIBRATION)))
    for item in _take_defaults(path, values):
        if item == "_self_":
            continue
        if isinstance(item, str):
            _merge_shared_file(batch_file, path, item, chain)
        else:
            batch_file.choices |= _choices_of(item)
    for key in values:
        if key not in SECTIONS:
            line = unknown_key("", key, [*SECTIONS, "defaults"])
            batch_file.problems.append(f"{path}: {line}")
    merge_mapping(batch_file.values, _sections_of(values))


def _take_defaults(path: Path, values: dict[str, Any]) -> list[str | Mapping[Any, Any]]:
    """Take the ``defaults`` out of a file: names of shared files, mappings that pick options."""
    allowed = "allowed is a list of shared files or options"
    defaults = values.pop("defaults", None) or []
    if not isinstance(defaults, list):
        raise ConfigError(f"{path}: defaults: got {format_value(defaults)}, {allowed}")
    for item in defaults:
        if not isinstance(item, str | Mapping):
            raise ConfigError(f"{path}: defaults: got {format_value(item)}, {allowed}")
    return defaults


def _merge_shared_file(
    batch_file: BatchFile, path: Path, name: str, chain: tuple[Path, ...]
) -> None:
    """Merge a shared file, found by its name, under the file that builds on it."""
    shared = _find_shared_file(path, name)
    if shared.resolve() in chain:
        raise ConfigError(f"{path}: defaults: {name} builds on itself")
    _merge_file(batch_file, shared, (*chain, shared.resolve()))


def _find_shared_file(path: Path, name: str) -> Path:
    """Return the file that a batch file builds on: beside it, or in the nearest parent."""
    names = [name] if name.endswith(SUFFIXES) else [name + suffix for suffix in SUFFIXES]
    folders = path.resolve().parents
    for folder in folders:
        for file_name in names:
            if (folder / file_name).is_file():
                return folder / file_name
    nearby: list[str] = []
    for folder in folders[:3]:
        nearby += [file.stem for file in folder.glob("*.y*ml")]
    raise ConfigError(
        f"{path}: defaults: no {' or '.join(names)} beside it or in its parents"
        f"{suggest(name, nearby)}"
    )


def _choices_of(item: Mapping[Any, Any]) -> dict[str, str]:
    """Return the options that an item of the defaults picks (``override /model: lif``)."""
    choices: dict[str, str] = {}
    for key, option in item.items():
        choices[str(key).removeprefix("override ").strip("/ ")] = str(option)
    return choices


def _sections_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a file, without the headings whose lines are all comments."""
    sections: dict[str, Any] = {}
    for key, value in values.items():
        if key in SECTIONS and value is not None:
            merge_mapping(sections, {key: value})
    for place in list(_places(sections, SHAPES)):
        if place.value is None and place.shape.may_be_empty:
            del place.holder[place.key]
    return sections


# --- options picked by a name ---


def _take_choices(batch_file: BatchFile) -> None:
    """Make choices of names that stand where the keys of an option belong (``model: lif``)."""
    values, choices = batch_file.values, batch_file.choices
    for section in ("pipeline", "neurons", "batch"):
        if isinstance(values.get(section), str):
            choices[section] = values.pop(section)
    populations = populations_of(values)
    _take_likenesses(populations, choices)
    for name in list(populations):
        where = f"neurons.populations.{name}"
        population = populations[name]
        if isinstance(population, dict):
            for part in PARTS:
                value = population.get(part)
                if isinstance(value, str):
                    choices[f"{part}@{where}.{part}"] = population.pop(part)
                elif isinstance(value, dict) and TYPE in value and TARGET not in value:
                    choices[f"{part}@{where}.{part}"] = str(value.pop(TYPE))


def _take_likenesses(populations: dict[str, Any], choices: dict[str, str]) -> None:
    """Make populations that are like another (``pc: ra``, ``pc: {type: ra, count: 25}``).

    Such a population picks the option of that name. Where the file has values of its own for the
    one that it is like, it has them as well, and its own values last.
    """
    own = deepcopy(populations)
    for name, population in own.items():
        of_type = isinstance(population, dict) and TYPE in population
        if isinstance(population, str):
            kind, values = population, {}
        elif of_type and isinstance(population[TYPE], str):
            kind = population[TYPE]
            values = {key: value for key, value in population.items() if key != TYPE}
        else:
            continue
        choices[f"population@neurons.populations.{name}"] = kind
        made: dict[str, Any] = {}
        model = own.get(kind)
        if kind != name and isinstance(model, dict) and TYPE not in model:
            merge_mapping(made, model)
        merge_mapping(made, values)
        populations[name] = made
        if not made:
            del populations[name]


def populations_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return the populations of a file, to be changed in place; none where there is no mapping."""
    neurons = values.get("neurons")
    populations = neurons.get("populations") if isinstance(neurons, dict) else None
    return populations if isinstance(populations, dict) else {}


# --- where mappings belong ---


def _mapping_with(keys: Iterable[str]) -> str:
    return f"is a mapping with {list_names(keys)}"


@dataclass(frozen=True)
class Shape:
    """What belongs at a place of a batch file where a mapping stands.

    Attributes
    ----------
    text
        What is allowed there, in words.
    inner
        The places in it, by key; ``*`` is any key.
    may_be_empty
        Whether a heading with nothing below it is no mistake.
    """

    text: str
    inner: dict[str, Shape] = field(default_factory=dict)
    may_be_empty: bool = True


_NAMED_VALUES = Shape("is a mapping of names to values")
_EQUATIONS = Shape(
    BLOCK.text,
    dict.fromkeys(("states", "let", "derivatives", "next", "reset", "parameters"), _NAMED_VALUES),
    may_be_empty=False,
)
_INNERVATION = Shape(BLOCK.text, may_be_empty=False)
_POPULATION = Shape(
    _mapping_with(POPULATION_KEYS),
    {
        "innervation": _INNERVATION,
        "filter": _EQUATIONS,
        "model": _EQUATIONS,
        "units": Shape(BLOCK.text),
    },
    may_be_empty=False,
)
_POPULATIONS = Shape("is a mapping of names to populations", {"*": _POPULATION})
SHAPES = {
    "pipeline": Shape(_mapping_with(PIPELINE)),
    "neurons": Shape(
        _mapping_with(["populations", "sa_neurons", "ra_neurons"]), {"populations": _POPULATIONS}
    ),
    "batch": Shape(_mapping_with(BATCH_KEYS)),
}
"""The places of a batch file where mappings belong, by section."""


@dataclass(frozen=True)
class Place:
    """A place of a file where a mapping belongs: its value is ``holder[key]``."""

    holder: dict[str, Any]
    key: str
    where: str
    shape: Shape

    @property
    def value(self) -> Any:
        """What stands there."""
        return self.holder[self.key]


def _places(node: dict[str, Any], shapes: Mapping[str, Shape], where: str = "") -> Iterator[Place]:
    """Yield each place of a file where a mapping belongs, outer ones first."""
    for key, value in node.items():
        shape = shapes.get(key) or shapes.get("*")
        if shape is None:
            continue
        yield Place(node, key, f"{where}{key}", shape)
        if isinstance(value, dict):
            yield from _places(value, shape.inner, f"{where}{key}.")


def _take_misshapen(values: dict[str, Any]) -> Iterator[str]:
    """Take out what stands where a mapping or a list belongs, and yield a line for each.

    Hydra would not merge it, and would say so in words of its own.
    """
    for place in list(_places(values, SHAPES)):
        if place.value is not None and not isinstance(place.value, dict):
            wrong = place.holder.pop(place.key)
            yield f"{place.where}: got {format_value(wrong)}, allowed {place.shape.text}"
    section = values.get("batch", {})
    if isinstance(section.get("save"), dict):
        yield SAVE.problem("batch.save", section.pop("save"))
    yield from _take_misshapen_tables(populations_of(values))


def _take_misshapen_tables(populations: Mapping[str, Any]) -> Iterator[str]:
    """Take out tables of units with a mapping where a list belongs, and yield a line for each."""
    for name, population in populations.items():
        units = population.get("units") if isinstance(population, dict) else None
        if not isinstance(units, dict):
            continue
        wrong = [key for key in ("columns", "rows") if isinstance(units.get(key), dict)]
        for key in wrong:
            got = f"got {format_value(units[key])}"
            yield f"neurons.populations.{name}.units.{key}: {got}, allowed is a list"
        if wrong:
            population.pop("units")
