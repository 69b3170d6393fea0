# a table reads best with one row a line
"""Mistakes: each is answered by lines that name the key, what it got and what is allowed; nothing is written."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from sensoryforge.commands import cli
from sensoryforge.commands import hydra_app as app
from sensoryforge.commands.command_line import check_jobs
from sensoryforge.config import reading as config
from sensoryforge.config.composer import Composer
from sensoryforge.core.errors import ConfigError

pytestmark = pytest.mark.slow

TYPES = "allowed are bar, braille, *, texture"
AMPLITUDE = "allowed is a number >= 0, or a list of them"
MODEL = "neurons.populations.sa.model"

LINES: list[tuple[str, str]] = [
    # unknown keys, groups and options
    ("pipeline.gird_size=32", "pipeline.gird_size: unknown key, known are *; did you mean 'grid_size'?"),
    ("+pipeline.gird_size=32", "pipeline.gird_size: unknown key, known are *; did you mean 'grid_size'?"),
    ("pipline.grid_size=32", "pipline: unknown key, known are pipeline, neurons, stimuli, batch; did you mean 'pipeline'?"),
    ("+extra=1", "extra: unknown key, known are pipeline, neurons, stimuli, batch"),
    ("stimuli.amplitud=30", "stimuli.amplitud: unknown key, known are *; did you mean 'amplitude'?"),
    ("neurons.sa_neuron=60", "neurons.sa_neuron: unknown key, known are *; did you mean 'sa_neurons'?"),
    ("neurons.populations.sb.count=60", "neurons.populations.sb: unknown key, known are sa, ra"),
    ("batch.resumee=true", "batch.resumee: unknown key, known are *; did you mean 'resume'?"),
    ("pipeline.seed.deep=1", "pipeline.seed.deep: pipeline.seed is a value, it has no keys"),
    ("stimuli=gausian", f"stimuli: got 'gausian', {TYPES}; did you mean 'gaussian'?"),
    ("batch=hdf", "batch: got 'hdf', allowed are hdf5, pytorch; did you mean 'hdf5'?"),
    ("pipeline=fast", "pipeline: got 'fast', allowed are default"),
    ("experiment=touch_data", "experiment: got 'touch_data', allowed are *; did you mean 'touch_dataset'?"),
    (f"model@{MODEL}=lff", f"model@{MODEL}: got 'lff', allowed are adex, adex_mv, *; did you mean 'lif'?"),
    ("filter@neurons.populations.ra.filter=rra", "filter@neurons.populations.ra.filter: got 'rra', allowed are none, ra, sa, sa2*"),
    ("model@neurons.populations.pc.model=lif", "model@neurons.populations.pc.model: no such choice, known are *"),
    ("+population@neurons.populations.pc=pacinian", "+population@neurons.populations.pc: got 'pacinian', allowed are pc, ra, ra1, *"),
    # how an override is written
    ("stimuli=[gaussian,step]", "stimuli=[gaussian,step]: a list is not a choice; for several in turn write -m stimuli=gaussian,step"),
    ("stimuli.amplitude=10,20", "*several values need --multirun (-m), or a list, 'stimuli.amplitude=[10,20]'"),
    ("stimuli.amplitude=range(1,5)", "stimuli.amplitude=range(1,5): several values need --multirun (-m)*"),
    ("stimuli=gaussian,step", "stimuli=gaussian,step: several values need --multirun (-m)*"),
    ("stimuli.amplitude", "stimuli.amplitude: cannot be read as key=value*"),
    ("letters.yml", "letters.yml: cannot be read as key=value; to run a batch file write sensoryforge batch letters.yml"),
    ("stimuli.amplitude=[1,2", "stimuli.amplitude=[1,2: cannot be read as key=value*"),
    ("stimuli.amplitude=10,", "stimuli.amplitude=10,: cannot be read as key=value*"),
    (f"{MODEL}=adex", f"{MODEL}: got 'adex', allowed is a mapping*; to choose an option write model@{MODEL}=adex"),
    ("batch.save=drive", "batch.save: got 'drive', allowed is a list of *; write 'batch.save=[drive]'"),
    # the pipeline
    ("pipeline.grid_size=0", "pipeline.grid_size: got 0, allowed is a whole number from 1 to 4096 (receptors), or [rows, columns]"),
    ("pipeline.grid_size=5000", "pipeline.grid_size: got 5000, allowed is *"),
    ("pipeline.grid_size=32.5", "pipeline.grid_size: got 32.5, allowed is *"),
    ("pipeline.grid_size=[32]", "pipeline.grid_size: got [32], allowed is *"),
    ("pipeline.grid_size=[32,48,64]", "pipeline.grid_size: got [32, 48, 64], allowed is *"),
    ("pipeline.spacing_mm=0", "pipeline.spacing_mm: got 0, allowed is a number > 0 (mm)"),
    ("pipeline.dt_ms=-0.5", "pipeline.dt_ms: got -0.5, allowed is a number > 0 (ms)"),
    ("pipeline.dt_ms=half", "pipeline.dt_ms: got 'half', allowed is a number > 0 (ms)"),
    ("pipeline.dt_ms=null", "pipeline.dt_ms: got null, allowed is a number > 0 (ms)"),
    ("pipeline.dt_ms=true", "pipeline.dt_ms: got True, allowed is a number > 0 (ms)"),
    ("pipeline.dt_ms=400", "pipeline.dt_ms: got 400, allowed is at most pipeline.duration_ms, which is 300.0 (ms)"),
    ("pipeline.dt_ms=0.7", "pipeline.duration_ms: got 300.0, allowed is a whole number of samples *; the nearest is 300.3"),
    ("pipeline.duration_ms=inf", "pipeline.duration_ms: got inf, allowed is a number > 0 (ms)"),
    ("pipeline.duration_ms=nan", "pipeline.duration_ms: got nan, allowed is a number > 0 (ms)"),
    ("pipeline.substeps=0", "pipeline.substeps: got 0, allowed is auto, or a whole number from 1 to 10000 (steps a sample)"),
    ("pipeline.chunk_size=automatic", "pipeline.chunk_size: got 'automatic', allowed is auto, or *; did you mean 'auto'?"),
    ("pipeline.seed=-1", "pipeline.seed: got -1, allowed is a whole number from 0 to *"),
    ("pipeline.seed=1.5", "pipeline.seed: got 1.5, allowed is a whole number from 0 to *"),
    ("pipeline.device=cpuu", "pipeline.device: got 'cpuu', allowed are auto, cpu, cuda, cuda:N; did you mean 'cpu'?"),
    ("pipeline.device=cuda:99", "pipeline.device: got 'cuda:99', but this machine has *; set pipeline.device: cpu (or auto)"),
    ("pipeline.devices=0", "pipeline.devices: got 0, allowed is auto, or a whole number >= 1 (GPUs), or a list of their numbers"),
    ("pipeline.devices=[0,0]", "pipeline.devices: got [0, 0], allowed is auto, or *"),
    ("pipeline.devices=[]", "pipeline.devices: got [], allowed is auto, or *"),
    ("pipeline.devices=99", "pipeline.devices: got 99, but this machine has *; set pipeline.devices: 1 (or auto)"),
    ("pipeline.backend=numbaa", "pipeline.backend: got 'numbaa', allowed are *; did you mean 'numba'?"),
    # neurons
    ("neurons.sa_neurons=0", "neurons.sa_neurons: got 0, allowed is a whole number >= 1 (neurons)"),
    ("neurons.sa_neurons=60.5", "neurons.sa_neurons: got 60.5, allowed is a whole number >= 1 (neurons)"),
    ("neurons.populations.sa.count=0", "neurons.populations.sa.count: got 0, allowed is a whole number >= 1 (neurons)"),
    ("+neurons.pc_neurons=60", "neurons.pc_neurons: unknown key, known are populations, sa_neurons, ra_neurons*"),
    ("~neurons.populations", "neurons.populations: got none, allowed is a mapping of at least one population"),
    ("neurons.populations.sa.layout=evn", "neurons.populations.sa.layout: got 'evn', allowed are *; did you mean 'even'?"),
    ("neurons.populations.sa.noise_std=-1", "neurons.populations.sa.noise_std: got -1, allowed is a number >= 0 (*)"),
    ("neurons.populations.sa.gain=high", "neurons.populations.sa.gain: got 'high', allowed is a finite number (-)"),
    ("+neurons.populations.pc.count=3", "neurons.populations.pc.*: missing, allowed *"),
    ("neurons.populations.sa.innervation.sigma_mm=0", "neurons.populations.sa.innervation.sigma_mm: got 0, allowed is a number > 0 (mm)"),
    ("+neurons.populations.sa.innervation.sigm=1", "neurons.populations.sa.innervation.sigm: unknown key, *; did you mean 'sigma_mm'?"),
    ("neurons.populations.sa.innervation._target_=os.path", "neurons.populations.sa.innervation._target_: got 'os.path', allowed is *"),
    # equations
    (f"{MODEL}.threshold='v >= vpeak'", f"conf/model/izhikevich.yaml ({MODEL}): threshold*unknown name 'vpeak'*did you mean 'v_peak'?"),
    (f"{MODEL}.derivatives.v=__import__('os')", f"{MODEL}.derivatives.v=__import__('os'): cannot be read as key=value*"),
    (f"{MODEL}.derivatives.v='u.real'", f"conf/model/izhikevich.yaml ({MODEL}): derivatives.v*"),
    (f"{MODEL}.threshold=null", f"conf/model/izhikevich.yaml ({MODEL}): *threshold*"),
    (f"~{MODEL}.reset", f"conf/model/izhikevich.yaml ({MODEL}): *reset*"),
    (f"{MODEL}.parameters.a={{mean:0.02}}", f"conf/model/izhikevich.yaml ({MODEL}): parameters.a*"),
    (f"+{MODEL}.parameters.aa=1", f"conf/model/izhikevich.yaml ({MODEL}): parameters.aa: no equation reads it (*); known: a, b, c, d, v_peak; did you mean 'a'?"),
    ("+neurons.populations.sa.filter.parameters.tau_x=1", "conf/filter/sa.yaml (*): parameters.tau_x: no equation reads it (*); known: tau_r, *; did you mean 'tau_*'?"),
    # stimuli
    ("stimuli.amplitude=-1", f"stimuli.amplitude: got -1, {AMPLITUDE}"),
    ("stimuli.amplitude=[10,-1,-2]", f"stimuli.amplitude: got -1 and 1 more, {AMPLITUDE}"),
    ("stimuli.amplitude=strong", f"stimuli.amplitude: got 'strong', {AMPLITUDE}"),
    ("stimuli.amplitude=null", f"stimuli.amplitude: got null, {AMPLITUDE}"),
    ("stimuli.amplitude=[]", "stimuli.amplitude: got an empty list, allowed is a number >= 0, or a list of them"),
    ("stimuli.amplitude=[[1,2],[3]]", f"stimuli.amplitude: got [1, 2] and 1 more, {AMPLITUDE}; lists cannot be nested"),
    ("stimuli.sigma=0", "stimuli.sigma: got 0, allowed is a number > 0 (mm), or a list of them"),
    ("stimuli.repetitions=0", "stimuli.repetitions: got 0, allowed is a whole number >= 1 (noise realisations)"),
    ("stimuli.repetitions=9223372036854775808", "stimuli: got 1 parameter combinations, 9223372036854775808 stimuli; allowed are at most *"),
    ("stimuli.repetitions=[1,2]", "stimuli.repetitions: got [1, 2], allowed is a whole number >= 1 (noise realisations)"),
    ("stimuli.type=[gaussian,step]", "stimuli.type: got ['gaussian', 'step'], allowed is the name of one type*"),
    ("stimuli._target_=os.getcwd", "stimuli._target_: got 'os.getcwd', allowed is the dotted path of a Stimulus class*"),
    ("~stimuli.sigma", "stimuli.sigma: missing, allowed is a number > 0 (mm)"),
    ("~stimuli", "stimuli: missing, allowed is a mapping"),
    ("stimuli.amplitude=[10,10.0]", "*repetitions*"),
    # the batch
    ("batch.format=hdf", "batch.format: got 'hdf', allowed are hdf5, pytorch; did you mean 'hdf5'?"),
    ("batch.checkpoint_frequency=0", "batch.checkpoint_frequency: got 0, allowed is a whole number >= 1 (stimuli)"),
    ("batch.num_workers=-2", "batch.num_workers: got -2, allowed is auto, or a whole number from 1 to 4096 (threads)"),
    ("batch.save=[drives]", "batch.save: got ['drives'], allowed is a list of drive, filtered, voltage, stimulus"),
    ("batch.save=drive", "batch.save: got 'drive', allowed is a list of drive, filtered, voltage, stimulus*"),
    ("batch.output_dir=''", "batch.output_dir: got '', allowed is the path of a directory"),
    ("batch.resume=maybe", "batch.resume: got 'maybe', allowed are true, false"),
    ("batch.on_error=stopp", "batch.on_error: got 'stopp', allowed are continue, stop; did you mean 'stop'?"),
]  # fmt: skip

ONE = "stimuli: [{type: gaussian}]\n"

FILES: list[tuple[str, str | bytes, str]] = [
    ("empty", "", "batch.yml: empty; it needs at least stimuli, *"),
    ("only a comment", "# nothing\n", "batch.yml: empty; *"),
    ("binary", bytes(range(256)), "batch.yml: not a text file"),
    ("a list", "- 1\n- 2\n", "batch.yml: holds list, not a mapping with pipeline, neurons, stimuli, batch"),
    ("an option with a name too long for a file", f"{ONE}neurons: {{populations: {{sa: {{model: a{'9' * 300}}}}}}}\n", "*model*: got *allowed are *"),
    ("a word", "hello\n", "batch.yml: holds str, not a mapping with *"),
    ("broken", "stimuli: [\n", "batch.yml: not valid YAML: line 2, column 1: *"),
    ("a tab", "pipeline:\n\tgrid_size: 3\n", "batch.yml: not valid YAML: line 2, *"),
    ("a key twice", f"{ONE}{ONE}", "batch.yml: not valid YAML: line 2, column 1: key 'stimuli' given twice"),
    ("python inside", "stimuli: !!python/object/apply:os.getcwd []\n", "batch.yml: not valid YAML: *"),
    ("no stimuli", "pipeline: {grid_size: 8}\n", "stimuli: missing, allowed is a list of entries with a type"),
    ("an empty list of stimuli", "stimuli: []\n", "stimuli: got none, allowed is at least one entry with a type"),
    ("an entry without type", "stimuli: [{amplitude: 3}]\n", f"stimuli.0.type: got null, *: {TYPES.removeprefix('allowed are ')}"),
    ("an entry with two types", "stimuli: [{type: [gaussian, step]}]\n", "stimuli.0.type: got ['gaussian', 'step'], *"),
    ("an entry that is a word", "stimuli: [gaussian]\n", "stimuli.0: got 'gaussian', allowed is an entry with one type: *"),
    ("an unknown type", "stimuli: [{type: gausian}]\n", f"stimuli.0.type: got 'gausian', {TYPES}; did you mean 'gaussian'?"),
    ("an unknown section", f"stimulus: 3\n{ONE}", "batch.yml: stimulus: unknown key, known are *; did you mean 'stimuli'?"),
    ("an unknown key", f"{ONE}pipeline: {{girdsize: 3}}\n", "pipeline.girdsize: unknown key, known are *; did you mean 'grid_size'?"),
    ("an unknown parameter", "stimuli: [{type: step, amplitud: 3}]\n", "stimuli.amplitud: unknown key, *; did you mean 'amplitude'?"),
    ("a section that is a number", f"{ONE}batch: 3\n", "batch: got 3, allowed is a mapping with output_dir, *"),
    ("a section that is a list", f"{ONE}pipeline: []\n", "pipeline: got [], allowed is a mapping with device, *"),
    ("neurons that are a list", f"{ONE}neurons: [sa]\n", "neurons: got ['sa'], allowed is a mapping with populations, *"),
    ("populations that are a list", f"{ONE}neurons: {{populations: [sa, ra]}}\n", "neurons.populations: got ['sa', 'ra'], allowed is a mapping of names to populations"),
    ("populations that are a number", f"{ONE}neurons: {{populations: 3}}\n", "neurons.populations: got 3, allowed is a mapping of names to populations"),
    ("a population that is a list", f"{ONE}neurons: {{populations: {{sa: [1]}}}}\n", "neurons.populations.sa: got [1], allowed is a mapping with count, *"),
    ("units that are a list", f"{ONE}neurons: {{populations: {{sa: {{units: [1]}}}}}}\n", "neurons.populations.sa.units: got [1], allowed is a mapping, as in the options of its group"),
    ("rows that are a mapping", f"{ONE}neurons: {{populations: {{sa: {{units: {{columns: [gain], rows: {{a: 1}}}}}}}}}}\n", "neurons.populations.sa.units.rows: got {'a': 1}, allowed is a list"),
    ("a model that is a list", f"{ONE}neurons: {{populations: {{sa: {{model: [1]}}}}}}\n", f"{MODEL}: got [1], allowed is a mapping, as in the options of its group"),
    ("parameters that are a list", f"{ONE}neurons: {{populations: {{sa: {{model: {{parameters: [1]}}}}}}}}\n", f"{MODEL}.parameters: got [1], allowed is a mapping of names to values"),
    ("derivatives that are a list", f"{ONE}neurons: {{populations: {{sa: {{filter: {{derivatives: [1]}}}}}}}}\n", "neurons.populations.sa.filter.derivatives: got [1], allowed is a mapping of names to values"),
    ("a mapping for a list", f"{ONE}batch: {{save: {{drive: true}}}}\n", "batch.save: got {'drive': True}, allowed is a list of drive, *"),
    ("an unknown option", f"{ONE}batch: hdf\n", "batch: got 'hdf', allowed are hdf5, pytorch; did you mean 'hdf5'?"),
    ("an unknown shared file", f"defaults: [base]\n{ONE}", "batch.yml: defaults: no base.yml or base.yaml beside it or in its parents*"),
    ("defaults that are a number", f"defaults: 3\n{ONE}", "batch.yml: defaults: got 3, allowed is a list of shared files or options"),
    ("a file that builds on itself", f"defaults: [batch]\n{ONE}", "batch.yml: defaults: batch builds on itself"),
    ("a number with its unit", f"{ONE}pipeline: {{duration_ms: 300ms}}\n", "pipeline.duration_ms: got '300ms', allowed is a number > 0 (ms)"),
    ("a number that no float holds", f"{ONE}pipeline: {{dt_ms: {10**400}}}\n", "pipeline.dt_ms: got 1000*..., allowed is a number > 0 (ms)"),
    ("numbers without brackets", "stimuli:\n- type: gaussian\n  amplitude: 10,20\n", f"stimuli.amplitude: got '10,20', {AMPLITUDE}"),
    ("a number of base sixty", "stimuli:\n- type: gaussian\n  sigma: 1:30\n", "stimuli.sigma: got '1:30', allowed is a number > 0 (mm), or a list of them"),
    ("a date", f"{ONE}pipeline: {{seed: 2026-11-25}}\n", "pipeline.seed: got '2026-11-25', allowed is a whole number from 0 to *"),
    ("a step after the end", "stimuli: [{type: step, step_time: 300}]\n", "stimuli.step_time: got 300, allowed is less than duration_ms, 300 (ms)"),
    ("steps after the end", "stimuli: [{type: step, step_time: [100, 300, 301, 302.5]}]\n", "stimuli.step_time: got 300 and 2 more, allowed is less than duration_ms, 300 (ms)"),
    ("a stimulus twice", "stimuli: [{type: ramp}, {type: ramp}]\n", "*repetitions*"),
    ("an unknown model", f"{ONE}neurons: {{populations: {{sa: {{model: lff}}}}}}\n", f"model@{MODEL}: got 'lff', allowed are adex, *; did you mean 'lif'?"),
    ("a parameter of a model that no equation reads", f"{ONE}neurons: {{populations: {{sa: {{model: {{parameters: {{aa: 1}}}}}}}}}}\n", f"conf/model/izhikevich.yaml ({MODEL}): parameters.aa: no equation reads it (*; did you mean 'a'?"),
    ("a key that is not there", f"{ONE}pipeline: {{grid_size: '${{pipeline.side}}'}}\n", "pipeline.grid_size: got '${pipeline.side}' (interpolation key 'pipeline.side' not found); allowed is a value, or another key's as in ${pipeline.seed}"),
    ("a resolver that is not there", f"{ONE}pipeline: {{seed: '${{oc.eval:1+1}}'}}\n", "pipeline.seed: got '${oc.eval:1+1}' (unsupported interpolation type oc.eval); allowed is a value, *"),
    ("a variable that is not there", f"{ONE}batch: {{output_dir: '${{oc.env:NOTHING}}'}}\n", "batch.output_dir: got '${oc.env:NOTHING}' (environment variable 'NOTHING' not found); allowed is *"),
    ("a value that reads itself", f"{ONE}pipeline: {{seed: '${{pipeline.seed}}'}}\n", "pipeline.seed: got '${pipeline.seed}' (recursive interpolation detected); allowed is *"),
    ("half an interpolation", f"{ONE}pipeline: {{seed: '${{pipe'}}\n", "pipeline.seed: got '${pipe' (no viable alternative at input '${pipe'); allowed is *"),
]  # fmt: skip


def matches(line: str, pattern: str) -> bool:
    """Tell whether a line is the pattern, in which a star stands for anything."""
    first, *rest = pattern.split("*")
    if not line.startswith(first):
        return False
    place = len(first)
    for piece in rest:
        place = line.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return not rest or rest[-1] == "" or line.endswith(rest[-1])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("override", "expected"), LINES, ids=[override for override, _ in LINES])
def test_a_mistake_on_a_command_line_is_named(override: str, expected: str, folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        check_jobs(Composer.over(), [[override]])
    assert all(matches(line, expected) for line in caught.value.problems), caught.value.problems
    assert "\n" not in caught.value.problems[0]
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in FILES], ids=[row[0] for row in FILES]
)
def test_a_mistake_in_a_batch_file_is_named(
    text: str | bytes, expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "batch.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert cli.main(["batch", "batch.yml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert all(matches(line, expected) for line in err.splitlines()), err
    assert list(folder.iterdir()) == [path]


def test_all_mistakes_are_named_at_once() -> None:
    overrides = [
        "pipeline.gird_size=3",
        "stimuli=gausian",
        "batch.format=hdf",
        "stimuli.sigma=-1",
        "bar",
        "pipeline.dt_ms=0",
    ]
    with pytest.raises(ConfigError) as caught:
        check_jobs(Composer.over(), [overrides])
    named = {line.split(":")[0] for line in caught.value.problems}
    assert named == {
        "pipeline.gird_size",
        "stimuli",
        "batch.format",
        "stimuli.sigma",
        "bar",
        "pipeline.dt_ms",
    }


def test_all_mistakes_of_a_file_are_named_at_once(folder: Path) -> None:
    Path("batch.yml").write_text(
        "batch: {format: hdf}\npipeline: {dt_ms: 0}\nstimuli: [{type: stp}, {type: step, sigm: 1}]\n"
    )
    with pytest.raises(ConfigError) as caught:
        config.check_batch_file("batch.yml", ["stimuli.sigma=-1", "neurons.sa=3"])
    named = {line.split(":")[0] for line in caught.value.problems}
    assert named == {
        "batch.format",
        "pipeline.dt_ms",
        "stimuli.0.type",
        "stimuli.sigm",
        "stimuli.sigma",
        "neurons.sa",
    }


def test_a_contradiction_is_told_beside_another_mistake(folder: Path) -> None:
    Path("batch.yml").write_text(
        "stimuli: [{type: step, step_time: 300, amplitud: 3, sigma: -1, repetitions: 0}]\n"
    )
    with pytest.raises(ConfigError) as caught:
        config.check_batch_file("batch.yml")
    named = {line.split(":")[0] for line in caught.value.problems}
    assert named == {
        "stimuli.amplitud",
        "stimuli.sigma",
        "stimuli.repetitions",
        "stimuli.step_time",
    }


def test_to_go_on_and_to_begin_anew_are_not_asked_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("batch.yml").write_text(ONE)
    assert cli.main(["batch", "batch.yml", "--resume", "--overwrite", "--dry-run"]) == 2
    assert (
        capsys.readouterr().err
        == "batch.resume: got true with batch.overwrite: true; a run is gone on with or discarded, not both\n"
    )


@pytest.mark.parametrize("group", [pytest.param("model", marks=pytest.mark.slow), "stimuli"])
def test_an_option_whose_name_ends_otherwise_is_named(
    group: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "conf" / group / "mine.yml"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n")
    model = "neurons: {populations: {sa: {model: mine}}}\n"
    Path("batch.yml").write_text(
        "stimuli: [{type: mine}]\n" if group == "stimuli" else f"{ONE}{model}"
    )
    where = "stimuli" if group == "stimuli" else "model@neurons.populations.sa.model"
    for words in (
        ["batch", "batch.yml"],
        ["run", "--config-dir", "conf", f"{where}=mine"],
        ["run", "--config-dir", "conf", "-m", f"{where}=mine"],
        ["run", "--config-dir", "conf", "-m", f"{where}=mine", "pipeline.grid_size=8,16"],
    ):
        assert cli.main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        allowed, _, hint = line.partition("; ")
        assert "got 'mine', allowed are " in allowed
        assert "mine" not in allowed.partition("allowed")[2]
        assert hint == f"{path} must end in .yaml"
    if group == "model":
        with pytest.raises(ConfigError, match=r"mine\.yml must end in \.yaml"):
            config.load_block("model/mine", search=["conf"])


def test_a_mistake_in_a_shared_file_is_told_of_that_file(folder: Path) -> None:
    Path("base.yml").write_text("pipelin: {grid_size: 8}\n")
    Path("batch.yml").write_text(f"defaults: [base]\n{ONE}")
    with pytest.raises(ConfigError) as caught:
        config.check_batch_file("batch.yml")
    (line,) = caught.value.problems
    assert line.startswith(f"{folder / 'base.yml'}: pipelin: unknown key, known are ")
    assert line.endswith("; did you mean 'pipeline'?")


def test_a_file_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my_batch.yaml").write_text(ONE)
    assert cli.main(["batch", "my_batch.yml"]) == 2
    assert capsys.readouterr().err == "my_batch.yml: no such file; did you mean 'my_batch.yaml'?\n"
    assert cli.main(["batch", "."]) == 2
    assert capsys.readouterr().err == ".: a directory, not a batch file\n"


def test_there_are_at_least_sixty() -> None:
    assert len(LINES) + len(FILES) >= 60


@pytest.mark.parametrize("more", [(), ("batch.dry_run=true",), ("-m", "stimuli.amplitude=10,20")])
def test_a_value_that_stands_for_nothing_is_one_line_of_the_application_too(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
) -> None:
    monkeypatch.setattr("sys.argv", ["sensoryforge.run", "pipeline.seed=${pipeline.side}", *more])
    with suppress(SystemExit):
        assert app.main() == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "pipeline.seed: got '${pipeline.side}' (interpolation key 'pipeline.side' not found); allowed"
    )
    assert said.count("\n") == 1
    assert not list(folder.iterdir())
