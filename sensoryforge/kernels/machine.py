"""Runs programs on torch tensors, one operation at a time: the reference that every other backend must equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from sensoryforge.kernels.surrogate import Surrogate
from sensoryforge.program import Instruction, Program


def _sqrt(x: Tensor) -> Tensor:
    # torch's float32 square root is not correctly rounded on every processor; through float64 it is.
    return x.double().sqrt().to(x.dtype)


def _exp2i(n: Tensor) -> Tensor:
    return ((n.detach().to(torch.int32) + 127) << 23).view(torch.float32)


def _exponent(x: Tensor) -> Tensor:
    return (((x.detach().contiguous().view(torch.int32) >> 23) & 255) - 127).to(torch.float32)


OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "neg": torch.neg, "abs": torch.abs,
    "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge, "eq": torch.eq, "ne": torch.ne,
    "and": torch.logical_and, "or": torch.logical_or, "not": torch.logical_not, "where": torch.where,
    "sqrt": _sqrt, "rint": torch.round, "exp2i": _exp2i, "exponent": _exponent,
    "exp": torch.exp, "log": torch.log, "tanh": torch.tanh,
}  # fmt: skip
"""exp, log and tanh appear in float64 programs only; in float32 they have been expanded."""


class Machine:
    """A program bound to a precision and a device; holds the value of every register.

    With a ``surrogate``, spikes are 0.0 and 1.0 with a gradient instead of False and True.
    """

    def __init__(
        self,
        program: Program,
        dtype: torch.dtype,
        device: torch.device,
        surrogate: Surrogate | None = None,
        step_ms: float = 1.0,
    ) -> None:
        self.dtype, self.device = dtype, device
        self.registers: list[Tensor] = [torch.empty(0)] * len(program.instructions)
        for register, value in program.constants().items():
            self.registers[register] = self.tensor(value)
        self.inputs, self.outputs = program.inputs(), program.outputs
        soft = surrogate.operations(program, step_ms) if surrogate else {}
        self.levels = [_bound(program.at(level), soft) for level in range(3)]

    def tensor(self, value: float | Tensor) -> Tensor:
        """Return a number or tensor in the machine's precision."""
        return torch.as_tensor(value, dtype=self.dtype, device=self.device)

    def set(self, /, **inputs: float | Tensor) -> None:
        """Give inputs their values; names that the program does not read are passed over."""
        for key, value in inputs.items():
            if key in self.inputs:
                self.registers[self.inputs[key]] = value if isinstance(value, Tensor) else self.tensor(value)

    def level(self, level: int) -> None:
        """Run the operations of one level."""
        registers = self.registers
        for function, out, args in self.levels[level]:
            registers[out] = function(*[registers[a] for a in args])

    def run(self, /, **inputs: float | Tensor) -> dict[str, Tensor]:
        """Set inputs, run every level, return the outputs."""
        self.set(**inputs)
        for level in range(3):
            self.level(level)
        return self.values()

    def values(self) -> dict[str, Tensor]:
        """Return the outputs as they stand."""
        return {key: self.registers[register] for key, register in self.outputs.items()}


def _bound(
    instructions: tuple[Instruction, ...], soft: Mapping[int, Callable[..., Tensor]]
) -> list[tuple[Callable[..., Tensor], int, tuple[int, ...]]]:
    return [(soft.get(i.out, OPERATIONS[i.op]), i.out, i.args) for i in instructions]
