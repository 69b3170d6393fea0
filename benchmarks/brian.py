"""The population of kernel.py in Brian2's C++ standalone mode: one line of JSON with the seconds that the run took.

Runs in an environment of its own (Brian2 needs an older numpy than SensoryForge), started by table.py; compiling is not
counted, and every stimulus's neurons are one group, which suits Brian2 best.
"""

from __future__ import annotations

import argparse
import json
import tempfile

import brian2 as b

EQUATIONS = """
drive = place * course(t) : 1
dI = (drive - before) / dt_sample : Hz
dx/dt = (k2 * ms * dI + k1 * drive - x) / tau_r : 1
dy/dt = (x - y) / tau_d : 1
I = gain * clip(y, 0, inf) + noise : 1
dv/dt = (0.04*v**2 + 5*v + 140 - u + I) / ms : 1
du/dt = 0.02*(0.2*v - u) / ms : 1
place : 1 (constant)
before : 1
noise : 1
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("stimuli", "neurons", "samples", "substeps", "threads"):
        parser.add_argument(name, type=int)
    parser.add_argument("noise", type=float)
    o = parser.parse_args()
    b.set_device("cpp_standalone", build_on_run=False, directory=None)
    b.prefs.devices.cpp_standalone.openmp_threads = o.threads
    b.prefs.core.default_float_dtype = b.float32
    b.defaultclock.dt = 0.5 / o.substeps * b.ms
    names = {
        "k1": 0.05,
        "k2": 3.0,
        "tau_r": 5 * b.ms,
        "tau_d": 30 * b.ms,
        "gain": 60.0,
        "dt_sample": 0.5 * b.ms,
    }
    names["course"] = b.TimedArray(b.linspace(0.2, 1.0, o.samples), dt=0.5 * b.ms)
    cells = b.NeuronGroup(
        o.stimuli * o.neurons,
        EQUATIONS,
        threshold="v >= 30",
        reset="v = -65; u += 8",
        method="euler",
        namespace=names,
    )
    cells.place, cells.v, cells.u = "10*rand()", -65, -13
    cells.run_regularly("before = drive", dt=0.5 * b.ms, when="end")
    if o.noise:
        cells.run_regularly(f"noise = {o.noise / 0.5**0.5} * randn()", dt=0.5 * b.ms, when="start")
    monitor = b.SpikeMonitor(cells)
    b.run(o.samples * 0.5 * b.ms)
    with tempfile.TemporaryDirectory() as folder:
        b.device.build(directory=folder, compile=True, run=True, debug=False)
        times = [b.device._last_run_time]
        for _ in range(5):  # its threads take twice as long in some runs as in others
            b.device.run(directory=folder, with_output=False)
            times.append(b.device._last_run_time)
        print(json.dumps({"seconds": min(times), "spikes": int(monitor.num_spikes)}))


if __name__ == "__main__":
    main()
