"""The datasets of a sweep are listed, and open as one where their arrays go together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.runs import run

from sensoryforge.analysis.results import load
from sensoryforge.commands import cli
from sensoryforge.core.errors import StorageError

TAU = "neurons.populations.ra.filter.parameters.tau_ra"


def sweep(root: Path, *jobs: str) -> Path:
    """Run a job for each override, as Hydra places them, and leave what it writes beside them."""
    for number, override in enumerate(jobs):
        folder = root / f"job_{number}"
        run(folder, override, "stimuli.amplitude=[10,20]")
        (folder / ".hydra").mkdir()
        written = ["stimuli.amplitude=[10,20]", override, f"batch.output_dir={root}"]
        (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(written))
    (root / "multirun.yaml").write_text("")
    return root


def test_a_sweep_opens_as_one_with_a_column_for_each_varied_override(tmp_path: Path) -> None:
    root = sweep(tmp_path / "tau", f"{TAU}=1", f"{TAU}=3", f"{TAU}=10")
    joint = load(root)
    assert joint.complete
    assert joint.table["tau_ra"].tolist() == [1, 1, 3, 3, 10, 10]
    assert joint.table["index"].tolist() == list(range(6))
    assert joint.axes == {"amplitude": [10, 20], "tau_ra": [1, 3, 10]}
    for number, value in enumerate((1, 3, 10)):
        alone = load(root / f"job_{number}")
        chosen = joint.where(tau_ra=value)
        for population in ("sa", "ra"):
            assert np.array_equal(chosen.counts(population), alone.counts(population))
        assert chosen.rates().equals(alone.rates())
        assert joint[2 * number]["id"] == alone[0]["id"]


def test_a_swept_seed_leaves_the_seeds_of_the_stimuli_in_the_table(tmp_path: Path) -> None:
    root = sweep(tmp_path / "seeds", "pipeline.seed=5", "pipeline.seed=6")
    joint = load(root)
    assert joint.table["pipeline.seed"].tolist() == [5, 5, 6, 6]
    alone = [load(root / f"job_{number}").table["seed"].tolist() for number in (0, 1)]
    assert joint.table["seed"].tolist() == [*alone[0], *alone[1]]


def test_a_sweep_whose_arrays_differ_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = sweep(tmp_path / "sizes", "neurons.sa_neurons=6", "neurons.sa_neurons=7")
    line = r"2 datasets below, which do not open as one \(sa_spikes: 60 x 6 and 60 x 7\); open one"
    with pytest.raises(StorageError, match=line) as caught:
        load(root)
    assert "\n" not in str(caught.value)
    assert cli.main(["show", str(root)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"{root}: 2 datasets"
    assert shown[1].startswith("  job_0  sa_neurons=6: 2 stimuli, sa_spikes 60 x 6")
    assert shown[3] == str(caught.value)


def test_afferents_in_different_places_are_not_pooled(tmp_path: Path) -> None:
    root = sweep(
        tmp_path / "layouts",
        "neurons.populations.sa.layout=even",
        "neurons.populations.sa.layout=random",
    )
    with pytest.raises(StorageError, match="their afferents lie in different places"):
        load(root)


def test_datasets_side_by_side_that_are_of_no_sweep_are_listed(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        run(tmp_path / name)
    line = r"2 datasets below, .*\(they are not of one sweep\); open one of .*monday, .*tuesday"
    with pytest.raises(StorageError, match=line):
        load(tmp_path)


def test_a_name_where_a_row_belongs_is_answered_with_what_to_write(tmp_path: Path) -> None:
    results = run(tmp_path, "stimuli.amplitude=[10,20]")
    for name, answer in [
        ("sa_spikes", r'results\.spikes\("sa"\)'),
        ("sa", r'results\.spikes\("sa"\)'),
        ("amplitude", r"results\.table\['amplitude'\]"),
    ]:
        with pytest.raises(TypeError, match=answer):
            results[name]  # type: ignore[call-overload]
    assert results[1] in results
    assert results[1] not in results.where(amplitude=10)


def test_a_slice_as_a_condition_is_one_clear_line(tmp_path: Path) -> None:
    results = run(tmp_path, "stimuli.amplitude=[10,20]")
    with pytest.raises(Exception, match=r"where: amplitude: got a slice.*lambda v: 5 <= v < 15"):
        results.where(amplitude=slice(5, 15))
