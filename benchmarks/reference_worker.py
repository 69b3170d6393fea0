"""TouchSim on the task of reference.py, in an environment of its own: it answers on its standard output, line by line.

The first line of its standard input is the task in JSON. Each line after that is a depth in mm; what comes back is the
seconds that the probe took, from its course to the spikes of all afferents, and how many spikes there were.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import touchsim as ts


def population(afferents: dict[str, dict[str, list]]) -> ts.AfferentPopulation:
    """Return afferents at the same places, and of the same units, as ours."""
    made = []
    for affclass, of_class in afferents.items():
        for place, unit in zip(of_class["xy_mm"], of_class["units"], strict=True):
            made.append(ts.Afferent(affclass, location=np.array([place]), idx=unit, noisy=True))
    return ts.AfferentPopulation(*made)


def main() -> None:
    task = json.loads(sys.stdin.readline())
    afferents = population(task["afferents"])
    course = np.array(task["course"])
    for line in sys.stdin:
        start = time.perf_counter()
        probe = ts.Stimulus(trace=float(line) * course, fs=task["fs"], pin_radius=task["radius_mm"])
        spikes = afferents.response(probe).spikes
        seconds = time.perf_counter() - start
        counted = sum(len(train[0] if isinstance(train, list) else train) for train in spikes)
        sys.stdout.write(json.dumps({"seconds": seconds, "spikes": int(counted)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
