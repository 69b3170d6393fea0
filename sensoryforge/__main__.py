"""``python -m sensoryforge`` is the ``sensoryforge`` command."""

import sys

from sensoryforge.commands.cli import main

sys.exit(main())
