"""Composing configurations with Hydra, and saying in one line what is wrong with an override."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge import yamlfile
from sensoryforge.entries import addressed, named_entries
from sensoryforge.errors import ConfigError, listing, suggest

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

PRIMARY = "config"


def conf_dir() -> Path:
    """Return the folder of the shipped options: in the package of a wheel, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    return next(folder for folder in (here / "conf", here.parent / "conf") if (folder / "config.yaml").is_file())


@cache
def register() -> None:
    """Make the sweeper known to Hydra."""
    plugins = str(Path(__file__).resolve().parent / "_plugins")
    if plugins not in sys.path:
        sys.path.append(plugins)
    from hydra.core.plugins import Plugins

    sweeper = import_module("hydra_plugins.sensoryforge_sweeper")
    Plugins.instance().register(sweeper.SensoryForgeSweeper)


@cache
def refusals(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what Hydra raises for a configuration that it cannot compose, and what else is to be caught."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    return HydraException, OmegaConfBaseException, YAMLError, *more


@dataclass(frozen=True)
class Composer:
    """Composes one primary config from a search path; ``fixed`` overrides come before all others.

    ``sweeps`` tells whether several values for a key could be swept.
    """

    loader: ConfigLoader
    name: str = PRIMARY
    fixed: tuple[str, ...] = ()
    sweeps: bool = True

    @classmethod
    def over(cls, search: Iterable[str | Path] = (), name: str = PRIMARY, *, sweeps: bool = True) -> Composer:
        """Return a composer of the shipped options, then those of the folders in ``search``."""
        register()
        from hydra._internal.config_loader_impl import ConfigLoaderImpl
        from hydra._internal.utils import create_config_search_path
        from hydra.core.config_search_path import SearchPathQuery
        from hydra.core.utils import setup_globals

        search = list(search)
        raise_if([*hidden(search), *yamlfile.unreadable(search)])
        setup_globals()
        path = create_config_search_path(f"file://{conf_dir()}")
        for folder in search:
            path.prepend("search", f"file://{Path(folder).absolute()}", SearchPathQuery(provider="schema"))
        return cls(ConfigLoaderImpl(path), name, sweeps=sweeps)

    def load(self, overrides: Iterable[str] = ()) -> DictConfig:
        """Compose, the ``hydra`` node included; errors are Hydra's own."""
        from hydra.types import RunMode

        return self.loader.load_configuration(self.name, [*self.fixed, *overrides], RunMode.RUN)

    def options(self, group: str) -> list[str]:
        """Return the names of the options of a group."""
        names = map(str, self.loader.get_group_options(group))
        return [name for name in names if self._misnamed(group, name) is None]

    def hint(self, group: str, name: str) -> str:
        """Return what follows a name that is no option: the file that should have another, or the nearest option."""
        path = self._misnamed(group, name)
        return f"; {path} must end in .yaml" if path else suggest(name, self.options(group))

    def _misnamed(self, group: str, name: str) -> Path | None:
        """Return the file of an option that Hydra lists and does not read, since it ends in .yml."""
        elements = self.loader.get_search_path().get_path()
        folders = (str(element.path).removeprefix("file://") for element in elements)
        paths = [Path(folder) / group / f"{name}.yml" for folder in folders]
        with suppress(OSError):  # a name that no file can have
            return next((path for path in paths if path.is_file() and not path.with_suffix(".yaml").is_file()), None)
        return None

    def gather(self, overrides: Sequence[str]) -> tuple[DictConfig, list[str]]:
        """Compose what can be composed, and return a line for each override that cannot be.

        Only after a failure are the overrides tried one after the other: where options are, which are chosen, the rest.
        """
        problems = list(self.refused(overrides))
        if not problems:
            with suppress(*refusals(ValueError)):
                return self.load(overrides), []
        overrides = self.addressed(overrides)
        if not problems:
            with suppress(*refusals(ValueError)):
                return self.load(overrides), []
        good: list[str] = []
        known = self.load()
        for text in sorted(overrides, key=lambda text: (not text.startswith("hydra."), not self._is_first(text))):
            refused = list(self.refused([text]))
            try:
                known = known if refused else self.load([*good, text])
            except refusals(ValueError) as error:
                problems.append(self._explain(text, error, known))
            else:
                good += [] if refused else [text]
        return known, problems

    def addressed(self, overrides: Sequence[str]) -> list[str]:
        """Return the overrides, one of a parameter of several stimuli written once for each entry that has it."""
        if not any(text.lstrip("+~").startswith("stimuli.") for text in overrides):
            return list(overrides)
        try:
            found = entries_of(self.load([text for text in overrides if self._is_first(text)]))
        except refusals(ValueError):
            found = {}
        gone = {text.removeprefix("~stimuli.") for text in overrides if text.startswith("~")}
        left = {name: entry for name, entry in found.items() if name not in gone}
        return [each for text in overrides for each in (left and addressed(text, left)) or [text]]

    def _is_first(self, text: str) -> bool:
        """Tell whether an override says where options are or which are chosen, and not what is in them."""
        return text.startswith("hydra.") or self._is_choice(text)

    def _is_choice(self, text: str) -> bool:
        """Tell whether an override picks an option, which others may build on."""
        key = text.partition("=")[0].lstrip("+~")
        return "@" in key or self.loader.get_group_options(key) != []

    def refused(self, overrides: Iterable[str]) -> Iterator[str]:
        """Yield a line for each override that Hydra would take and do something else with."""
        for text in overrides:
            override = parsed(text)
            if override is None:
                continue
            value = override.value()
            key = override.get_key_element()
            if override.is_sweep_override():
                yield f"{text}: {self._unswept(key, text.partition('=')[2])}"
            elif isinstance(value, list) and self._is_choice(text):
                names = ",".join(map(str, value))
                yield f"{text}: a list is not a choice; for several in turn write -m {key}={names}"

    def _unswept(self, key: str, values: str) -> str:
        """Return what is said of several values where none are swept."""
        listed = f"{key}=[{'...' if '(' in values else values}]" if key.startswith("stimuli.") else ""
        if self.sweeps:
            return f"several values need --multirun (-m), {f'or a list, {listed}' if listed else 'to sweep'}"
        if key == "stimuli":
            return "a batch file lists its stimuli itself"
        single = "a batch file is one dataset; to sweep this use python -m sensoryforge.run -m"
        return f"several values are a list, {listed}" if listed else single

    def _explain(self, text: str, error: Exception, known: DictConfig) -> str:
        """Return the line for an override that cannot be composed; ``known`` is what stands without it."""
        from hydra.errors import MissingConfigException, OverrideParseException
        from yaml import YAMLError

        key = text.partition("=")[0]
        if isinstance(error, OverrideParseException):
            return unreadable(text)
        if isinstance(error, YAMLError):
            return f"{text}: {one_line(error)}"
        if isinstance(error, MissingConfigException) and error.missing_cfg_file:
            group, _, name = str(error.missing_cfg_file).rpartition("/")
            return f"{key}: got '{name}', allowed are {listing(self.options(group))}{self.hint(group, name)}"
        name = key.lstrip("+~")
        choices = sorted(str(choice) for choice in known.hydra.runtime.choices if "@" in str(choice))
        if "@" in name:
            return f"{key}: no such choice, known are {listing(choices)}{suggest(name, choices)}"
        return unknown_key(name, known, text) or f"{text}: {one_line(error)}"


def entries_of(config: DictConfig) -> dict[str, Any]:
    """Return the named entries of the stimuli of a configuration; none where it has one, without a name."""
    from omegaconf import OmegaConf

    node = config.get("stimuli")
    plain = OmegaConf.to_container(node, resolve=False) if OmegaConf.is_dict(node) else None
    return {where.removeprefix("stimuli."): entry for where, entry in named_entries(plain) if where != "stimuli"}


def groups() -> list[Path]:
    """Return the folders of the shipped groups."""
    return [folder for folder in sorted(conf_dir().iterdir()) if folder.is_dir()]


def hidden(search: Iterable[str | Path]) -> Iterator[str]:
    """Yield a line for each option in these folders without effect, since a shipped one has its name."""
    for folder in search:
        for group in groups() if Path(folder).resolve() != conf_dir() else []:
            for option in sorted((Path(folder) / group.name).glob("*.yaml")):
                if (group / option.name).is_file():
                    yield f"{option}: hidden by the shipped option {group.name}/{option.stem}; give it another name"


def parsed(text: str) -> Override | None:
    """Return an override as Hydra reads it, or None where it cannot."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        return OverridesParser.create().parse_overrides([text])[0]
    except OverrideParseException:
        return None


def written(key: str, value: object) -> str:
    """Return an override as it is typed in a shell, quoted where it must be."""
    from hydra.core.override_parser.types import Quote, QuotedString

    text = str(value)
    if re.fullmatch(r"[\w./-]+", text, re.ASCII):
        return f"{key}={text}"
    return shlex.quote(f"{key}={QuotedString(text, Quote.double).with_quotes()}")


def unreadable(text: str) -> str:
    """Return the line for an override that does not parse."""
    return f"{text}: cannot be read as key=value; ( , : = and spaces need quotes inside those of the shell"


def one_line(error: BaseException) -> str:
    """Return an error's message, and its cause's, as one line."""
    texts = (str(each) for each in (error, error.__cause__) if each is not None)
    return " ".join(" ".join(texts).split())


def unknown_key(key: str, config: DictConfig, text: str) -> str | None:
    """Return the line for the first part of a dotted key, of the override ``text``, that a configuration lacks."""
    node: Any = config
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if depth and (node is None or node == {}):
            return f"{key}: unknown key, {'.'.join(parts[:depth])} is empty; write +{text.lstrip('+~')}"
        if not isinstance(node, Mapping):
            return f"{key}: {'.'.join(parts[:depth])} is a value, it has no keys"
        if part not in node:
            inner = entries_of(config).values() if parts[:depth] == ["stimuli"] else ()
            names = [*node, *(name for entry in inner for name in entry)]
            known = list(dict.fromkeys(str(name) for name in names if name not in ("hydra", "_target_")))
            name = ".".join(parts[: depth + 1])
            return f"{name}: unknown key, known are {listing(known)}{suggest(part, known)}"
        node = node.get(part)
    return None


def raise_if(problems: Iterable[str]) -> None:
    """Raise ConfigError when there is a problem."""
    lines = list(dict.fromkeys(problems))
    if lines:
        raise ConfigError(lines)
