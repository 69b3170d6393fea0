"""What a dataset was made of, rebuilt from its configuration."""

from __future__ import annotations

import json
from functools import lru_cache
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sensoryforge.analysis.measures import sample_count, step_ms
from sensoryforge.analysis.neurons import of_skin, seed_of
from sensoryforge.analysis.units import stimulus_entries
from sensoryforge.core.axes import SEED_AXIS
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import make_instance
from sensoryforge.core.types import Columns, Floats, Ints, Positions
from sensoryforge.skin.innervation import Innervation, ReceptiveFields
from sensoryforge.skin.layouts import Layout, shipped_layout
from sensoryforge.skin.neighbours import Cloud
from sensoryforge.skin.outlines import Outline
from sensoryforge.skin.places import Places
from sensoryforge.skin.receptors import Grid, Receptors, receptors_of
from sensoryforge.stimuli import FileOf, Range, Recipe, Stimulus, find_recipe
from sensoryforge.stimuli.recipe import flat_values, made_of

if TYPE_CHECKING:
    import pandas as pd

    from sensoryforge.analysis.results import Results

_KEPT_SHEETS = 4
_PIXELS_A_RECEPTOR = 16
"""Pixels of an image for each receptor, where they form no grid."""
_MOST_PIXELS = 2**16
_UNTOUCHED = 0.02
"""Share of the highest drive up to which a neuron is not touched."""
_MOST_VALUES = 20_000_000
"""Samples times receptors whose drive is worked out for one picture; a larger sheet is thinned."""


def config(results: Results, *keys: str) -> Any:
    """Return a node of the dataset's configuration; raises ConfigError where it is not there."""
    node: Any = results.metadata.get("config")
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            path = ".".join(keys)
            raise ConfigError(
                f"{results.directory}: its metadata has no {path}, which this picture needs"
            )
        node = node[key]
    return node


def sheet(results: Results) -> Receptors:
    """Return the receptors of the skin."""
    pipeline = dict(config(results, "pipeline"))
    for key in ("grid_size", "spacing_mm"):
        pipeline[key] = config(results, "pipeline", key)
    # Files of the first versions may lack the seed, which a grid does not need; where it is an axis
    # the receptors are those of one skin.
    if SEED_AXIS in results.table:
        pipeline["seed"] = seed_of(results.take([0]))
    return _receptors(json.dumps({"seed": 0, **pipeline}))


@lru_cache(maxsize=_KEPT_SHEETS)
def _receptors(pipeline: str) -> Receptors:
    """Return the receptors of a section ``pipeline``, drawn once for all pictures."""
    return receptors_of(json.loads(pipeline))


def outline(results: Results) -> Outline | None:
    """Return how far the skin reaches on the sheet; None for all of it.

    Examples
    --------
    >>> outline(results) is None
    True
    """
    written = config(results, "pipeline").get("outline", "none")
    if not isinstance(written, dict) or written.get("type") == "none":
        return None
    return make_instance("pipeline.outline", written, "a class of outline", Outline)


def duration_ms(results: Results) -> float:
    """Return how long a stimulus lasts."""
    return sample_count(results) * step_ms(results)


def receptive_fields(results: Results, population: str) -> tuple[Positions, ReceptiveFields]:
    """Return where the neurons of a population lie, ``[N, 2]`` in mm, and what each pools."""
    places = _places(results, population)
    return places.xy_mm, places.fields


def afferents(results: Results, population: str) -> tuple[Positions, ReceptiveFields | None]:
    """Return where the neurons of a population lie, ``[N, 2]`` in mm, and what each pools, if any.

    In a skin that deforms none pools receptors.

    >>> afferents(results, "sa")[0].shape
    (5, 2)
    """
    places = _places(results, population)
    pools_receptors = places.innervation.pools_receptors
    return places.xy_mm, places.fields if pools_receptors else None


def _places(results: Results, population: str) -> Places:
    """Return the afferents of a population, to be drawn again."""
    return Places(
        population=population,
        receptors=sheet(results),
        layout=_layout(results, population),
        innervation=_innervation(results, population),
        count=config(results, "neurons", "populations", population, "count"),
        seed=seed_of(results),
        outline=outline(results),
        density=config(results, "neurons", "populations", population).get("density_per_cm2"),
    )


def positions(results: Results, population: str) -> Positions:
    """Return where the neurons of a population lie, ``[N, 2]`` in mm.

    Examples
    --------
    >>> positions(results, "sa").shape
    (5, 2)
    """
    stored = of_skin(results, f"{population}_xy_mm")
    if stored is None:  # an interrupted run has only its configuration
        return _places(results, population).xy_mm
    return np.asarray(stored, dtype=np.float64)


def field_sd_mm(results: Results, population: str) -> float | None:
    """Return the standard deviation of a population's receptive fields, or None."""
    return _innervation(results, population).field_sd_mm


def _layout(results: Results, population: str) -> Layout:
    """Return the layout of a population: a name for a shipped one, or a mapping."""
    layout = config(results, "neurons", "populations", population, "layout")
    where = f"neurons.populations.{population}.layout"
    if isinstance(layout, dict):
        return make_instance(where, layout, "a class of layout", Layout)
    try:
        return shipped_layout(layout)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _innervation(results: Results, population: str) -> Innervation:
    """Return the innervation of a population."""
    innervation = config(results, "neurons", "populations", population, "innervation")
    where = f"neurons.populations.{population}.innervation"
    return make_instance(where, innervation, "a class of innervation", Innervation)


def frames(results: Results, row: int, samples: Ints, most: int = 0) -> Floats:
    """Return the drive on the sheet at some samples.

    It is read where it was saved (``batch.save``), and else worked out from the parameters.

    Parameters
    ----------
    results
        The dataset.
    row
        Which stimulus: a row of ``results.table``.
    samples
        Which samples, ``[F]``.
    most
        Receptors that are not too many; without it, as many as one picture has time for.

    Returns
    -------
    numpy.ndarray
        ``[F, rows, columns]``, in a.u.; of a large sheet only every second or third receptor.
        Where receptors form no grid, a pixel shows the receptor nearest to it.

    Raises
    ------
    ConfigError
        Where the stimulus was not saved and its class is not to be had.

    Examples
    --------
    >>> frames(results, 0, np.array([0, 59])).shape
    (2, 12, 12)
    """
    skin = sheet(results)
    is_grid = isinstance(skin, Grid)
    if is_grid and "stimulus" in results.names:
        saved = results.array(row, "stimulus").numpy()
        return saved[samples].astype(np.float64)
    receptors = thinned(skin, most or _MOST_VALUES // max(len(samples), 1))
    if not is_grid:
        shown: Floats = at_receptors(results, row, samples)[:, receptors]
        return shown
    times_ms = (samples * step_ms(results)).astype(np.float64)
    stimulus = _stimulus(results, row)
    drive = stimulus.frames(skin.xy(receptors.ravel()), times_ms, duration_ms(results))[0]
    images: Floats = drive.reshape(len(samples), *receptors.shape)
    return images


def at_receptors(results: Results, row: int, samples: Ints) -> Floats:
    """Return the drive at receptors, ``[F, R]`` in a.u., at some samples.

    Those are all receptors, but for a large grid, of which it is every second or third.

    >>> at_receptors(results, 0, np.array([0, 59])).shape
    (2, 144)
    """
    skin = sheet(results)
    if isinstance(skin, Grid):
        return frames(results, row, samples).reshape(len(samples), -1)
    if "stimulus" in results.names:
        saved = results.array(row, "stimulus").numpy()
        return saved[samples].astype(np.float64)
    times_ms = (samples * step_ms(results)).astype(np.float64)
    drive: Floats = _stimulus(results, row).frames(skin.xy(), times_ms, duration_ms(results))[0]
    return drive


def thinned(skin: Receptors, most: int) -> Ints:
    """Return which receptor each pixel of an image of the sheet shows.

    Parameters
    ----------
    skin
        The sheet.
    most
        How many pixels are not too many.

    Returns
    -------
    numpy.ndarray
        Numbers of receptors, ``[rows, columns]``: of a grid all, or every second or third where
        they are too many; else the receptor nearest to each pixel.

    Examples
    --------
    >>> thinned(Grid(4, 6, 0.15), most=24).shape, thinned(Grid(4, 6, 0.15), most=10).tolist()
    ((4, 6), [[0, 2, 4], [12, 14, 16]])
    """
    if not isinstance(skin, Grid):
        return _nearest_receptors(skin, most)
    step = max(1, ceil(sqrt(skin.count / max(most, 1))))
    lines = np.arange(0, skin.rows, step)
    columns = np.arange(0, skin.columns, step)
    return lines[:, None] * skin.columns + columns


def _nearest_receptors(skin: Receptors, most: int) -> Ints:
    """Return the receptor nearest to each pixel of an image of the sheet, ``[rows, columns]``."""
    pixels = max(1, min(_PIXELS_A_RECEPTOR * skin.count, _MOST_PIXELS, most))
    side_mm = sqrt(skin.width_mm * skin.height_mm / pixels)
    rows = max(1, round(skin.height_mm / side_mm))
    columns = max(1, round(skin.width_mm / side_mm))
    y, x = np.divmod(np.arange(rows * columns), columns)
    places = skin.from_middle((x + 0.5) / columns - 0.5, (y + 0.5) / rows - 0.5)
    nearest, _ = Cloud(skin.xy()).nearest(places, 1)
    return nearest.reshape(rows, columns)


def highest_drive(results: Results, row: int) -> Floats:
    """Return the highest drive over time at each receptor, ``[rows, columns]``.

    Of a stimulus that moves it is the whole way.
    """
    highest: Floats = frames(results, row, np.arange(sample_count(results))).max(axis=0)
    return highest


def moves(results: Results, row: int) -> bool:
    """Tell whether a stimulus, or a part of it, moves over the skin.

    >>> moves(results, 0)
    False
    """
    stimulus = results.table.iloc[row]
    names = [str(name) for name in results.table]
    motions = [stimulus[name] for name in names if _is_motion(name)]
    return any(isinstance(motion, str) for motion in motions)


def touch_samples(results: Results, row: int, population: str) -> Floats:
    """Return the sample at which each neuron of a population is touched, ``[N]``.

    It is the first at which the drive on it, at the nearest receptor drawn, is half of its highest;
    infinite where nothing touches it.

    Raises
    ------
    ConfigError
        Where the stimulus, or the places of neurons, are not known.

    Examples
    --------
    >>> touch_samples(results, 0, "sa").shape
    (5,)
    """
    images = frames(results, row, np.arange(sample_count(results)))
    left, right, bottom, top = extent_mm(results)
    x_mm, y_mm = positions(results, population).T
    rows, columns = images.shape[1:]
    column = np.clip((x_mm - left) / (right - left) * columns, 0, columns - 1).astype(np.int64)
    line = np.clip((y_mm - bottom) / (top - bottom) * rows, 0, rows - 1).astype(np.int64)
    courses = images[:, line, column]
    highest = courses.max(axis=0)
    is_touched = highest > _UNTOUCHED * max(float(images.max()), 1e-12)
    first = (courses >= highest / 2).argmax(axis=0)
    samples: Floats = np.where(is_touched, first, np.inf)
    return samples


def _is_motion(name: str) -> bool:
    return name == "motion" or name.endswith("_motion")


def extent_mm(results: Results) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the sheet in mm."""
    skin = sheet(results)
    half_width = skin.width_mm / 2
    half_height = skin.height_mm / 2
    x, y = skin.center_mm
    return x - half_width, x + half_width, y - half_height, y + half_height


def _stimulus(results: Results, row: int) -> Stimulus:
    """Return a stimulus as its class shapes it."""
    stimulus = results.table.iloc[row]
    stimulus_type = str(stimulus["type"])
    entry = _entry_of(results, stimulus)
    target, parts = made_of(entry)
    try:
        recipe = find_recipe(target, parts)
        return recipe(_columns_of(stimulus, entry, recipe))
    except ConfigError as error:
        advice = "a run with 'batch.save=[stimulus]' keeps what it pressed"
        raise ConfigError(f"{stimulus_type}: {error}; {advice}") from error


def _entry_of(results: Results, stimulus: pd.Series[Any]) -> dict[str, Any]:
    """Return the entry of the configuration that a stimulus is of; an empty one where none is."""
    for entry in stimulus_entries(results):
        if entry.get("type") != stimulus["type"]:
            continue
        # Entries of one type may differ in their profile, their motion or their parts.
        flat = flat_values(entry)
        kinds = {name: value for name, value in flat.items() if isinstance(value, str)}
        if all(_is_same_text(stimulus.get(name), value) for name, value in kinds.items()):
            return entry
    return {}


def _is_same_text(shown: object, written: str) -> bool:
    """Tell whether a table shows what a configuration says: a file may be shown by its name."""
    return shown in (written, Path(written).name)


def _columns_of(stimulus: pd.Series[Any], entry: dict[str, Any], recipe: Recipe) -> Columns:
    """Return the parameters of a stimulus as columns of a single condition."""
    flat = flat_values(entry)
    columns: Columns = {}
    for name, allowed in recipe.ranges.items():
        value = stimulus.get(name)
        if isinstance(allowed, Range):
            if value is not None and not (allowed.optional and np.isnan(value)):
                columns[name] = np.array([value], dtype=np.float64)
        elif isinstance(allowed, FileOf):
            written = flat[name] if isinstance(flat[name], list) else [flat[name]]
            columns[name] = np.array([path for path in written if _is_same_text(value, path)][:1])
        elif isinstance(value, str):
            columns[name] = np.array([value])
    return columns
