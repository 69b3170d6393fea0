"""Generated sources: compiled once a machine, kept where nobody else can put something in their place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.blocks import shipped

from sensoryforge.core import kernel_cache as cache
from sensoryforge.simulation.kernels import (
    Afferents,
    Drive,
    forecast,
    numba_kernel,
    pooling,
)
from sensoryforge.stimuli import relief

PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
sys.path.insert(0, {tests!r} + "/simulation")
import test_numba_kernel as t
function = t.compiled(t.afferents(t.SA, t.IZHIKEVICH, substeps=7), False)
print(sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()))
"""


@pytest.mark.slow
def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    code = PROGRAM.format(tests=str(Path(__file__).parents[1]))
    environment = {**os.environ, cache.VARIABLE: str(tmp_path)}
    run = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    first = [process.communicate()[0].decode() for process in run]
    assert {process.returncode for process in run} == {0}
    assert "0 1" in first[0] + first[1]
    again = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert again.stdout.split() == ["1", "0"]
    assert len(list(tmp_path.rglob("*.py"))) == 1
    assert not list(tmp_path.rglob("*.tmp"))


def test_without_a_writable_cache_a_temporary_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    drive = Drive(torch.tensor([0]), frames=torch.ones(1, 9, 5))
    model = shipped("model", "izhikevich")
    numba_kernel.run(Afferents(None, model, model_values=model.draw(5, 0), substeps=3), drive, None)
    assert len(list(tmp_path.rglob("sensoryforge_kernel_*.py"))) == 1


def link(place: Path) -> None:
    place.with_name("elsewhere").mkdir()
    place.symlink_to(place.with_name("elsewhere"))


def foreign(place: Path) -> None:
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)


def open_to_all(place: Path) -> None:
    place.mkdir()
    place.chmod(0o777)


@pytest.mark.parametrize("prepare", [link, open_to_all, foreign])
def test_a_temporary_folder_that_somebody_else_prepared_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Path], None]
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / f"sensoryforge-{os.getuid()}"
    try:
        prepare(place)
    except PermissionError:
        pytest.skip("only root gives a folder away")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    written = cache._find_or_write("sensoryforge_kernel_x", "kernel = print\n")
    assert not list(place.iterdir())
    assert written.parent.name.startswith("sensoryforge-")
    assert written.parent.stat().st_mode & 0o777 == 0o700


def test_the_temporary_folder_is_closed_to_others_and_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    written = {cache._find_or_write("sensoryforge_kernel_x", "kernel = print\n") for _ in range(2)}
    assert written == {tmp_path / f"sensoryforge-{os.getuid()}" / "sensoryforge_kernel_x.py"}
    assert written.pop().parent.stat().st_mode & 0o777 == 0o700


def test_a_system_without_user_numbers_uses_its_folder_of_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows that folder is the user's own."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delattr(os, "getuid")
    written = cache._find_or_write("sensoryforge_kernel_x", "kernel = print\n")
    assert written == tmp_path / "sensoryforge" / "sensoryforge_kernel_x.py"


# --- what lies there may be anything ---


def run_a_kernel(substeps: int = 3) -> torch.Tensor:
    cache.load.cache_clear()
    model = shipped("model", "izhikevich")
    drive = Drive(torch.tensor([0]), frames=torch.full((1, 200, 5), 20.0))
    afferents = Afferents(None, model, model_values=model.draw(5, 0), substeps=substeps)
    spikes = numba_kernel.run(afferents, drive, None).spikes
    assert spikes is not None
    assert spikes.sum() > 0
    return spikes


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_one_bit(path: Path) -> None:
    """In the middle of machine code numba would take it, and compute something else."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def fill_with_another_text(path: Path) -> None:
    path.write_bytes(b"\x80\x04no pickle at all")


def put_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def close(path: Path) -> None:
    path.chmod(0)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.Tensor]:
    """A cache with one kernel, and what that computes."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(folder))
        return folder, run_a_kernel()


@pytest.mark.slow
@pytest.mark.parametrize("files", ["*.nbi", "*.nbc", "*.nb?", "*.py", "*.sums"])
@pytest.mark.parametrize(
    "damage", [empty, cut, flip_one_bit, fill_with_another_text, put_a_folder, close, Path.unlink]
)
def test_what_is_damaged_is_compiled_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiled: tuple[Path, torch.Tensor],
    files: str,
    damage: Callable[[Path], None],
) -> None:
    folder, spikes = compiled
    shutil.copytree(folder, tmp_path / "cache")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    damaged = list((tmp_path / "cache").rglob(files))
    assert damaged
    for path in damaged:
        damage(path)
    assert torch.equal(run_a_kernel(), spikes)


def test_what_is_whole_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch, compiled: tuple[Path, torch.Tensor]
) -> None:
    folder, spikes = compiled
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    assert torch.equal(run_a_kernel(), spikes)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == before


def test_a_setting_of_numba_does_not_move_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core import config

    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "ours"))
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "elsewhere"))
    run_a_kernel()
    assert list((tmp_path / "ours").rglob("*.nbc"))
    assert str(tmp_path / "elsewhere") == config.CACHE_DIR


def test_a_disk_that_takes_nothing_costs_only_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core.caching import IndexDataCacheFile

    def refuse(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(IndexDataCacheFile, "_save_data", refuse)
    run_a_kernel()


# --- what is to be compiled, told without torch ---

NUMBERS = ["pipeline.duration_ms=20", "neurons.sa_neurons=3", "neurons.ra_neurons=3"]
DISTRIBUTIONS = [
    "neurons.populations.sa.model.parameters.a={mean: 0.02, std: 0.001}",
    "neurons.populations.sa.filter.parameters.tau_d={low: 20, high: 40}",
    "neurons.populations.ra.filter.parameters.tau_ra={low: 2, high: 4}",
]


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        DISTRIBUTIONS,
        ["pipeline.dt_ms=0.4", "batch.save=[drive,voltage,filtered]"],
        ["neurons.populations.sa.noise_std=0", "model@neurons.populations.ra.model=adex"],
        ["model@neurons.populations.sa.model=lif", "pipeline.substeps=2"],
    ],
)
def test_the_kernels_that_a_run_compiles_are_known_beforehand(
    monkeypatch: pytest.MonkeyPatch, overrides: list[str]
) -> None:
    from sensoryforge.config.reading import check, compose
    from sensoryforge.simulation.encoder import Encoder

    experiment = check(compose(*NUMBERS, *overrides))
    loaded: set[str] = set()

    def load(text: str) -> Callable[..., None]:
        loaded.add(text)
        return lambda *arguments: None

    monkeypatch.setattr(numba_kernel, "load", load)
    Encoder(experiment, "numba")([(0, 1)])
    assert forecast.kernel_texts(experiment) == loaded
    assert len(loaded) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["stimuli=bar", "+motion@stimuli.motion=line", *NUMBERS, "pipeline.duration_ms=200"],
        ["stimuli=texture", "+motion@stimuli.motion=line", *NUMBERS, "pipeline.duration_ms=200"],
        ["experiment=fingertip"],
        ["experiment=fingertip", "+motion@stimuli.motion=line"],
    ],
)
def test_loops_for_moving_shapes_and_a_skin_that_deforms_are_known_beforehand(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    from sensoryforge.config.reading import check, compose
    from sensoryforge.simulation.encoder import Encoder

    experiment = check(compose(*words))
    loaded: set[str] = set()

    def load(text: str) -> Callable[..., Any]:
        loaded.add(text)
        return cache.load(text)

    for module in (numba_kernel, pooling, relief):
        monkeypatch.setattr(module, "load", load)
    Encoder(experiment, "numba")([(0, len(experiment.design))])
    assert forecast.kernel_texts(experiment) == loaded


def test_a_kernel_counts_as_compiled_once_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: tuple[Path, torch.Tensor]
) -> None:
    shutil.copytree(compiled[0], tmp_path / "cache")
    text = next((tmp_path / "cache").rglob("*.py")).read_text(encoding="utf-8")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    assert cache.is_compiled(text)
    cut(next((tmp_path / "cache").rglob("*.nbc")))
    assert not cache.is_compiled(text)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "none"))
    assert not cache.is_compiled(text)


@pytest.mark.slow
def test_it_is_known_without_torch_and_numba() -> None:
    code = (
        "import sys, sensoryforge as sf; from sensoryforge.config import check;"
        "from sensoryforge.simulation.kernels.forecast import count_to_compile;"
        "count_to_compile(check(sf.compose('pipeline.device=cpu')));"
        "print({'torch', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
