"""The sweeper: ``hydra/sweeper: sensoryforge``. It plans jobs, checks them all, and hands them to the launcher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.sweeper import Sweeper
from omegaconf import OmegaConf

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


# A mapping, not a dataclass: Hydra's scan of plugins runs this module before it has a name in sys.modules.
SETTINGS: dict[str, Any] = {
    "_target_": "hydra_plugins.sensoryforge_sweeper.SensoryForgeSweeper",
    "max_batch_size": None,
    "params": None,
    "late": [],
}
"""What ``hydra.sweeper`` may hold: how many jobs are launched together, more sweeps, and overrides that only the jobs
see, since they change an option that the sweep chooses."""

ConfigStore.instance().store(group="hydra/sweeper", name="sensoryforge", node=SETTINGS, provider="sensoryforge")


class SensoryForgeSweeper(Sweeper):
    """Makes one job of all axes of the stimuli, and one of each point of the axes outside them."""

    def __init__(
        self, max_batch_size: int | None = None, params: Mapping[str, Any] | None = None, late: Sequence[str] = ()
    ) -> None:
        self.max_batch_size = max_batch_size
        self.params = params or {}
        self.late = late

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra hands over and make the launcher that the user chose."""
        from hydra.core.plugins import Plugins

        self.context = hydra_context
        self.config: DictConfig = config
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Plan, check and launch; return what the jobs returned, a list for each launch."""
        from sensoryforge.app import is_experiment
        from sensoryforge.composer import Composer
        from sensoryforge.jobs import finish_sweep, prepare_sweep, telling
        from sensoryforge.sweep import plan

        texts = [*_flat(self.params), *arguments, *self.late]
        loader = self.context.config_loader
        fixed = _unresolved(self.config.hydra.overrides.hydra)
        composer = Composer(loader, self.config.hydra.job.config_name, fixed)
        overrides = OverridesParser.create(config_loader=loader).parse_overrides(texts)
        if is_experiment(self.config):
            jobs = prepare_sweep(self.config, composer, overrides)
            with telling(self.config):
                returns = self._launch(jobs)
            finish_sweep(returns)
            return returns
        jobs = [list(job.overrides) for job in plan(overrides, composer)]
        for job in jobs:
            composer.load(job)
        return self._launch(jobs)

    def _launch(self, jobs: list[list[str]]) -> list[Sequence[JobReturn]]:
        """Launch the jobs, as many at a time as allowed, and raise what one of them raised."""
        size = self.max_batch_size or max(1, len(jobs))
        if len(jobs) > 1:
            folder = Path(str(self.config.hydra.sweep.dir))
            folder.mkdir(parents=True, exist_ok=True)
            OmegaConf.save(self.config, folder / "multirun.yaml")
        returns = []
        for first in range(0, len(jobs), size):
            returns.append(self.launcher.launch(jobs[first : first + size], initial_job_idx=first))
            for result in returns[-1]:
                _ = result.return_value
        return returns


def _unresolved(texts: Any) -> tuple[str, ...]:
    """Return overrides as they were written: what they refer to, such as a job's number, may be known only later."""
    found: Any = OmegaConf.to_container(texts, resolve=False)
    return tuple(str(text) for text in found)


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the overrides that ``params`` stands for; keys may be dotted or nested."""
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={value}"
