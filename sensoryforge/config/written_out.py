"""Options of the user's, written out in the configuration that a dataset keeps.

A stored configuration has to say by itself what was run. The name of a shipped option without
parameters does; any other option may have changed, or be gone, when the dataset is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.config import kinds
from sensoryforge.config.outlines import spell_out_outline
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import TARGET

if TYPE_CHECKING:
    from omegaconf import DictConfig


def write_out_options(config: DictConfig | dict[str, Any], search: Sequence[Path]) -> None:
    """Put what an option says in the place of its name, unless the name alone says it.

    Parameters
    ----------
    config
        A configuration, composed or in plain containers; it is changed.
    search
        Folders that it was composed from.
    """
    from omegaconf import DictConfig, OmegaConf, open_dict

    is_composed = isinstance(config, DictConfig)
    plain: Any = OmegaConf.to_container(config, resolve=False) if is_composed else config
    for key, content in list(_options_to_write_out(plain, search)):
        if isinstance(config, DictConfig):
            with open_dict(config):
                OmegaConf.update(config, key, content, merge=False)
        else:
            _set(config, key, content)


def _options_to_write_out(
    plain: Mapping[str, Any], search: Sequence[Path]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the key of each name that does not say enough, and what its option says."""
    populations = _mapping(_mapping(plain.get("neurons")).get("populations"))
    for population, values in populations.items():
        for group in ("layout", "innervation", "units"):
            content = _content_to_write_out(group, _mapping(values).get(group), search)
            if content is not None:
                yield f"neurons.populations.{population}.{group}", content
    content = _content_to_write_out("skin", _mapping(plain.get("pipeline")).get("skin"), search)
    if content is not None and TARGET in content:  # none says it all
        yield "pipeline.skin", content
    outline = _mapping(plain.get("pipeline")).get("outline")
    if isinstance(outline, str | Mapping):
        with suppress(ConfigError):  # which the checks tell
            content = spell_out_outline(outline, search)
            if content != outline:
                yield "pipeline.outline", content
    output_format = _mapping(plain.get("batch")).get("format")
    content = _content_to_write_out("format", output_format, search)
    if content is not None:
        yield "batch.format", content


def _content_to_write_out(
    group: str, name: object, search: Sequence[Path]
) -> dict[str, Any] | None:
    """Return what an option says, None where its name is enough, or is none."""
    if isinstance(name, Mapping) and kinds.TYPE in name and TARGET not in name:
        is_option = str(name[kinds.TYPE]) in kinds.option_names(group, search)
        return kinds.spell_out(group, name, search) if is_option else None
    if not isinstance(name, str) or name not in kinds.option_names(group, search):
        return None
    content = kinds.option(group, name, search)
    says_it_all = kinds.is_shipped(group, name) and list(content) == [TARGET]
    return None if says_it_all else content


def _mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping, an empty one where something else stands."""
    return value if isinstance(value, Mapping) else {}


def _set(plain: dict[str, Any], key: str, content: dict[str, Any]) -> None:
    """Set a value of nested containers by its dotted key."""
    *parents, last = key.split(".")
    node = plain
    for parent in parents:
        node = node[parent]
    node[last] = content
