"""The ``sensoryforge`` command. Everything heavy is imported by the command that needs it: ``--help`` is instant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from sensoryforge import console
from sensoryforge.errors import ConfigError, StorageError, listing, suggest
from sensoryforge.trust import trust

STARTER = Path(__file__).with_name("starter.yml")


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return console.ended(lambda: _run(words))


def _run(words: list[str]) -> int:
    """Find the command and run it."""
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        raise ConfigError(f"{words[0]}: no such command, known are {listing(COMMANDS)}{suggest(words[0], COMMANDS)}")
    if words[:1] == ["run"]:
        return _hydra(words[1:])
    parser = _parser()
    found, rest = parser.parse_known_args(words)
    options = [word for word in rest if word.startswith("-") or found.command != "batch"]
    if options:
        parser.error(f"unknown argument {options[0]}")
    if found.command is None:
        parser.print_help()
        return 0
    if found.command == "batch":
        found.overrides += rest
    return COMMANDS[found.command](found)


def _parser() -> Parser:
    """Return the parser of every command."""
    parser = Parser("sensoryforge", description="Touch into spikes, at dataset scale.")
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    one = commands.add_parser("batch", help="run a batch file", description="Run a batch file, or resume it.")
    one.add_argument("file", metavar="FILE", help="a YAML file with stimuli, and what differs from the defaults")
    one.add_argument("overrides", metavar="key=value", nargs="*", default=[], help="change a value of the file")
    one.add_argument("--dry-run", action="store_true", help="say what would run and what it costs; write nothing")
    one.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    one.add_argument("--overwrite", action="store_true", help="discard an interrupted run")
    one.add_argument("--trust", metavar="MODULE", action="append", help="use stimulus classes of this module of yours")
    one = commands.add_parser("run", help="run the Hydra application", add_help=False)
    one = commands.add_parser("list", help="list every option and its parameters")
    one.add_argument("group", metavar="GROUP", nargs="?", help="only this group, such as stimuli")
    one.add_argument("--config-dir", metavar="DIR", action="append", help="a folder with options of your own")
    one = commands.add_parser("show", help="say what a dataset holds")
    one.add_argument("directory", metavar="DIR", help="the output directory of a run")
    one.add_argument("--csv", action="store_true", help="write the table of stimuli as CSV")
    one = commands.add_parser("plot", help="draw a dataset", description="Draw a dataset into picture files.")
    one.add_argument("directory", metavar="DIR", help="the output directory of a run")
    one.add_argument("pictures", metavar="PICTURE", nargs="*", help="only these: tuning heatmap response movie sheet")
    one.add_argument("--stimulus", metavar="INDEX", type=int, help="which stimulus (default: that with most spikes)")
    one.add_argument("--axes", metavar="X,Y", default="", help="parameters of tuning and heatmap (default: two)")
    one.add_argument("--format", default="png", help="png, svg or pdf (default: %(default)s)")
    one.add_argument("--output", metavar="FOLDER", help="where to (default: DIR/plots)")
    one = commands.add_parser("report", help="write a page about a dataset: what was run, pictures, tables")
    one.add_argument("directory", metavar="DIR", help="the output directory of a run")
    one.add_argument("--output", metavar="FILE", help="where to (default: DIR/report.html)")
    one = commands.add_parser("init", help="write a batch file to start from")
    one.add_argument("file", metavar="FILE", nargs="?", default="my_batch.yml", help="where (default: %(default)s)")
    return parser


def _batch(found: argparse.Namespace) -> int:
    """Run a batch file."""
    from sensoryforge import batch
    from sensoryforge.config import check_batch_file
    from sensoryforge.preflight import check_encoding

    check_encoding(found.overrides)
    if found.trust:
        trust(found.trust)
        sys.path.append(str(Path(found.file).resolve().parent))
    flags = [f"batch.{name}=true" for name in ("dry_run", "resume", "overwrite") if getattr(found, name)]
    batch.run(check_batch_file(found.file, [*found.overrides, *flags]), echo=console.say)
    return 0


def _hydra(words: list[str]) -> int:
    """Hand the rest of the command line to the Hydra application."""
    from sensoryforge.app import main as application

    sys.argv = ["sensoryforge run", *words]
    return application()


def _list(found: argparse.Namespace) -> int:
    """Write every option, or those of one group."""
    from sensoryforge.catalogue import lines

    for line in lines(found.group, [Path(folder) for folder in found.config_dir or []]):
        console.say(line)
    return 0


def _show(found: argparse.Namespace) -> int:
    """Write what a dataset holds, or its table."""
    from sensoryforge.catalogue import dataset_lines
    from sensoryforge.store.results import load

    results = load(found.directory)
    lines = results.table.to_csv(index=False).splitlines() if found.csv else dataset_lines(results)
    for line in lines:
        console.say(line)
    return 0


def _plot(found: argparse.Namespace) -> int:
    """Draw a dataset into files."""
    from sensoryforge.plots import book
    from sensoryforge.store.results import load

    folder = Path(found.output or Path(found.directory) / "plots")
    axes = [name.strip() for name in found.axes.split(",") if name.strip()]
    for line in book.write(load(found.directory), folder, found.pictures, found.stimulus, axes, found.format):
        console.say(line)
    return 0


def _report(found: argparse.Namespace) -> int:
    """Write a page about a dataset."""
    from sensoryforge import report
    from sensoryforge.store.results import load

    path = Path(found.output or Path(found.directory) / "report.html")
    for written in report.write(load(found.directory), path):
        console.say(f"Wrote {written}")
    return 0


def _init(found: argparse.Namespace) -> int:
    """Write the starter file, never over another."""
    path = Path(found.file)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER.read_text(encoding="utf-8"))
    except FileExistsError:
        raise StorageError(f"{path}: exists already; give another name") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error
    console.say(f"Wrote {path}; see what it would run with: sensoryforge batch {path} --dry-run")
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "batch": _batch,
    "run": lambda found: _hydra([]),
    "list": _list,
    "show": _show,
    "plot": _plot,
    "report": _report,
    "init": _init,
}
