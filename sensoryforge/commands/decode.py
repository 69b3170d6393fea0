"""``sensoryforge decode DIR --decoder best.ckpt``: a trained decoder on another dataset."""

from __future__ import annotations

from sensoryforge.commands import console
from sensoryforge.core.errors import StorageError
from sensoryforge.core.paths import expand_home


def decode_dataset(directory: str, decoder: str, csv: str | None) -> int:
    """Say how well a decoder tells the stimuli of a dataset, and return the exit code.

    Parameters
    ----------
    directory
        Of the dataset.
    decoder
        A checkpoint, or the directory of a training.
    csv
        Where what it tells of each stimulus is written; None writes nothing.
    """
    from sensoryforge.learning.applying import decode

    decoded = decode(expand_home(directory), decoder)
    for line in decoded.lines:
        console.say(line)
    if csv is None:
        console.say("--csv FILE writes what it tells of each stimulus")
        return 0
    path = expand_home(csv)
    try:
        decoded.table.to_csv(path, index=False)
    except OSError as error:
        reason = error.strerror or "no such directory"
        raise StorageError(f"{path}: cannot be written ({reason})") from error
    console.say(f"Wrote {path}")
    return 0
