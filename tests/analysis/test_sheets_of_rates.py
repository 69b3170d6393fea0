"""Rates on the sheet: nothing is cut off or printed over another, whatever the sheet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.experiments import checked
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from sensoryforge.analysis import plots
from sensoryforge.analysis.plots import afferents
from sensoryforge.analysis.results import Results, load
from sensoryforge.running import execute

THIRD = "+population@neurons.populations.pc=ra"
FOURTH = "+population@neurons.populations.sa2=sa2"
POPULATIONS = {2: (), 3: (THIRD,), 4: (THIRD, FOURTH)}
SHEETS = ("[32,32]", "[48,32]", "[96,12]", "[16,64]")
WIDTHS = (5.0, 8.0, 10.0)


@pytest.fixture(scope="module", params=[*itertools.product(SHEETS, POPULATIONS)], ids=str)
def rates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    sheet, populations = request.param
    folder = tmp_path_factory.mktemp("rates")
    words = [f"pipeline.grid_size={sheet}", "pipeline.duration_ms=30", "stimuli.amplitude=[40]"]
    words += [*POPULATIONS[populations], f"batch.output_dir={folder}"]
    execute.run_experiment(checked(*words), progress=False)
    return load(folder)


def labels(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """Yield every text that is drawn, and where: titles, labels and numbers, of colour bars too."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [figure._suptitle]
    for axes in figure.axes:
        texts += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    texts += [text for text in (tick.label1, tick.label2) if text.get_visible()]
    for text in texts:
        if text is not None and text.get_text():
            yield text.get_text(), text.get_window_extent(canvas.get_renderer())


def clashes(figure: Figure) -> list[str]:
    """Return in words what reaches over the edge of a picture, or into another text."""
    drawn = list(labels(figure))
    whole = figure.bbox
    found = []
    for text, box in drawn:
        is_inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= whole.x1 + 1
        if not (is_inside and box.y1 <= whole.y1 + 1):
            found.append(f"{text!r} is cut")
    for (text, box), (other, beside) in itertools.combinations(drawn, 2):
        width = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        height = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        if width > 1 and height > 1:
            found.append(f"{text!r} lies on {other!r}")
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_no_label_of_rates_on_a_sheet_is_cut_or_overprinted(rates: Results, width: float) -> None:
    assert clashes(plots.rates_on_sheet(rates, width=width)) == []


def test_with_less_room_beside_a_sheet_its_labels_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check above can fail: 1.5 inches, which stood here, are too few."""
    words = ["pipeline.grid_size=[48,32]", "pipeline.duration_ms=30", THIRD]
    execute.run_experiment(checked(*words, f"batch.output_dir={tmp_path}"), progress=False)
    results = load(tmp_path)
    assert clashes(plots.rates_on_sheet(results, width=10.0)) == []
    monkeypatch.setattr(afferents, "_BESIDE_RATES", 1.5)
    assert "'y (mm)' is cut" in clashes(plots.rates_on_sheet(results, width=10.0))
