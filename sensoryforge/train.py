"""The door ``python -m sensoryforge.train``: a decoder for a dataset."""

from __future__ import annotations

import sys

from sensoryforge.commands.train import main as main

if __name__ == "__main__":
    sys.exit(main())
