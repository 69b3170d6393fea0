"""A dataset as numbers, tables, labelled arrays, events and batches: each says what the items say."""

from __future__ import annotations

import builtins
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.datasets import dense, part_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch.utils.data import DataLoader

from sensoryforge import analysis
from sensoryforge.analysis import exports
from sensoryforge.analysis.exports import EVENT, from_events, to_events, tonic_dataset
from sensoryforge.analysis.results import Results, load
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.packages import require
from sensoryforge.learning import collate

POPULATIONS = ("sa", "ra")


@pytest.fixture
def results(dataset: Path) -> Results:
    return load(dataset)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make reading an array an error."""

    def refuse(*_: Any) -> None:
        raise AssertionError("an array was read")

    monkeypatch.setattr(Results, "array", refuse)


# --- selection ---


def test_the_dataset_has_spikes(results: Results) -> None:
    assert (results.counts().sum() > 0).all()


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("conditions", "query"),
    [
        ({"amplitude": 30}, "amplitude == 30"),
        ({"amplitude": [10, 60], "sigma": 0.3}, "amplitude in (10, 60) and sigma == 0.3"),
        ({"sigma": 0.1 + 0.2}, "sigma == 0.3"),
        ({"sigma": np.array([0.6]), "repetition": 1}, "sigma == 0.6 and repetition == 1"),
        ({"amplitude": lambda a: a > 10}, "amplitude > 10"),
        ({"type": "gaussian", "index": range(3)}, "index in (0, 1, 2)"),
        ({"amplitude": 11}, "amplitude == 11"),
        ({}, "index >= 0"),
    ],
)
def test_where_is_the_filter_of_the_table(
    results: Results, conditions: dict[str, Any], query: str
) -> None:
    expected = results.table.query(query).reset_index(drop=True)
    pd.testing.assert_frame_equal(results.where(**conditions).table, expected)


def test_a_selection_reads_its_own_stimuli(results: Results) -> None:
    chosen = results.where(amplitude=[10, 60], repetition=1)
    rows = chosen.table["index"].tolist()
    assert [item["index"] for item in chosen] == rows
    assert len(rows) == 4
    for name in POPULATIONS:
        assert np.array_equal(chosen.counts(name), results.counts(name)[rows])
        assert chosen.counts()[name].tolist() == results.counts()[name][rows].tolist()
    assert results.take([5, 0])[0]["id"] == results[5]["id"]
    assert len(results) == 12


def test_an_empty_selection_has_shapes(results: Results, tmp_path: Path) -> None:
    for chosen in (
        results.where(amplitude=11),
        part_of(results, tmp_path, [1]).where(amplitude=11),
    ):
        assert len(chosen) == 0
        assert chosen.counts("sa").shape == (0, 5)
        assert chosen.spikes("ra")[:].shape == (0, 60, 7)
        assert chosen.rates().empty


@pytest.mark.usefixtures("unread")
def test_axes_are_those_of_the_design(results: Results, mixture: Path) -> None:
    assert results.axes == {"amplitude": [10, 30, 60], "sigma": [0.3, 0.6]}
    assert results.where(amplitude=10, sigma=0.3).axes == {"amplitude": [10], "sigma": [0.3]}
    assert load(mixture).where(type="step").axes == {"step_time": [5, 10]}


def test_names_that_are_not_there_are_answered_with_those_that_are(results: Results) -> None:
    with pytest.raises(
        ConfigError, match=r"where: got 'amplitud', allowed are .*; did you mean 'amplitude'"
    ) as found:
        results.where(amplitud=1, sigm=2)
    assert len(found.value.problems) == 2
    with pytest.raises(ConfigError, match="where: got 'self', allowed are"):
        results.where(self=1)
    for call in (results.counts, results.rates, results.latency, results.psth, results.to_xarray):
        with pytest.raises(ConfigError, match="population: got 'rs', allowed are sa, ra"):
            call("rs")
    with pytest.raises(ConfigError, match=r"since: got 'sigm', .* did you mean 'sigma'"):
        results.latency("sa", since="sigm")
    with pytest.raises(ConfigError, match=r"what: got 'rate', .* did you mean 'rates'"):
        results.to_xarray("sa", "rate")


# --- numbers ---


@pytest.mark.parametrize("name", POPULATIONS)
def test_counts_and_rates_are_sums_of_the_spikes(results: Results, name: str) -> None:
    spikes = dense(results, name)
    assert np.array_equal(results.counts(name), spikes.sum(1))
    assert np.array_equal(results.counts(name, 5, 10), spikes[:, 10:20].sum(1))
    np.testing.assert_allclose(results.rates(name), spikes.sum(1) / 0.03)
    np.testing.assert_allclose(results.rates(name, 5.0, 10.0), spikes[:, 10:20].sum(1) / 0.005)
    assert results.counts()[name].tolist() == spikes.sum((1, 2)).tolist()
    np.testing.assert_allclose(results.rates(None, 5)[name], spikes[:, 10:].sum(1).mean(1) / 0.025)


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("since", [0.0, 2.5, 29.9, 30.0])
def test_latency_is_the_time_to_the_first_spike(results: Results, name: str, since: float) -> None:
    found = results.latency(name, since)
    for train, row in zip(dense(results, name), found, strict=True):
        for neuron, value in enumerate(row):
            times = np.flatnonzero(train[:, neuron]) * 0.5
            later = times[times >= since]
            assert value == later[0] - since if len(later) else np.isnan(value)
    earliest = [np.nan if np.isnan(row).all() else np.nanmin(row) for row in found]
    np.testing.assert_array_equal(results.latency(None, since)[name], earliest)


def test_latency_may_start_at_a_parameter(mixture: Path) -> None:
    results = load(mixture)
    steps = results.where(type="step")
    onset = steps.table["step_time"].to_numpy()
    whole = steps.latency("ra")
    assert np.isfinite(whole).any()
    np.testing.assert_allclose(steps.latency("ra", since="step_time"), whole - onset[:, None])
    assert np.isnan(results.latency("sa", since="step_time")[:2]).all()


def test_there_is_no_latency_from_an_instant_that_never_comes(
    mixture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = load(mixture)
    monkeypatch.setitem(vars(results), "table", results.table.assign(off_ms=np.inf))
    assert np.isnan(results.latency("ra", since="off_ms")).all()
    assert results.latency(None, since="off_ms").isna().all(axis=None)


@pytest.mark.parametrize("bin_ms", [0.5, 5.0, 7.0, 30.0])
def test_psth_has_every_spike_in_its_bin(results: Results, bin_ms: float) -> None:
    edges, rates = results.psth("sa", bin_ms)
    spikes = dense(results, "sa")
    assert edges[0] == 0
    assert edges[-1] == 30
    np.testing.assert_allclose((rates * np.diff(edges) / 1000).sum(1) * 5, spikes.sum((1, 2)))
    first, last = round(edges[0] / 0.5), round(edges[1] / 0.5)
    np.testing.assert_allclose(
        rates[:, 0], spikes[:, first:last].sum((1, 2)) / 5 / (edges[1] / 1000)
    )


@pytest.mark.parametrize("window", [(-1, 5), (5, 5), (0, 31), (30, None)])
def test_a_window_that_is_not_in_the_recording_is_refused(
    results: Results, window: tuple[float, float]
) -> None:
    with pytest.raises(
        ConfigError, match=r"window: got .* allowed is start_ms < stop_ms within 0 to 30 ms"
    ):
        results.counts("sa", *window)
    with pytest.raises(ConfigError, match=r"bin_ms: got 0.1, allowed is a sample to the whole"):
        results.psth("sa", 0.1)


def test_a_failed_stimulus_has_no_rate(results: Results, tmp_path: Path) -> None:
    part = part_of(results, tmp_path, [0, 3, 4], failed=[3])
    assert part.rates()["sa"].isna().tolist() == [False, True, False]
    assert np.isnan(part.rates("ra")).all(1).tolist() == [False, True, False]
    assert np.isnan(part.latency("ra")[1]).all()
    assert part.counts("sa")[1].tolist() == [0] * 5
    assert part.psth("sa")[0][-1] == 30


# --- labelled arrays ---


@pytest.mark.parametrize("name", POPULATIONS)
def test_xarray_has_each_stimulus_at_its_place(results: Results, name: str) -> None:
    found = results.to_xarray(name)
    assert found.dims == ("amplitude", "sigma", "repetition", "time", "neuron")
    assert found.dtype == bool
    assert found.amplitude.values.tolist() == [10, 30, 60]
    assert (
        found.sigma.attrs["units"],
        found.time.attrs["units"],
        found.amplitude.attrs["units"],
    ) == (
        "mm",
        "ms",
        "a.u.",
    )
    assert float(found.center_x) == 0
    assert bool(found.present.all())
    np.testing.assert_allclose(found.x_mm, results.metadata[f"{name}_xy_mm"][:, 0])
    for item in results:
        p = item["parameters"]
        there = found.sel(amplitude=p["amplitude"], sigma=p["sigma"], repetition=item["repetition"])
        assert int(there["index"]) == item["index"]
        assert np.array_equal(there.values, item[f"{name}_spikes"].numpy())


def test_xarray_of_measures_is_the_measure(results: Results) -> None:
    spikes = results.to_xarray()
    assert spikes["sa"].dims == ("amplitude", "sigma", "repetition", "time", "sa_neuron")
    counts = results.to_xarray("ra", "counts")
    assert np.array_equal(spikes["ra"].sum("time").values, counts.values)
    rates = results.to_xarray("ra", "rates")
    assert rates.attrs["units"] == "Hz"
    np.testing.assert_allclose(rates, counts / 0.03)
    assert results.to_xarray("sa", "latency").shape == (3, 2, 2, 5)
    by_table = results.table.join(results.rates()).groupby(["amplitude", "sigma"])["ra"].mean()
    np.testing.assert_allclose(rates.mean(("repetition", "neuron")).values.ravel(), by_table)


def test_xarray_says_where_nothing_is(results: Results, tmp_path: Path) -> None:
    part = part_of(results, tmp_path, [0, 3, 10, 11], failed=[10])
    found = part.to_xarray("sa", "rates")
    assert int(found.present.sum()) == 3
    assert int((found["index"] >= 0).sum()) == 4
    assert np.array_equal(np.isnan(found).all("neuron"), ~found.present)
    assert not part.to_xarray("sa").where(~found.present, False).any()


def test_several_types_are_stacked(mixture: Path) -> None:
    results = load(mixture)
    found = results.to_xarray("ra")
    assert found.dims == ("stimulus", "time", "neuron")
    assert np.array_equal(found.values, dense(results, "ra"))
    assert found["type"].values.tolist() == results.table["type"].tolist()
    assert np.isnan(found.step_time.values).tolist() == [True, True, False, False, False, False]
    assert results.where(type="step").to_xarray("ra").dims == (
        "step_time",
        "repetition",
        "time",
        "neuron",
    )
    assert results.where(type="step").to_xarray("ra", stacked=True).dims == (
        "stimulus",
        "time",
        "neuron",
    )


# --- events and batches ---


@given(
    arrays.arrays(bool, st.tuples(st.integers(0, 40), st.integers(1, 9))),
    st.sampled_from([0.001, 0.05, 0.1, 1 / 3, 0.5, 1.0, 2.5]),
)
def test_events_there_and_back(spikes: Any, dt_ms: float) -> None:
    events = to_events(spikes, dt_ms)
    assert len(events) == spikes.sum()
    assert (np.diff(events["t"]) >= 0).all()
    again = from_events(events, *spikes.shape, dt_ms)
    assert np.array_equal(again.numpy(), spikes)
    assert np.array_equal(to_events(again, dt_ms), events)


def test_events_of_a_stimulus_are_its_spikes(results: Results) -> None:
    row = int(results.counts()["sa"].argmax())
    events = results.events(row, "sa")
    sample, neuron = np.nonzero(results[row]["sa_spikes"].numpy())
    assert len(events) > 0
    assert events["t"].tolist() == (sample * 500).tolist()
    assert events["neuron"].tolist() == events["x"].tolist() == neuron.tolist()
    assert events.dtype == EVENT
    assert torch.equal(from_events(events, 60, 5, 0.5), results[row]["sa_spikes"])


def test_events_that_lie_outside_are_refused() -> None:
    with pytest.raises(
        ConfigError,
        match="events: got t=500, neuron=3, allowed is t below 1000 us and neuron below 3",
    ):
        from_events(np.array([(500, 3, 0)], dtype=EVENT), 2, 3, 0.5)
    with pytest.raises(ConfigError, match=r"dt_ms: got 0.0001, allowed is at least 0.001"):
        to_events(np.ones((2, 2), dtype=bool), 0.0001)


def test_tonic_frames_are_the_spikes(results: Results) -> None:
    from tonic import transforms

    found = tonic_dataset(results, "sa", target="amplitude")
    assert len(found) == 12
    events, target = found[11]
    assert target == results.table["amplitude"].iloc[11]
    frames = transforms.ToFrame(found.sensor_size, time_window=500, start_time=0, end_time=30_000)(
        events
    )
    assert np.array_equal(
        frames[:, 0, :].astype(bool), results[11]["sa_spikes"].numpy()[: len(frames)]
    )
    with pytest.raises(ConfigError, match=r"target: got 'amplitud', .* did you mean 'amplitude'"):
        tonic_dataset(results, "sa", target="amplitud")


def test_tonic_pads_a_batch_of_types(mixture: Path) -> None:
    from tonic import collation, transforms

    results = load(mixture)
    found = tonic_dataset(results, "ra")
    found.transform = transforms.ToFrame(found.sensor_size, time_window=500)
    _, targets = next(
        iter(DataLoader(found, batch_size=len(found), collate_fn=collation.PadTensors()))
    )
    assert [found.classes[k] for k in targets.tolist()] == results.table["type"].tolist()


def test_a_loader_gives_batches_with_time_first(results: Results) -> None:
    batches = list(DataLoader(results, batch_size=5, collate_fn=collate))  # type: ignore[arg-type]
    assert [tuple(batch["sa_spikes"].shape) for batch in batches] == [
        (60, 5, 5),
        (60, 5, 5),
        (60, 2, 5),
    ]
    whole = torch.cat([batch["ra_spikes"] for batch in batches], dim=1)
    assert whole.dtype == torch.float32
    assert torch.equal(whole.bool().transpose(0, 1), results.spikes("ra")[:])
    assert batches[0]["amplitude"].tolist() == results.table["amplitude"][:5].tolist()
    assert batches[0]["id"] == results.table["id"][:5].tolist()


def test_a_batch_of_several_types_and_of_pairs(mixture: Path) -> None:
    results = load(mixture)
    batch = collate(results[1:4])
    assert batch["type"] == ["gaussian", "step", "step"]
    assert torch.isnan(batch["step_time"]).tolist() == [True, False, False]
    assert batch["index"].tolist() == [1, 2, 3]
    spikes, target = collate([(results[row]["sa_spikes"], row) for row in range(4)])
    assert spikes.shape == (60, 4, 5)
    assert target.tolist() == [0, 1, 2, 3]
    assert collate([results[row]["sa_spikes"] for row in range(3)]).shape == (60, 3, 5)


# --- what the packages show ---


@pytest.mark.parametrize("package", ["analysis", "analysis.exports", "analysis.plots"])
def test_a_package_names_its_public_things(package: str) -> None:
    module = import_module(f"sensoryforge.{package}")
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=r"has no attribute 'heatmaps'"):
        _ = module.heatmaps


def test_public_names_are_not_hidden_by_modules(results: Results) -> None:
    assert analysis.load is load
    assert analysis.Results is Results
    results.to_xarray("sa")
    plots = import_module("sensoryforge.analysis.plots.book").__package__
    for package in (exports, sys.modules[plots]):
        for name in package.__all__:
            assert not isinstance(getattr(package, name), ModuleType)


@pytest.mark.parametrize("package", ["analysis", "analysis.exports", "analysis.plots"])
def test_a_package_imports_nothing_heavy(package: str) -> None:
    heavy = ("matplotlib", "torch", "pandas", "numba")
    script = f"import sys, sensoryforge.{package}; print([m for m in {heavy} if m in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


# --- packages that may be missing ---


@pytest.mark.parametrize("package", ["xarray", "tonic", "matplotlib"])
def test_a_missing_package_is_named_with_its_command(
    package: str, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(package, monkeypatch)
    calls = {
        "xarray": lambda: results.to_xarray("sa"),
        "tonic": lambda: tonic_dataset(results, "sa"),
        "matplotlib": lambda: import_module("sensoryforge.analysis.plots").heatmap,
    }
    extra = {"matplotlib": "plot"}.get(package, package)
    with pytest.raises(
        ConfigError, match=rf'^{package} is not installed; pip install "sensoryforge\[{extra}\]"$'
    ):
        calls[package]()


def test_a_package_that_lacks_one_of_its_own_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError("No module named 'inner'", name="inner")

    monkeypatch.setattr("sensoryforge.core.packages.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="inner"):
        require("xarray")


def hide(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a package as if it were not installed."""
    usual = builtins.__import__

    def guarded(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return usual(name, *rest, **more)

    for module in [
        name
        for name in sys.modules
        if name.partition(".")[0] == package or "sensoryforge.analysis.plots" in name
    ]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", guarded)
    monkeypatch.setattr("sensoryforge.core.packages.import_module", guarded)
