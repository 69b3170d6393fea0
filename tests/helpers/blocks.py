"""The shipped blocks of equations, and drives to run them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from sensoryforge.equations.block import Block
from sensoryforge.equations.stiffness import find_stiffest

CONF = Path(__file__).parents[2] / "conf"
SHIPPED = sorted([*CONF.glob("model/*.yaml"), *CONF.glob("filter/*.yaml")])
Real = type[np.floating[Any]]
DTYPES: dict[Real, torch.dtype] = {np.float32: torch.float32, np.float64: torch.float64}


def is_variant(file: Path) -> bool:
    """Tell whether a block is another one with other numbers: its equations are the other's."""
    return "defaults" in yaml.safe_load(file.read_text())


def load(file: Path) -> Block:
    """Read a block as the configuration does, its folder saying whether it is a model or a filter."""
    kind = "model" if file.parent.name == "model" else "filter"
    return Block.from_config(kind, _composed(file), str(file))


def _composed(file: Path) -> dict[str, Any]:
    """Return what a file says, on top of what the one says that its defaults list names."""
    written: dict[str, Any] = yaml.safe_load(file.read_text())
    defaults = written.pop("defaults", [])
    if not defaults:
        return written
    composed = _composed(file.with_name(f"{defaults[0]}.yaml"))
    for section, values in written.items():
        composed[section] = {**composed.get(section, {}), **values}
    return composed


def shipped(kind: str, name: str, **parameters: Any) -> Block:
    """Return a shipped block by name, with some parameters changed."""
    return load(CONF / kind / f"{name}.yaml").with_parameters(**parameters)


def label(file: Path) -> str:
    """Return ``model/lif``."""
    return f"{file.parent.name}/{file.stem}"


def needed_substeps(block: Block, dt_ms: float) -> int:
    """Return how many steps a sample takes that no state of the block decays faster than."""
    values = {name: value for name, value in block.parameters.items() if isinstance(value, float)}
    stiffest = find_stiffest(block, values, dt_ms)
    return stiffest.substeps(dt_ms) if stiffest else 1


def held(currents: Any, samples: int, real: Real = np.float32) -> Tensor:
    """Return a drive held constant, [1, samples, currents]."""
    return torch.tensor(np.atleast_1d(currents), dtype=DTYPES[real]).expand(1, samples, -1)
