"""What a job knows of Hydra while it runs, made known before there is a job.

A configuration is checked before Hydra starts a job. Values that refer to the job
(``${hydra:job.num}``, ``${hydra:runtime.cwd}``) resolve only where Hydra has said what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig


@contextmanager
def hydra_known(config: DictConfig, job_number: int | None = None) -> Iterator[None]:
    """Let ``${hydra:...}`` resolve in a composed configuration as it will in its job.

    Parameters
    ----------
    config
        A configuration with its node ``hydra``.
    job_number
        The number of the job in its sweep; None for a single run.
    """
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf, open_dict

    if "hydra" not in config:
        yield
        return
    if job_number is not None:
        with open_dict(config.hydra):
            config.hydra.job.num = job_number
            config.hydra.job.id = str(job_number)
    running = HydraConfig.instance()
    before = running.cfg
    running.set_config(config)
    OmegaConf.set_readonly(config.hydra, False)  # Hydra closes the node, which we still complete
    try:
        yield
    finally:
        running.cfg = before
