"""Experiments that this process has checked already, so that no job of its own is checked twice.

A configuration is checked before Hydra makes a directory for it; Hydra then hands the same
configuration to the job. The job takes the experiment from here if it lies here, and if the
configuration is still the same but for the directory. A job in another process checks its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sensoryforge.design.experiment import Experiment

_checked: dict[tuple[str, ...], tuple[Any, Experiment]] = {}


def remember(overrides: Iterable[str], config: DictConfig, experiment: Experiment) -> None:
    """Keep the experiment of a configuration, by the overrides of its job."""
    _checked[tuple(overrides)] = _content(config), experiment


def recall(overrides: Iterable[str], config: DictConfig) -> Experiment | None:
    """Return the experiment of a configuration, once, if it was checked and has not changed."""
    content, experiment = _checked.pop(tuple(overrides), (None, None))
    if experiment is None or content != _content(config):
        return None
    return experiment


def _content(config: DictConfig) -> Any:
    """Return a configuration in plain containers, without its directory; None where it has none."""
    content: dict[str, Any] = {}
    try:
        for key in config:
            if key != "hydra":
                node = config[key]
                is_node = OmegaConf.is_config(node)
                content[str(key)] = OmegaConf.to_container(node, resolve=True) if is_node else node
    except OmegaConfBaseException:
        return None
    if isinstance(content.get("batch"), dict):
        content["batch"].pop("output_dir", None)
    return content
