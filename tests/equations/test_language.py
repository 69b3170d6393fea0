"""Names of expressions, values after a step, and the step that equations were fitted at."""

from __future__ import annotations

from typing import Any

import pytest

from sensoryforge.core.errors import ConfigError, EquationError
from sensoryforge.equations.block import Block
from sensoryforge.equations.program import step_program
from sensoryforge.simulation import simulate

torch = pytest.importorskip("torch")

FILTER: dict[str, Any] = {
    "states": {"x": 0.0, "y": 0.0},
    "derivatives": {"x": "(I - x)/tau", "y": "(x - y)/tau"},
    "output": "y",
    "parameters": {"tau": 5.0},
}


def block(**changes: Any) -> Block:
    return Block.from_config("filter", FILTER | changes, "mine.yaml")


def problems(**changes: Any) -> list[str]:
    with pytest.raises(EquationError) as refused:
        block(**changes)
    return list(refused.value.problems)


# --- let ---


def test_a_name_stands_for_its_expression_in_every_section() -> None:
    named = block(
        let={"lag": "I - x", "rate": "lag/tau", "is_up": "lag > 0"},
        derivatives={"x": "rate", "y": "where(is_up, lag - y, 0)"},
        output="lag + y",
    )
    written_out = block(
        derivatives={"x": "(I - x)/tau", "y": "where(I - x > 0, (I - x) - y, 0)"},
        output="(I - x) + y",
    )
    for section in ("derivatives", "next", "states"):
        ours, theirs = getattr(named, section), getattr(written_out, section)
        assert {n: str(node) for n, node in ours.items()} == {n: str(e) for n, e in theirs.items()}
    assert str(named.output) == str(written_out.output)
    assert step_program(named) == step_program(written_out)


def test_a_name_may_be_read_by_threshold_and_reset() -> None:
    model = {
        "states": {"v": 0.0},
        "let": {"over": "v - top", "fires": "over >= 0"},
        "derivatives": {"v": "I"},
        "threshold": "fires",
        "reset": {"v": "over"},
        "parameters": {"top": 2.0},
    }
    made = Block.from_config("model", model, "mine.yaml")
    assert str(made.threshold) == "ge(sub(v, top), 0.0)"
    assert str(made.reset["v"]) == "sub(v, top)"


def test_a_name_that_doubles_itself_a_hundred_times_costs_a_hundred_operations() -> None:
    let = {"a0": "x + 1", **{f"a{k}": f"a{k - 1}*a{k - 1}" for k in range(1, 101)}}
    made = block(let=let, output="a100")
    program = step_program(block(let=let, derivatives={"x": "a100", "y": "a100"}))
    assert len(program.instructions) < 150
    assert made.output is not None


LET_MISTAKES = [
    ({"tau": "x"}, "let.tau: 'tau' is a parameter already; give one another name"),
    ({"x": "y"}, "let.x: 'x' is a state already; give one another name"),
    ({"I": "x"}, "'I' cannot be a name; reserved: *"),
    ({"cos": "x"}, "'cos' cannot be a name; reserved: *"),
    ({"a": "a + 1"}, "let.a: reads itself; a value that goes from step to step is a state"),
    ({"a": "b", "b": "a"}, "let.a: reads 'b', which is not above it"),
    ({"a": "z + 1"}, "let.a: 'z + 1' has the unknown name 'z'; known: I, dI, dt, t, tau, x, y"),
    ({"a": "x", "b": "aa"}, "let.b: 'aa' has the unknown name 'aa'; known: I, a, dI, *did you mean 'a'?"),
    ({"a": "x >"}, "let.a: 'x >' is not an expression *"),
    ({"a": None}, "let: a without a value; *"),
    ([1], "let: got [1]; allowed: a mapping of names to expressions"),
]  # fmt: skip


@pytest.mark.parametrize(("let", "line"), LET_MISTAKES)
def test_a_mistake_in_let_is_one_line(let: Any, line: str) -> None:
    (found,) = problems(let=let)
    beginning, star, end = line.partition("*")
    assert found.startswith(f"mine.yaml: {beginning}")
    assert found.endswith(end) if star else found == f"mine.yaml: {line}"


def test_a_condition_is_no_number_under_its_name_either() -> None:
    (line,) = problems(let={"up": "x > 0"}, output="up + 1")
    assert line.startswith("mine.yaml: output: 'up + 1' uses the condition 'up' as a number")


def test_an_initial_value_cannot_read_what_is_named_after_it() -> None:
    (line,) = problems(let={"a": "x"}, states={"x": "a", "y": 0.0})
    assert line.startswith("mine.yaml: states.x: 'a' has the unknown name 'a'")


def test_a_parameter_that_only_an_unread_name_reads_is_told() -> None:
    made = block(let={"a": "k*x"}, parameters={"tau": 5.0, "k": 2.0})
    (line,) = made.unread()
    assert line.startswith("mine.yaml: parameters.k: no equation reads it")


# --- next ---

NEXT_MISTAKES = [
    ({"next": {"x": "y"}}, "state 'x' has a derivative and a next; allowed: one of them"),
    ({"next": {"z": "y"}}, "next: unknown name 'z'; known: x, y"),
    ({"derivatives": {"y": "0"}}, "state 'x' has no derivative; write 0 to keep it constant"),
    (
        {"derivatives": {"y": "0"}, "next": {"x": "x > 1"}},
        "next.x: 'x > 1' is a condition, expected a number",
    ),
]


@pytest.mark.parametrize(("changes", "line"), NEXT_MISTAKES)
def test_a_mistake_in_next_is_one_line(changes: dict[str, Any], line: str) -> None:
    assert problems(**changes) == [f"mine.yaml: {line}"]


def test_a_parameter_that_a_next_reads_is_read() -> None:
    made = block(derivatives={"y": "x"}, next={"x": "I/tau"})
    assert made.unread() == []


def test_a_spread_of_thresholds_divides_the_current_of_a_next_too() -> None:
    model = {
        "states": {"v": 0.0},
        "next": {"v": "v + I"},
        "threshold": "v >= 1",
        "reset": {"v": 0.0},
    }
    made = Block.from_config("model", model, "mine.yaml").with_threshold_spread(0.2)
    assert str(made.next["v"]) == "add(v, div(I, exp(log_threshold)))"


# --- step_ms ---


@pytest.mark.parametrize("value", [0, -0.2, "0.2", True, [0.2], float("nan"), float("inf")])
def test_a_step_that_is_none_is_refused(value: Any) -> None:
    (line,) = problems(step_ms=value)
    assert line.startswith("mine.yaml: step_ms: got ")
    assert line.endswith("; allowed: a number > 0, in ms")


STEP_MISTAKES = [
    ({"dt_ms": 0.5}, "dt_ms: got 0.5; allowed: a multiple of 0.2, the step that mine.yaml was fitted at"),
    ({"dt_ms": 0.1}, "dt_ms: got 0.1; allowed: a multiple of 0.2, the step that mine.yaml was fitted at"),
    (
        {"dt_ms": 0.2, "substeps": 2},
        "substeps: got 2; allowed: 1, so that a step is 0.2 ms, the step that mine.yaml was fitted at",
    ),
    ({"dt_ms": 0.2, "integrator": "eulr"}, "integrator: got 'eulr'; allowed: euler, exact; did you mean 'euler'?"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "line"), STEP_MISTAKES)
def test_a_step_that_the_equations_were_not_fitted_at_is_refused(
    arguments: dict[str, Any], line: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        simulate(block(step_ms=0.2), torch.ones(1, 4, 1), **arguments)
    assert list(refused.value.problems) == [line]


@pytest.mark.parametrize(("dt_ms", "steps"), [(0.2, 1), (0.6, 3), (1.0, 5)])
def test_steps_are_those_that_the_equations_were_fitted_at(dt_ms: float, steps: int) -> None:
    count = block(states={"x": 0.0, "y": 0.0}, derivatives={}, next={"x": "x + 1", "y": "dt/tau"},
                  output="x", step_ms=0.2)  # fmt: skip
    out = simulate(count, torch.ones(1, 4, 1), dt_ms, record=["y"])
    assert out["output"].flatten().tolist() == [steps, 2 * steps, 3 * steps, 4 * steps]
    assert out["y"].flatten().tolist() == pytest.approx([0.04] * 4)
