"""The notebooks, run from an empty folder as a reader does."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
import run_notebooks
from helpers import warm

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 300_000
"""Bytes of a notebook, what it draws included."""


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_and_has_the_kinds_of_outputs_that_are_stored(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [str(warm.programs()), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = tmp_path / "work"
    folder.mkdir()
    notebook = run_notebooks.run_notebook(path, folder)
    assert {item.name for item in folder.iterdir()} <= {"outputs", "conf"}
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    complaints = [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert not [text for text in complaints if "Warning" in text or "Error" in text]
    run_notebooks.tidy(notebook)
    assert kinds(notebook) == kinds(nbformat.read(path, as_version=4))


def kinds(notebook: nbformat.NotebookNode) -> list[list[tuple[str, ...]]]:
    """Return for each cell of what kinds its outputs are."""
    return [
        [(output["output_type"], *sorted(output.get("data", {}))) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_prints_and_draws_is_stored_and_nothing_of_the_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    texts = [output.get("text", "") + str(output.get("data", "")) for output in outputs]
    of_the_machine = re.compile(r"/(tmp|home|root|Users|work)/|\bsrun\b|stimulus/s|\r")
    assert not [text for text in texts if of_the_machine.search(text)]
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec"}
    assert path.stat().st_size < LARGEST


def test_no_notebook_is_left_out() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05"]
