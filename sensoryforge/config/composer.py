"""Composing configurations with Hydra: a primary config, the options chosen in it, the values set.

What is wrong with an override that Hydra refuses is said in ``config/explain.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.config.hydra_private import make_loader, with_values
from sensoryforge.config.overrides import (
    is_of_piece,
    is_of_sampling,
    is_sweep,
    key_of,
    remaining_entries,
    spell_out_overrides,
    spell_out_piece,
    spell_out_sampling,
    task_overrides,
)
from sensoryforge.config.presets import spell_out_presets
from sensoryforge.config.resets import is_single_name, reset_overrides
from sensoryforge.config.sources import PRIMARY, conf_dir, hidden_options
from sensoryforge.config.stimuli import named_stimuli
from sensoryforge.config.yaml_file import read_yaml
from sensoryforge.core.errors import raise_if
from sensoryforge.core.messages import list_names, suggest

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

_PLUGINS = Path(__file__).resolve().parents[1] / "commands" / "_plugins"


@cache
def register_sweeper() -> None:
    """Make our sweeper known to Hydra, where an installation has not done so.

    Hydra 1.3 takes a sweeper only from a module below a top-level ``hydra_plugins``. Ours lies in a
    folder of the package that has that name; a wheel puts it at the top, an editable installation
    puts the folder on Python's path, and a checkout that is only on the path needs it put there.
    It goes to the front: an editable installation leaves a copy in site-packages, which grows old.
    """
    if _PLUGINS.is_dir() and sys.path[0] != str(_PLUGINS):
        sys.path.insert(0, str(_PLUGINS))
    from hydra.core.plugins import Plugins

    sweeper = import_module("hydra_plugins.sensoryforge_sweeper")
    Plugins.instance().register(sweeper.SensoryForgeSweeper)


@cache
def hydra_errors(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what Hydra raises for a configuration that it cannot compose, and ``more``."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    return HydraException, OmegaConfBaseException, YAMLError, *more


@dataclass(frozen=True)
class Composer:
    """Composes one primary config from the options on a search path.

    Parameters
    ----------
    loader
        Hydra's loader of options.
    name
        The primary config.
    fixed
        Overrides that come before all others.
    can_sweep
        Whether several values for a key could be swept, as with ``-m``.
    composed
        Configurations that are composed already, by the overrides that pick their options.

    Examples
    --------
    >>> composer = Composer.over()
    >>> composer.load(["stimuli=step", "stimuli.hold_ms=100"]).stimuli.hold_ms
    100
    >>> composer.options("motion")
    ['circle', 'line', 'none', 'path']
    """

    loader: ConfigLoader
    name: str = PRIMARY
    fixed: tuple[str, ...] = ()
    can_sweep: bool = True
    composed: dict[tuple[str, ...], DictConfig] = field(default_factory=dict, compare=False)

    @classmethod
    def over(
        cls, search: Iterable[str | Path] = (), name: str = PRIMARY, *, can_sweep: bool = True
    ) -> Composer:
        """Return a composer of the shipped options and those of the folders in ``search``.

        Raises ConfigError for an option in these folders that a shipped one of its name hides.
        """
        register_sweeper()
        folders = list(search)
        raise_if(hidden_options(folders))
        return cls(make_loader(conf_dir(), folders), name, can_sweep=can_sweep)

    def load(self, overrides: Iterable[str] = ()) -> DictConfig:
        """Compose, the ``hydra`` node included; errors are Hydra's own."""
        from hydra.errors import ConfigCompositionException
        from hydra.types import RunMode

        words = [*self.fixed, *overrides]
        try:
            return self.loader.load_configuration(self.name, words, RunMode.RUN)
        except TypeError as error:  # Hydra's, of a choice that is a list of numbers
            raise ConfigCompositionException("a choice is the name of an option") from error

    def load_quickly(self, overrides: Sequence[str]) -> DictConfig:
        """Compose as `load` does, but the same options only once: values are set afterwards.

        The jobs of a sweep that share their options then cost one composition together.
        """
        base = self._options_chosen_by(overrides)
        # A configuration that is reused has values set already, which + would not set twice.
        already_set = set(task_overrides(base.hydra))
        values = [text for text in overrides if not self.picks_options(text)]
        return with_values(base, self.parse([text for text in values if text not in already_set]))

    def reuse(self, config: DictConfig) -> None:
        """Take a configuration that Hydra has composed already: no job composes it again."""
        choices: list[str] = []
        for override in self.parse(task_overrides(config.hydra)):
            text = str(override.input_line)
            if not is_sweep(override) and self.picks_options(text):
                choices.append(text)
        self.composed[tuple(choices)] = config

    def parse(self, overrides: Sequence[str]) -> list[Override]:
        """Return overrides as Hydra reads them, ``glob()`` and all; errors are Hydra's own."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        parser = OverridesParser.create(config_loader=self.loader)
        return list(parser.parse_overrides(list(overrides)))

    def options(self, group: str) -> list[str]:
        """Return the names of the options of a group."""
        listed = map(str, self.loader.get_group_options(group))
        return [name for name in listed if self._yml_file(group, name) is None]

    def hint(self, group: str, name: str) -> str:
        """Return what follows a name that is no option: a file to rename, or the nearest option."""
        path = self._yml_file(group, name)
        if path is not None:
            return f"; {path} must end in .yaml"
        return suggest(name, self.options(group))

    def no_such_option(self, key: str, group: str, name: str) -> str:
        """Return the line for a name, at ``key`` of a configuration, that is no option."""
        options = self.options(group)
        names = list_names(options) if options else "none: there is no such group"
        return f"{key}: got '{name}', allowed are {names}{self.hint(group, name)}"

    def is_choice(self, text: str) -> bool:
        """Tell whether an override picks an option, which others may build on."""
        key = key_of(text)
        return "@" in key or self.loader.get_group_options(key) != []

    def picks_options(self, text: str) -> bool:
        """Tell whether an override says where options are or which are chosen, not a value."""
        return text.startswith("hydra.") or self.is_choice(text)

    def spell_out(self, overrides: Sequence[str]) -> list[str]:
        """Return overrides in which ``stimuli.x=1``, meant for every stimulus, is written out.

        ``experiment=touch_dataset stimuli.sigma=1`` composes only as ``stimuli.gaussian.sigma=1
        stimuli.step.sigma=1 ...``. It composes once, to know the entries, and only where an
        override is of a stimulus.
        """
        texts = self.spell_out_pieces(overrides)
        if not any(key_of(text).startswith("stimuli.") for text in texts):
            return texts
        try:
            entries = named_stimuli(self._options_chosen_by(texts))
        except hydra_errors(ValueError):
            return texts
        entries = remaining_entries(entries, texts)
        return spell_out_overrides(texts, entries) if entries else texts

    def spell_out_pieces(self, overrides: Sequence[str]) -> list[str]:
        """Return overrides in which what options lack is added as Hydra wants it.

        ``stimuli.profile=step`` and ``profile@stimuli.profile=step`` add an option that no defaults
        list has, ``stimuli.samples=100`` a key: Hydra wants a ``+`` there, and each entry named.
        Presets, such as ``linspace(5,50,10)``, become lists.
        """
        overrides = spell_out_presets(overrides)
        added = [text for text in overrides if is_of_piece(text) or is_of_sampling(text)]
        if not added:
            return overrides
        others = [text for text in overrides if text not in added]
        entries: list[str] = []
        chosen: set[str] = set()
        composed: DictConfig | None = None
        with suppress(*hydra_errors(ValueError)):
            composed = self._options_chosen_by(others)
            entries = list(remaining_entries(named_stimuli(composed), others))
            chosen = set(composed.hydra.runtime.choices)
        spelled_out: list[str] = []
        resets: list[str] = []
        for text in overrides:
            if is_of_piece(text):
                pieces = spell_out_piece(text, entries, chosen)
                spelled_out += pieces
                if composed is not None and is_single_name(text):
                    for piece in pieces:
                        resets += self._resets_of_piece(piece, composed)
            else:
                spelled_out += spell_out_sampling(text, entries)
        return [*(text for text in resets if text not in spelled_out), *spelled_out]

    def _resets_of_piece(self, text: str, composed: DictConfig) -> list[str]:
        """Return what takes the values of a profile or motion away that another replaces.

        ``text`` is the choice of the other, spelled out; ``composed`` is what it changes.
        """
        from omegaconf import OmegaConf

        place, name = key_of(text).partition("@")[2], text.partition("=")[2]
        before = OmegaConf.select(composed, place)
        path = self.option_file(key_of(text).partition("@")[0], name)
        if before is None or path is None:
            return []
        values: Any = OmegaConf.to_container(before, resolve=False)
        return reset_overrides(place, values, read_yaml(path))

    def _options_chosen_by(self, overrides: Sequence[str]) -> DictConfig:
        """Return what is composed of the overrides that pick options; composed once."""
        choices = tuple(text for text in overrides if self.picks_options(text))
        if choices not in self.composed:
            self.composed[choices] = self.load(choices)
        return self.composed[choices]

    def option_file(self, group: str, name: str) -> Path | None:
        """Return the file of an option; None for one that is no file of a folder."""
        for element in self.loader.get_search_path().get_path():
            path = Path(str(element.path).removeprefix("file://")) / group / f"{name}.yaml"
            if path.is_file():
                return path
        return None

    def _yml_file(self, group: str, name: str) -> Path | None:
        """Return the file of an option that Hydra lists and does not read: it ends in .yml."""
        for element in self.loader.get_search_path().get_path():
            folder = str(element.path).removeprefix("file://")
            path = Path(folder) / group / f"{name}.yml"
            with suppress(OSError):  # a name that no file can have
                if path.is_file() and not path.with_suffix(".yaml").is_file():
                    return path
        return None
