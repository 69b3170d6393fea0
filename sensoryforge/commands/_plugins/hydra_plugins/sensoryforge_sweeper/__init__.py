"""The sweeper, ``hydra/sweeper: sensoryforge``: it plans jobs, checks them, launches them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from omegaconf import OmegaConf

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


# A mapping, not a dataclass: Hydra's scan of plugins runs this module before it has a name in
# sys.modules, which a dataclass needs.
SETTINGS: dict[str, Any] = {
    "_target_": "hydra_plugins.sensoryforge_sweeper.SensoryForgeSweeper",
    "max_batch_size": None,
    "params": None,
    "late": "[]",
}
"""What ``hydra.sweeper`` may hold.

``max_batch_size``: how many jobs are launched together; ``params``: more sweeps; ``late``: a list,
as JSON, of overrides that only the jobs see, since they change an option that the sweep chooses.
"""

ConfigStore.instance().store(
    group="hydra/sweeper", name="sensoryforge", node=SETTINGS, provider="sensoryforge"
)


class SensoryForgeSweeper(Sweeper):
    """Makes one job of all axes of the stimuli, and one of each point of the axes outside them."""

    def __init__(
        self,
        max_batch_size: int | None = None,
        params: Mapping[str, Any] | None = None,
        late: str = "[]",
    ) -> None:
        self.max_batch_size = max_batch_size
        self.params = params or {}
        self.late = late

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over and make the launcher that the user chose."""
        from hydra.core.plugins import Plugins

        self.context = hydra_context
        self.config: DictConfig = config
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Plan, check and launch; return what the jobs returned, a list for each launch.

        Parameters
        ----------
        arguments
            The overrides of the command line, sweeps among them.
        """
        from sensoryforge.commands.hydra_app import is_experiment
        from sensoryforge.commands.sweep_jobs import (
            finish_sweep,
            prepare_sweep,
            telling_how_to_resume,
        )
        from sensoryforge.config.composer import Composer
        from sensoryforge.config.sweep import plan

        fixed = _as_written(self.config.hydra.overrides.hydra)
        name = self.config.hydra.job.config_name
        composer = Composer(self.context.config_loader, name, fixed)
        composer.reuse(self.config)
        late = json.loads(self.late)
        overrides = composer.parse([*_flatten(self.params), *arguments, *late])
        if is_experiment(self.config):
            jobs = prepare_sweep(self.config, composer, overrides)
            with telling_how_to_resume(self.config):
                returns = self._launch(jobs)
            finish_sweep(returns)
            return returns
        jobs = [list(job.overrides) for job in plan(overrides, composer)]
        for job in jobs:
            composer.load(job)  # raises what is wrong before the first of them is launched
        return self._launch(jobs)

    def _launch(self, jobs: list[list[str]]) -> list[Sequence[JobReturn]]:
        """Launch the jobs, as many at a time as allowed, and raise what one of them raised."""
        size = self.max_batch_size or max(1, len(jobs))
        if len(jobs) > 1:
            self._save_sweep()
        returns: list[Sequence[JobReturn]] = []
        for first in range(0, len(jobs), size):
            batch = jobs[first : first + size]
            launched = self.launcher.launch(batch, initial_job_idx=first)
            for result in launched:
                _ = result.return_value  # Hydra raises here what the job raised
            returns.append(launched)
        return returns

    def _save_sweep(self) -> None:
        """Write down what all jobs of a sweep have in common, as Hydra's own sweeper does."""
        folder = Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")


def _as_written(texts: Any) -> tuple[str, ...]:
    """Return overrides as they were written.

    What they refer to, such as a job's number, may be known only later.
    """
    unresolved: Any = OmegaConf.to_container(texts, resolve=False)
    return tuple(str(text) for text in unresolved)


def _flatten(params: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the overrides that ``params`` stands for; keys may be dotted or nested."""
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={value}"
