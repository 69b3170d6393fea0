"""Random changes that stay well formed: values and keys of a tree of YAML, and equations that the grammar allows."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 0.1, -0.0, 1e-300, 1e300, 1e38, -1e38, 10**30, 10**400, 2**31, 2**63, 2**64,
    float("nan"), float("inf"), -float("inf"), "", " ", "x", "1", "true", "none", "auto", "all", "sa", "gaussian",
    "${pipeline.seed}", "${pipeline.nothing}", "${oc.env:HOME}", "${oc.eval:1}", "???", "../up", "é", "a.b", "a b",
    "[1, 2]", "1,2", "range(1, 3)", [], {}, [1], [[1]], [None], [1, 2], [1, 1], ["x"], [{}], {"a": 1}, {"type": "step"},
    {"mean": 1, "std": 1}, {"low": 0, "high": 1}, {"mean": 1e38, "std": 1e38}, [0.1] * 200, ["1"] * 200, {"": 1},
    {1: 2}, {"_target_": "os.system"}, {"_target_": "sensoryforge.stimuli.step.Step"}, "9" * 300, "0x10", "1e5",
)  # fmt: skip
KEYS: tuple[Any, ...] = (
    "type", "_target_", "amplitude", "sigma", "repetitions", "self", "seed", "count", "model", "filter", "parameters",
    "states", "derivatives", "output", "threshold", "reset", "gain", "noise_std", "layout", "innervation", "defaults",
    "save", "num_workers", "backend", "device", "chunk_size", "substeps", "hydra", "", "x", "é", 1, 1.5, True, None,
    "a.b", "a b", "keys", "_recursive_", "${x}",
)  # fmt: skip
NAMES = ("v", "u", "I", "t", "dt", "a", "b", "c", "d", "v_peak")
LITERALS = ("0", "1", "2.5", "1e-30", "3.4e38", "0.1", "140", "1e30", "-1")


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every place of a tree: what holds a value, and its key there."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [found for key in keys for found in ((node, key), *places(node[key]))]


def changed(tree: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return a tree with one to three of its values or keys changed."""
    tree = deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        found = places(tree)
        holder, key = rng.choice(found)
        kind = rng.randrange(8)
        if kind < 4:
            holder[key] = deepcopy(rng.choice(VALUES))
        elif kind == 4:
            other, there = rng.choice(found)
            holder[key] = deepcopy(other[there])
        elif kind == 5:
            del holder[key]
        elif isinstance(holder, dict):
            holder[rng.choice(KEYS)] = holder.pop(key) if kind == 6 else deepcopy(rng.choice(VALUES))
        else:
            holder.append(deepcopy(holder[key]))
    return tree


def number(rng: random.Random, names: tuple[str, ...] = NAMES, depth: int = 4) -> str:
    """Return an expression whose result is a number."""
    kind = rng.randrange(9) if depth else 0
    if kind < 2:
        return rng.choice(names if rng.random() < 0.7 else LITERALS)

    def part() -> str:
        return number(rng, names, depth - 1)

    if kind == 2:
        return f"{part()}**{rng.randint(1, 16)}" if rng.random() < 0.3 else f"({part()})**{rng.randint(1, 16)}"
    if kind == 3:
        return f"{rng.choice(('abs', 'exp', 'log', 'sqrt', 'tanh'))}({part()})"
    if kind == 4:
        return f"{rng.choice(('min', 'max'))}({', '.join(part() for _ in range(rng.randint(2, 3)))})"
    if kind == 5:
        return f"where({condition(rng, names, depth - 1)}, {part()}, {part()})"
    if kind == 6:
        return f"-({part()})"
    return f"({part()} {rng.choice('+-*/')} {part()})"


def condition(rng: random.Random, names: tuple[str, ...] = NAMES, depth: int = 3) -> str:
    """Return an expression that is true or false."""
    if depth and rng.random() < 0.3:
        parts = [condition(rng, names, depth - 1) for _ in range(2)]
        return rng.choice(("({} and {})", "({} or {})", "(not {})")).format(*parts)
    signs = [rng.choice(("<", "<=", ">", ">=", "==", "!=")) for _ in range(rng.randint(1, 2))]
    rest = " ".join(f"{sign} {number(rng, names, depth)}" for sign in signs)
    return f"({number(rng, names, depth)} {rest})"
