"""The exception tree; a command prints one of these as plain lines and exits with its code.

SensoryForgeError            1
├── ConfigError              2   what was asked for cannot be done; carries every problem found
│   └── EquationError        2   an equation block that does not parse or check
├── StorageError             1   the disk, or a file on it
│   ├── DamagedError         1   a file that is not what its checksum or format says
│   └── LockedError          1   another run holds the directory
└── FailedStimuliError       3   the run ended, some stimuli could not be computed
"""

from __future__ import annotations

from collections.abc import Iterable


class SensoryForgeError(Exception):
    """Base of every error that SensoryForge raises on purpose.

    ``exit_code`` is what a command ends with that raised it.
    """

    exit_code = 1


class ConfigError(SensoryForgeError):
    """What was asked for cannot be done.

    Parameters
    ----------
    problems
        One line, or one for each thing that is wrong: the key, what it got, what is allowed.

    Examples
    --------
    >>> error = ConfigError(["batch.format: missing", "pipeline.seed: missing"])
    >>> error.problems
    ('batch.format: missing', 'pipeline.seed: missing')
    """

    exit_code = 2

    def __init__(self, problems: str | Iterable[str]) -> None:
        lines = [problems] if isinstance(problems, str) else problems
        self.problems: tuple[str, ...] = tuple(lines)
        super().__init__("\n".join(self.problems))


class EquationError(ConfigError):
    """An equation block that does not parse or check."""


class StorageError(SensoryForgeError):
    """The disk, or a file on it, does not allow what was asked."""


class DamagedError(StorageError):
    """A file is not what its checksum or its format says."""


class LockedError(StorageError):
    """Another run holds the output directory."""


class FailedStimuliError(SensoryForgeError):
    """The run ended and its results are saved, but some stimuli could not be computed."""

    exit_code = 3


def raise_if(problems: Iterable[str]) -> None:
    """Raise ConfigError with every problem once, in order, when there is one.

    Examples
    --------
    >>> raise_if([])
    >>> raise_if(["pipeline.dt_ms: got 0", "pipeline.dt_ms: got 0"])
    Traceback (most recent call last):
    sensoryforge.core.errors.ConfigError: pipeline.dt_ms: got 0
    """
    lines = list(dict.fromkeys(problems))
    if lines:
        raise ConfigError(lines)
