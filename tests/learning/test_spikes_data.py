"""Datasets for training: what is read is what was stored, from either format, in any process, split as promised."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.experiments import SHEET
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

import sensoryforge as sf
from sensoryforge.core.errors import ConfigError, DamagedError
from sensoryforge.learning import SpikeDataModule, SpikeDataset
from sensoryforge.learning.splits import split
from sensoryforge.learning.targets import read_target
from sensoryforge.simulation import silence

pytestmark = pytest.mark.usefixtures("one_thread")
AMPLITUDES, SIGMAS, REPETITIONS = [10, 20, 30], [0.3, 0.5, 0.7, 0.9], 3
COUNT = len(AMPLITUDES) * len(SIGMAS) * REPETITIONS
SMALL = (
    *SHEET, "pipeline.duration_ms=40",
    f"stimuli.amplitude={AMPLITUDES}", f"stimuli.sigma={SIGMAS}", f"stimuli.repetitions={REPETITIONS}",
)  # fmt: skip


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("datasets")
    for name in ("hdf5", "pytorch"):
        sf.run(sf.compose(*SMALL, f"batch={name}", f"batch.output_dir={root / name}"))
    return {name: root / name for name in ("hdf5", "pytorch")}


@pytest.fixture(scope="module")
def directory(datasets: dict[str, Path]) -> Path:
    return datasets["hdf5"]


@pytest.fixture(scope="module")
def touch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset of two types."""
    root = tmp_path_factory.mktemp("touch")
    stimuli = [
        {"type": "gaussian", "amplitude": [10, 20], "repetitions": 4},
        {"type": "step", "step_time": [5.0, 10.0], "repetitions": 8},
    ]
    sf.run(
        {
            **sf.compose(
                *SHEET, "pipeline.duration_ms=40", "batch=hdf5", f"batch.output_dir={root}"
            ),
            "stimuli": stimuli,
        }
    )
    return root


def whole(item: dict[str, Any]) -> Tensor:
    return torch.cat([item["sa_spikes"], item["ra_spikes"]], dim=1)


# --- reading ---


@pytest.mark.parametrize("name", ["hdf5", "pytorch"])
def test_an_item_is_what_was_stored(datasets: dict[str, Path], name: str) -> None:
    data, results = SpikeDataset(datasets[name], "amplitude"), sf.load(datasets[name])
    assert len(data) == COUNT
    assert data.shape == (80, 12)
    assert data.neurons == {"sa": slice(0, 5), "ra": slice(5, 12)}
    for index in (0, 17, COUNT - 1):
        spikes, target = data[index]
        assert spikes.dtype == torch.bool
        assert torch.equal(spikes, whole(results[index]))
        assert target.tolist() == [results[index]["parameters"]["amplitude"]]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["hdf5", "pytorch"])
def test_a_plain_loader_reads_everything_in_order(
    datasets: dict[str, Path], name: str, workers: int
) -> None:
    data, results = SpikeDataset(datasets[name], "sigma"), sf.load(datasets[name])
    _ = data[0]  # the file is open here when the workers are forked
    batches = list(DataLoader(data, batch_size=10, num_workers=workers))
    assert torch.equal(
        torch.cat([spikes for spikes, _ in batches]), torch.stack([whole(item) for item in results])
    )


@pytest.mark.slow
def test_a_spawned_worker_reads_too(directory: Path) -> None:
    data = SpikeDataset(directory, "sigma")
    _ = data[0]
    loader = DataLoader(data, batch_size=COUNT, num_workers=1, multiprocessing_context="spawn")
    ((spikes, _),) = list(loader)
    assert torch.equal(
        spikes, torch.stack([spikes for spikes, _ in data.__getitems__(range(COUNT))])
    )


def test_opening_reads_no_spikes_and_pickling_leaves_the_file(directory: Path) -> None:
    data = SpikeDataset(directory, "sigma")
    assert len(data.reader._shelf._open) == 0
    _ = data[0]
    assert len(data.reader._shelf._open) == 1
    copied = pickle.loads(pickle.dumps(data))
    assert len(copied.reader._shelf._open) == 0
    assert torch.equal(copied[3][0], data[3][0])


@pytest.mark.parametrize("name", ["hdf5", "pytorch"])
def test_an_interrupted_run_is_read_from_its_parts(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sensoryforge.store.writer import DatasetWriter

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DatasetWriter, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        sf.run(
            sf.compose(
                *SMALL,
                f"batch={name}",
                "batch.checkpoint_frequency=10",
                f"batch.output_dir={tmp_path}",
            )
        )
    data, results = SpikeDataset(tmp_path, "sigma"), sf.load(tmp_path)
    assert not results.complete
    assert len(data) == COUNT
    assert all(torch.equal(data[i][0], whole(results[i])) for i in (0, 11, COUNT - 1))


def test_a_damaged_file_is_one_line(directory: Path, tmp_path: Path) -> None:
    import h5py

    data = SpikeDataset(directory, "sigma")
    with h5py.File(directory / "results.h5", "r") as file:
        info = file["stimulus_0003/sa_spikes"].id.get_chunk_info(0)
    content = bytearray((directory / "results.h5").read_bytes())
    content[info.byte_offset + 2 : info.byte_offset + info.size] = bytes(info.size - 2)
    copied = tmp_path / "results.h5"
    copied.write_bytes(content)
    data.reader.paths = [copied]
    with pytest.raises(DamagedError, match=r"results\.h5: damaged"):
        _ = data[3]


def test_bins_count_and_the_last_holds_the_rest(directory: Path) -> None:
    plain, binned = SpikeDataset(directory, "sigma"), SpikeDataset(directory, "sigma", bin_ms=1.5)
    assert binned.shape == (27, 12)
    spikes, counts = plain[30][0], binned[30][0]
    assert counts.dtype == torch.uint8
    assert torch.equal(counts[4], spikes[12:15].sum(0))
    assert torch.equal(counts[26], spikes[78:80].sum(0))


def test_events_are_the_spikes(directory: Path) -> None:
    dense, data = SpikeDataset(directory, "sigma"), SpikeDataset(directory, "sigma", form="events")
    events, targets = next(iter(DataLoader(data, batch_size=4, collate_fn=data.collate)))
    again = torch.zeros(4, *dense.shape, dtype=torch.bool)
    again[tuple(events.T)] = True
    assert torch.equal(again, torch.stack([dense[i][0] for i in range(4)]))
    assert targets.shape == (4, 1)


def test_chosen_populations_come_in_the_order_asked_for(directory: Path) -> None:
    data, results = SpikeDataset(directory, "sigma", populations=["ra", "sa"]), sf.load(directory)
    assert data.neurons == {"ra": slice(0, 7), "sa": slice(7, 12)}
    assert torch.equal(
        data[5][0], torch.cat([results[5]["ra_spikes"], results[5]["sa_spikes"]], dim=1)
    )


# --- targets ---


def test_types_are_classes(touch: Path) -> None:
    data = SpikeDataset(touch)
    assert data.target.classes == ("gaussian", "step")
    assert data.targets.tolist() == [0] * 8 + [1] * 16


def test_numbers_may_be_classes_and_several_parameters_one_class(directory: Path) -> None:
    assert SpikeDataset(directory, "amplitude", task="classification").target.classes == (
        10,
        20,
        30,
    )
    both = SpikeDataset(directory, ["amplitude", "sigma"], task="classification").target
    assert both.classes is not None
    assert len(both.classes) == 12
    assert both.classes[1] == (10, 0.5)


def test_where_chooses_stimuli(touch: Path) -> None:
    assert len(SpikeDataset(touch, "step_time", where={"type": "step"})) == 16


def test_numbers_are_normalised_on_the_training_split(directory: Path) -> None:
    data = SpikeDataModule(directory, ["amplitude", "sigma"], split="stimulus")
    train = data.train.targets[data.train.rows]
    torch.testing.assert_close(train.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(train.std(0, correction=0), torch.ones(2))
    torch.testing.assert_close(data.natural(data.data.targets), data.target.values)


def test_class_weights_balance_the_training_split(touch: Path) -> None:
    data = SpikeDataModule(touch, split="stimulus")
    counts = torch.bincount(data.target.values[data.parts.train])
    assert data.class_weights is not None
    torch.testing.assert_close(data.class_weights * counts, torch.full((2,), len(data.train) / 2))
    assert SpikeDataModule(touch, "amplitude", split="stimulus").class_weights is None


# --- splits ---


def conditions(data: SpikeDataModule, part: SpikeDataset) -> set[tuple[float, float]]:
    rows = data.data.table.iloc[part.rows]
    return set(zip(rows["amplitude"], rows["sigma"], strict=True))


@pytest.mark.parametrize("split", ["condition", "stimulus", {"sigma": [0.5]}])
def test_the_parts_are_the_whole_and_none_is_twice(directory: Path, split: Any) -> None:
    data = SpikeDataModule(directory, "amplitude", split=split)
    places = np.concatenate([part.rows for part in (data.train, data.val, data.test)])
    assert sorted(places) == list(range(COUNT))


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("seed", range(5))
def test_no_repetition_of_a_training_condition_is_tested(
    directory: Path, task: str, seed: int
) -> None:
    data = SpikeDataModule(directory, "amplitude", task=task, seed=seed)
    parts = [conditions(data, part) for part in (data.train, data.val, data.test)]
    assert [len(part) for part in parts] == [8, 2, 2]
    assert not parts[0] & parts[1]
    assert not (parts[0] | parts[1]) & parts[2]
    assert {amplitude for amplitude, _ in parts[0]} == set(AMPLITUDES)


def test_held_out_values_are_the_test(directory: Path) -> None:
    data = SpikeDataModule(directory, "amplitude", split={"sigma": [0.5, 0.9]})
    assert {sigma for _, sigma in conditions(data, data.test)} == {0.5, 0.9}
    assert {sigma for part in (data.train, data.val) for _, sigma in conditions(data, part)} == {
        0.3,
        0.7,
    }


def test_a_split_is_that_of_its_seed(directory: Path) -> None:
    places = [
        SpikeDataModule(directory, "amplitude", seed=seed).test.rows.tolist() for seed in (3, 3, 4)
    ]
    assert places[0] == places[1] != places[2]


# --- mistakes ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "amplitud"}, r"target: got 'amplitud', allowed are type, amplitude.*; did you mean 'amplitude'\?"),
        ({"target": "center_x"}, r"target: center_x is 0\.0 in every stimulus"),
        ({"target": []}, "target: got none"),
        ({"task": "classify"}, "task: got 'classify', allowed are auto, classification, regression"),
        ({"populations": ["saa"]}, "populations: got 'saa', allowed are sa, ra; did you mean 'sa'"),
        ({"bin_ms": 0.7}, r"bin_ms: got 0\.7, allowed is a multiple of pipeline\.dt_ms 0\.5 \(ms\)"),
        ({"form": "event"}, "form: got 'event', allowed are dense, events; did you mean 'events'"),
        ({"split": "conditions"}, "split: got 'conditions', allowed are condition, stimulus.*did you mean 'condition'"),
        ({"split": {"sigm": [0.5]}}, "split.sigm: unknown parameter.*did you mean 'sigma'"),
        ({"split": {"sigma": [0.4]}}, r"split\.sigma: got 0\.4, allowed are 0\.3, 0\.5, 0\.7, 0\.9"),
        ({"fractions": [0.5, 0.2, 0.2]}, "fractions: got"),
        ({"batch_size": 0}, "batch_size: got 0, allowed is a whole number >= 1"),
        ({"num_workers": -1}, "num_workers: got -1"),
        ({"target": ["amplitude", "sigma"], "task": "classification"}, "amplitude, sigma = .* have a single condition each"),
        ({"split": {"amplitude": [10]}, "task": "classification"}, "keeps amplitude = 10 out of training"),
        ({"where": {"sigma": 7}}, "no stimulus meets|where"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(directory: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        SpikeDataModule(directory, **{"target": "amplitude", **options})
    assert len(caught.value.problems) == 1


def table_of(**columns: list[Any]) -> pd.DataFrame:
    """Return a table of conditions of six repetitions each, as a dataset has it."""
    conditions = pd.DataFrame({"type": "gaussian", **columns})
    return conditions.loc[conditions.index.repeat(6)].reset_index(drop=True)


def refusal(table: pd.DataFrame, target: str, task: str = "auto", how: Any = "condition") -> str:
    with pytest.raises(ConfigError) as caught:
        split(table, read_target(table, target, task), how, (0.6, 0.2, 0.2), seed=0)
    (line,) = caught.value.problems
    return line


def test_a_class_of_a_single_condition_is_named_as_such() -> None:
    types = table_of(type=["gaussian", "ramp", "step"])
    assert re.search(
        "keeps the repetitions of a condition together, but type = .* have a single condition each, "
        "which cannot be both trained on and tested; use split=stimulus$",
        refusal(types, "type"),
    )
    numbers = table_of(amplitude=[10, 20, 30, 30, 30, 30])
    assert refusal(numbers, "amplitude", "classification").endswith("or task=regression")


def test_too_few_conditions_to_split_are_counted() -> None:
    two = table_of(amplitude=[10, 20])
    assert "but there are 2 conditions to split in 3; use split=stimulus" in refusal(
        two, "amplitude"
    )
    assert "but there is 1 condition beside the values held out to split in 2" in refusal(
        two, "amplitude", how={"amplitude": [10]}
    )
    bare = two.drop_duplicates().reset_index(drop=True)
    assert "there are 2 stimuli to split in 3" in refusal(bare, "amplitude", how="stimulus")


def test_a_parameter_that_a_type_lacks_is_no_target(touch: Path) -> None:
    with pytest.raises(
        ConfigError, match="step_time is missing in stimuli of type gaussian; leave them out"
    ):
        SpikeDataset(touch, "step_time")


# --- with a Trainer ---


class Own(LightningModule):
    """A user's module, of which the data module knows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(80 * 12, 1))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the squared error."""
        spikes, target = batch
        assert spikes.dtype == torch.float32
        return ((self.net(spikes) - target) ** 2).mean()

    def configure_optimizers(self) -> Any:
        """Return plain gradient descent."""
        return torch.optim.SGD(self.parameters(), lr=0.01)


def test_a_plain_trainer_takes_it(datasets: dict[str, Path]) -> None:
    with silence():
        trainer = Trainer(
            max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(Own(), datamodule=SpikeDataModule(datasets["hdf5"], "amplitude", batch_size=8))
    assert trainer.global_step == 24 // 8
