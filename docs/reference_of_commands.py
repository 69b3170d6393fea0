"""Writes the end of ``docs/commands.md``, made from the parsers: run this file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from sensoryforge.commands.cli import COMMANDS, Command
from sensoryforge.commands.help_pages import RUN, TRAIN

PAGE = Path(__file__).with_name("commands.md")
HEADING = "## Every command and option\n"
OPENING = """
Made from the parsers by `docs/reference_of_commands.py`; `sensoryforge COMMAND --help` prints the
same. `--help` is an option of every command, `sensoryforge --version` tells the version.
"""
PAGES = {"run": RUN, "train": TRAIN}
"""What the commands say that hand their words to Hydra."""


def page() -> str:
    """Return the page: what is written by hand, and below its last heading every command."""
    by_hand, heading, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    if not heading:
        raise ValueError(f"{PAGE.name}: no heading {HEADING.strip()!r}")
    lines = [line for name, command in COMMANDS.items() for line in section(name, command)]
    return f"{by_hand}{heading}{OPENING}" + "\n".join(lines) + "\n"


def section(name: str, command: Command) -> Iterator[str]:
    """Yield what a command is for and what it takes."""
    yield from ("", f"### sensoryforge {name}", "")
    if name in PAGES:
        for line in PAGES[name].splitlines():
            yield f"    {line}".rstrip()
        return
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    actions = parser._actions  # argparse has no other way to ask
    positionals = [action for action in actions if not action.option_strings]
    words = [f"sensoryforge {name}", *map(positional, positionals), *required(actions)]
    has_options = any(action.option_strings and not action.required for action in actions)
    if has_options:
        words.append("[OPTION ...]")
    yield f"    {' '.join(words)}"
    yield from ("", f"{command.help[0].upper()}{command.help[1:]}.")
    yield from ("", "| argument | meaning |", "| --- | --- |")
    for action in actions:
        yield f"| `{in_table(usage(action))}` | {in_table(meaning(action))} |"


def positional(action: argparse.Action) -> str:
    """Return an argument without a name as a command line has it."""
    name = str(action.metavar or action.dest)
    return {"*": f"[{name} ...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def required(actions: list[argparse.Action]) -> Iterator[str]:
    """Yield the options that have to be there."""
    for action in actions:
        if action.option_strings and action.required:
            yield usage(action)


def usage(action: argparse.Action) -> str:
    """Return how an argument is written."""
    if not action.option_strings:
        return positional(action)
    option = ", ".join(action.option_strings)
    if action.nargs == 0:
        return option
    value = str(action.metavar or action.dest.upper())
    return f"{option} [{value}]" if action.nargs == "?" else f"{option} {value}"


def meaning(action: argparse.Action) -> str:
    """Return what an argument is for, on one line of a table."""
    text = str(action.help) % {"default": action.default}
    if isinstance(action, argparse._AppendAction):
        text += "; may be given several times"
    return text


def in_table(text: str) -> str:
    """Return a text as a cell of a table holds it."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
