"""How a mistake in a configuration is told."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from sensoryforge.config import reading
from sensoryforge.core.errors import ConfigError


def assert_told(words: str, *patterns: str) -> None:
    """Expect that a configuration is refused with these lines and no others.

    Parameters
    ----------
    words
        Overrides as they are typed, with spaces between them.
    patterns
        A pattern a line, in which ``*`` stands for anything.
    """
    with pytest.raises(ConfigError) as caught:
        reading.check(reading.compose(*words.split()))
    lines = caught.value.problems
    assert len(lines) == len(patterns), lines
    for line, pattern in zip(lines, patterns, strict=True):
        # Brackets are lists here, and not sets of characters.
        assert fnmatchcase(line, pattern.replace("[", "[[]")), line
        assert "\n" not in line
