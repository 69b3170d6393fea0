"""The fitted afferents fire, spike for spike, as an oracle that shares nothing with their equations.

The oracle is SciPy's Butterworth filter and a loop in float64, written from Saal, Delhaye, Rayhaun
and Bensmaia 2017, PNAS, doi:10.1073/pnas.1704856114; the 17 units of that paper are in
``tests/data/fitted_units.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import yaml
from helpers.blocks import shipped
from scipy.signal import butter, lfilter

from sensoryforge.core.numerics import normals
from sensoryforge.simulation.kernels import Afferents, Drive, kernel, unpack_spikes

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

Array = npt.NDArray[np.float64]
TABLE = Path(__file__).parents[1] / "data" / "fitted_units.yaml"
UNITS: dict[str, list[dict[str, float]]] = yaml.safe_load(TABLE.read_text())
DT_MS = 0.2
SAMPLES = 2500  # half a second
T_S = np.arange(SAMPLES) * DT_MS / 1000
MODULUS = 0.05 / (1 - 0.4**2)  # N/mm2
DEPTH_MM = {"sa1": 0.3, "ra": 1.6, "pc": 2.0}


# --- what is pressed, in mm ---


def ramp(depth_mm: float) -> Array:
    """Return a trapezoid with ramps of 50 ms."""
    return depth_mm * np.interp(T_S, [0.02, 0.07, 0.4, 0.45], [0, 1, 1, 0])


def vibration(depth_mm: float, frequency_hz: float, preload_mm: float = 0.0) -> Array:
    """Return a sine on a preload that is reached in 50 ms."""
    rest = preload_mm * np.interp(T_S, [0, 0.05], [0, 1])
    return rest + depth_mm * np.sin(2 * np.pi * frequency_hz * T_S) * (T_S >= 0.05)


def noise(depth_mm: float) -> Array:
    """Return noise up to 150 Hz."""
    white = normals(7, "fitted units", size=SAMPLES)
    smooth: Array = lfilter(*butter(3, 150, fs=1000 / DT_MS), white)
    return depth_mm * smooth / np.abs(smooth).max()


INDENTATIONS: dict[str, Array] = {
    "ramp of 0.5 mm": ramp(0.5),
    "ramp of 1 mm": ramp(1.0),
    "5 Hz": vibration(0.5, 5),
    "30 Hz": vibration(0.3, 30),
    "250 Hz": vibration(0.02, 250),
    "noise": noise(0.5),
    "100 Hz on 0.5 mm": vibration(0.08, 100, preload_mm=0.5),
    "a probe that is withdrawn": -ramp(0.4),
}


def felt(indentation_mm: Array, depth_mm: float) -> tuple[Array, Array]:
    """Return stress in N/mm2 and its dynamic part in N/s/mm3, about those under a probe of 1 mm."""
    static = MODULUS / (1 + depth_mm) * indentation_mm
    velocity = np.gradient(indentation_mm, DT_MS / 1000)
    return static, MODULUS * velocity / depth_mm**2


# --- the oracle ---


def low_passed(signal: Array, cutoff_hz: float) -> Array:
    filtered: Array = lfilter(*butter(3, cutoff_hz, fs=1000 / DT_MS), signal)
    return filtered


def weighed(signal: Array, of_positive: float, of_negative: float) -> Array:
    return of_positive * np.maximum(signal, 0) + of_negative * np.maximum(-signal, 0)


def current_of(unit: Mapping[str, float], static: Array, dynamic: Array) -> Array:
    rate = low_passed(dynamic, unit["cutoff_hz"])
    current = weighed(rate, unit["w_d"], unit["w_dn"])
    if "w_s" in unit:
        current += weighed(low_passed(static, unit["cutoff_hz"]), unit["w_s"], unit["w_sn"])
    if "w_dd" in unit:
        change = np.diff(rate, append=rate[-1])
        current += weighed(change, unit["w_dd"], unit["w_ddn"])
    return current


def after_spike(unit: Mapping[str, float], steps: int) -> float:
    """Return the current so many steps after a spike, the first of which is 0."""
    x = 1.5 * np.pi * np.log(1 + steps * DT_MS) / np.log(9)
    current = 0.0
    if x <= np.pi:
        current += unit["h_early"] * (1 + np.cos(x)) / 2
    if np.pi / 2 <= x <= 5 * np.pi / 2:
        current += unit["h_late"] * (1 - np.sin(x)) / 2
    return float(current)


def oracle(unit: Mapping[str, float], static: Array, dynamic: Array) -> list[int]:
    """Return the steps, counted from 1, at whose end a unit fires."""
    bound = unit.get("i_max", 0.0)
    v, last = 0.0, -10_000
    fired = []
    for n, current in enumerate(current_of(unit, static, dynamic)):
        bounded = bound * current / (bound + abs(current)) if bound > 0 else current
        # The step after that of a spike is the first.
        v += -v / unit["tau"] + bounded + (after_spike(unit, n - last - 1) if fired else 0.0)
        if v > 1 and n - last >= 6:
            v, last = 0.0, n
            fired.append(n + 1)
    return fired


def test_the_oracle_fires_as_published_under_a_probe() -> None:
    """What comes after a spike is over when it should be, and is as large as it should be."""
    unit = {"h_early": -2.0, "h_late": -0.5}
    assert after_spike(unit, 0) == -2.0
    assert after_spike(unit, round(8 / DT_MS)) == pytest.approx(-0.5)  # log 9: the second hump
    assert after_spike(unit, round(38 / DT_MS)) == 0.0


# --- ours ---


def our_spikes(
    kind: str, units: list[dict[str, float]], drives: list[tuple[Array, Array]], backend: str,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:  # fmt: skip
    """Return the spikes of units, each a neuron of one population, bool [stimuli, T, units]."""
    filter = shipped("filter", "touch_slow" if kind == "sa1" else "touch_fast")
    model = shipped("model", "touch")
    values = {
        block.kind: {
            name: torch.tensor([unit.get(name, 0.0) for unit in units], dtype=dtype)
            for name in block.parameters
        }
        for block in (filter, model)
    }
    afferents = Afferents(filter, model, values["filter"], values["model"], dt_ms=DT_MS, substeps=1)
    # Two terms: the stress, and the rate, which is per ms.
    time = torch.tensor(np.array([[static, dynamic / 1000] for static, dynamic in drives]))
    space = torch.ones(len(drives), 2, len(units))
    device = "cuda" if backend == "triton" and torch.cuda.is_available() else "cpu"
    rows = torch.arange(len(drives), device=device)
    drive = Drive(rows, space.to(device, dtype), time.to(device, dtype), rates=1)
    spikes = kernel(backend)(afferents, drive, None).spikes
    assert spikes is not None
    return unpack_spikes(spikes.cpu(), SAMPLES)


BACKENDS: list[Any] = [
    ("torch", torch.float32),
    ("torch", torch.float64),
    ("numba", torch.float32),
    pytest.param(("triton", torch.float32), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: f"{b[0]}-{b[1]}".replace("torch.", ""))
@pytest.mark.parametrize("kind", UNITS)
def test_every_unit_fires_as_the_oracle_does(kind: str, backend: tuple[str, torch.dtype]) -> None:
    drives = [felt(indentation, DEPTH_MM[kind]) for indentation in INDENTATIONS.values()]
    spikes = our_spikes(kind, UNITS[kind], drives, *backend)
    counts = []
    for stimulus, (name, drive) in enumerate(zip(INDENTATIONS, drives, strict=True)):
        for number, unit in enumerate(UNITS[kind]):
            # Ours are a sample late: its number is the step, counted from 1, at whose end it is.
            found = torch.nonzero(spikes[stimulus, :, number]).flatten().tolist()
            wanted = [step for step in oracle(unit, *drive) if step < SAMPLES]
            assert found == wanted, f"{kind} {number}, {name}"
            counts.append(len(found))
    assert sum(counts) > 20 * len(UNITS[kind])
    assert len(set(counts)) > 5


def test_the_table_has_the_units_of_the_paper() -> None:
    assert {kind: len(units) for kind, units in UNITS.items()} == {"sa1": 4, "ra": 9, "pc": 4}


@pytest.mark.parametrize("kind", ["sa1", "ra"])
def test_the_shipped_numbers_are_those_of_a_unit(kind: str) -> None:
    filter = shipped("filter", "touch_slow" if kind == "sa1" else "touch_fast")
    unit = UNITS[kind][0]
    assert filter.parameters == {name: unit[name] for name in filter.parameters}
    if kind == "ra":
        model = shipped("model", "touch")
        assert model.parameters == {name: unit[name] for name in model.parameters}


@pytest.mark.parametrize(
    ("filter", "impulse"),
    [("touch_slow", lambda b: {"I": b}), ("touch_fast", lambda b: {"dI": b})],
)
def test_the_low_pass_is_scipys(filter: str, impulse: Callable[[Any], dict[str, Any]]) -> None:
    """The response to a pulse, in float64: section by section, K by a tangent of our own."""
    weights = dict.fromkeys(("w_s", "w_sn", "w_d", "w_dn", "w_dd", "w_ddn"), 0.0)
    block = shipped("filter", filter)
    pulse = np.zeros(200)
    pulse[3] = 1.0
    is_static = "I" in impulse(0)
    values = {**block.parameters, **{n: w for n, w in weights.items() if n in block.parameters}}
    values |= {"w_s": 1.0, "w_sn": -1.0} if is_static else {"w_d": 1.0, "w_dn": -1.0}
    values["cutoff_hz"] = 150.0
    frames = torch.tensor(pulse if is_static else 0 * pulse).reshape(1, -1, 1)
    rate = torch.tensor(0 * pulse if is_static else pulse / 1000).reshape(1, -1, 1)
    drive = Drive(torch.arange(1), frames=frames, rate_frames=rate)
    afferents = Afferents(block, None, values, dt_ms=DT_MS)  # type: ignore[arg-type]
    found = kernel("torch")(afferents, drive, None, ("output",)).traces["output"].flatten().numpy()
    np.testing.assert_allclose(found[1:], low_passed(pulse, 150.0)[:-1], rtol=1e-9, atol=1e-15)
