"""``sensoryforge merge``: datasets of one pipeline, written as one."""

from __future__ import annotations

import argparse

from sensoryforge.commands import console
from sensoryforge.commands.datasets import add_trust, trust_modules


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``sensoryforge merge``."""
    parser.add_argument(
        "datasets",
        metavar="DIR",
        nargs="*",
        help="two or more datasets of one pipeline: directories of runs, finished or interrupted, "
        "or of sweeps, or results files; a stimulus that several have is kept once",
    )
    parser.add_argument(
        "--output", metavar="DIR", required=True, help="the directory of the dataset of all"
    )
    parser.add_argument(
        "--format", metavar="NAME", help="hdf5 or pytorch (default: that of the first dataset)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be written; write nothing"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a dataset in the output, or discard an unfinished one",
    )
    parser.add_argument(
        "--any-version",
        action="store_true",
        help="join what different versions of SensoryForge made",
    )
    add_trust(parser)


def run(arguments: argparse.Namespace) -> int:
    """Join datasets."""
    from sensoryforge.running.merging import merge

    trust_modules(arguments)
    merge(
        arguments.datasets,
        arguments.output,
        format=arguments.format,
        overwrite=arguments.overwrite,
        dry_run=arguments.dry_run,
        any_version=arguments.any_version,
        echo=console.say,
    )
    return 0
