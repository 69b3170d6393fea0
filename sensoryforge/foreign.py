"""Folders of options that come from elsewhere must not make Hydra run code.

Hydra imports what its own node names: callbacks, launchers, sweepers, log handlers. A folder given with --config-dir
may set them from any of its files, so what is composed of it is looked at before Hydra sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hydra._internal.utils import get_args_parser
from hydra.types import RunMode
from omegaconf import OmegaConf

from sensoryforge import trust
from sensoryforge.composer import PRIMARY, Composer, raise_if, refusals

OWN = ("sensoryforge", "hydra", "hydra_plugins", "logging", "colorlog")
_WORDS = ("--config-dir", "-cd", "--config-path", "-cp", "hydra.searchpath", "+hydra.searchpath")
_NAMES = ("_target_", "()", "class")
_EXTERNAL = "ext://"


def refuse_foreign(arguments: Sequence[str]) -> None:
    """Raise ConfigError for a command line whose folders of options would make Hydra import what is not trusted."""
    if not any(word.startswith(_WORDS) for word in arguments):
        return
    args, _ = get_args_parser().parse_known_args(list(arguments))
    composer = Composer.over([folder for folder in (args.config_path, args.config_dir) if folder])
    try:
        config = composer.loader.load_configuration(args.config_name or PRIMARY, args.overrides, RunMode.MULTIRUN)
        hydra = OmegaConf.to_container(config.hydra, resolve=False)
    except refusals():
        return  # Hydra will say so, and import nothing
    raise_if(f"{key}: got {path!r}, {trust.refusal(path.rpartition('.')[0] or path)}" for key, path in _paths(hydra))


def _paths(node: Any, where: str = "hydra") -> Iterator[tuple[str, str]]:
    """Yield the key and dotted path of each thing that is not trusted."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if isinstance(value, str):
            path = value.removeprefix(_EXTERNAL)
            known = (*OWN, "sys") if value.startswith(_EXTERNAL) else OWN
            if (key in _NAMES or value.startswith(_EXTERNAL)) and not trust.allows(path, known):
                yield f"{where}.{key}", path
        else:
            yield from _paths(value, f"{where}.{key}")
