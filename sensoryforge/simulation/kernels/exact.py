"""The numbers with which a linear filter is stepped exactly: its matrix exponential.

They are made in float64 of additions, products and quotients that every machine rounds alike, and
not by LAPACK, whose last bits differ between processors: halved until the matrix is small, a Taylor
series, squared as often. Then they are rounded to float32 once, as every parameter is. They have
gradients, so that time constants can be learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import torch
from torch import Tensor

from sensoryforge.equations.elementary import expand, has_elementary
from sensoryforge.equations.linear import ExactFilter
from sensoryforge.equations.program import linearise
from sensoryforge.simulation.kernels.base import Afferents
from sensoryforge.simulation.kernels.machine import Machine

Matrix: TypeAlias = list[list[Tensor | None]]
"""Float64 numbers: one that all neurons share, [N], [B,1] or [B,N]; None for what is always 0."""

_LARGEST_NORM = 0.5
_TERMS = 16
"""Terms of the series: 0.5**17 / 17! is far below what float64 can hold beside 1."""
_CPU = torch.device("cpu")


def step_exactly(afferents: Afferents, exact: ExactFilter) -> Afferents:
    """Return afferents whose filter takes one exact step a sample.

    Parameters
    ----------
    afferents
        With the filter that ``exact`` was made of, and its parameters.
    exact
        What :func:`sensoryforge.equations.linear.find_exact` made of the filter.
    """
    coefficients = coefficients_of(exact, afferents.filter_values, afferents.dt_ms)
    return replace(
        afferents,
        filter=exact.block,
        filter_values={**afferents.filter_values, **coefficients},
        filter_substeps=1,
    )


def coefficients_of(
    exact: ExactFilter, values: Mapping[str, float | Tensor], dt_ms: float
) -> dict[str, float | Tensor]:
    """Return the parameters that exact steps add to a filter's.

    Parameters
    ----------
    exact
        The filter.
    values
        Its own parameters, numbers or [N]; [B,1] or [B,N] where they differ between stimuli.
    dt_ms
        Length of a sample in ms, over which the drive is held.

    Examples
    --------
    >>> import math
    >>> from sensoryforge.equations.linear import find_exact
    >>> exact = find_exact(sf.load_block("filter/ra"))
    >>> numbers = coefficients_of(exact, {"tau_ra": 3.0, "k3": 1.0}, dt_ms=0.5)
    >>> round(float(numbers["step_y_y"]), 6), round(math.exp(-0.5 / 3), 6)
    (0.846482, 0.846482)
    """
    states = list(exact.block.states)
    rates = _rates(exact, values)
    size = len(states)
    matrix: Matrix = [[None] * (2 * size) for _ in range(2 * size)]
    for (state, other), rate in rates.items():
        matrix[states.index(state)][states.index(other)] = rate * dt_ms
    for k in range(size):
        matrix[k][size + k] = torch.tensor(dt_ms, dtype=torch.float64)
    exponential = matrix_exponential(matrix)
    coefficients: dict[str, float | Tensor] = {}
    for name, (state, other) in exact.of_states.items():
        coefficients[name] = _entry(exponential, states.index(state), states.index(other))
    for name, (state, other) in exact.of_inputs.items():
        coefficients[name] = _entry(exponential, states.index(state), size + states.index(other))
    return coefficients


def matrix_exponential(matrix: Matrix) -> Matrix:
    """Return the exponential of a matrix, of each neuron's where they differ.

    Examples
    --------
    >>> import math
    >>> quarter_turn = torch.tensor(math.pi / 2, dtype=torch.float64)
    >>> rotation = matrix_exponential([[None, -quarter_turn], [quarter_turn, None]])
    >>> [[round(float(entry), 12) for entry in row] for row in rotation]
    [[0.0, -1.0], [1.0, 0.0]]
    """
    halvings = _halvings(_norm(matrix))
    small = _times(matrix, 0.5**halvings)
    term = _identity(len(matrix))
    total = term
    for k in range(1, _TERMS + 1):
        term = _times(_product(term, small), 1 / k)
        total = _sum(total, term)
    for squaring in range(int(halvings.max())):
        total = _where(squaring < halvings, _product(total, total), total)
    return total


def _rates(
    exact: ExactFilter, values: Mapping[str, float | Tensor]
) -> dict[tuple[str, str], Tensor]:
    """Return the matrix A, float64; where it takes an elementary function, that is float32's."""
    keys = {f"{k}": key for k, key in enumerate(exact.rates)}
    graph = {text: exact.rates[key] for text, key in keys.items()}
    dtype = torch.float64
    if has_elementary(graph):
        graph = expand(graph)
        dtype = torch.float32
    on_cpu = {name: torch.as_tensor(value).cpu() for name, value in values.items()}
    machine = Machine(linearise(graph, {}), dtype, _CPU)
    inputs = {name: machine.tensor(value) for name, value in on_cpu.items()}
    entries = machine.run(**inputs)
    return {keys[text]: entry.double() for text, entry in entries.items()}


def _entry(matrix: Matrix, row: int, column: int) -> Tensor:
    entry = matrix[row][column]
    return torch.tensor(0.0) if entry is None else entry.float()


def _norm(matrix: Matrix) -> Tensor:
    """Return the largest sum of a row's absolute values, of all neurons.

    It is [B,1] where numbers differ between stimuli: no stimulus may change what another gets.
    """
    largest = torch.zeros((), dtype=torch.float64)
    for row in matrix:
        total = torch.zeros((), dtype=torch.float64)
        for entry in row:
            if entry is not None:
                total = total + entry.detach().abs()
        of_neurons = total.amax(dim=-1, keepdim=True) if total.ndim == 2 else total.max()
        largest = torch.maximum(largest, of_neurons)
    return largest


def _halvings(norm: Tensor) -> Tensor:
    """Return how often a matrix is halved until it is small; one beyond all bounds is not."""
    halvings = torch.zeros_like(norm)
    while True:
        is_large = (norm > _LARGEST_NORM) & torch.isfinite(norm)
        if not is_large.any():
            return halvings
        norm = torch.where(is_large, norm / 2, norm)
        halvings = halvings + is_large


def _identity(size: int) -> Matrix:
    one = torch.ones((), dtype=torch.float64)
    return [[one if row == column else None for column in range(size)] for row in range(size)]


def _times(matrix: Matrix, number: float | Tensor) -> Matrix:
    return [[None if entry is None else entry * number for entry in row] for row in matrix]


def _where(condition: Tensor, left: Matrix, right: Matrix) -> Matrix:
    """Return the entries of one matrix where a condition holds, else those of another."""
    if bool(condition.all()):
        return left
    chosen: Matrix = []
    for left_row, right_row in zip(left, right, strict=True):
        chosen.append([_either(condition, a, b) for a, b in zip(left_row, right_row, strict=True)])
    return chosen


def _either(condition: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None and b is None:
        return None
    zero = torch.zeros((), dtype=torch.float64)
    return torch.where(condition, zero if a is None else a, zero if b is None else b)


def _sum(left: Matrix, right: Matrix) -> Matrix:
    total: Matrix = []
    for left_row, right_row in zip(left, right, strict=True):
        total.append([_added(a, b) for a, b in zip(left_row, right_row, strict=True)])
    return total


def _product(left: Matrix, right: Matrix) -> Matrix:
    """Return the product of two matrices; each sum is made in order."""
    size = len(left)
    product: Matrix = [[None] * size for _ in range(size)]
    for row in range(size):
        for column in range(size):
            total: Tensor | None = None
            for k in range(size):
                a, b = left[row][k], right[k][column]
                if a is not None and b is not None:
                    total = _added(total, a * b)
            product[row][column] = total
    return product


def _added(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
