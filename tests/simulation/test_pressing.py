"""What afferents feel of a skin that deforms, from a configuration to spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sensoryforge as sf
from sensoryforge.config.reading import check, compose
from sensoryforge.core.types import Floats
from sensoryforge.design.experiment import Experiment
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.feeling import SHAPE_STEPS, Contacts
from sensoryforge.simulation.kernels import Drive
from sensoryforge.skin.mechanics import Elastic, Pins

SKIN = Elastic(youngs_modulus_mpa=0.05, poisson_ratio=0.4, wave_speed=8.0, glued=True)
DT_MS = 0.5
ELASTIC = (
    "pipeline.skin=elastic",
    "innervation@neurons.populations.sa.innervation=elastic",
    "innervation@neurons.populations.ra.innervation=elastic",
    "neurons.populations.ra.innervation.depth_mm=1.6",
    "neurons.populations.sa.gain=20000",
    "neurons.populations.ra.gain=100000",
    "neurons.sa_neurons=9",
    "neurons.ra_neurons=12",
    "pipeline.grid_size=16",
    "pipeline.spacing_mm=0.3",
    "pipeline.duration_ms=60",
)
TAP = (
    "stimuli.profile=trapezoid",
    "stimuli.profile.onset_ms=0",
    "stimuli.profile.ramp_ms=10",
    "stimuli.profile.hold_ms=20",
    "stimuli.profile.release_ms=10",
)
STIMULI: dict[str, tuple[str, ...]] = {
    "disc": ("stimuli=disc", *TAP),
    "gaussian": ("stimuli=gaussian", *TAP),
    "bar": ("stimuli=bar", *TAP),
    "edge": ("stimuli=edge", *TAP),
    "gabor": ("stimuli=gabor", *TAP),
    "dots": ("stimuli=dots", *TAP),
    "texture": ("stimuli=texture", *TAP),
    "braille": ("stimuli=braille", *TAP),
    "step": ("stimuli=step",),
    "ramp": ("stimuli=ramp", "stimuli.final=1"),
    "sphere": ("stimuli=sphere", *TAP),
    "scanned disc": ("stimuli=disc", "stimuli.motion=line"),
    "scanned grating": ("stimuli=grating", "stimuli.motion=line"),
    "scanned dots": ("stimuli=dots", "stimuli.motion=line"),
    "rolling ball": ("stimuli=sphere", "stimuli.motion=line"),
    "two probes": (
        "stimuli=composite",
        "stimuli.parts={a:{type:disc,center_x:-1,amplitude:1,diameter_mm:1},"
        "b:{type:disc,center_x:1,amplitude:1,diameter_mm:1,onset_ms:20}}",
    ),
}


def experiment(name: str, *more: str) -> Experiment:
    words = STIMULI[name]
    has_amplitude = name not in ("two probes", "ramp")
    amplitude = ("stimuli.amplitude=1",) if has_amplitude else ()
    return check(compose(*ELASTIC, *words, *amplitude, *more))


def drives(of: Experiment) -> dict[str, Drive]:
    """Return the drive of every population, as the kernels get it."""
    encoder = Encoder(of)
    design = of.design
    points = encoder._points(encoder.receptors)
    shaped = [encoder._shape_span(span, points) for span in design.locate(0, len(design))]
    rows = torch.arange(len(design))
    return dict(encoder._driving(points).drives(shaped, rows))


def felt(of: Experiment, name: str = "sa") -> tuple[Floats, Floats]:
    """Return drive and rate of the first stimulus, ``[T, N]``."""
    drive = drives(of)[name]
    samples = drive.samples
    static, rate = drive.between(0, samples)[0], drive.rate_between(0, samples)[0]
    return static.double().numpy(), rate.double().numpy()


# --- one rigid probe: closed form ---


def test_a_disc_is_one_rigid_probe() -> None:
    of = experiment("disc", "stimuli.diameter_mm=1", "stimuli.amplitude=0.8")
    course = np.interp(np.arange(120) * DT_MS, [0, 10, 30, 40], [0, 1, 1, 0])
    force = 0.8 * 2 * 0.5 * 0.05 / (1 - 0.4**2)
    for name, depth_mm in (("sa", 0.3), ("ra", 1.6)):
        xy = of.places(name).xy_mm
        distance = np.linalg.norm(xy, axis=1)
        static, rate = felt(of, name)
        per_newton, per_rate = SKIN.weights(distance, depth_mm, 0.5)
        assert np.allclose(static, force * course[:, None] * per_newton, rtol=1e-6, atol=1e-9)
        wanted = np.gradient(course, DT_MS)
        wanted[0], wanted[-1] = wanted[1], wanted[-2]
        late = np.rint(SKIN.delay_ms(distance, 0.5) / DT_MS).astype(int)
        for neuron, samples in enumerate(late):
            arrived = np.concatenate([np.zeros(samples), wanted])[:120]
            expected = force * per_rate[neuron] * arrived
            assert np.allclose(rate[:, neuron], expected, rtol=1e-6, atol=1e-9)


def test_a_wave_takes_its_time() -> None:
    """At 0.05 mm/ms the farthest afferents feel the tap some 30 ms later."""
    skin = "pipeline.skin={type:elastic,wave_speed:0.05}"
    of = experiment("disc", "stimuli.diameter_mm=1", skin)
    _, rate = felt(of)
    first = (rate != 0).argmax(axis=0)
    distance = np.linalg.norm(of.places("sa").xy_mm, axis=1)
    wanted = np.rint(np.maximum(distance - 0.5, 0) / 0.05 / DT_MS)
    assert first.tolist() == wanted.astype(int).tolist()
    assert first.max() > 40


def test_a_wave_arrives_whole_where_nothing_presses_any_more() -> None:
    """A ball beside the middle, pressed from 5 to 15 ms: each afferent feels all of it, later."""
    tap = ("stimuli.profile.onset_ms=5", "stimuli.profile.ramp_ms=2", "stimuli.profile.hold_ms=6")
    place = ("stimuli.center_x=0.6", "stimuli.amplitude=0.5", "stimuli.profile.release_ms=2")
    words = (*ELASTIC, *STIMULI["sphere"], *tap, *place)
    skin = "pipeline.skin={{type:elastic,wave_speed:{}}}"
    of = check(compose(*words, skin.format(0.2)))
    _, rate = felt(of)
    _, at_once = felt(check(compose(*words, skin.format("inf"))))
    distance = np.linalg.norm(of.places("sa").xy_mm - (0.6, 0), axis=1)
    late = np.rint(np.maximum(distance - 0.15, 0) / 0.2 / DT_MS).astype(int)
    assert late.max() > 25
    assert not at_once[40:].any()
    for neuron, samples in enumerate(late):
        assert (rate[samples:, neuron] == at_once[: 120 - samples, neuron]).all()
        assert not rate[:samples, neuron].any()


@pytest.mark.parametrize("stimulus", ["disc", "sphere"])
def test_a_wave_that_takes_for_ever_never_arrives(stimulus: str) -> None:
    of = experiment(stimulus, "pipeline.skin={type:elastic,wave_speed:1e-300}")
    _, rate = felt(of)
    is_far = np.linalg.norm(of.places("sa").xy_mm, axis=1) > 1.5
    assert is_far.any()
    assert not rate[:, is_far].any()


@pytest.mark.parametrize(
    "word",
    [
        "stimuli.center_x=1e300",
        "stimuli.diameter_mm=1e-300",
        "neurons.populations.ra.innervation.depth_mm=1e-200",
    ],
)
def test_a_probe_that_no_number_can_tell_is_reported_and_not_warned_of(word: str) -> None:
    of = experiment("disc", word)
    encoded = Encoder(of)([(0, 1)])
    assert list(encoded.errors) == [0]
    assert not encoded.arrays["sa_spikes"].any()


@pytest.mark.parametrize("glued", [True, False])
def test_a_probe_that_is_withdrawn_pulls_where_it_is_glued(tmp_path: Path, glued: bool) -> None:
    path = tmp_path / "sine.npy"
    course = np.sin(2 * np.pi * np.arange(200) / 40)
    np.save(path, course if glued else np.abs(course))
    skin = f"pipeline.skin={{type:elastic,glued:{str(glued).lower()}}}"
    trace = ("stimuli=disc", "stimuli.amplitude=1", "stimuli.profile=trace")
    words = (*ELASTIC, *trace, f"stimuli.profile.file={path}", skin)
    static, _ = felt(check(compose(*words)))
    assert (static.min() < 0) == glued


# --- shapes: a lattice of pins ---


def test_amplitude_scales_out_of_contact() -> None:
    of = experiment("gaussian", "stimuli.amplitude=[0.1,0.2,0.7]")
    drive = drives(of)["sa"]
    assert drive.space is not None
    one, two, seven = drive.space.double().numpy()
    assert np.allclose(2 * one, two, rtol=1e-6)
    assert np.allclose(7 * one, seven, rtol=1e-6)


def test_a_shape_is_solved_once_whatever_its_amplitude(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = []
    solve = Contacts._solve

    def count(self: Contacts, depths: Floats) -> Any:
        solved.append(depths)
        return solve(self, depths)

    monkeypatch.setattr(Contacts, "_solve", count)
    drives(experiment("bar", "stimuli.amplitude=[0.1,0.2,0.7]", "stimuli.orientation=[0,30]"))
    assert len(solved) == 2


def test_what_is_felt_of_a_shape_is_the_sum_over_its_pins() -> None:
    """By the oracle of the mechanics' tests: forces by SciPy, weights in the trigonometric form."""
    from skin.test_mechanics import oracle_forces, oracle_profile, oracle_stress

    of = experiment("gaussian", "stimuli.amplitude=0.6")
    xy = of.sheet.xy()
    depths = 0.6 * np.exp(-(xy**2).sum(axis=1) / (2 * 0.5**2))
    forces = oracle_forces(depths, xy, 0.15)
    distance = np.linalg.norm(of.places("sa").xy_mm[:, None] - xy[None], axis=-1)
    drive = drives(of)["sa"]
    assert drive.space is not None
    static, dynamic = drive.space[0].double().numpy()
    assert np.allclose(static, oracle_stress(distance, 0.3, 0.15) @ forces, rtol=1e-5)
    wanted = oracle_profile(distance, 0.15) / (2 * 0.15 * 0.3**2) @ forces
    assert np.allclose(dynamic, wanted, rtol=1e-5)


def test_two_probes_that_press_together_share_their_load() -> None:
    """Each sinks into the hollow of the other: less than the sum of two alone."""
    together, _ = felt(experiment("two probes"))
    left, _ = felt(experiment("two probes", "stimuli.parts.b.amplitude=0"))
    right, _ = felt(experiment("two probes", "stimuli.parts.a.amplitude=0"))
    last = -1
    alone = left[last] + right[last]
    assert (together[last] < alone - 1e-9).all()
    assert (together[last] > 0.5 * alone).all()
    # Until the second one starts they are the same.
    assert np.allclose(together[:40], left[:40], rtol=1e-6)


def test_a_ball_touches_more_skin_the_deeper_it_is() -> None:
    """Hertz 1882: the force grows with depth to the power of three halves."""
    words = ("stimuli.radius_mm=4", "pipeline.grid_size=48", "pipeline.spacing_mm=0.1")
    total = []
    for depth in (0.2, 0.4, 0.8):
        encoder = Encoder(experiment("sphere", *words, f"stimuli.amplitude={depth}"))
        xy = encoder.receptors
        rise = 4 - np.sqrt(16 - (xy**2).sum(axis=1))
        deepest, contact = encoder._contacts.of(depth - rise)
        total.append(deepest * contact.forces.sum())
        hertz = 4 / 3 * 0.05 / (1 - 0.4**2) * np.sqrt(4) * depth**1.5
        assert total[-1] == pytest.approx(hertz, rel=0.05)
    slope = np.diff(np.log(total)) / np.log(2)
    assert slope == pytest.approx([1.5, 1.5], abs=0.06)


def test_a_ball_between_two_depths_is_felt_as_worked_out_there() -> None:
    ramp = ("stimuli=sphere", "stimuli.profile=ramp")
    of = check(compose(*ELASTIC, *ramp))
    static, _ = felt(of)
    encoder = Encoder(of)
    course = np.arange(120) * DT_MS / 60
    for sample in (30, 61, 97, 119):
        xy = encoder.receptors
        rise = 2 - np.sqrt(np.maximum(4 - (xy**2).sum(axis=1), 0))
        depths = np.where((xy**2).sum(axis=1) < 4, course[sample] - rise, 0.0)
        deepest, contact = encoder._contacts.of(depths)
        wanted = encoder._sensing["sa"].feel(encoder._contacts.pins, contact)
        felt_there = deepest * wanted.static
        assert np.allclose(static[sample], felt_there, rtol=0.01, atol=1e-3 * static.max())


def test_a_shape_that_does_not_move_is_felt_as_one_at_rest() -> None:
    still, still_rate = felt(experiment("gaussian"))
    words = ("stimuli.motion=line", "stimuli.motion.speed_mm_s=0", "stimuli.motion.start_mm=0")
    moved, moved_rate = felt(experiment("gaussian", *words))
    assert np.allclose(moved, still, rtol=1e-5, atol=1e-9)
    assert np.allclose(moved_rate, still_rate, rtol=1e-4, atol=1e-8)


def test_rates_are_central_differences_of_what_is_dynamic() -> None:
    """A wave without delay, of a ball that is pressed in: sample by sample, by the contacts."""
    skin = "pipeline.skin={type:elastic,wave_speed:inf}"
    of = check(compose(*ELASTIC, skin, "stimuli=sphere", "stimuli.motion=line"))
    static, rate = felt(of)
    encoder = Encoder(of)
    frames = encoder._points(encoder.receptors).frames
    stimulus = encoder._shape_span(
        next(iter(of.design.locate(0, 1))), encoder._points(encoder.receptors)
    ).stimulus
    dynamic = []
    for depths in frames(stimulus)[0]:
        deepest, contact = encoder._contacts.of(depths)
        dynamic.append(
            deepest * encoder._sensing["sa"].feel(encoder._contacts.pins, contact).dynamic
        )
    wanted = np.gradient(np.stack(dynamic), DT_MS, axis=0)[1:-1]
    assert np.allclose(rate[1:-1], wanted, rtol=1e-5, atol=1e-7 * np.abs(wanted).max())
    assert (rate[0] == rate[1]).all()
    assert (static >= 0).all()


def test_shapes_are_rounded_less_than_any_spike_feels() -> None:
    pins = Pins(np.array([[0.0, 0.0], [1.0, 0.0]]), 0.5)
    contacts = Contacts(SKIN, pins)
    deepest, contact = contacts.of(np.array([0.3, 0.2]))
    wanted = SKIN.forces(np.array([0.3, 0.2]), pins)
    assert SHAPE_STEPS >= 2**40
    assert np.allclose(deepest * contact.forces, wanted, rtol=1e-9)


# --- the same bits ---


@pytest.mark.parametrize("name", STIMULI)
def test_spikes_have_the_same_bits_on_every_backend_and_in_any_chunk(name: str) -> None:
    axis = (
        "stimuli.repetitions=3" if name in ("two probes", "ramp") else "stimuli.amplitude=[1,2,3]"
    )
    of = experiment(name, axis)
    count = len(of.design)
    assert count == 3
    whole = Encoder(of, "torch")([(0, count)]).arrays
    numba = Encoder(of, "numba")([(0, count)]).arrays
    parts = Encoder(of, "numba")
    chunks = [parts([(index, index + 1)]).arrays for index in (2, 0, 1)]
    for key in ("sa_spikes", "ra_spikes"):
        assert torch.equal(whole[key], numba[key])
        for index, chunk in zip((2, 0, 1), chunks, strict=True):
            assert torch.equal(chunk[key][0], whole[key][index])
    assert whole["sa_spikes"].any()
    if name not in ("edge", "texture"):  # some of which press from the first sample
        assert whole["ra_spikes"].any()


def test_a_run_that_is_resumed_has_the_same_bits(tmp_path: Path) -> None:
    crossing = "stimuli.motion.speed_mm_s=100"
    words = (*ELASTIC, *STIMULI["scanned disc"], crossing, "batch=hdf5")
    first = ("stimuli.amplitude=[1]", f"batch.output_dir={tmp_path / 'parts'}")
    sf.run(sf.compose(*words, *first))
    grown = ("stimuli.amplitude=[1,2,3]", f"batch.output_dir={tmp_path / 'parts'}")
    resumed = sf.run(sf.compose(*words, *grown, "pipeline.chunk_size=1"))
    anew = sf.run(
        sf.compose(*words, "stimuli.amplitude=[1,2,3]", f"batch.output_dir={tmp_path / 'whole'}")
    )
    for key in ("sa", "ra"):
        assert np.array_equal(np.asarray(resumed.spikes(key)), np.asarray(anew.spikes(key)))


def test_the_dataset_says_the_unit_of_amplitudes(tmp_path: Path) -> None:
    import h5py

    words = (*ELASTIC, *STIMULI["disc"], "stimuli.amplitude=1", "batch=hdf5")
    results = sf.run(sf.compose(*words, f"batch.output_dir={tmp_path}"))
    with h5py.File(tmp_path / "results.h5") as file:
        assert file.attrs["amplitude_unit"] == "mm"
    from sensoryforge.analysis.units import amplitude_unit, unit

    assert unit(results, "amplitude") == "mm"
    assert amplitude_unit(results) == "mm"


def test_a_stimulus_that_is_not_finite_is_reported_and_the_others_are_not() -> None:
    of = experiment("gaussian", "stimuli.amplitude=[1,1e308]")
    encoded = Encoder(of)([(0, 2)])
    assert list(encoded.errors) == [1]
    assert encoded.arrays["sa_spikes"][0].any()


def test_a_class_of_ones_own_is_no_rigid_probe_since_a_disc_is() -> None:
    from sensoryforge.stimuli import Disc, Hold, Line, Recipe

    class Hollow(Disc):
        def press(self, x: Floats, y: Floats) -> Floats:
            return super().press(x, y) * (x * x + y * y > 0.1)

    assert Recipe(Disc).is_rigid
    assert Recipe(Disc, profile=Hold).is_rigid
    assert not Recipe(Disc, motion=Line).is_rigid
    assert not Recipe(Hollow).is_rigid


def test_a_batch_file_says_its_skin_by_name_or_as_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "press.yml"
    deep = "innervation: {type: elastic, depth_mm: 0.3}"
    populations = f"neurons: {{populations: {{sa: {{{deep}}}, ra: {{{deep}}}}}}}\n"
    path.write_text(f"pipeline: {{skin: elastic}}\n{populations}stimuli: {{type: disc}}\n")
    assert check(_load(path)).skin == SKIN
    path.write_text(
        f"pipeline: {{skin: {{type: elastic, glued: false}}}}\n{populations}stimuli: {{type: disc}}\n"
    )
    skin = check(_load(path)).skin
    assert skin is not None
    assert not skin.pulls


def _load(path: Path) -> Any:
    from sensoryforge.config.reading import load_batch_file

    return load_batch_file(path, [])


def test_pictures_say_indentation_and_draw_afferents_without_fields(tmp_path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from sensoryforge.analysis.plots import afferents, planned, skin

    words = (*ELASTIC, *STIMULI["sphere"], "stimuli.amplitude=1")
    of = check(compose(*words))
    figure = planned.stimulus(of)
    labels = {axis.get_ylabel() for part in figure.subfigs for axis in part.axes}
    labels |= {axis.get_ylabel() for axis in figure.axes}
    assert "indentation (mm)" in labels
    assert "drive (a.u.)" not in labels
    results = sf.run(sf.compose(*words, f"batch.output_dir={tmp_path}"))
    drawn = skin.sheet(results, 0, populations=["sa"])
    assert drawn.axes[0].get_title(loc="left") == "SA: 9 afferents"
    assert "highest indentation (mm)" in {axis.get_ylabel() for axis in drawn.axes}
    headline = afferents.rates_on_sheet(results, 0).get_suptitle()
    assert headline.endswith("; line: indentation at half of its highest")


def test_links_of_afferents_that_pool_nothing_are_refused_in_a_line(tmp_path: Path) -> None:
    from sensoryforge.analysis.skin_tables import links_table
    from sensoryforge.core.errors import ConfigError

    words = (*ELASTIC, *STIMULI["disc"], "stimuli.amplitude=1", f"batch.output_dir={tmp_path}")
    results = sf.run(sf.compose(*words))
    with pytest.raises(ConfigError, match="innervation: elastic pools no receptors"):
        links_table(results, "sa")


def test_recorded_frames_are_pressed_frame_by_frame(tmp_path: Path) -> None:
    """Halfway between two frames it is the mean of their contacts."""
    press = np.zeros((8, 9, 9))
    press[:, 3:6, 3:6] = np.arange(8)[:, None, None] / 10
    np.save(tmp_path / "press.npy", press)
    words = ("stimuli=frames", f"stimuli.file={tmp_path / 'press.npy'}", "stimuli.amplitude=1")
    static, rate = felt(check(compose(*ELASTIC, *words)))
    assert np.allclose(static[30], 0.5 * (static[20] + static[40]), rtol=1e-5)
    assert np.allclose(static[40], 2 * static[20], rtol=1e-5)
    assert rate[10:100].any()


def test_frames_are_asked_for_of_one_condition_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all conditions each time, a chunk would cost its size squared."""
    from sensoryforge.stimuli.composite import AddedParts

    asked = []
    frames = AddedParts.frames

    def count(self: AddedParts, *points: Any) -> Floats:
        asked.append(self.count)
        return frames(self, *points)

    monkeypatch.setattr(AddedParts, "frames", count)
    drives(experiment("two probes", "stimuli.parts.b.amplitude=[0.5,1,2]"))
    assert asked == [1, 1, 1]


def test_a_course_is_the_same_in_any_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    from sensoryforge.simulation import pressing

    whole = felt(experiment("two probes"))
    monkeypatch.setattr(pressing, "FRAME_BYTES", 7 * 8 * 256)  # seven samples at a time
    sliced = felt(experiment("two probes"))
    assert all((one == other).all() for one, other in zip(whole, sliced, strict=True))


def test_the_larger_of_two_shapes_is_pressed_at_each_sample() -> None:
    """A bar under a probe as deep adds nothing where the probe is."""
    larger = "stimuli.combine=larger"
    parts = "stimuli.parts={{a:{{type:disc,amplitude:1}},b:{{type:disc,amplitude:{}}}}}"
    one, _ = felt(check(compose(*ELASTIC, "stimuli=composite", larger, parts.format(1))))
    other, _ = felt(check(compose(*ELASTIC, "stimuli=composite", larger, parts.format(0.5))))
    assert np.allclose(one, other, rtol=1e-6)
    added, _ = felt(check(compose(*ELASTIC, "stimuli=composite", parts.format(1))))
    assert np.allclose(added, 2 * one, rtol=1e-5)
