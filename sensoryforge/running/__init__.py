"""One run: what is left to do, what it costs, chunks, commits, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sensoryforge.analysis.results import Results


def run(config: DictConfig | Mapping[str, Any], progress: bool = False) -> Results | None:
    """Run the experiment of a composed configuration and return its dataset.

    Parameters
    ----------
    config
        What :func:`sensoryforge.compose` returns, or the same in plain containers.
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
    """
    from sensoryforge.config.reading import check
    from sensoryforge.running.execute import run_experiment

    return run_experiment(check(config), progress=progress)
