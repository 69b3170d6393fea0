"""The stimuli of a configuration: entries, each a type and its parameters.

``stimuli`` holds one entry, a mapping of named entries, or a list of them. A parameter is a value
or a list of values, which is an axis of the design.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensoryforge.config.presets import expand_presets, range_from_text
from sensoryforge.core.messages import format_value, list_names
from sensoryforge.stimuli.recipe import PARTS, PIECES


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
            entries.append(Entry(where, lists_from_texts(value)))
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
    """Return a list, or a range, that was written as text, or with presets in it, as such.

    Long lists of numbers go through Hydra as text, which is quicker, and so do ranges.

    Examples
    --------
    >>> list_from_text("[1, 2.5]")
    [1, 2.5]
    >>> list_from_text("gaussian")
    'gaussian'
    >>> list_from_text("linspace(0, 1, 3)")
    [0, 0.5, 1]
    """
    if isinstance(value, str) and value.startswith("{"):
        return range_from_text(value)
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return expand_presets(value)


def lists_from_texts(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a mapping, at any depth, in which lists that were written as text are lists.

    Examples
    --------
    >>> lists_from_texts({"profile": {"ramp_ms": "[1, 2]"}})
    {'profile': {'ramp_ms': [1, 2]}}
    """
    lists: dict[str, Any] = {}
    for key, value in values.items():
        is_mapping = isinstance(value, Mapping)
        lists[str(key)] = lists_from_texts(value) if is_mapping else list_from_text(value)
    return lists


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
        if isinstance(value, Mapping) and "type" in value and name not in (*PIECES, PARTS):
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
