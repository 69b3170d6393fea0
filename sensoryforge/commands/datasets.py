"""What commands about datasets have in common: the directory, which stimuli, whose classes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sensoryforge.core.trust import trust

if TYPE_CHECKING:
    from sensoryforge.analysis.results import Results


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Add the directory of a dataset."""
    parser.add_argument("directory", metavar="DIR", help="the output directory of a run")


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add what chooses stimuli of a dataset, and lets its classes be used."""
    parser.add_argument(
        "--type", metavar="NAME", action="append", default=[], help="only stimuli of this type"
    )
    parser.add_argument(
        "--where",
        metavar="CONDITION",
        action="append",
        default=[],
        help="only stimuli that meet it, such as 'amplitude > 20 and sigma == 0.3'",
    )
    add_trust(parser)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add what lets classes of the user's be used."""
    parser.add_argument(
        "--trust", metavar="MODULE", action="append", help="use classes of this module of yours"
    )


def trust_modules(arguments: argparse.Namespace) -> None:
    """Trust the modules that are named; they may lie in the current folder."""
    if arguments.trust:
        trust(arguments.trust)
        sys.path.append(str(Path.cwd()))


def load_chosen(arguments: argparse.Namespace) -> tuple[Results, str]:
    """Return the stimuli of a dataset that are chosen, and in words which they are."""
    from sensoryforge.analysis.choice import Choice
    from sensoryforge.analysis.results import load

    trust_modules(arguments)
    choice = Choice.from_words(arguments.type, arguments.where)
    results = load(arguments.directory)
    if not str(choice):
        return results, ""
    return results.take(choice.rows(results).tolist()), str(choice)
