"""Stimuli are shaped and pooled on a GPU with the bits of the CPU; here tensors on the CPU stand in for it.

What torch rounds otherwise on a GPU is found by looking at each operation: only those that IEEE 754 fixes may be used,
and none may divide by a plain number, by whose inverse a GPU multiplies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from helpers.experiments import SMALL, assert_same
from helpers.experiments import checked as experiment
from helpers.touch import CASES, case
from test_stimuli import DURATION_MS, T_MS, XY
from torch.utils._python_dispatch import TorchDispatchMode

from sensoryforge.core.errors import SensoryForgeError
from sensoryforge.core.numerics import cos_turns, divide, exp, sin_turns, uniforms
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.population import MANY_ROWS
from sensoryforge.stimuli.base import PLACE, Range, Stimulus
from sensoryforge.stimuli.guarded import GuardedStimuli
from sensoryforge.stimuli.recipe import Recipe
from sensoryforge.stimuli.shapes import Gaussian

ROUNDED = {"add", "sub", "rsub", "mul", "div", "neg", "abs", "round", "floor", "clamp", "clip"}
LOGIC = {
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "where",
    "logical_and",
    "logical_or",
    "logical_not",
    "all",
    "any",
    "isnan",
    "max",
    "min",
    "amax",
    "amin",
    "maximum",
    "minimum",
    "searchsorted",
}
WHOLE = {
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_not",
    "__lshift__",
    "__rshift__",
    "nonzero",
    "_unique2",
}
MOVED = {
    "index",
    "cat",
    "clone",
    "expand",
    "slice",
    "select",
    "unsqueeze",
    "view",
    "alias",
    "copy",
    "stack",
    "unbind",
    "_to_copy",
    "_local_scalar_dense",
    "index_put",
    "permute",
    "t",
    "repeat",
    "_unsafe_view",
}
MADE = {
    "full_like",
    "ones_like",
    "zeros_like",
    "ones",
    "zeros",
    "fill",
    "lift_fresh",
    "detach",
    "empty",
    "new_empty",
    "arange",
    "scalar_tensor",
}
EXACT = ROUNDED | LOGIC | WHOLE | MOVED | MADE


class Watched(TorchDispatchMode):
    """Refuses operations whose bits might differ from one device to another."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__
        name = name if name.startswith("_") else name.rstrip("_")
        assert name in EXACT or (name == "sqrt" and args[0].dtype == torch.float64), func
        assert name != "div" or isinstance(args[1], torch.Tensor), (
            "a GPU multiplies by the inverse of a number"
        )
        return func(*args, **(kwargs or {}))


@contextmanager
def like_a_gpu() -> Iterator[None]:
    """Let no tensor become an array, and no operation be used that a GPU might round otherwise."""

    def refuse(*_: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    with pytest.MonkeyPatch.context() as patch, Watched():
        patch.setattr(torch.Tensor, "__array__", refuse)
        yield


def on_tensors(kind: Recipe | type[Stimulus], columns: Mapping[str, Any]) -> GuardedStimuli:
    recipe = kind if isinstance(kind, Recipe) else Recipe(kind)
    return GuardedStimuli(recipe, dict(columns), torch.from_numpy)


@pytest.mark.parametrize("name", CASES)
def test_every_stimulus_has_the_same_bits_as_tensors(name: str) -> None:
    shipped = case(name)
    columns = shipped.columns()
    arrays, tensors = GuardedStimuli(shipped.recipe, columns), on_tensors(shipped.recipe, columns)
    shapes: tuple[Any, ...] = ()
    with like_a_gpu():
        if tensors.separable:
            shapes = tensors.factors(XY, T_MS, DURATION_MS)
        frames: Any = tensors.frames(XY, T_MS, DURATION_MS)
    assert not tensors.errors
    assert isinstance(frames, torch.Tensor)
    factors = arrays.factors(XY, T_MS, DURATION_MS) if arrays.separable else ()
    wanted = (*factors, arrays.frames(XY, T_MS, DURATION_MS))
    for ours, theirs in zip((*shapes, frames), wanted, strict=True):
        assert np.array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("function", [exp, cos_turns, sin_turns, lambda x: divide(x, 0.3)])
def test_functions_of_tensors_have_the_bits_of_arrays(function: Any) -> None:
    x = (uniforms(0, "x", size=20000) - 0.5) * 2000
    given = torch.from_numpy(x)
    with like_a_gpu():
        ours = function(given)
    assert np.array_equal(ours.numpy(), function(x))


class Moving(Stimulus):
    """A ridge that moves, written for NumPy alone."""

    separable = False
    ranges: ClassVar[Mapping[str, Range]] = {"speed": PLACE}

    def frames(self, xy: Any, t_ms: Any, duration_ms: float) -> Any:
        assert isinstance(xy, np.ndarray)
        return 40 * np.hypot(xy[:, 0] - (self["speed"] * t_ms)[:, :, None], 0.5) ** -1.0


class Wider(Gaussian):
    """A subclass of one that takes tensors; it says nothing of itself."""

    def space(self, xy: Any) -> Any:
        assert isinstance(xy, np.ndarray)
        return 2 * super().space(xy)


def test_a_class_that_does_not_say_so_gets_arrays() -> None:
    columns = {
        "amplitude": np.ones(2),
        "sigma": np.ones(2),
        "center_x": np.zeros(2),
        "center_y": np.zeros(2),
    }
    for kind, given in ((Wider, columns), (Moving, {"speed": np.ones(2)})):
        guarded = on_tensors(kind, given)
        frames = guarded.frames(XY, T_MS[:9], DURATION_MS)
        assert isinstance(frames, np.ndarray)
        assert not guarded.errors


class Odd(Gaussian):
    """Arrays of odd kinds, of the same values as those of a Gaussian."""

    def space(self, xy: Any) -> Any:
        return super().space(xy)[:, :, ::-1].copy()[:, :, ::-1]

    def time(self, t_ms: Any, duration_ms: float) -> Any:
        return np.broadcast_to(np.float64(1.0), (self.count, 1, len(t_ms)))

    def frames(self, xy: Any, t_ms: Any, duration_ms: float) -> Any:
        return super().frames(xy, t_ms, duration_ms)[:, ::-1].copy()[:, ::-1]


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.filterwarnings("error")
def test_views_that_torch_does_not_take_are_arrays_like_others(
    on_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    e = experiment(*SMALL, *EVERY)
    whole = Encoder(e, "numba")([(0, 4)])
    monkeypatch.setattr("sensoryforge.simulation.shaping.find_recipe", lambda *_: Recipe(Odd))
    monkeypatch.setattr(Encoder, "on_gpu", on_gpu)
    ours = Encoder(e, "numba")([(0, 4)])
    assert ours.errors == {}
    assert_same(ours.arrays, whole.arrays)


@pytest.mark.parametrize(
    ("made", "said"), [(torch.complex64, "time returned torch.complex64, not numbers"), (None, "")]
)
def test_tensors_that_a_class_returns_are_looked_at(
    made: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Given(Gaussian):
        def time(self, t_ms: Any, duration_ms: float) -> Any:
            ones = torch.ones(self.count, 1, len(t_ms))
            return ones.to(made) if made else ones.requires_grad_()

    e = experiment(*SMALL, *EVERY[1:])
    monkeypatch.setattr("sensoryforge.simulation.shaping.find_recipe", lambda *_: Recipe(Given))
    errors = Encoder(e, "numba")([(0, 4)]).errors
    assert [said in message for message in errors.values()] == [True] * len(errors)
    assert bool(errors) == bool(said)


EVERY = (
    "batch.save=[drive,stimulus,voltage]",
    "stimuli.amplitude=[10,30]",
    "stimuli.repetitions=2",
)


@pytest.mark.parametrize("target", ["step", "grating", "moving"])
def test_an_encoder_that_shapes_on_its_device_has_the_same_bits(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, more = ("gaussian", ["stimuli.sigma=[0.3,0.8]"]) if target == "moving" else (target, [])
    if target == "moving":
        monkeypatch.setattr("sensoryforge.simulation.shaping.find_recipe", lambda *_: Recipe(Moved))
    e = experiment(*SMALL, "pipeline.duration_ms=60", f"stimuli={kind}", *EVERY, *more)
    whole = Encoder(e, "numba")([(0, 4)])
    monkeypatch.setattr(Encoder, "on_gpu", True)
    ours = Encoder(e, "numba")([(0, 3), (3, 4)])
    assert whole.arrays["sa_spikes"].any()
    assert_same(ours.arrays, whole.arrays)
    assert ours.errors == whole.errors == {}


class Moved(Moving):
    """A Gaussian's parameters, of which the place moves."""

    ranges = Gaussian.ranges

    def frames(self, xy: Any, t_ms: Any, duration_ms: float) -> Any:
        assert isinstance(xy, np.ndarray)
        away = np.abs(xy[:, 0] - (self["center_x"] + 0.02 * t_ms)[:, :, None])
        return self["amplitude"][:, :, None] / (1 + away / self["sigma"][:, :, None])


@pytest.mark.parametrize("rows", [3, MANY_ROWS, 70])
def test_pooling_uses_nothing_that_a_gpu_rounds_otherwise(rows: int) -> None:
    encoder = Encoder(experiment(*SMALL), "numba")
    pressure = uniforms(0, "pressure", size=rows * len(encoder.receptors)).reshape(rows, -1)
    for population in encoder.populations.values():
        given: Any = torch.from_numpy(pressure)
        with like_a_gpu():
            ours: Any = population.pool(given)
        assert np.array_equal(ours.numpy(), population.pool(pressure))


@pytest.mark.parametrize("model", ["adex", "izhikevich", "lif"])
def test_the_torch_backend_uses_nothing_that_a_gpu_rounds_otherwise(model: str) -> None:
    quick = ("pipeline.dt_ms=0.3", "pipeline.duration_ms=6", "stimuli.amplitude=[10,60]")
    e = experiment(*SMALL, *quick, f"model@neurons.populations.sa.model={model}")
    with Watched():
        arrays = Encoder(e, "torch")([(0, 2)]).arrays
    assert set(arrays) == {"sa_spikes", "ra_spikes"}


def test_a_division_by_a_plain_number_is_noticed() -> None:
    with Watched(), pytest.raises(AssertionError, match="inverse"):
        _ = torch.ones(2) / 3


def test_a_gpu_without_memory_for_shaping_is_no_fault_of_the_stimulus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    e = experiment(*SMALL, "stimuli.amplitude=[10,20,30,40]")
    whole = Encoder(e, "numba")([(0, 4)])
    made = Gaussian.space

    def space(self: Gaussian, xy: Any) -> Any:
        if self.count > most:
            raise torch.OutOfMemoryError("no")
        return made(self, xy)

    most = 2
    monkeypatch.setattr(Gaussian, "space", space)
    assert_same(Encoder(e, "numba")([(0, 4)]).arrays, whole.arrays)
    most = 0
    with pytest.raises(SensoryForgeError, match="stimulus 0: does not fit the memory"):
        Encoder(e, "numba")([(0, 4)])
