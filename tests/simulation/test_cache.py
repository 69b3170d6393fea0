"""Generated sources: compiled once a machine, kept where nobody else can put something in their place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers.blocks import shipped

from sensoryforge.simulation.kernels import Afferents, Drive, cache, numba_kernel

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
