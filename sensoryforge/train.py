"""The door ``python -m sensoryforge.train``: a decoder for a dataset."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the application that trains on ``sys.argv`` and return its exit code."""
    from sensoryforge.commands import console
    from sensoryforge.commands.help_pages import TRAIN, asks_for_help

    if asks_for_help(sys.argv[1:]):
        console.say(TRAIN)
        return 0
    from sensoryforge.commands.train import main as application

    return application()


if __name__ == "__main__":
    sys.exit(main())
