"""Everything that we take from Hydra and OmegaConf beyond what they document.

Private names of both stand in this file and in no other, so that a new release of Hydra costs one
file (tests/config/test_hydra_private.py keeps it so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig
    from omegaconf.errors import OmegaConfBaseException


@dataclass(frozen=True)
class Arguments:
    """The words of a command line as Hydra's own parser sorts them.

    Attributes
    ----------
    options
        The words that are no overrides, in their order.
    overrides
        The words ``key=value``, in their order.
    multirun
        Whether ``-m`` is among the options.
    config_dir
        The folder of ``--config-dir``, if it is there.
    config_path
        The folder of ``--config-path``, if it is there.
    config_name
        The primary config of ``--config-name``, if it is there.
    asks_for_completion
        Whether the words are for Hydra's completion of command lines (``-sc``).
    """

    options: tuple[str, ...]
    overrides: tuple[str, ...]
    multirun: bool
    config_dir: str | None
    config_path: str | None
    config_name: str | None
    asks_for_completion: bool

    def with_overrides(self, rewrite: Callable[[Sequence[str]], Sequence[str]]) -> Arguments:
        """Return the same words with the overrides rewritten."""
        return replace(self, overrides=tuple(rewrite(self.overrides)))


def parse_arguments(words: Sequence[str]) -> Arguments:
    """Sort the words of a command line; ends the process for an option that Hydra lacks.

    Overrides may stand on both sides of an option (``a=1 --config-dir DIR b=2``), which Hydra
    itself does not understand: it wants the options first, and gets them so.
    """
    from hydra._internal.utils import get_args_parser

    arguments = get_args_parser().parse_intermixed_args(list(words))
    overrides = list(arguments.overrides)
    return Arguments(
        options=tuple(word for word in words if word not in overrides),
        overrides=tuple(overrides),
        multirun=arguments.multirun,
        config_dir=arguments.config_dir,
        config_path=arguments.config_path,
        config_name=arguments.config_name,
        asks_for_completion=arguments.shell_completion,
    )


def make_loader(shipped: Path, search: Iterable[str | Path]) -> ConfigLoader:
    """Return a loader of the shipped options and those of the folders in ``search``."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.core.config_search_path import SearchPathQuery
    from hydra.core.utils import setup_globals

    setup_globals()
    path = create_config_search_path(f"file://{shipped}")
    before_plugins = SearchPathQuery(provider="schema")
    for folder in search:
        path.prepend("search", f"file://{Path(folder).absolute()}", before_plugins)
    return ConfigLoaderImpl(path)


def with_values(config: DictConfig, overrides: Sequence[Override]) -> DictConfig:
    """Return a composed configuration with more values set, exactly as composing would set them.

    Composing anew takes 60 ms; this takes less than one. It serves overrides of values only: one
    that picks an option changes what else is in the configuration.
    """
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    changed = deepcopy(config)
    ConfigLoaderImpl._apply_overrides_to_config(list(overrides), changed)
    return changed


def split_basic_sweep(overrides: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of each job that Hydra's own sweeper makes of a command line."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    batches = BasicSweeper.split_arguments(list(overrides), max_batch_size=None)
    return [list(job) for job in batches[0]]


def value_as_text(override: Override, value: Any) -> str:
    """Return one value of a sweep as it is written in an override."""
    return override._get_value_element_as_str(value)


def value_as_written(error: OmegaConfBaseException) -> Any:
    """Return the value, still with its ``${...}``, that OmegaConf could not resolve."""
    if error.child_node is None:
        return error.value
    return error.child_node._value()
