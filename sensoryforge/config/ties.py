"""Parameters that are equal to another one of their stimulus: ``center_y: ${.center_x}``.

A reference to a number is that number. One to what varies, a list or a range of the same entry,
means that both have the same value in every stimulus: it stays a reference, written from where it
stands, so that a stored configuration says the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sensoryforge.config.stimuli import list_from_text, named_entries

if TYPE_CHECKING:
    from omegaconf import DictConfig

Place = tuple[str, ...]

_REFERENCE = re.compile(r"\$\{\s*(?P<dots>\.*)(?P<path>\w+(?:[.\[]\w+\]?)*)\s*\}")
_STEP = re.compile(r"\w+")


def keep_ties(plain: dict[str, Any], config: DictConfig | Mapping[str, Any]) -> None:
    """Put references to what varies back in a configuration whose references are resolved.

    Parameters
    ----------
    plain
        The configuration in plain containers; it is changed.
    config
        The same before references were resolved.
    """
    from omegaconf import OmegaConf

    stimuli = config.get("stimuli")
    is_composed = OmegaConf.is_config(stimuli)
    raw: Any = OmegaConf.to_container(stimuli, resolve=False) if is_composed else stimuli
    resolved = dict(named_entries(plain.get("stimuli")))
    for where, entry in named_entries(raw):
        values = resolved.get(where)
        if isinstance(entry, Mapping) and isinstance(values, dict):
            _keep_ties_of_entry(entry, values, tuple(where.split(".")))


def is_tie(value: object) -> bool:
    """Tell whether a value of an entry is a reference that stayed one.

    Examples
    --------
    >>> is_tie("${.center_x}"), is_tie("center_x"), is_tie(3)
    (True, False, False)
    """
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def tied_key(key: str, value: str) -> str:
    """Return the whole key that a reference at another key leads to.

    Examples
    --------
    >>> tied_key("stimuli.profile.ramp_ms", "${..sigma}")
    'stimuli.sigma'
    """
    target = _target(value, tuple(key.split(".")))
    assert target is not None
    return ".".join(target)


def varies(value: object) -> bool:
    """Tell whether a value of an entry is a list, a range or a reference to such.

    Examples
    --------
    >>> varies([1, 2]), varies({"low": 1, "high": 2}), varies({"type": "sine"}), varies(3)
    (True, True, False, False)
    """
    read = list_from_text(value)
    if isinstance(read, Mapping):
        return "type" not in read and "_target_" not in read
    return is_tie(read) or isinstance(read, list)


def _keep_ties_of_entry(raw: Mapping[str, Any], resolved: dict[str, Any], where: Place) -> None:
    """Put the references of an entry to its own parameters back, where these vary."""
    for path, text in list(_references(raw)):
        target = _target(text, (*where, *path))
        if target is None or target[: len(where)] != where:
            continue
        within = target[len(where) :]
        holder = _node(resolved, path[:-1])
        if isinstance(holder, dict) and varies(_node(resolved, within)):
            holder[path[-1]] = f"${{{'.' * len(path)}{'.'.join(within)}}}"


def _references(node: Mapping[str, Any], path: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield each reference below a node, with its place."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _references(value, (*path, str(key)))
        elif is_tie(value):
            yield (*path, str(key)), value


def _target(text: str, path: Place) -> Place | None:
    """Return the place that a reference at a place leads to."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    steps = tuple(_STEP.findall(match["path"]))
    dots = len(match["dots"])
    if dots == 0:
        return steps
    return (*path[: len(path) - dots], *steps) if dots <= len(path) else None


def _node(node: Any, path: Place) -> Any:
    """Return what stands at a place; None where nothing does."""
    for step in path:
        if not isinstance(node, Mapping) or step not in node:
            return None
        node = node[step]
    return node
