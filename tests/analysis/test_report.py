"""The report is one page that holds the whole story and asks nothing of the network."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from helpers.datasets import part_of

from sensoryforge.analysis.plots import report
from sensoryforge.analysis.results import Results, load
from sensoryforge.commands import cli

pytestmark = pytest.mark.slow

VOID = {"meta", "img", "source", "br"}


class Page(HTMLParser):
    """Reads a page: its tables as rows of texts, its links and sources; every tag must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.references: list[str] = []
        self.ids: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.references += [
            value for name in ("href", "src", "srcset") if (value := values.get(name))
        ]
        self.ids |= {value for name, value in attrs if name == "id" and value}
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data
        elif not {"style", "script"} & set(self.open):
            self.text += data


@pytest.fixture
def results(dataset: Path) -> Results:
    return load(dataset)


@pytest.fixture(scope="module")
def written(dataset: Path) -> str:
    return report.html(load(dataset))


@pytest.fixture
def page(written: str) -> Page:
    return Page(written)


def test_the_page_has_every_stimulus_and_condition(results: Results, page: Page) -> None:
    design, conditions, stimuli = page.tables
    assert design[1][:5] == [
        "gaussian",
        "amplitude 10, 30, 60 a.u.; sigma 0.3, 0.6 mm",
        "12",
        "6",
        "2",
    ]
    assert len(conditions) == 1 + 6
    assert [row[0] for row in stimuli] == ["index", *map(str, range(12))]
    assert [row[-1] for row in stimuli[1:]] == results.table["id"].tolist()
    assert {"amplitude (a.u.)", "sigma (mm)"} <= set(stimuli[0]) & set(conditions[0])
    column = stimuli[0].index("sa spikes")
    assert [int(row[column]) for row in stimuli[1:]] == results.counts()["sa"].tolist()
    rate = conditions[0].index("ra rate (Hz)")
    means = (
        results.table.join(results.rates()).groupby(["amplitude", "sigma"], sort=False)["ra"].mean()
    )
    assert [float(row[rate]) for row in conditions[1:]] == pytest.approx(means.tolist(), abs=6e-4)


def test_nothing_comes_from_elsewhere(written: str, page: Page) -> None:
    inside = [one for one in page.references if one.startswith("#")]
    assert {one.removeprefix("#") for one in inside} <= page.ids
    images = [one for one in page.references if one not in inside]
    assert len(images) == 14
    for one in images:
        head, _, data = one.partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", written)
    assert not re.search(r"https?:|//\w|@import|url\(|<link", text)


def test_style_and_script_are_inside_as_they_are(written: str) -> None:
    folder = Path(report.__file__).parent
    for name, tag in (("report.css", "style"), ("report.js", "script")):
        text = (folder / name).read_text(encoding="utf-8")
        assert f"<{tag}>{text}</{tag}>" in written


def test_a_picture_that_cannot_be_drawn_is_left_out_with_its_reason(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        results.metadata["config"]["stimuli"][0], "_target_", "antigravity.Stimulus"
    )
    page = Page(report.html(results))
    assert "left out; gaussian: _target_: got 'antigravity.Stimulus'" in page.text
    assert sum(one.startswith("data:") for one in page.references) == 12


def test_the_page_says_what_was_run(page: Page) -> None:
    for words in (
        "12 stimuli, complete",
        "12 × 12 receptors, 0.15 mm apart",
        "30 ms in samples of 0.5 ms",
        "torch",
    ):
        assert words in page.text
    assert "sa_neurons: 5" in page.text
    assert "load(" in page.text


def test_the_seed_of_the_noise_is_said_where_it_is_another(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw_pictures", lambda *_: [])
    assert "Noise seed" not in Page(report.html(results)).text
    monkeypatch.setitem(results.metadata["config"]["pipeline"], "noise_seed", 7)
    assert re.search(r"Seed\s*0\s*Noise seed\s*7\s", Page(report.html(results)).text)


def test_names_are_text_not_markup(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "<script>alert(1)</script> & co"
    monkeypatch.setitem(results.metadata["config"], name, name)
    monkeypatch.setattr(results, "directory", results.directory / name)
    monkeypatch.setattr(report, "draw_pictures", lambda *_: [])
    page = Page(report.html(results))
    assert page.text.count("alert(1)") >= 3


def test_failures_stand_at_the_top(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw_pictures", lambda *_: [])
    part = part_of(results, tmp_path, [0, 1, 4, 6], failed=[1])
    page = Page(report.html(part))
    assert "interrupted" in page.text
    assert "1 of 4 stimuli failed" in page.text
    assert "1: its drive is not finite" in page.text
    assert page.tables[-1][0][-1] == "error"
    assert len(page.tables[-1]) == 5


def test_a_long_table_is_cut_and_the_rest_is_in_a_csv_file(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_ROWS", 5)
    monkeypatch.setattr(report, "draw_pictures", lambda *_: [])
    html, csv = report.write(results, tmp_path / "r.html")
    assert (html, csv) == (tmp_path / "r.html", tmp_path / "r.csv")
    page = Page(html.read_text(encoding="utf-8"))
    assert len(page.tables[-1]) == 6
    assert "r.csv" in page.references
    table = pd.read_csv(csv)
    assert len(table) == 12
    assert table["sa spikes"].tolist() == results.counts()["sa"].tolist()
    assert set(results.table) <= set(table)


def test_the_command_writes_beside_the_results(
    mixture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "draw_pictures", lambda *_: [])
    assert cli.main(["report", str(mixture)]) == 0
    assert capsys.readouterr().out == f"Wrote {mixture / 'report.html'}\n"
    page = Page((mixture / "report.html").read_text(encoding="utf-8"))
    assert page.tables[0][1][0] == "gaussian"
    assert len(page.tables[-1]) == 7
    (tmp_path / "file").touch()
    assert cli.main(["report", str(mixture), "--output", str(tmp_path / "file" / "r.html")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["report", str(tmp_path)]) == 1
    assert "no dataset here" in capsys.readouterr().err
