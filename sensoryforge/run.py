"""The door ``python -m sensoryforge.run``; from Python, ``sensoryforge.run(config)``."""

from __future__ import annotations

import sys
from typing import Any

from sensoryforge.running import run as run


def main() -> int:
    """Run the Hydra application on ``sys.argv`` and return its exit code."""
    from sensoryforge.commands import console
    from sensoryforge.commands.completion import script
    from sensoryforge.commands.help_pages import RUN, asks_for_help

    text = script(sys.argv[1:])
    if text is not None:
        sys.stdout.write(text)
        return 0
    if asks_for_help(sys.argv[1:]):
        console.say(RUN)
        return 0
    from sensoryforge.commands.hydra_app import main as application

    return application()


if __name__ == "__main__":
    sys.exit(main())

# Python binds what stands in sys.modules to the name in the package once this file is imported:
# ``sensoryforge.run`` stays the function, and ``from sensoryforge.run import main`` works too.
_function: Any = run
_function.main = main
sys.modules[__name__] = _function
