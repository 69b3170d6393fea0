"""The door ``python -m sensoryforge.run``; from Python, ``sensoryforge.run(config)``."""

from __future__ import annotations

import sys

from sensoryforge.running import run as run


def main() -> int:
    """Run the Hydra application on ``sys.argv`` and return its exit code."""
    from sensoryforge.commands.completion import script

    text = script(sys.argv[1:])
    if text is not None:
        sys.stdout.write(text)
        return 0
    from sensoryforge.commands.hydra_app import main as application

    return application()


if __name__ == "__main__":
    sys.exit(main())
