"""``--type`` and ``--where`` choose stimuli; what they are given is read, never evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sensoryforge.analysis.choice import Choice, parse_conditions
from sensoryforge.analysis.results import Results, load
from sensoryforge.commands import cli
from sensoryforge.core.errors import ConfigError


@pytest.fixture
def results(dataset: Path) -> Results:
    return load(dataset)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("amplitude > 20", ["amplitude > 20"]),
        ("amplitude>=20 and sigma=0.3", ["amplitude >= 20", "sigma == 0.3"]),
        ("  x != -1.5e3 AND y<2 ", ["x != -1500", "y < 2"]),
        ("type == 'one and two' and y == \"3 > 2\"", ["type == one and two", "y == 3 > 2"]),
        ("andamento == sand", ["andamento == sand"]),
        ("letter = b", ["letter == b"]),
        ("letter=b and amplitude  >=  20", ["letter == b", "amplitude >= 20"]),
        ("pipeline.seed = 1", ["pipeline.seed == 1"]),
    ],
)
def test_a_condition_is_a_column_a_comparison_and_a_value(text: str, conditions: list[str]) -> None:
    assert [str(condition) for condition in parse_conditions(text)] == conditions


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("amplitude", "'amplitude'"),
        ("amplitude > ", "'amplitude >'"),
        ("amplitude > 20 or sigma > 1", "'or sigma > 1'"),
        ("amplitude > 20 and", "'and'"),
        ("10 < amplitude < 20", "'< 20'"),
        ("amplitude > (20)(lambda: 0)", "'0)'"),
        ("(amplitude > 20)", "'(amplitude > 20)'"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_part_that_is_wrong(text: str, part: str) -> None:
    with pytest.raises(ConfigError, match="where: got ") as refusal:
        parse_conditions(text)
    assert part in str(refusal.value) or "lambda" in text


def test_a_condition_is_the_filter_of_the_table(results: Results, mixture: Path) -> None:
    table = results.table
    for text, expected in {
        "amplitude > 10": table["amplitude"] > 10,
        "amplitude <= 30 and sigma == 0.3": (table["amplitude"] <= 30) & (table["sigma"] == 0.3),
        "sigma != 0.3": table["sigma"] != 0.3,
        "type == gaussian and repetition = 1": table["repetition"] == 1,
    }.items():
        rows = Choice.from_words([], [text]).rows(results)
        np.testing.assert_array_equal(rows, np.flatnonzero(expected), text)
    of_both = load(mixture)
    late = Choice.from_words([], ["step_time != 5"]).rows(of_both)
    assert set(of_both.table.loc[late, "type"]) == {"step"}


@pytest.mark.parametrize(
    ("types", "where", "line"),
    [
        (["gausian"], [], "type: got 'gausian', allowed are gaussian; did you mean 'gaussian'?"),
        ([], ["amplitud > 3"], "where: got 'amplitud', allowed are index,"),
        ([], ["amplitude > step"], "where: amplitude holds numbers, got 'step'"),
        ([], ["amplitude > 99"], "no stimulus has amplitude > 99; amplitude is 10 to 60"),
    ],
)
def test_what_chooses_nothing_is_one_line(
    results: Results, types: list[str], where: list[str], line: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        Choice.from_words(types, where).rows(results)
    assert line in str(refusal.value)


def test_plot_and_report_are_of_the_chosen_stimuli(
    mixture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--type", "step", "--where", "step_time > 5"]
    words = ["plot", str(mixture), "response", "tuning", *chosen, "--format", "svg"]
    assert cli.main([*words, "--output", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"response.svg", "tuning.svg"}
    said = (tmp_path / "tuning.svg").read_text(encoding="utf-8")
    assert "only type step, step_time &gt; 5" in said
    page = tmp_path / "r.html"
    assert cli.main(["report", str(mixture), *chosen, "--output", str(page)]) == 0
    assert "Only type step, step_time &gt; 5" in page.read_text(encoding="utf-8")
    assert "2 stimuli, complete" in page.read_text(encoding="utf-8")
    capsys.readouterr()
