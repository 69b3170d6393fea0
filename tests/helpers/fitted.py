"""Tables of units: blocks of equations that read all of one, and the fitted populations without noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import sensoryforge as sf
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


def without_noise(units: str, rows: slice = slice(None)) -> dict[str, Any]:
    """Return a shipped table of units, or some of its rows, none of which is noisy."""
    shipped = option("units", units)
    noise = shipped["columns"].index("noise_std")
    silent = [[*row[:noise], 0.0, *row[noise + 1 :]] for row in shipped["rows"][rows]]
    return {"assign": "cycle", "columns": shipped["columns"], "rows": silent}


def quiet_population(units: str) -> dict[str, Any]:
    """Return a fitted population: every unit once, under the middle of the sheet, without noise."""
    table = without_noise(units)
    return {
        "type": units,
        "count": len(table["rows"]),
        "density_per_cm2": None,
        "layout": "point",
        "units": table,
    }


def run_quiet(
    folder: Path, stimuli: Any, duration_ms: float, populations: Sequence[str]
) -> sf.Results:
    """Return what fitted populations without noise fire under stimuli in mm."""
    fitted = {name: quiet_population(name) for name in populations}
    results = sf.run(
        {
            "pipeline": {
                "skin": "elastic",
                "dt_ms": 0.2,
                "duration_ms": duration_ms,
                "device": "cpu",
            },
            "neurons": {"populations": {"sa": None, "ra": None, **fitted}},
            "stimuli": stimuli,
            "batch": {"output_dir": str(folder)},
        }
    )
    assert results is not None
    return results


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
