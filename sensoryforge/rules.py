"""Tables of what each configuration key may hold, and the lines that say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from sys import float_info
from typing import Any

from sensoryforge.errors import listing, suggest
from sensoryforge.receptors import LAYOUTS, MAX_SIDE

BACKENDS = ("auto", "torch", "numba", "triton")
DEVICES = ("auto", "cpu", "cuda", "cuda:N")
SURROGATES = ("fast_sigmoid", "arctan")
SAVES = ("drive", "filtered", "voltage", "stimulus")
FORMATS = tuple(sorted(p.name.removesuffix("_format.py") for p in Path(__file__).parent.glob("store/*_format.py")))


@dataclass(frozen=True)
class Rule:
    """A test of a value, what it allows in words, and the names to suggest from."""

    allows: Callable[[Any], bool]
    text: str
    names: tuple[str, ...] = ()

    def problem(self, key: str, value: object) -> str:
        """Return the line for a value that is not allowed."""
        exact = isinstance(value, str) and value in self.names
        near = suggest(value, self.names) if isinstance(value, str) and not exact else ""
        return f"{key}: got {shown(value)}, allowed {self.text}{near}{self.spelling(key, value)}"

    def spelling(self, key: str, value: object) -> str:
        """Return how a value that was meant well is written."""
        if isinstance(value, str) and value in self.names:
            return f"; write {key}=[{value}]"
        if self is BLOCK and isinstance(value, str):
            return f"; to choose an option write {key.rpartition('.')[2]}@{key}={value}"
        return ""


def shown(value: object) -> str:
    """Return a value as a user would write it, cut where it is long."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def is_number(value: object) -> bool:
    """Tell whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Tell whether a value is a number that a float can hold."""
    return is_number(value) and abs(value) <= float_info.max


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number, written without a point."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(low: int, unit: str, high: float = inf) -> Rule:
    """Return the rule of a whole number from ``low`` to ``high``."""
    reach = f">= {low}" if high == inf else f"from {low} to {int(high)}"
    return Rule(lambda value: is_whole(value) and low <= value <= high, f"is a whole number {reach} ({unit})")


def number(text: str, unit: str, low: float = -inf, strict: bool = False) -> Rule:
    """Return the rule of a finite number of at least (``strict``: above) ``low``."""

    def allows(value: Any) -> bool:
        return is_finite(value) and (value > low if strict else value >= low)

    return Rule(allows, f"is {text} ({unit})")


def one_of(*names: str) -> Rule:
    """Return the rule of a name out of a few."""
    return Rule(lambda value: value in names, f"{'is' if len(names) == 1 else 'are'} {listing(names)}", names)


def auto_or(rule: Rule) -> Rule:
    """Return the rule that also allows ``auto``."""
    text = rule.text.replace("is", "is auto, or", 1)
    return Rule(lambda value: value == "auto" or rule.allows(value), text, ("auto",))


FLAG = Rule(lambda value: isinstance(value, bool), "are true, false", ("true", "false"))


def _is_grid(value: Any) -> bool:
    """Tell whether a value is one side of a sheet, or two."""
    sides = value if isinstance(value, list) and len(value) == 2 else [value]
    return all(is_whole(side) and 1 <= side <= MAX_SIDE for side in sides)


def _is_device(value: Any) -> bool:
    """Tell whether a value names a device, here or elsewhere."""
    return isinstance(value, str) and re.fullmatch(r"auto|cpu|cuda(:\d+)?", value) is not None


def _is_devices(value: Any) -> bool:
    """Tell whether a value says how many GPUs, or which, none twice."""
    if isinstance(value, list):
        return value != [] and all(is_whole(n) and n >= 0 for n in value) and len(set(value)) == len(value)
    return value == "auto" or (is_whole(value) and value >= 1)


def _is_choice_of_saves(value: Any) -> bool:
    """Tell whether a value is a list of intermediates, none twice."""
    return isinstance(value, list) and all(name in SAVES for name in value) and len(set(value)) == len(value)


PIPELINE: dict[str, Rule] = {
    "device": Rule(_is_device, f"are {listing(DEVICES)}", DEVICES),
    "devices": Rule(_is_devices, "is auto, or a whole number >= 1 (GPUs), or a list of their numbers", ("auto",)),
    "backend": one_of(*BACKENDS),
    "grid_size": Rule(_is_grid, f"is a whole number from 1 to {MAX_SIDE} (receptors), or [rows, columns]"),
    "spacing_mm": number("a number > 0", "mm", 0, strict=True),
    "duration_ms": number("a number > 0", "ms", 0, strict=True),
    "dt_ms": number("a number > 0", "ms", 0, strict=True),
    "substeps": auto_or(whole(1, "steps a sample", 10_000)),
    "chunk_size": auto_or(whole(1, "stimuli")),
    "seed": whole(0, "-", 2**63 - 1),
    "surrogate": one_of(*SURROGATES),
    "surrogate_width": number("a number > 0", "mV", 0, strict=True),
}

BATCH: dict[str, Rule] = {
    "output_dir": Rule(lambda value: isinstance(value, str) and value.strip() != "", "is the path of a directory"),
    "format": one_of(*FORMATS),
    "checkpoint_frequency": whole(1, "stimuli"),
    "num_workers": auto_or(whole(1, "threads", 4096)),
    "save": Rule(_is_choice_of_saves, f"is a list of {listing(SAVES)}", SAVES),
    "resume": FLAG,
    "overwrite": FLAG,
    "dry_run": FLAG,
    "on_error": one_of("continue", "stop"),
}

BLOCK = Rule(lambda value: isinstance(value, Mapping), "is a mapping, as in the options of its group")

POPULATION: dict[str, Rule] = {
    "count": whole(1, "neurons"),
    "layout": one_of(*LAYOUTS),
    "gain": number("a finite number", "-"),
    "noise_std": number("a number >= 0", "drive x sqrt(ms)", 0),
    "innervation": BLOCK,
    "filter": BLOCK,
    "model": BLOCK,
}


def unknown(where: str, key: object, known: tuple[str, ...] | list[str]) -> str:
    """Return the line for a key that does not exist."""
    name = f"{where}.{key}" if where else str(key)
    return f"{name}: unknown key, known are {listing(known)}{suggest(str(key), known)}"


def read(where: str, mapping: object, rules: Mapping[str, Rule], problems: list[str]) -> dict[str, Any]:
    """Return the values that keep their rule; a line a problem goes to ``problems``."""
    if not isinstance(mapping, Mapping):
        problems.append(f"{where}: got {shown(mapping)}, allowed is a mapping with {listing(rules)}")
        return {}
    problems += [unknown(where, key, list(rules)) for key in mapping if key not in rules]
    good = {}
    for key, rule in rules.items():
        if key not in mapping:
            problems.append(f"{where}.{key}: missing, allowed {rule.text}")
        elif rule.allows(mapping[key]):
            good[key] = mapping[key]
        else:
            problems.append(rule.problem(f"{where}.{key}", mapping[key]))
    return good
