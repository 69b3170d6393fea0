"""What a generated kernel is given: its plan, and every number that does not change in a run.

These numbers are computed beforehand, by the torch reference on the CPU, so that they have its bits
wherever the kernel then runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from math import frexp

import torch
from torch import Tensor

from sensoryforge.simulation.kernels.base import Afferents, Drive
from sensoryforge.simulation.kernels.body import OUTSIDE_EQUATIONS, KernelSource
from sensoryforge.simulation.kernels.machine import Machine
from sensoryforge.simulation.kernels.plan import OWNERS, KernelPlan

_CPU = torch.device("cpu")


class Prepared:
    """A population and its drive, as a generated kernel wants them.

    Parameters
    ----------
    afferents, drive, keys, record
        As a kernel is called with (:class:`sensoryforge.simulation.kernels.Kernel`).
    """

    def __init__(
        self, afferents: Afferents, drive: Drive, keys: Tensor | None, record: tuple[str, ...]
    ) -> None:
        self.afferents, self.drive, self.record = afferents, drive, record
        # A filter alone has no current that noise could be added to.
        noisy = keys is not None and afferents.noisy and afferents.model is not None
        self.keys = keys if noisy else None
        plan = KernelPlan(
            filter=afferents.filter,
            model=afferents.model,
            terms=0 if drive.space is None else drive.space.shape[1],
            substeps=afferents.substeps,
            noisy=noisy,
            record=record,
            exact_rate=_is_power_of_two(afferents.dt_ms),
            rates=1 if drive.rate_frames is not None else drive.rates,
            delayed=drive.delay is not None,
            filter_substeps=afferents.filter_substeps,
            varied=afferents.varied,
        )
        self.plan = _first_equal(plan)

    @cached_property
    def constants(self) -> dict[tuple[str, int], Tensor]:
        """The value of everything that does not change in the run, by program and register."""
        constants: dict[tuple[str, int], Tensor] = {}
        for name, program in self.plan.programs.items():
            machine = Machine(program, torch.float32, _CPU)
            machine.set(dt=self.afferents.step_ms, **self._parameters(OWNERS[name]))
            machine.level(0)
            for instruction in program.instructions:
                if instruction.level == 0:
                    register = instruction.out
                    constants[name, register] = machine.registers[register]
        outside = self._outside_equations()
        for register, name in enumerate(OUTSIDE_EQUATIONS):
            constants["run", register] = _on_cpu(outside[name])
        return constants

    def _outside_equations(self) -> Mapping[str, float | Tensor]:
        dt_ms = self.afferents.dt_ms
        return {
            "rate": 1 / dt_ms if self.plan.exact_rate else dt_ms,
            "gain": self.afferents.gain,
            "scale": self.afferents.noise_scale,
        }

    @property
    def differing(self) -> frozenset[tuple[str, int]]:
        """The constants of which each neuron has its own."""
        return frozenset(name for name, value in self.constants.items() if _differs(value))

    def shared(self, source: KernelSource) -> Tensor:
        """Return the constants that all neurons share, float32 [constants], in the source's order.

        They are [B, constants] where numbers differ between stimuli.
        """
        values = [self.constants[c.program, c.register].float() for c in source.shared]
        if not self.plan.varied:
            return torch.tensor([float(value) for value in values], dtype=torch.float32)
        return self._stack(values, width=1)[:, :, 0].contiguous()

    def each(self, source: KernelSource) -> Tensor:
        """Return the constants that each neuron has for itself, [constants, N].

        They are [B, constants, N] where numbers differ between stimuli.
        """
        rows = [self.constants[c.program, c.register].float() for c in source.each]
        return self._stack(rows)

    def initial(self) -> Tensor:
        """Return the initial states, [states, N]; [B, states, N] where numbers differ so."""
        rows: list[Tensor] = []
        for owner, program in self.plan.initials.items():
            states = Machine(program, torch.float32, _CPU).run(**self._parameters(owner))
            rows += states.values()
        return self._stack(rows)

    def _parameters(self, owner: str) -> dict[str, Tensor]:
        of_model = owner == "model"
        values = self.afferents.model_values if of_model else self.afferents.filter_values
        return {name: _on_cpu(value) for name, value in values.items()}

    def _stack(self, rows: list[Tensor], width: int | None = None) -> Tensor:
        """Return numbers side by side: [rows, N], or [B, rows, N] where they are varied."""
        shape = [self.drive.neurons if width is None else width]
        if self.plan.varied:
            shape.insert(0, len(self.drive.rows))
        if not rows:
            return torch.zeros(*shape[:-1], 0, shape[-1])
        return torch.stack([row.expand(shape) for row in rows], dim=-2)


def _differs(value: Tensor) -> bool:
    """Tell whether each neuron has a number of its own: [N] or [B,N], and not one or [B,1]."""
    return value.ndim == 1 or (value.ndim == 2 and value.shape[1] > 1)


def _is_power_of_two(number: float) -> bool:
    mantissa, _ = frexp(number)
    return mantissa == 0.5


@lru_cache(maxsize=64)
def _first_equal(plan: KernelPlan) -> KernelPlan:
    """Return the first plan that equals this one, whose programs are made already.

    The cache keeps a plan's blocks alive: their ids, which plans are compared by, stay theirs.
    """
    return plan


def _on_cpu(value: float | Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float32).detach().cpu()
