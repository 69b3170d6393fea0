"""Nothing is silent about silence: what nothing can feel is said before a run, spikes after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import sensoryforge as sf
from sensoryforge.commands.show import dataset_lines
from sensoryforge.config import check
from sensoryforge.core.types import Positions
from sensoryforge.running.execute import run_experiment
from sensoryforge.running.silence import foretell_silence
from sensoryforge.skin.innervation.base import Innervation, ReceptiveFields
from sensoryforge.skin.receptors import Receptors
from sensoryforge.stimuli import Gaussian
from sensoryforge.stimuli.recipe import Recipe

TINY = ("pipeline.duration_ms=60", "neurons.sa_neurons=20", "neurons.ra_neurons=20")


class Wandering(Gaussian):
    """Presses elsewhere than its centre says: what a Gaussian says of itself does not hold."""


def foretold(*overrides: str) -> list[str]:
    return foretell_silence(check(sf.compose(*overrides)))


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["stimuli.center_x=50"],
            "stimuli.center_x: got 50, off the sheet, whose x goes from -2.4 to 2.4 mm: no receptor feels it",
        ),
        (
            ["stimuli=step", "stimuli.center_y=[0,-9]", "stimuli.amplitude=[1,2]", "pipeline.grid_size=[64,32]"],
            "stimuli.center_y: got -9 in 2 of 4 conditions, off the sheet, whose y goes from -4.8 to 4.8 mm: no receptor feels it",
        ),
        (
            ["stimuli=ramp", "stimuli.sigma=[0.05,0.06,0.5]"],
            "stimuli.sigma: got 0.05 and others in 2 of 3 conditions, less than half the distance of receptors (0.15 mm): it falls between them",
        ),
        (
            ["stimuli.sigma=500"],
            "stimuli.sigma: got 500, so wide that the drive is the same all over the sheet of 4.8 x 4.8 mm",
        ),
        (
            ["stimuli=grating", "stimuli.wavelength=0.2"],
            "stimuli.wavelength: got 0.2, less than twice the distance of receptors (0.15 mm): it falls between them",
        ),
        (
            ["neurons.populations.sa.gain=0"],
            "neurons.populations.sa.gain: got 0, nothing of the drive reaches the model",
        ),
    ],
)  # fmt: skip
def test_what_nothing_can_feel_is_said_in_one_line(overrides: list[str], line: str) -> None:
    assert foretold(*overrides) == [line]


@pytest.mark.parametrize(
    "option", ["gaussian", "step", "ramp", "grating", "experiment=touch_dataset"]
)
def test_what_is_shipped_is_felt(option: str) -> None:
    assert foretold(option if "=" in option else f"stimuli={option}") == []


def test_a_footprint_that_reaches_over_the_edge_is_felt() -> None:
    assert foretold("stimuli.center_x=3", "stimuli.sigma=0.5") == []


def test_many_entries_of_a_type_are_one_line() -> None:
    config = sf.compose("stimuli.center_x=50")
    entry = dict(config.stimuli)
    config.stimuli = [{**entry, "amplitude": amplitude} for amplitude in range(1, 31)]
    (line,) = foretell_silence(check(config))
    assert line.startswith("stimuli.center_x: got 50 in 30 of 30 conditions, off the sheet")


def test_a_class_says_so_for_itself_and_not_for_its_subclasses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sensoryforge.running.silence.find_recipe", lambda *_: Recipe(Wandering))
    assert foretold("stimuli.center_x=50") == []


@dataclass(frozen=True)
class Deaf(Innervation):
    """Pools the first receptor with no weight."""

    def draw(self, receptors: Receptors, centres: Positions, seed: int) -> ReceptiveFields:
        first = np.zeros((len(centres), 1))
        return ReceptiveFields(first.astype(np.int64), first)


def test_a_population_that_pools_nothing_is_named() -> None:
    experiment = check(sf.compose())
    deaf = replace(experiment.populations["ra"], innervation=Deaf())
    experiment = replace(experiment, populations={**experiment.populations, "ra": deaf})
    assert foretell_silence(experiment) == [
        "neurons.populations.ra.innervation: every weight is 0, the receptive fields reach no receptor"
    ]


def test_what_is_off_the_sheet_has_no_spike_and_the_run_says_so_before_and_after(
    tmp_path: Path,
) -> None:
    says: list[str] = []
    experiment = check(sf.compose(*TINY, "stimuli.center_x=50", f"batch.output_dir={tmp_path}"))
    with pytest.warns(UserWarning, match="off the sheet") as told:
        run_experiment(experiment, progress=False, echo=says.append)
    assert [str(warning.message) for warning in told] == [
        "stimuli.center_x: got 50, off the sheet, whose x goes from -2.4 to 2.4 mm: no receptor feels it",
        "neurons.populations.sa: not one spike in any stimulus",
        "neurons.populations.ra: not one spike in any stimulus",
    ]
    assert says[-2:] == ["Spikes: sa 0, ra 0", f"✓ Results saved to {tmp_path / 'results.pt'}"]


@pytest.mark.parametrize("form", ["pytorch", "hdf5"])
def test_the_spikes_of_a_run_and_of_show_are_those_of_the_dataset(
    tmp_path: Path, form: str
) -> None:
    """Also where a run went on with what an earlier one left: the whole dataset is counted."""
    directory = [
        f"batch.output_dir={tmp_path}",
        f"batch.format={form}",
        "batch.checkpoint_frequency=2",
    ]
    says: list[str] = []
    for amplitudes in ("[20,40]", "[20,40,60]"):
        design = [f"stimuli.amplitude={amplitudes}", "stimuli.repetitions=2", "batch.resume=true"]
        experiment = check(sf.compose(*TINY, *directory, *design))
        results = run_experiment(experiment, progress=False, echo=says.append)
        assert results is not None
        spikes = {name: int(results.counts(name).sum()) for name in results.populations}
        assert min(spikes.values()) > 0
        line = f"sa {spikes['sa']}, ra {spikes['ra']}"
        assert says[-2] == f"Spikes: {line}"
        assert f"  spikes: {line}" in list(dataset_lines(results))
        assert results.total_spikes == spikes
