"""Runs of designs that are drawn: they grow, and they are resumed to the same bits."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from helpers import warm
from helpers.runs import bits, experiment, run

from sensoryforge.analysis.results import load
from sensoryforge.core.errors import ConfigError
from sensoryforge.running.dry_run import dry_run

DRAWN = (
    "stimuli.amplitude={low: 5, high: 50}",
    "stimuli.sigma={low: 0.2, high: 1, scale: log}",
    "stimuli.where='sigma*20 < amplitude'",
    "batch=hdf5",
)
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from helpers.runs import run
from sensoryforge.store import files
left = 2
def crash_point(name):
    global left
    left -= name == "part.published"
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
files.crash_point = crash_point
run(Path(sys.argv[2]), *sys.argv[3:])
"""


@pytest.mark.parametrize("method", ["random", "sobol"])
@pytest.mark.parametrize("resume", [(), ("batch.resume=true",)], ids=["again", "resume"])
def test_a_design_that_grew_computes_only_what_is_new(
    tmp_path: Path, method: str, resume: tuple[str, ...]
) -> None:
    sampled = (*DRAWN, f"stimuli.sampling={method}")
    fewer = run(tmp_path / "grown", *sampled, "stimuli.samples=10")
    first = bits(fewer)
    says: list[str] = []
    grown = run(tmp_path / "grown", *sampled, "stimuli.samples=25", *resume, says=says)
    assert any("15" in line for line in says), says
    assert grown.metadata["stimuli_computed"] == 15
    whole = run(tmp_path / "whole", *sampled, "stimuli.samples=25")
    assert bits(grown) == bits(whole)
    assert bits(grown)[:10] == first


def test_a_latin_hypercube_of_more_samples_is_another_design_and_says_so(tmp_path: Path) -> None:
    sampled = ("stimuli.amplitude={low: 5, high: 50}", "stimuli.sampling=latin_hypercube")
    run(tmp_path, *sampled, "stimuli.samples=6")
    says = (
        "with another number of samples latin_hypercube is another design, random and sobol grow$"
    )
    for resume in ((), ("batch.resume=true",)):
        grown = experiment(tmp_path, *sampled, "stimuli.samples=12", *resume)
        with pytest.raises(ConfigError, match=says) as caught:
            dry_run(grown)
        assert len(caught.value.problems) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
@pytest.mark.parametrize("method", ["random", "latin_hypercube", "sobol"])
def test_a_killed_sampled_run_is_resumed_to_the_same_bits(tmp_path: Path, method: str) -> None:
    drawn = DRAWN[:2] if method == "latin_hypercube" else DRAWN
    sampled = [*drawn, f"stimuli.sampling={method}", "stimuli.samples=20"]
    killed = [warm.python(), "-c", KILLED, str(Path(__file__).parents[1]), str(tmp_path / "run")]
    assert subprocess.run([*killed, *sampled], check=False).returncode == -signal.SIGKILL
    assert 0 < len(load(tmp_path / "run")) < 20
    resumed = run(tmp_path / "run", *sampled, "batch.resume=true")
    assert bits(resumed) == bits(run(tmp_path / "whole", *sampled))


def test_a_dataset_keeps_and_shows_its_design(tmp_path: Path) -> None:
    from sensoryforge.commands.show import dataset_lines

    sampled = (*DRAWN, "stimuli.sampling=sobol", "stimuli.samples=8")
    results = run(tmp_path, *sampled)
    lines = [line.strip() for line in dataset_lines(results)]
    assert "Sampling: sobol, 8 points of 2 parameters, seed 0" in lines
    assert any(line.startswith("amplitude  from 5 to 50: ") for line in lines)
    assert any(line.startswith("sigma      from 0.2 to 1, log scale: ") for line in lines)
    assert any(line.startswith("where sigma*20 < amplitude: 8 of ") for line in lines)
    (described,) = results.metadata["design"]
    assert described["sampling"] == "sobol"
    assert described["parameters"]["amplitude"] == "from 5 to 50"
    assert results.table["amplitude"].between(5, 50).all()
