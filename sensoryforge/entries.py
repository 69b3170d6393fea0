"""The stimuli node of a configuration: entries, each a type and its parameters, read into families of a design."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensoryforge.design import Design, Family
from sensoryforge.errors import USERS_FAILURES, ConfigError, failure, listing
from sensoryforge.rules import shown, unknown, whole
from sensoryforge.stimuli import Range, Stimulus, stimulus_class

REPETITIONS = whole(1, "noise realisations")
MAX_CHECKED = 1_000_000
"""Conditions of a family whose parameters are compared with each other."""


@dataclass(frozen=True)
class Entry:
    """One stimulus type of a configuration; ``where`` is its key."""

    where: str
    values: dict[str, Any]


def read_entries(node: Any, problems: list[str]) -> list[Entry]:
    """Return the entries of a stimuli node: a list, a mapping of named entries, or a single entry."""
    entries = []
    if isinstance(node, Mapping) and isinstance(kind := node.get("type"), str):
        within = [str(name) for name, value in node.items() if isinstance(value, Mapping) and "type" in value]
        if within:
            problems.append(mixed(kind, within))
            return []
    found = named_entries(node)
    for where, value in found:
        if isinstance(value, Mapping):
            entries.append(Entry(where, {str(key): listed(item) for key, item in value.items()}))
        else:
            problems.append(f"{where}: got {shown(value)}, allowed is a mapping with a type")
    if node is not None and not found:
        problems.append("stimuli: got none, allowed is at least one entry with a type")
    return entries


def named_entries(node: Any) -> list[tuple[str, Any]]:
    """Return the entries of a stimuli node with their keys."""
    if isinstance(node, Mapping) and not {"type", "_target_"} & set(node) and _holds_entries(node.values()):
        return [(f"stimuli.{name}", entry) for name, entry in node.items()]
    if isinstance(node, list):
        return [(f"stimuli.{index}", entry) for index, entry in enumerate(node)]
    return [] if node is None else [("stimuli", node)]


def addressed(text: str, entries: Mapping[str, Any]) -> list[str]:
    """Return an override of ``stimuli.x`` once for each entry that has an x, any other as it is."""
    key, equals, value = text.partition("=")
    bare = key.lstrip("+~")
    prefix = key.removesuffix(bare)
    head, _, rest = bare.partition(".")
    name = rest.partition(".")[0]
    if head != "stimuli" or not rest or "@" in key or name in entries:
        return [text]
    having = [entry for entry in entries if prefix.startswith("+") or name in entries[entry]]
    return [f"{prefix}stimuli.{entry}.{rest}{equals}{value}" for entry in having]


def mixed(choice: str, names: Sequence[str]) -> str:
    """Return the line for a type that was chosen where an experiment has entries of its own."""
    return (
        f"stimuli: got {choice}, but the experiment has entries of its own, {listing(names)}; leave stimuli={choice} "
        f"out, or take entries away, as in ~stimuli.{names[0]}"
    )


def _holds_entries(values: Collection[Any]) -> bool:
    """Tell whether the values of a mapping are entries; one that is none is said to be wrong, and not the others."""
    mappings = [isinstance(value, Mapping) for value in values]
    return all(mappings) or any(mapping and "type" in value for mapping, value in zip(mappings, values, strict=True))


def listed(value: Any) -> Any:
    """Return a list that was written as text, the quick way for long ones, as a list."""
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def families(entries: Sequence[Entry], duration_ms: float | None, problems: list[str]) -> tuple[Family, ...]:
    """Return the family of each entry; those with problems are left out."""
    found = []
    for entry in entries:
        cls, lines = _class_of(entry)
        if cls is not None:
            lines = list(_problems(entry, cls))
            family = _family(entry, cls)
            found += [] if lines else [family]
            lines += [f"{entry.where}.{line}" for line in _contradictions(cls, family, duration_ms)]
        problems += lines
    return tuple(found)


def _class_of(entry: Entry) -> tuple[type[Stimulus] | None, list[str]]:
    """Return the class of an entry, or the line that says why there is none."""
    kind, target = entry.values.get("type"), entry.values.get("_target_")
    if not isinstance(kind, str):
        allowed = "allowed is the name of one type; several types take an entry each"
        return None, [f"{entry.where}.type: got {shown(kind)}, {allowed}"]
    try:
        cls = stimulus_class(str(target))
    except ConfigError as error:
        return None, [f"{entry.where}.{line}" for line in error.problems]
    ranges = getattr(cls, "ranges", None)
    if not isinstance(ranges, Mapping) or not ranges or not all(isinstance(r, Range) for r in ranges.values()):
        return None, [f"{entry.where}._target_: {cls.__name__} has no ranges, a mapping of parameters to Range"]
    return cls, []


def _problems(entry: Entry, cls: type[Stimulus]) -> Iterator[str]:
    """Yield a line for each key that is unknown, missing or out of range."""
    known = [*cls.ranges, "repetitions", "type"]
    for key in entry.values:
        if key not in known and key != "_target_":
            yield unknown(entry.where, key, known)
    for name, allowed in cls.ranges.items():
        if name in entry.values:
            yield from _value_problems(f"{entry.where}.{name}", entry.values[name], allowed)
        else:
            yield f"{entry.where}.{name}: missing, allowed is {allowed}"
    repetitions = entry.values.get("repetitions")
    if not REPETITIONS.allows(repetitions):
        yield REPETITIONS.problem(f"{entry.where}.repetitions", repetitions)


def _value_problems(key: str, value: Any, allowed: Range) -> Iterator[str]:
    """Yield the line for a parameter, a value or a list of them, that is out of range."""
    values = value if isinstance(value, list) else [value]
    if not values:
        yield f"{key}: got an empty list, allowed is {allowed}, or a list of them"
    bad = [item for item in values if not allowed.allows(item)]
    if bad:
        lists = "; lists cannot be nested" if any(isinstance(item, list) for item in bad) else ""
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        yield f"{key}: got {shown(bad[0])}{more}, allowed is {allowed}, or a list of them{lists}"


def _family(entry: Entry, cls: type[Stimulus]) -> Family:
    """Return the family of an entry, of the parameters without problems, in the order of the configuration."""
    ranges = cls.ranges
    named = {name: value for name, value in entry.values.items() if name in ranges}
    parameters = {name: value for name, value in named.items() if not [*_value_problems(name, value, ranges[name])]}
    return Family(
        type=entry.values["type"],
        target=entry.values["_target_"],
        axes={name: tuple(value) if isinstance(value, list) else (value,) for name, value in parameters.items()},
        listed=tuple(name for name, value in parameters.items() if isinstance(value, list)),
        repetitions=entry.values.get("repetitions", 1),
    )


def _contradictions(cls: type[Stimulus], family: Family, duration_ms: float | None) -> list[str]:
    """Return the lines for parameters that contradict each other or the duration, as far as they can be told."""
    if duration_ms is None:
        return []
    conditions = np.arange(min(family.count_conditions, MAX_CHECKED))
    columns = Design((family,)).columns(family, conditions)
    try:
        return [str(line) for line in cls.check(columns, duration_ms)]
    except USERS_FAILURES as error:
        whole = len(family.axes) == len(cls.ranges)
        return [f"_target_: {cls.__name__}.check fails, {failure(error)}"] if whole else []
