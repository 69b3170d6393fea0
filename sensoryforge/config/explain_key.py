"""What is wrong with an override whose key or value is not of the shape that it must have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sensoryforge.config.composer import Composer
from sensoryforge.config.kinds import option_names
from sensoryforge.config.overrides import parse_override
from sensoryforge.config.sources import SECTIONS
from sensoryforge.config.stimuli import named_stimuli
from sensoryforge.core.messages import format_value, list_names, suggest
from sensoryforge.stimuli.recipe import PIECES, SAMPLING_KEYS

if TYPE_CHECKING:
    from omegaconf import DictConfig

_NOT_FOR_USERS = ("hydra", "_target_")


def explain_choice(text: str, key: str, value: Any, composer: Composer) -> str:
    """Return the line for a choice of an option that is not the name of one."""
    options = composer.options(key.partition("@")[0])
    if isinstance(value, list) and all(name in options for name in value):
        names = ",".join(map(str, value))
        return f"{text}: a list is not a choice; for several in turn write -m {key}={names}"
    return f"{key}: got {format_value(value)}, allowed are {list_names(options)}"


def explain_piece(key: str, text: str, composer: Composer) -> str | None:
    """Return the line for a profile or motion that is chosen by something else than a name."""
    section, last = key.partition(".")[0], key.rpartition(".")[2]
    override = parse_override(text)
    if section != "stimuli" or last not in PIECES or override is None:
        return None
    names = list_names(composer.options(last))
    value = override.value()
    advice = f"; its values are set by themselves, as in {key}.onset_ms=5"
    hint = advice if isinstance(value, dict) else ""
    return f"{key}: got {format_value(value)}, allowed are {names}{hint}"


def explain_shape(key: str, text: str, config: DictConfig, composer: Composer) -> str | None:
    """Return the line for a list, or a mapping with an unknown key, in the place of a mapping."""
    from omegaconf import OmegaConf

    node = OmegaConf.select(config, key, throw_on_missing=False)
    override = parse_override(text)
    if not isinstance(node, Mapping) or override is None:
        return None
    value = override.value()
    if isinstance(value, dict):
        for name in value:
            line = explain_unknown_key(f"{key}.{name}", config, f"{key}.{name}={value[name]}")
            if line is not None:
                return line
        return None
    if not isinstance(value, list):
        return None
    allowed = "a mapping"
    for choice in map(str, config.hydra.runtime.choices):
        group, _, place = choice.partition("@")
        if key in (place, choice):
            names = list_names(composer.options(group))
            allowed = f"a mapping; to choose an option write {choice}=NAME, of {names}"
    return f"{key}: got {format_value(value)}, allowed is {allowed}"


def explain_unknown_key(key: str, config: DictConfig, text: str) -> str | None:
    """Return the line for the first part of a dotted key that a configuration lacks.

    ``text`` is the override that the key is of. None where every part is there.
    """
    node: Any = config
    parts = key.split(".")
    for depth, part in enumerate(parts):
        parent = ".".join(parts[:depth])
        if depth and (node is None or node == {}):
            return f"{key}: unknown key, {parent} is empty; write +{text.lstrip('+~')}"
        if not isinstance(node, Mapping):
            return f"{key}: {parent} is a value, it has no keys"
        if part not in node:
            known = _known_keys(node)
            if parent == "stimuli":  # a key of an entry may be set in all that have it
                known = list(dict.fromkeys([*known, *_keys_of_entries(config), *SAMPLING_KEYS]))
            name = ".".join(parts[: depth + 1])
            hint = suggest(part, known) or hint_at_place(key, parent, config, text)
            return f"{name}: unknown key, known are {list_names(known)}{hint}"
        node = node.get(part)
    return None


def hint_at_place(key: str, parent: str, config: DictConfig, text: str) -> str:
    """Return the override that was meant by one whose key stands elsewhere; empty if none does.

    Parameters
    ----------
    key, parent
        The key of the override, and the part of it that is there.
    config
        What is composed without it.
    text
        The override.
    """
    value = text.partition("=")[2]
    if parent == "neurons.populations" and key.count(".") == parent.count(".") + 1:
        return f"; to add a population write +population@{key}={value or 'OPTION'}"
    missing = key.removeprefix(f"{parent}.").partition(".")[0]
    if missing in PIECES and key != f"{parent}.{missing}":
        names = list_names(option_names(missing))
        return f"; there is none yet, choose one with {parent}.{missing}=NAME, of {names}"
    leaf = key.rpartition(".")[2]
    for choice in sorted(map(str, config.hydra.runtime.choices)):
        if "@" in choice and choice.partition("@")[0] == key:
            return f"; write {choice}={value}"
    prefix = f"{parent}." if parent else ""
    for place in _dotted_keys(config):
        if place.startswith(prefix) and place.rpartition(".")[2] == leaf:
            return f"; write {place}={value}"
    return ""


def _dotted_keys(config: DictConfig) -> Iterator[str]:
    """Yield the whole key of every value of an experiment."""
    from omegaconf import OmegaConf

    for section in SECTIONS:
        if section in config:
            plain: Any = OmegaConf.to_container(config[section], resolve=False)
            yield from _keys_below(plain, section)


def _keys_below(node: Any, where: str) -> Iterator[str]:
    """Yield the whole key of every value below a node."""
    if not isinstance(node, Mapping):
        yield where
        return
    for key, value in node.items():
        yield from _keys_below(value, f"{where}.{key}")


def _known_keys(node: Mapping[Any, Any]) -> list[str]:
    """Return the keys of a node that users set."""
    return [name for name in map(str, node) if name not in _NOT_FOR_USERS]


def _keys_of_entries(config: DictConfig) -> list[str]:
    """Return the keys that the named entries of the stimuli have."""
    keys: list[str] = []
    for entry in named_stimuli(config).values():
        keys += _known_keys(entry)
    return keys
