"""Blocks of equations that read every parameter of a table of units, for tests without the fitted ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from sensoryforge.config.kinds import option


def columns(units: str) -> list[str]:
    """Return the columns of a shipped table."""
    named: list[str] = option("units", units)["columns"]
    return named


def blocks(columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a filter and a model with the parameters of some columns."""
    of_filter, of_model = _parameters("filter", columns), _parameters("model", columns)
    sum_of_filter = " + ".join(["1", *of_filter])
    sum_of_model = " + ".join(["1", *of_model])
    return {
        "filter": {
            "states": {"x": 0.0},
            "derivatives": {"x": f"0.001*I*({sum_of_filter}) - 0.1*x"},
            "output": "x",
            "parameters": of_filter,
        },
        "model": {
            "states": {"v": 0.0},
            "derivatives": {"v": f"I - 0.1*v + 0.0001*({sum_of_model})"},
            "threshold": "v > 1",
            "reset": {"v": 0.0},
            "parameters": of_model,
        },
    }


def write_options(folder: Path, units: str) -> Path:
    """Write a filter and a model that fit a shipped table as options ``NAME_like``; return conf."""
    for group, block in blocks(columns(units)).items():
        path = folder / "conf" / group / f"{units}_like.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Made for a test.\n" + yaml.safe_dump(block, sort_keys=False))
    return folder / "conf"


def _parameters(block: str, columns: Sequence[str]) -> dict[str, float]:
    """Return the parameters that columns are of, each with some value."""
    names = [column.partition(".")[2] for column in columns if column.startswith(f"{block}.")]
    return dict.fromkeys(names, 1.0)
