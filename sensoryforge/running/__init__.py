"""One run: what is left to do, what it costs, chunks, commits, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sensoryforge.analysis.results import Results


def run(
    config: DictConfig | Mapping[str, Any] | str | PathLike[str], progress: bool = False
) -> Results | None:
    """Run an experiment and return its dataset.

    Parameters
    ----------
    config
        What :func:`sensoryforge.compose` returns, or the same in plain containers; some of the
        sections, what they leave out keeping its default; or the path of a batch file.
    progress
        Whether to draw a bar that counts stimuli, on standard error.

    Returns
    -------
    Results or None
        What :func:`sensoryforge.load` returns for its directory; None for a dry run.

    Raises
    ------
    ConfigError
        Before anything is written.
    StorageError
        For the disk, or while another run writes in the directory.
    FailedStimuliError
        After saving, when some stimuli could not be computed.

    Examples
    --------
    >>> import sensoryforge as sf
    >>> sf.run(sf.compose("batch.output_dir=anywhere", "batch.dry_run=true")) is None
    True
    >>> sf.run({"stimuli": [{"type": "step", "amplitude": [10, 20]}], "batch": {"dry_run": True}})
    """
    from sensoryforge.config.reading import check
    from sensoryforge.running.execute import run_experiment

    return run_experiment(check(config), progress=progress)
