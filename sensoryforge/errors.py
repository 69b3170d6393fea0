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

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class SensoryForgeError(Exception):
    """Base of every error that SensoryForge raises on purpose."""

    exit_code = 1


class ConfigError(SensoryForgeError):
    """What was asked for cannot be done; ``problems`` holds one line each."""

    exit_code = 2

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
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


USERS_FAILURES = (Exception, SystemExit, GeneratorExit)
"""What a user's own code raises when it fails; its ``sys.exit`` must not end a batch, an interrupt has to."""


def failure(error: BaseException) -> str:
    """Return what kind of error it is and what it says, on one line."""
    try:
        said = str(error)
    except USERS_FAILURES:
        said = ""
    return " ".join(f"{type(error).__name__}: {said}".split()).removesuffix(":")


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or an empty string."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def quote(value: object) -> str:
    """Return a value as Python writes it, on one line, cut where it is long."""
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else value[:77] + "...")
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python does not print whole numbers of more than 4300 digits
        text = f"{type(value).__name__} too long to print"
    return text if len(text) <= 80 else text[:77] + "..."


def listing(names: Sequence[str] | Iterable[str]) -> str:
    """Return the names in order, separated by commas."""
    return ", ".join(str(name) for name in names)
