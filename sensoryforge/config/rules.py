"""What each configuration key may hold, and the line that says so.

A key is declared once: default, unit and meaning in its YAML file in ``conf/``, its range here. A
message gets its unit from that file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from sensoryforge.config.catalogue import declared_units
from sensoryforge.config.outlines import is_density
from sensoryforge.core.axes import CONDITION, PER, WHAT_MAY_BE_AXES, is_of_population
from sensoryforge.core.devices import BACKENDS, DEVICES, is_device_name
from sensoryforge.core.messages import (
    format_value,
    hint_at_number,
    list_names,
    suggest,
    unknown_key,
)
from sensoryforge.core.values import is_finite, is_whole
from sensoryforge.design.delay import read_delay
from sensoryforge.equations.stepping import INTEGRATORS
from sensoryforge.skin.receptors import ARRANGEMENTS, MAX_SIDE, MOST_JITTER

SURROGATES = ("fast_sigmoid", "arctan")
"""Derivatives of a spike in training."""
_SYNONYMS = {"gpu": "cuda", "GPU": "cuda", "h5": "hdf5", "pt": "pytorch"}
"""What users write for a name of ours that looks otherwise."""
SAVES = ("drive", "filtered", "voltage", "stimulus")
"""Intermediates that ``batch.save`` may keep."""


@dataclass(frozen=True)
class Rule:
    """What a value may be.

    Attributes
    ----------
    allows
        Tells whether a value is allowed.
    text
        What is allowed, in words that follow "allowed"; ``{unit}`` stands for the key's unit.
    names
        The names to suggest from for a text that is not allowed.
    chosen_by_option
        Whether an option of a group belongs there, which a text may have been meant to pick.
    """

    allows: Callable[[Any], bool]
    text: str
    names: tuple[str, ...] = ()
    chosen_by_option: bool = False

    def allowed(self, unit: str = "-") -> str:
        """Return what is allowed, in words."""
        return f"allowed {self.text.replace('{unit}', unit)}"

    def problem(self, key: str, value: object, unit: str = "-") -> str:
        """Return the line for a value that is not allowed; ``unit`` is that of the key."""
        line = f"{key}: got {format_value(value)}, {self.allowed(unit)}"
        if not isinstance(value, str):
            return line
        if not self.names:
            line += hint_at_number(value)
        if value in self.names:  # a name where a list of names belongs
            return f"{line}; write '{key}=[{value}]'"
        line += suggest(_SYNONYMS.get(value, value), self.names)
        if self.chosen_by_option:
            line += f"; to choose an option write {key.rpartition('.')[2]}@{key}={value}"
        return line


def read(
    where: str,
    mapping: object,
    rules: Mapping[str, Rule],
    problems: list[str],
    declared_in: str = "",
) -> dict[str, Any]:
    """Return the values of a mapping that keep their rule.

    Parameters
    ----------
    where
        Key of the mapping in the configuration.
    mapping
        What stands there.
    rules
        The rule of each key, all of which must be there.
    problems
        Takes a line for each key that is unknown, missing or not allowed.
    declared_in
        The group of ``conf/``, or the file ``NAME.yaml`` there, that says the units of the keys.

    Examples
    --------
    >>> problems = []
    >>> read("pipeline", {"dt_ms": 0}, {"dt_ms": PIPELINE["dt_ms"]}, problems, "pipeline")
    {}
    >>> problems
    ['pipeline.dt_ms: got 0, allowed is a number > 0 (ms)']
    """
    if not isinstance(mapping, Mapping):
        allowed = f"allowed is a mapping with {list_names(rules)}"
        problems.append(f"{where}: got {format_value(mapping)}, {allowed}")
        return {}
    for key in mapping:
        if key not in rules:
            problems.append(unknown_key(where, key, list(rules)))
    values: dict[str, Any] = {}
    for key, rule in rules.items():
        if key in mapping and rule.allows(mapping[key]):
            values[key] = mapping[key]
            continue
        unit = declared_units(declared_in).get(key, "-")
        if key in mapping:
            problem = rule.problem(f"{where}.{key}", mapping[key], unit)
            problems.append(problem + _hint_at_datasets(f"{where}.{key}", mapping[key], rule))
        else:
            problems.append(f"{where}.{key}: missing, {rule.allowed(unit)}")
    return values


def _hint_at_datasets(key: str, value: object, rule: Rule) -> str:
    """Return what a list or a range may have been meant for, an empty text for none."""
    if isinstance(value, Mapping) and is_of_population(key):
        return f"; for a range that is drawn from write {PER}: {CONDITION} in it"
    if not isinstance(value, list) or len(value) < 2 or key.startswith("batch."):
        return ""
    if not all(map(rule.allows, value)):
        return ""
    values = ",".join(str(item) for item in value)
    return f"; -m {key}={values} makes a dataset for each: {WHAT_MAY_BE_AXES}"


# --- kinds of rules ---


def whole(low: int, high: float = inf) -> Rule:
    """Return the rule of a whole number from ``low`` to ``high``."""
    reach = f">= {low}" if high == inf else f"from {low} to {int(high)}"

    def allows(value: Any) -> bool:
        return is_whole(value) and low <= value <= high

    return Rule(allows, f"is a whole number {reach} ({{unit}})")


def number(text: str, low: float = -inf, strict: bool = False) -> Rule:
    """Return the rule of a finite number of at least (``strict``: above) ``low``."""

    def allows(value: Any) -> bool:
        if not is_finite(value):
            return False
        return bool(value > low if strict else value >= low)

    return Rule(allows, f"is {text} ({{unit}})")


def one_of(*names: str) -> Rule:
    """Return the rule of a name out of a few."""
    verb = "is" if len(names) == 1 else "are"
    return Rule(lambda value: value in names, f"{verb} {list_names(names)}", names)


def auto_or(rule: Rule) -> Rule:
    """Return the rule that also allows ``auto``."""
    text = rule.text.replace("is", "is auto, or", 1)
    return Rule(lambda value: value == "auto" or rule.allows(value), text, ("auto",))


FLAG = Rule(lambda value: isinstance(value, bool), "are true, false", ("true", "false"))
BLOCK = Rule(
    lambda value: isinstance(value, Mapping),
    "is a mapping, as in the options of its group",
    chosen_by_option=True,
)


def named_or_block(names: Sequence[str]) -> Rule:
    """Return the rule of an option's name, or of a mapping such as an option holds."""
    named = one_of(*names)

    def allows(value: Any) -> bool:
        return isinstance(value, Mapping) or named.allows(value)

    return Rule(allows, named.text, named.names)


SIDE = whole(1, MAX_SIDE)


def _is_grid(value: Any) -> bool:
    """Tell whether a value is one side of a sheet, or two."""
    sides = value if isinstance(value, list) and len(value) == 2 else [value]
    return all(map(SIDE.allows, sides))


def _is_place(value: Any) -> bool:
    """Tell whether a value is a place on the skin."""
    return isinstance(value, list) and len(value) == 2 and all(map(is_finite, value))


def _is_choice_of_skin(value: Any) -> bool:
    """Tell whether a value can choose a skin; which there are is looked up elsewhere."""
    return value is None or isinstance(value, str | Mapping)


GPU_NUMBER = whole(0)


def _is_devices(value: Any) -> bool:
    """Tell whether a value says how many GPUs, or which, none twice."""
    if value == "auto":
        return True
    if not isinstance(value, list):
        return is_whole(value) and value >= 1
    are_numbers = all(map(GPU_NUMBER.allows, value))
    return value != [] and are_numbers and len(set(value)) == len(value)


def _is_choice_of_saves(value: Any) -> bool:
    """Tell whether a value is a list of intermediates, none twice."""
    if not isinstance(value, list):
        return False
    are_known = set(map(str, value)) <= set(SAVES)
    return are_known and len(set(value)) == len(value)


def _is_path(value: Any) -> bool:
    """Tell whether a value can be the path of a directory."""
    return isinstance(value, str) and value.strip() != ""


def or_null(rule: Rule, meaning: str) -> Rule:
    """Return a rule that also allows null, which stands for ``meaning``."""
    text = rule.text.replace("is", f"is null, which stands for {meaning}, or", 1)
    return Rule(lambda value: value is None or rule.allows(value), text)


SEED = whole(0, 2**63 - 1)

# --- the rules of the sections ---

PIPELINE: dict[str, Rule] = {
    "device": Rule(is_device_name, f"are {list_names(DEVICES)}", DEVICES),
    "devices": Rule(
        _is_devices,
        "is auto, or a whole number >= 1 ({unit}), or a list of their numbers",
        ("auto",),
    ),
    "backend": one_of("auto", *BACKENDS),
    "grid_size": Rule(
        _is_grid, f"is a whole number from 1 to {MAX_SIDE} ({{unit}}), or [rows, columns]"
    ),
    "spacing_mm": number("a number > 0", 0, strict=True),
    "arrangement": one_of(*ARRANGEMENTS),
    "jitter": Rule(
        lambda value: is_finite(value) and 0 <= value <= MOST_JITTER,
        f"is a number from 0 to {MOST_JITTER:g} ({{unit}})",
    ),
    "center_mm": Rule(_is_place, "are two finite numbers, [x, y] ({unit})"),
    "outline": Rule(
        lambda value: isinstance(value, str | Mapping),
        "is the name of an option of the group outline, or a mapping with a type",
    ),
    "duration_ms": number("a number > 0", 0, strict=True),
    "dt_ms": number("a number > 0", 0, strict=True),
    "substeps": auto_or(whole(1, 10_000)),
    "integrator": one_of(*INTEGRATORS),
    "chunk_size": auto_or(whole(1)),
    "seed": SEED,
    "noise_seed": or_null(SEED, "pipeline.seed"),
    "skin": Rule(_is_choice_of_skin, "is the name of an option of the group skin, or a mapping"),
    "surrogate": one_of(*SURROGATES),
    "surrogate_width": number("a number > 0", 0, strict=True),
}

SAVE = Rule(_is_choice_of_saves, f"is a list of {list_names(SAVES)}", SAVES)


def batch_rules(formats: Sequence[str]) -> dict[str, Rule]:
    """Return the rules of the batch section; ``formats`` are the options of its format."""
    return {
        "output_dir": Rule(_is_path, "is the path of a directory"),
        "format": named_or_block(formats),
        "checkpoint_frequency": whole(1),
        "num_workers": auto_or(whole(1, 4096)),
        "save": SAVE,
        "resume": FLAG,
        "overwrite": FLAG,
        "dry_run": FLAG,
        "on_error": one_of("continue", "stop"),
    }


DELAY = Rule(
    lambda value: read_delay(value) is not None,
    "is a number >= 0 ({unit}), {mean: .., std: ..}, {low: .., high: ..}, "
    "or {distance_mm: .., velocity_m_s: ..} of numbers or distributions, the velocity > 0",
)

DENSITY = Rule(
    lambda value: value is None or is_density(value),
    "is a number > 0 ({unit}), in place of count, or a mapping of the tags of regions to numbers",
)

DRIVE_PER_MM = Rule(
    lambda value: value is None or (is_finite(value) and value > 0),
    "is a number > 0 ({unit}), or null for amplitudes that are drive",
)

LEFT_OUT: dict[str, Any] = {
    "receptor_noise_std": 0.0,
    "threshold_std": 0.0,
    "delay_ms": 0.0,
    "units": "none",
    "density_per_cm2": None,
    "drive_per_mm": None,
}
"""Keys of a population that need not be there, and what they are then: they change nothing."""


def population_rules(layouts: Sequence[str], units: Sequence[str] = ()) -> dict[str, Rule]:
    """Return the rules of a population; ``layouts`` and ``units`` are options of these groups."""
    return {
        "count": whole(1),
        "layout": named_or_block(layouts),
        "gain": number("a finite number"),
        "noise_std": number("a number >= 0", 0),
        "receptor_noise_std": number("a number >= 0", 0),
        "threshold_std": number("a number >= 0", 0),
        "delay_ms": DELAY,
        "innervation": BLOCK,
        "filter": BLOCK,
        "model": BLOCK,
        "units": named_or_block(units),
        "density_per_cm2": DENSITY,
        "drive_per_mm": DRIVE_PER_MM,
    }


BATCH_KEYS = tuple(batch_rules(()))
POPULATION_KEYS = tuple(population_rules(()))
