"""Pictures and reports of a dataset that has been replaced."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sensoryforge.store.writer import EarlierDataset

_KINDS = "tuning|heatmap|thresholds|response|afferent|rates_on_sheet|movie|sheet|coverage"
_PICTURE = re.compile(rf"(?:{_KINDS})(?:_\w+)*\.(?:png|svg|pdf|gif)")
"""Names that ``sensoryforge plot`` gives its files; to import them would import Matplotlib."""
_REPORTS = ("report.html", "report.csv")
"""Names that ``sensoryforge report`` gives its files."""
_PICTURES_FOLDER = "plots"


def drawn_files(directory: Path) -> list[Path]:
    """Return the pictures and reports that SensoryForge drew of the dataset in a directory.

    Only files of the names that it gives them, in the places where it puts them by itself.

    Parameters
    ----------
    directory
        The output directory of a run.
    """
    from sensoryforge.store import files

    with files.disk(directory):
        drawn = [directory / name for name in _REPORTS if (directory / name).is_file()]
        for path in sorted((directory / _PICTURES_FOLDER).glob("*")):
            if _PICTURE.fullmatch(path.name):
                drawn.append(path)
    return drawn


def tell_of_drawn(directory: Path, earlier: EarlierDataset) -> list[str]:
    """Remove pictures and reports of a replaced dataset; name those of one that grew.

    Parameters
    ----------
    directory
        The output directory of a run.
    earlier
        What became of the dataset that was there.
    """
    drawn = drawn_files(directory)
    if not drawn or earlier == "none":
        return []
    if earlier == "replaced":
        return [remove_drawn(directory, drawn)]
    return [outdated_line(directory, drawn)]


def remove_drawn(directory: Path, drawn: list[Path]) -> str:
    """Remove pictures and reports of a dataset that was replaced; return a line that says so."""
    from sensoryforge.store import files

    for path in drawn:
        files.remove(path)
    with suppress(OSError):  # something else is in it, or it is not there
        (directory / _PICTURES_FOLDER).rmdir()
    return f"Removed {_describe(drawn, directory)}: of the dataset that was replaced"


def outdated_line(directory: Path, drawn: list[Path]) -> str:
    """Return a line that says which pictures and reports are of a dataset before it grew."""
    advice = f"sensoryforge plot {directory} and sensoryforge report {directory} draw it anew"
    return f"{_describe(drawn, directory)}: of the dataset before it grew; {advice}"


def _describe(drawn: list[Path], directory: Path) -> str:
    """Return files in words: reports by name, pictures by their count."""
    words = [path.name for path in drawn if path.parent == directory]
    pictures = len(drawn) - len(words)
    if pictures:
        noun = "picture" if pictures == 1 else "pictures"
        words.insert(0, f"{pictures} {noun} in {directory / _PICTURES_FOLDER}")
    return ", ".join(words)
