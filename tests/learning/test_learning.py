"""The encoder learns: spikes keep their bits, smooth gradients are exact, parameters come back from their rates."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from helpers.experiments import checked as experiment
from pytorch_lightning import Trainer
from torch import Tensor, nn

import sensoryforge as sf
from sensoryforge.config import rules
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.equations.block import Block
from sensoryforge.learning import (
    DesignDataModule,
    LearningModule,
    RateTargets,
    Readout,
    binned_rates,
    learned_overrides,
    learned_values,
    make_trainable,
)
from sensoryforge.learning.objectives import average_repetitions, condition_numbers
from sensoryforge.simulation import silence
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.kernels import Afferents, Drive, kernel
from sensoryforge.simulation.kernels.noise import keys
from sensoryforge.simulation.kernels.surrogate import SURROGATES, Surrogate

pytestmark = pytest.mark.usefixtures("one_thread")
RUN = kernel("torch")
FILTER = "neurons.populations.sa.filter.parameters"
ONLY_SA = (
    "~neurons.populations.ra",
    "~neurons.ra_neurons",
    "pipeline.grid_size=12",
    "pipeline.substeps=1",
)
LIF = (
    *ONLY_SA,
    "neurons.sa_neurons=9",
    "model@neurons.populations.sa.model=lif",
    "pipeline.duration_ms=120",
)
PRESS = ("stimuli=step", "stimuli.step_time=10", "stimuli.hold_ms=60", "stimuli.sigma=0.6")


def numbers(block: Block) -> dict[str, float]:
    return {name: value for name, value in block.parameters.items() if isinstance(value, float)}


def afferents(
    model: str | None, surrogate: Surrogate | None = None, noise: float = 1.0
) -> Afferents:
    block, sa = sf.load_block(f"model/{model or 'lif'}"), sf.load_block("filter/sa")
    return Afferents(
        sa, block if model else None, numbers(sa), numbers(block), 20.0 * block.drive_scale, noise * block.drive_scale,
        0.5, 2, surrogate,
    )  # fmt: skip


def fit(module: LearningModule, e: Experiment, epochs: int) -> None:
    with silence():
        Trainer(
            max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        ).fit(module, DesignDataModule(e))  # fmt: skip


# --- forward: the same bits ---


@pytest.mark.parametrize("kind", SURROGATES)
@pytest.mark.parametrize("model", ["izhikevich", "lif", "adex"])
def test_a_surrogate_changes_no_bit(model: str, kind: str) -> None:
    drive = Drive(torch.arange(4) // 2, frames=torch.linspace(0, 60, 2 * 80 * 3).reshape(2, 80, 3))
    v = next(iter(sf.load_block(f"model/{model}").states))
    plain = RUN(afferents(model), drive, keys([1, 2, 3, 4], "sa"), (v,))
    soft = RUN(afferents(model, Surrogate(kind)), drive, keys([1, 2, 3, 4], "sa"), (v,))
    assert plain.spikes is not None
    assert soft.spikes is not None
    assert plain.spikes.any()
    assert torch.equal(soft.spikes, plain.spikes.float())
    assert torch.equal(soft.traces[v], plain.traces[v])


@pytest.mark.parametrize(
    "threshold",
    [
        "v >= 5 and w < 3",
        "v >= 5 or w > 2",
        "not (v < 5)",
        "v == 5 or 4 < v",
        "v > 5 and (w > 1 or v > 6)",
    ],
)
def test_a_threshold_of_several_conditions_keeps_its_bits(threshold: str) -> None:
    block = Block.from_config(
        "model",
        {
            "states": {"v": 0.0, "w": 0.0},
            "derivatives": {"v": "I", "w": "where(v > 3, 0.5, -0.25)"},
            "threshold": threshold,
            "reset": {"v": "where(w > 2, 0, 1)", "w": "w + 1"},
        },
        "test",
    )
    drive = Drive(
        torch.arange(2), frames=torch.linspace(0.1, 2, 200).reshape(2, 50, 2).requires_grad_()
    )
    plain = RUN(Afferents(None, block), drive, None, ("v", "w"))
    soft = RUN(
        Afferents(None, block, surrogate=Surrogate(width=2.0, time_ms=0.0)), drive, None, ("v", "w")
    )
    assert plain.spikes is not None
    assert soft.spikes is not None
    assert plain.spikes.any()
    assert torch.equal(soft.spikes, plain.spikes.float())
    assert all(torch.equal(soft.traces[n], plain.traces[n]) for n in ("v", "w"))
    (gradient,) = torch.autograd.grad(soft.spikes.sum(), drive.frames)  # type: ignore[arg-type]
    assert gradient.abs().sum() > 0


def test_the_surrogates_of_the_configuration_are_those_of_the_kernel() -> None:
    assert rules.SURROGATES == SURROGATES


@pytest.mark.parametrize("kind", SURROGATES)
def test_a_surrogate_has_the_area_of_a_step(kind: str) -> None:
    x = torch.linspace(-2e5, 2e5, 4_000_001, dtype=torch.float64)
    assert float(torch.trapezoid(Surrogate(kind, 2.0).slope(x), x)) == pytest.approx(1, abs=1e-3)


# --- backward ---


def differences(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the gradient of f at x by central differences."""
    steps = (1e-5 * x.abs().clamp_min(1.0))[:, None] * torch.eye(len(x), dtype=x.dtype)
    return torch.stack([(f(x + h) - f(x - h)) / (2 * h.sum()) for h in steps])


def smooth(names: list[str], model: str | None, x: Tensor) -> Tensor:
    """Return a number made of the filter's output, or of a potential below threshold, for some parameters."""
    base = afferents(model)
    filter_values = {**base.filter_values, **dict(zip(names[:4], x, strict=False))}
    model_values = {**base.model_values, **dict(zip(names[4:], x[4:], strict=True))}
    drive = torch.linspace(0.1, 1, 16, dtype=torch.float64).reshape(1, 8, 2)
    made = Afferents(base.filter, base.model, filter_values, model_values, 8.0, 0.0, 0.5, 3)
    trace = "filtered" if model is None else "v"
    out = RUN(made, Drive(torch.arange(1), frames=drive), None, (trace,))
    assert out.spikes is None or not out.spikes.any()
    return (
        out.traces[trace] * torch.linspace(-1, 2, 16, dtype=torch.float64).reshape(1, 8, 2)
    ).sum()


@pytest.mark.parametrize(
    ("model", "names"),
    [
        pytest.param(None, [], marks=pytest.mark.slow),
        pytest.param("izhikevich", ["a", "b"], marks=pytest.mark.slow),
        ("lif", ["tau_m", "R"]),
        pytest.param("adex", ["C", "tau_w", "a"], marks=pytest.mark.slow),
    ],
)
def test_smooth_gradients_are_those_of_finite_differences(
    model: str | None, names: list[str]
) -> None:
    known = afferents(model)
    wanted = ["tau_r", "tau_d", "k1", "k2", *names]
    start = [
        known.filter_values.get(n) if k < 4 else known.model_values[n] for k, n in enumerate(wanted)
    ]
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    f = partial(smooth, wanted, model)
    (gradient,) = torch.autograd.grad(f(x), x)
    with torch.no_grad():
        expected = differences(f, x.detach())
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("model", ["lif", "izhikevich"])
def test_a_spike_counts_gradient_is_about_that_of_finite_differences(model: str) -> None:
    block, sa = sf.load_block(f"model/{model}"), sf.load_block("filter/sa")
    space, time = torch.linspace(20, 60, 8)[None, None], torch.ones(1, 1, 200)

    def count(gain: Tensor, stimuli: int, surrogate: Surrogate | None) -> Tensor:
        made = Afferents(sa, block, numbers(sa), numbers(block), gain, 2.0, 0.5, 2, surrogate)
        rows = torch.zeros(stimuli, dtype=torch.long)
        out = RUN(made, Drive(rows, space=space, time=time), keys(list(range(stimuli)), "sa"))
        assert out.spikes is not None
        return out.spikes.float().sum(1).mean()

    with torch.no_grad():
        expected = (count(torch.tensor(8.4), 128, None) - count(torch.tensor(7.6), 128, None)) / 0.8
    gain = torch.tensor(8.0, requires_grad=True)
    count(gain, 8, Surrogate()).backward()  # type: ignore[no-untyped-call]
    assert gain.grad is not None
    assert 0.6 < float(gain.grad / expected) < 1.7


# --- learning ---


@pytest.mark.slow
def test_time_constants_and_gain_come_back_from_noisy_rates() -> None:
    more = (*LIF, *PRESS, "stimuli.amplitude=[20,40,60]")
    truth = experiment(*more, "stimuli.repetitions=28")
    with torch.no_grad():  # repetitions that the fit does not see: another noise
        spikes = Encoder(truth)([(c * 28 + 8, c * 28 + 28) for c in range(3)]).arrays["sa_spikes"]
    targets = average_repetitions(
        binned_rates(spikes, 0.5, 5.0), torch.arange(3).repeat_interleave(20), 3
    )
    wrong = (
        f"{FILTER}.tau_d=15",
        f"{FILTER}.tau_r=8",
        "neurons.populations.sa.gain=25",
        "stimuli.repetitions=8",
    )
    start = experiment(*more, *wrong)
    names = ["sa.gain", "sa.filter.tau_d", "sa.filter.tau_r"]
    module = LearningModule(
        start, names, RateTargets({"sa": targets}, start, 5.0), learning_rate=0.1
    )
    fit(module, start, epochs=60)
    found = learned_values(module.encoder)
    expected = {"sa.gain": 40.0, "sa.filter.tau_d": 30.0, "sa.filter.tau_r": 5.0}
    assert {name: found[name].item() for name in expected} == pytest.approx(expected, rel=0.05)


def accuracy(module: LearningModule, labels: Tensor) -> float:
    module.eval()
    with torch.no_grad():
        outputs = module.objective.outputs(module(((0, len(labels)),)).arrays)  # type: ignore[operator]
    return float((outputs.argmax(dim=1) == labels).float().mean())


def decoded(learning_rate: float) -> float:
    """Return how well amplitudes are told by a linear readout trained together with a gain that starts too low."""
    weak = ("neurons.populations.sa.gain=8", "pipeline.duration_ms=70", "stimuli.repetitions=10")
    e = experiment(*LIF, *weak, *PRESS, "stimuli.amplitude=[20,30,40,50]")
    labels = condition_numbers(e)
    torch.manual_seed(0)
    readout = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(9), nn.Linear(9, 4))
    objective = Readout(readout, labels, e, bin_ms=70.0)
    module = LearningModule(
        e, ["sa.gain"], objective, learning_rate=learning_rate, objective_rate=0.05
    )
    fit(module, e, epochs=40)
    return accuracy(module, labels)


@pytest.mark.slow
def test_a_trained_gain_makes_a_decoder_better() -> None:
    assert decoded(learning_rate=0.05) > decoded(learning_rate=0.0) + 0.15


def test_nothing_learned_or_no_training_gives_bool_spikes() -> None:
    encoder = Encoder(experiment(*LIF))
    plain = encoder([(0, 1)]).arrays["sa_spikes"]
    assert plain.dtype == torch.bool
    make_trainable(encoder, ["sa.gain", "sa.model.tau_m"], per_neuron=True)
    soft = encoder([(0, 1)]).arrays["sa_spikes"]
    assert soft.dtype == torch.float32
    assert soft.requires_grad
    assert torch.equal(soft.bool(), plain)
    encoder.eval()
    assert encoder([(0, 1)]).arrays["sa_spikes"].dtype == torch.bool


def test_learned_numbers_survive_a_checkpoint_and_become_overrides() -> None:
    encoder, other = Encoder(experiment(*LIF)), Encoder(experiment(*LIF))
    for one in (encoder, other):
        make_trainable(one, ["sa.gain", "sa.filter.tau_d"])
    for part in encoder.populations["sa"].learned.values():  # type: ignore[operator,union-attr]
        nn.init.constant_(part.change, -0.1)  # type: ignore[arg-type]
    other.load_state_dict(encoder.state_dict())
    assert learned_values(other) == learned_values(encoder)
    again = Encoder(experiment(*LIF, *learned_overrides(encoder)))
    with torch.no_grad():
        assert torch.equal(
            again([(0, 1)]).arrays["sa_spikes"], encoder([(0, 1)]).arrays["sa_spikes"]
        )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sa.filter.tau_q", "numbers of sa are gain, filter.tau_r, .*; did you mean 'filter.tau_"),
        ("saa.gain", "populations are sa; did you mean 'sa'"),
        ("sa", "numbers of sa are gain"),
    ],
)
def test_a_wrong_name_is_one_line(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make_trainable(Encoder(experiment(*LIF)), [name])
    assert len(caught.value.problems) == 1


def test_numba_has_no_gradients() -> None:
    with pytest.raises(ConfigError, match="backend numba has no gradients; use backend torch"):
        make_trainable(Encoder(experiment(*LIF), "numba"), ["sa.gain"])


def test_one_value_a_neuron_is_no_override() -> None:
    encoder = Encoder(experiment(*LIF))
    make_trainable(encoder, ["sa.gain"], per_neuron=True)
    assert learned_values(encoder)["sa.gain"].shape == (9,)
    with pytest.raises(ConfigError, match="differ from neuron to neuron"):
        learned_overrides(encoder)
