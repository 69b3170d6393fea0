"""What a DataLoader hands to its workers can be pickled: spawn and forkserver read what fork reads."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import sensoryforge
import sensoryforge as sf
from sensoryforge.learning import SpikeDataset, collate

pytestmark = pytest.mark.usefixtures("one_thread")


class Items(Dataset[object]):
    """The items of a dataset, as a map-style dataset."""

    def __init__(self, directory: Path) -> None:
        self.results = sf.load(directory)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index: int) -> object:
        return self.results[index]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers") / "data"
    sf.run(
        sf.compose(
            "pipeline.grid_size=12", "pipeline.duration_ms=50", "neurons.sa_neurons=6",
            "neurons.ra_neurons=5", "stimuli.amplitude=[10,40]", f"batch.output_dir={folder}",
        )
    )  # fmt: skip
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("start", ["spawn", "forkserver"])
def test_workers_that_are_started_afresh_read_what_this_process_reads(
    directory: Path, start: str
) -> None:
    spikes = SpikeDataset(directory, target="amplitude", bin_ms=5)
    here = next(iter(DataLoader(spikes, batch_size=2, collate_fn=spikes.collate)))
    there = next(
        iter(
            DataLoader(
                spikes, batch_size=2, collate_fn=spikes.collate,
                num_workers=1, multiprocessing_context=start,
            )
        )
    )  # fmt: skip
    assert all(torch.equal(one, other) for one, other in zip(here, there, strict=True))
    loader = DataLoader(
        Items(directory), batch_size=2, collate_fn=collate,
        num_workers=1, multiprocessing_context=start,
    )  # fmt: skip
    batch = next(iter(loader))
    assert torch.equal(batch["sa_spikes"][:, 0].bool(), sf.load(directory)[0]["sa_spikes"])


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tonic") is None, reason="Tonic is not installed")
@pytest.mark.parametrize("start", ["spawn", "forkserver"])
def test_workers_that_are_started_afresh_read_a_tonic_dataset(directory: Path, start: str) -> None:
    import tonic

    from sensoryforge.analysis.exports.events import tonic_dataset

    frames = tonic.transforms.ToFrame(sensor_size=(6, 1, 1), n_time_bins=5)
    data = tonic_dataset(sf.load(directory), "sa", "amplitude", frames)
    events, amplitude = next(
        iter(DataLoader(data, batch_size=2, num_workers=1, multiprocessing_context=start))
    )
    assert amplitude.tolist() == [10, 40]
    assert torch.equal(events[1], torch.as_tensor(data[1][0]))


def test_no_class_that_a_worker_may_get_is_made_inside_a_function() -> None:
    root = Path(str(sensoryforge.__file__)).parent
    inner = []
    for folder in ("learning", "analysis", "store"):
        for path in (root / folder).rglob("*.py"):
            for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef):
                    classes = [
                        node for node in ast.walk(function) if isinstance(node, ast.ClassDef)
                    ]
                    inner += [f"{path.name}: {node.name}" for node in classes]
    assert inner == []
