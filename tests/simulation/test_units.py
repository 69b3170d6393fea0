"""Neurons that are units of a table: each fires as its row says, on every backend, in any chunk, in a resumed run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.experiments import FORMATS, assert_same
from helpers.runs import bits

import sensoryforge as sf
from sensoryforge.analysis.skin_tables import cells_table
from sensoryforge.config.reading import check, load_batch_file
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.simulation import Encoder
from sensoryforge.simulation.kernels.forecast import count_to_compile

COLUMNS = ["filter.tau_d", "model.a", "model.d", "gain", "noise_std", "latency_ms"]
ROWS = [
    [20.0, 0.02, 8.0, 40.0, 1.0, 0.0],
    [30.0, 0.05, 2.0, 55.0, 3.0, 2.0],
    [45.0, 0.03, 6.0, 47.0, 0.0, 5.5],
]
SA = "neurons.populations.sa"


def experiment(units: dict[str, Any] | None, **population: Any) -> Experiment:
    sa = {"count": 12, **population}
    if units is not None:
        sa["units"] = units
    return check(
        {
            "pipeline": {"grid_size": 12, "duration_ms": 60, "device": "cpu"},
            "neurons": {"ra_neurons": 4, "populations": {"sa": sa}},
            "stimuli": [
                {"type": "gaussian", "amplitude": [20, 40], "sigma": 1.0, "repetitions": 2}
            ],
        }
    )


def table(assign: str = "random", columns: Sequence[str] = COLUMNS) -> dict[str, Any]:
    kept = [COLUMNS.index(name) for name in columns]
    rows = [[row[number] for number in kept] for row in ROWS]
    return {"assign": assign, "columns": list(columns), "rows": rows}


def spikes(planned: Experiment, backend: str = "torch") -> dict[str, torch.Tensor]:
    return dict(Encoder(planned, backend)([(0, len(planned.design))]).arrays)


@pytest.mark.parametrize("assign", ["random", "cycle"])
def test_every_neuron_fires_as_one_of_a_population_that_is_all_its_unit(assign: str) -> None:
    planned = experiment(table(assign))
    units = np.array(planned.populations["sa"].units)
    assert len(set(units.tolist())) > 1
    mixed = spikes(planned)["sa_spikes"]
    for unit, (tau_d, a, d, gain, noise_std, latency_ms) in enumerate(ROWS):
        pure = experiment(
            None,
            filter={"parameters": {"tau_d": tau_d}},
            model={"parameters": {"a": a, "d": d}},
            gain=gain,
            noise_std=noise_std,
            delay_ms=latency_ms,
        )
        neurons = np.flatnonzero(units == unit)
        of_unit = spikes(pure)["sa_spikes"]
        expected = of_unit[:, :, neurons]
        assert of_unit.any()
        assert torch.equal(mixed[:, :, neurons], expected), unit


def test_units_of_one_population_leave_the_others_as_they_are() -> None:
    plain, with_units = experiment(None), experiment(table())
    assert torch.equal(spikes(plain)["ra_spikes"], spikes(with_units)["ra_spikes"])
    assert plain.design.ids(0, 4) == with_units.design.ids(0, 4)
    np.testing.assert_array_equal(plain.places("sa").xy_mm, with_units.places("sa").xy_mm)


@pytest.mark.parametrize("columns", [COLUMNS, ["noise_std"], ["gain"], ["model.a"]])
def test_numba_has_the_bits_of_torch_and_its_kernels_are_foretold(columns: list[str]) -> None:
    planned = experiment(table(columns=columns))
    assert_same(spikes(planned, "torch"), spikes(planned, "numba"))
    assert count_to_compile(planned) == 0


@pytest.mark.slow
def test_triton_has_the_bits_of_torch() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"  # without a card, in its interpreter
    planned = experiment(table())
    arrays = Encoder(planned, "triton").to(device)([(0, 4)]).arrays
    there = {name: array.cpu() for name, array in arrays.items()}
    assert_same(there, spikes(planned))


def test_noise_that_is_the_same_in_every_row_has_the_bits_of_one_number() -> None:
    same = {"columns": ["noise_std", "gain"], "rows": [[2.5, 41.0], [2.5, 41.0]]}
    plain = experiment(None, noise_std=2.5, gain=41.0)
    for backend in ("torch", "numba"):
        assert_same(spikes(experiment(same), backend), spikes(plain, backend))


def test_any_chunk_has_the_same_bits() -> None:
    planned = experiment(table())
    whole = spikes(planned)["sa_spikes"]
    encoder = Encoder(planned)
    parts = [encoder([(row, row + 1)]).arrays["sa_spikes"] for row in range(4)]
    assert torch.equal(whole, torch.cat(parts))


def test_a_latency_moves_spikes_and_may_be_left_out() -> None:
    late = spikes(experiment(table()))["sa_spikes"]
    at_once = spikes(experiment({**table(), "latency": False}))["sa_spikes"]
    units = np.array(experiment(table()).populations["sa"].units)
    samples = [round(ROWS[unit][-1] / 0.5) for unit in units.tolist()]
    for neuron, sample in enumerate(samples):
        stop = at_once.shape[1] - sample
        assert torch.equal(late[:, sample:, neuron], at_once[:, :stop, neuron])
    assert not torch.equal(late, at_once)


# --- whole runs ---

FILE = """
batch: {output_dir: out, checkpoint_frequency: 2, format: FORMAT}
pipeline: {grid_size: 12, duration_ms: 30, device: cpu}
neurons:
  populations:
    sa: {count: 6, units: {file: mine.csv}}
    ra: {count: 2}
stimuli:
  - {type: gaussian, amplitude: [20, 40]}
"""
CSV = "model.a,gain,noise_std\n0.02,40,1\n0.05,55,3\n0.03,47,0\n"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a batch file and a table of units, and another folder in which commands are given."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lab" / "mine.csv").write_text(CSV)
    (tmp_path / "lab" / "touch.yml").write_text(FILE.replace("FORMAT", "pytorch"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "lab"


def run_file(lab: Path, *overrides: str) -> None:
    sf.run(load_batch_file(lab / "touch.yml", overrides))


@pytest.mark.parametrize("format", FORMATS)
def test_a_dataset_says_which_unit_each_neuron_is(lab: Path, format: str) -> None:
    run_file(lab, f"batch.format={format}")
    results = sf.load("out")
    units = results.units("sa")
    assert units.tolist() == list(check_units(lab))
    assert results.metadata["sa_unit"].tolist() == units.tolist()
    noise = np.array([1.0, 3.0, 0.0])
    assert results.metadata["sa_noise_std"].tolist() == noise[units].tolist()
    assert cells_table(results, "sa")["unit"].tolist() == units.tolist()
    assert "unit" not in cells_table(results, "ra")
    assert results.to_xarray("sa", "counts")["unit"].values.tolist() == units.tolist()
    assert "ra_unit" not in results.metadata
    with pytest.raises(ConfigError, match="population ra has no table of units"):
        results.units("ra")
    with pytest.raises(ConfigError, match="pc"):
        results.units("pc")


def check_units(lab: Path) -> tuple[int, ...]:
    units = check(lab / "touch.yml").populations["sa"].units
    assert units is not None
    return units


def test_a_run_grows_to_the_bits_of_one_that_was_whole(lab: Path) -> None:
    run_file(lab, "stimuli.amplitude=[20]")
    run_file(lab, "batch.resume=true")
    run_file(lab, "batch.output_dir=whole")
    assert bits(sf.load("out")) == bits(sf.load("whole"))


def test_a_run_does_not_go_on_once_the_table_has_changed_and_does_where_it_was_moved(
    lab: Path,
) -> None:
    run_file(lab, "stimuli.amplitude=[20]")
    (lab / "tables").mkdir()
    (lab / "mine.csv").rename(lab / "tables" / "fits.csv")
    text = (lab / "touch.yml").read_text()
    (lab / "touch.yml").write_text(text.replace("mine.csv", "tables/fits.csv"))
    run_file(lab, "batch.resume=true")
    assert len(sf.load("out")) == 2
    (lab / "tables" / "fits.csv").write_text(CSV.replace("0.05", "0.06"))
    with pytest.raises(ConfigError, match=rf"^{re.escape(SA)}\.units\.checksum: ") as caught:
        run_file(lab, "batch.resume=true", "stimuli.amplitude=[20,40,60]")
    assert len(caught.value.problems) == 1


def test_an_interrupted_run_says_which_unit_each_neuron_is(lab: Path) -> None:
    run_file(lab)
    results = sf.load("out")
    units = results.units("sa").tolist()
    config = results.metadata["config"]
    interrupted = sf.load("out")
    vars(interrupted)["metadata"] = {"config": config}
    assert interrupted.units("sa").tolist() == units


def test_what_a_dataset_keeps_runs_again(lab: Path) -> None:
    run_file(lab)
    again = {**sf.load("out").metadata["config"]}
    again["batch"] = {**again["batch"], "output_dir": "again"}
    sf.run(again)
    assert bits(sf.load("again")) == bits(sf.load("out"))


def test_a_population_without_units_is_kept_as_it_was_before_there_were_any() -> None:
    stored = experiment(None).config["neurons"]["populations"]["sa"]
    assert not {"units", "density_per_cm2"} & set(stored)
