"""Numbers of afferents are columns of a dataset as any other: of tables, arrays, pictures and targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.experiments import SHEET

import sensoryforge as sf
from sensoryforge.analysis.neurons import of_skin, seed_of
from sensoryforge.analysis.plots import scene
from sensoryforge.analysis.results import Results
from sensoryforge.analysis.units import axis_label
from sensoryforge.core.errors import ConfigError
from sensoryforge.learning import SpikeDataModule

TAU = "neurons.populations.sa.filter.parameters.tau_d"
SHORT = (*SHEET, "pipeline.duration_ms=20", "stimuli=gaussian", "pipeline.backend=torch")


def run(directory: Path, *words: str) -> Results:
    config = sf.compose(*SHORT, *words, f"batch.output_dir={directory}")
    results: Results = sf.run(config)
    return results


@pytest.fixture(scope="module", params=["pytorch", "hdf5"])
def taus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("taus")
    axes = (f"{TAU}=[5,30,80]", "stimuli.amplitude=[20,40]", "stimuli.repetitions=2")
    return run(directory, *axes, f"batch.format={request.param}")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Results:
    words = ("pipeline.seed=[1,2]", "neurons.populations.sa.layout=random")
    return run(tmp_path_factory.mktemp("seeds"), *words, "stimuli.amplitude=[20,40]")


def test_numbers_of_afferents_are_axes_of_arrays(taus: Results) -> None:
    counts = taus.to_xarray("sa", "counts")
    assert counts.dims == ("sa_filter_tau_d", "amplitude", "repetition", "neuron")
    assert counts.sa_filter_tau_d.values.tolist() == [5, 30, 80]
    # A slower filter passes less of a stimulus that is on from the start.
    of_taus = counts.sum(("amplitude", "repetition", "neuron")).values
    assert of_taus[0] > of_taus[2]


def test_numbers_of_afferents_have_their_units(taus: Results) -> None:
    assert axis_label(taus, "sa_filter_tau_d") == "sa_filter_tau_d (ms)"
    csv = (taus.directory / "stimuli.csv").read_text().splitlines()
    assert "sa_filter_tau_d" in csv[0].split(",")


def test_stimuli_are_chosen_by_numbers_of_afferents(taus: Results) -> None:
    chosen = taus.where(sa_filter_tau_d=30, amplitude=40)
    assert len(chosen) == 2
    assert set(chosen.table.sa_filter_tau_d) == {30}


def test_a_number_of_afferents_is_a_target_of_training(taus: Results) -> None:
    data = SpikeDataModule(taus.directory, target="sa_filter_tau_d", batch_size=4)
    data.setup("fit")
    targets = np.concatenate([np.asarray(target) for _, target in data.train_dataloader()])
    # Targets are standardised: their distances are in the proportions of 5, 30 and 80.
    low, middle, high = np.unique(targets)
    assert (high - middle) / (middle - low) == pytest.approx(2)


def test_each_seed_has_its_places_in_the_metadata(seeds: Results) -> None:
    assert seeds.metadata["seeds"] == [1, 2]
    assert seeds.metadata["of_seeds"] == ["sa_xy_mm"]
    assert tuple(seeds.metadata["sa_xy_mm"].shape) == (2, 5, 2)
    assert tuple(seeds.metadata["ra_xy_mm"].shape) == (7, 2)


def test_places_are_those_of_the_seed_that_is_chosen(seeds: Results, tmp_path: Path) -> None:
    alone = run(tmp_path, "pipeline.seed=2", "neurons.populations.sa.layout=random")
    of_two = seeds.where(pipeline_seed=2)
    assert seed_of(of_two) == 2
    assert np.array_equal(scene.positions(of_two, "sa"), scene.positions(alone, "sa"))
    assert np.array_equal(of_skin(of_two, "sa_xy_mm"), alone.metadata["sa_xy_mm"])
    assert "x_mm" in of_two.to_xarray("sa", "counts").coords
    indices = [scene.receptive_fields(one, "sa")[1].indices for one in (of_two, alone)]
    assert np.array_equal(*indices)


def test_places_of_several_seeds_at_once_are_refused_in_one_line(seeds: Results) -> None:
    with pytest.raises(ConfigError, match=r"each pipeline_seed, 1, 2; take one, results\.where"):
        scene.positions(seeds, "sa")
    assert scene.positions(seeds, "ra").shape == (7, 2)
    assert "x_mm" not in seeds.to_xarray("sa", "counts").coords


def test_a_picture_of_stimuli_shows_those_that_differ() -> None:
    from sensoryforge.analysis.plots.plan import choose_conditions
    from sensoryforge.config.reading import check

    words = (f"{TAU}=[5,30,80]", "stimuli.amplitude=[20,40]")
    design = check(sf.compose(*SHORT, *words)).design
    chosen, headline = choose_conditions(design)
    amplitudes = [design.columns(family, np.array([c]))["amplitude"][0] for family, c in chosen]
    assert amplitudes == [20, 40]
    assert headline == "Stimuli before a run: 2 of 6 conditions, 6 stimuli in all"


def test_datasets_that_differ_in_values_of_an_axis_are_joined(tmp_path: Path) -> None:
    few = run(tmp_path / "few", f"{TAU}=[5,30]", "pipeline.seed=[1,2]")
    more = run(tmp_path / "more", f"{TAU}=[30,80]", "pipeline.seed=[1,2]")
    both = sf.load([tmp_path / "few", tmp_path / "more"])
    assert both.axes == {"pipeline_seed": [1, 2], "sa_filter_tau_d": [5, 30, 80]}
    config = both.metadata["config"]
    assert config["neurons"]["populations"]["sa"]["filter"]["parameters"]["tau_d"] == [5, 30, 80]
    # A run of the whole has all of its stimuli, and no others.
    from sensoryforge.config.reading import check

    design = check(config).design
    assert set(design.ids(0, len(design))) == set(both.table.id)
    assert len(few) + len(more) - len(both) == 2


def test_skins_of_different_seeds_are_not_joined(tmp_path: Path) -> None:
    layout = "neurons.populations.sa.layout=random"
    run(tmp_path / "one", layout, "pipeline.seed=[1,2]")
    run(tmp_path / "other", layout, "pipeline.seed=[2,3]")
    with pytest.raises(
        ConfigError,
        match=r"lie in different places, pipeline\.seed is \[1, 2\] and \[2, 3\]; one run with all",
    ):
        sf.load([tmp_path / "one", tmp_path / "other"])


def test_skins_of_an_interrupted_run_with_other_seeds_are_not_joined(tmp_path: Path) -> None:
    words = ("pipeline.seed=[1,2]", "neurons.populations.ra.delay_ms={mean: 5, std: 1}")
    run(tmp_path / "one", *words)
    run(tmp_path / "other", words[1], "pipeline.seed=[2,3]")
    with pytest.raises(ConfigError, match=r"pipeline\.seed is \[1, 2\] and \[2, 3\]"):
        sf.load([tmp_path / "one", tmp_path / "other"])  # their delays differ
    interrupted = tmp_path / "interrupted"
    config = sf.compose(*SHORT, "pipeline.seed=[7,8]", f"batch.output_dir={interrupted}")
    stop_before_the_end(config)
    run(tmp_path / "whole", "pipeline.seed=[1,2]")
    with pytest.raises(ConfigError, match=r"pipeline\.seed is \[7, 8\] and \[1, 2\]"):
        sf.load([interrupted, tmp_path / "whole"])


def stop_before_the_end(config: Any) -> None:
    """Begin a run that has its stimuli, but no results file."""
    from sensoryforge.store.writer import DatasetWriter

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatasetWriter, "finish", refuse)
        with pytest.raises(OSError, match="no room"):
            sf.run(config)


def refuse(*_: Any) -> None:
    raise OSError("no room")


def test_entries_are_one_grid_where_values_of_axes_join(tmp_path: Path) -> None:
    from sensoryforge.config.reading import check

    run(tmp_path / "few", f"{TAU}=[3]", "stimuli.amplitude=[10,20]")
    run(tmp_path / "more", f"{TAU}=[10]", "stimuli.amplitude=[20,30]")
    both = sf.load([tmp_path / "few", tmp_path / "more"])
    design = check(both.metadata["config"]).design
    assert len(design) == 6
    assert set(both.table.id) < set(design.ids(0, 6))


def test_the_sheet_is_that_of_the_stimulus(seeds: Results) -> None:
    from sensoryforge.analysis import plots

    figure = plots.sheet(seeds, 2)
    assert figure.axes[0].get_title(loc="left").startswith("SA: 5 receptive fields")
