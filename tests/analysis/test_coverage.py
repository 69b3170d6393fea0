"""The picture of a design's coverage, and what else is made of a dataset that was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.runs import run

from sensoryforge.analysis import plots
from sensoryforge.analysis.plots import book, report
from sensoryforge.analysis.results import Results
from sensoryforge.core.errors import ConfigError


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(
        tmp_path_factory.mktemp("drawn"),
        "stimuli=braille",
        "stimuli.amplitude={low: 5, high: 50}",
        "stimuli.center_x={low: 0.01, high: 1, scale: log}",
        "stimuli.letter=[a,b,c]",
        "stimuli.sampling=sobol",
        "stimuli.samples=50",
        "stimuli.repetitions=2",
        "stimuli.where='amplitude > 6'",
    )


def test_every_condition_is_a_point_of_each_pair_of_parameters(drawn: Results) -> None:
    figure = plots.coverage(drawn)
    title = " ".join(figure.get_suptitle().split())
    assert title == (
        "Coverage: 50 conditions (sobol); on the diagonal how many there are along each"
    )
    labels = [axis.get_xlabel() for axis in figure.axes if axis.get_xlabel()]
    assert labels == ["amplitude (a.u.)", "letter", "center_x (mm)"]
    panels = [axis for axis in figure.axes if axis.collections]
    assert len(panels) == 3
    points = np.asarray(panels[1].collections[0].get_offsets())
    conditions = drawn.table[drawn.table["repetition"] == 0]
    assert points[:, 0].tolist() == conditions["amplitude"].tolist()
    assert points[:, 1].tolist() == conditions["center_x"].tolist()
    assert panels[1].get_yscale() == "log"
    words = [text.get_text() for text in panels[0].get_yticklabels()]
    assert sorted(words) == ["a", "b", "c"]


def test_the_diagonal_counts_the_conditions(drawn: Results) -> None:
    (axis,) = plots.coverage(drawn, ["letter"]).axes
    heights = [bar.get_height() for bar in axis.patches]
    expected = drawn.table[drawn.table["repetition"] == 0]["letter"].value_counts()
    assert sorted(heights) == sorted(expected.tolist())


def test_a_parameter_that_is_not_there_is_told(drawn: Results) -> None:
    with pytest.raises(ConfigError, match="axis: got 'sigma', allowed are"):
        plots.coverage(drawn, ["sigma"])


def test_the_report_draws_the_coverage_of_what_was_drawn_and_not_of_a_grid(
    drawn: Results, tmp_path: Path
) -> None:
    assert "coverage" in [page.kind for page in book.pages(drawn)]
    page = report.html(drawn)
    assert "<dt>Sampling of braille</dt><dd>sobol, 50 points, where amplitude &gt; 6</dd>" in page
    assert "Coverage of amplitude, letter, center_x" in page
    grid = run(tmp_path, "stimuli.amplitude=[10,20]")
    assert "coverage" not in [page.kind for page in book.pages(grid)]
    assert [page.name for page in book.pages(grid, ["coverage"])] == ["coverage"]
    assert plots.coverage(grid).get_suptitle().startswith("Coverage: 2 conditions (grid); ")


def test_a_narrow_picture_shows_fewer_parameters_and_says_so(drawn: Results) -> None:
    figure = plots.coverage(drawn, width=2.5)
    assert "the first 2 of 3 parameters" in " ".join(figure.get_suptitle().split())
    assert len(figure.axes) == 3


def test_pictures_bin_what_was_drawn(drawn: Results) -> None:
    title = " ".join(plots.heatmap(drawn, "amplitude", "center_x").get_suptitle().split())
    assert "bin" in title


def test_stimuli_that_were_drawn_are_stacked_in_an_array(drawn: Results) -> None:
    array = drawn.to_xarray("sa", "counts")
    assert array.dims == ("stimulus", "neuron")
    assert array.coords["amplitude"].to_numpy().tolist() == drawn.table["amplitude"].tolist()
