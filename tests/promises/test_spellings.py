"""What users type and hand over is read, or answered with the spelling that works."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
from helpers import warm
from helpers.experiments import SMALL
from omegaconf import OmegaConf

import sensoryforge as sf
from sensoryforge.commands import hydra_app
from sensoryforge.config.reading import check
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment
from sensoryforge.running import execute

pytestmark = pytest.mark.slow

Launch = Callable[..., tuple[list[Experiment], str]]


@pytest.fixture
def launch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Launch:
    """Return a function that runs a command line, and returns its experiments and its errors."""
    monkeypatch.chdir(tmp_path)
    ran: list[Experiment] = []

    def record(experiment: Experiment, **_: Any) -> None:
        ran.append(experiment)

    monkeypatch.setattr(execute, "run_experiment", record)

    def run(*words: str) -> tuple[list[Experiment], str]:
        ran.clear()
        monkeypatch.setattr(sys, "argv", ["sensoryforge.run", *words])
        with suppress(SystemExit):
            hydra_app.main()
        return list(ran), capsys.readouterr().err.strip()

    return run


@pytest.mark.parametrize(
    ("word", "spelling"),
    [
        ("+experiment=first_batch", "experiment is there already; write experiment=first_batch"),
        ("+batch=hdf5", "write batch=hdf5"),
        ("+stimuli=step", "write stimuli=step"),
        ("+stimuli.amplitude=5", "stimuli.amplitude is there already; write stimuli.amplitude=5"),
        ("stimuli.sigma=é", "'é' needs quotes, write 'stimuli.sigma=\"é\"'"),
        ("stimuli.sigma=~1", "'~' needs quotes"),
        ("stimuli.sigma='0.7'", "it is text, write 0.7 without quotes, or ${oc.decode:${oc.env:NAME}}"),
        ("pipeline.dt_ms='0.5'", "it is text, write 0.5 without quotes"),
        ("amplitude=20", "write stimuli.amplitude=20"),
        ("duration_ms=20", "write pipeline.duration_ms=20"),
        ("model=lif", "write model@neurons.populations.ra.model=lif"),
        ("neurons.populations.ra.filter.tau_ra=2", "write neurons.populations.ra.filter.parameters.tau_ra=2"),
        ("neurons.populations.pc=ra", "write +population@neurons.populations.pc=ra"),
        ("pipeline.device=gpu", "did you mean 'cuda'?"),
        ("batch.format=h5", "did you mean 'hdf5'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_the_spelling_that_works(
    launch: Launch, word: str, spelling: str
) -> None:
    ran, said = launch(word)
    assert ran == []
    assert spelling in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("stimuli.amplitude", "=", "10"),
            "stimuli.amplitude = 10: no spaces around = and after commas; write stimuli.amplitude=10",
        ),
        (
            ("-m", "stimuli.amplitude=10,", "20,", "30"),
            "stimuli.amplitude=10, 20, 30: no spaces around = and after commas; "
            "write stimuli.amplitude=10,20,30",
        ),
        (
            ("stimuli.amplitude=[10,", "20]"),
            "stimuli.amplitude=[10, 20]: no spaces around = and after commas; "
            "write 'stimuli.amplitude=[10,20]'",
        ),
    ],
)
def test_spaces_within_an_override_are_one_line_with_what_works(
    launch: Launch, words: tuple[str, ...], line: str
) -> None:
    ran, said = launch(*words)
    assert (ran, said) == ([], line)


@pytest.mark.parametrize(
    ("value", "directory"),
    [
        ("20261125", "20261125"),
        ("données", "données"),
        ("50€", "50€"),
        ("sizes/neurons.sa_neurons=6", "sizes/neurons.sa_neurons=6"),
        ("a{b: 1}", "a{b: 1}"),
        ("'quoted'", "quoted"),
    ],
)
def test_a_directory_may_be_called_anything(launch: Launch, value: str, directory: str) -> None:
    ((experiment,), _) = launch(f"batch.output_dir={value}")
    assert experiment.batch.output_dir == Path(directory)


def test_a_tilde_is_the_home_directory(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    ((experiment,), _) = launch("batch.output_dir=~/touch")
    assert tmp_path / experiment.batch.output_dir == tmp_path / "touch"


def test_overrides_may_refer_to_the_job(launch: Launch, tmp_path: Path) -> None:
    ((experiment,), _) = launch("batch.output_dir=${hydra:runtime.cwd}/here")
    assert tmp_path / experiment.batch.output_dir == tmp_path / "here"
    ((experiment,), _) = launch("hydra.run.dir=${hydra:runtime.cwd}/there")
    assert tmp_path / experiment.batch.output_dir == tmp_path / "there"


def test_overrides_of_a_sweep_may_refer_to_each_job(launch: Launch) -> None:
    sizes = "neurons.sa_neurons=6,7"
    ran, _ = launch("-m", "pipeline.seed=${hydra:job.num}", sizes, "batch.output_dir=a")
    assert [experiment.seed for experiment in ran] == [0, 1]
    ran, _ = launch("-m", "hydra.sweep.subdir=${hydra:job.num}", sizes, "hydra.sweep.dir=b")
    assert [str(experiment.batch.output_dir) for experiment in ran] == ["b/0", "b/1"]
    ran, _ = launch("-m", sizes, "hydra.sweep.dir=${hydra:runtime.cwd}/c")
    assert [experiment.batch.output_dir.parent.name for experiment in ran] == ["c", "c"]


def test_jobs_of_another_sweeper_have_a_directory_each(launch: Launch) -> None:
    ran, _ = launch(
        "-m", "hydra/sweeper=basic", "stimuli.amplitude=10,20,30", "batch.output_dir=here"
    )
    directories = [str(experiment.batch.output_dir) for experiment in ran]
    assert directories == ["here/job_0", "here/job_1", "here/job_2"]


@pytest.mark.parametrize(
    "values",
    [np.array([10, 20]), [np.float64(10), np.int32(20)], range(10, 30, 10), (10, 20)],
    ids=["array", "numbers of NumPy", "range", "tuple"],
)
def test_python_values_are_a_list(values: Any) -> None:
    config = {"stimuli": [{"type": "gaussian", "amplitude": values}]}
    (family,) = check(config).design.families
    assert family.axes["amplitude"] == (10, 20)
    assert family.listed == ("amplitude",)


def test_a_path_is_a_directory() -> None:
    whole: Any = OmegaConf.to_container(sf.compose(), resolve=True)
    whole["batch"]["output_dir"] = PurePath("somewhere")
    assert check(whole).batch.output_dir == Path("somewhere")
    part = {"stimuli": [{"type": "step"}], "batch": {"output_dir": Path("elsewhere")}}
    assert check(part).batch.output_dir == Path("elsewhere")


def test_a_part_of_a_configuration_has_the_defaults_of_a_batch_file() -> None:
    experiment = check(
        {
            "stimuli": [{"type": "step", "amplitude": [10, 20]}],
            "neurons": {"populations": {"ra": {"model": "lif"}}},
            "batch": "hdf5",
        }
    )
    assert (experiment.batch.format.name, experiment.samples) == ("hdf5", 600)
    assert "t_ref" in experiment.populations["ra"].model.parameters
    with pytest.raises(ConfigError, match="stimuli: missing, allowed is a list of entries"):
        check({})
    with pytest.raises(ConfigError, match="pipelin: unknown key"):
        check({"stimuli": [{"type": "step"}], "pipelin": {}})


def test_python_runs_a_batch_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("grid.yml").write_text("stimuli: [{type: step, step_time: 5}]\nbatch: {dry_run: true}\n")
    assert sf.run("grid.yml") is None
    assert sf.run(Path("grid.yml")) is None
    with pytest.raises(ConfigError, match=r"gird.yml: no such file; did you mean 'grid.yml'"):
        sf.run("gird.yml")


def python(code: str, folder: Path) -> str:
    """Run a program in a new process, and return what it printed."""
    ended = subprocess.run(
        [warm.python(), "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_hydra_application_of_ones_own_composes_our_options(tmp_path: Path) -> None:
    code = (
        "from hydra import compose, initialize_config_dir\n"
        "from sensoryforge.config.sources import conf_dir\n"
        "with initialize_config_dir(config_dir=str(conf_dir()), version_base='1.3'):\n"
        "    print(compose('config').batch.format)\n"
    )
    assert python(code, tmp_path) == "pytorch\n"


@pytest.mark.slow
def test_a_function_that_names_the_package_travels_to_other_processes(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    small = [*SMALL, "pipeline.device=cpu"]
    (tmp_path / "seeds.py").write_text(
        "import sensoryforge as sf\n"
        "from joblib import Parallel, delayed\n"
        "def count(seed):\n"
        f"    config = sf.compose(*{small!r}, f'pipeline.seed={{seed}}', f'batch.output_dir=s{{seed}}')\n"
        "    return len(sf.run(config))\n"
        "if __name__ == '__main__':\n"
        "    print(Parallel(2)(delayed(count)(seed) for seed in range(2)))\n"
    )
    ended = subprocess.run(
        [warm.python(), "seeds.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ},
    )  # fmt: skip
    assert "[1, 1]" in ended.stdout, ended.stderr


def test_run_stays_a_function_once_its_module_is_imported(tmp_path: Path) -> None:
    code = (
        "import sensoryforge, sensoryforge.run\n"
        "from sensoryforge.run import main\n"
        "print(sensoryforge.run.__name__, main.__name__, type(sensoryforge).__name__)\n"
    )
    assert python(code, tmp_path) == "run main module\n"
