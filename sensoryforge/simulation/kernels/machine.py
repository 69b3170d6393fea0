"""Runs programs on torch tensors, one operation at a time: the reference for every other backend.

Every operation rounds for itself, as IEEE 754 says, so that a compiled kernel can round alike.
(torch fuses a product and a sum inside ``addcmul``, ``lerp`` and ``add(alpha=)``: they are not
used.)
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sensoryforge.equations.program import Instruction, Program
from sensoryforge.simulation.kernels.surrogate import Operation, Surrogate


def _sqrt(x: Tensor) -> Tensor:
    # torch's float32 square root is not correctly rounded on every processor, that of float64 is.
    return x.double().sqrt().to(x.dtype)


def _exp2i(n: Tensor) -> Tensor:
    """Return two to a whole power from -126 to 127: a float32 with exponent bits alone."""
    biased = n.detach().to(torch.int32) + 127
    return (biased << 23).view(torch.float32)


def _exponent(x: Tensor) -> Tensor:
    """Return the binary exponent of a positive normal number: its bits 23 to 30, less the bias."""
    bits = x.detach().contiguous().view(torch.int32)
    biased = (bits >> 23) & 255
    return (biased - 127).to(torch.float32)


OPERATIONS: dict[str, Operation] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "neg": torch.neg,
    "abs": torch.abs,
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
    "eq": torch.eq,
    "ne": torch.ne,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "not": torch.logical_not,
    "where": torch.where,
    "sqrt": _sqrt,
    "rint": torch.round,
    "exp2i": _exp2i,
    "exponent": _exponent,
    "exp": torch.exp,
    "log": torch.log,
    "tanh": torch.tanh,
    "cos": torch.cos,
    "sin": torch.sin,
}
"""exp, log, tanh, cos and sin appear in float64 programs only: in float32 they are expanded."""

BoundOperation = tuple[Operation, int, tuple[int, ...]]
"""A function of torch, the register that it sets and those that it reads."""


class Machine:
    """A program bound to a precision and a device; holds the value of every register.

    Parameters
    ----------
    program
        The operations.
    dtype, device
        The precision, and where to compute.
    surrogate
        Gives spikes a gradient; they are then 0.0 and 1.0 instead of False and True.
    step_ms
        The integration step in ms, by which a surrogate knows speeds.
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
        self.inputs, self.outputs = program.inputs(), program.outputs
        self.registers: list[Tensor] = [torch.empty(0)] * len(program.instructions)
        for register, value in program.constants().items():
            self.registers[register] = self.tensor(value)
        soft = {} if surrogate is None else surrogate.operations(program, step_ms)
        self.levels: list[list[BoundOperation]] = [
            _bind(program.at(level), soft) for level in range(3)
        ]

    def tensor(self, value: float | Tensor) -> Tensor:
        """Return a number or tensor in the machine's precision."""
        return torch.as_tensor(value, dtype=self.dtype, device=self.device)

    def set(self, /, **inputs: float | Tensor) -> None:
        """Give inputs their values; names that the program does not read are passed over."""
        for name, value in inputs.items():
            if name in self.inputs:
                tensor = value if isinstance(value, Tensor) else self.tensor(value)
                self.registers[self.inputs[name]] = tensor

    def level(self, level: int) -> None:
        """Run the operations of one level."""
        registers = self.registers
        for function, out, args in self.levels[level]:
            registers[out] = function(*[registers[arg] for arg in args])

    def run(self, /, **inputs: float | Tensor) -> dict[str, Tensor]:
        """Set inputs, run every level, return the outputs."""
        self.set(**inputs)
        for level in range(3):
            self.level(level)
        return self.values()

    def values(self) -> dict[str, Tensor]:
        """Return the outputs as they stand."""
        return {name: self.registers[register] for name, register in self.outputs.items()}


def _bind(
    instructions: tuple[Instruction, ...], soft: Mapping[int, Operation]
) -> list[BoundOperation]:
    """Return instructions with their functions; those of ``soft`` (by register) have a gradient."""
    bound = []
    for instruction in instructions:
        function = soft.get(instruction.out, OPERATIONS[instruction.op])
        bound.append((function, instruction.out, instruction.args))
    return bound
