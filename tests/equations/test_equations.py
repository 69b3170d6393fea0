"""Equation blocks: what is written in YAML is what runs, and each mistake in it is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from helpers.blocks import SHIPPED, label, load, needed_substeps

from sensoryforge.core.errors import ConfigError, EquationError
from sensoryforge.equations.block import Block, Kind
from sensoryforge.equations.expressions import FUNCTIONS
from sensoryforge.equations.graph import names_in
from sensoryforge.equations.parameters import Distribution
from sensoryforge.simulation.one_block import simulate

SOURCE = "conf/model/mine.yaml"
MODEL = """
states: {v: -65.0, u: b*v}
derivatives:
  v: 0.04*v**2 + 5*v + 140 - u + I
  u: a*(b*v - u)
threshold: v >= v_peak
reset: {v: c, u: u + d}
parameters: {a: 0.02, b: 0.2, c: -65.0, d: 8.0, v_peak: 30.0}
"""
FILTER = """
states: {y: 0.0}
derivatives: {y: (k*abs(dI) - y)/tau}
output: y
parameters: {tau: 3.0, k: 1.0}
"""
WRITTEN = {"model": MODEL, "filter": FILTER}

every_block = pytest.mark.parametrize("file", SHIPPED, ids=label)


def block(kind: Kind, **changes: Any) -> Block:
    return Block.from_config(kind, yaml.safe_load(WRITTEN[kind]) | changes, SOURCE)


def problems(kind: Kind, changes: dict[str, Any]) -> tuple[str, ...]:
    """Return the lines that a block with these keys replaced is refused with; None removes a key."""
    written = {k: v for k, v in (yaml.safe_load(WRITTEN[kind]) | changes).items() if v is not None}
    with pytest.raises(EquationError) as caught:
        Block.from_config(kind, written, SOURCE)
    assert all(
        line.startswith(f"{SOURCE}: ") and line.isprintable() for line in caught.value.problems
    )
    return caught.value.problems


def roots(b: Block) -> list[Any]:
    ends = [n for n in (b.threshold, b.output) if n is not None]
    moves = [*b.derivatives.values(), *b.next.values()]
    return [*b.states.values(), *moves, *b.reset.values(), *ends]


@every_block
def test_a_shipped_block_reads_every_parameter_and_state_that_it_declares(file: Path) -> None:
    b = load(file)
    assert set(b.states) == set(b.derivatives) | set(b.next)
    assert set(b.parameters) | set(b.states) <= set().union(*map(names_in, roots(b)))


@every_block
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_shipped_block_runs_and_stays_finite(file: Path, dtype: torch.dtype) -> None:
    b = load(file)
    drive = torch.tensor([0.0, 2.0, 40.0], dtype=dtype).expand(2, 200, 3) * b.drive_scale
    dt_ms = b.step_ms or 0.1
    out = simulate(b, drive, dt_ms, substeps=needed_substeps(b, dt_ms), record=tuple(b.states))
    result = out.pop("spikes" if b.kind == "model" else "output")
    assert result.shape == drive.shape
    assert result.dtype == (torch.bool if b.kind == "model" else dtype)
    assert all(trace.dtype == dtype and trace.isfinite().all() for trace in out.values())
    assert not result[:, :, 0].any()
    assert result[:, :, 2].any()


@every_block
def test_any_parameter_of_a_shipped_block_may_differ_between_neurons(file: Path) -> None:
    b = load(file)
    spread = {n: {"low": v, "high": v + abs(v) * 1e-3 + 1e-3} for n, v in b.parameters.items()}
    dt_ms = b.step_ms or 0.1
    substeps = needed_substeps(b, dt_ms)
    out = simulate(b.with_parameters(**spread), torch.ones(1, 20, 3), dt_ms, substeps, seed=4)
    assert all(values.shape == (1, 20, 3) for values in out.values())


@every_block
def test_a_shipped_block_says_where_it_comes_from_and_what_its_parameters_mean(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("# ")
    listed = text.partition("parameters:\n")[2].splitlines()
    assert all(";" in line.partition("#")[2] for line in listed)


def test_a_model_of_ones_own_is_one_yaml_file(tmp_path: Path) -> None:
    """A perfect integrator fires every threshold/I ms."""
    file = tmp_path / "perfect.yaml"
    file.write_text(
        "states: {v: 0.0}\nderivatives: {v: I}\nparameters: {theta: 2.0}\n"
        "threshold: v >= theta\nreset: {v: v - theta}\n"
    )
    b = Block.from_config("model", yaml.safe_load(file.read_text()), str(file))
    spikes = simulate(b, torch.tensor([0.5, 1.0, 4.0]).expand(1, 1600, 3), 0.0625)["spikes"]
    assert spikes.sum(1).tolist() == [[25, 50, 200]]
    assert spikes[0, :, 0].nonzero().ravel().tolist() == list(range(63, 1600, 64))


def test_a_filter_of_ones_own_is_one_yaml_file(tmp_path: Path) -> None:
    """It reads the drive's derivative, the time at the start of the last step and the step."""
    file = tmp_path / "mine.yaml"
    file.write_text(
        "states: {n: 0}\nderivatives: {n: 1/dt}\noutput: n + 1000*dI*dt + 1e6*t\nparameters: {}\n"
    )
    b = Block.from_config("filter", yaml.safe_load(file.read_text()), str(file))
    drive = torch.tensor([0.0, 2.0, 2.0]).reshape(1, 3, 1)
    out = simulate(b, drive.double(), 0.5, substeps=5)["output"].ravel()
    np.testing.assert_allclose(out, [5 + 0.4e6, 10 + 400 + 0.9e6, 15 + 1.4e6])


MISTAKES: list[tuple[Kind, dict[str, Any], str]] = [
    ("model", {"states": None}, "a model needs at least one state"),
    ("model", {"threshold": None}, "a model needs threshold, such as threshold: v >= 30"),
    ("model", {"reset": None}, "a model needs a reset, such as reset: {v: -65.0}"),
    ("model", {"reset": {}}, "a model needs a reset"),
    ("filter", {"output": None}, "a filter needs output, such as output: y"),
    ("model", {"output": "v"}, "unknown name 'output'; known: states, derivatives, threshold, reset"),
    ("model", {"treshold": "v > 1"}, "unknown name 'treshold'; known: states"),
    ("model", {"treshold": "v > 1"}, "did you mean 'threshold'?"),
    ("filter", {"reset": {"y": 0}}, "unknown name 'reset'"),
    ("model", {"derivatives": {"v": "I"}}, "state 'u' has no derivative; write 0 to keep it constant"),
    ("filter", {"derivatives": None}, "state 'y' has no derivative"),
    ("model", {"derivatives": {"v": "I", "u": "0", "w": "0"}}, "derivatives: unknown name 'w'; known: v, u"),
    ("model", {"derivatives": {"v": "I + Q", "u": "0"}}, "derivatives.v: 'I + Q' has the unknown name 'Q'; known: I,"),
    ("model", {"derivatives": {"v": "dI", "u": "0"}}, "derivatives.v: 'dI' has the unknown name 'dI'"),
    ("model", {"derivatives": {"v": "v > 1", "u": "0"}}, "derivatives.v: 'v > 1' is a condition, expected a number"),
    ("model", {"derivatives": {"v": [1], "u": "0"}}, "derivatives.v: expected an expression, got [1]"),
    ("model", {"derivatives": {"v": True, "u": "0"}}, "derivatives.v: expected an expression, got True"),
    ("model", {"derivatives": ["v"]}, "derivatives: got ['v']; allowed: a mapping of names to expressions"),
    ("model", {"derivatives": 0}, "derivatives: got 0; allowed: a mapping"),
    ("filter", {"parameters": False}, "parameters: got False; allowed: a mapping"),
    ("model", {"states": {"v": "u", "u": "v"}}, "states.v: 'u' has the unknown name 'u'"),
    ("model", {"states": {"v": "I", "u": 0}}, "states.v: 'I' has the unknown name 'I'"),
    ("model", {"reset": {"w": 0, "v": "c"}}, "reset: unknown name 'w'; known: v, u"),
    ("model", {"reset": {"v": "c + e"}}, "reset.v: 'c + e' has the unknown name 'e'"),
    ("model", {"threshold": "v + 1"}, "threshold: 'v + 1' is a number, expected a condition"),
    ("model", {"threshold": 30}, "threshold: '30' is a number, expected a condition"),
    ("filter", {"output": "max(y)"}, "output: 'max(y)' gives max 1 arguments, it takes at least 2"),
    ("filter", {"output": "open('/etc/passwd')"}, "output: \"open('/etc/passwd')\" calls 'open'"),
    ("model", {"drive_scale": "large"}, "drive_scale: got 'large'; allowed: a number"),
    ("model", {"drive_scale": float("inf")}, "drive_scale: got inf; allowed: a number"),
    ("filter", {"drive_scale": 2.0}, "unknown name 'drive_scale'"),
    ("filter", {"parameters": {"tau": 3.0, "k": 1, "y": 2}}, "'y' is both a state and a parameter"),
    ("filter", {"parameters": {"tau": "3 ms", "k": 1}}, "parameters.tau: got '3 ms'; allowed: a number, {mean:"),
    ("filter", {"parameters": {"tau": float("nan"), "k": 1}}, "parameters.tau: got nan; allowed: a number"),
    ("filter", {"parameters": {"tau": True, "k": 1}}, "parameters.tau: got True; allowed: a number"),
    ("filter", {"parameters": {"tau": 1e39, "k": 1}}, "parameters.tau: got 1e+39; allowed: a number"),
    ("filter", {"parameters": {"tau": 10**400, "k": 1}}, "parameters.tau: got 1000"),
    ("filter", {"parameters": {"tau": 10**5000, "k": 1}}, "parameters.tau: got int too long to print"),
    ("filter", {"parameters": {"tau": [3, 4], "k": 1}}, "parameters.tau: got [3, 4]; allowed: a number"),
    ("filter", {"parameters": {"tau": {"mean": 3, "std": -1}, "k": 1}}, "parameters.tau: got {'mean': 3, 'std': -1}"),
    ("filter", {"parameters": {"tau": {"mean": 3}, "k": 1}}, "parameters.tau: got {'mean': 3}"),
    ("filter", {"parameters": {"tau": {"low": 3, "high": 2}, "k": 1}}, "{low: .., high: .. >= low}"),
    ("filter", {"parameters": {"tau": {"low": "a", "high": "b"}, "k": 1}}, "{low: .., high: .. >= low}"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes", "line"), MISTAKES, ids=[m[2][:50] for m in MISTAKES])
def test_a_mistake_is_one_line_with_file_equation_and_known_names(
    kind: Kind, changes: dict[str, Any], line: str
) -> None:
    assert sum(line in found for found in problems(kind, changes)) == 1


@pytest.mark.parametrize("value", [None, [], "v", 3], ids=repr)
def test_a_block_that_is_no_mapping_is_refused(value: Any) -> None:
    with pytest.raises(
        EquationError, match="allowed: a model with states, derivatives, threshold, reset"
    ):
        Block.from_config("model", value, SOURCE)


TAKEN = [
    "I",
    "dI",
    "t",
    "dt",
    *FUNCTIONS,
    "output",
    "spike",
    "spikes",
    "drive",
    "filtered",
    "lambda",
    "for",
    "None",
]


@pytest.mark.parametrize("name", [*TAKEN, "2v", "v.x", "v x", "", "ü", True, 1, "x" * 65], ids=repr)
def test_reserved_words_and_other_impossible_names_are_refused(name: Any) -> None:
    found = problems("filter", {"parameters": {"tau": 3.0, "k": 1.0, name: 1.0}})
    assert len(found) == 1
    assert "cannot be a name; reserved: I, dI, t, dt, where" in found[0]
    found = problems("filter", {"states": {"y": 0, name: 0}, "derivatives": {"y": "-y", name: 0}})
    assert any("cannot be a name" in line for line in found)


def test_an_expression_with_a_comma_in_flow_style_is_explained() -> None:
    reset = yaml.safe_load("{v: where(v > 0, c, d)}")
    assert len(reset) == 3
    first, second = problems("model", {"reset": reset})
    assert (
        first
        == f"{SOURCE}: reset: c, d) without a value; an expression with a comma needs its own line"
    )
    assert second == f"{SOURCE}: reset.v: 'where(v > 0' is not an expression ('(' was never closed)"


def test_all_problems_of_a_block_are_collected() -> None:
    found = problems(
        "model",
        {
            "parameters": {"a": "x", "b": 0.2, "c": -65.0, "d": 8.0, "v_peak": 30.0, "exp": 1},
            "states": {"v": "-6O", "u": 0},
            "derivatives": {"v": "v^2", "uu": "0"},
            "threshold": "v",
            "reset": {"v": "c()", "x": 0},
            "drive_scale": None,
            "tresh": 1,
        },
    )
    wanted = [
        "'tresh'", "parameters.a", "'exp' cannot", "states.v", "'uu'; known: v, u", "state 'u' has no derivative",
        "derivatives.v", "threshold", "'x'; known: v, u", "reset.v",
    ]  # fmt: skip
    assert len(found) == len(wanted)
    assert all(any(part in line for line in found) for part in wanted)


def test_an_equation_error_is_a_configuration_error_with_exit_code_2() -> None:
    assert issubclass(EquationError, ConfigError)
    assert EquationError.exit_code == 2
    assert str(EquationError(["one", "two"])) == "one\ntwo"


def test_initial_values_may_read_parameters_and_earlier_states() -> None:
    b = block("model", states={"v": "c - 1", "u": "b*v"}, derivatives={"v": 0, "u": 0})
    out = simulate(b, torch.zeros(1, 1, 1, dtype=torch.float64), 0.1, record=("v", "u"))
    assert (out["v"].item(), out["u"].item()) == (-66.0, 0.2 * -66.0)


def test_a_parameter_that_no_equation_reads_is_named() -> None:
    (line,) = block("filter", parameters={"tau": 3.0, "k": 1, "tua": 2}).unread()
    said = "parameters.tua: no equation reads it (null takes it away); known: tau, k; did you mean 'tau'?"
    assert line == f"{SOURCE}: {said}"
    assert not block(
        "model", derivatives={"v": "t", "u": "dt"}, states={"v": "a", "u": "b"}
    ).unread()


def test_a_parameter_that_is_null_is_taken_away() -> None:
    quiet = {"y": "-y/tau"}
    assert block("filter", derivatives=quiet, parameters={"tau": 3.0, "k": None}).parameters == {
        "tau": 3.0
    }
    assert "'k'; known:" in problems("filter", {"parameters": {"tau": 3.0, "k": None}})[0]


def test_with_parameters_replaces_numbers_and_leaves_the_original() -> None:
    b = block("filter")
    changed = b.with_parameters(tau=9, k=np.float32(0.5))
    assert (b.parameters, changed.parameters) == ({"tau": 3.0, "k": 1.0}, {"tau": 9.0, "k": 0.5})
    assert changed.derivatives == b.derivatives


def test_a_parameter_may_have_any_name() -> None:
    b = block(
        "filter", derivatives={"y": "I*self - y/values"}, parameters={"self": 1.0, "values": 2.0}
    )
    assert b.with_parameters(self=3, values=4).parameters == {"self": 3.0, "values": 4.0}


def test_with_parameters_names_every_mistake() -> None:
    with pytest.raises(EquationError) as caught:
        block("filter").with_parameters(tua=3.0, k="much", tau=np.zeros((3, 3)))
    first, second, third = caught.value.problems
    assert first == f"{SOURCE}: parameters: unknown name 'tua'; known: tau, k; did you mean 'tau'?"
    assert second.startswith(f"{SOURCE}: parameters.k: got 'much'; allowed: a number")
    assert third.startswith(f"{SOURCE}: parameters.tau: got array([[0., 0., 0.], [0.,")


@pytest.mark.parametrize(
    ("value", "kind", "mean", "std"),
    [
        ({"mean": 0.02, "std": 0.005}, "normal", 0.02, 0.005),
        ({"low": 1, "high": 3}, "uniform", 2.0, 2 / 12**0.5),
        ({"mean": 5, "std": 0}, "normal", 5.0, 0.0),
    ],
)
def test_a_distribution_has_its_mean_and_spread(
    value: dict[str, float], kind: str, mean: float, std: float
) -> None:
    b = block("filter").with_parameters(tau=value)
    assert isinstance(b.parameters["tau"], Distribution)
    assert b.parameters["tau"].kind == kind
    drawn = b.draw(40_000, 7, "sa")["tau"]
    assert np.mean(drawn) == pytest.approx(mean, abs=4 * std / 200 + 1e-12)
    assert np.std(drawn) == pytest.approx(std, rel=0.02, abs=1e-12)
    if kind == "uniform":
        assert 1 <= np.min(drawn) < np.max(drawn) < 3


def test_draws_depend_on_seed_population_and_parameter_alone() -> None:
    spread = {"mean": 1.0, "std": 0.1}
    b = block("filter").with_parameters(tau=spread, k=spread)
    drawn = b.draw(50, 7, "sa")
    np.testing.assert_array_equal(drawn["tau"], b.with_parameters(k=1.0).draw(50, 7, "sa")["tau"])
    np.testing.assert_array_equal(np.asarray(drawn["tau"])[:20], b.draw(20, 7, "sa")["tau"])
    others = [drawn["k"], b.draw(50, 8, "sa")["tau"], b.draw(50, 7, "ra")["tau"]]
    assert all(not np.any(np.equal(drawn["tau"], other)) for other in others)


def test_a_number_shared_by_all_neurons_is_drawn_as_a_number() -> None:
    assert block("filter").draw(50, 7) == {"tau": 3.0, "k": 1.0}
