"""References to an entry of a list of stimuli, as in ``${stimuli.0.amplitude}``.

A file's list becomes named entries before Hydra composes it (``config/batch_config.py``), and a
list of one becomes the entry itself. A reference by number, which is how a reader of the file
counts, is written as one by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_ABSOLUTE = re.compile(r"(?<!\\)\$\{\s*stimuli(?:\.(?P<number>\d+)|\[(?P<bracket>\d+)\])(?=[.\[}])")
_RELATIVE = re.compile(r"(?<!\\)\$\{\s*(?P<dots>\.+)(?P<number>\d+)(?=[.\[}])")


def with_named_references(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return sections of a batch file in which references to entries are by name.

    A number behind the last entry stays, and is not found when the file is composed.

    Parameters
    ----------
    values
        The sections; those without a list of stimuli are returned as they are.

    Examples
    --------
    >>> entries = [{"type": "gaussian"}, {"type": "step", "sigma": "${stimuli.0.sigma}"}]
    >>> with_named_references({"stimuli": entries})["stimuli"][1]["sigma"]
    '${stimuli.gaussian.sigma}'
    >>> alone = [{"type": "gaussian", "center_x": "${stimuli.0.sigma}"}]
    >>> with_named_references({"stimuli": alone})["stimuli"][0]["center_x"]
    '${stimuli.sigma}'
    """
    entries = values.get("stimuli")
    if not isinstance(entries, list):
        return dict(values)
    names = entry_names(entries)
    return {key: _rewrite(value, names, depth=1) for key, value in values.items()}


def entry_names(entries: Sequence[Any]) -> list[str]:
    """Return the name of each entry of a list: its type, numbered where it stands again.

    Examples
    --------
    >>> entry_names([{"type": "step"}, {"type": "ramp"}, {"type": "step"}])
    ['step', 'ramp', 'step_2']
    """
    times: dict[str, int] = {}
    names: list[str] = []
    for entry in entries:
        type_name = str(entry.get("type")) if isinstance(entry, Mapping) else ""
        times[type_name] = times.get(type_name, 0) + 1
        repeated = times[type_name] > 1
        names.append(f"{type_name}_{times[type_name]}" if repeated else type_name)
    return names


def _rewrite(value: Any, names: Sequence[str], depth: int) -> Any:
    """Return a value with its references by name; ``depth`` is how far below the file it lies."""
    if isinstance(value, Mapping):
        return {key: _rewrite(inner, names, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rewrite(inner, names, depth + 1) for inner in value]
    if isinstance(value, str) and "${" in value:
        return _rewrite_text(value, names, depth)
    return value


def _rewrite_text(text: str, names: Sequence[str], depth: int) -> str:
    def absolute(reference: re.Match[str]) -> str:
        return _named(reference, names)

    def relative(reference: re.Match[str]) -> str:
        # One dot is the mapping that the value is in: as many as the depth lead to the list.
        leads_to_the_list = len(reference["dots"]) == depth - 1
        return _named(reference, names) if leads_to_the_list else reference[0]

    return _RELATIVE.sub(relative, _ABSOLUTE.sub(absolute, text))


def _named(reference: re.Match[str], names: Sequence[str]) -> str:
    """Return the beginning of a reference to an entry, by its name."""
    groups = reference.groupdict()
    number = int(groups.get("bracket") or groups["number"])
    if number >= len(names):
        return reference[0]
    # A list of one entry becomes that entry.
    return "${stimuli" if len(names) == 1 else f"${{stimuli.{names[number]}"
