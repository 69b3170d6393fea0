"""A factor from mm to drive: the same bits as amplitudes of that drive, on every backend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import pytest
import torch
from helpers.experiments import QUIET, SHEET, checked

import sensoryforge as sf
from sensoryforge.analysis.plots.planned import stimulus as draw_stimulus
from sensoryforge.analysis.units import amplitude_unit, axis_label, unit
from sensoryforge.config.reading import check
from sensoryforge.core.types import Floats
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.stimuli import DRIVE, Range, Stimulus

FACTORS = {"sa": 8.0, "ra": 32.0}
"""Powers of two: multiplying by them rounds nothing."""
WORDS = (*SHEET, *QUIET, "pipeline.duration_ms=60", "batch.save=[drive]")
MM = (0.5, 1.25, 3.0)
STIMULI: dict[str, tuple[str, ...]] = {
    "separable": ("stimuli=gaussian",),
    "pressed": ("stimuli=disc", "profile@stimuli.profile=trapezoid"),
    "vibrating": ("stimuli=disc", "profile@stimuli.profile=sine"),
    "moving": ("stimuli=bar", "motion@stimuli.motion=line"),
    "circling": ("stimuli=grating", "motion@stimuli.motion=circle"),
}
BACKENDS = ("torch", "numba")


def words_of_factors(factors: Mapping[str, float] = FACTORS) -> list[str]:
    return [f"neurons.populations.{name}.drive_per_mm={factors[name]:g}" for name in factors]


def encode(words: tuple[str, ...], amplitudes: list[float], backend: str) -> dict[str, Any]:
    of = checked(*words, f"stimuli.amplitude={amplitudes}".replace(" ", ""))
    return dict(Encoder(of, backend)([(0, len(of.design))]).arrays)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", STIMULI)
def test_mm_times_the_factor_are_drive_bit_for_bit(name: str, backend: str) -> None:
    words = (*WORDS, *STIMULI[name])
    in_mm = encode((*words, *words_of_factors()), list(MM), backend)
    for population, factor in FACTORS.items():
        in_drive = encode(words, [factor * depth for depth in MM], backend)
        for array in (f"{population}_spikes", f"{population}_drive"):
            assert torch.equal(in_mm[array], in_drive[array]), array
        assert in_mm[f"{population}_spikes"].any()


class Sliding(Stimulus):
    """An edge that moves over the sheet, sample by sample."""

    ranges: ClassVar[dict[str, Range]] = {"amplitude": DRIVE}
    separable = False

    def frames(self, xy: Floats, t_ms: Floats, duration_ms: float) -> Floats:
        inside = xy[None, None, :, 0] < 0.02 * t_ms[None, :, None]
        return np.where(inside, self["amplitude"][:, :, None], 0.0)


def test_what_is_pooled_sample_by_sample_is_multiplied_too() -> None:
    def encode_sliding(amplitudes: list[float], *words: str) -> dict[str, Any]:
        entry = {"_target_": f"{__name__}.Sliding", "type": "sliding", "repetitions": 1}
        config = {**sf.compose(*WORDS, *words), "stimuli": [{**entry, "amplitude": amplitudes}]}
        return dict(Encoder(check(config))([(0, len(amplitudes))]).arrays)

    in_mm = encode_sliding(list(MM), *words_of_factors())
    for population, factor in FACTORS.items():
        in_drive = encode_sliding([factor * depth for depth in MM])
        for array in (f"{population}_spikes", f"{population}_drive"):
            assert torch.equal(in_mm[array], in_drive[array]), array
        assert in_mm[f"{population}_drive"].any()


@pytest.mark.parametrize("name", STIMULI)
def test_the_factor_is_the_same_on_every_backend_and_in_any_chunk(name: str) -> None:
    words = (*WORDS, *STIMULI[name], *words_of_factors({"sa": 9.7, "ra": 31.3}))
    whole = encode(words, list(MM), "torch")
    other = encode(words, list(MM), "numba")
    of = checked(*words, "stimuli.amplitude=[0.5,1.25,3.0]")
    encoder = Encoder(of, "numba")
    for index in range(len(MM)):
        alone = encoder([(index, index + 1)]).arrays
        for array in whole:
            assert torch.equal(whole[array], other[array]), array
            assert torch.equal(whole[array][index], alone[array][0]), array


def test_noise_of_receptors_is_drive_and_not_scaled() -> None:
    noise = ("neurons.populations.sa.receptor_noise_std=3", "neurons.populations.sa.gain=40")
    words = (*WORDS, *noise, "stimuli=gaussian")
    silent = encode((*words, *words_of_factors()), [0.0], "torch")
    plain = encode(words, [0.0], "torch")
    assert torch.equal(silent["sa_drive"], plain["sa_drive"])
    assert silent["sa_drive"].any()


def test_a_population_without_the_key_is_what_it_was() -> None:
    # The folder is named: the usual one is named by the clock, and a second may pass in between.
    words = (*WORDS, "batch.output_dir=here")
    plain = checked(*words)
    null = checked(*words, "neurons.populations.sa.drive_per_mm=null")
    assert plain.config == null.config
    assert "drive_per_mm" not in str(plain.config)
    assert plain.populations["sa"].drive_per_mm is None
    assert plain.amplitude_unit == "a.u."


def test_ids_and_seeds_are_those_of_the_same_numbers() -> None:
    axis = "stimuli.amplitude=[0.5,1.25,3.0]"
    plain = checked(*WORDS, axis).design
    in_mm = checked(*WORDS, axis, *words_of_factors()).design
    assert plain.ids(0, 3) == in_mm.ids(0, 3)
    assert plain.seeds(0, 3) == in_mm.seeds(0, 3)
    # As they were before there was such a key.
    first = checked("stimuli.amplitude=[10,20]").design
    assert first.ids(0, 2) == ["89cb44ae1b63c5d1", "77b52a62bb8ee72b"]


def test_everything_says_that_amplitudes_are_mm(tmp_path: Path) -> None:
    words = (*WORDS, *words_of_factors(), "stimuli=disc", "stimuli.amplitude=[0.5,1]")
    of = sf.compose(*words, "batch=hdf5", f"batch.output_dir={tmp_path / 'mm'}")
    results = sf.run(of)
    assert results is not None
    with h5py.File(tmp_path / "mm" / "results.h5") as file:
        assert file.attrs["amplitude_unit"] == "mm"
    assert amplitude_unit(results) == "mm"
    assert unit(results, "amplitude") == "mm"
    assert axis_label(results, "amplitude") == "amplitude (mm)"
    figure = draw_stimulus(checked(*words))
    texts = [axis.get_ylabel() for axis in figure.get_axes()]
    assert "indentation (mm)" in texts, texts


def test_an_interrupted_run_says_it_too(tmp_path: Path) -> None:
    class Interrupted:
        def __init__(self, config: dict[str, Any]) -> None:
            self.metadata = {"config": config}

    in_mm: Any = Interrupted(checked(*WORDS, *words_of_factors()).config)
    in_drive: Any = Interrupted(checked(*WORDS).config)
    assert amplitude_unit(in_mm) == "mm"
    assert amplitude_unit(in_drive) == "a.u."


def test_a_run_that_is_resumed_has_the_same_bits(tmp_path: Path) -> None:
    words = (*WORDS, *words_of_factors({"sa": 9.7, "ra": 31.3}), "batch=hdf5")
    parts, whole = f"batch.output_dir={tmp_path / 'p'}", f"batch.output_dir={tmp_path / 'w'}"
    sf.run(sf.compose(*words, "stimuli.amplitude=[1]", parts))
    resumed = sf.run(sf.compose(*words, "stimuli.amplitude=[1,2]", parts))
    anew = sf.run(sf.compose(*words, "stimuli.amplitude=[1,2]", whole))
    assert resumed is not None
    assert anew is not None
    for name in FACTORS:
        assert np.array_equal(np.asarray(resumed.spikes(name)), np.asarray(anew.spikes(name)))
