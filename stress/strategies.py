"""What random equations, damaged files and changed batch files look like, as Hypothesis strategies.

``fuzz.py`` feeds them to everything that reads; the tests run random equations on every backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sensoryforge.equations.expressions import MAX_POWER

T = TypeVar("T")
Texts = SearchStrategy[str]

VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 0.1, -0.0, 1e-300, 1e300, 1e38, -1e38, 10**30, 10**400, 2**31, 2**63, 2**64,
    float("nan"), float("inf"), -float("inf"), "", " ", "x", "1", "true", "none", "auto", "all", "sa", "gaussian",
    "${pipeline.seed}", "${pipeline.nothing}", "${oc.env:HOME}", "${oc.eval:1}", "???", "../up", "é", "a.b", "a b",
    "[1, 2]", "1,2", "range(1, 3)", [], {}, [1], [[1]], [None], [1, 2], [1, 1], ["x"], [{}], {"a": 1}, {"type": "step"},
    {"mean": 1, "std": 1}, {"low": 0, "high": 1}, {"mean": 1e38, "std": 1e38}, [0.1] * 200, ["1"] * 200, {"": 1},
    {1: 2}, {"_target_": "os.system"}, {"_target_": "sensoryforge.stimuli.Step"}, "9" * 300, "0x10", "1e5",
)  # fmt: skip
"""Values that some key of a batch file is not made for."""
KEYS: tuple[Any, ...] = (
    "type", "_target_", "amplitude", "sigma", "repetitions", "self", "seed", "count", "model", "filter", "parameters",
    "states", "derivatives", "next", "let", "step_ms", "output", "threshold", "reset", "gain", "noise_std", "layout", "innervation", "defaults",
    "save", "num_workers", "backend", "device", "chunk_size", "substeps", "hydra", "", "x", "é", 1, 1.5, True, None,
    "a.b", "a b", "keys", "_recursive_", "${x}",
)  # fmt: skip
EXTREMES = ("0", "1", "2.5", "1e-30", "3.4e38", "0.1", "140", "1e30", "-1")
"""Numbers at the edges of float32, and plain ones."""
LONG_RUNS = (b"\xff" * 8, b"\x7f" + b"\xff" * 7, (1 << 40).to_bytes(8, "little"))
"""Eight bytes that a reader may take for a huge or a negative length."""


def examples(strategy: SearchStrategy[T], count: int, seed: str) -> list[T]:
    """Return what Hypothesis draws: the same for the same seed and count, at most ``count``."""
    drawn: list[T] = []
    number = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "little")

    @hypothesis.seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: T) -> None:
        drawn.append(example)

    collect()
    return drawn[:count]


# --- equations that the grammar allows ---


def conditions(numbers: Texts) -> Texts:
    """Return expressions that are true or false, of given ones that are numbers."""
    signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    compared = st.builds("({} {} {})".format, numbers, signs, numbers)
    chained = st.builds("({} < {} <= {})".format, numbers, numbers, numbers)
    negated = compared.map("(not {})".format)
    joined = st.builds("({} {} {})".format, compared, st.sampled_from(["and", "or"]), negated)
    return st.one_of(compared, chained, joined)


def larger(numbers: Texts) -> Texts:
    """Return expressions of one more operation, whose parts are given ones."""
    functions = st.sampled_from(["abs", "exp", "log", "sqrt", "tanh", "cos", "sin", "-"])
    return st.one_of(
        st.builds("({} {} {})".format, numbers, st.sampled_from("+-*/"), numbers),
        st.builds("({}**{})".format, numbers, st.integers(1, MAX_POWER)),
        st.builds("{}({})".format, functions, numbers),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), numbers, numbers),
        st.builds("where({}, {}, {})".format, conditions(numbers), numbers, numbers),
    )


def expressions(*names: str, literals: Texts | None = None) -> Texts:
    """Return expressions that are numbers, of some names and literals."""
    if literals is None:
        literals = st.floats(-40, 40, width=32).map(lambda value: f"({value!r})")
    return st.recursive(st.sampled_from(names) | literals, larger, max_leaves=8)


# --- trees of YAML with some of their values or keys changed ---


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every place of a tree: what holds a value, and its key there."""
    keys: Sequence[Any] = ()
    if isinstance(node, dict):
        keys = list(node)
    elif isinstance(node, list):
        keys = range(len(node))
    inside: list[tuple[Any, Any]] = []
    for key in keys:
        inside.append((node, key))
        inside += places(node[key])
    return inside


@st.composite
def changed_trees(draw: st.DrawFn, tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree with one to three of its values or keys changed."""
    tree = deepcopy(tree)
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        everywhere = places(tree)
        if not everywhere:  # a change before this one took everything away
            break
        holder, key = draw(st.sampled_from(everywhere))
        change = draw(st.sampled_from(("value", "value", "copy", "remove", "rename", "add")))
        if change == "value":
            holder[key] = deepcopy(draw(st.sampled_from(VALUES)))
        elif change == "copy":
            other, other_key = draw(st.sampled_from(everywhere))
            holder[key] = deepcopy(other[other_key])
        elif change == "remove":
            del holder[key]
        elif isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        elif change == "rename":
            holder[draw(st.sampled_from(KEYS))] = holder.pop(key)
        else:
            holder[draw(st.sampled_from(KEYS))] = deepcopy(draw(st.sampled_from(VALUES)))
    return tree


# --- bytes and texts with some of them changed ---


@dataclass(frozen=True)
class Damage:
    """What happens to some bytes: at a place, over a length, with new bytes where it takes them."""

    kind: str
    place: int
    length: int
    fresh: bytes

    def apply(self, data: bytearray) -> None:
        """Do it to some data, in place."""
        place = min(self.place, len(data))
        end = place + self.length
        if self.kind == "remove":
            del data[place:end]
        elif self.kind == "zero":
            data[place:end] = bytes(self.length)
        elif self.kind == "double":
            data[place:place] = data[place:end]
        elif self.kind == "overwrite":
            data[place : place + len(self.fresh)] = self.fresh
        else:
            del data[place:]


def damages(size: int) -> SearchStrategy[list[Damage]]:
    """Return one to four damages to data of a size; one in twelve cuts off the end."""
    kinds = ("remove", "zero", "double", "overwrite", "overwrite", "overwrite")
    fresh = st.binary(min_size=1, max_size=8) | st.binary(min_size=64, max_size=512)
    damage = st.builds(
        Damage,
        kind=st.sampled_from((*kinds, *kinds[:5], "cut")),
        place=st.integers(0, max(size - 1, 0)),
        length=st.sampled_from((1, 2, 4, 8, 64, 512)),
        fresh=fresh | st.sampled_from(LONG_RUNS),
    )
    return st.lists(damage, min_size=1, max_size=4)


def damaged(data: bytes, damage: Sequence[Damage]) -> bytes:
    """Return data after some damages."""
    changed = bytearray(data)
    for one in damage:
        one.apply(changed)
    return bytes(changed)


@st.composite
def spliced(draw: st.DrawFn, text: str, words: Sequence[str]) -> str:
    """Return a text with one to three words put in, some in place of a few characters."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        removed = draw(st.sampled_from((0, 0, 1, 3, 10)))
        text = text[:place] + draw(st.sampled_from(words)) + text[place + removed :]
    return text
