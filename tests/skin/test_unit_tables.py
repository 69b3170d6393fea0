"""Tables of units: which unit each afferent is, and the shipped tables against those they were converted from."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from helpers.fitted import columns
from hypothesis import given
from hypothesis import strategies as st

from sensoryforge.config.kinds import option, option_names
from sensoryforge.core.errors import ConfigError
from sensoryforge.skin.units import UnitTable

SHIPPED = [name for name in option_names("units") if name != "none"]
UNITS = {"sa1": 4, "ra1": 9, "pc": 4}
# The first row of each class as Saal et al. 2017, PNAS, doi:10.1073/pnas.1704856114, fitted it: cut-off (Hz), tau (samples
# of 0.2 ms), noise (per sample), latency (ms).
FIRST = {
    "sa1": (101.317, 281.207, 0.015625, 4.91172),
    "ra1": (101.855, 20.3965, 0.0449934, 6.27268),
    "pc": (275.021, 8.96286, 0.05, 6.22031),
}
TABLE = UnitTable(("gain",), tuple((float(number),) for number in range(5)))


def test_the_shipped_tables_are_those_of_the_reference() -> None:
    assert set(SHIPPED) == set(UNITS)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_table_holds_the_units_of_its_class_and_says_where_they_come_from(
    name: str,
) -> None:
    written = option("units", name)
    table = UnitTable.from_config(written)
    assert len(table.rows) == UNITS[name]
    assert table.assign == "random"
    assert not table.latency  # the reference tells when spikes start
    first = dict(zip(table.columns, table.rows[0], strict=True))
    cutoff_hz, tau, noise, latency_ms = FIRST[name]
    assert first["filter.cutoff_hz"] == cutoff_hz
    assert first["model.tau"] == tau
    assert first["latency_ms"] == latency_ms
    # Noise of samples of 0.2 ms, as noise of the same power per ms.
    assert first["noise_std"] == pytest.approx(noise * math.sqrt(0.2), rel=1e-5)
    text = Path(__file__).parents[2].joinpath("conf", "units", f"{name}.yaml").read_text()
    assert "macaque" in text
    assert "doi:10.1073/pnas.1704856114" in text


@pytest.mark.parametrize("name", SHIPPED)
def test_every_column_of_a_shipped_table_differs_between_units(name: str) -> None:
    table = UnitTable.from_config(option("units", name))
    for column in columns(name):
        values = table.column(column, np.arange(len(table.rows)))
        assert np.isfinite(values).all()
        assert len(set(values.tolist())) > 1, column


@given(st.integers(1, 200), st.integers(0, 2**63 - 1), st.sampled_from(["sa", "ra"]))
def test_a_larger_population_keeps_the_units_of_a_smaller_one(
    count: int, seed: int, population: str
) -> None:
    drawn = TABLE.draw(count, seed, population)
    assert TABLE.draw(count + 50, seed, population)[:count].tolist() == drawn.tolist()
    assert ((drawn >= 0) & (drawn < 5)).all()


def test_units_are_drawn_uniformly_and_differ_with_seed_and_population() -> None:
    drawn = TABLE.draw(50_000, 3, "sa")
    share = np.bincount(drawn, minlength=5) / len(drawn)
    # Five standard errors of a share of one in five.
    assert abs(share - 0.2).max() < 5 * math.sqrt(0.2 * 0.8 / len(drawn))
    assert (drawn != TABLE.draw(50_000, 4, "sa")).mean() == pytest.approx(0.8, abs=0.02)
    assert (drawn != TABLE.draw(50_000, 3, "ra")).mean() == pytest.approx(0.8, abs=0.02)


def test_cycle_gives_each_afferent_the_next_unit() -> None:
    table = UnitTable(TABLE.columns, TABLE.rows, assign="cycle")
    assert table.draw(7, 1, "sa").tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert table.draw(7, 9, "ra").tolist() == table.draw(7, 1, "sa").tolist()


def test_a_table_of_a_file_is_that_of_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("model.tau, gain\n5.5,1\n1e-3,2\n")
    table = UnitTable.from_config({"file": str(path), "assign": "cycle"})
    assert table == UnitTable(["model.tau", "gain"], [[5.5, 1.0], [0.001, 2.0]], "cycle")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gain\n", "file: *: has no row below its heading"),
        ("gain\nhigh\n", ", line 2: gain: got 'high', allowed is a finite number"),
        ("gain,noise_std\n1,2\n3\n", ", line 3: noise_std: got "),
        ("gain,noise_std\n1,2\n3,4,5\n", "no table that can be read"),
        ("gain,noise_std\n1,2\n3,-4\n", ", line 3: noise_std: got -4.0, allowed is a number >= 0"),
        ("gain\nnan\n", ", line 2: gain: got 'nan', allowed is a finite number"),
    ],
)
def test_a_bad_file_of_units_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        UnitTable.from_config({"file": str(path)})
    (line,) = caught.value.problems
    assert line.startswith("file: ")
    assert str(path) in line
    assert said.rpartition("*: ")[2] in line
