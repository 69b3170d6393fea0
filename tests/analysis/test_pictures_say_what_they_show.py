"""Titles, axes, scales and labels say what a picture shows, and leave nothing out in silence."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.datasets import run
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, EventCollection, PathCollection

from sensoryforge.analysis import plots
from sensoryforge.analysis.plots import (
    activity,
    book,
    fields,
    report,
    report_tables,
    scales,
    style,
)
from sensoryforge.analysis.results import Results, load
from sensoryforge.analysis.units import axis_label, parameter_units, unit
from sensoryforge.commands import cli, datasets
from sensoryforge.commands.show import dataset_lines
from sensoryforge.core.errors import ConfigError
from sensoryforge.stimuli import Gaussian, Range


@pytest.fixture
def results(dataset: Path) -> Results:
    return load(dataset)


@pytest.fixture
def random(results: Results) -> Results:
    """Return 240 stimuli whose amplitude and sigma are drawn at random, as a table says."""
    many = results.take([row % 12 for row in range(240)])
    rng = np.random.default_rng(1)
    table = many.table.assign(
        amplitude=rng.uniform(5, 50, 240),
        sigma=rng.uniform(0.2, 1.0, 240),
        center_x=rng.uniform(-1, 1, 240),
        index=range(240),
        repetition=0,
    )
    vars(many)["table"] = table
    return many


def panel(figure: Any, title: str) -> Any:
    """Return the panel whose title begins with some words."""
    return next(axis for axis in figure.axes if axis.get_title(loc="left").startswith(title))


def title_of(figure: Any) -> str:
    return " ".join(figure.get_suptitle().split())


# --- types that lack an axis ---


def test_types_that_lack_an_axis_are_left_out_by_name(
    mixture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plot", str(mixture), "heatmap", "tuning", "--axes", "amplitude,step_time"]
    assert cli.main([*words, "--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Wrote {tmp_path / 'tuning_step.png'}",
        f"Wrote {tmp_path / 'heatmap_step.png'}",
        "tuning_gaussian: left out; gaussian has no step_time",
        "heatmap_gaussian: left out; gaussian has no step_time",
    ]
    wishes = book.Wishes(axes=("amplitude", "step_time"))
    drawn = [page for page in book.pages(load(mixture), ["heatmap"], wishes) if not page.lacks]
    assert title_of(drawn[0].draw(10)).endswith("left out: gaussian has no step_time")
    figure = plots.heatmap(load(mixture), "amplitude", "step_time")
    said = "Mean firing rate per neuron (step), 0 to 30 ms; left out: gaussian, averaged over"
    assert title_of(figure).startswith(said)


def test_axes_that_no_type_has_are_refused_with_what_each_lacks(
    mixture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plot", str(mixture), "tuning", "--type", "gaussian", "--axes", "step_time"]
    assert cli.main([*words, "--output", str(tmp_path / "p")]) == 2
    assert "tuning: gaussian has no step_time" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


# --- continuous axes ---


def test_a_continuous_axis_is_scattered_with_means_in_bins(random: Results) -> None:
    figure = plots.tuning(random, "amplitude")
    axis = panel(figure, "SA")
    rates = random.rates()["sa"].to_numpy()
    amplitude = random.table["amplitude"].to_numpy()
    (dots,) = (line for line in axis.get_lines() if line.get_marker() == ".")
    np.testing.assert_allclose(np.sort(dots.get_xdata()), np.sort(amplitude))
    (container,) = axis.containers
    means = container.lines[0].get_ydata()
    edges = np.arange(5, 55, 5)
    for number, mean in enumerate(means):
        inside = (amplitude >= edges[number]) & (amplitude < edges[number + 1])
        assert mean == pytest.approx(rates[inside].mean())
    said = title_of(figure)
    assert "dots: single stimuli (sigma from 0.2" in said
    assert "mean ± SD of the dots in bins of amplitude" in said
    assert "240 values" not in said


def test_a_map_bins_continuous_axes(random: Results) -> None:
    figure = plots.heatmap(random, "amplitude", "sigma")
    (image,) = panel(figure, "RA").get_images()
    cells = np.ma.filled(image.get_array(), np.nan)
    rates = random.rates()["ra"].to_numpy()
    across = scales.bin_edges(random.table["amplitude"].to_numpy(), 4)
    upwards = scales.bin_edges(random.table["sigma"].to_numpy(), 4)
    assert cells.shape == (len(upwards) - 1, len(across) - 1)
    for row in range(cells.shape[0]):
        for column in range(cells.shape[1]):
            inside = random.table["amplitude"].between(across[column], across[column + 1])
            inside &= random.table["sigma"].between(upwards[row], upwards[row + 1])
            assert cells[row, column] == pytest.approx(rates[inside].mean())
    assert "bins of amplitude × 4 bins of sigma" in title_of(figure)
    assert "values of" not in title_of(figure)


def test_a_parameter_that_is_repeated_is_not_continuous(random: Results) -> None:
    grid = random.table.assign(amplitude=[row % 60 for row in range(240)])
    assert scales.is_continuous(random.table, "amplitude")
    assert not scales.is_continuous(grid, "amplitude")
    assert not scales.is_continuous(random.table, "type")
    repeated = random.table.loc[random.table.index.repeat(5)]
    repetitions = [row % 5 for row in range(len(repeated))]
    assert scales.is_continuous(repeated.assign(repetition=repetitions), "amplitude")


def test_random_values_that_were_rounded_are_continuous(random: Results) -> None:
    many = random.table.loc[random.table.index.repeat(10)]
    drawn = np.random.default_rng(2).uniform(0.3, 0.9, len(many))
    assert scales.is_continuous(many.assign(sigma=drawn.round(2)), "sigma")  # 40 at a value
    assert not scales.is_continuous(many.assign(sigma=np.arange(len(many)) % 60), "sigma")


def test_the_report_has_ranges_in_place_of_many_values(random: Results) -> None:
    (axes,) = report_tables.design_frame(random)["axes"]
    assert "amplitude 240 values from 5." in axes
    assert axes.count(",") == 0


# --- scales and ticks ---


def test_values_that_are_spread_geometrically_have_a_log_axis(results: Results) -> None:
    amplitudes = [5, 10, 20, 50, 100, 200, 400]
    many = results.take([row % 12 for row in range(14)])
    vars(many)["table"] = many.table.assign(amplitude=amplitudes * 2, repetition=[0] * 7 + [1] * 7)
    axis = panel(plots.tuning(many, "amplitude"), "SA")
    assert axis.get_xscale() == "log"
    labels = [text.get_text() for text in axis.get_xticklabels()]
    assert labels == ["5", "10", "20", "50", "100", "200", "400"]
    assert panel(plots.tuning(results, "amplitude"), "SA").get_xscale() == "linear"


@pytest.mark.parametrize("width", [3.7, 10.0])
@pytest.mark.parametrize(
    "values", [[1, 2, 3, 30, 31, 32, 33], [5, 10, 20, 50, 100, 200, 400], list(range(30))]
)
def test_ticks_do_not_overprint(results: Results, values: list[float], width: float) -> None:
    many = results.take([row % 12 for row in range(len(values))])
    vars(many)["table"] = many.table.assign(amplitude=values, sigma=values, repetition=0)
    for figure in (
        plots.tuning(many, "amplitude", width=width),
        plots.heatmap(many, "amplitude", "sigma", width=width),
    ):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        for axis in figure.axes[:2]:
            for texts, ends in (
                (axis.get_xticklabels(), ("x0", "x1")),
                (axis.get_yticklabels(), ("y0", "y1")),
            ):
                boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts]
                for first, second in itertools.pairwise(boxes):
                    assert getattr(first, ends[1]) <= getattr(second, ends[0])


def test_a_narrow_band_far_from_zero_has_a_scale_that_says_where_it_starts(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = results.table[["type"]].assign(sa=np.linspace(78, 82, 12), ra=np.linspace(0, 82, 12))
    monkeypatch.setattr(Results, "rates", lambda *_: frame[["sa", "ra"]])
    (image,) = panel(plots.heatmap(results, "amplitude", "sigma"), "SA").get_images()
    assert image.get_clim()[0] > 77
    label = " ".join(image.colorbar.ax.get_ylabel().split())
    assert label.startswith("rate (Hz), scale from 78")
    (image,) = panel(plots.heatmap(results, "amplitude", "sigma"), "RA").get_images()
    assert image.get_clim()[0] == 0
    figure = plots.tuning(results, "amplitude", "sigma")
    assert panel(figure, "SA").get_ylim()[0] > 70
    assert "scale from" in " ".join(panel(figure, "SA").get_ylabel().split())
    assert panel(figure, "RA").get_ylim()[0] == 0
    assert panel(figure, "RA").get_ylabel() == "rate (Hz)"


# --- rasters and single afferents ---


def test_the_lines_of_a_raster_are_neurons_with_a_number_nearest_first(results: Results) -> None:
    row = activity.strongest(results)
    axis = panel(plots.response(results, row), "SA: active")
    spikes = results[row]["sa_spikes"].numpy()
    distances = np.hypot(*np.asarray(results.metadata["sa_xy_mm"]).T)  # the stimulus is at 0, 0
    nearest = [neuron for neuron in np.argsort(distances, kind="stable") if spikes[:, neuron].any()]
    lines = [artist for artist in axis.get_children() if isinstance(artist, EventCollection)]
    for line, neuron in zip(lines, nearest, strict=True):
        times_ms = np.flatnonzero(spikes[:, neuron]) * 0.5
        np.testing.assert_allclose(np.sort(line.get_positions()), times_ms)
    assert axis.get_ylabel() == "neuron,\nnearest first"
    assert [text.get_text() for text in axis.get_yticklabels()] == [str(one) for one in nearest]


def test_ticks_of_a_raster_of_many_lines_are_still_a_point_high() -> None:
    figure = style.picture(10, 3)
    axis = figure.subplots()
    activity.draw_trains(axis, np.ones((500, 4), dtype=bool), 0.5, "black")
    lines = [artist for artist in axis.get_children() if isinstance(artist, EventCollection)]
    points = 72 * axis.get_position().height * 3 / (axis.get_ylim()[1] - axis.get_ylim()[0])
    assert lines[0].get_linelength() * points > 1


def test_an_afferent_has_a_panel_a_condition_and_a_line_a_repetition(results: Results) -> None:
    figure = plots.afferent(results, "sa", 2)
    assert len(figure.axes) == 6
    conditions = results.table.groupby(["amplitude", "sigma"], sort=False).indices.values()
    for axis, rows in zip(figure.axes, conditions, strict=True):
        lines = [artist for artist in axis.get_children() if isinstance(artist, EventCollection)]
        for line, row in zip(lines, rows, strict=True):
            train = results[int(row)]["sa_spikes"][:, 2].numpy()
            np.testing.assert_allclose(np.sort(line.get_positions()), np.flatnonzero(train) * 0.5)
    assert title_of(figure).startswith("Afferent sa:2 at (")
    counts = results.counts("sa").sum(axis=0)
    most = plots.afferent(results, "sa")
    assert title_of(most).startswith(f"Afferent sa:{counts.argmax()} at")


def test_an_afferent_that_is_not_there_is_one_line(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for neuron, line in {
        "sa:5": "neuron: got sa:5, allowed is 0 to 4",
        "sa": "neuron: got 'sa', allowed is POPULATION:NUMBER, such as sa:12",
        "pc:1": "population: got 'pc', allowed are sa, ra",
    }.items():
        assert cli.main(["plot", str(dataset), "afferent", "--neuron", neuron]) == 2
        assert line in capsys.readouterr().err


def test_rates_on_the_sheet_are_at_the_places_of_their_afferents(results: Results) -> None:
    row = activity.strongest(results)
    axis = panel(plots.rates_on_sheet(results, row), "RA: ")
    (dots,) = (artist for artist in axis.collections if isinstance(artist, PathCollection))
    rows = activity.repetition_rows(results, row)
    rates = results.rates("ra")[rows].mean(axis=0)
    xy_mm = np.asarray(results.metadata["ra_xy_mm"])
    order = np.argsort(rates)
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), xy_mm[order])
    np.testing.assert_allclose(dots.get_array(), rates[order])
    assert "Mean of 2 repetitions" in title_of(axis.figure)


def test_a_sheet_of_many_afferents_has_dots_and_a_scale_for_the_grey(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fields, "_MOST_CIRCLES", 4)
    figure = plots.sheet(results, 0)
    axis = panel(figure, "SA: 5 afferents (dots)")
    (circles,) = (one for one in axis.collections if isinstance(one, EllipseCollection))
    assert len(circles.get_offsets()) == 3
    assert [axis.get_ylabel() for axis in figure.axes].count("highest drive (a.u.)") == 1


def test_a_sheet_has_no_dead_space(results: Results) -> None:
    figure = plots.sheet(results, 0, populations=["sa"])
    FigureCanvasAgg(figure).draw()
    box = figure.axes[0].get_tightbbox(figure.canvas.get_renderer())
    bar = figure.axes[1].get_tightbbox(figure.canvas.get_renderer())
    assert box is not None
    assert bar is not None
    assert bar.x0 - box.x1 < 0.1 * figure.bbox.width
    assert bar.x1 > 0.9 * figure.bbox.width


# --- units and the design, kept ---


def test_a_dataset_keeps_units_and_design(results: Results) -> None:
    assert results.metadata["units"]["sigma"] == "mm"
    assert results.metadata["units"]["amplitude"] == "a.u."
    assert results.metadata["design_text"] == [
        "Grid expansion: amplitude=[30, 10, 60], sigma=[0.3, 0.6]",
        "→ 6 parameter combinations × 2 repetitions = 12 stimuli",
    ]


def test_pictures_and_show_need_no_class(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = results.metadata["config"]["stimuli"][0]
    monkeypatch.setitem(entry, "_target_", "antigravity.Stimulus")
    assert axis_label(results, "sigma") == "sigma (mm)"
    assert "  Grid expansion: amplitude=[30, 10, 60], sigma=[0.3, 0.6]" in dataset_lines(results)
    monkeypatch.delitem(results.metadata, "units")
    assert axis_label(results, "sigma") == "sigma"


def test_a_dataset_of_an_earlier_version_asks_its_classes(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(results.metadata, "units")
    assert (unit(results, "sigma"), unit(results, "amplitude")) == ("mm", "a.u.")


def test_a_dash_is_no_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gaussian, "ranges", {**Gaussian.ranges, "letter": Range("-")})
    assert parameter_units([("sensoryforge.stimuli.Gaussian", {})])["letter"] == ""


@pytest.mark.parametrize("command", ["plot", "report", "show"])
def test_a_class_of_ones_own_is_trusted_by_every_command_that_may_need_it(
    command: str, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSORYFORGE_TRUST", "")
    seen: list[str] = []
    monkeypatch.setattr(datasets, "trust", seen.extend)
    monkeypatch.setattr(report, "draw_pictures", lambda *_: [])
    extra = {"plot": ["tuning", "--output", str(dataset / "trusted")]}.get(command, [])
    assert cli.main([command, str(dataset), *extra, "--trust", "mine"]) == 0
    assert seen == ["mine"]


# --- the report ---


def test_conditions_have_their_rates_beside_their_own_parameters(mixture: Path) -> None:
    frames = report_tables.conditions_frames(load(mixture))
    of_rates = ["sa rate (Hz)", "sa SD (Hz)", "ra rate (Hz)", "ra SD (Hz)", "stimuli"]
    of_one_repetition = [name for name in of_rates if "SD" not in name]
    assert list(frames["gaussian"]) == ["amplitude", *of_one_repetition]
    assert list(frames["step"]) == ["step_time", *of_rates]
    assert frames["step"]["stimuli"].tolist() == [2, 2]


def test_a_picture_that_no_stimulus_can_have_says_so(results: Results) -> None:
    with pytest.raises(ConfigError, match="neuron: got sa:9"):
        plots.afferent(results, "sa", 9)


@pytest.mark.slow
def test_gratings_have_rasters_by_number(tmp_path: Path) -> None:
    results = load(run(tmp_path, "stimuli=grating"))
    axis = panel(plots.response(results), "SA: active")
    assert axis.get_ylabel() == "neuron,\nby number"


@pytest.mark.parametrize("dots_per_inch", [96, 144, 192])
def test_a_headline_ends_within_its_picture(dots_per_inch: int) -> None:
    text = (
        "Mean firing rate per neuron, 0 to 100 ms, averaged over stimuli with sigma from 0.202 to "
        "0.999, center_x from -2 to 2; mean of the stimuli in each of 9 bins of amplitude"
    )
    with style.settings():
        figure = style.picture(10.0, 2.0)
        figure.set_dpi(dots_per_inch)
        style.headline(figure, text)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        (drawn,) = figure.texts
        end = drawn.get_window_extent(canvas.get_renderer()).x1
    assert end <= 10.0 * dots_per_inch


def test_a_movie_asked_for_as_a_picture_is_told_how(results: Results, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got 'gif', allowed are png, svg, pdf; --movie draws a"):
        list(book.write(results, tmp_path, format="gif"))
