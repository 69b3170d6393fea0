"""``python -m sensoryforge.train data=outputs/DATE/TIME target=amplitude``: a decoder for a dataset.

Every key is in ``conf/train.yaml``; ``-m decoder=linear,conv`` trains several in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sensoryforge import console, training
from sensoryforge.app import ending, make_directory, raising
from sensoryforge.composer import Composer, conf_dir, one_line, raise_if, register
from sensoryforge.errors import ConfigError, SensoryForgeError

NAME = "train"


def main() -> int:
    """Run the application on ``sys.argv`` and return its exit code: of a sweep, the highest of its jobs."""
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda word: word not in ("-m", "--multirun"))
    return console.ended(_application)


def _application() -> int:
    register()
    codes: list[int] = []
    with raising():
        _run_application(codes)
    return max(codes, default=0)


def _run_application(codes: list[int]) -> None:
    """Run Hydra, and turn its errors into ours, with every problem of the command line."""
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    def task(cfg: DictConfig) -> None:
        codes.append(job(cfg))

    application = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=NAME)(task)
    try:
        application()
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_problems(sys.argv[1:]) or one_line(error)) from error


def _problems(arguments: Sequence[str]) -> list[str]:
    """Return a line for each override that cannot be composed; of a sweep, its first values stand for all."""
    from hydra._internal.utils import get_args_parser

    args = get_args_parser().parse_args(list(arguments))
    composer = Composer.over([args.config_dir] if args.config_dir else [], NAME)
    overrides = [text for text in args.overrides if not args.multirun or not list(composer.refused([text]))]
    swept = [text for text in args.overrides if text not in overrides]
    overrides += [f"{text.partition('=')[0]}={value}" for text in swept for value in text.partition("=")[2].split(",")]
    return composer.gather(overrides)[1]


def job(cfg: DictConfig) -> int:
    """Train one decoder in the directory that Hydra made for it, and return the exit code."""
    node = HydraConfig.get()
    name = node.runtime.choices.get("decoder") or "decoder"
    if node.mode == RunMode.MULTIRUN:
        name = str(node.job.override_dirname) or name
    try:
        training.train(plain(cfg), _shown(Path(node.runtime.output_dir)), name, console.say)
    except SensoryForgeError as error:
        return console.report(error)
    return 0


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Return the settings of a composed configuration in plain containers."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    settings = OmegaConf.to_container(own, resolve=True)
    assert isinstance(settings, Mapping)
    return {str(key): value for key, value in settings.items()}


def _shown(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _overrides(config: DictConfig) -> list[str]:
    """Return the overrides as they were written."""
    texts: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    return [str(text) for text in texts]


class Guard(Callback):
    """Checks the settings of every training before Hydra makes a directory for one."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """End with one line for each problem, or make the directory."""
        from hydra.core.global_hydra import GlobalHydra

        with ending():
            composer = Composer(GlobalHydra.instance().config_loader(), NAME)
            raise_if(composer.refused(_overrides(config)))
            training.examine(plain(config))
            config.hydra.run.dir = str(make_directory(config, "run"))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """End with the problems of all trainings of a sweep, if there are any."""
        from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
        from hydra.core.global_hydra import GlobalHydra
        from hydra.core.override_parser.overrides_parser import OverridesParser

        with ending():
            composer = Composer(GlobalHydra.instance().config_loader(), NAME)
            overrides = OverridesParser.create().parse_overrides(_overrides(config))
            problems: dict[str, None] = {}
            for job in BasicSweeper.split_arguments(overrides, max_batch_size=None)[0]:
                try:
                    training.examine(plain(composer.load(job)))
                except SensoryForgeError as error:
                    problems |= dict.fromkeys(str(error).splitlines())
            raise_if(problems)


if __name__ == "__main__":
    sys.exit(main())
