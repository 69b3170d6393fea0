"""The strategies behind the fuzzing: the same seed draws the same, and what is changed is a copy."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from strategies import Damage, changed_trees, damaged, damages, examples, expressions, spliced

from sensoryforge.equations.expressions import parse

TREE: dict[str, Any] = {"a": [1, {"b": 2}], "c": {"d": "e"}, "f": []}


def test_the_same_seed_draws_the_same_mutations() -> None:
    strategy = st.tuples(changed_trees(TREE), damages(100), spliced("a text", ["word"]))
    first = examples(strategy, 20, "0/name")
    assert first
    assert repr(examples(strategy, 20, "0/name")) == repr(first)  # repr, as nan is not itself
    assert repr(examples(strategy, 20, "1/name")) != repr(first)


@given(changed_trees(TREE))
def test_a_changed_tree_leaves_the_one_it_was_made_from(tree: dict[str, Any]) -> None:
    assert isinstance(tree, dict)
    assert TREE == {"a": [1, {"b": 2}], "c": {"d": "e"}, "f": []}


@given(expressions("v", "I"))
def test_random_expressions_are_of_the_grammar(text: str) -> None:
    parse(text, ["v", "I"], "somewhere")


def test_every_kind_of_damage_does_what_it_says() -> None:
    data = b"0123456789"
    before = deepcopy(data)

    def after(kind: str) -> bytes:
        return damaged(data, [Damage(kind, place=2, length=3, fresh=b"ab")])

    assert after("remove") == b"0156789"
    assert after("zero") == b"01\0\0\x0056789"
    assert after("double") == b"0123423456789"
    assert after("overwrite") == b"01ab456789"
    assert after("cut") == b"01"
    assert data == before
