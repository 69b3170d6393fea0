"""The stimuli of a configuration: entries, each a type and its parameters, read into families.

``stimuli`` holds one entry, a mapping of named entries, or a list of them. A parameter is a value
or a list of values, which is an axis of the design.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensoryforge.config.rules import whole
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import (
    USERS_FAILURES,
    describe_failure,
    format_value,
    hint_at_number,
    list_names,
    unknown_key,
)
from sensoryforge.design.design import Design
from sensoryforge.design.family import Family
from sensoryforge.stimuli import Range, Stimulus, stimulus_class

REPETITIONS = whole(1)
MAX_CHECKED = 1_000_000
"""Conditions of a family whose parameters are compared with each other."""
_NO_PARAMETERS = ("repetitions", "type", "_target_")


@dataclass(frozen=True)
class Entry:
    """One stimulus type of a configuration.

    Attributes
    ----------
    where
        Its key, such as ``stimuli.step`` or ``stimuli.0``.
    values
        ``type``, ``_target_``, ``repetitions`` and the parameters, lists as lists.
    """

    where: str
    values: dict[str, Any]


# --- reading entries ---


def read_entries(node: Any, problems: list[str]) -> list[Entry]:
    """Return the entries of a stimuli node; a line for each that is none goes to ``problems``."""
    entries_within = _entries_within_an_entry(node)
    if entries_within:
        problems.append(refuse_mixture(node["type"], entries_within))
        return []
    entries: list[Entry] = []
    named = named_entries(node)
    for where, value in named:
        if isinstance(value, Mapping):
            values = {str(key): list_from_text(item) for key, item in value.items()}
            entries.append(Entry(where, values))
        else:
            problems.append(f"{where}: got {format_value(value)}, allowed is a mapping with a type")
    if node is not None and not named:
        problems.append("stimuli: got none, allowed is at least one entry with a type")
    return entries


def named_entries(node: Any) -> list[tuple[str, Any]]:
    """Return the entries of a stimuli node with their keys.

    Examples
    --------
    >>> named_entries([{"type": "step"}])
    [('stimuli.0', {'type': 'step'})]
    >>> named_entries({"hold": {"type": "step"}})
    [('stimuli.hold', {'type': 'step'})]
    >>> named_entries({"type": "step"})
    [('stimuli', {'type': 'step'})]
    """
    if node is None:
        return []
    if isinstance(node, list):
        return [(f"stimuli.{index}", entry) for index, entry in enumerate(node)]
    if isinstance(node, Mapping):
        is_an_entry = "type" in node or "_target_" in node
        if not is_an_entry and _hold_entries(node.values()):
            return [(f"stimuli.{name}", entry) for name, entry in node.items()]
    return [("stimuli", node)]


def named_stimuli(config: Any) -> dict[str, Mapping[str, Any]]:
    """Return the named entries of a composed configuration; none where it has a single one."""
    from omegaconf import OmegaConf

    node = config.get("stimuli")
    if not OmegaConf.is_dict(node):
        return {}
    plain = OmegaConf.to_container(node, resolve=False)
    entries: dict[str, Mapping[str, Any]] = {}
    for where, entry in named_entries(plain):
        if where != "stimuli" and isinstance(entry, Mapping):
            entries[where.removeprefix("stimuli.")] = entry
    return entries


def list_from_text(value: Any) -> Any:
    """Return a list that was written as text, the quick way through Hydra for long ones, as a list.

    Examples
    --------
    >>> list_from_text("[1, 2.5]")
    [1, 2.5]
    >>> list_from_text("gaussian")
    'gaussian'
    """
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def refuse_mixture(choice: str, names: Sequence[str]) -> str:
    """Return the line for a type that was chosen where an experiment has entries of its own."""
    return (
        f"stimuli: got {choice}, but the experiment has entries of its own, {list_names(names)}; "
        f"leave stimuli={choice} out, or take entries away, as in ~stimuli.{names[0]}"
    )


def _entries_within_an_entry(node: Any) -> list[str]:
    """Return the names of entries that stand beside the parameters of one."""
    if not isinstance(node, Mapping) or not isinstance(node.get("type"), str):
        return []
    names: list[str] = []
    for name, value in node.items():
        if isinstance(value, Mapping) and "type" in value:
            names.append(str(name))
    return names


def _hold_entries(values: Collection[Any]) -> bool:
    """Tell whether the values of a mapping are entries.

    One with a type among them is enough: then what is wrong is said of the others alone.
    """
    mappings = [value for value in values if isinstance(value, Mapping)]
    if len(mappings) == len(values):
        return True
    return any("type" in mapping for mapping in mappings)


# --- families ---


def read_families(
    entries: Sequence[Entry], duration_ms: float | None, problems: list[str]
) -> tuple[Family, ...]:
    """Return the family of each entry; a line for each mistake goes to ``problems``.

    Parameters
    ----------
    entries
        The entries of a configuration.
    duration_ms
        How long a stimulus lasts; None where that is not known, and then it is not compared.
    problems
        Takes the lines; an entry with a problem has no family.
    """
    families: list[Family] = []
    for entry in entries:
        try:
            cls = _class_of(entry)
        except ConfigError as error:
            problems += error.problems
            continue
        mistakes = list(_mistakes(entry, cls))
        family = _family(entry, cls)
        if not mistakes:
            families.append(family)
        for line in _contradictions(cls, family, duration_ms):
            mistakes.append(f"{entry.where}.{line}")
        problems += mistakes
    return tuple(families)


def _class_of(entry: Entry) -> type[Stimulus]:
    """Return the class of an entry; ConfigError says why there is none."""
    stimulus_type = entry.values.get("type")
    if not isinstance(stimulus_type, str):
        raise ConfigError(
            f"{entry.where}.type: got {format_value(stimulus_type)}, allowed is the name of one "
            "type; several types take an entry each"
        )
    try:
        cls = stimulus_class(str(entry.values.get("_target_")))
    except ConfigError as error:
        raise ConfigError(f"{entry.where}.{line}" for line in error.problems) from error
    if not _has_ranges(cls):
        raise ConfigError(
            f"{entry.where}._target_: {cls.__name__} has no ranges, a mapping of parameters to "
            "Range"
        )
    return cls


def _has_ranges(cls: type[Stimulus]) -> bool:
    """Tell whether a class says what its parameters may be."""
    ranges = getattr(cls, "ranges", None)
    if not isinstance(ranges, Mapping) or not ranges:
        return False
    return all(isinstance(allowed, Range) for allowed in ranges.values())


def _mistakes(entry: Entry, cls: type[Stimulus]) -> Iterator[str]:
    """Yield a line for each key that is unknown, missing or out of range."""
    known = [*cls.ranges, *_NO_PARAMETERS]
    for key in entry.values:
        if key not in known:
            yield unknown_key(entry.where, key, [*cls.ranges, "repetitions", "type"])
    for name, allowed in cls.ranges.items():
        if name in entry.values:
            yield from _mistakes_of_value(f"{entry.where}.{name}", entry.values[name], allowed)
        else:
            yield f"{entry.where}.{name}: missing, allowed is {allowed}"
    repetitions = entry.values.get("repetitions")
    if not REPETITIONS.allows(repetitions):
        key = f"{entry.where}.repetitions"
        yield REPETITIONS.problem(key, repetitions, unit="noise realisations")


def _mistakes_of_value(key: str, value: Any, allowed: Range) -> Iterator[str]:
    """Yield the line for a parameter, a value or a list of them, that is out of range."""
    values = value if isinstance(value, list) else [value]
    if not values:
        yield f"{key}: got an empty list, allowed is {allowed}, or a list of them"
        return
    bad = [item for item in values if not allowed.allows(item)]
    if not bad:
        return
    others = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    line = f"{key}: got {format_value(bad[0])}{others}, allowed is {allowed}, or a list of them"
    if any(isinstance(item, list) for item in bad):
        line += "; lists cannot be nested"
    line += hint_at_number(bad[0])
    yield line


def _family(entry: Entry, cls: type[Stimulus]) -> Family:
    """Return the family of an entry, of the parameters without mistakes, in the entry's order."""
    axes: dict[str, tuple[Any, ...]] = {}
    listed: list[str] = []
    for name, value in entry.values.items():
        if name not in cls.ranges or list(_mistakes_of_value(name, value, cls.ranges[name])):
            continue
        if isinstance(value, list):
            listed.append(name)
            axes[name] = tuple(value)
        else:
            axes[name] = (value,)
    return Family(
        type=entry.values["type"],
        target=entry.values["_target_"],
        axes=axes,
        listed=tuple(listed),
        repetitions=entry.values.get("repetitions", 1),
    )


def _contradictions(
    cls: type[Stimulus], family: Family, duration_ms: float | None
) -> Sequence[str]:
    """Return the lines for parameters that contradict each other or the duration."""
    if duration_ms is None:
        return []
    conditions = np.arange(min(family.count_conditions, MAX_CHECKED))
    columns = Design((family,)).columns(family, conditions)
    try:
        return [str(line) for line in cls.check(columns, duration_ms)]
    except USERS_FAILURES as error:
        # A check may need a parameter that is missing, which has been said already.
        is_whole = len(family.axes) == len(cls.ranges)
        if not is_whole:
            return []
        return [f"_target_: {cls.__name__}.check fails, {describe_failure(error)}"]
