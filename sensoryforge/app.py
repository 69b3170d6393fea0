"""The Hydra application: a single run, and what the sweeper needs to check and place the jobs of a sweep."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from sensoryforge import batch, config, console
from sensoryforge.batchfile import SECTIONS
from sensoryforge.composer import (
    PRIMARY,
    Composer,
    conf_dir,
    one_line,
    parsed,
    raise_if,
    refusals,
    register,
    unreadable,
    written,
)
from sensoryforge.errors import ConfigError, SensoryForgeError, StorageError
from sensoryforge.foreign import refuse_foreign
from sensoryforge.preflight import check_encoding, preflight
from sensoryforge.sweep import plan

if TYPE_CHECKING:
    from sensoryforge.experiment import Experiment


def main() -> int:
    """Run the application on ``sys.argv`` and return its exit code."""
    # argparse cannot take overrides from both sides of an option.
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda word: word not in ("-m", "--multirun"))
    return console.ended(_application)


def _application() -> int:
    check_encoding(sys.argv[1:])
    register()
    with raising():
        refuse_foreign(sys.argv[1:])
        _run_application()
    return 0


def _run_application() -> None:
    """Run Hydra, and turn its errors into ours, with every problem of the command line."""
    import hydra

    application = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=PRIMARY)(task)
    try:
        application()
    except refusals(ValueError) as error:
        line = CommandLine.read(sys.argv[1:])
        problems = line.problems()
        late = [] if problems else line.late()
        if not problems and (written := line.addressed()) != list(line.overrides):
            sys.argv[1:] = [*(word for word in sys.argv[1:] if word not in line.overrides), *written]
            application()
        elif late:
            listed = ",".join(QuotedString(text, Quote.single).with_quotes() for text in late)
            sys.argv[1:] = [*(text for text in sys.argv[1:] if text not in late), f"hydra.sweeper.late=[{listed}]"]
            application()
        elif str(error).startswith("Only one of --run"):
            fix = "batch.dry_run=true shows what a sweep would run"
            raise ConfigError(f"--multirun (-m) goes without --cfg and --info; {fix}") from error
        elif str(error).startswith("The --resolve flag"):
            raise ConfigError("--resolve goes with --cfg or --help") from error
        elif problems or isinstance(error, refusals()):
            raise ConfigError(problems or one_line(error)) from error
        else:
            raise


@contextmanager
def raising() -> Iterator[None]:
    """Make Hydra raise its errors instead of printing them, and remember whether the user had asked for that."""
    if console.wants_traceback():
        yield
        return
    os.environ.update({"HYDRA_FULL_ERROR": "1", console.ONE_LINE: "1"})
    try:
        yield
    finally:
        del os.environ["HYDRA_FULL_ERROR"], os.environ[console.ONE_LINE]


@dataclass(frozen=True)
class CommandLine:
    """A command line that Hydra refused."""

    composer: Composer
    overrides: tuple[str, ...]
    multirun: bool

    @classmethod
    def read(cls, arguments: list[str]) -> CommandLine:
        """Return what Hydra's own parser finds in the arguments."""
        args = get_args_parser().parse_args(arguments)
        composer = Composer.over([args.config_dir] if args.config_dir else [], args.config_name or PRIMARY)
        return cls(composer, tuple(args.overrides), args.multirun)

    def problems(self) -> tuple[str, ...]:
        """Return a line for each problem; of a sweep, those of all its jobs."""
        try:
            jobs = [self.overrides]
            if self.multirun:
                parser = OverridesParser.create(config_loader=self.composer.loader)
                parsed_overrides = parser.parse_overrides(list(self.overrides))
                jobs = [job.overrides for job in plan(parsed_overrides, self.composer)]
            check_jobs(self.composer, jobs)
        except ConfigError as error:
            return error.problems
        except refusals() as error:
            return tuple(unreadable(text) for text in self.overrides if parsed(text) is None) or (one_line(error),)
        return ()

    def addressed(self) -> list[str]:
        """Return the overrides of a single run, those of several stimuli written for each entry that has the key."""
        return list(self.overrides) if self.multirun else self.composer.addressed(self.overrides)

    def late(self) -> list[str]:
        """Return the overrides that only a job understands, since they change an option that the sweep chooses."""
        fixed = [text for text in self.overrides if (o := parsed(text)) is None or not o.is_sweep_override()]
        good: list[str] = []
        late = []
        for text in fixed if self.multirun else []:
            try:
                self.composer.load([*good, text])
            except refusals():
                late.append(text)
            else:
                good.append(text)
        return late


def task(cfg: DictConfig) -> int:
    """Run one job in the directory that Hydra made for it; a single run ends with its exit code."""
    node = HydraConfig.get()
    folder = Path(node.runtime.output_dir)
    with open_dict(cfg):
        cfg.batch.output_dir = str(_shown(folder, Path(node.runtime.cwd)))
        cfg.hydra = {"runtime": node.runtime}
    single = node.mode != RunMode.MULTIRUN
    name = "" if single or node.sweep.subdir == "." else str(node.sweep.subdir)
    try:
        code = execute(config.examine(cfg, []), name, again(node, 0 if single else 1))
    except SensoryForgeError as error:
        code = console.report(error)
    if single and code:
        raise SystemExit(code)
    return code


def _shown(folder: Path, cwd: Path) -> Path:
    """Return a directory as it is called where the command was given; in full where the job works somewhere else."""
    return folder.relative_to(cwd) if cwd == Path.cwd() and folder.is_relative_to(cwd) else folder


def again(node: Any, ours: int) -> str:
    """Return the overrides that go on with a run or a sweep, added to its command.

    ``node`` is ``hydra``; ``ours`` counts the overrides of a directory in it that the user did not write.
    """
    mode = "sweep" if node.mode == RunMode.MULTIRUN else "run"
    given = [text for text in node.overrides.hydra if str(text).startswith(f"hydra.{mode}.dir=")]
    cwd = Path(node.runtime.cwd)
    key = f"hydra.{mode}.dir" if len(given) > ours else "batch.output_dir"
    return f"batch.resume=true {written(key, _shown(cwd / str(node[mode].dir), cwd))}"


def execute(experiment: Experiment, name: str = "", again: str | None = None) -> int:
    """Run an experiment, or say what it would do; ``name`` tells the jobs of a sweep apart."""
    if name:
        console.say(f"{name}:")
    batch.run(experiment, echo=console.say, again=again)
    return 0


def is_experiment(cfg: DictConfig) -> bool:
    """Tell whether a composed configuration is one of ours, its sweeps not yet chosen."""
    return any(section in cfg for section in SECTIONS)


class Guard(Callback):
    """Checks the configuration of a single run before Hydra makes a directory for it."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """End with one line for each problem, do a dry run, or make the run's directory."""
        with ending():
            experiment = moved(check_hydra(config), directory(config, "run"))
            if experiment.batch.dry_run:
                raise SystemExit(execute(experiment))
            preflight(experiment)
            config.hydra.run.dir = str(make_directory(config, "run"))


@contextmanager
def ending() -> Iterator[None]:
    """Turn an error into the end of the process: Hydra would answer one from a callback with a warning, and go on."""
    try:
        yield
    except SensoryForgeError as error:
        raise SystemExit(console.report(error)) from error


def check_hydra(cfg: DictConfig) -> Experiment:
    """Return the experiment of a configuration that Hydra composed from a command line."""
    from hydra.core.global_hydra import GlobalHydra

    composer = Composer(GlobalHydra.instance().config_loader())
    texts: Any = OmegaConf.to_container(cfg.hydra.overrides.task, resolve=False)  # as they were written
    return config.examine(cfg, composer.refused([str(text) for text in texts]))


def raw(cfg: DictConfig, mode: str, key: str) -> str:
    """Return a key of ``hydra.run`` or ``hydra.sweep`` as it is written."""
    node = OmegaConf.to_container(cfg.hydra[mode], resolve=False)
    return str(node[key]) if isinstance(node, dict) else ""


def moved(experiment: Experiment, place: Path) -> Experiment:
    """Return the experiment with its results in another directory."""
    return replace(experiment, batch=replace(experiment.batch, output_dir=place))


def check_jobs(composer: Composer, jobs: Sequence[Sequence[str]]) -> list[Experiment]:
    """Return the experiment of each job, or raise the problems of all of them."""
    experiments: list[Experiment] = []
    problems: list[str] = []
    for overrides in jobs:
        try:
            experiments.append(config.check_overrides(composer, overrides))
        except ConfigError as error:
            problems += error.problems
    raise_if(problems)
    return experiments


def directory(cfg: DictConfig, mode: str) -> Path:
    """Return the directory that a run or a sweep would make, or use again."""
    wanted = Path(str(cfg.hydra[mode].dir)).expanduser()
    return config.free_directory(wanted) if _is_dated(cfg, mode) else wanted


def _is_dated(cfg: DictConfig, mode: str) -> bool:
    """Tell whether the directory of a run or a sweep has the time in it, so that every one has its own."""
    text = raw(cfg, mode, "dir")
    return "${now" in text or (text == "${batch.output_dir}" and config.is_dated(cfg))


def make_directory(cfg: DictConfig, mode: str) -> Path:
    """Make and return the directory of a run or a sweep; one named by the time gets a number when it is taken."""
    own = _is_dated(cfg, mode)
    wanted = Path(str(cfg.hydra[mode].dir)).expanduser()
    names = (wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}") for number in count(1))
    for path in names:
        try:
            path.mkdir(parents=True, exist_ok=not own)
        except FileExistsError as error:
            if not own:
                raise StorageError(f"{path}: a file, not a directory") from error
        except OSError as error:
            raise StorageError(f"{path}: the directory cannot be made ({error.strerror})") from error
        else:
            return path
    raise AssertionError("the numbers do not end")
