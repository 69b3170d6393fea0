"""Numbers of a population that are set in two places: in a table of units, by count and density.

An option has to say some number of everything, which a table or a density then replaces. Only what
differs from the options that a population is made of was set by the user, and is refused. Which
options these are only a composed configuration tells, so that it is asked here, before Hydra's node
is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensoryforge.config.composed import plain_value, search_folders
from sensoryforge.config.kinds import option, option_names
from sensoryforge.config.outlines import DENSITY, is_density
from sensoryforge.config.units import OF_POPULATION, has_units, read_units
from sensoryforge.core.messages import format_value

if TYPE_CHECKING:
    from omegaconf import DictConfig

_BLOCKS = ("filter", "model")


def leave_counts_to_densities(config: DictConfig | Mapping[str, Any]) -> list[str]:
    """Set counts that only an option says to null where a density stands beside them.

    Parameters
    ----------
    config
        A composed configuration; it is changed. Of one without Hydra's node nothing is known.

    Returns
    -------
    list of str
        A line for each number that is set in two places.
    """
    from omegaconf import DictConfig, OmegaConf, open_dict

    problems: list[str] = []
    for name, population, choices in _populations(config):
        where = f"neurons.populations.{name}"
        usual = _usual_values(where, choices, search_folders(config))
        has_usual_count = population.get("count") == usual.get("count")
        if is_density(population.get(DENSITY)) and has_usual_count:
            assert isinstance(config, DictConfig)
            with open_dict(config):
                OmegaConf.update(config, f"{where}.count", None)
        if has_units(population.get("units")):
            folders = search_folders(config)
            problems += _set_in_a_table(where, population, usual, folders)
    return problems


def _populations(
    config: DictConfig | Mapping[str, Any],
) -> Iterator[tuple[str, dict[str, Any], Mapping[str, Any]]]:
    """Yield the populations that have a table or a density, and the options that were chosen."""
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if not isinstance(config, DictConfig) or "hydra" not in config:
        return
    choices = OmegaConf.select(config, "hydra.runtime.choices") or {}
    neurons = config.get("neurons")
    populations = neurons.get("populations") if isinstance(neurons, DictConfig) else None
    if not isinstance(populations, DictConfig):
        return
    for name in populations:
        try:
            population = plain_value(populations[name])
        except OmegaConfBaseException:  # which is told where the whole is resolved
            continue
        if not isinstance(population, dict):
            continue
        if has_units(population.get("units")) or is_density(population.get(DENSITY)):
            yield str(name), population, choices


def _usual_values(
    where: str, choices: Mapping[str, Any], folders: Sequence[Path]
) -> dict[str, Any]:
    """Return what the options say that a population is made of."""
    values = _option_values("population", choices.get(f"population@{where}"), folders)
    for block in _BLOCKS:
        values[block] = _option_values(block, choices.get(f"{block}@{where}.{block}"), folders)
    return values


def _option_values(group: str, name: object, folders: Sequence[Path]) -> dict[str, Any]:
    """Return what an option says, nothing where it is none."""
    if name not in option_names(group, folders):
        return {}
    return option(group, str(name), folders)


def _set_in_a_table(
    where: str, values: Mapping[str, Any], usual: Mapping[str, Any], folders: Sequence[Path]
) -> Iterator[str]:
    """Yield a line for each number that a table of units and the user both set."""
    table = read_units(f"{where}.units", values["units"], folders, [])
    for name in table.columns if table is not None else ():
        keys = _keys_of_column(name)
        said, number = _at(usual, keys), _at(values, keys)
        if said is None or number is None or number == said:
            continue
        key = f"{where}.{'.'.join(keys)}"
        allowed = f"allowed is one of them; {format_value(said)} leaves it to the table"
        yield f"{key}: got {format_value(number)} beside a column of units, {allowed}"


def _keys_of_column(name: str) -> tuple[str, ...]:
    """Return the keys of a population that say what a column says."""
    if name in OF_POPULATION:
        return (name,)
    block, _, parameter = name.partition(".")
    return (block, "parameters", parameter) if block in _BLOCKS else ()


def _at(node: Any, keys: Sequence[str]) -> Any:
    """Return the value at some keys; None where it is not there, and for no keys."""
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if keys else None
