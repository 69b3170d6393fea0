"""Batch files: YAML with ``batch``, ``pipeline``, ``neurons`` and a list of ``stimuli``, turned into a Hydra config.

Hydra reads no ``.yml`` and no list of stimuli. A file becomes a primary config that holds the shipped groups, the
options that the file picks, an entry of the group ``stimuli`` for each type, and then the file's own values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from sensoryforge.composer import PRIMARY, Composer, conf_dir, groups
from sensoryforge.entries import named_entries
from sensoryforge.errors import ConfigError, listing, suggest
from sensoryforge.rules import BATCH, BLOCK, PIPELINE, POPULATION, is_number, shown, unknown
from sensoryforge.yamlfile import SUFFIXES, read_yaml

SECTIONS = ("pipeline", "neurons", "stimuli", "batch")
PARTS = ("innervation", "filter", "model")
LONG = 100
"""Lists longer than this travel through Hydra as text, which costs it nothing."""
NAME = "sensoryforge_batch_file"


def _with(keys: Iterable[str]) -> str:
    return f"is a mapping with {listing(keys)}"


@dataclass(frozen=True)
class Shape:
    """A place where a mapping belongs: what is said of it, the places in it (``*``: any), whether empty is no harm."""

    text: str
    inner: dict[str, Shape] = field(default_factory=dict)
    optional: bool = True


_BLOCK = Shape(
    BLOCK.text,
    dict.fromkeys(("states", "derivatives", "reset", "parameters"), Shape("is a mapping of names to values")),
    False,
)
_POPULATION = Shape(
    _with(POPULATION), {"innervation": Shape(BLOCK.text, {}, False), "filter": _BLOCK, "model": _BLOCK}, False
)
SHAPES = {
    "pipeline": Shape(_with(PIPELINE)),
    "neurons": Shape(
        _with(["populations", "sa_neurons", "ra_neurons"]),
        {"populations": Shape("is a mapping of names to populations", {"*": _POPULATION})},
    ),
    "batch": Shape(_with(BATCH)),
}

Place: TypeAlias = tuple[dict[str, Any], str, str, Shape]


@dataclass
class BatchFile:
    """What a batch file and its shared files say; ``choices`` are entries of a Hydra defaults list."""

    values: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    search: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_batch_file(path: Path) -> BatchFile:
    """Read a batch file and the files that it builds on, the shared ones first."""
    found = BatchFile()
    _read_into(found, path, (path.resolve(),))
    found.search = [folder / "conf" for folder in path.resolve().parents if _has_options(folder / "conf")]
    _pick_options(found)
    found.problems += _misshapen(found.values)
    return found


def _read_into(found: BatchFile, path: Path, chain: tuple[Path, ...]) -> None:
    """Merge one file over what was found so far, after the shared files that it names."""
    values = read_yaml(path)
    defaults = values.pop("defaults", None) or []
    if not isinstance(defaults, list):
        raise ConfigError(f"{path}: defaults: got {shown(defaults)}, allowed is a list of shared files or options")
    for item in defaults:
        if isinstance(item, str) and item != "_self_":
            shared = _shared(path, item)
            if shared.resolve() in chain:
                raise ConfigError(f"{path}: defaults: {item} builds on itself")
            _read_into(found, shared, (*chain, shared.resolve()))
        elif isinstance(item, Mapping):
            found.choices |= {str(key).removeprefix("override ").strip("/ "): str(item[key]) for key in item}
        elif item != "_self_":
            raise ConfigError(f"{path}: defaults: got {shown(item)}, allowed is a list of shared files or options")
    known = [*SECTIONS, "defaults"]
    found.problems += [f"{path}: {unknown('', key, known)}" for key in values if key not in SECTIONS]
    own: dict[str, Any] = {}
    _merge(own, {key: value for key, value in values.items() if key in SECTIONS and value is not None})
    for holder, key, _, shape in list(_mappings(own, SHAPES)):
        if holder[key] is None and shape.optional:
            del holder[key]  # a heading whose lines are all comments
    _merge(found.values, own)


def _mappings(node: dict[str, Any], shapes: Mapping[str, Shape], where: str = "") -> Iterator[Place]:
    """Yield each place of a file where a mapping belongs: what holds it, its key there, its whole key, its shape."""
    for key, value in node.items():
        if shape := shapes.get(key) or shapes.get("*"):
            yield node, key, f"{where}{key}", shape
            if isinstance(value, dict):
                yield from _mappings(value, shape.inner, f"{where}{key}.")


def _misshapen(values: dict[str, Any]) -> Iterator[str]:
    """Take out what stands where a mapping belongs, or a list, and yield a line for each: Hydra would not merge it."""
    for holder, key, where, shape in list(_mappings(values, SHAPES)):
        if not isinstance(holder[key], dict | None):
            yield f"{where}: got {shown(holder.pop(key))}, allowed {shape.text}"
    batch = values.get("batch", {})
    if isinstance(batch.get("save"), dict):
        yield BATCH["save"].problem("batch.save", batch.pop("save"))


def _shared(path: Path, name: str) -> Path:
    """Return the file that a batch file builds on: beside it, or in the nearest parent that has it."""
    names = [name] if name.endswith(SUFFIXES) else [name + suffix for suffix in SUFFIXES]
    folders = path.resolve().parents
    for folder in folders:
        for each in names:
            if (folder / each).is_file():
                return folder / each
    near = [each.stem for folder in folders[:3] for each in folder.glob("*.y*ml")]
    raise ConfigError(f"{path}: defaults: no {' or '.join(names)} beside it or in its parents{suggest(name, near)}")


def _merge(base: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Merge a mapping over another, in depth; lists are replaced."""
    for key, value in other.items():
        if isinstance(value, Mapping):
            base[key] = (
                base[key] if isinstance(base.get(key), dict) else {}
            )  # never the mapping itself: aliases share it
            _merge(base[key], value)
        else:
            base[key] = value


def _has_options(folder: Path) -> bool:
    """Tell whether a folder holds groups of ours."""
    return folder.resolve() != conf_dir() and any((folder / group.name).is_dir() for group in groups())


def _pick_options(found: BatchFile) -> None:
    """Turn names that stand where an option's keys belong (``batch: hdf5``, ``model: lif``) into choices."""
    values = found.values
    for section in ("pipeline", "neurons", "batch"):
        if isinstance(values.get(section), str):
            found.choices[section] = values.pop(section)
    neurons = values.get("neurons")
    populations = neurons.get("populations") if isinstance(neurons, dict) else None
    if not isinstance(populations, dict):
        return
    for name, population in list(populations.items()):
        where = f"neurons.populations.{name}"
        if isinstance(population, str):
            found.choices[f"population@{where}"] = populations.pop(name)
        elif isinstance(population, dict):
            for part in PARTS:
                if isinstance(population.get(part), str):
                    found.choices[f"{part}@{where}.{part}"] = population.pop(part)


def primary(found: BatchFile, composer: Composer) -> dict[str, Any]:
    """Return the primary config of a batch file; choices that do not exist become problems."""
    shipped = read_yaml(conf_dir() / f"{PRIMARY}.yaml")
    stimuli, values = _stimuli(found, composer)
    choices = {key: name for key, name in found.choices.items() if _exists(key, name, composer, found.problems)}
    groups: list[Any] = []
    overrides: list[Any] = []
    known = set(composer.load().hydra.runtime.choices) if choices else set()
    for item in shipped.pop("defaults"):
        key = next(iter(item)) if isinstance(item, dict) else item
        if key == "stimuli":
            groups += stimuli
        elif key.startswith("override "):
            overrides.append(item)
        elif key != "_self_":
            groups.append({key: choices.pop(key)} if key in choices else item)
    for key, name in choices.items():
        (overrides if key in known else groups).append({f"override {key}" if key in known else key: name})
    config = {"defaults": [*groups, *overrides, "_self_"], **shipped}
    _merge(config, {**found.values, "stimuli": values} if "stimuli" in found.values else found.values)
    return config


def _exists(key: str, name: str, composer: Composer, problems: list[str]) -> bool:
    """Tell whether a choice exists; if not, say what does."""
    group = key.partition("@")[0]
    options = composer.options(group)
    if name not in options:
        what = listing(options) if options else "none: there is no such group"
        problems.append(f"{key}: got '{name}', allowed are {what}{composer.hint(group, name)}")
    return name in options


def _stimuli(found: BatchFile, composer: Composer) -> tuple[list[dict[str, str]], Any]:
    """Return the entries of the defaults list for a file's stimuli, and its values by entry."""
    if "stimuli" not in found.values:
        found.problems.append("stimuli: missing, allowed is a list of entries with a type")
        return [{"stimuli": "gaussian"}], {}
    entries = []
    for where, entry in named_entries(found.values["stimuli"]):
        kind = entry.get("type") if isinstance(entry, Mapping) else None
        if not isinstance(kind, str):
            got = f"{where}.type: got {shown(kind)}" if isinstance(entry, Mapping) else f"{where}: got {shown(entry)}"
            found.problems.append(f"{got}, allowed is an entry with one type: {listing(composer.options('stimuli'))}")
        elif _exists_type(where, kind, composer, found.problems):
            assert isinstance(entry, Mapping)
            name = where.removeprefix("stimuli").lstrip(".")
            entries.append((name, kind, {key: quick(value) for key, value in entry.items() if key != "type"}))
    if len(entries) == 1:
        return [{"stimuli": entries[0][1]}], entries[0][2]
    if not entries:
        if not named_entries(found.values["stimuli"]):
            found.problems.append("stimuli: got none, allowed is at least one entry with a type")
        return [{"stimuli": "gaussian"}], {}
    names = _names([(kind if name.isdigit() else name) for name, kind, _ in entries])
    groups = [{f"stimuli@stimuli.{name}": kind} for name, (_, kind, _) in zip(names, entries, strict=True)]
    return groups, {name: values for name, (_, _, values) in zip(names, entries, strict=True)}


def _exists_type(where: str, kind: str, composer: Composer, problems: list[str]) -> bool:
    """Tell whether a type of stimulus exists; if not, say what does."""
    options = composer.options("stimuli")
    if kind not in options:
        problems.append(f"{where}.type: got '{kind}', allowed are {listing(options)}{composer.hint('stimuli', kind)}")
    return kind in options


def _names(names: list[str]) -> list[str]:
    """Return the names with a number after the second and later of a kind."""
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return [name if count == 1 else f"{name}_{count}" for name, count in zip(names, counts, strict=True)]


def quick(value: Any) -> Any:
    """Return a long list of numbers as text, which Hydra handles as one value."""
    if isinstance(value, list) and len(value) > LONG and all(map(is_number, value)):
        return json.dumps(value)
    return value
