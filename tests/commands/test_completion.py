"""Tab completion, as bash asks for it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from helpers import warm


def complete(line: str, folder: Path) -> list[str]:
    """Return what bash would offer after ``line``."""
    python = shlex.quote(warm.python())
    text = f"{python} -m sensoryforge.run {line}"
    asked = f"""
    eval "$({python} -m sensoryforge.run -sc install=bash)"
    COMP_LINE={shlex.quote(text)}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=($COMP_LINE)
    COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
    _sensoryforge_run
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", asked], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("stimuli=g", {"stimuli=gabor", "stimuli=gaussian", "stimuli=grating"}),
        ("pipeline.gr", {"pipeline.grid_size="}),
        ("-m batch=h", {"batch=hdf5"}),
        ("experiment=first", {"experiment=first_batch"}),
        ("neurons.populations.sa.ga", {"neurons.populations.sa.gain="}),
    ],
)
def test_tab_completes_options_and_keys_after_python_m(
    tmp_path: Path, line: str, offered: set[str]
) -> None:
    assert set(complete(line, tmp_path)) == offered
    assert not list(tmp_path.iterdir())
