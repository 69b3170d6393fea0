"""Surrogate gradients: a spike is an exact comparison, its derivative a bump at the threshold.

In a backward pass the step of width zero, whose derivative is useless, is replaced by the
derivative of a smooth one (Neftci, Mostafa and Zenke 2019, doi:10.1109/MSP.2019.2931595). With x
the distance to the threshold and w its width:

    fast_sigmoid   1 / (2 w (1 + |x|/w)**2)    (Zenke and Ganguli 2018, doi:10.1162/neco_a_01086)
    arctan         1 / (pi w (1 + (x/w)**2))   (Fang et al. 2021, doi:10.1109/ICCV48922.2021.00266)

Both have area 1, as the derivative of a step must. The width grows with the speed of the approach,
w = width + time x |dx/dt|: an upstroke (izhikevich) multiplies derivative and speed alike, and
they cancel where a fixed width makes gradients explode from spike to spike. The derivative of a
spike count is then that of finite differences within a factor of two for lif and izhikevich;
behind the exponential of adex, whose Euler steps overshoot it, it still explodes.

Forward values are those of the program without it, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sensoryforge.equations.program import Instruction, Program

Operation = Callable[..., Tensor]
"""An operation of a program on torch tensors."""


def _fast_sigmoid(x: Tensor) -> Tensor:
    return 0.5 / (1.0 + x.abs()) ** 2


def _arctan(x: Tensor) -> Tensor:
    return (1.0 / math.pi) / (1.0 + x * x)


_SLOPES: dict[str, Callable[[Tensor], Tensor]] = {"fast_sigmoid": _fast_sigmoid, "arctan": _arctan}
SURROGATES = tuple(_SLOPES)
"""The shapes that a spike's derivative may have."""
# The sign of a comparison's derivative with respect to its left side.
_SIGNS = {"gt": 1.0, "ge": 1.0, "lt": -1.0, "le": -1.0}
_COMPARE: dict[str, Operation] = {"gt": torch.gt, "ge": torch.ge, "lt": torch.lt, "le": torch.le}


@dataclass(frozen=True)
class Surrogate:
    """The derivative that a spike has in a backward pass.

    Parameters
    ----------
    kind
        Its shape: one of :data:`SURROGATES`.
    width
        Its width in the threshold's units (mV).
    time_ms
        Its width in time, in ms.

    Examples
    --------
    >>> Surrogate("arctan", width=1.0).slope(torch.tensor([0.0, 1.0]))
    tensor([0.3183, 0.1592])
    """

    kind: str = "fast_sigmoid"
    width: float = 30.0
    time_ms: float = 10.0

    def slope(self, x: Tensor, width: Tensor | float | None = None) -> Tensor:
        """Return the derivative at a distance from the threshold.

        Parameters
        ----------
        x
            The distance, in the threshold's units.
        width
            The width there; by default that of a slow approach.
        """
        if width is None:
            width = self.width
        return _SLOPES[self.kind](x / width) / width

    def operations(self, program: Program, step_ms: float) -> dict[int, Operation]:
        """Return the operations with a gradient, by the register that they set.

        They are those that a spike is made of or decides on; their registers hold 0.0 and 1.0
        where the plain program has False and True. Comparisons outside the threshold keep their
        ordinary derivative, which is zero.
        """
        soft = _soft_registers(program)
        operations = {}
        for instruction in program.instructions:
            operation = self._operation(instruction, soft, step_ms)
            if operation is not None:
                operations[instruction.out] = operation
        return operations

    def _operation(
        self, instruction: Instruction, soft: frozenset[int], step_ms: float
    ) -> Operation | None:
        op, args = instruction.op, instruction.args
        if op == "where" and args[0] in soft:
            return _select
        if op in _SIGNS and instruction.out in soft:
            return _Crossing(self, op, step_ms)
        if op in _LOGIC and soft.intersection(args):
            return _LOGIC[op]
        return None


def either(a: Tensor, b: Tensor) -> Tensor:
    """Return 1.0 where either of two spikes (0.0 or 1.0) is."""
    return a + b - a * b


def _both(a: Tensor, b: Tensor) -> Tensor:
    return a * b


def _not(a: Tensor) -> Tensor:
    return 1.0 - a


def _either_real(a: Tensor, b: Tensor) -> Tensor:
    """Return ``either`` of two conditions of which one may be True and False."""
    dtype = a.dtype if a.is_floating_point() else b.dtype
    return either(a.to(dtype), b.to(dtype))


_LOGIC: dict[str, Operation] = {"and": _both, "or": _either_real, "not": _not}


def _soft_registers(program: Program) -> frozenset[int]:
    """Return the registers that a spike is made of, and the conditions that read one of them."""
    soft: set[int] = set()
    waiting = []
    if "spike" in program.outputs:
        waiting.append(program.outputs["spike"])
    # From the spike back to the comparisons of the threshold.
    while waiting:
        instruction = program.instructions[waiting.pop()]
        if instruction.op in _SIGNS:
            soft.add(instruction.out)
        elif instruction.op in _LOGIC:
            soft.add(instruction.out)
            waiting += instruction.args
    # And forward: a spike may also decide on another condition.
    for instruction in program.instructions:
        if instruction.op in _LOGIC and soft.intersection(instruction.args):
            soft.add(instruction.out)
    return frozenset(soft)


class _Crossing:
    """One comparison of a threshold; it knows the speed from the distance of the step before."""

    def __init__(self, surrogate: Surrogate, op: str, step_ms: float) -> None:
        self.surrogate = surrogate
        self.compare, self.sign = _COMPARE[op], _SIGNS[op]
        self.steps = surrogate.time_ms / step_ms
        self.distance_before: Tensor | None = None

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = torch.broadcast_tensors(a, b)  # type: ignore[no-untyped-call]
        distance = (a - b).detach()
        if self.distance_before is None:
            speed = torch.zeros_like(distance)
        else:
            speed = (distance - self.distance_before).abs()
        self.distance_before = distance
        width = self.surrogate.width + self.steps * speed
        slope = self.sign * self.surrogate.slope(distance, width)
        crossing: Tensor = _Step.apply(a, b, slope, self.compare)  # type: ignore[no-untyped-call]
        return crossing


class _Step(torch.autograd.Function):
    """A comparison as 0.0 and 1.0, with a given slope as its derivative."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, slope: Tensor, compare: Operation) -> Tensor:
        ctx.save_for_backward(slope)
        return compare(a, b).to(a.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        gradient = gradients[0] * slope
        return gradient, -gradient, None, None


class _Select(torch.autograd.Function):
    """``a`` where there is a spike, else ``b``, as if mixed: spike x a + (1 - spike) x b."""

    @staticmethod
    def forward(ctx: Any, spike: Tensor, a: Tensor, b: Tensor) -> Tensor:
        chosen = spike != 0
        ctx.save_for_backward(chosen, a - b)
        return torch.where(chosen, a, b)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        chosen, jump = ctx.saved_tensors
        (gradient,) = gradients
        nothing = torch.zeros_like(gradient)
        of_spike = gradient * jump
        of_a = torch.where(chosen, gradient, nothing)
        of_b = torch.where(chosen, nothing, gradient)
        return of_spike, of_a, of_b


def _select(spike: Tensor, a: Tensor, b: Tensor) -> Tensor:
    tensors = torch.broadcast_tensors(spike, a, b)  # type: ignore[no-untyped-call]
    selected: Tensor = _Select.apply(*tensors)  # type: ignore[no-untyped-call]
    return selected
