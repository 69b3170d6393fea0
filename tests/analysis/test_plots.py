"""Pictures draw what the dataset holds: the artists' data are compared with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from helpers.datasets import dense, part_of, run
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, EventCollection
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from sensoryforge.analysis import plots
from sensoryforge.analysis.plots import book, scene
from sensoryforge.analysis.results import Results, load
from sensoryforge.commands import cli
from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError
from sensoryforge.simulation.population import Population

NOT_OF_RESULTS = ("save_movie", "stimulus")
"""What is no picture of a dataset."""


@pytest.fixture
def results(dataset: Path) -> Results:
    return load(dataset)


def of_kind(axis: Any, kind: type) -> list[Any]:
    return [artist for artist in axis.get_children() if isinstance(artist, kind)]


def panel(figure: Figure, title: str) -> Any:
    """Return the panel whose title begins with some words."""
    return next(axis for axis in figure.axes if axis.get_title(loc="left").startswith(title))


# --- one stimulus ---


def test_the_raster_has_every_spike(results: Results) -> None:
    row = book.strongest(results)
    spikes = results[row]["sa_spikes"].numpy()
    lines = of_kind(panel(plots.response(results, row), "SA: active"), EventCollection)
    drawn = [(np.asarray(line.get_positions()) * 2).round().astype(int).tolist() for line in lines]
    trains = [np.flatnonzero(train).tolist() for train in spikes.T if train.any()]
    assert sorted(drawn) == sorted(trains)


def test_the_histogram_is_the_mean_over_repetitions(results: Results) -> None:
    again = results.where(amplitude=60, sigma=0.6)
    row = int(again.table["index"].iloc[0])
    filled, outline = of_kind(
        panel(plots.response(results, row, bin_ms=10), "RA mean, 2 repetitions"), StepPatch
    )
    edges, rates = again.psth("ra", 10)
    for patch in (filled, outline):
        np.testing.assert_allclose(patch.get_data().values, rates.mean(0))
        np.testing.assert_allclose(patch.get_data().edges, edges)


def test_the_time_course_is_the_stimulus(mixture: Path) -> None:
    steps = load(mixture).where(type="step", step_time=10)
    (course,) = of_kind(panel(plots.response(steps, 0), "Drive at"), StepPatch)
    values = course.get_data().values
    assert values[:20].tolist() == [0] * 20
    assert (values[20:] == values[20]).all()
    assert 55 < values[20] <= 60


def test_a_picture_says_that_a_stimulus_is_on_from_the_first_sample(mixture: Path) -> None:
    results = load(mixture)
    for stimulus_type, says in (("step", ""), ("gaussian", ", on from the first sample")):
        picture = plots.response(results.where(type=stimulus_type), 0)
        title = picture.axes[0].get_title(loc="left")
        assert title == f"Drive at the receptor where it is highest{says}"


def test_the_drive_drawn_is_the_drive_saved(tmp_path: Path) -> None:
    results = load(run(tmp_path, "stimuli=ramp", "stimuli.final=40", "batch.save=[stimulus]"))
    saved = results[0]["stimulus"].numpy()
    images = [
        image for axis in plots.movie(results, frames=4).axes[:4] for image in axis.get_images()
    ]
    for image, sample in zip(images, (0, 20, 39, 59), strict=True):
        np.testing.assert_array_equal(image.get_array(), saved[sample])
    results._first().shapes.pop("stimulus")
    at = np.arange(60)
    np.testing.assert_allclose(scene.frames(results, 0, at), saved, rtol=1e-6)


# --- the sheet ---


@pytest.mark.parametrize("population", ["sa", "ra"])
def test_receptive_fields_are_those_of_the_encoder(results: Results, population: str) -> None:
    experiment = check(results.metadata["config"])
    simulated = Population(population, experiment.populations[population], experiment)
    centres, innervation = scene.receptive_fields(results, population)
    np.testing.assert_array_equal(centres, simulated.positions)
    np.testing.assert_array_equal(innervation.indices, simulated.indices)
    np.testing.assert_array_equal(innervation.weights, simulated.weights)


def test_the_sheet_has_a_circle_a_neuron(results: Results) -> None:
    figure = plots.sheet(results, 0)
    for name, label in (("sa", "SA: "), ("ra", "RA: ")):
        axis = panel(figure, label)
        (circles,) = of_kind(axis, EllipseCollection)
        np.testing.assert_array_equal(circles.get_offsets(), results.metadata[f"{name}_xy_mm"])
        assert (axis.get_xlabel(), axis.get_ylabel()) == ("x (mm)", "y (mm)")
        np.testing.assert_allclose(axis.get_xlim(), (-0.9, 0.9))
    assert not of_kind(
        panel(plots.sheet(results, None, populations=["sa"]), "SA"), mpl.image.AxesImage
    )


def test_fields_without_a_standard_deviation_have_no_circle(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene, "field_sd_mm", lambda *_: None)
    axis = panel(plots.sheet(results, None, populations=["sa"]), "SA: 5 receptive fields")
    assert not of_kind(axis, EllipseCollection)
    assert "(centres only)" in axis.get_title(loc="left")
    (centres,) = (line for line in axis.get_lines() if line.get_marker() == "o")
    np.testing.assert_array_equal(centres.get_xydata(), results.metadata["sa_xy_mm"])


# --- parameters ---


def test_the_map_has_the_mean_rate_of_each_place(results: Results) -> None:
    figure = plots.heatmap(results, "amplitude", "sigma")
    for name, label in (("sa", "SA"), ("ra", "RA")):
        (image,) = panel(figure, label).get_images()
        expected = (
            results.to_xarray(name, "rates")
            .mean(("repetition", "neuron"))
            .transpose("sigma", "amplitude")
        )
        np.testing.assert_allclose(image.get_array(), expected)
    axis = panel(figure, "SA")
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("amplitude (a.u.)", "sigma (mm)")
    assert [text.get_text() for text in axis.get_xticklabels()] == ["10", "30", "60"]


def test_a_window_and_a_gap_show_in_the_map(results: Results, tmp_path: Path) -> None:
    part = part_of(results, tmp_path, range(10))
    (image,) = panel(plots.heatmap(part, "sigma", "amplitude", window=(5, 10)), "SA").get_images()
    values = np.ma.filled(image.get_array(), np.nan)
    expected = (
        part.to_xarray("sa").sel(time=slice(5, 9.5)).sum("time").mean("neuron").values.mean(-1)
        / 0.005
    )
    # The design writes amplitude as 30, 10, 60; the last condition (60, 0.6) is missing.
    np.testing.assert_allclose(values[:2], expected[:2])
    assert np.isnan(values).tolist() == [[False, False], [False, False], [False, True]]


def test_tuning_curves_have_mean_and_deviation(results: Results) -> None:
    axis = panel(plots.tuning(results, "amplitude", "sigma"), "SA")
    rates = results.table.join(results.rates())
    assert len(axis.containers) == 2
    for container, sigma in zip(axis.containers, (0.3, 0.6), strict=True):
        line, _, (bars,) = container.lines
        grouped = rates[rates["sigma"] == sigma].groupby("amplitude")["sa"]
        np.testing.assert_allclose(line.get_xdata(), [10, 30, 60])
        np.testing.assert_allclose(line.get_ydata(), grouped.mean())
        lengths = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, grouped.std(), atol=1e-12)
        assert container.get_label() == f"{sigma:g}"


def test_no_curve_touches_the_frame(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = results.table[["type"]].assign(sa=30.0, ra=0.0)[["sa", "ra"]]
    monkeypatch.setattr(Results, "rates", lambda *_: flat)
    figure = plots.tuning(results, "amplitude")
    assert panel(figure, "SA").get_ylim()[1] > 31
    assert panel(figure, "RA").get_ylim() == (0, 0.1)


def test_other_axes_are_averaged_and_said(results: Results) -> None:
    figure = plots.tuning(results, "sigma")
    (container,) = panel(figure, "RA").containers
    expected = results.table.join(results.rates()).groupby("sigma")["ra"].mean()
    np.testing.assert_allclose(container.lines[0].get_ydata(), expected)
    said = figure.get_suptitle().replace("\n", " ")
    assert said == (
        "Mean firing rate per neuron, 0 to 30 ms, averaged over 2 repetitions and 3 values of amplitude; "
        "bars: SD over repetitions"
    )


def test_words_and_infinity_are_places_on_an_axis(mixture: Path) -> None:
    axis = panel(plots.tuning(load(mixture), "type"), "SA")
    assert [text.get_text() for text in axis.get_xticklabels()] == ["gaussian", "step"]


def test_a_value_has_one_place_for_all_curves(results: Results) -> None:
    table = results.table.assign(word=np.where(results.table["amplitude"] > 10, "late", "early"))
    vars(results)["table"] = table
    axis = panel(plots.tuning(results, "word", "amplitude"), "SA")
    assert [text.get_text() for text in axis.get_xticklabels()] == ["early", "late"]
    places = [container.lines[0].get_xdata().tolist() for container in axis.containers]
    assert places == [[0], [1], [1]]


@pytest.mark.parametrize("width", [3.7, 10.0])
@pytest.mark.parametrize("name", [name for name in plots.__all__ if name not in NOT_OF_RESULTS])
def test_every_picture_has_units_and_fits(results: Results, name: str, width: float) -> None:
    arguments: dict[str, Sequence[Any]] = {
        "heatmap": ("amplitude", "sigma"),
        "thresholds": ("sigma",),  # in place of a frequency
        "tuning": ("amplitude", "sigma"),
    }
    figure = getattr(plots, name)(results, *arguments.get(name, ()), width=width)
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    labels = {
        label for axis in figure.axes for label in (axis.get_xlabel(), axis.get_ylabel()) if label
    }
    assert labels
    assert all(
        "(" in label or label.startswith("neuron,\n") or label == "repetition" for label in labels
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [figure._suptitle, *(axis._left_title for axis in figure.axes)]
    for text in (text for text in texts if text and text.get_text()):
        assert text.get_window_extent(renderer).x1 <= figure.bbox.x1 + 1, text.get_text()


def test_the_users_settings_are_left_alone(results: Results) -> None:
    with mpl.rc_context({"font.size": 31, "axes.facecolor": "red"}):
        figure = plots.tuning(results, "amplitude")
        figure._repr_png_()
        assert mpl.rcParams["font.size"] == 31
    assert figure.axes[0].get_facecolor() == (1, 1, 1, 1)
    assert figure.axes[0].get_xticklabels()[0].get_fontsize() < 12


# --- what is asked for wrongly ---


def test_what_cannot_be_drawn_is_one_line(results: Results, mixture: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"axis: got 'sigm', allowed are .*; did you mean 'sigma'"
    ):
        plots.heatmap(results, "amplitude", "sigm")
    with pytest.raises(ConfigError, match="axis: got 'sigma' twice"):
        plots.heatmap(results, "sigma", "sigma")
    with pytest.raises(ConfigError, match="stimulus: got 12, allowed is 0 to 11"):
        plots.response(results, 12)
    with pytest.raises(ConfigError, match=r"frames: got 0, allowed is 1 to 60"):
        plots.movie(results, frames=0)
    with pytest.raises(ConfigError, match="population: got 'pc', allowed are sa, ra"):
        plots.sheet(results, populations=["pc"])
    with pytest.raises(ConfigError, match=r"no stimulus has step_time and final|axis: got 'final'"):
        plots.heatmap(load(mixture), "step_time", "final")


def test_a_class_that_is_not_trusted_is_not_imported(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = results.metadata["config"]
    monkeypatch.setitem(config["stimuli"][0], "_target_", "antigravity.Stimulus")
    with pytest.raises(
        ConfigError, match=r"gaussian: _target_: got 'antigravity.Stimulus', which is not of Sens"
    ):
        plots.movie(results)
    figure = plots.response(results)
    assert "antigravity" not in sys.modules
    assert "which is not of SensoryForge" in panel(figure, "Drive at").texts[0].get_text()
    assert panel(plots.heatmap(results, "amplitude", "sigma"), "SA").get_xlabel() == (
        "amplitude (a.u.)"
    )


# --- the command ---


def test_plot_writes_every_picture(
    mixture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plot", str(mixture), "--output", str(tmp_path / "p"), "--format", "svg"]) == 0
    names = {"tuning_gaussian", "tuning_step", "sheet"}
    kinds = ("response", "afferent", "rates_on_sheet", "movie")
    names |= {f"{kind}_{of}" for kind in kinds for of in ("gaussian", "step")}
    assert {path.name for path in (tmp_path / "p").iterdir()} == {f"{name}.svg" for name in names}
    lines = capsys.readouterr().out.splitlines()
    needs = "left out; needs two parameters that"
    left_out = {
        f"heatmap_gaussian: {needs} gaussian varies, got amplitude",
        f"heatmap_step: {needs} step varies, got step_time",
    }
    assert set(lines) == {*left_out, *(f"Wrote {tmp_path / 'p' / name}.svg" for name in names)}


def test_plot_draws_what_is_asked_for(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "plot",
        str(dataset),
        "heatmap",
        "response",
        "--axes",
        "sigma,repetition",
        "--stimulus",
        "3",
    ]
    assert cli.main([*words, "--output", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heatmap.png", "response.png"]
    (page,) = book.pages(load(dataset), ["response"], book.Wishes(stimulus=3))
    assert (
        page.draw(10).get_suptitle()
        == "Stimulus 3: gaussian, amplitude 30, sigma 0.6 mm, repetition 1"
    )
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["raster"],
            "picture: got 'raster', allowed are tuning, heatmap, response, afferent",
        ),
        (["heatmaps"], "did you mean 'heatmap'?"),
        (["--format", "jpg"], "format: got 'jpg', allowed are png, svg, pdf"),
        (["--axes", "sigm,amplitude"], "axis: got 'sigm', allowed are"),
        (
            ["heatmap", "--axes", "sigma"],
            "heatmap: needs two parameters that the design varies, got sigma",
        ),
        (["--stimulus", "99"], "stimulus: got 99, allowed is an index of the table, 0 to 11"),
    ],
)
def test_plot_refuses_in_one_line(
    dataset: Path, tmp_path: Path, words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plot", str(dataset), *words, "--output", str(tmp_path / "p")]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert not (tmp_path / "p").exists()


def test_of_a_dataset_whose_stimuli_all_failed_nothing_else_is_said_to_lack(
    results: Results, tmp_path: Path
) -> None:
    part = part_of(results, tmp_path / "part", [0, 1, 4], failed=[0, 1, 4])
    lines = list(book.write(part, tmp_path / "p"))
    rates = [line for line in lines if "rates_on_sheet" in line]
    assert rates == ["rates_on_sheet: left out; stimulus: 0 failed, it has no rate"]
    for line in lines:
        assert "together" not in line
    with pytest.raises(ConfigError, match="every stimulus of the dataset failed"):
        plots.tuning(part, "amplitude")


@pytest.mark.slow
def test_an_interrupted_run_and_one_of_several_populations_are_drawn(
    results: Results, tmp_path: Path
) -> None:
    part = part_of(results, tmp_path / "part", [0, 1, 2, 7], failed=[7])
    lines = list(book.write(part, tmp_path / "p"))
    assert len(lines) == 7
    assert all(line.startswith("Wrote") for line in lines)
    more = "+population@neurons.populations.pc=ra"
    three = load(run(tmp_path / "three", more, "neurons.populations.pc.count=3"))
    assert len(plots.response(three).axes) == 7
    assert torch.equal(torch.tensor(dense(three, "pc")), three.spikes("pc")[:])
