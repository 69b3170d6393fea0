"""Where options come from: the shipped folder ``conf/``, and folders of the user's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

PRIMARY = "config"
"""The primary config of a run."""
SECTIONS = ("pipeline", "neurons", "stimuli", "batch")
"""The sections of an experiment, in the order in which they are shown."""


def conf_dir() -> Path:
    """Return the folder of the shipped options: in the package of a wheel, beside it in a checkout.

    Examples
    --------
    >>> (conf_dir() / "stimuli" / "step.yaml").is_file()
    True
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise FileNotFoundError(f"{package}: installed without its folder conf")


def shipped_groups() -> list[Path]:
    """Return the folders of the shipped groups."""
    return sorted(filter(Path.is_dir, conf_dir().iterdir()))


def has_options(folder: Path) -> bool:
    """Tell whether a folder, other than the shipped one, holds groups of ours."""
    if folder.resolve() == conf_dir():
        return False
    return any((folder / group.name).is_dir() for group in shipped_groups())


def hidden_options(folders: Iterable[str | Path]) -> Iterator[str]:
    """Yield a line for each option in these folders that a shipped one of its name hides."""
    for folder in map(Path, folders):
        if folder.resolve() == conf_dir():
            continue
        for group in shipped_groups():
            for option in sorted((folder / group.name).glob("*.yaml")):
                if (group / option.name).is_file():
                    shipped = f"{group.name}/{option.stem}"
                    yield f"{option}: hidden by the shipped option {shipped}; give it another name"
