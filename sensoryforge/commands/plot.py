"""``sensoryforge plot``: a dataset, or the stimuli of a batch file, drawn into picture files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sensoryforge.commands import console
from sensoryforge.commands.datasets import add_choice, load_chosen
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.messages import list_alternatives, list_names
from sensoryforge.core.trust import trust

_YAML = (".yml", ".yaml")
"""How batch files end."""
_WITH_WINDOW = ("tuning", "heatmap", "thresholds")
"""Pictures of the rates in a part of each stimulus."""
_SOME_STIMULI = object()
"""What ``--stimulus`` stands for where no index follows it."""


def _index(text: str) -> int:
    """Return the index of a stimulus; the parser says what is wrong with another word."""
    if text.isdecimal():
        return int(text)
    hint = "; a batch file stands before --stimulus" if Path(text).suffix in _YAML else ""
    raise argparse.ArgumentTypeError(f"got {text!r}, allowed is a whole number from 0 on{hint}")


def _window(text: str) -> tuple[float, float | None]:
    """Return a window in ms; the parser says what is wrong with another word."""
    start, comma, stop = text.partition(",")
    try:
        if comma:
            return float(start), float(stop) if stop.strip() else None
    except ValueError:
        pass
    allowed = "allowed is START,STOP in ms, such as 50,200, or 50, up to the end"
    raise argparse.ArgumentTypeError(f"got {text!r}, {allowed}")


def _check_window(arguments: argparse.Namespace) -> None:
    """Refuse a window where no picture that is asked for has one."""
    if arguments.window is None:
        return
    asked = ["movie"] if arguments.movie else arguments.pictures
    if asked and not any(picture in _WITH_WINDOW for picture in asked):
        allowed = f"allowed with {list_alternatives(_WITH_WINDOW)}"
        raise ConfigError(f"--window: {list_names(asked)} shows all of a stimulus, {allowed}")


def add_plot(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``sensoryforge plot``."""
    parser.add_argument(
        "directory",
        metavar="DIR|FILE",
        help="the output directory of a run; with --stimulus a batch file, before any run",
    )
    parser.add_argument(
        "pictures",
        metavar="PICTURE",
        nargs="*",
        help="only these: tuning heatmap response afferent rates_on_sheet movie sheet coverage, or "
        "thresholds, of vibrations; of a batch file key=value, which changes a value of it",
    )
    parser.add_argument(
        "--stimulus",
        metavar="INDEX",
        type=_index,
        nargs="?",
        const=_SOME_STIMULI,
        help="which stimulus (default: that with most spikes); of a batch file without an INDEX "
        "some of each family: where and when they press, and where receptors and neurons lie",
    )
    parser.add_argument(
        "--movie",
        action="store_true",
        help="one stimulus as a film: the drive on the sheet, and neurons that flash as they fire",
    )
    parser.add_argument(
        "--axes",
        metavar="X,Y",
        default="",
        help="parameters of tuning, heatmap and thresholds (default: a frequency, then what has "
        "most values)",
    )
    parser.add_argument(
        "--window",
        metavar="START,STOP",
        type=_window,
        help="the part of each stimulus that tuning, heatmap and thresholds are of, in ms, such as "
        "50,200; 50, goes to the end (default: all of it)",
    )
    parser.add_argument(
        "--neuron",
        metavar="POPULATION:NUMBER",
        default="",
        help="which afferent, such as sa:12 (default: that with most spikes)",
    )
    add_choice(parser)
    parser.add_argument(
        "--format",
        default="",
        help="png, svg or pdf (default: png); of a movie mp4 or gif (default: mp4 with ffmpeg)",
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="a folder (default: DIR/plots); of a batch file the picture "
        "(default: FILE_stimulus.png, here)",
    )


def run_plot(arguments: argparse.Namespace) -> int:
    """Draw a dataset, or the stimuli of a batch file, into files."""
    from sensoryforge.analysis.plots import book, writing

    if arguments.stimulus is not None and not Path(arguments.directory).is_dir():
        return _plot_batch_file(arguments)
    if arguments.stimulus is _SOME_STIMULI:
        problem = "got no index, allowed is one of its table; only a batch file needs none"
        raise ConfigError(f"stimulus: {problem}, and {arguments.directory} is a directory")
    if Path(arguments.directory).is_file() and Path(arguments.directory).suffix in _YAML:
        what = "a batch file; its stimuli are drawn with --stimulus"
        raise ConfigError(f"{arguments.directory}: {what}, its results from their directory")
    if arguments.movie and arguments.pictures:
        raise ConfigError(f"--movie: got {arguments.pictures[0]!r} too, allowed is one at a time")
    _check_window(arguments)
    results, choice = load_chosen(arguments)
    folder = Path(arguments.output or results.directory / "plots")
    if arguments.movie:
        lines = writing.write_movie(results, folder, arguments.stimulus, arguments.format)
    else:
        axes = [name.strip() for name in arguments.axes.split(",") if name.strip()]
        window = arguments.window or (0.0, None)
        wishes = book.Wishes(arguments.stimulus, tuple(axes), arguments.neuron, choice, window)
        format = arguments.format or "png"
        lines = book.write(results, folder, arguments.pictures, wishes, format)
    for line in lines:
        console.say(line)
    return 0


def _plot_batch_file(arguments: argparse.Namespace) -> int:
    """Draw the stimuli of a batch file; nothing is simulated, and only the picture is written."""
    from sensoryforge.analysis.choice import Choice
    from sensoryforge.analysis.plots import writing
    from sensoryforge.commands.command_line import check_encoding
    from sensoryforge.config.reading import check_batch_file

    file = Path(arguments.directory)
    for option in ("movie", "axes", "neuron", "window"):
        if getattr(arguments, option):
            raise ConfigError(f"--{option}: {file} is no dataset; allowed with a directory")
    for word in arguments.pictures:
        if "=" not in word and not word.startswith("~"):
            raise ConfigError(f"{word}: {file} is no dataset; allowed is key=value")
    check_encoding(arguments.pictures)
    if arguments.trust:
        trust(arguments.trust)
        sys.path.append(str(file.resolve().parent))
    path = Path(arguments.output or f"{file.stem}_stimulus.{arguments.format or 'png'}")
    if arguments.format and path.suffix != f".{arguments.format}":
        raise ConfigError(f"format: got {arguments.format!r}, and the output is {path}")
    index = None if arguments.stimulus is _SOME_STIMULI else arguments.stimulus
    choice = Choice.from_words(arguments.type, arguments.where)
    experiment = check_batch_file(file, arguments.pictures)
    for line in writing.write_stimulus(experiment, path, index, choice):
        console.say(line)
    return 0
