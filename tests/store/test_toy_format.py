"""An output format from outside: one class, one YAML, and the command line that users type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import warm

import sensoryforge as sf
from sensoryforge.config.reading import check
from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.store.formats import Hdf5, Pytorch, locate_format

pytestmark = pytest.mark.slow  # each begins with the datasets that `made` makes
TOY = '''
"""Results as NumPy keeps them."""

import json
import os
import signal

import numpy as np
import torch

from sensoryforge.store.formats import FileReader, Format


class ToyReader(FileReader):
    def __init__(self, path):
        with np.load(path) as file:
            self._arrays = {name: file[name] for name in file.files}
        self._says = json.loads(str(self._arrays.pop("says")))

    @property
    def entries(self):
        return self._says["entries"]

    @property
    def shapes(self):
        return {name: array.shape[1:] for name, array in self._arrays.items()}

    @property
    def metadata(self):
        says = self._says["metadata"]
        return {name: torch.tensor(v) if name in self._says["tensors"] else v for name, v in says.items()}

    def array(self, row, name):
        return torch.from_numpy(self._arrays[name][row].copy())


class Toy(Format):
    name = "toy"
    suffix = "npz"
    parts = 0

    def reader(self, path):
        return ToyReader(path)

    def write(self, sink, entries, arrays, metadata=()):
        metadata = dict(metadata)
        tensors = [name for name, value in metadata.items() if isinstance(value, torch.Tensor)]
        for name in tensors:
            metadata[name] = metadata[name].tolist()
        says = json.dumps({"entries": list(entries), "metadata": metadata, "tensors": tensors})
        with open(sink.path, "wb") as file:
            np.savez(file, says=says, **{name: array.numpy() for name, array in arrays.items()})
        Toy.parts += 1
        if str(Toy.parts) == os.environ.get("STOP_AT_PART"):
            signal.raise_signal(signal.SIGINT)

    def merge(self, sink, sources, metadata):
        entries, rows = [], []
        for source in sources:
            reader = self.reader(source.path)
            for row in source.rows:
                entries.append({**reader.entries[row], "index": len(entries)})
                rows.append({name: reader.array(row, name) for name in reader.shapes})
        arrays = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        self.write(sink, entries, arrays, metadata)
'''
OPTION = "# Results as NumPy keeps them.\n_target_: toy_format.Toy\n"
FILE = """
pipeline: {grid_size: 12, duration_ms: 30, device: cpu}
neurons: {sa_neurons: 5, ra_neurons: 7}
batch: {format: toy, output_dir: of_file}
stimuli: [{type: gaussian, amplitude: [10, 30]}]
"""
SMALL = (
    "pipeline.grid_size=12",
    "pipeline.duration_ms=30",
    "pipeline.device=cpu",
    "neurons.sa_neurons=5",
    "neurons.ra_neurons=7",
    "stimuli.amplitude=[10,30,60]",
    "stimuli.repetitions=4",
    "batch.checkpoint_frequency=4",
)
RUN = ("sensoryforge.run", "--config-dir", "conf", *SMALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: the module of the format, its option, and a dataset in it and in a shipped format."""
    path = tmp_path_factory.mktemp("toy")
    (path / "conf" / "format").mkdir(parents=True)
    (path / "conf" / "format" / "toy.yaml").write_text(OPTION)
    (path / "toy_format.py").write_text(TOY)
    (path / "b.yml").write_text(FILE)
    for format in ("hdf5", "toy"):
        words = (*RUN, f"batch.format={format}", f"batch.output_dir={format}")
        code, said = command(*words, cwd=path, SENSORYFORGE_TRUST="toy_format")
        assert code == 0, said
    assert f"Results saved to {Path('toy/results.npz')}" in said
    return path


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder as the working directory, its module trusted."""
    monkeypatch.chdir(made)
    monkeypatch.setenv(trust.VARIABLE, "toy_format")
    monkeypatch.syspath_prepend(str(made))
    monkeypatch.delitem(sys.modules, "toy_format", raising=False)
    return made


def command(*words: str, cwd: Path = Path(), **environment: str) -> tuple[int, str]:
    """Run a command as a user does; return its exit code and what it said."""
    ended = subprocess.run(
        [warm.python(), "-m", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    return ended.returncode, ended.stdout + ended.stderr


def assert_equal(toy: sf.Results, shipped: sf.Results) -> None:
    assert toy.table.equals(shipped.table)
    for population in ("sa", "ra"):
        assert torch.equal(toy.spikes(population)[:], shipped.spikes(population)[:])
    layout = shipped.metadata["sa_xy_mm"]
    assert torch.equal(toy.metadata["sa_xy_mm"], layout.to(torch.float32))  # as the toy keeps it


def test_a_format_from_outside_is_run_interrupted_resumed_and_loaded(folder: Path) -> None:
    shipped = sf.load("hdf5")
    assert {"checkpoint.pt", "results.npz"} <= {path.name for path in Path("toy").iterdir()}
    assert not Path("toy/parts").exists()
    assert_equal(sf.load("toy"), shipped)

    resumed = (*RUN, "batch.format=toy", "batch.output_dir=resumed")
    code, said = command(*resumed, STOP_AT_PART="2")
    assert code == 130, said
    interrupted = sf.load("resumed")
    assert not interrupted.complete
    assert 0 < len(interrupted) < len(shipped)
    places = interrupted.table["index"].tolist()
    assert torch.equal(interrupted.spikes("sa")[:], shipped.take(places).spikes("sa")[:])
    code, said = command(*resumed, "batch.resume=true")
    assert code == 0, said
    assert f"Resuming: {len(interrupted)} done" in said
    assert_equal(sf.load("resumed"), shipped)
    code, said = command(*resumed, "batch.resume=true")
    assert (code, "Nothing to do" in said) == (0, True), said


def test_a_format_from_outside_trains(folder: Path) -> None:
    dataset = sf.load("toy")
    spikes, _ = sf.SpikeDataset("toy", "amplitude")[3]
    assert torch.equal(spikes, torch.cat([dataset[3]["sa_spikes"], dataset[3]["ra_spikes"]], dim=1))


def test_a_batch_file_takes_the_format_in_the_folder_beside_it(folder: Path) -> None:
    words = ("sensoryforge", "batch", "b.yml")
    code, said = command(*words, "--dry-run", "--trust", "toy_format", SENSORYFORGE_TRUST="")
    assert code == 0, said
    assert f"Would write {Path('of_file/results.npz')}" in said
    code, said = command(*words, "--dry-run", SENSORYFORGE_TRUST="")
    assert code == 2
    assert "got 'toy_format.Toy', which is not of SensoryForge" in said


def test_the_configuration_and_the_checkpoint_keep_the_class(folder: Path) -> None:
    config = json.loads(json.dumps(sf.load("toy").metadata["config"]))
    assert config["batch"]["format"] == {"_target_": "toy_format.Toy"}
    assert torch.load("toy/checkpoint.pt")["format"] == "toy_format.Toy"
    assert check(config).batch.format.results_name == "results.npz"


def test_a_dataset_names_a_class_only_where_its_module_is_trusted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(trust.VARIABLE)
    code = "import sensoryforge as sf; sf.load('toy')"
    ended = subprocess.run([warm.python(), "-c", code], capture_output=True, text=True, check=False)
    assert "got 'toy_format.Toy', which is not of SensoryForge" in ended.stderr
    subprocess.run([warm.python(), "-c", f"import toy_format; {code}"], check=True)


def test_a_name_that_is_no_format_is_answered_with_those_of_the_folder_too(folder: Path) -> None:
    code, said = command(*RUN, "batch.format=toi")
    assert code == 2
    assert "batch.format: got 'toi', allowed are hdf5, pytorch, toy; did you mean 'toy'?" in said


def test_a_format_that_says_nothing_of_its_costs_is_taken_for_a_slow_one(folder: Path) -> None:
    toy = locate_format("toy_format.Toy")
    assert toy.whole_in_memory
    for shipped in (Hdf5(), Pytorch()):
        assert toy.nanoseconds_a_byte >= shipped.nanoseconds_a_byte
        assert toy.seconds_a_stimulus >= shipped.seconds_a_stimulus
        assert toy.bytes_a_stimulus >= shipped.bytes_a_stimulus


@pytest.mark.parametrize("name", ["toy_format.Missing", "pathlib.Path", "..", "os.system"])
def test_a_path_that_is_no_format_is_one_line(folder: Path, name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^checkpoint.pt, format: got .*an output format"
    ) as caught:
        locate_format(name)
    assert "\n" not in str(caught.value)
