# a table reads best with one row a line
"""Mistakes with designs that are drawn, paired or thinned out: one line each, before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensoryforge.config.reading import check, check_batch_file, compose
from sensoryforge.core.errors import ConfigError
from sensoryforge.design.sampling import MOST_DIMENSIONS

AMPLITUDE = "stimuli.amplitude"
DRAWN = ("stimuli.sampling=random", "stimuli.samples=9")
NUMBER = "allowed is a number >= 0"
FORMS = "allowed is {low: .., high: ..} with scale: log where wanted, or {mean: .., std: ..}"
METHODS = "random, latin_hypercube, sobol"
GRID = "allowed with sampling: grid are values, as in linspace(5, 50, 10); to draw from a range write stimuli.sampling: random, latin_hypercube, sobol, and stimuli.samples"

LINES: list[tuple[tuple[str, ...], str]] = [
    # how it is sampled
    (("stimuli.sampling=sobbol", "stimuli.samples=9", f"{AMPLITUDE}={{low: 1, high: 2}}"), "stimuli.sampling: got 'sobbol', allowed are grid, paired, random, latin_hypercube, sobol; did you mean 'sobol'?"),
    (("stimuli.sampling=3",), "stimuli.sampling: got 3, allowed are grid, paired, random, latin_hypercube, sobol"),
    (("stimuli.sampling=random", "stimuli.samples=0"), "stimuli.samples: got 0, allowed is null, which stands for as many as the lists make, or a whole number from 1 to 10000000 (points)"),
    (("stimuli.sampling=random", "stimuli.samples=-5"), "stimuli.samples: got -5, allowed is null, *"),
    (("stimuli.sampling=random", "stimuli.samples=2.5"), "stimuli.samples: got 2.5, allowed is null, *"),
    (("stimuli.sampling=random", "stimuli.samples=many"), "stimuli.samples: got 'many', allowed is null, *"),
    (("stimuli.sampling=random", "stimuli.samples=100000000"), "stimuli.samples: got 100000000, allowed is null, *"),
    (("stimuli.sampling=random", f"{AMPLITUDE}={{low: 1, high: 2}}"), "stimuli.samples: missing, allowed is a whole number from 1 to 10000000 (points)"),
    (("stimuli.samples=9", f"{AMPLITUDE}=[1,2]"), f"stimuli.samples: got 9, allowed is none: grid has as many points as its lists make; to draw them write stimuli.sampling: {METHODS}"),
    (("stimuli.sampling=paired", "stimuli.samples=9", f"{AMPLITUDE}=[1,2]"), "stimuli.samples: got 9, allowed is none: paired has as many points as its lists make; *"),
    (DRAWN, "stimuli.sampling: got 'random', but no parameter is a range or a list"),
    ((*DRAWN, f"{AMPLITUDE}=[1,2,3]"), "stimuli.samples: got 9, allowed is at most 3: *; use repetitions to have one several times"),
    (("stimuli.sampling=latin_hypercube", "stimuli.samples=9", f"{AMPLITUDE}=[1,2,3]"), "stimuli.samples: got 9, of which 6 stand there twice: latin_hypercube takes ranges; of lists alone take random or sobol"),
    ((*DRAWN, "stimuli.sampling_seed=-1", f"{AMPLITUDE}={{low: 1, high: 2}}"), "stimuli.sampling_seed: got -1, allowed is null, which stands for pipeline.seed, or a whole number from 0 to *"),
    (("stimuli.sample=9",), "stimuli.sample: unknown key, known are *; did you mean 'samples'?"),
    (("+stimuli.sample=9",), "stimuli.sample: unknown key, known are *; did you mean 'samples'?"),
    # pairs
    (("stimuli.sampling=paired",), "stimuli.sampling: got 'paired', but no parameter is a list"),
    (("stimuli.sampling=paired", f"{AMPLITUDE}=[1,2,3]", "stimuli.sigma=[1,2]"), "stimuli.sampling: got 'paired' of lists of unlike length (amplitude 3, sigma 2); one is allowed"),
    (("stimuli.sampling=paired", f"{AMPLITUDE}={{low: 1, high: 2}}"), f"{AMPLITUDE}: got {{'low': 1, 'high': 2}}, allowed with sampling: paired are values, as in linspace(5, 50, 10); *"),
    (("stimuli.sampling=paired", f"{AMPLITUDE}=[1,2,1]"), "stimuli: the same stimulus stands at positions 0 and 2 (*"),
    # ranges
    ((f"{AMPLITUDE}={{low: 1, high: 2}}",), f"{AMPLITUDE}: got {{'low': 1, 'high': 2}}, {GRID}"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 50, high: 5}}"), f"{AMPLITUDE}: got {{'low': 50, 'high': 5}}, low is above high; write {{low: 5, high: 50}}"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 5, high: 5}}"), f"{AMPLITUDE}: got {{'low': 5, 'high': 5}}, low is high; write the number itself"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 0, high: 5, scale: log}}"), f"{AMPLITUDE}: got *, allowed is low > 0: a log scale does not reach 0"),
    ((*DRAWN, "stimuli.center_x={low: -1, high: 5, scale: log}"), "stimuli.center_x: got *, allowed is low > 0: a log scale does not reach -1"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 1, high: 5, scale: ln}}"), f"{AMPLITUDE}: got *, allowed is scale: linear or log"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 5}}"), f"{AMPLITUDE}: got {{'low': 5}}, {FORMS}"),
    ((*DRAWN, f"{AMPLITUDE}={{mean: 5}}"), f"{AMPLITUDE}: got {{'mean': 5}}, {FORMS}"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 5, high: 6, mean: 5}}"), f"{AMPLITUDE}: got *, {FORMS}"),
    ((*DRAWN, f"{AMPLITUDE}={{min: 5, max: 6}}"), f"{AMPLITUDE}: got {{'min': 5, 'max': 6}}, {FORMS}"),
    ((*DRAWN, f"{AMPLITUDE}={{low: a, high: b}}"), f"{AMPLITUDE}: got *, low is 'a', allowed is a number"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 1, high: .inf}}"), f"{AMPLITUDE}: got *, high is *, allowed is a number"),
    ((*DRAWN, f"{AMPLITUDE}={{low: -5, high: 5}}"), f"{AMPLITUDE}: got {{'low': -5, 'high': 5}}, {NUMBER}"),
    ((*DRAWN, "stimuli.sigma={low: 0, high: 5}"), "stimuli.sigma: got {'low': 0, 'high': 5}, allowed is a number > 0 (mm)"),
    ((*DRAWN, f"{AMPLITUDE}={{mean: 5, std: 0}}"), f"{AMPLITUDE}: got {{'mean': 5, 'std': 0}}, allowed is a std > 0; write the number itself for one without any"),
    ((*DRAWN, f"{AMPLITUDE}={{mean: -5, std: 1}}"), f"{AMPLITUDE}: got {{'mean': -5, 'std': 1}}, {NUMBER}"),
    ((*DRAWN, f"{AMPLITUDE}={{mean: 1, std: 9}}"), f"{AMPLITUDE}: got -* of mean 1, std 9, {NUMBER}; keep to it with stimuli.where"),
    ((*DRAWN, f"{AMPLITUDE}=[1,-2]"), f"{AMPLITUDE}: got -2, {NUMBER}, or a list of them"),
    ((*DRAWN, "stimuli=dots", "stimuli.rows={low: 1.5, high: 4}"), "stimuli.rows: got {'low': 1.5, 'high': 4}, allowed is a whole number >= 1 and <= 10000"),
    ((*DRAWN, "stimuli=dots", "stimuli.rows={mean: 3, std: 1}"), "stimuli.rows: got *, allowed is a whole number *: of whole numbers write {low: .., high: ..}"),
    ((*DRAWN, "stimuli=braille", "stimuli.letter={low: a, high: c}"), "stimuli.letter: got {'low': 'a', 'high': 'c'}, allowed is one of *, or a list of them; ranges are of numbers"),
    ((*DRAWN, "stimuli.profile=trapezoid", "stimuli.profile.ramp_ms={low: 9, high: 5}"), "stimuli.profile.ramp_ms: got *, low is above high; write {low: 5, high: 9}"),
    ((f"{AMPLITUDE}=interval(5,50)",), f"{AMPLITUDE}=interval(5,50): interval() is a word of sweeps; write '{AMPLITUDE}={{low: .., high: ..}}', with stimuli.sampling=random (or latin_hypercube, sobol) and stimuli.samples=N"),
    # presets
    ((f"{AMPLITUDE}='linspace(5,50)'",), f"{AMPLITUDE}: got 'linspace(5,50)', {NUMBER}, or a list of them; linspace and logspace take (first, last, how many), and need quotes within [ ]"),
    ((f"{AMPLITUDE}='logspace(0,50,3)'",), f"{AMPLITUDE}: got 'logspace(0,50,3)', *; linspace and logspace take *"),
    ((f"{AMPLITUDE}='linspace(1,2,0)'",), f"{AMPLITUDE}: got 'linspace(1,2,0)', *; linspace and logspace take *"),
    # conditions
    ((f"{AMPLITUDE}=[1,2]", "stimuli.where='amplitude > 5'"), "stimuli.where: got 'amplitude > 5', which keeps none of 2 combinations; allowed is a condition that keeps one at least"),
    ((*DRAWN, f"{AMPLITUDE}={{low: 1, high: 2}}", "stimuli.where='amplitude > 5'"), "stimuli.where: got 'amplitude > 5', which keeps 0 of 10000 points; allowed is a condition that keeps one in 100"),
    ((f"{AMPLITUDE}=[1,2]", "stimuli.where='amplitud > 1'"), "stimuli.where: 'amplitud > 1' has the unknown name 'amplitud'; known: *; did you mean 'amplitude'?"),
    ((f"{AMPLITUDE}=[1,2]", "stimuli.where='amplitude + 1'"), "stimuli.where: 'amplitude + 1' is a number, expected a condition"),
    ((f"{AMPLITUDE}=[1,2]", "stimuli.where='amplitude >'"), "stimuli.where: 'amplitude >' is not an expression (invalid syntax)"),
    ((f"{AMPLITUDE}=[1,2]", "stimuli.where=[1]"), "stimuli.where: expected an expression, got [1]"),
    (("stimuli=braille", "stimuli.letter=[a,b]", "stimuli.where='letter == 1'"), "stimuli.where: 'letter == 1' has the unknown name 'letter'; known: *"),
    (("stimuli.sampling=latin_hypercube", "stimuli.samples=9", f"{AMPLITUDE}={{low: 1, high: 2}}", "stimuli.where='amplitude > 1'"), "stimuli.where: got 'amplitude > 1', allowed is none: latin_hypercube has a point in each stratum, and would lose some; take random or sobol, which draw others instead"),
    # parameters that are equal to another
    (("stimuli.center_x=[-1,1]", "stimuli.sigma=${.center_x}"), "stimuli.sigma: got -1 of center_x, which it is equal to, allowed is a number > 0 (mm); keep to it with stimuli.where"),
    (("stimuli.sigma=${.sigm}",), "stimuli.sigma: got '${.sigm}' (*); allowed is a value, or another key's *"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "pattern"), LINES, ids=[" ".join(row[0]) for row in LINES])
def test_a_mistake_is_one_line_that_says_what_is_allowed(
    overrides: tuple[str, ...], pattern: str
) -> None:
    from fnmatch import fnmatchcase

    with pytest.raises(ConfigError) as caught:
        check(compose(*overrides))
    (line,) = caught.value.problems
    assert fnmatchcase(line, pattern.replace("[", "[[]")), line
    assert "\n" not in line


def test_there_are_forty_of_them() -> None:
    assert len(LINES) >= 40


def test_sobol_of_too_many_parameters_is_one_line(tmp_path: Path) -> None:
    count = MOST_DIMENSIONS // 4 + 1
    part = "{type: gaussian, amplitude: {low: 1, high: 2}, sigma: {low: 1, high: 2}, center_x: {low: 1, high: 2}, center_y: {low: 1, high: 2}}"
    parts = "".join(f"    p{number:02}: {part}\n" for number in range(count))
    path = tmp_path / "many.yml"
    path.write_text(
        f"stimuli:\n- type: composite\n  sampling: sobol\n  samples: 4\n  parts:\n{parts}"
    )
    with pytest.raises(ConfigError) as caught:
        check_batch_file(path)
    assert caught.value.problems == (
        "stimuli.sampling: got 'sobol' of 68 parameters, allowed are at most 64; take latin_hypercube or random",
    )
