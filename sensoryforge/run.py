"""Running an experiment from Python, ``sensoryforge.run(config)``, and from a shell, ``python -m sensoryforge.run``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sensoryforge.store.results import Results


def run(config: DictConfig | Mapping[str, Any], progress: bool = False) -> Results | None:
    """Run the experiment of a composed configuration and return its dataset; a dry run returns None.

    Raises ConfigError before anything is written, StorageError for the disk, and FailedStimuliError, after saving,
    when some stimuli could not be computed.
    """
    from sensoryforge.batch import run as run_experiment
    from sensoryforge.config import check

    return run_experiment(check(config), progress=progress)


def main() -> int:
    """Run the Hydra application on ``sys.argv`` and return its exit code."""
    from sensoryforge.completion import script

    if (text := script(sys.argv[1:])) is not None:
        sys.stdout.write(text)
        return 0
    from sensoryforge.app import main as application

    return application()


if __name__ == "__main__":
    sys.exit(main())
