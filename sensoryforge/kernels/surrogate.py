"""Surrogate gradients: a spike is the exact comparison of the threshold, and its derivative a bump around it.

In a backward pass the step of width zero, whose derivative is useless, is replaced by the derivative of a smooth one
(Neftci, Mostafa and Zenke 2019, doi:10.1109/MSP.2019.2931595). With x the distance to the threshold and w its width:

    fast_sigmoid   1 / (2 w (1 + |x|/w)**2)      (Zenke and Ganguli 2018, doi:10.1162/neco_a_01086)
    arctan         1 / (pi w (1 + (x/w)**2))     (Fang et al. 2021, doi:10.1109/ICCV48922.2021.00266)

Both have area 1, as the derivative of a step must. The width grows with the speed of the approach, w = width + time x
|dx/dt|: an upstroke (izhikevich) multiplies derivative and speed alike, and they cancel where a fixed width makes
gradients explode from spike to spike. The derivative of a spike count is then that of finite differences within a
factor of two for lif and izhikevich; behind the exponential of adex, whose Euler steps overshoot it, it still explodes.
Forward values are those of the program without it, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sensoryforge.program import Instruction, Program

Operation = Callable[..., Tensor]


def _fast_sigmoid(x: Tensor) -> Tensor:
    return 0.5 / (1.0 + x.abs()) ** 2


def _arctan(x: Tensor) -> Tensor:
    return (1.0 / math.pi) / (1.0 + x * x)


_SLOPES: dict[str, Callable[[Tensor], Tensor]] = {"fast_sigmoid": _fast_sigmoid, "arctan": _arctan}
SURROGATES = tuple(_SLOPES)
_SIGNS = {"gt": 1.0, "ge": 1.0, "lt": -1.0, "le": -1.0}
_COMPARE: dict[str, Operation] = {"gt": torch.gt, "ge": torch.ge, "lt": torch.lt, "le": torch.le}


@dataclass(frozen=True)
class Surrogate:
    """The derivative that a spike has in a backward pass.

    ``kind`` is its shape, ``width`` its width in the threshold's units (mV) and ``time_ms`` in time.
    """

    kind: str = "fast_sigmoid"
    width: float = 30.0
    time_ms: float = 10.0

    def slope(self, x: Tensor, width: Tensor | float | None = None) -> Tensor:
        """Return the derivative at a distance from the threshold."""
        width = self.width if width is None else width
        return _SLOPES[self.kind](x / width) / width

    def operations(self, program: Program, step_ms: float) -> dict[int, Operation]:
        """Return for each register that a spike is made of or decides on the operation with a gradient.

        These registers hold 0.0 and 1.0 where the plain program has False and True. Comparisons outside the threshold
        keep their ordinary derivative, which is none.
        """
        soft = _soft(program)
        return {i.out: made for i in program.instructions if (made := self._operation(i, soft, step_ms)) is not None}

    def _operation(self, i: Instruction, soft: frozenset[int], step_ms: float) -> Operation | None:
        if i.op == "where":
            return _select if i.args[0] in soft else None
        if i.op in _SIGNS:
            return _Crossing(self, i.op, step_ms) if i.out in soft else None
        return _LOGIC[i.op] if i.op in _LOGIC and soft.intersection(i.args) else None


def either(a: Tensor, b: Tensor) -> Tensor:
    """Return 1.0 where either of two spikes (0.0 or 1.0) is."""
    return a + b - a * b


def _both(a: Tensor, b: Tensor) -> Tensor:
    return a * b


def _not(a: Tensor) -> Tensor:
    return 1.0 - a


def _either_real(a: Tensor, b: Tensor) -> Tensor:
    kind = a.dtype if a.is_floating_point() else b.dtype
    return either(a.to(kind), b.to(kind))


_LOGIC: dict[str, Operation] = {"and": _both, "or": _either_real, "not": _not}


def _soft(program: Program) -> frozenset[int]:
    """Return the registers that a spike is made of: the threshold's comparisons and what joins them."""
    made = {i.out: i for i in program.instructions}
    soft: set[int] = set()
    wanted = [program.outputs["spike"]] if "spike" in program.outputs else []
    while wanted:
        i = made[wanted.pop()]
        if i.op in _SIGNS or i.op in _LOGIC:
            soft.add(i.out)
            wanted += i.args if i.op in _LOGIC else ()
    for i in program.instructions:  # a spike may also decide on another condition
        if i.op in _LOGIC and soft.intersection(i.args):
            soft.add(i.out)
    return frozenset(soft)


class _Crossing:
    """One comparison of a threshold; it remembers the distance of the step before, to know the speed."""

    def __init__(self, surrogate: Surrogate, op: str, step_ms: float) -> None:
        self.surrogate, self.op = surrogate, op
        self.steps = surrogate.time_ms / step_ms
        self.before: Tensor | None = None

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = torch.broadcast_tensors(a, b)  # type: ignore[no-untyped-call]
        distance = (a - b).detach()
        speed = torch.zeros_like(distance) if self.before is None else (distance - self.before).abs()
        self.before = distance
        width = self.surrogate.width + self.steps * speed
        slope = _SIGNS[self.op] * self.surrogate.slope(distance, width)
        crossing: Tensor = _Step.apply(a, b, slope, _COMPARE[self.op])  # type: ignore[no-untyped-call]
        return crossing


class _Step(torch.autograd.Function):
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
        return gradient * jump, torch.where(chosen, gradient, nothing), torch.where(chosen, nothing, gradient)


def _select(spike: Tensor, a: Tensor, b: Tensor) -> Tensor:
    selected: Tensor = _Select.apply(*torch.broadcast_tensors(spike, a, b))  # type: ignore[no-untyped-call]
    return selected
