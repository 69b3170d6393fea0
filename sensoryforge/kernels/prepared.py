"""What a generated kernel is given: its plan, and every number that does not change in a run, computed beforehand.

These numbers come from the torch reference on the CPU, so that they have its bits wherever the kernel then runs.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from math import frexp

import torch
from torch import Tensor

from sensoryforge.kernels.base import Afferents, Drive
from sensoryforge.kernels.codegen import Plan, Source
from sensoryforge.kernels.machine import Machine

_CPU = torch.device("cpu")


class Prepared:
    """A population and its drive, as a generated kernel wants them."""

    def __init__(self, afferents: Afferents, drive: Drive, keys: Tensor | None, record: tuple[str, ...]) -> None:
        self.afferents, self.drive, self.record = afferents, drive, record
        noisy = keys is not None and afferents.noise_std > 0 and afferents.model is not None
        self.keys = keys if noisy else None
        self.plan = _known(
            Plan(
                filter=afferents.filter,
                model=afferents.model,
                terms=drive.space.shape[1] if drive.space is not None else 0,
                substeps=afferents.substeps,
                noisy=noisy,
                record=record,
                halving=frexp(afferents.dt_ms)[0] == 0.5,
            )
        )

    @cached_property
    def values(self) -> dict[tuple[str, int], Tensor]:
        """Return (part, register) -> value of everything that does not change in the run."""
        values: dict[tuple[str, int], Tensor] = {}
        for name, part in self.plan.parts.items():
            machine = Machine(part.program, torch.float32, _CPU)
            machine.set(dt=self.afferents.step_ms, **self._parameters(part.owner))
            machine.level(0)
            values |= {(name, i.out): machine.registers[i.out] for i in part.program.instructions if i.level == 0}
        dt = self.afferents.dt_ms
        run = (1 / dt if self.plan.halving else dt, self.afferents.gain, self.afferents.noise_scale)
        return values | {("run", k): _on_cpu(v) for k, v in enumerate(run)}

    @property
    def differing(self) -> frozenset[tuple[str, int]]:
        """Return the values that differ between neurons."""
        return frozenset(key for key, value in self.values.items() if value.ndim)

    def shared(self, source: Source) -> list[float]:
        """Return the values that all neurons share, in the source's order."""
        return [float(self.values[v.part, v.register]) for v in source.shared]

    def each(self, source: Source) -> Tensor:
        """Return the values that differ, [values, neurons]."""
        return self._stacked([self.values[v.part, v.register].float() for v in source.each])

    def initial(self) -> Tensor:
        """Return the initial states, [states, neurons]."""
        rows: list[Tensor] = []
        for owner, program in self.plan.initials.items():
            rows += Machine(program, torch.float32, _CPU).run(**self._parameters(owner)).values()
        return self._stacked(rows)

    def _parameters(self, owner: str) -> dict[str, Tensor]:
        values = self.afferents.model_values if owner == "model" else self.afferents.filter_values
        return {n: _on_cpu(v) for n, v in values.items()}

    def _stacked(self, rows: list[Tensor]) -> Tensor:
        neurons = self.drive.neurons
        return torch.stack([r.expand(neurons) for r in rows]) if rows else torch.zeros(0, neurons)


@lru_cache(maxsize=64)
def _known(plan: Plan) -> Plan:
    """Return the first equal plan, whose programs are made; it keeps its blocks alive, so that their ids hold."""
    return plan


def _on_cpu(value: float | Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float32).detach().cpu()
