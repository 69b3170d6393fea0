"""Sweeps: axes of stimuli and afferents become lists of one job, everything else one job each.

``-m stimuli.amplitude=10,20,30`` is one job with ``stimuli.amplitude=[10,20,30]``; ``-m
stimuli=gaussian,step`` is one job with an entry of each type, ``~stimuli
+stimuli@stimuli.gaussian=gaussian +stimuli@stimuli.step=step``, which a single run takes too; ``-m
pipeline.grid_size=32,64`` is two jobs: a *structural* axis changes the shape of a dataset.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from sensoryforge.config.composer import Composer, hydra_errors
from sensoryforge.config.hydra_private import value_as_text
from sensoryforge.config.overrides import (
    is_of_piece,
    is_sweep,
    spell_out_override,
    spell_out_piece,
    text_of_long_list,
)
from sensoryforge.config.presets import text_of_range
from sensoryforge.config.stimuli import named_stimuli, refuse_mixture
from sensoryforge.core.axes import CONDITION, PER, WHAT_MAY_BE_AXES, could_be_axis
from sensoryforge.core.errors import ConfigError, raise_if
from sensoryforge.core.messages import list_names, suggest
from sensoryforge.core.values import is_number

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

Entries: TypeAlias = Mapping[str, Mapping[str, Any]]

GROUP = "stimuli"
DIGITS = 12
"""Digits that a value of ``range()`` keeps: 0.3 + 2 x 0.2 is 0.7."""
MAX_NAME = 200
"""Bytes of a sub-directory's name; with longer ones, or one for two jobs, the jobs are numbered."""
_SEPARATORS = "/\\\0\n"
"""What no name of a directory may hold."""
_NOT_ON_WINDOWS = ':*?"<>|'
"""What Windows does not take besides; elsewhere it stays, and directories keep their names."""


_SAME_IN_EVERY_JOB = {
    "batch.output_dir": "one directory holds all jobs, each below it; give one",
    "batch.dry_run": "true or false is for all jobs; give one",
}
"""Keys that are read before there are jobs, and why several values of one would reach none."""
_OF_HYDRA = re.compile(r"hydra[./@]")
_OF_ALL_JOBS = "a setting of Hydra's own is for all jobs; give one value"


@dataclass(frozen=True)
class Job:
    """One dataset of a sweep.

    Attributes
    ----------
    overrides
        The overrides of its job, as a single run takes them.
    name
        The name of its sub-directory, empty without structural axes.
    """

    overrides: tuple[str, ...]
    name: str


def plan(overrides: Sequence[Override], composer: Composer) -> list[Job]:
    """Return the jobs of a sweep, the last structural axis fastest.

    Parameters
    ----------
    overrides
        The overrides of a command line after ``-m``; of two for one key the last counts.
    composer
        Knows the options, and composes the types where several are swept.

    Raises
    ------
    ConfigError
        For values that cannot be listed, one that stands twice, a type that does not exist.
    """
    latest = _last_of_each_key(overrides)
    raise_if(_problems_of_sweep(latest.values(), composer))
    types = swept_types(latest.values())
    entries = _entries_of_types(types, latest.values(), composer) if len(types) > 1 else {}
    alternatives: list[list[str]] = []
    for key, override in latest.items():
        if is_structural(override):
            alternatives.append([f"{key}={text}" for text in _texts(override)])
        else:
            fixed = _overrides_of_every_job(key, override, types, entries)
            alternatives += [[text] for text in fixed]
    points = list(product(*alternatives))
    names = _directory_names(points, alternatives)
    return [Job(point, name) for point, name in zip(points, names, strict=True)]


def swept_types(overrides: Iterable[Override]) -> list[str]:
    """Return the types of stimuli that are swept (``stimuli=gaussian,step``), each once."""
    for override in overrides:
        if override.get_key_element() == GROUP and is_sweep(override):
            return list(dict.fromkeys(_texts(override)))
    return []


def is_structural(override: Override) -> bool:
    """Tell whether an override is an axis of jobs, not one of the conditions of a dataset."""
    key = override.get_key_element().lstrip("+")
    if not is_sweep(override) or key == GROUP or key.startswith(f"{GROUP}."):
        return False
    # Numbers of afferents are axes of one dataset; distributions of them make one each.
    return not (could_be_axis(key) and _is_of_numbers(override))


def _last_of_each_key(overrides: Iterable[Override]) -> dict[str, Override]:
    """Return the overrides by key; the last for a key counts, at the place of the first."""
    return {override.get_key_element(): override for override in overrides}


def _is_of_numbers(override: Override) -> bool:
    """Tell whether a sweep has numbers for values."""
    return override.is_interval_sweep() or all(map(is_number, _values(override)))


# --- what is wrong ---


def _problems_of_sweep(overrides: Iterable[Override], composer: Composer) -> Iterator[str]:
    """Yield the line for each sweep that cannot be listed."""
    for override in overrides:
        if is_sweep(override):
            yield from _problems_of_axis(override, composer)


def _problems_of_axis(override: Override, composer: Composer) -> Iterator[str]:
    """Yield the line for a sweep without values, with one twice, or of a type that is none."""
    text = override.input_line
    if override.is_interval_sweep():
        if is_structural(override):
            yield (
                f"{text}: interval() has no values to list, write range() or the values, of which"
                f" each makes a dataset; {WHAT_MAY_BE_AXES}"
            )
        return
    values = _texts(override)
    reason = _why_the_same_in_every_job(override.get_key_element().lstrip("+"))
    if not values:
        yield f"{text}: no values"
    elif reason is not None:
        yield f"{text}: {reason}"
    elif is_structural(override):
        repeated = _first_repeated(values)
        if repeated is not None:
            yield f"{text}: {repeated} stands twice; each value makes a dataset of its own"
    elif override.get_key_element() == GROUP:
        options = composer.options(GROUP)
        for name in values:
            if name not in options:
                yield composer.no_such_option(GROUP, GROUP, name)


def _why_the_same_in_every_job(key: str) -> str | None:
    """Return why a key has one value for all jobs; None where each job may have its own."""
    if _OF_HYDRA.match(key):
        return _OF_ALL_JOBS
    return _SAME_IN_EVERY_JOB.get(key)


def _first_repeated(texts: Sequence[str]) -> str | None:
    """Return the first text that stands twice."""
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            return text
        seen.add(text)
    return None


# --- several types ---


def _entries_of_types(
    types: Sequence[str], overrides: Collection[Override], composer: Composer
) -> Entries:
    """Return the parameters of each type, composed with the options that every job has.

    Raises ConfigError where an experiment that was chosen has entries of its own.
    """
    choices = [text for text in _fixed_choices(overrides, composer) if not is_of_piece(text)]
    pieces: list[str] = []
    for override in overrides:
        text = str(override.input_line)
        if is_of_piece(text) and not is_sweep(override):
            pieces += spell_out_piece(text, types, [])
    try:
        composed = composer.load_quickly([*choices, *_overrides_of_types(types), *pieces])
    except hydra_errors():
        _refuse_own_entries(choices, types, composer)
        composed = composer.load(_overrides_of_types(types))  # what else is wrong is said later
    return named_stimuli(composed)


def _refuse_own_entries(choices: Sequence[str], types: Sequence[str], composer: Composer) -> None:
    """Raise ConfigError for an experiment whose entries leave nothing for ``~stimuli`` to take."""
    with suppress(*hydra_errors()):
        own = named_stimuli(composer.load(choices))
        if own:
            raise ConfigError(refuse_mixture(",".join(types), list(own)))


def _fixed_choices(overrides: Iterable[Override], composer: Composer) -> list[str]:
    """Return the overrides that pick the same option in every job."""
    choices: list[str] = []
    for override in overrides:
        text = str(override.input_line)
        if not is_sweep(override) and composer.picks_options(text):
            choices.append(text)
    return choices


def _overrides_of_types(types: Iterable[str]) -> list[str]:
    """Return the overrides that put an entry of each type in place of the group's usual choice."""
    overrides = [f"~{GROUP}"]
    for name in types:
        overrides.append(f"+{GROUP}@{GROUP}.{name}={name}")
    return overrides


# --- the overrides of a job ---


def _overrides_of_every_job(
    key: str, override: Override, types: Sequence[str], entries: Entries
) -> list[str]:
    """Return what stands in every job for an override that is no structural axis."""
    if key == GROUP and len(types) > 1:
        return _overrides_of_types(types)
    if key == GROUP and types:
        return [f"{GROUP}={types[0]}"]
    text = _as_one_override(key, override)
    if len(types) <= 1:
        return [text]
    if is_of_piece(text):
        return spell_out_piece(text, types, [])
    addressed = spell_out_override(text, entries)
    if not addressed:
        parameter = key.partition(".")[2].partition(".")[0]
        raise ConfigError(_unknown_parameter(key, parameter, entries))
    return addressed


def _as_one_override(key: str, override: Override) -> str:
    """Return an override as a single run takes it: a sweep as one list."""
    if override.is_interval_sweep():
        return f"{key}={_as_range(override)}"
    if is_sweep(override):
        return f"{key}={_as_list(override)}"
    if override.input_line:
        return override.input_line
    return f"{key}={override.get_value_element_as_str()}"


def _as_range(override: Override) -> str:
    """Return ``interval(5, 50)`` as the range that it is, as text; its tag is the scale."""
    interval: Any = override.value()
    values: dict[str, Any] = {"low": interval.start, "high": interval.end}
    if interval.tags:
        values["scale"] = ",".join(sorted(map(str, interval.tags)))
    if could_be_axis(override.get_key_element().lstrip("+")):
        values[PER] = CONDITION
    return f"'{text_of_range(values)}'"


def _as_list(override: Override) -> str:
    """Return the values of a sweep as one list, a long one as quoted text."""
    shortened = text_of_long_list(_values(override))
    if isinstance(shortened, str):
        return f"'{shortened}'"
    return f"[{','.join(_texts(override))}]"


def _values(override: Override) -> list[Any]:
    """Return the values of a sweep, those of a range rounded and short of its end."""
    values: list[Any] = list(override.sweep_iterator())
    if not override.is_range_sweep():
        return values
    sweep: Any = override.value()
    stop = round(sweep.stop, DIGITS)
    within: list[Any] = []
    for value in values:
        rounded = round(value, DIGITS)
        is_short_of_end = rounded < stop if sweep.step > 0 else rounded > stop
        if is_short_of_end:
            within.append(rounded)
    return within


def _texts(override: Override) -> list[str]:
    """Return the values of a sweep as they are written in an override."""
    return [value_as_text(override, value) for value in _values(override)]


def _unknown_parameter(key: str, name: str, entries: Entries) -> str:
    """Return the line for a parameter that no type has."""
    known: dict[str, None] = {}
    for parameters in entries.values():
        known |= dict.fromkeys(parameters)
    known.pop("_target_", None)
    return f"{key}: unknown key, known are {list_names(known)}{suggest(name, known)}"


# --- the names of directories ---


def _directory_names(
    points: Sequence[Sequence[str]], alternatives: Sequence[Sequence[str]]
) -> list[str]:
    """Return the sub-directory of each job, named by the axes that tell jobs apart."""
    names: list[str] = []
    for point in points:
        varied: list[str] = []
        for text, texts in zip(point, alternatives, strict=True):
            if len(texts) > 1:
                varied.append(text)
        names.append(_directory_name(varied))
    too_long = any(len(name.encode()) > MAX_NAME for name in names)
    if too_long or len(set(names)) < len(names):
        return [str(number) for number in range(len(names))]
    return names


def _directory_name(overrides: Iterable[str]) -> str:
    """Return overrides as the name of a directory."""
    name = ",".join(text.lstrip("+~") for text in overrides)
    refused = _SEPARATORS + _NOT_ON_WINDOWS if os.name == "nt" else _SEPARATORS
    for letter in refused:
        name = name.replace(letter, "-")
    return name
