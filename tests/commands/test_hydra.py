# command lines and messages stay on one line
"""The command lines of Hydra users, in process, up to the launch of jobs, which are recorded and not run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import warm

from sensoryforge.commands import hydra_app as app
from sensoryforge.config.composer import Composer
from sensoryforge.config.sweep import plan
from sensoryforge.design.experiment import Experiment
from sensoryforge.running import execute as batch

pytestmark = pytest.mark.slow

Launch = Callable[..., list[Experiment]]


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Return a function that runs a command line and returns the experiments that would have run."""
    monkeypatch.chdir(tmp_path)
    ran: list[Experiment] = []

    def record(experiment: Experiment, **_: Any) -> None:
        ran.append(experiment)

    monkeypatch.setattr(batch, "run_experiment", record)

    def run(*arguments: str, code: int = 0) -> list[Experiment]:
        ran.clear()
        monkeypatch.setattr(sys, "argv", ["sensoryforge.run", *arguments])
        try:
            ended = app.main()
        except SystemExit as end:
            ended = int(end.code or 0)
        assert ended == code
        return list(ran)

    return run


def axes(experiment: Experiment) -> list[dict[str, tuple[float, ...]]]:
    """Return the listed axes of each family."""
    return [
        {name: family.axes[name] for name in family.listed} for family in experiment.design.families
    ]


def replay(folder: Path) -> list[str]:
    """Return the overrides that Hydra wrote down for a job."""
    found: list[str] = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text())
    return found


@pytest.mark.parametrize(
    ("sweep", "expected"),
    [
        ("stimuli.amplitude=10,20,30", {"amplitude": (10, 20, 30)}),
        ("stimuli.amplitude=choice(10,20.5)", {"amplitude": (10, 20.5)}),
        ("stimuli.amplitude=range(1,4)", {"amplitude": (1, 2, 3)}),
        ("stimuli.sigma=range(0.3,0.9,0.2)", {"sigma": (0.3, 0.5, 0.7)}),
        ("stimuli.sigma=range(0.3,0.9,0.3)", {"sigma": (0.3, 0.6)}),
        ("stimuli.sigma=range(0.9,0.3,-0.2)", {"sigma": (0.9, 0.7, 0.5)}),
        ("stimuli.amplitude=range(0,300)", {"amplitude": tuple(range(300))}),
    ],
)
def test_a_sweep_over_a_stimulus_is_one_job(
    launch: Launch, sweep: str, expected: dict[str, tuple[float, ...]]
) -> None:
    (experiment,) = launch("-m", sweep, "batch.output_dir=here")
    assert axes(experiment) == [expected]
    assert experiment.batch.output_dir == Path("here")
    (again,) = launch(*replay(Path("here")))
    assert again.design.families == experiment.design.families


def test_the_overrides_of_a_sweep_are_written_as_a_list(launch: Launch) -> None:
    launch("-m", "stimuli.amplitude=10,20,30", "batch.output_dir=here")
    assert replay(Path("here")) == ["stimuli.amplitude=[10,20,30]", "batch.output_dir=here"]


def test_several_types_are_one_dataset_that_replays(launch: Launch) -> None:
    arguments = [
        "stimuli=gaussian,step",
        "stimuli.sigma=0.3,0.5",
        "neurons.sa_neurons=8",
        "batch=hdf5",
        "batch.output_dir=here",
    ]
    (experiment,) = launch("-m", *arguments)
    assert [family.type for family in experiment.design.families] == ["gaussian", "step"]
    assert axes(experiment) == [{"sigma": (0.3, 0.5)}] * 2
    assert (experiment.populations["sa"].count, experiment.batch.format.name) == (8, "hdf5")
    assert [entry["type"] for entry in experiment.config["stimuli"]] == ["gaussian", "step"]
    (again,) = launch(*replay(Path("here")))
    assert again.design.families == experiment.design.families


def test_a_parameter_goes_to_the_types_that_have_it(launch: Launch) -> None:
    (experiment,) = launch(
        "-m", "stimuli=gaussian,step", "stimuli.step_time=10,20", "stimuli.repetitions=2"
    )
    assert axes(experiment) == [{}, {"step_time": (10, 20)}]
    assert [family.repetitions for family in experiment.design.families] == [2, 2]


@pytest.mark.parametrize("several", [(), ("-m",)])
def test_a_parameter_goes_to_every_entry_of_an_experiment_that_has_it(
    launch: Launch, several: tuple[str, ...]
) -> None:
    given = (
        "experiment=touch_dataset",
        "stimuli.repetitions=2",
        "stimuli.step_time=[10]",
        "batch.output_dir=here",
    )
    (experiment,) = launch(*several, *given)
    assert [family.repetitions for family in experiment.design.families] == [2, 2, 2]
    assert axes(experiment)[1]["step_time"] == (10,)
    (again,) = launch(*replay(Path("here")))
    assert again.design.families == experiment.design.families


@pytest.mark.slow
def test_each_job_of_a_sweep_has_entries_of_its_own(launch: Launch) -> None:
    ran = launch(
        "-m", "experiment=touch_dataset,first_batch", "stimuli.sigma=1,2", "batch.output_dir=here"
    )
    assert [[family.axes["sigma"] for family in one.design.families] for one in ran] == [
        [(1, 2)] * 3,
        [(1, 2)],
    ]


def test_a_glob_sweeps_over_the_options_of_a_group(launch: Launch) -> None:
    (experiment,) = launch("-m", "stimuli=glob(g*)")
    types = [family.type for family in experiment.design.families]
    assert types == ["gabor", "gaussian", "grating"]


def test_structural_axes_are_a_job_each_in_a_directory_of_their_name(launch: Launch) -> None:
    ran = launch(
        "-m",
        "pipeline.grid_size=8,16",
        "stimuli.amplitude=1,2",
        "model@neurons.populations.sa.model=izhikevich,lif",
        "batch.output_dir=here",
    )
    names = [
        f"pipeline.grid_size={g},model@neurons.populations.sa.model={m}"
        for g in (8, 16)
        for m in ("izhikevich", "lif")
    ]
    assert [experiment.batch.output_dir for experiment in ran] == [
        Path("here") / name for name in names
    ]
    assert [experiment.sheet.rows for experiment in ran] == [8, 8, 16, 16]
    assert all(axes(experiment) == [{"amplitude": (1, 2)}] for experiment in ran)


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("neurons.populations.sa.filter.parameters.tau_d", "sa_filter_tau_d"),
        ("neurons.populations.ra.model.parameters.a", "ra_model_a"),
        ("neurons.populations.sa.gain", "sa_gain"),
        ("pipeline.seed", "pipeline_seed"),
    ],
)
def test_a_sweep_over_numbers_of_afferents_is_one_job(
    launch: Launch, key: str, column: str
) -> None:
    (experiment,) = launch("-m", f"{key}=1,2", "stimuli.amplitude=10,20", "batch.output_dir=here")
    assert axes(experiment) == [{column: (1, 2), "amplitude": (10, 20)}]
    assert experiment.batch.output_dir == Path("here")
    (again,) = launch(*replay(Path("here")))
    assert again.design.families == experiment.design.families


def test_structural_axes_and_axes_of_afferents_make_datasets_with_axes(launch: Launch) -> None:
    ran = launch("-m", "pipeline.grid_size=8,9", "neurons.populations.sa.gain=1,2")
    assert [axes(experiment) for experiment in ran] == [[{"sa_gain": (1, 2)}]] * 2


def test_a_sweep_over_distributions_of_afferents_is_a_job_each(launch: Launch) -> None:
    key = "neurons.populations.sa.filter.parameters.tau_d"
    ran = launch("-m", f"{key}={{low: 1, high: 2}},{{low: 1, high: 3}}")
    assert [axes(experiment) for experiment in ran] == [[{}]] * 2


def test_an_interval_of_afferents_is_drawn_from(launch: Launch) -> None:
    (experiment,) = launch(
        "-m",
        "neurons.populations.sa.gain=tag(log,interval(10,80))",
        "stimuli.sampling=sobol",
        "stimuli.samples=8",
    )
    gains = experiment.design.table()["sa_gain"]
    assert len(set(gains)) == 8
    assert 10 <= min(gains) < 13  # an eighth of the log scale
    (again,) = launch(*replay(experiment.batch.output_dir))
    assert again.design.table()["sa_gain"] == gains


@pytest.mark.parametrize(
    ("subdir", "names"),
    [
        ("x${hydra.job.num}", ["x0", "x1"]),
        pytest.param("${hydra.job.override_dirname}", None, marks=pytest.mark.slow),
        pytest.param("bar", ["bar"], marks=pytest.mark.slow),
    ],
)
def test_a_sub_directory_of_ones_own_stays(
    launch: Launch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    subdir: str,
    names: list[str] | None,
) -> None:
    names = names or [
        "batch.output_dir=here,pipeline.grid_size=8",
        "batch.output_dir=here,pipeline.grid_size=16",
    ]
    sides = "8,16" if len(names) > 1 else "8"
    given = (
        "-m",
        f"pipeline.grid_size={sides}",
        f"hydra.sweep.subdir={subdir}",
        "batch.output_dir=here",
    )
    dry = launch(*given, "batch.dry_run=true")
    assert not list(tmp_path.iterdir())
    ran = launch(*given)
    assert [one.batch.output_dir for one in ran] == [Path("here") / name for name in names]
    if "override_dirname" not in subdir:
        assert [one.batch.output_dir for one in dry] == [Path("here") / name for name in names]
    assert [one.sheet.rows for one in ran] == [int(side) for side in sides.split(",")]


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("batch.output_dir=here,there", "one directory holds all jobs, each below it; give one"),
        ("batch.dry_run=true,false", "true or false is for all jobs; give one"),
    ],
)
def test_several_values_of_what_no_job_can_have_for_itself_are_refused(
    launch: Launch, capsys: pytest.CaptureFixture[str], override: str, says: str
) -> None:
    assert launch("-m", override, "pipeline.grid_size=8,9", code=2) == []
    assert capsys.readouterr().err == f"{override}: {says}\n"


def test_names_that_would_be_one_directory_are_numbers() -> None:
    composer = Composer.over()
    jobs = plan(
        composer.parse(["+population@neurons.populations.pc=sa,ra", "pipeline.device=a/x,a-x,b"]),
        composer,
    )
    assert [job.name for job in jobs] == [str(number) for number in range(6)]


@pytest.mark.parametrize(
    ("overrides", "amplitudes"),
    [
        (["stimuli.amplitude=${pipeline.noise_seed}"], [[5], [6]]),
        (["stimuli.amplitude=${hydra:job.num}"], [[0], [1]]),
        (["stimuli.amplitude=${stimuli.center_x}", "stimuli.center_x=7,8"], [[7, 8], [7, 8]]),
    ],
)
def test_a_reference_of_a_stimulus_is_to_the_values_of_its_job(
    launch: Launch, overrides: list[str], amplitudes: list[list[float]]
) -> None:
    ran = launch("-m", "pipeline.noise_seed=5,6", *overrides)
    assert [list(one.design.families[0].axes["amplitude"]) for one in ran] == amplitudes


@pytest.mark.parametrize("where", ["stimuli.gaussian", "..gaussian"])
def test_a_type_that_is_swept_may_refer_to_another(launch: Launch, where: str) -> None:
    reference = f"stimuli.step.amplitude=${{{where}.amplitude}}"
    (experiment,) = launch(
        "-m", "stimuli=gaussian,step", "stimuli.gaussian.amplitude=5,6", reference
    )
    assert axes(experiment) == [{"amplitude": (5, 6)}] * 2


def test_a_job_that_works_in_its_directory_names_it_in_full(launch: Launch, tmp_path: Path) -> None:
    (experiment,) = launch("batch.output_dir=here", "hydra.job.chdir=true")
    assert experiment.batch.output_dir == tmp_path / "here"


@pytest.mark.parametrize(
    ("given", "points"),
    [
        (("-m", "stimuli.amplitude=interval(5,50)", "stimuli.sampling=sobol"), [4]),
        (("-m", "stimuli.sigma=tag(log,interval(0.1,1))", "stimuli.amplitude=1,2", "stimuli.sampling=random"), [4]),
        (("-m", "stimuli=gaussian,step", "stimuli.amplitude=interval(5,50)", "stimuli.sampling=latin_hypercube"), [4, 4]),
        (("-m", "experiment=touch_dataset", "stimuli.amplitude=interval(5,50)", "stimuli.ramp.final=interval(1,9)", "stimuli.sampling=random"), [4, 4, 4]),
        (("stimuli.amplitude={low: 5, high: 50}", "stimuli.sampling=sobol", "stimuli.where=amplitude > 10"), [4]),
        (("-m", "stimuli.sigma=linspace(0.2,1,5)", "stimuli.sampling=sobol"), [4]),
    ],
)  # fmt: skip
def test_a_sampled_job_is_the_same_when_it_is_replayed(
    launch: Launch, given: tuple[str, ...], points: list[int]
) -> None:
    (experiment,) = launch(*given, "stimuli.samples=4", "batch.output_dir=here")
    assert [family.count_conditions for family in experiment.design.families] == points
    (again,) = launch(*replay(Path("here")))
    total = len(experiment.design)
    assert again.design.ids(0, total) == experiment.design.ids(0, total)


def test_a_sweep_may_change_what_it_chooses(launch: Launch) -> None:
    ran = launch("-m", "+population@neurons.populations.pc=sa,ra", "neurons.populations.pc.count=5")
    assert [experiment.populations["pc"].count for experiment in ran] == [5, 5]
    assert [experiment.populations["pc"].gain for experiment in ran] == [40.0, 12.0]


@pytest.mark.parametrize(
    "params",
    ['hydra.sweeper.params={stimuli.sigma:"1,2"}', '+hydra.sweeper.params.stimuli.sigma="1,2"'],
)
def test_sweeps_may_be_written_in_the_configuration(launch: Launch, params: str) -> None:
    (experiment,) = launch("-m", "stimuli.amplitude=1,2", params)
    assert axes(experiment) == [{"amplitude": (1, 2), "sigma": (1, 2)}]


def test_a_single_run_takes_lists(launch: Launch) -> None:
    (experiment,) = launch(
        "stimuli.amplitude=[10,20,30]", "pipeline.grid_size=[8,12]", "batch.format=hdf5"
    )
    assert (len(experiment.design), experiment.sheet.columns, experiment.batch.format.name) == (
        3,
        12,
        "hdf5",
    )


def test_the_default_directory_is_dated_and_never_shared(launch: Launch, tmp_path: Path) -> None:
    fixed = "batch.output_dir='${now:same}'"
    ran = [launch(fixed), launch(fixed), launch("-m", fixed, "stimuli.amplitude=1,2")]
    assert [str(experiment.batch.output_dir) for (experiment,) in ran] == [
        "same",
        "same-2",
        "same-3",
    ]
    (experiment,) = launch()
    assert experiment.batch.output_dir.parts[0] == "outputs"
    assert (experiment.batch.output_dir / ".hydra" / "config.yaml").is_file()


def test_a_named_directory_is_used_again(launch: Launch) -> None:
    assert [str(launch("batch.output_dir=here")[0].batch.output_dir) for _ in range(2)] == [
        "here",
        "here",
    ]


@pytest.mark.parametrize("arguments", [(), ("-m",), ("-m", "pipeline.grid_size=8,16")])
def test_a_dry_run_leaves_nothing(
    launch: Launch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ran = launch(*arguments, "batch.dry_run=true")
    assert all(experiment.batch.dry_run for experiment in ran)
    assert not list(tmp_path.iterdir())


def test_a_dry_run_names_the_directory_that_hydra_is_given(launch: Launch) -> None:
    for given in (["hydra.run.dir=foo"], ["-m", "hydra.sweep.dir=foo", "stimuli.amplitude=1,2"]):
        dry, ran = launch(*given, "batch.dry_run=true"), launch(*given)
        assert [one.batch.output_dir for one in (*dry, *ran)] == [Path("foo")] * 2


MISTAKES = [
    (["pipeline.dt_ms=-1"], "pipeline.dt_ms: got -1, allowed is a number > 0 (ms)"),
    (["pipeline.gird_size=3"], "pipeline.gird_size: unknown key"),
    (["stimuli=[gaussian,step]"], "stimuli=[gaussian,step]: a list is not a choice; for several in turn write -m stimuli=gaussian,step"),
    (["stimuli.amplitude=10,20"], "several values need --multirun (-m), or a list, 'stimuli.amplitude=[10,20]'"),
    (["experiment=nothing"], "experiment: got 'nothing', allowed are"),
    (["-m", "stimuli.sigma=interval(0,1)"], "stimuli.sigma: got {'low': 0.0, 'high': 1.0}, allowed with sampling: grid are values"),
    (["-m", "pipeline.dt_ms=interval(0,1)"], "pipeline.dt_ms=interval(0,1): interval() has no values to list"),
    (["-m", "stimuli.amplitud=10,20"], "stimuli.amplitud: unknown key"),
    (["-m", "stimuli=gaussian,stp"], ", texture; did you mean 'step'?"),
    (["-m", "stimuli=gaussian,step", "stimuli.wave=1,2"], "stimuli.wave: unknown key"),
    (["-m", "pipeline.grid_size=8,0"], "pipeline.grid_size: got 0, allowed is"),
    (["-m", "pipeline.grid_size=range(3,3)"], "pipeline.grid_size=range(3,3): no values"),
    (["experiment=touch_dataset", "stimuli=step"], "stimuli: got step, but the experiment has entries of its own, gaussian, step, ramp; leave stimuli=step out, or take entries away, as in ~stimuli.gaussian"),
    (["-m", "experiment=touch_dataset", "stimuli=step"], "stimuli: got step, but the experiment has entries of its own, gaussian, step, ramp; leave stimuli=step out, or take entries away, as in ~stimuli.gaussian"),
    (["-m", "experiment=touch_dataset", "stimuli=step,ramp"], "stimuli: got step,ramp, but the experiment has entries of its own, gaussian, step, ramp; leave stimuli=step,ramp out, or take entries away, as in ~stimuli.gaussian"),
    (["experiment=touch_dataset", "stimuli.amplitud=1"], "stimuli.amplitud: unknown key, known are gaussian, step, ramp, "),
    (["experiment=touch_dataset", "+stimuli.foo=1"], "stimuli.foo: got 1, allowed is a mapping with a type"),
    (["experiment=touch_dataset", "stimuli.gausian.sigma=1"], "; did you mean 'gaussian'?"),
    (["-m", "pipeline.grid_size=8,16,8"], "pipeline.grid_size=8,16,8: 8 stands twice; each value makes a dataset of its own"),
    (["-m", "pipeline.grid_size=8,16", "hydra.sweep.subdir=bar"], "hydra.sweep.subdir: got 'bar', one directory for several jobs; ${hydra.job.num} in it tells them apart"),
    (["--resolve"], "--resolve goes with --cfg"),
    (["-m", "hydra.verbose=true,false"], "hydra.verbose=true,false: a setting of Hydra's own is for all jobs; give one value"),
    (["-m", "hydra.searchpath=[here],[there]"], "hydra.searchpath=[here],[there]: a setting of Hydra's own is for all jobs; give one value"),
    (["-m", "hydra/launcher=basic,joblib"], "hydra/launcher=basic,joblib: a setting of Hydra's own is for all jobs; give one value"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"), MISTAKES, ids=[" ".join(row[0]) for row in MISTAKES]
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    launch: Launch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert launch(*arguments, code=2) == []
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_mistakes_of_all_jobs_are_named_at_once(
    launch: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch("-m", "pipeline.grid_size=8,0,-1", "stimuli.sigma=-1,1", "foo=3", code=2)
    named = [line.split(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert named == [
        "foo: unknown key",
        "stimuli.sigma: got -1",
        "pipeline.grid_size: got 0",
        "pipeline.grid_size: got -1",
    ]


def test_a_traceback_for_who_asks(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    launch("pipeline.dt_ms=-1", code=2)
    assert "Traceback" in capsys.readouterr().err


def test_a_folder_of_ones_own_options(launch: Launch, tmp_path: Path) -> None:
    text = "states: {v: 0.0}\nderivatives: {v: I - v}\nthreshold: v >= 1\nreset: {v: 0.0}\nparameters: {}\n"
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "plain.yaml").write_text(text)
    choice = "model@neurons.populations.sa.model=plain"
    for search in (["--config-dir", "mine"], [f"hydra.searchpath=[file://{tmp_path}/mine]"]):
        (experiment,) = launch(*search, choice)
        assert list(experiment.populations["sa"].model.states) == ["v"]
        assert len(launch(*search, "-m", choice, "pipeline.grid_size=8,16")) == 2


BROKEN_OPTIONS = [
    ("defaults:\n  - override /stimuli: none\n", "stimuli: got 'none', allowed are bar, "),
    ("defaults:\n  - /stimuli: step\n", "defaults: stimuli is chosen already; write override /stimuli: step"),
    ("defaults:\n  - override /stimulii: step\n", "defaults: no stimulii is chosen that could be overridden; did you mean 'stimuli'?"),
    ("defaults:\n  - other\n", "experiment: got 'other', allowed are "),
    ("defaults: {stimuli: step}\n", "defaults must be a list (got mapping)"),
    ("- a\n", "holds list, not a mapping"),
    ("stimuli: {amplitude: [1, 2\n", "not valid YAML: line 3"),
]  # fmt: skip


@pytest.mark.parametrize("several", [(), ("-m", "pipeline.grid_size=8,16")])
@pytest.mark.parametrize(("text", "message"), BROKEN_OPTIONS)
def test_an_option_that_cannot_be_composed_is_named_by_its_file(
    launch: Launch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
    several: tuple[str, ...],
) -> None:
    path = tmp_path / "mine" / "experiment" / "own.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"# @package _global_\n{text}")
    launch(*several, "--config-dir", "mine", "experiment=own", code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: ")
    assert message in line


def test_an_option_that_only_a_search_path_finds_is_not_called_an_unknown_key(
    launch: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine" / "experiment" / "own.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("# @package _global_\ndefaults:\n  - nothing\n")
    launch(f"hydra.searchpath=[file://{tmp_path}/mine]", "experiment=own", code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert "unknown key" not in line
    assert "nothing" in line


@pytest.mark.parametrize("several", [(), ("-m", "pipeline.grid_size=8,16")])
@pytest.mark.parametrize(
    "words", [("--config-dir", "conf"), ("hydra.searchpath=[file://{0}/conf]",)]
)
def test_an_option_of_ones_own_that_is_no_yaml_is_one_line(
    launch: Launch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    several: tuple[str, ...],
) -> None:
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "mine.yaml").write_text("reset: {v: where(v > 0, v, -v)}\n")
    given = [word.format(tmp_path) for word in words]
    launch(*several, *given, "model@neurons.populations.sa.model=mine", code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert "model/mine.yaml" in line
    assert "line 1" in line


def test_printing_a_configuration_runs_nothing(
    launch: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("--cfg", "job", "stimuli=step") == []
    assert yaml.safe_load(capsys.readouterr().out)["stimuli"]["type"] == "step"
    assert launch("--info", "defaults") == []
    assert "population/sa" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_the_exit_code_of_a_sweep_is_the_worst_of_its_jobs(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sensoryforge.core.errors import FailedStimuliError

    def fail(experiment: Experiment, **_: Any) -> None:
        if experiment.sheet.rows == 16:
            raise FailedStimuliError("1 of 1 stimuli failed")

    monkeypatch.setattr(batch, "run_experiment", fail)
    launch("-m", "pipeline.grid_size=8,16,24", code=3)
    launch("pipeline.grid_size=16", code=3)


@pytest.mark.slow
def test_a_launcher_runs_structural_axes_in_processes_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    small = [
        "pipeline.duration_ms=60",
        "pipeline.backend=torch",
        "neurons.sa_neurons=2",
        "neurons.ra_neurons=2",
        "batch.output_dir=here",
    ]
    command = [
        warm.python(),
        "-m",
        "sensoryforge.run",
        "-m",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
    ]
    command += ["pipeline.grid_size=4,6", "stimuli=gaussian,step", *small]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Traceback" not in ended.stderr
    names = [f"pipeline.grid_size={side}" for side in (4, 6)]
    assert [(tmp_path / "here" / name / "results.pt").is_file() for name in names] == [True, True]
    assert "pipeline.grid_size=4" in replay(tmp_path / "here" / names[0])


def test_a_space_after_a_comma_is_one_line(
    launch: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch("-m", "stimuli.amplitude=10,", "20", code=2)
    said = capsys.readouterr().err
    assert said.startswith("stimuli.amplitude=10, 20: no spaces around = and after commas; write ")
    assert said.count("\n") == 1


def test_a_sweep_with_cfg_is_one_line(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    launch("-m", "stimuli.amplitude=1,2", "-c", "job", code=2)
    assert capsys.readouterr().err.startswith("--multirun (-m) goes without --cfg")
