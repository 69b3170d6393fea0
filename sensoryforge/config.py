"""From override strings or a batch file to a configuration, and from a configuration to an experiment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge import checks
from sensoryforge.batchfile import NAME, primary, read_batch_file
from sensoryforge.composer import PRIMARY, Composer, conf_dir, hidden, one_line, raise_if, refusals
from sensoryforge.entries import named_entries
from sensoryforge.errors import ConfigError, listing, quote, suggest

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from omegaconf.errors import OmegaConfBaseException

    from sensoryforge.equations import Block, Kind
    from sensoryforge.experiment import Experiment


def compose(*overrides: str, config_name: str = PRIMARY, search: Iterable[str | Path] = ()) -> DictConfig:
    """Return the configuration that the same overrides give on a command line.

    ``search`` are folders with options of your own. Raises ConfigError with one line for each bad override.
    """
    config, problems = Composer.over(search, config_name).gather(overrides)
    raise_if(problems)
    return without_hydra(config)


def load_batch_file(path: str | Path, overrides: Sequence[str] = ()) -> DictConfig:
    """Return the configuration of a batch file, with overrides on top.

    Raises ConfigError with one line for each problem that keeps it from being composed.
    """
    config, problems = _batch_config(path, overrides)
    raise_if(problems)
    return without_hydra(config)


def check(config: DictConfig | Mapping[str, Any]) -> Experiment:
    """Return the experiment that a configuration describes, or raise ConfigError with every problem."""
    return examine(config, [])


def check_batch_file(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Return the experiment of a batch file; problems of composing and of values are raised together."""
    return examine(*_batch_config(path, overrides))


def check_overrides(composer: Composer, overrides: Sequence[str]) -> Experiment:
    """Return the experiment of a list of overrides; problems of composing and of values are raised together."""
    return examine(*composer.gather(overrides))


def examine(config: DictConfig | Mapping[str, Any], problems: Iterable[str]) -> Experiment:
    """Check a configuration of which some problems are known already."""
    found = [*problems, *hidden(_search_of(config))]
    try:
        plain = plain_config(config)
        _complete(plain, config, found)
        experiment = checks.check(plain, _sources(config))
    except ConfigError as error:
        found += error.problems
    raise_if(found)
    return experiment


def load_block(path: str, /, search: Iterable[str | Path] = (), **parameters: Any) -> Block:
    """Return a block of equations such as ``model/izhikevich``, some parameters overridden.

    ``search`` are folders with options of your own. Raises ConfigError for a block or parameter that is not there.
    """
    from sensoryforge.equations import Block

    group, _, name = path.strip("/").partition("/")
    if group not in ("filter", "model"):
        near = suggest(group, ("filter", "model"))
        raise ConfigError(f"{path}: got the group '{group}', allowed are filter, model{near}")
    composer = Composer.over(search)
    options = composer.options(group)
    if name not in options:
        raise ConfigError(f"{path}: got '{name}', allowed are {listing(options)}{composer.hint(group, name)}")
    config = composer.load([f"+{group}@block={name}"])
    kind: Kind = "filter" if group == "filter" else "model"
    block = Block.from_config(kind, _plain(config.block), path)
    raise_if(block.unread())
    return block.with_parameters(**parameters)


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a composed configuration without Hydra's own node."""
    from omegaconf import open_dict

    with open_dict(config):
        config.pop("hydra", None)
    return config


def plain_config(config: DictConfig | Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration as plain containers, resolved, with a directory for its results that is free."""
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if not isinstance(config, DictConfig):
        config = OmegaConf.create(dict(config))
    try:
        plain = {str(key): _plain(config[key]) for key in config if key != "hydra"}
    except OmegaConfBaseException as error:
        raise ConfigError(_unresolved(error)) from error
    if is_dated(config):
        plain["batch"]["output_dir"] = str(free_directory(plain["batch"]["output_dir"]))
    return plain


def free_directory(path: str | Path) -> Path:
    """Return the path, or the first of ``path-2``, ``path-3``, ... that does not exist."""
    path = Path(path)
    names = (path if number == 1 else path.with_name(f"{path.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def is_dated(config: DictConfig) -> bool:
    """Tell whether the output directory has the time in it, so that every run has its own."""
    from omegaconf import DictConfig, OmegaConf

    batch = config.get("batch")
    raw = OmegaConf.to_container(batch, resolve=False) if isinstance(batch, DictConfig) else {}
    return isinstance(raw, dict) and "${now" in str(raw.get("output_dir"))


def _plain(value: Any) -> Any:
    """Return a value of a configuration in plain containers."""
    from omegaconf import OmegaConf

    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True) if OmegaConf.is_config(value) else value


def _unresolved(error: OmegaConfBaseException) -> str:
    """Return the line for a value with ``${...}`` in it that stands for nothing."""
    value = error.value if error.child_node is None else error.child_node._value()
    first = re.sub(r"^\w+ raised while resolving interpolation: ", "", str(error).splitlines()[0]).strip('"')
    why = first[:1].lower() + first[1:]
    return (
        f"{error.full_key}: got {quote(value)} ({why}); allowed is a value, or another key's as in ${{pipeline.seed}}"
    )


def _batch_config(path: str | Path, overrides: Sequence[str]) -> tuple[DictConfig, list[str]]:
    """Return the composed configuration of a batch file and the problems found on the way."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf
    from omegaconf.errors import GrammarParseError

    found = read_batch_file(Path(path))
    composer = Composer.over(found.search, NAME, sweeps=False)
    node = primary(found, Composer.over(found.search))
    _yield_to(overrides, node, Composer.over(found.search))
    try:
        ConfigStore.instance().store(name=NAME, node=OmegaConf.create(node))
        config, problems = composer.gather(overrides)
    except GrammarParseError as error:
        raise ConfigError([*found.problems, _unresolved(error)]) from error
    except refusals() as error:
        raise ConfigError([*found.problems, f"{path}: {one_line(error)}"]) from error
    return config, [*found.problems, *problems]


def _yield_to(overrides: Sequence[str], node: dict[str, Any], composer: Composer) -> None:
    """Drop the values of a file that an option chosen on the command line sets otherwise (``batch=hdf5``)."""
    for text in overrides:
        section, _, option = text.partition("=")
        flat = section in ("pipeline", "batch") and isinstance(node.get(section), dict)
        if flat and option in composer.options(section):
            usual, chosen = composer.load()[section], composer.load([text])[section]
            for key in [key for key in node[section] if key in chosen and chosen[key] != usual.get(key)]:
                del node[section][key]


def _search_of(config: DictConfig | Mapping[str, Any]) -> list[Path]:
    """Return the folders that a configuration was composed from, as far as it still says so."""
    from omegaconf import DictConfig, OmegaConf

    if not isinstance(config, DictConfig) or "hydra" not in config:
        return []
    sources = OmegaConf.select(config, "hydra.runtime.config_sources") or []
    return [Path(source.path) for source in sources if source.schema == "file"]


def _sources(config: DictConfig | Mapping[str, Any]) -> dict[str, str]:
    """Return for the key of each chosen option the file that it came from."""
    from omegaconf import DictConfig, OmegaConf

    if not isinstance(config, DictConfig) or "hydra" not in config:
        return {}
    folders = _search_of(config)
    found = {}
    for choice, name in (OmegaConf.select(config, "hydra.runtime.choices") or {}).items():
        group, _, key = str(choice).partition("@")
        files = (folder / group / f"{name}.yaml" for folder in folders)
        if path := next((path for path in files if path.is_file()), None):
            found[key or group] = f"conf/{group}/{name}.yaml" if path.is_relative_to(conf_dir()) else str(path)
    return found


def _complete(plain: dict[str, Any], config: DictConfig | Mapping[str, Any], problems: list[str]) -> None:
    """Give entries that were written without an option, in a plain list, the defaults of their type."""
    entries = [dict(entry) if isinstance(entry, Mapping) else entry for _, entry in named_entries(plain.get("stimuli"))]
    bare = [entry for entry in entries if isinstance(entry, dict) and "_target_" not in entry]
    kinds = {entry["type"] for entry in bare if isinstance(entry.get("type"), str)}
    if not kinds:
        return
    composer = Composer.over(folder for folder in _search_of(config) if folder != conf_dir())
    known = kinds & set(composer.options("stimuli"))
    for kind in sorted(kinds - known):
        options = composer.options("stimuli")
        problems.append(f"stimuli.type: got '{kind}', allowed are {listing(options)}{suggest(kind, options)}")
    composed = composer.load(["~stimuli", *(f"+stimuli@stimuli.{kind}={kind}" for kind in sorted(known))])
    defaults = plain_config({"stimuli": composed.get("stimuli", {})})["stimuli"]
    plain["stimuli"] = [
        {**defaults[entry["type"]], **entry} if entry in bare and entry.get("type") in known else entry
        for entry in entries
        if not (entry in bare and entry.get("type") in kinds - known)
    ]
