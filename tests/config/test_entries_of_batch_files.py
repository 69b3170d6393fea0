"""A key of an entry of a batch file: with the entry's name, its number, or, of a single one, neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensoryforge.config.reading import check_batch_file
from sensoryforge.core.errors import ConfigError

ONE = """
stimuli:
  - {type: braille, letter: [a, b], motion: line}
"""
NAMED = """
stimuli:
  left: {type: bar, amplitude: 10}
"""
TWO = """
stimuli:
  - {type: braille, letter: [a, b]}
  - {type: bar, amplitude: 10}
  - {type: bar, amplitude: 20}
"""


def values_of(tmp_path: Path, text: str, *overrides: str) -> list[dict[str, object]]:
    """Return the parameters of the first stimulus of each family of a batch file."""
    file = tmp_path / "batch.yml"
    file.write_text(text)
    families = check_batch_file(file, list(overrides)).design.families
    return [{name: values[0] for name, values in family.axes.items()} for family in families]


@pytest.mark.parametrize("key", ["stimuli.letter", "stimuli.braille.letter", "stimuli.0.letter"])
def test_a_single_entry_has_its_key_with_its_name_its_number_or_neither(
    tmp_path: Path, key: str
) -> None:
    (family,) = values_of(tmp_path, ONE, f"{key}=c")
    assert family["letter"] == "c"


@pytest.mark.parametrize("entry", ["stimuli", "stimuli.braille", "stimuli.0"])
def test_profiles_and_motions_of_a_single_entry_too(tmp_path: Path, entry: str) -> None:
    words = [f"{entry}.profile=sine", f"{entry}.profile.phase=90", f"{entry}.motion.speed_mm_s=30"]
    (family,) = values_of(tmp_path, ONE, *words)
    assert family["profile_phase"] == 90
    assert family["motion_speed_mm_s"] == 30


@pytest.mark.parametrize("key", ["stimuli.amplitude", "stimuli.left.amplitude"])
def test_a_single_entry_with_a_name_of_its_own_has_that(tmp_path: Path, key: str) -> None:
    (family,) = values_of(tmp_path, NAMED, f"{key}=3")
    assert family["amplitude"] == 3


@pytest.mark.parametrize("key", ["stimuli.2.amplitude", "stimuli.bar_2.amplitude"])
def test_one_of_several_entries_has_its_key_with_its_name_or_its_number(
    tmp_path: Path, key: str
) -> None:
    families = values_of(tmp_path, TWO, f"{key}=3")
    assert [family["amplitude"] for family in families] == [30.0, 10, 3]


@pytest.mark.parametrize(
    ("text", "override", "hint"),
    [
        (ONE, "stimuli.bar.letter=c", "; write stimuli.letter=c"),
        (NAMED, "stimuli.bar.amplitude=3", "; write stimuli.amplitude=3"),
        (TWO, "stimuli.3.amplitude=3", "stimuli.3: unknown key, known are braille, bar, bar_2, "),
    ],
)
def test_another_name_is_one_line_with_the_spelling_that_works(
    tmp_path: Path, text: str, override: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        values_of(tmp_path, text, override)
    (line,) = refusal.value.problems
    assert hint in line
