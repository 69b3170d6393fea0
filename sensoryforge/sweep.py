"""Sweeps: axes of a stimulus become lists of one job, everything else one job each.

``-m stimuli.amplitude=10,20,30`` is one job with ``stimuli.amplitude=[10,20,30]``; ``-m stimuli=gaussian,step`` is one
job with an entry of each type, composed by overrides that replay; ``-m pipeline.grid_size=32,64`` is two jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from sensoryforge.batchfile import quick
from sensoryforge.composer import Composer, entries_of, raise_if, refusals
from sensoryforge.entries import addressed, mixed
from sensoryforge.errors import ConfigError, listing, suggest

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

Entries: TypeAlias = Mapping[str, Mapping[str, Any]]

GROUP = "stimuli"
DIGITS = 12
"""Digits that a value of ``range()`` keeps: 0.3 + 2 x 0.2 is 0.7."""
MAX_NAME = 200
"""Bytes of a sub-directory's name; with longer ones, or the same for two jobs, the jobs are numbered."""


@dataclass(frozen=True)
class Job:
    """The overrides of one job and the name of its sub-directory, empty without structural axes."""

    overrides: tuple[str, ...]
    name: str


def plan(overrides: Sequence[Override], composer: Composer) -> list[Job]:
    """Return the jobs of a sweep, the last structural axis fastest. Raises ConfigError for what cannot be listed."""
    latest = {override.get_key_element(): override for override in overrides}
    raise_if(line for override in latest.values() for line in _problems(override, composer))
    types = list(dict.fromkeys(_texts(latest[GROUP]))) if GROUP in latest and _is_sweep(latest[GROUP]) else []
    if len(types) > 1:
        _refuse_mixture(types, latest.values(), composer)
    composed = composer.load(_entries(types)).get(GROUP) if len(types) > 1 else {}
    slots: list[list[str]] = []
    for key, override in latest.items():
        if _is_structural(override):
            slots.append([f"{key}={text}" for text in _texts(override)])
        else:
            slots += [[text] for text in _written(key, override, types, composed)]
    axes = [slot for slot in slots if len(slot) > 1]
    points = list(product(*slots))
    names = [_name(text for text, slot in zip(point, slots, strict=True) if slot in axes) for point in points]
    if any(len(name.encode()) > MAX_NAME for name in names) or len(set(names)) < len(names):
        names = [str(number) for number in range(len(names))]
    return [Job(point, name) for point, name in zip(points, names, strict=True)]


def _problems(override: Override, composer: Composer) -> Iterator[str]:
    """Yield the line for a sweep that has no values to list, one twice, or a type that does not exist."""
    if override.is_interval_sweep():
        yield f"{override.input_line}: interval() has no values to list, write range() or the values"
    elif _is_sweep(override) and not _values(override):
        yield f"{override.input_line}: no values"
    elif _is_structural(override) and (twice := _twice(_texts(override))):
        yield f"{override.input_line}: {twice} stands twice; each value makes a dataset of its own"
    elif _is_sweep(override) and override.get_key_element() == GROUP:
        options = composer.options(GROUP)
        for name in _texts(override):
            if name not in options:
                yield f"{GROUP}: got '{name}', allowed are {listing(options)}{composer.hint(GROUP, name)}"


def _refuse_mixture(types: Iterable[str], overrides: Iterable[Override], composer: Composer) -> None:
    """Raise ConfigError for types that are chosen for an experiment with entries of its own."""
    fixed = [o.input_line for o in overrides if o.input_line and not _is_sweep(o) and "." not in o.get_key_element()]
    with suppress(*refusals()):  # what is wrong with the others is said with the problems of the jobs
        found = entries_of(composer.load(fixed))
        raise_if([mixed(",".join(types), list(found))] if found else [])


def _twice(texts: Sequence[str]) -> str | None:
    """Return the first text that stands twice."""
    return next((text for place, text in enumerate(texts) if text in texts[:place]), None)


def _is_sweep(override: Override) -> bool:
    """Tell whether an override has several values."""
    return bool(override.is_sweep_override())


def _is_structural(override: Override) -> bool:
    """Tell whether an override is an axis of jobs, not of stimuli."""
    key = override.get_key_element().lstrip("+")
    return _is_sweep(override) and key != GROUP and not key.startswith(f"{GROUP}.")


def _written(key: str, override: Override, types: Sequence[str], composed: Entries) -> Iterator[str]:
    """Yield what stands in every job for an override that is no structural axis."""
    if key == GROUP and types:
        yield from _entries(types) if len(types) > 1 else [f"{GROUP}={types[0]}"]
        return
    plain = override.input_line or f"{key}={override.get_value_element_as_str()}"
    text = f"{key}={_list(override)}" if _is_sweep(override) else plain
    found = addressed(text, composed) if len(types) > 1 else [text]
    if not found:
        raise ConfigError(_unknown(key, key.partition(".")[2].partition(".")[0], composed))
    yield from found


def _values(override: Override) -> list[Any]:
    """Return the values of a sweep, those of a range rounded and short of its end."""
    values: list[Any] = list(override.sweep_iterator())
    if not override.is_range_sweep():
        return values
    sweep: Any = override.value()
    rounded = [round(value, DIGITS) for value in values]
    stop = round(sweep.stop, DIGITS)
    return [value for value in rounded if (value < stop if sweep.step > 0 else value > stop)]


def _texts(override: Override) -> list[str]:
    """Return the values of a sweep as they are written in an override."""
    return [override._get_value_element_as_str(value) for value in _values(override)]


def _list(override: Override) -> str:
    """Return the values of a sweep as one list, a long one as quoted text."""
    quoted = quick(_values(override))
    return f"'{quoted}'" if isinstance(quoted, str) else f"[{','.join(_texts(override))}]"


def _name(point: Iterable[str]) -> str:
    """Return the name of a sub-directory: the overrides of its job, without what a file name cannot have."""
    name = ",".join(text.lstrip("+~") for text in point)
    return "".join("-" if character in "/\\\0\n" else character for character in name)


def _entries(types: Iterable[str]) -> Iterator[str]:
    """Yield the overrides that put one entry of each type in place of the group's usual choice."""
    yield f"~{GROUP}"
    yield from (f"+{GROUP}@{GROUP}.{name}={name}" for name in types)


def _unknown(key: str, name: str, composed: Entries) -> str:
    """Return the line for a parameter that no type has."""
    known = [each for entry in composed.values() for each in entry if each != "_target_"]
    return f"{key}: unknown key, known are {listing(dict.fromkeys(known))}{suggest(name, known)}"
