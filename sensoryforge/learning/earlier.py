"""What the directory of a training holds already, and whether the training may begin there.

the directory holds     without a key           resume=true             overwrite=true
nothing                 begins                  begins, and says so     begins
a training              refused                 goes on                 begins anew
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.core.paths import expand_home

SCORES = "scores.json"
PREDICTIONS = "predictions.csv"
PICTURE = "predictions.png"
CHECKPOINTS = "checkpoints"
LOGS = "logs"
_WRITTEN = (
    SCORES,
    PREDICTIONS,
    PICTURE,
    f"{CHECKPOINTS}/*.ckpt",
    f"{LOGS}/metrics*.csv",
    f"{LOGS}/hparams.yaml",
    f"{LOGS}/events.out.tfevents.*",
)
"""What a training writes; a directory may hold a user's own files beside it."""


def check_earlier_training(directory: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a training that would replace another one without having been told to.

    Parameters
    ----------
    directory
        Where the training is to write.
    settings
        Checked ones; ``resume`` and ``overwrite`` are used here.

    Raises
    ------
    ConfigError
        Where the directory holds a training that this one neither goes on with nor discards.

    Examples
    --------
    >>> check_earlier_training(Path("an_empty_one"), {"resume": None, "overwrite": False})
    """
    goes_on = _goes_on_there(directory, settings["resume"])
    if goes_on and settings["overwrite"]:
        raise ConfigError(
            f"resume: got {settings['resume']} with overwrite: true; a training is gone on with or "
            "discarded, not both"
        )
    if goes_on or settings["overwrite"]:
        return
    if (directory / SCORES).is_file():
        raise ConfigError(
            f"{directory}: holds a finished training; replace it with overwrite=true, choose "
            "another hydra.run.dir, or train it for more epochs with resume=true"
        )
    if any((directory / CHECKPOINTS).glob("*.ckpt")):
        raise ConfigError(
            f"{directory}: holds an unfinished training; go on with resume=true, discard it with "
            "overwrite=true, or choose another hydra.run.dir"
        )


def remove_earlier_training(directory: Path) -> int:
    """Remove what a training has written into a directory, and return how many files that was.

    Raises
    ------
    StorageError
        Where a file cannot be removed.
    """
    removed = 0
    for pattern in _WRITTEN:
        for path in directory.glob(pattern):
            if not path.is_file():
                continue
            try:
                path.unlink()
            except OSError as error:
                raise StorageError(f"{path}: cannot be removed ({error.strerror})") from error
            removed += 1
    return removed


def _goes_on_there(directory: Path, resume: bool | str | None) -> bool:
    """Tell whether a training goes on with the one that its own directory holds."""
    if not isinstance(resume, str):
        return bool(resume)
    given = expand_home(resume).resolve()
    own = directory.resolve()
    return own == given or own in given.parents
