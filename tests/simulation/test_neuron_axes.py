"""A dataset with axes of neurons is, stimulus by stimulus and bit by bit, the separate runs with those values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.experiments import QUIET, SHEET, checked

from sensoryforge.analysis.pipelines import find_differences
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.running.preflight import stiffness_lines
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.kernels import Afferents, Drive, kernel, unpack_spikes
from sensoryforge.simulation.kernels.forecast import kernel_texts
from sensoryforge.simulation.kernels.noise import keys

SA = "neurons.populations.sa"
RA = "neurons.populations.ra"
WORDS = (*SHEET, "pipeline.duration_ms=40", "batch.save=[drive,filtered,voltage]")
TAU, A = f"{SA}.filter.parameters.tau_d", f"{RA}.model.parameters.a"
AXES = {
    f"{SA}.filter.parameters.tau_d": (5, 30.5),
    f"{SA}.gain": (40, 90),
    f"{RA}.model.parameters.a": (0.02, 0.1),
    f"{RA}.noise_std": (0, 3),
}
STIMULI = {
    "separable": ("stimuli=step", "stimuli.step_time=5", "stimuli.amplitude=40"),
    "moving": ("stimuli=bar", "motion@stimuli.motion=line", "stimuli.amplitude=40"),
    "noisy receptors": ("stimuli=step", "stimuli.step_time=5", f"{SA}.receptor_noise_std=3"),
}
UNDER_SKIN = (
    "experiment=fingertip",
    "pipeline.grid_size=[24,16]",
    "pipeline.spacing_mm=1.05",
    "pipeline.duration_ms=60",
    "stimuli.probe.amplitude=[1]",
    "stimuli.probe.profile.onset_ms=4",
    "stimuli.probe.profile.ramp_ms=5",
    "stimuli.probe.profile.hold_ms=30",
    "~stimuli.ball",
    *(f"neurons.populations.{name}.density_per_cm2=null" for name in ("sa1", "ra1", "pc")),
    *(f"neurons.populations.{name}.count=12" for name in ("sa1", "ra1", "pc")),
)


def column(key: str) -> str:
    """Return the column of a key."""
    words = key.removeprefix("neurons.populations.").split(".")
    return "_".join(word for word in words if word != "parameters")


def lists(axes: dict[str, tuple[float, ...]]) -> list[str]:
    return [f"{key}=[{','.join(map(str, values))}]" for key, values in axes.items()]


def encode(experiment: Experiment, backend: str) -> dict[str, Any]:
    return dict(Encoder(experiment, backend)([(0, len(experiment.design))]).arrays)


def assert_is_separate_runs(
    words: tuple[str, ...], axes: dict[str, tuple[float, ...]], backend: str = "numba"
) -> None:
    """Run all values of axes in pairs at once, and each of them by itself."""
    whole = checked(*words, *lists(axes), "stimuli.sampling=paired")
    arrays = encode(whole, backend)
    table = whole.design.table()
    pairs = list(zip(*axes.values(), strict=True))
    for number, values in enumerate(pairs):
        alone = checked(*words, *(f"{key}={v}" for key, v in zip(axes, values, strict=True)))
        count = len(alone.design)
        rows = list(range(number * count, (number + 1) * count))
        assert [table[column(key)][rows[0]] for key in axes] == list(values)
        assert [table["seed"][row] for row in rows] == alone.design.table()["seed"]
        for name, expected in encode(alone, backend).items():
            assert torch.equal(arrays[name][rows], expected), (name, values)
    assert count * len(pairs) == len(whole.design)
    # Otherwise the comparison would say nothing.
    fired = [array for name, array in arrays.items() if name.endswith("_spikes")]
    assert all(array.any() for array in fired)


@pytest.mark.parametrize("integrator", ["euler", "exact"])
@pytest.mark.parametrize("backend", ["torch", "numba"])
def test_axes_of_neurons_are_separate_runs(backend: str, integrator: str) -> None:
    words = (*WORDS, *STIMULI["separable"], f"pipeline.integrator={integrator}")
    assert_is_separate_runs((*words, "stimuli.repetitions=2"), AXES, backend)


@pytest.mark.parametrize("stimulus", ["moving", "noisy receptors"])
def test_axes_of_neurons_are_separate_runs_whatever_presses(stimulus: str) -> None:
    axes = {TAU: (5.0, 30.0), A: (0.02, 0.1)}
    assert_is_separate_runs((*WORDS, *STIMULI[stimulus]), axes)


@pytest.mark.slow
def test_triton_has_the_bits_of_separate_runs() -> None:
    words = (*WORDS, *STIMULI["separable"], "pipeline.duration_ms=10", "stimuli.step_time=1")
    experiment = checked(*words, *lists(AXES))
    ours = encode(experiment, "triton")
    assert ours["ra_spikes"].any()
    for name, expected in encode(experiment, "torch").items():
        assert torch.equal(ours[name], expected), name


@pytest.mark.parametrize(
    "more",
    [(), ("pipeline.noise_seed=9",), ("pipeline.arrangement=jittered", "pipeline.jitter=0.3")],
)
def test_seeds_of_the_skin_are_separate_runs(more: tuple[str, ...]) -> None:
    words = (*WORDS, *STIMULI["separable"], f"{SA}.layout=random", *more)
    axes = {"pipeline.seed": (3, 1), f"{RA}.gain": (5.0, 12.0)}
    whole = checked(*words, *lists(axes))
    arrays = encode(whole, "torch")
    for row in (1, 2):
        values = whole.design.parameters(row)
        alone = checked(
            *words, f"pipeline.seed={values['pipeline_seed']}", f"{RA}.gain={values['ra_gain']}"
        )
        assert alone.design.seeds(0, 1) == whole.design.seeds(row, row + 1)
        for name, expected in encode(alone, "torch").items():
            assert torch.equal(arrays[name][row], expected[0]), (name, values)
    assert len(set(whole.design.ids(0, 4))) == 4


def test_a_noise_seed_of_its_own_gives_every_skin_the_same_noise() -> None:
    words = (*WORDS, "stimuli=gaussian", "pipeline.seed=[1,2]")
    assert len(set(checked(*words).design.seeds(0, 2))) == 2
    assert len(set(checked(*words, "pipeline.noise_seed=5").design.seeds(0, 2))) == 1


def test_rows_of_a_table_of_units_are_separate_runs() -> None:
    axis = {"neurons.populations.sa1.units.row": (0, 3)}
    whole = checked(*UNDER_SKIN, *lists(axis))
    arrays = encode(whole, "torch")
    table = whole.design.table()
    assert arrays["sa1_spikes"].any()
    for value in axis["neurons.populations.sa1.units.row"]:
        alone = checked(*UNDER_SKIN, f"neurons.populations.sa1.units.row={value}")
        rows = [row for row, is_row in enumerate(table["sa1_units_row"]) if is_row == value]
        for name, expected in encode(alone, "torch").items():
            assert torch.equal(arrays[name][rows], expected), (name, value)


def test_one_row_is_the_unit_of_all_neurons() -> None:
    alone = checked(*UNDER_SKIN, "neurons.populations.sa1.units.row=2")
    spec = alone.populations["sa1"]
    assert spec.units == (2,) * 12
    assert spec.filter.parameters["cutoff_hz"] == 87.7336


# --- kernels by themselves ---


def number(of_stimuli: bool, of_neurons: bool, low: float, high: float) -> Any:
    """Return a number, [N], [B,1] or [B,N]."""
    stimuli = 3 if of_stimuli else 1
    neurons = 5 if of_neurons else 1
    values = torch.linspace(low, high, stimuli * neurons, dtype=torch.float64)
    if not of_stimuli:
        return values if of_neurons else low
    return values.reshape(stimuli, neurons)


KINDS = ((True, False), (True, True), (False, True), (False, False))


@pytest.mark.parametrize(
    ("backend", "turn"),
    [
        ("numba", 0),
        *(pytest.param("numba", turn, marks=pytest.mark.slow) for turn in (1, 2, 3)),
        *(pytest.param("triton", turn, marks=pytest.mark.slow) for turn in range(4)),
    ],
)
def test_numbers_may_differ_between_stimuli_and_neurons(backend: str, turn: int) -> None:
    spec = checked(*SHEET).populations["sa"]
    tau, a, gain, noise = KINDS[turn:] + KINDS[:turn]
    afferents = Afferents(
        filter=spec.filter,
        model=spec.model,
        filter_values={**spec.filter.draw(5, 0, "filter"), "tau_d": number(*tau, 3.0, 30.0)},
        model_values={**spec.model.draw(5, 0, "model"), "a": number(*a, 0.02, 0.1)},
        gain=number(*gain, 20.0, 60.0),
        noise_std=number(*noise, 0.5, 3.0),
        dt_ms=0.5,
        substeps=2,
    )
    rows = torch.tensor([1, 0, 1])
    time = torch.ones(2, 1, 12)
    drive = Drive(rows, space=torch.full((2, 1, 5), 3.0), time=time)
    noise_keys = keys([4, 5, 6], "sa")
    ours = kernel(backend)(afferents, drive, noise_keys, ("filtered", "v"))
    theirs = kernel("torch")(afferents, drive, noise_keys, ("filtered", "v"))
    assert torch.equal(unpack_spikes(ours.spikes, 12), theirs.spikes)
    for name, trace in theirs.traces.items():
        assert torch.equal(ours.traces[name], trace), name
    # A stimulus by itself has the same bits: no stimulus changes what another gets.
    first = Afferents(
        **{
            **vars(afferents),
            "filter_values": one_stimulus(afferents.filter_values, 1),
            "model_values": one_stimulus(afferents.model_values, 1),
            "gain": of_stimulus(afferents.gain, 1),
            "noise_std": of_stimulus(afferents.noise_std, 1),
        }
    )
    alone = kernel("torch")(
        first, Drive(rows[1:2], drive.space, time), noise_keys[1:2], ("filtered", "v")
    )
    for name, trace in alone.traces.items():
        assert torch.equal(trace[0], theirs.traces[name][1]), name


def of_stimulus(value: Any, stimulus: int) -> Any:
    """Return a number of one stimulus, as all stimuli share it."""
    if not isinstance(value, torch.Tensor) or value.ndim < 2:
        return value
    own = value[stimulus]
    return float(own) if len(own) == 1 else own


def one_stimulus(values: Any, stimulus: int) -> dict[str, Any]:
    return {name: of_stimulus(value, stimulus) for name, value in values.items()}


@pytest.mark.parametrize("stimulus", STIMULI)
def test_the_kernels_that_a_run_loads_are_those_that_were_foretold(
    monkeypatch: pytest.MonkeyPatch, stimulus: str
) -> None:
    from sensoryforge.simulation.kernels import numba_kernel

    experiment = checked(*WORDS, *STIMULI[stimulus], *lists(AXES))
    loaded: set[str] = set()
    load = numba_kernel.load

    def note(text: str) -> Any:
        loaded.add(text)
        return load(text)

    monkeypatch.setattr(numba_kernel, "load", note)
    encode(experiment, "numba")
    assert loaded <= kernel_texts(experiment)


# --- what a condition is ---


def test_noise_does_not_depend_on_numbers_of_neurons_and_ids_do() -> None:
    design = checked(*WORDS, "stimuli=gaussian", f"{TAU}=[5,30]").design
    assert len(set(design.ids(0, 2))) == 2
    assert len(set(design.seeds(0, 2))) == 1


def test_an_axis_of_one_value_is_part_of_what_a_stimulus_is_and_a_number_is_not() -> None:
    plain = checked(*WORDS, "stimuli=gaussian").design
    number = checked(*WORDS, "stimuli=gaussian", f"{TAU}=12").design
    listed = checked(*WORDS, "stimuli=gaussian", f"{TAU}=[12]").design
    assert number.ids(0, 1) == plain.ids(0, 1)
    assert listed.ids(0, 1) != plain.ids(0, 1)
    grown = checked(*WORDS, "stimuli=gaussian", f"{TAU}=[12,13]").design
    assert grown.ids(0, 1) == listed.ids(0, 1)


def test_the_stimulus_is_shaped_once_for_all_numbers_of_neurons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sensoryforge.simulation import shaping

    shaped: list[int] = []
    make = shaping.GuardedStimuli

    def count(recipe: Any, of_conditions: Any, to_device: Any) -> Any:
        shaped.append(len(of_conditions["amplitude"]))
        return make(recipe, of_conditions, to_device)

    monkeypatch.setattr(shaping, "GuardedStimuli", count)
    words = (*WORDS, "stimuli=gaussian", "stimuli.amplitude=[10,20]", f"{TAU}=[1,2,3]")
    encode(checked(*words), "torch")
    assert shaped == [2]


def test_entries_have_the_same_axes_of_neurons() -> None:
    design = checked(
        *WORDS, "~stimuli", "+stimuli@stimuli.a=gaussian", "+stimuli@stimuli.b=ramp",
        f"{TAU}=[5,30]",
    ).design  # fmt: skip
    assert [family.of_neurons for family in design.families] == [("sa_filter_tau_d",)] * 2
    assert design.table()["sa_filter_tau_d"] == [5, 30, 5, 30]


def test_a_linspace_is_an_axis() -> None:
    design = checked(*WORDS, "stimuli=gaussian", f"{TAU}=linspace(5,30,6)").design
    assert design.table()["sa_filter_tau_d"] == [5, 10, 15, 20, 25, 30]


def test_axes_of_neurons_are_drawn_jointly_with_those_of_stimuli() -> None:
    words = (
        *WORDS,
        "stimuli=gaussian",
        "stimuli.amplitude={low: 5, high: 50}",
        f"{SA}.gain={{low: 10, high: 80, scale: log, per: condition}}",
        "stimuli.sampling=sobol",
        "stimuli.samples=16",
    )
    table = checked(*words).design.table()
    gains, amplitudes = np.array(table["sa_gain"]), np.array(table["amplitude"])
    assert len(set(gains)) == 16
    assert 10 <= gains.min() < gains.max() <= 80
    # One point in each stratum of either, as Sobol's points have it.
    assert sorted(np.floor(16 * np.log(gains / 10) / np.log(8)).tolist()) == list(range(16))
    assert sorted(np.floor(16 * (amplitudes - 5) / 45).tolist()) == list(range(16))
    more = checked(*words, "stimuli.samples=32").design
    assert more.ids(0, 16) == checked(*words).design.ids(0, 16)


def test_axes_of_neurons_are_paired_with_those_of_stimuli_and_meet_conditions() -> None:
    words = (*WORDS, "stimuli=gaussian", "stimuli.amplitude=[10,20,30]", f"{SA}.gain=[1,2,3]")
    paired = checked(*words, "stimuli.sampling=paired").design.table()
    assert list(zip(paired["amplitude"], paired["sa_gain"], strict=True)) == [
        (10, 1), (20, 2), (30, 3)
    ]  # fmt: skip
    kept = checked(*words, "stimuli.where='amplitude > 10*sa_gain'").design.table()
    assert list(zip(kept["amplitude"], kept["sa_gain"], strict=True)) == [
        (20, 1), (30, 1), (30, 2)
    ]  # fmt: skip


def test_a_distribution_over_neurons_is_none_over_conditions() -> None:
    experiment = checked(*WORDS, "stimuli=gaussian", f"{TAU}={{low: 10, high: 80}}")
    assert experiment.neuron_axes == ()
    assert len(experiment.design) == 1


def test_the_configuration_makes_the_same_design_again() -> None:
    from sensoryforge.config.reading import check

    experiment = checked(
        *WORDS, "stimuli=gaussian", f"{TAU}=[5,30]", "pipeline.seed=[1,2]",
        f"{SA}.gain={{mean: 30, std: 2, per: condition}}",
        "stimuli.sampling=random", "stimuli.samples=9",
    )  # fmt: skip
    again = check(experiment.config)
    assert again.design.ids(0, 9) == experiment.design.ids(0, 9)
    assert again.design.table() == experiment.design.table()


def test_values_of_an_axis_may_grow_and_other_numbers_may_not() -> None:
    def differing(old: str, new: str) -> list[str]:
        of_old, of_new = (
            checked(*WORDS, "stimuli=gaussian", f"{TAU}={value}").config for value in (old, new)
        )
        return [difference.key for difference in find_differences(of_old, of_new)]

    assert differing("[5,30]", "[5,30,80]") == []
    assert differing("5", "30") == [TAU]
    assert differing("5", "[5,30]") == [TAU]


def test_the_warning_of_stiff_equations_looks_at_the_ends_of_an_axis() -> None:
    assert stiffness_lines(checked(*WORDS, "stimuli=gaussian", f"{TAU}=[30,80]")) == []
    (line,) = stiffness_lines(checked(*WORDS, "stimuli=gaussian", f"{TAU}=[30,0.01,80]"))
    assert line.startswith(f"{SA}.filter: ")
    assert line.endswith("(where tau_d is 0.01)")


def table_of_units(tmp_path: Path) -> dict[str, Any]:
    """Return a section of neurons whose second unit is stiff, its first deaf."""
    table = tmp_path / "units.csv"
    table.write_text("gain,filter.tau_d\n0,30\n40,0.01\n")
    return {"populations": {"sa": {"units": {"file": str(table), "row": [0, 1]}}}}


def test_every_row_of_a_table_is_looked_at_before_a_run(tmp_path: Path) -> None:
    from sensoryforge.config.reading import check
    from sensoryforge.running.silence import foretell_silence

    experiment = check({"neurons": table_of_units(tmp_path), "stimuli": [{"type": "gaussian"}]})
    (line,) = stiffness_lines(experiment)
    assert line.endswith("(where tau_d is 0.01)")
    assert not [line for line in foretell_silence(experiment) if "gain" in line]


def test_what_a_row_of_units_says_cannot_be_learned(tmp_path: Path) -> None:
    from sensoryforge.config.reading import check

    experiment = check({"neurons": table_of_units(tmp_path), "stimuli": [{"type": "gaussian"}]})
    with pytest.raises(ConfigError, match=r"learn: got sa\.gain, which is an axis"):
        Encoder(experiment).populations["sa"].learn("gain")


def test_what_is_an_axis_cannot_be_learned() -> None:
    population = Encoder(checked(*WORDS, *QUIET, f"{TAU}=[5,30]")).populations["sa"]
    with pytest.raises(ConfigError, match=r"learn: got sa\.filter\.tau_d, which is an axis"):
        population.learn("filter.tau_d")
    population.learn("filter.tau_r")


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Keep torch to one thread."""
