"""Graphs: Python's signs make the operations that are written, and a program can be read."""

from __future__ import annotations

import pytest

from sensoryforge.equations.graph import Node, name, substitute
from sensoryforge.equations.program import stepwise_program

V, U = name("v"), name("u")


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (V + U, "add(v, u)"),
        (1.0 + V, "add(1.0, v)"),
        (V - 1, "sub(v, 1.0)"),
        (1 - V, "sub(1.0, v)"),
        (V * U, "mul(v, u)"),
        (2.0 * V, "mul(2.0, v)"),
        (V / U, "div(v, u)"),
        (2.0 / V, "div(2.0, v)"),
        (-V, "neg(v)"),
        (V < 1.0, "lt(v, 1.0)"),
        (V > U, "gt(v, u)"),
        (V * 1.0 + 0.0, "add(mul(v, 1.0), 0.0)"),
        (V - U - V, "sub(sub(v, u), v)"),
    ],
)
def test_signs_make_the_operations_that_are_written_and_fold_nothing(node: Node, text: str) -> None:
    assert str(node) == text


def test_what_is_not_replaced_stays_the_same_node() -> None:
    root = V * U
    assert substitute(root, {"w": V}) is root
    assert str(substitute(root, {"u": V + 1.0})) == "mul(v, add(v, 1.0))"


def test_a_program_is_printed_with_registers_levels_and_outputs() -> None:
    program = stepwise_program({"y": V * 2.0})
    assert str(program).splitlines() == [
        "level 2: r0 = v",
        "level 0: r1 = 2.0",
        "level 2: r2 = mul(r0, r1)",
        "y = r2",
    ]
