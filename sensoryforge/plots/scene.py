"""What a dataset was made of, rebuilt from its configuration: the sheet, the receptive fields and the pressure."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.analysis import samples, step_ms
from sensoryforge.errors import ConfigError
from sensoryforge.innervation import GaussianInnervation, Innervation
from sensoryforge.numerics import hash64
from sensoryforge.receptors import Sheet, layout
from sensoryforge.stimuli import stimulus_class
from sensoryforge.types import Floats, Ints, Positions
from sensoryforge.units import entries

if TYPE_CHECKING:
    from sensoryforge.store.results import Results

_OURS = f"{GaussianInnervation.__module__}.{GaussianInnervation.__name__}"
_MOST_VALUES = 20_000_000
"""Pressures that are worked out for one picture; a larger sheet is thinned."""


def config(results: Results, *keys: str) -> Any:
    """Return a node of the dataset's configuration; raises ConfigError where it is not there."""
    node: Any = results.metadata.get("config")
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            raise ConfigError(f"{results.directory}: its metadata has no {'.'.join(keys)}, which this picture needs")
        node = node[key]
    return node


def sheet(results: Results) -> Sheet:
    """Return the sheet of receptors."""
    return Sheet.from_config(config(results, "pipeline", "grid_size"), config(results, "pipeline", "spacing_mm"))


def duration_ms(results: Results) -> float:
    """Return how long a stimulus lasts."""
    return samples(results) * step_ms(results)


def receptive_fields(results: Results, population: str) -> tuple[Positions, Innervation]:
    """Return where the neurons of a population lie, ``[N, 2]`` in mm, and which receptors each pools."""
    skin, spec = sheet(results), config(results, "neurons", "populations", population)
    seed = config(results, "pipeline", "seed")
    innervation = dict(spec["innervation"])
    target = innervation.pop("_target_", _OURS)
    if target != _OURS:
        raise ConfigError(f"{population}: its innervation {target} is not one that can be drawn again")
    field = GaussianInnervation(**innervation)
    centres = layout(spec["layout"], skin, spec["count"], hash64("layout", seed, population))
    return centres, field.draw(skin, centres, hash64("innervation", seed, population))


def field_sigma_mm(results: Results, population: str) -> float:
    """Return the standard deviation of the receptive fields of a population."""
    return float(config(results, "neurons", "populations", population, "innervation", "sigma_mm"))


def frames(results: Results, row: int, at: Ints) -> Floats:
    """Return the pressure on the sheet at some samples, ``[len(at), rows, columns]``; a large sheet is thinned.

    It is read where it was saved, and else worked out from the parameters. Raises ConfigError where neither can be.
    """
    if "stimulus" in results.names:
        return results.array(row, "stimulus").numpy()[at].astype(np.float64)
    skin = sheet(results)
    step = max(1, ceil(sqrt(skin.count * len(at) / _MOST_VALUES)))
    lines, columns = np.arange(0, skin.rows, step), np.arange(0, skin.columns, step)
    xy = skin.xy((lines[:, None] * skin.columns + columns).ravel())
    values = _stimulus(results, row).frames(xy, at * step_ms(results), duration_ms(results))[0]
    found: Floats = values.reshape(len(at), len(lines), len(columns))
    return found


def time_course(results: Results, row: int) -> Floats:
    """Return the pressure over time, ``[T]``, at the receptor that is pressed most at some time."""
    values = frames(results, row, np.arange(samples(results))).reshape(samples(results), -1)
    course: Floats = values[:, values.max(axis=0).argmax()]
    return course


def extent_mm(results: Results) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the sheet in mm."""
    skin = sheet(results)
    return -skin.width_mm / 2, skin.width_mm / 2, -skin.height_mm / 2, skin.height_mm / 2


def _stimulus(results: Results, row: int) -> Any:
    """Return a stimulus as its class shapes it."""
    table = results.table.iloc[row]
    kind = str(table["type"])
    target = next((str(entry.get("_target_")) for entry in entries(results) if entry.get("type") == kind), "nothing")
    try:
        cls = stimulus_class(target)
    except ConfigError as error:
        raise ConfigError(f"{kind}: {error}; a run with batch.save=[stimulus] keeps what it pressed") from error
    return cls({name: np.array([table[name]], dtype=np.float64) for name in cls.ranges})
