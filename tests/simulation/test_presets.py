"""The shipped populations under a step that is held: what each is for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import sensoryforge as sf
from sensoryforge.config.kinds import option_names
from sensoryforge.config.reading import check
from sensoryforge.simulation.encoder import Encoder

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

Array = npt.NDArray[Any]
DOCS = Path(__file__).parents[2] / "docs"
DT_MS = 0.5
REPETITIONS = 24
STEP = (
    "pipeline.device=cpu",
    "stimuli=step",
    "stimuli.step_time=50",
    "stimuli.hold_ms=150",
    "stimuli.amplitude=[10,30]",
    f"stimuli.repetitions={REPETITIONS}",
)
BEFORE, ONSET, HOLD, OFFSET = (
    slice(*ends) for ends in ((100,), (100, 200), (200, 400), (400, 500))
)


@cache
def spikes(*overrides: str) -> dict[str, Array]:
    """Return the spikes of each population, [amplitude, repetition, sample, neuron]."""
    experiment = check(sf.compose(*STEP, *overrides))
    arrays = Encoder(experiment, "torch")([(0, 2 * REPETITIONS)]).arrays
    trains = {}
    for name in experiment.populations:
        raster = arrays[f"{name}_spikes"].numpy()
        trains[name] = raster.reshape(2, REPETITIONS, *raster.shape[1:])
    return trains


def intervals(trains: Array) -> Array:
    """Return all intervals between the spikes of a neuron, in ms."""
    found = []
    for train in np.moveaxis(trains, -2, -1).reshape(-1, trains.shape[-2]):
        found.append(np.diff(np.flatnonzero(train)) * DT_MS)
    return np.concatenate(found)


def mean_fano_factor(trains: Array) -> float:
    """Return the variance over the mean of spike counts, over repetitions, of neurons that fire."""
    counts = trains.sum(axis=1)
    means = counts.mean(axis=0)
    fires = means > 1
    factors = counts.var(axis=0, ddof=1)[fires] / means[fires]
    return float(factors.mean())


def most(trains: Array, window: slice) -> float:
    """Return the mean count in a window of the neuron that fires most in it."""
    return float(trains[:, window].sum(axis=1).mean(axis=0).max())


REFRACTORY = "neurons=sa_ra_refractory"


@pytest.mark.parametrize("name", ["sa", "ra"])
def test_the_refractory_pair_is_refractory_and_variable_and_the_plain_one_is_neither(
    name: str,
) -> None:
    plain, refractory = spikes()[name][1], spikes(REFRACTORY)[name][1]
    assert intervals(plain).min() < 2
    assert intervals(refractory).min() >= 2
    assert mean_fano_factor(plain) < 0.15
    assert 0.15 < mean_fano_factor(refractory) < 0.6


@pytest.mark.parametrize("name", ["sa", "ra"])
def test_the_refractory_pair_is_all_but_silent_at_rest(name: str) -> None:
    rest = spikes(REFRACTORY)[name][:, :, BEFORE].mean() * 1000 / DT_MS
    assert rest < 0.5


def test_the_refractory_pair_adapts_as_its_names_say() -> None:
    strong = spikes(REFRACTORY)
    assert most(strong["sa"][1], HOLD) > 8
    assert most(strong["ra"][1], ONSET) > 1.5
    assert most(strong["ra"][1], OFFSET) > 1.5
    assert most(strong["ra"][1], HOLD) < 0.5


@pytest.mark.parametrize("name", ["sa", "ra"])
def test_more_afferents_of_the_refractory_pair_fire_at_a_stronger_step(name: str) -> None:
    trains = spikes(REFRACTORY)[name]
    weak, strong = ((train.sum(axis=1).mean(axis=0) > 0.5).sum() for train in trains)
    assert weak < strong


# --- SA2 ---

SA2 = "+population@neurons.populations.sa2=sa2"


def test_sa2_pools_wider_than_sa() -> None:
    experiment = check(sf.compose(SA2))
    radii = {}
    for name in ("sa", "sa2"):
        places = experiment.places(name)
        receptors = experiment.sheet.xy()[places.fields.indices]
        away = np.linalg.norm(receptors - places.xy_mm[:, None], axis=-1)
        radii[name] = np.median(away)
    assert radii["sa2"] > 2 * radii["sa"]


def test_sa2_is_slower_than_sa() -> None:
    peaks = {}
    for name in ("sa", "sa2"):
        block = sf.load_block(f"filter/{name}")
        output = sf.simulate(block, torch.ones(1, 4000, 1), 0.1)["output"]
        peaks[name] = output.argmax().item() * 0.1
    assert peaks["sa2"] > 2 * peaks["sa"]


def test_sa2_fires_regularly_through_the_hold() -> None:
    trains = spikes(SA2)["sa2"][1]
    assert most(trains, HOLD) >= 3
    assert mean_fano_factor(trains) < 0.2
    assert most(trains, ONSET) < most(spikes()["sa"][1], ONSET) / 2


# --- names ---


FITTED = ("sa1", "ra1", "pc")
"""Populations that feel a skin which deforms; they do not mix with those that pool receptors."""
UNDER_A_SKIN = (
    "pipeline.skin=elastic",
    "pipeline.dt_ms=0.2",
    "~neurons.populations.sa",
    "~neurons.populations.ra",
)


@pytest.mark.parametrize("name", option_names("population"))
def test_every_preset_can_be_added_beside_the_others(name: str) -> None:
    added = f"+population@neurons.populations.one_more={name}"
    if name in FITTED:
        experiment = check(sf.compose(*UNDER_A_SKIN, added))
        assert list(experiment.populations) == ["one_more"]
        return
    experiment = check(sf.compose(added))
    assert list(experiment.populations) == ["sa", "ra", "one_more"]


def test_no_page_calls_what_filters_like_ra_pacinian() -> None:
    """A sentence on RA and Pacinian afferents says that the one is not the other."""
    for page in DOCS.glob("*.md"):
        for sentence in re.split(r"(?<=[.:;])\s", page.read_text(encoding="utf-8")):
            is_on_both = re.search(r"\bra", sentence, re.I) and "pacinian" in sentence.lower()
            says_no = re.search(r"\b(not|no|none|nor)\b", sentence, re.I)
            assert says_no or not is_on_both, (page.name, sentence)
