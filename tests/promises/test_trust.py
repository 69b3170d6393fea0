"""What files from elsewhere may do: nothing but describe; and what damaged ones do: end in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from helpers import warm
from helpers.store import design, resume
from helpers.store import run as write_dataset

from sensoryforge.analysis.results import load
from sensoryforge.config.reading import check_batch_file
from sensoryforge.config.yaml_file import MAX_DEPTH, read_yaml
from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError, DamagedError
from sensoryforge.store import files
from sensoryforge.store.archive import load_archive, save_archive
from sensoryforge.store.checkpoint import Checkpoint, Part
from sensoryforge.store.files import checksum
from sensoryforge.store.reader import SpikeReader

ROOT = Path(__file__).parents[2]
EVIL = "open('reached', 'w').close()\nfrom sensoryforge.stimuli import Gaussian\nclass Press(Gaussian): pass\n"
OPTION = "_target_: press.Press\ntype: press\namplitude: 3.0\nsigma: 0.5\ncenter_x: 0\ncenter_y: 0\nrepetitions: 1\n"
FILE = "batch: {output_dir: out}\nstimuli: [{type: press}]\n"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from somebody else: a batch file, an option, and a module that the option names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(trust.VARIABLE, raising=False)
    (tmp_path / "conf" / "stimuli").mkdir(parents=True)
    (tmp_path / "conf" / "stimuli" / "press.yaml").write_text(OPTION)
    (tmp_path / "press.py").write_text(EVIL)
    (tmp_path / "b.yml").write_text(FILE)
    return tmp_path


def command(*words: str, **environment: str) -> tuple[int, str]:
    """Run a command in a new process, the working directory on its path."""
    environment = {**os.environ, **environment}
    ended = subprocess.run(
        [warm.python(), "-m", *words], capture_output=True, text=True, check=False, env=environment
    )
    return ended.returncode, ended.stderr


def test_a_shared_batch_file_runs_no_code_unless_the_user_trusts_the_module(shared: Path) -> None:
    code, said = command("sensoryforge", "batch", "b.yml", "--dry-run")
    assert code == 2
    assert said.startswith(
        "stimuli._target_: got 'press.Press', which is not of SensoryForge, and importing 'press'"
    )
    assert said.count("\n") == 1
    assert not (shared / "reached").exists()
    assert command("sensoryforge", "batch", "b.yml", "--dry-run", "--trust", "press")[0] == 0
    assert (shared / "reached").exists()


def test_the_environment_may_trust_a_module(shared: Path) -> None:
    assert (
        command("sensoryforge", "batch", "b.yml", "--dry-run", SENSORYFORGE_TRUST="other, press")[0]
        == 0
    )


@pytest.mark.parametrize("command_line", [["sensoryforge.run"], ["sensoryforge", "run"]])
def test_a_folder_that_the_user_names_is_the_users_own(
    shared: Path, command_line: list[str]
) -> None:
    words = ["--config-dir", "conf", "stimuli=press", "batch.dry_run=true"]
    assert command(*command_line, *words) == (0, "")
    assert (shared / "reached").exists()


def test_a_folder_that_the_user_does_not_name_runs_no_code(shared: Path) -> None:
    assert command("sensoryforge.run", "batch.dry_run=true") == (0, "")
    assert command("sensoryforge", "list", "stimuli") == (0, "")
    assert not (shared / "reached").exists()


@pytest.mark.parametrize(
    "key", ["trust: [press]", "pipeline: {trust: press}", "hydra: {job: {env_set: {A: b}}}"]
)
def test_a_batch_file_cannot_trust_for_the_user(shared: Path, key: str) -> None:
    (shared / "b.yml").write_text(f"{FILE}{key}\n")
    with pytest.raises(ConfigError, match="unknown key"):
        check_batch_file("b.yml")
    assert not (shared / "reached").exists()


def test_a_module_that_the_program_has_loaded_needs_no_trust() -> None:
    assert trust.locate("pathlib.Path", "a path", Path) is Path
    with pytest.raises(ConfigError, match="allowed is the dotted path of a number"):
        trust.locate("pathlib.Path", "a number", int)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(5)", "SystemExit: 5"),
    ],
)
def test_a_module_that_fails_when_imported_is_one_line(
    shared: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    (shared / "broken_module.py").write_text(text)
    monkeypatch.syspath_prepend(str(shared))
    monkeypatch.setenv(trust.VARIABLE, "broken_module")
    with pytest.raises(ConfigError, match=rf"which cannot be imported .{said}"):
        trust.locate("broken_module.A", "a class", object)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "a: !!python/object/apply:os.mkdir [reached]",
            "could not determine a constructor for the tag",
        ),
        (BOMB, "more than 2000000 values"),
        ("a: " + "[" * 100_000, f"nested deeper than {MAX_DEPTH}"),
        ("a: " + "9" * 5000, "Exceeds the limit"),
        ("a: !!timestamp 2020-13-45", "month must be in 1..12"),
        ("? [1, 2]\n: 3", "a key is no name"),
    ],
)
def test_yaml_is_read_without_harm(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "b.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert "not valid YAML" in str(caught.value)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["batch: [1]", "stimuli: {sigma: '${batch'}", "stimuli: {sigma: !!set {a}}"]
)
def test_yaml_that_cannot_be_composed_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.yml"
    path.write_text(f"{text}\n" + ("stimuli: [{type: gaussian}]" if "batch" in text[:5] else ""))
    with pytest.raises(ConfigError):
        check_batch_file(path)


@pytest.mark.parametrize(
    "payload",
    [b"cos\nmkdir\n(Vreached\ntR.", b"\x80\x04r\xf0\xff\xff\xff.", b"}(K\x01.", b"\x82\x01."],
)
def test_a_made_up_checkpoint_neither_runs_nor_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": 1}, "whole.pt")
    with zipfile.ZipFile("c.pt", "w") as bare, zipfile.ZipFile("d.pt", "w") as full:
        bare.writestr("c/data.pkl", payload)
        with zipfile.ZipFile("whole.pt") as whole:
            for name in whole.namelist():
                full.writestr(name, payload if name.endswith("data.pkl") else whole.read(name))
    for path in (tmp_path / "c.pt", tmp_path / "d.pt"):
        with pytest.raises(DamagedError):
            load_archive(path)
    assert not (tmp_path / "reached").exists()


READ = """
import sys
from pathlib import Path
from sensoryforge.store.archive import load_archive
print(load_archive(Path(sys.argv[1]))["b"], "torch" in sys.modules)
"""


def test_plain_values_of_an_archive_are_read_without_torch(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    plain = {
        "a": [1, -2, 1 << 70, 2.5, None, True, "é" * 1000],
        "b": {"c": ["d", {"e": float("inf")}]},
    }
    with files.replacing(path, "checkpoint") as sink:
        save_archive(plain, sink)
    assert load_archive(path) == torch.load(path) == plain
    words = [sys.executable, "-c", READ, str(path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ended.stdout == f"{plain['b']} False\n"


def test_of_an_archive_without_our_record_plain_values_are_read_and_nothing_else(
    tmp_path: Path,
) -> None:
    plain = {
        "a": [1, -2, 1 << 70, 2.5, None, True, "é" * 1000],
        "b": {"c": ("d", {"e": float("inf")})},
    }
    torch.save(plain, tmp_path / "c.pt")
    assert load_archive(tmp_path / "c.pt") == plain
    for value, error in ((torch.zeros(2), TypeError), (Path("x"), ValueError)):
        torch.save({"a": value}, tmp_path / "c.pt")
        with pytest.raises(DamagedError) as caught:
            load_archive(tmp_path / "c.pt")
        assert isinstance(caught.value.__cause__, error)


SHAPE = (6, 3)  # of sa_spikes


def external(file: h5py.File, group: h5py.Group) -> None:
    group["sa_spikes"] = h5py.ExternalLink("secret.h5", "/data")


def soft(file: h5py.File, group: h5py.Group) -> None:
    group["sa_spikes"] = h5py.SoftLink("/stimulus_0000/sa_spikes")


def external_group(file: h5py.File, group: h5py.Group) -> None:
    del file["stimulus_0001"]
    file["stimulus_0001"] = h5py.ExternalLink("secret.h5", "/")


def outside(file: h5py.File, group: h5py.Group) -> None:
    group.create_dataset("sa_spikes", SHAPE, np.uint8, external=[("secret.raw", 0, 18)])


def pipe(file: h5py.File, group: h5py.Group) -> None:
    os.mkfifo("pipe")
    group.create_dataset("sa_spikes", SHAPE, np.uint8, external=[("pipe", 0, 18)])


def virtual(file: h5py.File, group: h5py.Group) -> None:
    layout = h5py.VirtualLayout(SHAPE, np.uint8)
    layout[:] = h5py.VirtualSource("secret.h5", "data", SHAPE)
    group.create_virtual_dataset("sa_spikes", layout)


def of_shape(file: h5py.File, group: h5py.Group) -> None:
    group["sa_spikes"] = np.ones((7, 3), np.uint8)


def of_type(file: h5py.File, group: h5py.Group) -> None:
    group["sa_spikes"] = np.ones(SHAPE, np.float32)


def of_value(file: h5py.File, group: h5py.Group) -> None:
    group["sa_spikes"] = np.full(SHAPE, 2, np.uint8)


LINKS = (external, soft, external_group)
CHANGES = (*LINKS, outside, pipe, virtual, of_shape, of_type, of_value)


def changed(path: Path, change: Callable[[h5py.File, h5py.Group], None]) -> None:
    """Change an array of a good file, in a directory that has a secret beside it."""
    with h5py.File("secret.h5", "w") as file:
        file["data"] = file["sa_spikes"] = np.ones(SHAPE, np.uint8)
        file["ra_spikes"] = np.ones((6, 4), np.uint8)
    Path("secret.raw").write_bytes(bytes([1] * 18))
    with h5py.File(path, "r+") as file:
        del file["stimulus_0001"]["sa_spikes"]
        change(file, file["stimulus_0001"])


@pytest.mark.parametrize("change", CHANGES)
def test_an_hdf5_file_gives_no_array_that_lies_elsewhere_or_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[h5py.File, h5py.Group], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path, "hdf5", design(3))
    changed(tmp_path / "results.h5", change)
    results = load(tmp_path)
    assert results[0]["sa_spikes"].shape == SHAPE
    with pytest.raises(DamagedError, match=r"results.h5: damaged, or not written by SensoryForge$"):
        results[1]
    reader = SpikeReader(results, results.populations)
    assert reader.read([0, 2]).shape[0] == 2
    with pytest.raises(DamagedError):
        reader.read([1])


@pytest.mark.parametrize("change", LINKS)
def test_a_part_with_a_link_in_it_is_not_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[h5py.File, h5py.Group], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path, "hdf5", design(3))
    path = tmp_path / "results.h5"
    changed(path, change)
    Checkpoint(3, {}, "hdf5", (Part.of(path.name, range(3), checksum(path)),)).write(tmp_path)
    with pytest.raises(DamagedError, match=r"results.h5: damaged, or not written by SensoryForge$"):
        resume(tmp_path, "hdf5", design(5))


def test_a_merge_reads_no_bytes_that_lie_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path, "hdf5", design(3))
    path = tmp_path / "results.h5"
    changed(path, pipe)
    Checkpoint(3, {}, "hdf5", (Part.of(path.name, range(3), checksum(path)),)).write(tmp_path)
    resume(tmp_path, "hdf5", design(5))
    with pytest.raises(DamagedError):
        load(tmp_path)[1]


@pytest.mark.slow
def test_damaged_files_and_expressions_end_in_no_traceback() -> None:
    words = [sys.executable, str(ROOT / "stress" / "fuzz.py"), "--mutations", "150"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 0, ended.stdout
    assert "none ended in a traceback, a crash or a hang" in ended.stdout
    ran = re.search(r"equations that run: (\d+) mutations, .* (\d+) read", ended.stdout)
    assert ran
    assert int(ran[2]) > int(ran[1]) / 3
