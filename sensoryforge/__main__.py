"""``python -m sensoryforge`` is the ``sensoryforge`` command."""

import sys

from sensoryforge.cli import main

sys.exit(main())
