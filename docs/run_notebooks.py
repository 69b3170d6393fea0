"""Runs the notebooks, each from an empty folder, and stores what they print and draw.

``python docs/run_notebooks.py [NOTEBOOK ...]``, all by default. What differs from run to run, or
tells of the machine, is left out: bars of progress, times, what is written to the error stream.
"""

from __future__ import annotations

import base64
import io
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LIMIT_S = 600
_COLOURS = 64
"""Of a stored picture: it is then a third as large, and looks the same."""
_PROGRESS = re.compile(r"^(Progress|Training|compiling).*\n?", re.MULTILINE)
_IN_PLACE = re.compile(r"[^\n]*\r(?!\n)")
"""What a terminal writes over."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def run_notebook(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder, and return it with the outputs of its cells."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=LIMIT_S,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return notebook


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Leave out of a notebook's outputs what another run would have otherwise."""
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            tidied = [_tidied(output) for output in cell.outputs]
            cell.outputs = _joined([output for output in tidied if output is not None])


def _joined(outputs: list[Any]) -> list[Any]:
    """Return outputs in which prints that follow each other are one."""
    joined: list[Any] = []
    for output in outputs:
        is_print = output["output_type"] == "stream"
        if is_print and joined and joined[-1]["output_type"] == "stream":
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined


def _tidied(output: Any) -> Any:
    """Return an output as it is stored; None for one of which nothing is left."""
    if output["output_type"] == "stream":
        output["text"] = tidy_text(output["text"])
        is_kept = output["name"] == "stdout" and output["text"].strip()
        return output if is_kept else None
    data = output.get("data", {})
    output["metadata"] = {}
    if "text/plain" in data:
        data["text/plain"] = _ADDRESS.sub("", data["text/plain"])
    if "image/png" in data:
        data["image/png"] = _with_few_colours(data["image/png"])
    return output


def tidy_text(text: str) -> str:
    r"""Return what a program printed, without its bars of progress.

    Examples
    --------
    >>> tidy_text("Progress:  50%\rProgress: 100%\r\nSpikes: sa 3\r\n")
    'Spikes: sa 3\n'
    """
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
    return _PROGRESS.sub("", _IN_PLACE.sub("", plain))


def _with_few_colours(png: str) -> str:
    """Return a picture, as base64, with a palette."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    small = io.BytesIO()
    picture.quantize(_COLOURS).save(small, format="png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def main(paths: list[Path]) -> None:
    """Run notebooks and write them with their outputs."""
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            notebook = run_notebook(path, Path(folder))
        tidy(notebook)
        nbformat.write(notebook, path)
        sys.stdout.write(f"{path.name}: {path.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]] or NOTEBOOKS)
