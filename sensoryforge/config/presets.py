"""Lists that are written short, ``linspace(5, 50, 10)`` and ``logspace(0.1, 10, 5)``, and ranges.

Both presets take the first value, the last, and how many. They stand in the place of a list, or
within one among other values.

A range, ``{low: 5, high: 50}``, goes through Hydra as text: it would merge two of them, and refuse
one in the place of a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sensoryforge.config.overrides import parse_override
from sensoryforge.core.axes import PER, could_be_axis
from sensoryforge.core.numerics import exp, log
from sensoryforge.core.values import is_finite
from sensoryforge.design.sampling.rounding import round_to_digits

_PRESET = re.compile(r"\s*(?P<name>linspace|logspace)\s*\((?P<arguments>[^()]*)\)\s*")
_BEGINNING = re.compile(r"\s*(linspace|logspace)\s*\(")
HINT = "linspace and logspace take (first, last, how many), and need quotes within [ ]"
MOST_VALUES = 1_000_000
RANGE_KEYS = frozenset({"low", "high", "scale", "mean", "std", "per"})
"""Keys of what is a range."""


def expand_preset(text: str) -> list[int | float] | None:
    """Return the values of a preset; None for a text that is none.

    Examples
    --------
    >>> expand_preset("linspace(5, 50, 10)")
    [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
    >>> expand_preset("logspace(0.1, 10, 5)")
    [0.1, 0.316227766017, 1.0, 3.16227766017, 10.0]
    >>> expand_preset("gaussian") is None
    True
    """
    match = _PRESET.fullmatch(text)
    if match is None:
        return None
    arguments = _numbers(match["arguments"])
    if len(arguments) != 3:
        return None
    first, last, count = arguments
    is_log = match["name"] == "logspace"
    if not isinstance(count, int) or not 1 <= count <= MOST_VALUES:
        return None
    if is_log and min(first, last) <= 0:
        return None
    return _between(first, last, count, is_log=is_log)


def expand_presets(value: Any) -> Any:
    """Return a value, or a list of them, in which presets are their values.

    Examples
    --------
    >>> expand_presets([1, "linspace(2, 4, 3)"])
    [1, 2, 3, 4]
    """
    if isinstance(value, str):
        values = expand_preset(value)
        return value if values is None else values
    if not isinstance(value, list) or not any(isinstance(item, str) for item in value):
        return value
    expanded: list[Any] = []
    for item in value:
        values = expand_preset(item) if isinstance(item, str) else None
        expanded += [item] if values is None else values
    return expanded


def looks_like_preset(value: object) -> bool:
    """Tell whether a text was meant as a preset.

    Examples
    --------
    >>> looks_like_preset("linspace(5"), looks_like_preset("line")
    (True, False)
    """
    return isinstance(value, str) and _BEGINNING.match(value) is not None


def spell_out_presets(texts: Iterable[str]) -> list[str]:
    """Return overrides in which presets are lists, and ranges are texts.

    Hydra takes the names of presets for functions of its own.

    Examples
    --------
    >>> spell_out_presets(["stimuli.sigma=linspace(1,2,3)", "pipeline.seed=3"])
    ['stimuli.sigma=[1, 1.5, 2]', 'pipeline.seed=3']
    >>> print(spell_out_presets(["stimuli.sigma={low: 1, high: 2}"])[0])
    stimuli.sigma='{"low": 1, "high": 2}'
    """
    return [_spell_out(text) for text in texts]


def _spell_out(text: str) -> str:
    key, _, value = text.partition("=")
    plain_key = key.lstrip("+")
    is_neuron = could_be_axis(plain_key)
    if not plain_key.startswith("stimuli.") and not is_neuron:
        return text
    if value.startswith("{"):
        override = parse_override(text)
        shortened = None if override is None else text_of_range(override.value())
        if is_neuron and PER not in str(shortened):
            return text  # a distribution over neurons
        return f"{key}='{shortened}'" if isinstance(shortened, str) else text
    values = expand_preset(value)
    return text if values is None else f"{key}={json.dumps(values)}"


def text_of_range(value: Any) -> Any:
    """Return a range as text, which Hydra handles as one value; others as they are.

    Examples
    --------
    >>> print(text_of_range({"low": 5, "high": 50}))
    {"low": 5, "high": 50}
    >>> text_of_range({"type": "sine"})
    {'type': 'sine'}
    """
    if not isinstance(value, Mapping) or not value or not set(map(str, value)) <= RANGE_KEYS:
        return value
    try:
        text = json.dumps({str(key): item for key, item in value.items()})
    except TypeError:  # something else than numbers and texts, which is told as it was written
        return value
    return value if "'" in text or "${" in text else text


def range_from_text(text: str) -> Any:
    """Return a range that was written as text, any other text as it is.

    Examples
    --------
    >>> range_from_text('{"low": 5, "high": 50}')
    {'low': 5, 'high': 50}
    """
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def _numbers(text: str) -> list[int | float]:
    """Return numbers that are separated by commas; none where one is not a number."""
    try:
        numbers = json.loads(f"[{text}]")
    except ValueError:
        return []
    return numbers if all(map(is_finite, numbers)) else []


def _between(first: float, last: float, count: int, *, is_log: bool) -> list[int | float]:
    """Return evenly spaced values, their ends as they were written."""
    part = np.arange(count) / max(count - 1, 1)
    if is_log:
        ends = log(np.array([first, last], dtype=np.float64))
        values = exp(ends[0] + (ends[1] - ends[0]) * part)
    else:
        values = first + (last - first) * part
    spaced: list[int | float] = round_to_digits(values).tolist()
    spaced[-1] = last
    spaced[0] = first
    if isinstance(first, int) and isinstance(last, int):
        return [int(value) if float(value).is_integer() else value for value in spaced]
    return [float(value) for value in spaced]
