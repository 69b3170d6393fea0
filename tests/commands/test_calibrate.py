"""``sensoryforge calibrate``: what it prints, what it writes, and that a batch file takes it in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import sensoryforge as sf
from sensoryforge.commands import cli
from sensoryforge.config.reading import check_batch_file
from sensoryforge.core.errors import ConfigError

SMALL = """
pipeline: {grid_size: 12, duration_ms: 60}
neurons: {sa_neurons: 5, ra_neurons: 7}
stimuli: [{type: disc, amplitude: [10, 20], profile: trapezoid}, {type: gaussian, amplitude: 5}]
batch: {output_dir: data}
"""
GIVEN = ("--threshold-mm", "0.05")
FILE = Path("small.calibration.yml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with one small batch file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yml").write_text(SMALL)
    return tmp_path


def calibrate(*words: str) -> dict[str, Any]:
    """Return what the command writes."""
    assert cli.main(["calibrate", "small.yml", *words]) == 0
    written: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return written


def factors(written: dict[str, Any]) -> dict[str, float]:
    populations = written["neurons"]["populations"]
    return {name: values["drive_per_mm"] for name, values in populations.items()}


def test_the_factor_is_drive_by_mm_and_twice_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    written = calibrate(*GIVEN)
    first = FILE.read_text()
    thresholds = written["calibration"]["thresholds"]
    for name, factor in factors(written).items():
        assert factor == pytest.approx(thresholds[name] / 0.05, rel=1e-5)
    assert calibrate(*GIVEN) == written
    assert FILE.read_text() == first
    printed = capsys.readouterr()
    rows = [line.split() for line in printed.out.splitlines()]
    assert ["population", "threshold", "unit", "reached", "neurons"] in rows
    assert ["sa", f"{thresholds['sa']:g}", "a.u.", "5", "5"] in rows
    assert printed.err.rstrip().splitlines()[-1].startswith("Progress: 100% 92/92")


def test_a_depth_may_be_said_of_each_population() -> None:
    written = calibrate("--threshold-mm", "0.05", "--threshold-mm", "ra=0.02")
    thresholds = written["calibration"]["thresholds"]
    assert factors(written)["ra"] == pytest.approx(thresholds["ra"] / 0.02, rel=1e-5)


def test_fitted_populations_say_the_threshold_in_mm(capsys: pytest.CaptureFixture[str]) -> None:
    of_names = factors(calibrate())
    assert "sa1 for sa" in capsys.readouterr().out
    assert of_names == factors(calibrate("--like", "sa=sa1", "--like", "ra=ra1"))
    like_pc = factors(calibrate("--like", "sa=pc"))
    assert like_pc["sa"] > 3 * of_names["sa"]  # PC afferents fire at a third of the depth, or less
    assert like_pc["ra"] == of_names["ra"]


def test_receptors_that_form_no_lattice_are_a_grid_for_the_fitted() -> None:
    assert factors(calibrate("pipeline.arrangement=random")).keys() == {"sa", "ra"}


def test_a_batch_file_takes_it_in_unchanged_and_is_calibrated_in_mm() -> None:
    written = calibrate(*GIVEN)
    Path("mm.yml").write_text(f"defaults: [small.calibration]{SMALL}".replace("10, 20", "0.05, 1"))
    experiment = check_batch_file("mm.yml")
    told = {name: spec.drive_per_mm for name, spec in experiment.populations.items()}
    assert told == factors(written)
    assert experiment.amplitude_unit == "mm"
    assert "calibration" not in experiment.config
    results = sf.run("mm.yml")
    assert results is not None
    assert results.metadata["amplitude_unit"] == "mm"


def test_a_calibrated_file_has_the_same_thresholds_and_digest_again() -> None:
    written = calibrate(*GIVEN)
    Path("small.yml").write_text(f"defaults: [small.calibration]{SMALL}".replace("10, 20", "0.1"))
    assert calibrate(*GIVEN) == written


def test_at_the_threshold_in_mm_half_of_the_neurons_fire() -> None:
    written = calibrate(*GIVEN, "neurons.populations.sa.noise_std=0")
    factor = factors(written)["sa"]
    words = ["neurons.populations.sa.noise_std=0", f"neurons.populations.sa.drive_per_mm={factor}"]
    words += ["neurons.populations.ra.drive_per_mm=1", "stimuli.disc.amplitude=[0.0499,0.0501]"]
    words += ["~stimuli.gaussian"]
    results = sf.run(sf.config.load_batch_file("small.yml", words))
    assert results is not None
    firing = (results.counts("sa") > 0).sum(axis=1).tolist()
    assert firing[0] < 2.5 <= firing[1]


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (("stimuli.disc.amplitude=7",), False),
        (("stimuli.disc.repetitions=2",), False),
        (("pipeline.backend=torch", "pipeline.chunk_size=3"), False),
        (("pipeline.seed=3",), True),
        (("pipeline.duration_ms=80",), True),
        (("stimuli.disc.diameter_mm=1.5",), True),
        (("stimuli.disc.profile.hold_ms=150",), True),
        (("neurons.populations.sa.gain=41",), True),
        (("neurons.sa_neurons=6",), True),
    ],
)
def test_the_digest_is_of_all_that_a_threshold_depends_on(
    words: tuple[str, ...], changes: bool
) -> None:
    digest = calibrate(*GIVEN)["calibration"]["digest"]
    assert (calibrate(*GIVEN, *words)["calibration"]["digest"] != digest) == changes


def test_another_entry_and_another_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["calibrate", "small.yml", "--stimulus", "1", "--output", "x.yml", *GIVEN]) == 0
    assert "Stimulus: gaussian, sigma" in capsys.readouterr().out
    assert not FILE.exists()
    written = Path("x.yml").read_text()
    assert written.startswith(
        "# Written by: sensoryforge calibrate small.yml --stimulus 1 --threshold-mm 0.05\n"
    )


def test_more_neurons_need_more() -> None:
    few = calibrate(*GIVEN, "--fraction", "0.3")["calibration"]["thresholds"]
    most = calibrate(*GIVEN, "--fraction", "0.9")["calibration"]["thresholds"]
    assert few["sa"] < most["sa"]


def test_a_population_that_never_fires_is_told_and_the_others_are_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = calibrate(*GIVEN, "neurons.populations.ra.gain=0")
    lines = capsys.readouterr().out.splitlines()
    assert "ra: not one spike up to an amplitude of 30000" in lines
    assert "no drive_per_mm: ra has no threshold, and all populations need one" in lines
    assert "neurons" not in written
    assert written["calibration"]["thresholds"].keys() == {"sa"}


def test_a_population_that_is_like_none_leaves_all_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = calibrate("+population@neurons.populations.deep=sa2")
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no ")]
    assert told == [
        "no drive_per_mm: no threshold in mm is known of deep; "
        "say --like deep=sa1 (or ra1, pc), or --threshold-mm deep=MM"
    ]
    assert written["calibration"]["thresholds"].keys() == {"sa", "ra", "deep"}


def test_under_a_skin_thresholds_are_in_mm(capsys: pytest.CaptureFixture[str]) -> None:
    Path("small.yml").write_text(
        """
pipeline: {skin: elastic, dt_ms: 0.2, grid_size: 8, duration_ms: 60}
neurons: {populations: {sa: null, ra: null, one: {type: ra1, count: 9, density_per_cm2: null}}}
stimuli: [{type: sphere, profile: trapezoid}]
batch: {output_dir: data}
"""
    )
    written = calibrate()
    assert written.keys() == {"calibration"}
    assert written["calibration"]["unit"] == "mm"
    assert 0.001 < written["calibration"]["thresholds"]["one"] < 1.0
    assert "drive_per_mm" not in capsys.readouterr().out


MISTAKES: list[tuple[tuple[str, ...], str]] = [
    (("--fraction", "0"), "--fraction: got 0, allowed is a number above 0 and at most 1"),
    (("--fraction", "1.5"), "--fraction: got 1.5, allowed is a number above 0 and at most 1"),
    (("--fraction", "nan"), "--fraction: got nan, allowed is a number above 0 and at most 1"),
    (("--fraction", "half"), "sensoryforge calibrate: argument --fraction: invalid float value: 'half'; see sensoryforge calibrate --help"),
    (("--highest", "-1"), "--highest: got -1, allowed is a number > 0"),
    (("--highest-mm", "inf"), "--highest-mm: got inf, allowed is a number > 0"),
    (("--stimulus", "2"), "--stimulus: got 2, allowed is a whole number from 0 to 1, the entries of the stimuli"),
    (("--like", "sa"), "--like: got 'sa', allowed is NAME=FITTED with a NAME of sa, ra"),
    (("--like", "saa=sa1"), "--like: got 'saa=sa1', allowed is NAME=FITTED with a NAME of sa, ra; did you mean 'sa'?"),
    (("--like", "sa=sa2"), "--like: got 'sa=sa2', allowed are sa1, ra1, pc; did you mean 'sa1'?"),
    (("--threshold-mm", "0"), "--threshold-mm: got '0', allowed is a number > 0 (mm), or NAME=NUMBER of sa, ra"),
    (("--threshold-mm", "pc=0.1"), "--threshold-mm: got 'pc=0.1', allowed is a number > 0 (mm), or NAME=NUMBER of sa, ra"),
    (("pipeline.dt_ms=0",), "pipeline.dt_ms: got 0, allowed is a number > 0 (ms)"),
    (("--highest", "1e300", *GIVEN), "amplitude: fails within what was tried, up to 1e+300; population sa: its drive or its states are not finite; set --highest lower"),
    (("neurons.populations.sa.gain=0", "neurons.populations.ra=null", *GIVEN), "sa: not one spike up to an amplitude of 30000"),
    (("--output", "nowhere/x.yml", *GIVEN), "nowhere/x.yml: it does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "line"), MISTAKES, ids=[line for _, line in MISTAKES])
def test_a_mistake_is_one_line_and_nothing_is_written(
    words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["calibrate", "small.yml", *words]) in (1, 2)
    told = [text for text in capsys.readouterr().err.splitlines() if "Progress" not in text]
    assert told == [line]
    assert [path.name for path in Path().iterdir()] == ["small.yml"]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ("{type: ramp}", "stimuli.0: a ramp has no amplitude to search, it has "),
        ("{type: sphere}", "stimuli.0: more of a sphere touches the deeper it is, so that no"),
        ("{type: composite}", "stimuli.0: a composite has no amplitude to search, it has "),
    ],
)
def test_a_stimulus_that_cannot_be_searched_is_refused(
    entry: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("small.yml").write_text(f"stimuli: [{entry}]\n")
    assert cli.main(["calibrate", "small.yml"]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(line)


@pytest.mark.parametrize("option", [("--like", "one=sa1"), ("--threshold-mm", "0.1")])
def test_under_a_skin_nothing_is_compared(option: tuple[str, str]) -> None:
    Path("small.yml").write_text(
        """
pipeline: {skin: elastic, dt_ms: 0.2, grid_size: 8, duration_ms: 60}
neurons: {populations: {sa: null, ra: null, one: {type: ra1, count: 9, density_per_cm2: null}}}
stimuli: [{type: disc}]
"""
    )
    assert cli.main(["calibrate", "small.yml", *option]) == 2


# --- the key of a population ---

SA, RA = "neurons.populations.sa.drive_per_mm", "neurons.populations.ra.drive_per_mm"
ALLOWED = "allowed is a number > 0 (1/mm), or null for amplitudes that are drive"
ELASTIC = (
    "pipeline.skin=elastic",
    "innervation@neurons.populations.sa.innervation=elastic",
    "innervation@neurons.populations.ra.innervation=elastic",
)
KEYS: list[tuple[tuple[str, ...], list[str]]] = [
    ((f"{SA}=0", f"{RA}=1"), [f"{SA}: got 0, {ALLOWED}"]),
    ((f"{SA}=-2", f"{RA}=1"), [f"{SA}: got -2, {ALLOWED}"]),
    ((f"{SA}=.inf", f"{RA}=1"), [f"{SA}: got '.inf', {ALLOWED}*"]),
    ((f"{SA}=true", f"{RA}=1"), [f"{SA}: got True, {ALLOWED}"]),
    ((f"{SA}=many", f"{RA}=1"), [f"{SA}: got 'many', {ALLOWED}"]),
    ((f"{SA}=[1,2]", f"{RA}=1"), [f"{SA}: got [1, 2], {ALLOWED}; -m {SA}=1,2 makes a dataset for each*"]),
    ((f"{SA}=8",), [f"{RA}: got null while sa has one, allowed is a number > 0 (1/mm), or null for all populations"]),
    ((f"{RA}=8",), [f"{SA}: got null while ra has one, allowed is a number > 0 (1/mm), or null for all populations"]),
    ((*ELASTIC, f"{SA}=8", f"{RA}=4"), [f"{SA}: got 8, under pipeline.skin allowed is null: amplitudes are in mm there anyway", f"{RA}: got 4, under pipeline.skin allowed is null: amplitudes are in mm there anyway"]),
    ((f"{SA[:-1]}=8",), [f"{SA[:-1]}: unknown key, known are *did you mean 'drive_per_mm'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "patterns"), KEYS)
def test_a_mistake_with_the_key_is_one_line(words: tuple[str, ...], patterns: list[str]) -> None:
    from fnmatch import fnmatchcase

    with pytest.raises(ConfigError) as caught:
        sf.config.check(sf.compose(*words))
    assert len(caught.value.problems) == len(patterns), caught.value.problems
    for line, pattern in zip(caught.value.problems, patterns, strict=True):
        assert fnmatchcase(line, pattern.replace("[", "[[]")), line


# --- several stimuli, and populations that are others by now ---

SEVERAL = """
pipeline: {grid_size: 12, duration_ms: 60}
neurons: {sa_neurons: 5, ra_neurons: 7}
stimuli:
  - {type: disc, diameter_mm: 0.5, amplitude: {thresholds: [1, 2], of: sa}}
  - {type: gaussian, amplitude: 3}
  - {type: disc, diameter_mm: 1.5, amplitude: {thresholds: [1, 2], of: sa}}
batch: {output_dir: data}
"""


def test_each_of_several_stimuli_has_its_own_thresholds(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "small.yml").write_text(SEVERAL)
    with pytest.raises(ConfigError) as caught:
        check_batch_file("small.yml")
    command = "sensoryforge calibrate small.yml --stimulus 0 --stimulus 2"
    assert [line.endswith(f"; run: {command}") for line in caught.value.problems] == [True, True]
    numbers = ("--stimulus", "0", "--stimulus", "2")
    first, second = calibrate(*GIVEN, *numbers)["calibration"]
    told = [line for line in capsys.readouterr().out.splitlines() if "Stimulus:" in line]
    assert ["diameter_mm 0.5" in told[0], "diameter_mm 1.5" in told[1]] == [True, True]
    assert first["thresholds"] != second["thresholds"]
    families = check_batch_file("small.yml").design.families
    for family, section in ((families[0], first), (families[2], second)):
        threshold = section["thresholds"]["sa"]
        assert family.axes["amplitude"][0] == threshold
    # What fits none of them is told once, with the command that makes all of them anew.
    with pytest.raises(ConfigError) as caught:
        check_batch_file("small.yml", ["stimuli.2.diameter_mm=1.6"])
    (line,) = caught.value.problems
    assert line.startswith(
        "stimuli.disc_2.amplitude: small.calibration.yml is of other populations"
    )
    assert line.endswith(command)


def test_the_first_of_several_says_the_factors() -> None:
    of_both = calibrate(*GIVEN, "--stimulus", "1", "--stimulus", "0")
    alone = calibrate(*GIVEN, "--stimulus", "1")
    assert factors(of_both) == factors(alone)
    assert of_both["calibration"][0] == alone["calibration"]


def test_a_factor_of_a_population_that_is_another_by_now_is_told(
    folder: Path, recwarn: pytest.WarningsRecorder
) -> None:
    calibrate(*GIVEN)
    (folder / "mm.yml").write_text(f"defaults: [small.calibration]\n{SMALL}")
    more = ["neurons.sa_neurons=9", "pipeline.seed=3", "stimuli.0.amplitude=[0.1]"]
    check_batch_file("mm.yml", more)
    check_batch_file("mm.yml", ["neurons.populations.ra.gain=2"], calibrating=True)
    assert list(recwarn) == []
    by_hand = [f"neurons.populations.{name}.drive_per_mm=null" for name in ("sa", "ra")]
    check_batch_file("mm.yml", ["neurons.populations.ra.gain=2", *by_hand])
    assert list(recwarn) == []
    line = "^drive_per_mm: small.calibration.yml is of another ra, calibrate it as it is now$"
    with pytest.warns(UserWarning, match=line):
        check_batch_file("mm.yml", ["neurons.populations.ra.gain=2"])
    both = ["neurons.populations.ra.gain=2", "model@neurons.populations.sa.model=lif"]
    with pytest.warns(UserWarning, match="another sa, ra, calibrate them as they are now$"):
        check_batch_file("mm.yml", both)
