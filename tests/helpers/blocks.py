"""The shipped blocks of equations, and drives to run them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from sensoryforge.equations.block import Block

CONF = Path(__file__).parents[2] / "conf"
SHIPPED = sorted([*CONF.glob("model/*.yaml"), *CONF.glob("filter/*.yaml")])
Real = type[np.floating[Any]]
DTYPES: dict[Real, torch.dtype] = {np.float32: torch.float32, np.float64: torch.float64}


def load(file: Path) -> Block:
    """Read a block as the configuration does, its folder saying whether it is a model or a filter."""
    kind = "model" if file.parent.name == "model" else "filter"
    return Block.from_config(kind, yaml.safe_load(file.read_text()), str(file))


def shipped(kind: str, name: str, **parameters: Any) -> Block:
    """Return a shipped block by name, with some parameters changed."""
    return load(CONF / kind / f"{name}.yaml").with_parameters(**parameters)


def label(file: Path) -> str:
    """Return ``model/lif``."""
    return f"{file.parent.name}/{file.stem}"


def held(currents: Any, samples: int, real: Real = np.float32) -> Tensor:
    """Return a drive held constant, [1, samples, currents]."""
    return torch.tensor(np.atleast_1d(currents), dtype=DTYPES[real]).expand(1, samples, -1)
