"""What shapes, profiles, motions, recordings and composites promise, on the skin and in the drive."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from helpers.experiments import QUIET, SHEET, SMALL, assert_same, checked
from helpers.runs import bits, run
from helpers.touch import CASES, SHAPES, case, overrides
from hypothesis import given, settings
from hypothesis import strategies as st

from sensoryforge.config.reading import check, check_batch_file
from sensoryforge.core.types import Floats, Positions
from sensoryforge.design.design import Design
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.skin.receptors.grid import Grid
from sensoryforge.stimuli import (
    Bar,
    Choice,
    Gaussian,
    Line,
    Range,
    Recipe,
    Shape,
    Sphere,
    Stimulus,
    Trace,
    find_recipe,
)
from sensoryforge.stimuli.blend import Blend, blend_along
from sensoryforge.stimuli.blended import BlendedStimulus
from sensoryforge.stimuli.guarded import GuardedStimuli
from sensoryforge.stimuli.profiles.profile import risen
from sensoryforge.stimuli.surface import Surface, make_texture

DURATION_MS = 300.0
T_MS = np.asarray(np.arange(600) * 0.5, dtype=np.float64)
HALF_SHEET_MM = 2.4


def stimulus(*words: str, **parameters: float) -> Stimulus:
    """Return a stimulus of one condition, as it is written on a command line."""
    (family,) = checked(*words).design.families
    recipe = find_recipe(family.target, family.parts)
    columns = Design((family,)).columns(family, np.array([0]))
    for name, value in parameters.items():
        columns[name] = np.array([float(value)])
    return recipe(columns)


def drive(*words: str) -> dict[str, torch.Tensor]:
    """Return the drive of a small sheet's populations, without noise, and their spikes."""
    experiment = checked(*SMALL, *QUIET, "batch.save=[drive]", *words)
    return Encoder(experiment, "numba")([(0, len(experiment.design))]).arrays


# --- the lattice of receptors ---


def felt_in_the_middle(name: str, pitch_mm: float) -> Floats:
    """Return what a smooth receptive field in the middle of the sheet feels, ``[T]``."""
    side = round(2 * HALF_SHEET_MM / pitch_mm)
    xy = Grid(side, side, pitch_mm).xy()
    field = np.exp(-0.5 * (xy**2).sum(axis=1) / 0.3**2)
    shipped = case(name)
    frames = shipped.recipe(shipped.defaults()).frames(xy, T_MS[::20], DURATION_MS)[0]
    return np.asarray(frames @ (field / field.sum()))


REACHING = ["bar", "braille", "disc", "dots", "image"]


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 135.0])
@pytest.mark.parametrize("name", REACHING)
def test_a_shape_presses_up_to_its_reach_and_nowhere_beyond(name: str, degrees: float) -> None:
    columns = case(f"stimuli/{name}").defaults()
    columns["center_x"] = np.array([0.3])
    if "orientation" in columns:
        columns["orientation"] = np.array([degrees])
    shape = case(f"stimuli/{name}").recipe(columns)
    assert isinstance(shape, Shape)
    reach = shape.reach_mm()
    assert reach is not None
    from_centre = Grid(201, 201, 0.06).xy()
    pressed = shape.space(from_centre + np.array([0.3, 0.0]))[0, 0] > 0
    farthest = np.abs(from_centre[pressed]).max(axis=0)
    assert (farthest <= reach[0]).all()
    assert (farthest >= 0.6 * reach[0]).all(), "a reach far beyond the shape spares nothing"


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.startswith(("stimuli", "scanned"))]
)
def test_the_pooled_drive_converges_as_the_lattice_becomes_finer(name: str) -> None:
    coarse = felt_in_the_middle(name, 0.16)
    fine = felt_in_the_middle(name, 0.08)
    assert np.abs(coarse - fine).max() <= 0.02 * max(fine.max(), 1.0)


# --- geometry ---

TURNED = ["bar", "edge", "grating", "gabor", "image"]


@pytest.mark.parametrize("name", TURNED)
def test_a_shape_that_is_turned_by_90_degrees_presses_on_the_turned_sheet(name: str) -> None:
    xy = Grid(20, 20, 0.2).xy()
    shape = case(f"stimuli/{name}")
    columns = shape.defaults() | {"orientation": np.array([25.0])}
    upright = shape.recipe(columns).frames(xy, T_MS[:1], DURATION_MS).reshape(20, 20)
    columns["orientation"] = np.array([115.0])
    turned = shape.recipe(columns).frames(xy, T_MS[:1], DURATION_MS).reshape(20, 20)
    # Rows go up along y: a quarter turn against the clock is one with the clock for NumPy.
    np.testing.assert_allclose(turned, np.rot90(upright, -1), atol=1e-9)


@pytest.mark.parametrize("name", TURNED)
def test_a_scan_that_is_turned_with_its_shape_presses_on_the_turned_sheet(name: str) -> None:
    xy = Grid(20, 20, 0.2).xy()
    scanned = case(f"scanned/{name}")
    columns = scanned.defaults() | {"orientation": np.array([0.0])}
    upright = scanned.recipe(columns).frames(xy, T_MS[::100], DURATION_MS).reshape(6, 20, 20)
    columns |= {"orientation": np.array([90.0]), "motion_direction": np.array([90.0])}
    turned = scanned.recipe(columns).frames(xy, T_MS[::100], DURATION_MS).reshape(6, 20, 20)
    np.testing.assert_allclose(turned, np.rot90(upright, -1, axes=(1, 2)), atol=1e-9)


def test_the_end_place_is_speed_times_time() -> None:
    scan = stimulus("stimuli=gaussian", "stimuli.motion=line", "stimuli.motion.start_mm=-1")
    along = np.stack([np.linspace(-3.0, 6.0, 901), np.zeros(901)], axis=1)
    ends = scan.frames(along, np.array([0.0, 100.0, 300.0]), DURATION_MS)[0]
    np.testing.assert_allclose(along[ends.argmax(axis=1), 0], [-1.0, 1.0, 5.0], atol=0.01)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("scanned")])
def test_twice_the_speed_is_the_response_compressed_in_time(name: str) -> None:
    xy = Grid(9, 9, 0.5).xy()
    scanned = case(name)
    columns = scanned.defaults()
    slow = scanned.recipe(columns).frames(xy, 2.0 * T_MS[:300], DURATION_MS)
    columns["motion_speed_mm_s"] = 2.0 * columns["motion_speed_mm_s"]
    fast = scanned.recipe(columns).frames(xy, T_MS[:300], DURATION_MS)
    np.testing.assert_allclose(fast, slow, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("scanned")])
def test_a_moving_shape_is_the_shape_at_each_of_its_places(name: str) -> None:
    """The cubic between the places at which it is worked out is as good as working it out."""
    xy = Grid(24, 24, 0.2).xy()
    scanned = case(name)
    columns = scanned.defaults()
    frames = scanned.recipe(columns).frames(xy, T_MS[::60], DURATION_MS)[0]
    motion = Line({key[7:]: value for key, value in columns.items() if key.startswith("motion_")})
    x, y = motion.place(motion.distance(T_MS[::60]))
    shape = scanned.recipe.cls(columns)
    assert isinstance(shape, Shape)
    exact = shape.stills(xy, x[0], y[0])
    field = np.exp(-0.5 * ((xy[:, None] - xy[None]) ** 2).sum(axis=2) / 0.3**2)
    pooled = (frames - exact) @ field / field.sum(axis=0)
    assert np.abs(pooled).max() <= 0.01 * exact.max()


def test_a_circle_comes_back_to_where_it_began() -> None:
    circle = stimulus("stimuli=gaussian", "stimuli.motion=circle", motion_speed_mm_s=20 * np.pi)
    xy = Grid(9, 9, 0.3).xy()
    start, halfway, end = circle.frames(xy, np.array([0.0, 50.0, 100.0]), DURATION_MS)[0]
    np.testing.assert_allclose(start, end, atol=0.05)
    np.testing.assert_allclose(halfway.reshape(9, 9), start.reshape(9, 9)[:, ::-1], atol=0.05)


# --- profiles ---


def test_a_trapezoid_of_ramps_of_zero_length_is_the_step_bit_for_bit() -> None:
    step = drive("stimuli=step", "stimuli.step_time=10", "stimuli.hold_ms=12")
    words = ["onset_ms=10", "ramp_ms=0", "hold_ms=12", "release_ms=0"]
    keys = [f"stimuli.profile.{word}" for word in words]
    trapezoid = drive("stimuli=gaussian", "stimuli.profile=trapezoid", *keys)
    profile = drive(
        "stimuli=gaussian",
        "stimuli.profile=step",
        "stimuli.profile.onset_ms=10",
        "stimuli.profile.hold_ms=12",
    )
    assert float(step["sa_drive"].max()) > 0
    assert_same(trapezoid, step)
    assert_same(profile, step)


def test_a_ramp_profile_over_the_whole_time_is_the_ramp() -> None:
    ramp = drive("stimuli=ramp", "stimuli.final=30")
    profile = drive("stimuli=gaussian", "stimuli.amplitude=30", "stimuli.profile=ramp")
    torch.testing.assert_close(profile["sa_drive"], ramp["sa_drive"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["hold", "step", "ramp", "trapezoid", "sine", "chirp", "pulses"])
def test_a_profile_is_a_factor_of_the_shape_in_time(name: str) -> None:
    xy = Grid(5, 5, 0.3).xy()
    pressed = stimulus("stimuli=gaussian", f"stimuli.profile={name}").frames(xy, T_MS, DURATION_MS)
    rest = stimulus("stimuli=gaussian").frames(xy, T_MS, DURATION_MS)
    factor = pressed[0, :, 12] / rest[0, :, 12]
    np.testing.assert_allclose(pressed[0], factor[:, None] * rest[0], rtol=1e-12)
    assert factor.max() <= 1.5
    assert factor.min() >= 0.0
    assert factor.max() >= 0.99


@given(
    since=st.floats(-1e3, 1e3, allow_nan=False),
    rise=st.one_of(st.just(0.0), st.floats(1e-3, 1e3)),
)
def test_a_rise_goes_from_zero_to_one_and_never_beyond(since: float, rise: float) -> None:
    (height,) = risen(np.array([since]), np.array([rise])).tolist()
    assert 0.0 <= height <= 1.0
    assert height == (0.0 if since < -1e-5 else height)
    assert height == (1.0 if since >= rise else height)


def test_a_vibration_has_the_frequency_that_it_says() -> None:
    words = ["stimuli=disc", "stimuli.profile=sine", "stimuli.profile.onset_ms=0"]
    hum = stimulus(*words, profile_frequency_hz=40)
    course = hum.frames(np.zeros((1, 2)), T_MS, DURATION_MS)[0, :, 0]
    spectrum = np.abs(np.fft.rfft(course - course.mean()))
    assert np.fft.rfftfreq(600, 0.0005)[spectrum.argmax()] == pytest.approx(40.0)


def test_noise_stays_in_its_band() -> None:
    words = ["stimuli=disc", "stimuli.profile=noise", "stimuli.profile.onset_ms=0"]
    noise = stimulus(*words, profile_low_hz=50, profile_high_hz=100, profile_depth=0.1)
    t_ms = np.asarray(np.arange(4000) * 0.5, dtype=np.float64)
    course = noise.frames(np.zeros((1, 2)), t_ms, 2000.0)[0, :, 0]
    power = np.abs(np.fft.rfft(course - course.mean())) ** 2
    frequency = np.fft.rfftfreq(4000, 0.0005)
    is_in_band = (frequency >= 48) & (frequency <= 102)
    assert power[is_in_band].sum() > 0.98 * power.sum()


# --- blends and surfaces ---


@given(places=st.lists(st.floats(1.0, 8.0), min_size=1, max_size=20))
def test_a_cubic_passes_through_its_stills_and_keeps_straight_lines(places: list[float]) -> None:
    numbers, weights = blend_along(np.array(places), first=0, count=11)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    line = np.arange(11.0)
    np.testing.assert_allclose((line[numbers] * weights).sum(axis=1), places, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**53), beta=st.floats(0.0, 4.0))
def test_a_texture_goes_from_zero_to_one_and_comes_again(seed: int, beta: float) -> None:
    tile = make_texture(beta, shortest_mm=1.0, longest_mm=2.0, seed=seed)
    assert (tile.min(), tile.max()) == (0.0, 1.0)
    surface = Surface.tile(tile)
    column, row = np.array([0.3, 5.2]), np.array([7.7, 63.5])
    np.testing.assert_allclose(
        surface.at(column + len(tile), row), surface.at(column, row - len(tile)), atol=1e-9
    )


def test_the_power_of_a_texture_falls_as_its_beta_says() -> None:
    tile = make_texture(2.0, shortest_mm=0.5, longest_mm=4.0, seed=3)
    power = np.abs(np.fft.fft2(tile - tile.mean())) ** 2
    cycles = np.fft.fftfreq(len(tile), 1.0 / len(tile))
    frequency = np.hypot(cycles[:, None], cycles[None])
    octaves = []
    for low in (4, 8, 16):
        octaves.append(power[(frequency >= low) & (frequency < 2 * low)].mean())
    # Twice the frequency, a quarter of the power.
    assert octaves[0] / octaves[1] == pytest.approx(4.0, rel=0.5)
    assert octaves[1] / octaves[2] == pytest.approx(4.0, rel=0.3)


def test_a_seed_freezes_a_texture_and_another_one_is_another() -> None:
    first = make_texture(2.0, 1.0, 4.0, seed=1)
    assert np.array_equal(first, make_texture(2.0, 1.0, 4.0, seed=1))
    assert not np.array_equal(first, make_texture(2.0, 1.0, 4.0, seed=2))


# --- composites ---

LEFT = "{type:gaussian,center_x:-0.3,amplitude:20}"
RIGHT = "{type:bar,center_x:0.3,amplitude:10,profile:sine}"
MOVING = "{type:disc,amplitude:10,motion:{type:line,start_mm:-0.5}}"


@pytest.mark.parametrize("other", [RIGHT, MOVING])
def test_the_drive_of_a_sum_is_the_sum_of_the_drives_of_its_parts(other: str) -> None:
    both = drive("stimuli=composite", f"stimuli.parts={{one:{LEFT},two:{other}}}")
    one = drive("stimuli=composite", f"stimuli.parts={{one:{LEFT}}}")
    two = drive("stimuli=composite", f"stimuli.parts={{two:{other}}}")
    assert float(two["ra_drive"].max()) > 0
    for name in ("sa_drive", "ra_drive"):
        torch.testing.assert_close(both[name], one[name] + two[name], rtol=1e-5, atol=1e-5)


def test_the_larger_of_two_parts_is_felt_at_each_receptor() -> None:
    parts = f"stimuli.parts={{one:{LEFT},two:{MOVING}}}"
    xy = Grid(9, 9, 0.4).xy()
    larger = stimulus("stimuli=composite", parts, "stimuli.combine=larger")
    one = stimulus("stimuli=composite", f"stimuli.parts={{one:{LEFT}}}")
    two = stimulus("stimuli=composite", f"stimuli.parts={{two:{MOVING}}}")
    pressure = [press.frames(xy, T_MS, DURATION_MS) for press in (one, two)]
    expected = np.maximum(*pressure)
    np.testing.assert_allclose(larger.frames(xy, T_MS, DURATION_MS), expected, atol=1e-9)


@pytest.mark.parametrize("part", [LEFT, RIGHT, MOVING])
def test_a_part_with_an_onset_is_the_same_later(part: str) -> None:
    late = part.replace("{", "{onset_ms:100,", 1)
    xy = Grid(9, 9, 0.4).xy()
    now = stimulus("stimuli=composite", f"stimuli.parts={{one:{part}}}")
    later = stimulus("stimuli=composite", f"stimuli.parts={{one:{late}}}")
    expected = now.frames(xy, T_MS[:400], 200.0)
    frames = later.frames(xy, T_MS, DURATION_MS)
    assert not frames[:, :200].any()
    np.testing.assert_allclose(frames[:, 200:], expected, atol=1e-9)


def test_onsets_of_parts_are_an_axis_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(
        "stimuli:\n"
        "  - type: composite\n"
        "    parts:\n"
        "      first: {type: gaussian, profile: {type: step, onset_ms: [0, 10]}}\n"
        "      second: {type: disc, onset_ms: [5, 15]}\n"
    )
    design = check_batch_file(tmp_path / "b.yml", [*SMALL]).design
    assert len(design) == 4
    assert design.parameters(3)["first_profile_onset_ms"] == 10
    assert design.parameters(3)["second_onset_ms"] == 15
    assert design.families[0].listed == ("first_profile_onset_ms", "second_onset_ms")


# --- files ---


def frames_of(tmp_path: Path, words: list[str], name: str = "press.npy") -> tuple[Any, Path]:
    results = run(tmp_path / "saved", *words, "batch.save=[stimulus,drive]", *QUIET)
    path = tmp_path / name
    np.save(path, results.array(0, "stimulus").numpy())
    return results, path


def test_a_grating_written_out_as_frames_gives_the_spikes_of_the_grating(tmp_path: Path) -> None:
    results, path = frames_of(tmp_path, ["stimuli=grating", "stimuli.amplitude=60"])
    words = [f"stimuli.file={path}", "stimuli.frame_ms=0.5", "stimuli.pixel_mm=0.15"]
    again = run(tmp_path / "frames", "stimuli=frames", *words, "batch.save=[drive]", *QUIET)
    assert int(results.array(0, "sa_spikes").sum()) > 0
    for population in ("sa", "ra"):
        torch.testing.assert_close(
            again.array(0, f"{population}_drive"),
            results.array(0, f"{population}_drive"),
            rtol=1e-5,
            atol=1e-5,
        )
        spikes = f"{population}_spikes"
        assert torch.equal(again.array(0, spikes), results.array(0, spikes))


def test_frames_are_linear_in_time_and_bilinear_in_space(tmp_path: Path) -> None:
    np.save(tmp_path / "two.npy", np.array([[[0.0, 0.0]], [[4.0, 8.0]], [[4.0, 8.0]]]))
    recorded = stimulus(
        "stimuli=frames",
        f"stimuli.file={tmp_path}/two.npy",
        "stimuli.frame_ms=10",
        "stimuli.pixel_mm=1",
        "pipeline.duration_ms=30",
    )
    xy = np.array([[-0.5, 0.0], [0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [5.0, 0.0]])
    frames = recorded.frames(xy, np.array([0.0, 5.0, 10.0, 25.0]), 30.0)[0]
    np.testing.assert_allclose(frames[2], [4.0, 6.0, 8.0, 4.0, 0.0])
    np.testing.assert_allclose(frames[1], 0.5 * frames[2])
    np.testing.assert_allclose(frames[3], frames[2])


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_frames_are_read_from_archives_as_from_arrays(suffix: str, tmp_path: Path) -> None:
    import h5py

    values = np.arange(24.0).reshape(4, 2, 3)
    np.save(tmp_path / "a.npy", values)
    if suffix == ".npz":
        np.savez(tmp_path / "a.npz", frames=values, other=np.zeros(3))
    else:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["anything"] = values
    words = ["stimuli=frames", "stimuli.frame_ms=100"]
    xy = Grid(4, 4, 0.3).xy()
    of_array, of_archive = (
        stimulus(*words, f"stimuli.file={tmp_path}/a{ending}").frames(xy, T_MS, DURATION_MS)
        for ending in (".npy", suffix)
    )
    assert np.array_equal(of_array, of_archive)


def test_a_png_is_a_height_map_whose_top_is_up(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((10, 10), dtype=np.uint8)
    pixels[0] = 255  # the first row of an image is its top
    image.fromarray(pixels).save(tmp_path / "top.png")
    relief = stimulus("stimuli=image", f"stimuli.file={tmp_path}/top.png")
    upper, lower = relief.frames(np.array([[0.0, 1.8], [0.0, -1.8]]), T_MS[:1], DURATION_MS)[0, 0]
    assert (upper, lower) == (pytest.approx(30.0), 0.0)


def test_a_trace_is_the_profile_that_it_holds(tmp_path: Path) -> None:
    (tmp_path / "depth.csv").write_text("time,depth\n0,0\n100,1\n200,0.5\n300,0.5\n")
    words = ["stimuli=disc", "stimuli.profile=trace", f"stimuli.profile.file={tmp_path}/depth.csv"]
    traced = stimulus(*words, "stimuli.profile.column=depth", "stimuli.profile.step_ms=100")
    course = traced.frames(np.zeros((1, 2)), np.array([0.0, 50.0, 100.0, 150.0]), DURATION_MS)
    np.testing.assert_allclose(course[0, :, 0], [0.0, 15.0, 30.0, 22.5])


def test_a_trace_that_leaves_its_step_out_has_the_pipelines(tmp_path: Path) -> None:
    np.save(tmp_path / "depth.npy", np.linspace(0.0, 1.0, 60))
    words = ["stimuli=disc", "stimuli.profile=trace", f"stimuli.profile.file={tmp_path}/depth.npy"]
    experiment = checked(*SMALL, *words)
    assert experiment.design.parameters(0)["profile_step_ms"] == 0.5


BATCH = """
stimuli:
  - type: image
    file: [relief.npy, other.npy]
    width_mm: 1.5
"""


def test_a_file_beside_the_batch_file_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    np.save(folder / "relief.npy", np.eye(4))
    np.save(folder / "other.npy", np.ones((4, 4)))
    (folder / "b.yml").write_text(BATCH)
    experiment = check_batch_file("study/b.yml", [*SMALL])
    assert experiment.design.parameters(1)["file"] == "other.npy"
    assert experiment.config["stimuli"][0]["file"] == [
        str(folder / "relief.npy"),
        str(folder / "other.npy"),
    ]


def test_the_content_of_a_file_is_part_of_the_id_and_its_place_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "relief.npy", np.eye(4))
    np.save(tmp_path / "same.npy", np.eye(4))
    np.save(tmp_path / "another.npy", np.eye(5))

    def id_of(name: str) -> str:
        return checked(*SMALL, "stimuli=image", f"stimuli.file={name}").design.id(0)

    assert id_of("relief.npy") == id_of("same.npy")
    assert id_of("relief.npy") != id_of("another.npy")
    before = id_of("relief.npy")
    np.save(tmp_path / "relief.npy", np.eye(6))
    assert id_of("relief.npy") != before


# --- ids ---


@pytest.mark.parametrize("words", [["motion@stimuli.motion=none"], ["stimuli.motion=none"]])
def test_no_motion_adds_nothing_to_what_a_stimulus_is(words: list[str]) -> None:
    assert checked(*words).design.ids(0, 1) == checked().design.ids(0, 1)


def test_a_parameter_that_is_left_out_adds_nothing_to_what_a_stimulus_is() -> None:
    (family,) = checked("stimuli=grating").design.families
    assert list(family.axes) == ["amplitude", "wavelength", "orientation"]
    flat = checked("stimuli=grating", "stimuli.duty=0.5").design
    assert flat.id(0) != checked("stimuli=grating").design.id(0)


def test_a_word_is_told_from_a_number_and_from_another_word() -> None:
    words = checked("stimuli=braille", "stimuli.letter=[a,b]")
    first, second = words.design.ids(0, 2)
    assert first != second
    assert next(words.design.families[0].texts(0, 1)).count("6:letter=s1:a") == 1


WRITTEN = """
stimuli:
  - type: bar
    orientation: [0, 45]
    profile: {type: trapezoid, ramp_ms: [5, 10]}
    motion: line
"""


def test_a_command_line_a_batch_file_and_python_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(WRITTEN)
    ids = check_batch_file(tmp_path / "b.yml").design.ids(0, 4)
    lists = ["stimuli.orientation=[0,45]", "stimuli.profile.ramp_ms=[5,10]"]
    hydra = ["profile@stimuli.profile=trapezoid", "motion@stimuli.motion=line"]
    short = ["stimuli.profile=trapezoid", "stimuli.motion=line"]
    for choices in (hydra, short, [f"+{word}" for word in hydra]):
        assert checked("stimuli=bar", *choices, *lists).design.ids(0, 4) == ids
    entry = {
        "type": "bar",
        "orientation": [0, 45],
        "profile": {"type": "trapezoid", "ramp_ms": np.array([5, 10])},
        "motion": {"type": "line"},
    }
    assert check({"stimuli": entry}).design.ids(0, 4) == ids


def test_overrides_reach_what_a_batch_file_has_within_an_entry(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(WRITTEN)
    design = check_batch_file(
        tmp_path / "b.yml", ["stimuli.profile.hold_ms=[1,2,3]", "stimuli.motion.speed_mm_s=40"]
    ).design
    assert len(design) == 12
    assert design.parameters(0)["motion_speed_mm_s"] == 40


def test_a_part_of_the_stimuli_gets_its_own_profile(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("stimuli: [{type: bar}, {type: disc}, {type: step}]")
    words = ["stimuli.bar.profile=sine", "stimuli.disc.motion=line"]
    design = check_batch_file(tmp_path / "b.yml", words).design
    assert "profile_frequency_hz" in design.parameters(0)
    assert "motion" in design.parameters(1)
    assert "profile" not in design.parameters(1)


# --- everywhere the same ---


@pytest.mark.parametrize("name", CASES)
def test_a_stimulus_drives_with_the_same_bits_on_every_backend_and_in_every_chunk(
    name: str,
) -> None:
    words = [*SHEET, "pipeline.duration_ms=300", "pipeline.dt_ms=2", "batch.save=[drive]"]
    words.append(
        "pipeline.substeps=4"
    )  # what presses is the same in as many steps as it would have
    experiment = checked(*words, *overrides(name), "stimuli.repetitions=3")
    by_numba = Encoder(experiment, "numba")([(0, 3)])
    by_torch = Encoder(experiment, "torch")([(0, 3)])
    assert by_numba.errors == by_torch.errors == {}
    assert_same(by_numba.arrays, by_torch.arrays)
    alone = Encoder(experiment, "numba")([(2, 3)]).arrays
    assert_same(alone, {key: value[2:] for key, value in by_numba.arrays.items()})
    assert bool(torch.isfinite(by_numba.arrays["sa_drive"]).all())


def test_conditions_have_the_same_bits_with_one_thread_and_with_several() -> None:
    words = ["stimuli=bar", "stimuli.motion=line", "stimuli.orientation=[0,30,60,90]"]
    alone = Encoder(checked(*SMALL, *words, "batch.num_workers=1"), "numba")([(0, 4)])
    together = Encoder(checked(*SMALL, *words, "batch.num_workers=3"), "numba")([(0, 4)])
    assert_same(alone.arrays, together.arrays)


def test_a_run_of_moving_letters_is_whole_and_is_read_back(tmp_path: Path) -> None:
    words = ["stimuli=braille", "stimuli.letter=[a,b]", "stimuli.motion=line"]
    results = run(tmp_path / "run", *words, "stimuli.motion.speed_mm_s=[200,400]")
    assert results.table["letter"].tolist() == ["a", "a", "b", "b"]
    assert results.table["motion_speed_mm_s"].tolist() == [200, 400, 200, 400]
    again = run(tmp_path / "again", *words, "stimuli.motion.speed_mm_s=[200,400]")
    assert bits(again) == bits(results)


class Broken(Shape):
    """A shape of a user's that fails in one of its conditions."""

    ranges = {"amplitude": Range(low=0.0)}  # noqa: RUF012

    def press(self, x: Floats, y: Floats) -> Floats:
        if self["amplitude"].max() > 1:
            raise ValueError("too deep")
        return self["amplitude"] * np.ones_like(x + self["amplitude"])


def test_a_moving_shape_that_fails_is_named_and_the_others_are_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["stimuli.motion=line", "stimuli.amplitude=[1,2,1.5]", "stimuli.sigma=1"]
    experiment = checked(*SMALL, *words)
    recipe = Recipe(Broken, motion=Line)
    monkeypatch.setattr("sensoryforge.simulation.shaping.find_recipe", lambda *_: recipe)
    encoded = Encoder(experiment, "numba")([(0, 3)])
    assert encoded.errors == {1: "ValueError: too deep", 2: "ValueError: too deep"}


def test_every_shape_can_be_pressed_and_scanned() -> None:
    for name in SHAPES:
        recipe = case(f"scanned/{name}").recipe
        assert recipe.is_blended
        assert not recipe.separable


class Hollow(Bar):
    """A user's bar that presses where the shipped one does not, and far beyond its reach."""

    def press(self, x: Floats, y: Floats) -> Floats:
        return self["amplitude"] - super().press(x, y)


def test_a_shape_that_presses_otherwise_than_its_parent_is_felt_as_it_presses() -> None:
    xy = Grid(8, 8, 0.6).xy()
    columns = case("scanned/bar").defaults()
    still = Recipe(Hollow)(columns).frames(xy, T_MS[:1], DURATION_MS)
    moving = Recipe(Hollow, motion=Line)(columns)
    scanned = moving.frames(xy, T_MS[::50], DURATION_MS)
    bar = Recipe(Bar, motion=Line)(columns).frames(xy, T_MS[::50], DURATION_MS)
    amplitude = float(columns["amplitude"][0])
    assert still.max() == amplitude
    np.testing.assert_allclose(scanned, amplitude - bar, atol=0.02 * amplitude)


class Waning(Gaussian):
    """A user's shape with a course in time of its own."""

    def time(self, t_ms: Floats, duration_ms: float) -> Floats:
        return np.tile(1.0 - t_ms / duration_ms, (self.count, 1, 1))


def test_a_course_in_time_of_a_shape_goes_with_it_when_it_moves() -> None:
    xy = Grid(4, 4, 0.6).xy()
    columns = case("motion/line").defaults()
    waning = Recipe(Waning, motion=Line)(columns).frames(xy, T_MS, DURATION_MS)
    steady = Recipe(Gaussian, motion=Line)(columns).frames(xy, T_MS, DURATION_MS)
    course = 1.0 - T_MS / DURATION_MS
    np.testing.assert_allclose(waning, steady * course[:, None], atol=1e-12)


def test_a_sharp_shape_that_stands_still_on_its_way_is_the_shape_at_rest() -> None:
    words = ["stimuli=bar", "stimuli.edge_mm=0", "stimuli.motion=line"]
    place = ["stimuli.motion.start_mm=0", "stimuli.motion.speed_mm_s=0"]
    xy = Grid(8, 8, 0.3).xy()
    scanned = stimulus(*words, *place).frames(xy, T_MS[:3], DURATION_MS)
    at_rest = stimulus("stimuli=bar", "stimuli.edge_mm=0").frames(xy, T_MS[:3], DURATION_MS)
    np.testing.assert_array_equal(scanned, at_rest)


@pytest.mark.parametrize("combine", ["add", "larger"])
def test_a_part_that_starts_after_the_last_sample_is_not_felt(combine: str) -> None:
    late = "stimuli.parts={a:{type:gaussian},b:{type:bar,onset_ms:299.9,motion:line}}"
    words = ["stimuli=composite", f"stimuli.combine={combine}"]
    both = drive(*words, late, "pipeline.duration_ms=300")
    alone = drive("stimuli=gaussian", "pipeline.duration_ms=300")
    for name, felt in alone.items():
        torch.testing.assert_close(both[name], felt, rtol=1e-6, atol=1e-6)


class OffByOne(BlendedStimulus):
    """A user's blend that takes a still which it has not."""

    ranges = {"amplitude": Range(low=0.0)}  # noqa: RUF012

    def blend(self, condition: int, xy: Positions, t_ms: Floats, duration_ms: float) -> Blend:
        numbers = np.ones((len(t_ms), 1), dtype=np.int64)
        return Blend(np.ones((1, len(xy))), numbers, np.ones((len(t_ms), 1)))


def test_a_blend_of_a_still_that_is_not_there_is_told_in_one_line() -> None:
    stimuli = GuardedStimuli(Recipe(OffByOne), {"amplitude": np.ones(1)})
    stimuli.blend(0, np.zeros((4, 2)), T_MS[:3], DURATION_MS)
    assert stimuli.errors == {0: "ValueError: the numbers of blend hold 1, there are 1 stills"}


def test_words_that_are_not_in_one_tuple_are_refused_where_they_are_written() -> None:
    for wrong in (("a", "b"), ("a",)):
        with pytest.raises(TypeError, match=r'one tuple: Choice\(\("a", "b"\)\)'):
            Choice(*wrong)  # type: ignore[arg-type]


def test_a_word_that_is_taken_for_a_number_is_answered_with_where_it_is() -> None:
    class Letter(Stimulus):
        ranges: ClassVar = {"letter": Choice(("a", "b"))}

    letter = Letter({"letter": np.array(["a", "b"])})
    assert letter.texts("letter") == ["a", "b"]
    with pytest.raises(KeyError, match=r"self.texts\('letter'\) returns it"):
        letter["letter"]


def test_a_ball_far_deeper_than_its_amplitude_is_worked_out_at_each_sample(tmp_path: Path) -> None:
    """A recording in micrometres under an amplitude in mm needs no thousands of stills."""
    np.save(tmp_path / "deep.npy", np.array([0.0, 4.0e5, 1.0e6]))
    file, step_ms = np.array([str(tmp_path / "deep.npy")]), np.array([1.0])
    values = {"amplitude": 1e-6, "radius_mm": 2.0, "center_x": 0.0, "center_y": 0.0}
    columns = {name: np.array([value]) for name, value in values.items()}
    columns |= {"profile_file": file, "profile_step_ms": step_ms}
    ball = Recipe(Sphere, profile=Trace)(columns)
    blend = ball.blend(0, np.zeros((1, 2)), np.arange(3.0), 3.0)  # type: ignore[attr-defined]
    assert len(blend.stills) == 3
    assert np.allclose(blend.frames()[:, 0], [0.0, 0.4, 1.0])
