"""Outlines: afferents of every layout lie inside and pool inside, in the numbers that densities say; regions have tags."""

from __future__ import annotations

from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.experiments import FORMATS
from hypothesis import given
from hypothesis import strategies as st

import sensoryforge as sf
from sensoryforge.analysis import plots
from sensoryforge.analysis.skin_tables import cells_table, links_table
from sensoryforge.config.kinds import make_chosen, option_names
from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.skin.innervation import Innervation
from sensoryforge.skin.layouts import Even, Jittered, Layout
from sensoryforge.skin.outlined import Inside, inside, place_in_regions, region_counts
from sensoryforge.skin.outlines import Fingertip, Outline, Rectangle, Regions
from sensoryforge.skin.places import Places
from sensoryforge.skin.receptors import ARRANGEMENTS, Grid, receptors_of

SHEET = Grid(52, 36, 0.5, center_mm=(3.0, -1.0))
TWO = Regions(
    {"tip": Fingertip(10.0, 10.0, 4.0, (0.0, 6.0)), "pad": Rectangle(14.0, 8.0, (0.0, -6.0))}
)
OUTLINES = {"fingertip": Fingertip(), "regions": TWO, "rectangle": Rectangle(7.0, 3.0, (1.0, 2.0))}
LAYOUTS = [name for name in option_names("layout") if name not in ("point", "table")]
"""Those that spread afferents over whatever skin there is."""
INNERVATIONS = [name for name in option_names("innervation") if name not in ("table", "elastic")]


def layout(name: str) -> Layout:
    return make_chosen("layout", "layout", name, (), "a layout", Layout)


def innervation(name: str) -> Innervation:
    chosen = {"type": name, "connections": 9} if name == "gaussian" else name
    return make_chosen("innervation", "innervation", chosen, (), "an innervation", Innervation)


# --- outlines ---


def test_the_fingertip_is_16_by_24_mm_and_has_3_4_cm2() -> None:
    tip = Fingertip()
    assert (tip.width_mm, tip.height_mm) == (16.0, 24.0)
    assert tip.area_mm2 == pytest.approx(16 * 12 + pi * 8 * 12 / 2)
    assert tip.area_mm2 / 100 == pytest.approx(3.4, abs=0.05)


@pytest.mark.parametrize("name", OUTLINES)
def test_the_area_is_that_of_the_places_inside(name: str) -> None:
    outline = OUTLINES[name]
    step = 0.02
    x, y = np.meshgrid(np.arange(-13, 13, step) + step / 2, np.arange(-13, 13, step) + step / 2)
    places = np.stack([x.ravel(), y.ravel()], axis=-1)
    is_inside = outline.contains(places)
    assert is_inside.sum() * step * step == pytest.approx(outline.area_mm2, rel=2e-3)
    lowest, highest = places[is_inside].min(axis=0), places[is_inside].max(axis=0)
    extent = np.array([outline.width_mm, outline.height_mm])
    np.testing.assert_allclose(highest - lowest, extent, atol=0.2)
    np.testing.assert_allclose((highest + lowest) / 2, outline.center_mm, atol=0.1)


@pytest.mark.parametrize("name", OUTLINES)
def test_the_rim_lies_between_inside_and_outside(name: str) -> None:
    for region, rim in zip(OUTLINES[name].regions.values(), OUTLINES[name].rims(), strict=True):
        away = rim - np.asarray(region.center_mm)
        assert region.contains(np.asarray(region.center_mm) + 0.98 * away).all()
        assert not region.contains(np.asarray(region.center_mm) + 1.02 * away).any()


# --- afferents inside ---


@pytest.mark.parametrize("count", [1, 2, 7, 40, 241])
@pytest.mark.parametrize("name", OUTLINES)
@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_layout_has_exactly_its_afferents_inside(kind: str, name: str, count: int) -> None:
    places = Places("sa", SHEET, layout(kind), innervation("nearest"), count, 5, OUTLINES[name])
    assert places.xy_mm.shape == (count, 2)
    assert inside(OUTLINES[name], SHEET, places.xy_mm).all()
    again = Places("sa", SHEET, layout(kind), innervation("nearest"), count, 5, OUTLINES[name])
    np.testing.assert_array_equal(places.xy_mm, again.xy_mm)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_afferents_are_as_dense_at_the_tip_as_elsewhere(kind: str) -> None:
    tip = Fingertip()
    xy_mm, _ = place_in_regions(layout(kind), SHEET, tip, [1000], seed=1)
    in_ellipse = (xy_mm[:, 1] - SHEET.center_mm[1] > 0).mean()
    share = pi * 8 * 12 / 2 / tip.area_mm2
    # Three standard errors of independent places; the others are more even.
    assert in_ellipse == pytest.approx(share, abs=3 * (share * (1 - share) / 1000) ** 0.5)


@pytest.mark.parametrize("name", OUTLINES)
@pytest.mark.parametrize("kind", INNERVATIONS)
def test_no_innervation_pools_a_receptor_outside(kind: str, name: str) -> None:
    places = Places("sa", SHEET, Even(), innervation(kind), 60, 5, OUTLINES[name])
    pooled = SHEET.xy(places.fields.indices[places.fields.weights > 0])
    assert inside(OUTLINES[name], SHEET, pooled).all()
    np.testing.assert_allclose(places.fields.weights.sum(axis=1), 1.0)
    assert (np.diff(places.fields.indices, axis=1) >= 0).all()


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_arrangement_of_receptors_has_an_outline(arrangement: str) -> None:
    pipeline = {"grid_size": [52, 36], "spacing_mm": 0.5, "seed": 2, "arrangement": arrangement}
    skin = Inside(receptors_of(pipeline), Fingertip())
    # As many as there are cells of its area, but for those on the rim.
    assert skin.count == pytest.approx(Fingertip().area_mm2 / 0.25, rel=0.06)
    assert inside(Fingertip(), skin.sheet, skin.xy()).all()


def test_without_an_outline_places_are_those_of_before() -> None:
    whole = Rectangle(SHEET.width_mm, SHEET.height_mm)
    for kind in ("even", "hex", "random"):
        plain = Places("sa", SHEET, layout(kind), innervation("gaussian"), 40, 5)
        outlined = Places("sa", SHEET, layout(kind), innervation("gaussian"), 40, 5, whole)
        np.testing.assert_allclose(plain.xy_mm, outlined.xy_mm)


def test_a_jittered_layout_moves_afferents_by_a_fifth_of_their_spacing_and_keeps_them_on_the_skin() -> (
    None
):
    sheet = Grid(40, 40, 1.0)
    moved = Jittered().place(sheet, 6400, seed=3)
    away = moved - Even().place(sheet, 6400, seed=3)
    spacing_mm = 0.5
    # Of 6,400 draws the standard deviation is within 5 standard errors of 0.9%; few are mirrored.
    np.testing.assert_allclose(away.std(axis=0), 0.2 * spacing_mm, rtol=0.05)
    assert abs(Jittered(sd=3.0).place(sheet, 400, seed=3)).max() <= 20.0
    np.testing.assert_array_equal(Jittered(sd=0.0).place(sheet, 9, 1), Even().place(sheet, 9, 1))


# --- densities ---


@given(st.floats(1, 500), st.floats(1, 500), st.sampled_from(list(OUTLINES)), st.integers(1, 5000))
def test_counts_are_densities_times_areas(
    density: float, other: float, name: str, count: int
) -> None:
    outline = OUTLINES[name]
    areas = [region.area_mm2 / 100 for region in outline.regions.values()]
    assert sum(region_counts(outline, SHEET, density)) == round(density * sum(areas))
    shared = region_counts(outline, SHEET, None, count)
    assert sum(shared) == count
    assert all(
        abs(part - count * area / sum(areas)) < 1 for part, area in zip(shared, areas, strict=True)
    )
    if name == "regions":
        counts = region_counts(outline, SHEET, {"tip": density, "pad": other})
        assert counts == [round(density * areas[0]), round(other * areas[1])]


def experiment(outline: Any, **population: Any) -> Experiment:
    return check(
        {
            "pipeline": {
                "grid_size": [52, 36], "spacing_mm": 0.5, "outline": outline, "duration_ms": 30, "device": "cpu",
            },
            "neurons": {"ra_neurons": 5, "populations": {"sa": population}},
            "stimuli": [{"type": "gaussian", "amplitude": 30, "sigma": 6.0}],
        }
    )  # fmt: skip


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_density_is_in_place_of_a_count_with_any_layout(kind: str) -> None:
    planned = experiment("fingertip", density_per_cm2=70, layout=kind)
    assert planned.populations["sa"].count == round(70 * Fingertip().area_mm2 / 100) == 240
    assert planned.config["neurons"]["populations"]["sa"]["count"] == 240
    assert len(planned.places("sa").xy_mm) == 240
    on_the_sheet = experiment("none", density_per_cm2=10, layout=kind)
    assert on_the_sheet.populations["sa"].count == round(10 * 26 * 18 / 100)


def test_a_count_that_is_the_density_may_stand_beside_it_and_null_leaves_it_out() -> None:
    assert experiment("fingertip", density_per_cm2=70, count=240).populations["sa"].count == 240
    assert experiment("fingertip", density_per_cm2=70, count=None).populations["sa"].count == 240


REGIONS = {
    "type": "regions",
    "parts": {
        "tip": {"type": "fingertip", "width_mm": 10, "length_mm": 10, "straight_mm": 4, "center_mm": [0, 6]},
        "pad": {"type": "rectangle", "width_mm": 14, "height_mm": 8, "center_mm": [0, -6]},
    },
}  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_a_dataset_stores_the_tag_of_every_neuron(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.chdir(tmp_path)
    planned = experiment(REGIONS, density_per_cm2={"tip": 70, "pad": 10})
    config = {
        **planned.config,
        "batch": {**planned.config["batch"], "output_dir": "out", "format": format},
    }
    sf.run(config)
    results = sf.load("out")
    tags = results.tags("sa")
    tip, pad = TWO.regions.values()
    assert (tags == "tip").sum() == round(0.7 * tip.area_mm2)
    assert (tags == "pad").sum() == round(0.1 * pad.area_mm2)
    xy_mm = results.metadata["sa_xy_mm"].numpy()
    assert tip.contains(xy_mm[tags == "tip"]).all()
    assert pad.contains(xy_mm[tags == "pad"]).all()
    assert results.counts("sa")[:, tags == "tip"].shape == (1, (tags == "tip").sum())
    assert set(results.tags("ra").tolist()) <= {"tip", "pad"}
    assert cells_table(results, "sa")["tag"].tolist() == tags.tolist()
    assert results.to_xarray("sa", "counts")["tag"].values.tolist() == tags.tolist()
    assert len(links_table(results, "sa")) == len(xy_mm) * 32
    with pytest.raises(ConfigError, match="pc"):
        results.tags("pc")


@pytest.mark.parametrize("outline", ["none", "fingertip", REGIONS])
def test_pictures_draw_the_outline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outline: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    planned = experiment(outline, count=40)
    sf.run({**planned.config, "batch": {**planned.config["batch"], "output_dir": "out"}})
    results = sf.load("out")
    rims = {"none": 0, "fingertip": 1}.get(str(outline), 2)
    for figure, panels in ((plots.sheet(results), 2), (plots.movie(results, frames=2), 2)):
        drawn = [len(axis.patches) for axis in figure.axes[:panels]]
        assert drawn == [rims] * panels
    if rims == 1:
        (rim,) = figure.axes[0].patches
        np.testing.assert_allclose(rim.get_path().vertices.max(axis=0), [8, 12])


def test_a_stimulus_is_stored_for_the_whole_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned = experiment("fingertip", count=20)
    batch = {**planned.config["batch"], "output_dir": "out", "save": ["stimulus"]}
    sf.run({**planned.config, "batch": batch})
    assert sf.load("out")[0]["stimulus"].shape == (60, 52, 36)


class Cross(Outline):
    """An outline from outside: two bars, of which one place in ten is inside."""

    width_mm = 10.0
    height_mm = 10.0
    area_mm2 = 19.0

    def contains(self, xy_mm: Any) -> Any:
        return (abs(xy_mm[:, 0]) <= 0.5) | (abs(xy_mm[:, 1]) <= 0.5)

    def rims(self) -> list[Any]:
        return []


@pytest.mark.parametrize("kind", LAYOUTS)
def test_an_outline_of_the_users_own_holds_every_layout(kind: str) -> None:
    xy_mm, _ = place_in_regions(layout(kind), Grid(20, 20, 0.5), Cross(), [55], seed=3)
    assert len(xy_mm) == 55
    assert Cross().contains(xy_mm).all()
