"""The outline of the skin, and counts of neurons by their density."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sensoryforge.config import kinds
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import format_value, unknown_key
from sensoryforge.core.values import is_finite
from sensoryforge.skin.outlined import Density, area_cm2, region_counts
from sensoryforge.skin.outlines import Outline
from sensoryforge.skin.receptors.base import Receptors

KEY = "pipeline.outline"
NONE = "none"
"""The option that stands for no outline."""
PARTS = "parts"
"""The key of regions, whose values are outlines themselves."""
DENSITY = "density_per_cm2"
"""The key of a population that may stand in place of its count."""
MOST_NEURONS = 10_000_000
"""What a density may come to; a count beyond fails for its memory, and is told so."""
_SLACK_MM = 1e-6


def spell_out_outline(value: Any, search: Iterable[str | Path] = ()) -> Any:
    """Return what ``pipeline.outline`` says with the values of its options in it.

    Parameters
    ----------
    value
        The name of an option, or a mapping with a ``type``, its ``parts`` alike.
    search
        Folders that the configuration was composed from.

    Raises
    ------
    ConfigError
        For an option that is not there; the message begins with the key.

    Examples
    --------
    >>> spell_out_outline({"type": "regions", "parts": {"tip": "none"}})["parts"]
    {'tip': 'none'}
    """
    if _is_none(value) or not isinstance(value, str | Mapping):
        return value
    search = list(search)
    try:
        written = kinds.spell_out("outline", value, search)
    except ConfigError as error:
        raise ConfigError(f"{KEY}.{kinds.TYPE}: {error}") from error
    parts = written.get(PARTS)
    if isinstance(parts, Mapping):
        written[PARTS] = {str(tag): _spell_out_part(tag, parts[tag], search) for tag in parts}
    return written


def _spell_out_part(tag: object, part: Any, search: list[str | Path]) -> Any:
    """Return what a region says with the values of its option in it."""
    if _is_none(part) or not isinstance(part, str | Mapping):
        return part
    try:
        return kinds.spell_out("outline", part, search)
    except ConfigError as error:
        raise ConfigError(f"{KEY}.{PARTS}.{tag}.{kinds.TYPE}: {error}") from error


def _is_none(value: object) -> bool:
    return value in (None, NONE, {kinds.TYPE: NONE})


def read_outline(
    value: Any, sheet: Receptors | None, search: Iterable[str | Path], problems: list[str]
) -> Outline | None:
    """Return the outline that ``pipeline.outline`` says; None for none.

    Parameters
    ----------
    value
        What stands there.
    sheet
        All receptors, None where they are unknown; the outline has to lie on their sheet.
    search
        Folders that the configuration was composed from.
    problems
        Takes a line for each mistake.
    """
    if _is_none(value):
        return None
    try:
        written = spell_out_outline(value, search)
        outline = kinds.make_instance(KEY, written, "a class of outline", Outline)
    except ConfigError as error:
        problems += error.problems
        return None
    if sheet is not None:
        problems += _off_the_sheet(outline, sheet)
    return outline


def _off_the_sheet(outline: Outline, sheet: Receptors) -> list[str]:
    """Return a line where an outline reaches beyond the sheet of receptors."""
    x, y = outline.center_mm
    needed = (2 * abs(x) + outline.width_mm, 2 * abs(y) + outline.height_mm)
    extent = (sheet.width_mm, sheet.height_mm)
    if needed[0] <= extent[0] + _SLACK_MM and needed[1] <= extent[1] + _SLACK_MM:
        return []
    got = f"got an outline that needs a sheet of {needed[0]:g} x {needed[1]:g} mm"
    has = f"which pipeline.grid_size and spacing_mm make {extent[0]:g} x {extent[1]:g} mm"
    return [f"{KEY}: {got}, {has}"]


# --- counts by density ---


def is_density(value: Any) -> bool:
    """Tell whether a value can be a density: a number above zero, or one for each tag.

    Examples
    --------
    >>> is_density(70), is_density({"tip": 70, "palm": 0}), is_density(0), is_density({})
    (True, True, False, False)
    """
    if isinstance(value, Mapping):
        numbers = list(value.values())
        return any(numbers) and all(is_finite(number) and number >= 0 for number in numbers)
    return is_finite(value) and value > 0


def count_by_density(
    name: str,
    neurons: Mapping[str, Any],
    outline: Outline | None,
    sheet: Receptors,
    problems: list[str],
) -> None:
    """Set the count of a population that says its density.

    Parameters
    ----------
    name
        The population.
    neurons
        The section ``neurons``; the population in it is changed. Its count may stand there already.
    outline, sheet
        The skin.
    problems
        Takes a line for each mistake.
    """
    population = neurons["populations"][name]
    where = f"neurons.populations.{name}"
    given = population.get("count")
    lines = _problems_of_density(f"{where}.{DENSITY}", population[DENSITY], outline, sheet)
    if lines:
        problems += lines
        population["count"] = 1  # of which nothing is to be said beside
        return
    count = sum(region_counts(outline, sheet, population[DENSITY]))
    if given not in (None, count):
        # neurons.sa_neurons is short for the count of sa.
        is_short = neurons.get(f"{name}_neurons") == given
        key = f"neurons.{name}_neurons" if is_short else f"{where}.count"
        got = f"got {format_value(given)} beside {DENSITY}"
        problems.append(f"{key}: {got}, allowed is one of them")
    population["count"] = count


def _problems_of_density(
    key: str, density: Density, outline: Outline | None, sheet: Receptors
) -> list[str]:
    """Return a line for each tag that is unknown or missing, and for a density without neurons."""
    tags = [tag for tag in (outline.regions if outline else {}) if tag]
    if isinstance(density, Mapping):
        if not tags:
            allowed = "allowed is a number: pipeline.outline has no regions"
            return [f"{key}: got {format_value(dict(density))}, {allowed}"]
        lines = [unknown_key(key, tag, tags) for tag in density if tag not in tags]
        missing = [tag for tag in tags if tag not in density]
        lines += [f"{key}.{tag}: missing, allowed is a number >= 0 (1/cm2)" for tag in missing]
        if lines:
            return lines
    area = area_cm2(outline, sheet)
    densest = max(density.values()) if isinstance(density, Mapping) else density
    got = f"{key}: got {format_value(density)}"
    if densest * area > MOST_NEURONS:
        largest = f"{MOST_NEURONS / area:.3g} (1/cm2)"
        return [f"{got}, allowed is up to {largest}, which are {MOST_NEURONS:,} neurons"]
    if sum(region_counts(outline, sheet, density)) > 0:
        return []
    return [f"{got}, which is no neuron on {area:.3g} cm2, allowed is more"]
