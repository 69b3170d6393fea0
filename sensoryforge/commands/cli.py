"""The ``sensoryforge`` command: one `Command` for each word that may follow it.

Everything heavy is imported by the command that needs it, so that ``--help`` is instant.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from sensoryforge.commands import calibrate, console, merge
from sensoryforge.commands.datasets import (
    add_choice,
    add_dataset,
    add_trust,
    load_chosen,
    trust_modules,
)
from sensoryforge.commands.help_pages import RUN, TRAIN, asks_for_help
from sensoryforge.commands.plot import add_plot, run_plot
from sensoryforge.core.errors import ConfigError, StorageError
from sensoryforge.core.messages import list_names, suggest

STARTER = Path(__file__).with_name("starter.yml")
"""The batch file that ``sensoryforge init`` writes."""


_WITH_OVERRIDES = ("batch", "calibrate")
"""Commands that take overrides, also behind their options."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise the problem as ours."""
        raise ConfigError(f"{self.prog}: {message}; see {self.prog} --help")


class Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Write the version and end."""
        from importlib.metadata import version

        console.say(f"sensoryforge {version('sensoryforge')}")
        parser.exit()


@dataclass(frozen=True)
class Command:
    """One word that may follow ``sensoryforge``.

    Attributes
    ----------
    help
        What it is for, in a few words.
    add_arguments
        Adds what it takes to its parser.
    run
        Does it with what the parser read, and returns the exit code.
    """

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (by default that of the process) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return console.run_command(lambda: _run(words))


def _run(words: list[str]) -> int:
    """Find the command and run it."""
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        known = f"known are {list_names(COMMANDS)}{suggest(words[0], COMMANDS)}"
        raise ConfigError(f"{words[0]}: no such command, {known}")
    if words[:1] == ["run"]:
        return _run_hydra(words[1:])
    if words[:1] == ["train"]:
        return _train(words[1:])
    parser = _make_parser()
    arguments, rest = parser.parse_known_args(words)
    for word in rest:
        if word.startswith("-") or arguments.command not in _WITH_OVERRIDES:
            hint = "; a condition stands in quotes" if "--where" in words else ""
            parser.error(f"unknown argument {word}{hint}")
    if arguments.command is None:
        parser.print_help()
        return 0
    if arguments.command in _WITH_OVERRIDES:
        arguments.overrides += rest
    return COMMANDS[arguments.command].run(arguments)


def _make_parser() -> Parser:
    """Return the parser of every command."""
    parser = Parser("sensoryforge", description="Touch into spikes, at dataset scale.")
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, command in COMMANDS.items():
        sentence = command.help[0].upper() + command.help[1:] + "."
        # `run` and `train` hand their words to Hydra, which has a help of its own.
        subparser = subparsers.add_parser(
            name, help=command.help, description=sentence, add_help=name not in ("run", "train")
        )
        command.add_arguments(subparser)
    return parser


# --- batch ---


def _add_batch(parser: argparse.ArgumentParser) -> None:
    what_a_file_is = "a YAML file with stimuli, and what differs from the defaults"
    parser.add_argument("file", metavar="FILE", help=what_a_file_is)
    parser.add_argument(
        "overrides", metavar="key=value", nargs="*", default=[], help="change a value of the file"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would run and what it costs; write nothing"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a finished dataset, or discard an interrupted run",
    )
    add_trust(parser)


def _run_batch(arguments: argparse.Namespace) -> int:
    """Run a batch file."""
    from sensoryforge.commands.command_line import check_encoding
    from sensoryforge.config.overrides import read_directories
    from sensoryforge.config.reading import check_batch_file
    from sensoryforge.running.execute import run_experiment

    check_encoding(arguments.overrides)
    overrides = read_directories(arguments.overrides)
    trust_modules(arguments)
    if arguments.trust:
        sys.path.append(str(Path(arguments.file).resolve().parent))
    for flag in ("dry_run", "resume", "overwrite"):
        if getattr(arguments, flag):
            overrides.append(f"batch.{flag}=true")
    run_experiment(check_batch_file(arguments.file, overrides), echo=console.say)
    return 0


# --- run ---


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    """Add no argument."""


def _run_hydra(words: list[str]) -> int:
    """Hand the rest of the command line to the Hydra application."""
    if asks_for_help(words):
        console.say(RUN)
        return 0
    from sensoryforge.commands.hydra_app import main as run_application

    sys.argv = ["sensoryforge run", *words]
    return run_application()


# --- train, decode ---


def _train(words: list[str]) -> int:
    """Hand the rest of the command line to the Hydra application that trains a decoder."""
    if asks_for_help(words):
        console.say(TRAIN)
        return 0
    from sensoryforge.commands.train import main as train_application

    sys.argv = ["sensoryforge train", *words]
    return train_application()


def _add_decode(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser)
    parser.add_argument(
        "--decoder",
        metavar="FILE",
        required=True,
        help="a checkpoint such as checkpoints/best.ckpt, or the directory of a training",
    )
    parser.add_argument("--csv", metavar="FILE", help="write what it tells of each stimulus")
    add_trust(parser)


def _run_decode(arguments: argparse.Namespace) -> int:
    """Apply a trained decoder to a dataset."""
    from sensoryforge.commands.decode import decode_dataset

    trust_modules(arguments)
    return decode_dataset(arguments.directory, arguments.decoder, arguments.csv)


# --- list ---


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "word",
        metavar="GROUP|OPTION",
        nargs="?",
        help="only this group, such as stimuli, or one option, such as braille or profile/sine",
    )
    parser.add_argument(
        "--config-dir", metavar="DIR", action="append", help="a folder with options of your own"
    )


def _run_list(arguments: argparse.Namespace) -> int:
    """Write every option, those of one group, or one."""
    from sensoryforge.config.option_page import list_lines

    folders = [Path(folder) for folder in arguments.config_dir or []]
    for line in list_lines(arguments.word, folders):
        console.say(line)
    return 0


# --- show ---


def _add_show(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser)
    parser.add_argument("--csv", action="store_true", help="write the table of stimuli as CSV")
    add_trust(parser)


def _run_show(arguments: argparse.Namespace) -> int:
    """Write what a dataset holds, or its table."""
    from sensoryforge.analysis.results import load
    from sensoryforge.commands.show import directory_lines

    trust_modules(arguments)
    if arguments.csv:
        lines = load(arguments.directory).table.to_csv(index=False).splitlines()
    else:
        lines = list(directory_lines(Path(arguments.directory)))
    for line in lines:
        console.say(line)
    return 0


# --- report ---


def _add_report(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser)
    add_choice(parser)
    parser.add_argument("--output", metavar="FILE", help="where to (default: DIR/report.html)")


def _run_report(arguments: argparse.Namespace) -> int:
    """Write a page about a dataset."""
    from sensoryforge.analysis.plots import report

    results, choice = load_chosen(arguments)
    path = Path(arguments.output or results.directory / "report.html")
    for written in report.write(results, path, choice):
        console.say(f"Wrote {written}")
    return 0


# --- export ---


def _add_export(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser)
    parser.add_argument(
        "--cells", action="store_true", help="where neurons lie: POPULATION_cells.csv"
    )
    parser.add_argument(
        "--links", action="store_true", help="what neurons pool: POPULATION_links.csv"
    )
    parser.add_argument("--output", metavar="FOLDER", help="where to (default: DIR/skin)")
    add_trust(parser)


def _run_export(arguments: argparse.Namespace) -> int:
    """Write where neurons lie and what they pool; both where neither is named."""
    from sensoryforge.analysis.results import load
    from sensoryforge.analysis.skin_tables import TABLES, write_tables
    from sensoryforge.core.paths import expand_home

    trust_modules(arguments)
    results = load(arguments.directory)
    folder = expand_home(arguments.output or results.directory / "skin")
    names = [name for name in TABLES if getattr(arguments, name)] or list(TABLES)
    for path in write_tables(results, folder, names):
        console.say(f"Wrote {path}")
    return 0


# --- init ---


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="my_batch.yml",
        help="where (default: %(default)s)",
    )


def _run_init(arguments: argparse.Namespace) -> int:
    """Write the starter file, never over another."""
    path = Path(arguments.file)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER.read_text(encoding="utf-8"))
    except FileExistsError:
        raise StorageError(f"{path}: exists already; give another name") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error
    console.say(f"Wrote {path}; see what it would run with: sensoryforge batch {path} --dry-run")
    return 0


COMMANDS = {
    "batch": Command("run a batch file, or resume it", _add_batch, _run_batch),
    "run": Command("run the Hydra application", _add_nothing, lambda arguments: _run_hydra([])),
    "train": Command("train a decoder on a dataset", _add_nothing, lambda arguments: _train([])),
    "decode": Command("apply a trained decoder to a dataset", _add_decode, _run_decode),
    "calibrate": Command(
        "find at which amplitude populations fire, and what 1 mm is worth",
        calibrate.add_arguments,
        calibrate.run,
    ),
    "list": Command("list every option and its parameters", _add_list, _run_list),
    "show": Command("say what a dataset holds", _add_show, _run_show),
    "plot": Command(
        "draw a dataset, or the stimuli of a batch file, into picture files", add_plot, run_plot
    ),
    "report": Command(
        "write a page about a dataset: what was run, pictures, tables", _add_report, _run_report
    ),
    "merge": Command("join datasets of one pipeline into one", merge.add_arguments, merge.run),
    "export": Command("write where neurons lie and what they pool", _add_export, _run_export),
    "init": Command("write a batch file to start from", _add_init, _run_init),
}
"""The commands, in the order in which ``--help`` lists them."""
