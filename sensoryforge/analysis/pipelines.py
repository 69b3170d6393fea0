"""Whether datasets were made in the same way: by one pipeline and the same neurons.

Where they were not, a dataset of both would be a mixture, in which the same stimulus has other
spikes. A run asks this of the dataset that it goes on from, and a join of those that it joins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensoryforge.core.axes import PER, could_be_axis, is_axis
from sensoryforge.core.messages import format_value
from sensoryforge.skin.receptors.arrangements import DEFAULTS

NO_EFFECT = frozenset(
    {"device", "devices", "backend", "chunk_size", "surrogate", "surrogate_width"}
)
"""Keys of ``pipeline`` that change how a result is computed and not what it is."""
NOTHING = "nothing"
"""What stands for a key that a configuration does not have."""

_ABSENT = {
    "pipeline.noise_seed": None,
    "pipeline.skin": "none",
    "pipeline.integrator": "euler",
    **{f"pipeline.{key}": value for key, value in DEFAULTS.items()},
}
_ABSENT_OF_A_POPULATION = {"receptor_noise_std": 0.0, "threshold_std": 0.0, "delay_ms": 0.0}
"""What keys stand for that an earlier version did not have."""
_SECTIONS = ("pipeline", "neurons")


@dataclass(frozen=True)
class Difference:
    """A key that would make one dataset a mixture of two, with its value in either."""

    key: str
    was: object
    now: object


def find_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield each key with which two configurations make other spikes, or keep other arrays.

    Stimuli are not compared, nor where a dataset goes.

    Parameters
    ----------
    old, new
        Resolved configurations, in plain containers.

    Examples
    --------
    >>> config = results.metadata["config"]
    >>> other = {**config, "pipeline": {**config["pipeline"], "seed": 1, "device": "cpu"}}
    >>> list(find_differences(config, other))
    [Difference(key='pipeline.seed', was=0, now=1)]
    """
    for section in _SECTIONS:
        yield from _section_differences(section, old.get(section), new.get(section))
    old_save = sorted((old.get("batch") or {}).get("save") or [])
    new_save = sorted((new.get("batch") or {}).get("save") or [])
    if old_save != new_save:
        yield Difference("batch.save", old_save, new_save)


def summarise_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return the differences of two configurations with their values in words.

    What only one of them has is told by a single key: a population, a skin that deforms.

    Parameters
    ----------
    old, new
        As `find_differences` takes them.

    Examples
    --------
    >>> config = results.metadata["config"]
    >>> sa = config["neurons"]["populations"]["sa"]
    >>> other = {**config, "neurons": {**config["neurons"], "populations": {"sa": sa}}}
    >>> summarise_differences(config, other)
    [Difference(key='neurons.populations', was='sa, ra', now='sa')]
    """
    told: dict[str, Difference] = {}
    for difference in find_differences(old, new):
        key = _where_they_part(difference.key, old, new)
        if key == difference.key:
            was, now = difference.was, difference.now
        else:
            was, now = _look_up(old, key), _look_up(new, key)
        told[key] = Difference(key, _in_words(was), _in_words(now))
    return list(told.values())


def _section_differences(section: str, old: Any, new: Any) -> Iterator[Difference]:
    old_values, new_values = _flatten(old, section), _flatten(new, section)
    for key in sorted(old_values.keys() | new_values.keys()):
        if key.removeprefix("pipeline.") in NO_EFFECT:
            continue
        if _is_same_content(key, old_values, new_values):
            continue
        both_lists = all(isinstance(values.get(key), list) for values in (old_values, new_values))
        if could_be_axis(key) and both_lists:
            continue  # what an axis says is part of each stimulus
        absent = _absent_value(key)
        was = old_values.get(key, absent)
        now = new_values.get(key, absent)
        if was != now:
            yield Difference(key, was, now)


def _absent_value(key: str) -> object:
    """Return what a key stands for that a configuration does not have."""
    section, _, name = key.rpartition(".")
    if section.startswith("neurons.populations.") and section.count(".") == 2:
        return _ABSENT_OF_A_POPULATION.get(name, NOTHING)
    return _ABSENT.get(key, NOTHING)


def _is_same_content(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Tell whether a key is the path of a file that has the same content in both, or its name."""
    if not key.endswith(".file"):
        return False
    checksum_key = f"{key.removesuffix('file')}checksum"
    checksum = old.get(checksum_key)
    return checksum is not None and checksum == new.get(checksum_key)


def _flatten(node: Any, key: str) -> dict[str, Any]:
    """Return every value below a node by its dotted key; a range is one value."""
    if not isinstance(node, Mapping) or not node or is_axis(key, node):
        return {key: node}
    values: dict[str, Any] = {}
    for name, value in node.items():
        values.update(_flatten(value, f"{key}.{name}"))
    return values


def with_axes_of_all(configs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the first of some configurations with the values of axes of neurons of all.

    Parameters
    ----------
    configs
        Resolved configurations between which there is no difference.

    Examples
    --------
    >>> seeds = [{"pipeline": {"seed": [1, 2]}}, {"pipeline": {"seed": [2, 3]}}]
    >>> with_axes_of_all(seeds)
    {'pipeline': {'seed': [1, 2, 3]}}
    """
    joint = configs[0]
    for config in configs[1:]:
        joint = _joined(joint, config, "")
    return joint


def _joined(one: Mapping[str, Any], other: Mapping[str, Any], above: str) -> dict[str, Any]:
    """Return a section with the values of axes of neurons of another one too."""
    joint = dict(one)
    for name, value in one.items():
        key = f"{above}.{name}" if above else str(name)
        there = other.get(name)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            joint[name] = _joined(value, there, key)
        elif could_be_axis(key) and isinstance(value, list) and isinstance(there, list):
            joint[name] = list(dict.fromkeys([*value, *there]))
    return joint


# --- in words ---


def _where_they_part(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return the first key on the way to another below which only one of them has anything.

    For a population that only one has it is ``neurons.populations``, which lists their names.
    """
    words = key.split(".")
    for length in range(1, len(words)):
        above = ".".join(words[:length])
        here, there = _look_up(old, above), _look_up(new, above)
        if isinstance(here, Mapping) != isinstance(there, Mapping):
            is_population = words[:2] == ["neurons", "populations"] and length == 3
            return "neurons.populations" if is_population else above
    return key


def _look_up(config: Mapping[str, Any], key: str) -> Any:
    """Return what stands under a dotted key; ``NOTHING`` where nothing does."""
    node: Any = config
    for word in key.split("."):
        if not isinstance(node, Mapping) or word not in node:
            return _absent_value(key)
        node = node[word]
    return node


def _in_words(value: object) -> str:
    """Return a value in a few words: of a mapping the class that it names, or its keys."""
    if not isinstance(value, Mapping):
        return format_value(value)
    if PER in value:  # a range
        return format_value(dict(value))
    if "_target_" in value:
        return str(value["_target_"]).rpartition(".")[2]
    return ", ".join(map(str, value))
