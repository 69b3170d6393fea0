"""Amplitudes in thresholds: numbers of the calibration beside the file, before ids are made."""

from __future__ import annotations

from pathlib import Path

import pytest

import sensoryforge as sf
from sensoryforge.commands import cli
from sensoryforge.config.reading import check, check_batch_file, compose
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.experiment import Experiment

FILE = """
pipeline: {{grid_size: 12, duration_ms: 60}}
neurons: {{sa_neurons: 5, ra_neurons: 7}}
stimuli: [{{type: disc, amplitude: {amplitude}, profile: trapezoid}}]
batch: {{output_dir: data}}
"""
AXIS = "{thresholds: [0.5, 1, 2, 4], of: sa}"
THRESHOLDS = {"sa": 3.0, "ra": 7.5}
CALIBRATION = Path("small.calibration.yml")


def write(amplitude: str = AXIS, name: str = "small.yml", extra: str = "") -> None:
    Path(name).write_text(f"{extra}{FILE.format(amplitude=amplitude)}")


def calibrate(*words: str) -> None:
    """Calibrate the file, and put round thresholds in the place of those that were found."""
    assert cli.main(["calibrate", "small.yml", "--threshold-mm", "0.25", *words]) == 0
    text = CALIBRATION.read_text()
    head, _, _ = text.partition("  thresholds:")
    CALIBRATION.write_text(f"{head}  thresholds: {THRESHOLDS}\n")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder with a file in thresholds."""
    monkeypatch.chdir(tmp_path)
    write()


def amplitudes(experiment: Experiment) -> list[float]:
    return list(experiment.design.families[0].axes["amplitude"])


def ids(experiment: Experiment) -> list[str]:
    return experiment.design.ids(0, len(experiment.design))


def test_an_amplitude_is_that_many_thresholds_of_the_population() -> None:
    calibrate()
    assert amplitudes(check_batch_file("small.yml")) == [1.5, 3.0, 6.0, 12.0]
    write("{thresholds: 2, of: ra}")
    assert amplitudes(check_batch_file("small.yml")) == [15.0]


def test_what_calibrate_finds_is_what_is_taken() -> None:
    assert cli.main(["calibrate", "small.yml", "--threshold-mm", "1"]) == 0
    told = CALIBRATION.read_text()
    (found,) = amplitudes(check_batch_file("small.yml", ["stimuli.amplitude={thresholds:1,of:sa}"]))
    assert f"sa: {found!r}" in told


def test_ids_seeds_and_bits_are_those_of_the_plain_numbers() -> None:
    calibrate()
    results = sf.run("small.yml")
    write("[1.5, 3.0, 6.0, 12.0]", "plain.yml")
    plain = sf.run(sf.config.load_batch_file("plain.yml", ["batch.output_dir=plain"]))
    assert results is not None
    assert plain is not None
    for column in ("id", "seed", "amplitude"):
        assert results.table[column].tolist() == plain.table[column].tolist()
    assert (results.counts("sa") == plain.counts("sa")).all()
    assert results.counts("sa").any()
    assert "thresholds" not in str(results.metadata["config"])
    # A dataset of the plain numbers is the same dataset: there is nothing left to do.
    write("[1.5, 3.0, 6.0, 12.0]")
    assert ids(check_batch_file("small.yml")) == results.table["id"].tolist()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["stimuli.amplitude={thresholds:[1,3],of:ra}"], [7.5, 22.5]),
        (["stimuli.amplitude={thresholds:1,of:ra}"], [7.5]),
        (["stimuli.amplitude.thresholds=[3]"], [9.0]),
        (["stimuli.amplitude={of:ra,thresholds:[3]}"], [22.5]),
        (["stimuli.amplitude.of=ra"], [3.75, 7.5, 15.0, 30.0]),
        (["stimuli.amplitude=[4,5]"], [4, 5]),
        (["stimuli.amplitude=4"], [4]),
    ],
)
def test_the_command_line_says_it_too(words: list[str], wanted: list[float]) -> None:
    calibrate()
    assert amplitudes(check_batch_file("small.yml", words)) == wanted


def test_a_file_in_numbers_takes_thresholds_from_the_command_line() -> None:
    calibrate()
    for before in ("10", "[10, 20]"):
        write(before)
        words = ["stimuli.amplitude={thresholds:[1,2],of:sa}"]
        assert amplitudes(check_batch_file("small.yml", words)) == [3.0, 6.0]


def test_a_named_entry_has_thresholds_of_its_own_shape() -> None:
    text = """
pipeline: {grid_size: 12, duration_ms: 60}
neurons: {sa_neurons: 5, ra_neurons: 7}
stimuli:
  other: {type: gaussian, amplitude: [10, 20]}
  probe: {type: disc, amplitude: {thresholds: [1, 2], of: sa}}
batch: {output_dir: data}
"""
    Path("small.yml").write_text(text)
    calibrate("--stimulus", "1")
    _, probe = check_batch_file("small.yml").design.families
    assert probe.axes["amplitude"] == (3.0, 6.0)
    words = ["stimuli.other.amplitude={thresholds:[1],of:sa}"]
    with pytest.raises(ConfigError, match=r"^stimuli.other.amplitude: .* of other populations"):
        check_batch_file("small.yml", words)


def test_under_a_calibration_in_mm_thresholds_are_mm() -> None:
    calibrate()
    factors = "neurons: {populations: {sa: {drive_per_mm: 12.0}, ra: {drive_per_mm: 30.0}}}\n"
    Path("shared.yml").write_text(factors)
    write(extra="defaults: [shared]")
    experiment = check_batch_file("small.yml")
    assert experiment.amplitude_unit == "mm"
    assert amplitudes(experiment) == [0.125, 0.25, 0.5, 1.0]  # of 3 / 12 mm


def test_one_population_needs_no_name() -> None:
    calibrate()
    text = CALIBRATION.read_text()
    CALIBRATION.write_text(text.replace(", 'ra': 7.5", ""))
    write("{thresholds: [1, 2]}")
    assert amplitudes(check_batch_file("small.yml")) == [3.0, 6.0]
    words = ["stimuli.amplitude={thresholds:3,of:sa}"]
    assert amplitudes(check_batch_file("small.yml", words)) == [9.0]


def test_amplitude_repetitions_and_machine_make_a_calibration_no_older() -> None:
    calibrate()
    words = ["stimuli.repetitions=3", "pipeline.backend=torch", "batch.num_workers=1"]
    assert len(amplitudes(check_batch_file("small.yml", words))) == 4


KEY = "stimuli.amplitude"
ANEW = "make it anew with: sensoryforge calibrate small.yml"
OLD = f"{KEY}: small.calibration.yml is of other populations, another pipeline or stimulus; {ANEW}"
KNOWN = "allowed are the populations with a threshold, sa, ra"
NUMBER = "allowed is a number >= 0 (thresholds), or a list of them"
MISTAKES: list[tuple[str, str]] = [
    ("pipeline.seed=1", OLD),
    ("pipeline.duration_ms=70", OLD),
    ("neurons.sa_neurons=6", OLD),
    ("neurons.populations.ra.noise_std=3", OLD),
    ("neurons.populations.ra=null", OLD),
    ("stimuli.diameter_mm=1.5", OLD),
    ("stimuli.profile.hold_ms=20", OLD),
    ("stimuli.amplitude.of=pc", f"{KEY}.of: got 'pc', {KNOWN}"),
    ("stimuli.amplitude.of=saa", f"{KEY}.of: got 'saa', {KNOWN}; did you mean 'sa'?"),
    ("stimuli.amplitude.of=null", f"{KEY}.of: missing, {KNOWN}"),
    ("stimuli.amplitude.of=[sa]", f"{KEY}.of: got ['sa'], allowed is the name of a population"),
    ("stimuli.amplitude.thresholds=-1", f"{KEY}.thresholds: got -1, {NUMBER}"),
    ("stimuli.amplitude.thresholds=[]", f"{KEY}.thresholds: got [], {NUMBER}"),
    ("stimuli.amplitude.thresholds=[1,two]", f"{KEY}.thresholds: got [1, 'two'], {NUMBER}"),
    ("stimuli.amplitude.thresholds=null", f"{KEY}.thresholds: got null, {NUMBER}"),
    ("stimuli.amplitude={threshold:1}", f"{KEY}.threshold: unknown key, known are thresholds, of; did you mean 'thresholds'?"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "line"), MISTAKES, ids=[word for word, _ in MISTAKES])
def test_a_mistake_is_one_line(word: str, line: str) -> None:
    calibrate()
    with pytest.raises(ConfigError) as caught:
        check_batch_file("small.yml", [word])
    assert caught.value.problems == (line,)


def test_without_a_calibration_the_command_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        check_batch_file("small.yml")
    told = f"{KEY}: got thresholds, and there is no small.calibration.yml"
    assert caught.value.problems == (f"{told}; run: sensoryforge calibrate small.yml",)


@pytest.mark.parametrize("text", ["neurons: {}", "calibration: 3", "calibration: {digest: 1}"])
def test_a_calibration_without_thresholds_is_told(text: str) -> None:
    CALIBRATION.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check_batch_file("small.yml")
    told = f"{KEY}: small.calibration.yml has no thresholds; {ANEW}"
    assert caught.value.problems == (told,)


def test_without_a_batch_file_there_are_no_thresholds() -> None:
    with pytest.raises(ConfigError) as caught:
        check(compose("stimuli.amplitude={thresholds:[1,2],of:sa}"))
    told = f"{KEY}: got thresholds, which are those of a batch file that was calibrated"
    assert caught.value.problems == (f"{told}; allowed here is a number or a list of them",)
