"""A run: what it leaves on the disk, what it says, and what it does when it is interrupted and resumed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from helpers.experiments import FORMATS, RESULTS, SMALL

from sensoryforge.analysis.results import Results, load
from sensoryforge.config.reading import check, compose
from sensoryforge.core.errors import ConfigError, FailedStimuliError
from sensoryforge.core.signals import Signals
from sensoryforge.design.experiment import Experiment
from sensoryforge.running import execute as batch
from sensoryforge.running.callbacks import ExportCallback
from sensoryforge.simulation.chunks import count_stimuli, cut_into_chunks
from sensoryforge.simulation.encoder import Encoder

TWELVE = ("stimuli.amplitude=[10, 20, 30]", "stimuli.sigma=[0.3, 0.6]", "stimuli.repetitions=2")


def experiment(directory: Path, *overrides: str) -> Experiment:
    return check(
        compose(
            *SMALL,
            *TWELVE,
            f"batch.output_dir={directory}",
            "batch.checkpoint_frequency=4",
            *overrides,
        )
    )


def run(directory: Path, *overrides: str, says: list[str] | None = None) -> Results:
    echo = (says if says is not None else []).append
    results = batch.run_experiment(experiment(directory, *overrides), progress=False, echo=echo)
    assert results is not None
    return results


def same(a: Results, b: Results) -> bool:
    return len(a) == len(b) and all(
        x.keys() == y.keys()
        and all(
            torch.equal(v, y[k]) if isinstance(v, torch.Tensor) else v == y[k] for k, v in x.items()
        )
        for x, y in zip(a, b, strict=True)
    )


class Stop:
    """Makes the encoder raise a signal, or an error, before it encodes its n-th chunk."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, after: int, number: int = signal.SIGINT
    ) -> None:
        self.left, self.number, self.forward = after, number, Encoder.forward
        self.patch = monkeypatch
        self.encoded: list[tuple[int, int]] = []
        monkeypatch.setattr(Encoder, "forward", lambda encoder, ranges: self(encoder, ranges))

    def __call__(self, encoder: Encoder, ranges: Any) -> Any:
        self.left -= 1
        if self.left < 0 and self.number:
            number, self.number = self.number, 0
            signal.raise_signal(number)
        self.encoded += ranges
        return self.forward(encoder, ranges)


@pytest.mark.parametrize("form", FORMATS)
def test_a_run_leaves_results_and_a_checkpoint_and_nothing_else(tmp_path: Path, form: str) -> None:
    says: list[str] = []
    results = run(tmp_path / "out", f"batch.format={form}", says=says)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "checkpoint.pt",
        RESULTS[form],
        "stimuli.csv",
    ]
    assert len(results) == 12
    assert says == [
        "Batch execution: 12 stimuli total",
        "Spikes: sa 217, ra 109",
        f"✓ Results saved to {tmp_path / 'out' / RESULTS[form]}",
    ]


def test_both_formats_hold_the_same_bits(tmp_path: Path) -> None:
    assert same(
        run(tmp_path / "a", "batch.format=pytorch"), run(tmp_path / "b", "batch.format=hdf5")
    )


def test_results_pt_has_what_the_contract_shows(tmp_path: Path) -> None:
    run(tmp_path)
    results = torch.load(tmp_path / "results.pt")
    assert set(results) == {"stimuli", "metadata"}
    first = results["stimuli"][0]
    assert first["parameters"] == {
        "type": "gaussian",
        "amplitude": 10,
        "sigma": 0.3,
        "center_x": 0.0,
        "center_y": 0.0,
    }
    assert first["sa_spikes"].shape == (60, 5)
    assert first["sa_spikes"].dtype == torch.bool
    assert [s["index"] for s in results["stimuli"]] == list(range(12))
    assert [s["repetition"] for s in results["stimuli"]] == [0, 1] * 6


def test_results_h5_has_what_the_contract_shows(tmp_path: Path) -> None:
    run(tmp_path, "batch.format=hdf5")
    with h5py.File(tmp_path / "results.h5") as f:
        assert list(f) == [f"stimulus_{i:04d}" for i in range(12)]
        assert set(f["stimulus_0000"]) == {"sa_spikes", "ra_spikes"}
        assert f["stimulus_0000"].attrs["type"] == "gaussian"
        assert len(f["stimulus_0000"].attrs["id"]) == 16
        assert '"grid_size": 12' in f.attrs["config"]
        assert f["stimulus_0000"].attrs["amplitude"] == 10
        assert f["stimulus_0000"].attrs["sigma"] == 0.3
        assert f["stimulus_0000"]["sa_spikes"][:].shape == (60, 5)


def test_a_dataset_can_be_open_in_h5py_and_here_at_once(tmp_path: Path) -> None:
    run(tmp_path, "batch.format=hdf5")
    with h5py.File(tmp_path / "results.h5") as before:
        results = load(tmp_path)
        assert results[0]["sa_spikes"].sum() == before["stimulus_0000/sa_spikes"][:].sum()
        with h5py.File(tmp_path / "results.h5") as after:
            assert len(after) == len(results)
    again = load(tmp_path)
    assert len(again[0]["sa_spikes"]) == 60
    with h5py.File(tmp_path / "results.h5") as after:
        assert len(after) == 12


def test_metadata_is_enough_to_run_it_again(tmp_path: Path) -> None:
    first = run(tmp_path / "a")
    config = dict(first.metadata["config"])
    config["batch"] = {**config["batch"], "output_dir": str(tmp_path / "b")}
    again = batch.run_experiment(check(config), progress=False)
    assert again is not None
    assert same(first, again)


def test_a_dry_run_writes_nothing_and_tells_the_grid_and_the_cost(tmp_path: Path) -> None:
    says: list[str] = []
    assert (
        batch.run_experiment(experiment(tmp_path / "out", "batch.dry_run=true"), echo=says.append)
        is None
    )
    assert says[:2] == [
        "Grid expansion: amplitude=[10, 20, 30], sigma=[0.3, 0.6]",
        "→ 6 parameter combinations × 2 repetitions = 12 stimuli",
    ]
    assert any("memory" in line and "disk" in line and "time" in line for line in says)
    assert not (tmp_path / "out").exists()


def test_a_dry_run_says_which_dataset_the_run_would_replace(tmp_path: Path) -> None:
    run(tmp_path / "out")
    lines = batch.dry_run(experiment(tmp_path / "out", "batch.overwrite=true"))
    assert lines[-1].endswith("results.pt, in place of the 12 stimuli there; nothing was written")


@pytest.mark.parametrize("backend", ["torch", "numba"])
@pytest.mark.parametrize("form", FORMATS)
def test_chunk_and_part_sizes_change_no_bit(tmp_path: Path, form: str, backend: str) -> None:
    whole = run(
        tmp_path / "a",
        "pipeline.device=cpu",
        f"batch.format={form}",
        f"pipeline.backend={backend}",
        "batch.checkpoint_frequency=100",
    )
    cut = run(
        tmp_path / "b",
        "pipeline.device=cpu",
        f"batch.format={form}",
        f"pipeline.backend={backend}",
        "pipeline.chunk_size=3",
    )
    assert same(whole, cut)


def test_chunks_never_reach_over_the_end_of_a_part() -> None:
    todo = np.array([0, 1, 2, 5, 6, 7, 8, 9, 20])
    assert cut_into_chunks(todo, 3, 4) == [((0, 3),), ((5, 6),), ((6, 9),), ((9, 10),), ((20, 21),)]
    for chunk_size in range(1, 6):
        made = cut_into_chunks(todo, chunk_size, 4)
        assert [
            i for chunk in made for start, stop in chunk for i in range(start, stop)
        ] == todo.tolist()
        sizes = [count_stimuli(chunk) for chunk in made]
        ends = {sum(sizes[: k + 1]) for k in range(len(sizes))}
        assert {4, 8, 9} <= ends


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "after", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_an_interrupted_run_resumes_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, after: int, name: str, code: int
) -> None:
    if not hasattr(signal, name):
        pytest.skip(f"this system has no {name}")
    whole = run(tmp_path / "whole", f"batch.format={form}")
    says: list[str] = []
    stop = Stop(monkeypatch, after, getattr(signal, name))
    with pytest.raises((KeyboardInterrupt, SystemExit)) as ended:
        run(tmp_path / "cut", f"batch.format={form}", says=says)
    assert (130 if isinstance(ended.value, KeyboardInterrupt) else ended.value.code) == code
    assert says[-1].startswith(
        f"Interrupted: {12 - 2 * after} stimuli left in {tmp_path / 'cut'}; go on with"
    )
    if after:
        assert len(load(tmp_path / "cut")) == 2 * after
    stop.encoded = []
    again = run(tmp_path / "cut", f"batch.format={form}", "batch.resume=true", says=says)
    assert sum(b - a for a, b in stop.encoded) == 12 - 2 * after
    assert same(whole, again)


class Late:
    """Sends a signal while a part is handed over, when it must wait, and again while the rest is saved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.number, self.keep = number, ExportCallback._keep
        monkeypatch.setattr(
            ExportCallback, "_keep", lambda export, *given: self(self.keep, export, *given)
        )
        monkeypatch.setattr(Signals, "held", self.held(Signals.held))

    def __call__(self, call: Any, *given: Any) -> None:
        call(*given)
        signal.raise_signal(self.number)

    def held(self, held: Any) -> Any:
        @contextmanager
        def twice(signals: Signals) -> Iterator[None]:
            with held(signals):
                yield
                signal.raise_signal(self.number)

        return twice


@pytest.mark.parametrize(
    ("number", "ends"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_signals_that_come_while_a_part_is_committed_wait_and_end_the_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, ends: type[BaseException]
) -> None:
    says: list[str] = []
    with monkeypatch.context() as patch:
        Late(patch, number)
        with pytest.raises(ends):
            run(tmp_path / "cut", says=says)
    assert says[-1].startswith(f"Interrupted: 10 stimuli left in {tmp_path / 'cut'}; go on with")
    assert same(run(tmp_path / "whole"), run(tmp_path / "cut", "batch.resume=true"))


def test_an_interruption_keeps_finished_chunks_of_an_unfinished_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stop(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "batch.checkpoint_frequency=100", "pipeline.chunk_size=2")
    assert len(load(tmp_path)) == 6


def test_the_checkpoint_of_an_interrupted_run_can_be_inspected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stop(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    checkpoint = torch.load(tmp_path / "checkpoint.pt")
    assert (checkpoint["num_completed"], checkpoint["total_stimuli"], checkpoint["next_index"]) == (
        2,
        12,
        2,
    )
    assert checkpoint["config"]["batch"]["checkpoint_frequency"] == 4


def test_resume_with_nothing_saved_says_so_and_starts(tmp_path: Path) -> None:
    says: list[str] = []
    assert len(run(tmp_path / "out", "batch.resume=true", says=says)) == 12
    assert says[0] == f"Nothing to resume in {tmp_path / 'out'}: starting anew"


def test_resume_of_a_finished_run_has_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path)
    before = (tmp_path / "results.pt").stat().st_mtime_ns
    stop, says = Stop(monkeypatch, 0), list[str]()
    assert same(first, run(tmp_path, "batch.resume=true", says=says))
    assert says == [f"Nothing to do: {tmp_path} already holds all 12 stimuli"]
    assert not stop.encoded
    assert (tmp_path / "results.pt").stat().st_mtime_ns == before


@pytest.mark.parametrize("form", FORMATS)
def test_a_grown_design_computes_only_the_new_stimuli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    grown = (
        f"batch.format={form}",
        "stimuli.amplitude=[5, 10, 20, 30]",
        "stimuli.sigma=[0.3, 0.4, 0.6]",
    )
    whole = run(tmp_path / "whole", *grown)
    run(tmp_path / "cut", f"batch.format={form}")
    stop = Stop(monkeypatch, 0, 0)
    assert same(whole, run(tmp_path / "cut", *grown, "batch.resume=true"))
    assert sum(b - a for a, b in stop.encoded) == 24 - 12


def test_resume_refuses_a_changed_pipeline_and_names_the_keys(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ConfigError) as refused:
        run(tmp_path, "batch.resume=true", "pipeline.dt_ms=0.25", "neurons.sa_neurons=6")
    lines = refused.value.problems
    assert any(
        line.startswith("pipeline.dt_ms: got 0.25, the run to resume has 0.5") for line in lines
    )
    assert any(
        line.startswith("neurons.sa_neurons: got 6, the run to resume has 5") for line in lines
    )


def test_resume_allows_another_chunk_size_since_it_changes_no_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "whole")
    Stop(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut")
    assert same(
        whole,
        run(tmp_path / "cut", "batch.resume=true", "pipeline.chunk_size=1", "batch.num_workers=1"),
    )


def test_an_unfinished_run_is_overwritten_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stop(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    with pytest.raises(ConfigError, match=r"2 of 12 stimuli.*--resume.*--overwrite"):
        run(tmp_path)
    assert len(load(tmp_path)) == 2
    assert len(run(tmp_path, "batch.overwrite=true")) == 12


def test_parts_without_a_checkpoint_are_discarded_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stop(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    (tmp_path / "checkpoint.pt").unlink()
    for way in ((), ("batch.resume=true",)):
        with pytest.raises(ConfigError, match=r"parts of a run but no checkpoint\.pt"):
            run(tmp_path, *way)
    assert len(list((tmp_path / "parts").iterdir())) == 1
    assert len(run(tmp_path, "batch.overwrite=true")) == 12


def test_resume_refuses_a_design_that_would_lose_stimuli(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ConfigError, match=r"stimuli: 4 that .* holds are not in this design"):
        run(tmp_path, "batch.resume=true", "stimuli.amplitude=[20, 30]")
    assert len(load(tmp_path)) == 12


def test_a_dry_run_of_a_resume_counts_what_is_left_and_refuses_what_the_run_would(
    tmp_path: Path,
) -> None:
    run(tmp_path)
    says: list[str] = []
    grown = experiment(
        tmp_path, "batch.resume=true", "batch.dry_run=true", "stimuli.amplitude=[5, 10, 20, 30]"
    )
    batch.run_experiment(grown, echo=says.append)
    assert "Resuming: 12 done, 4 to go" in says
    with pytest.raises(ConfigError, match=r"pipeline\.dt_ms"):
        batch.run_experiment(
            experiment(tmp_path, "batch.resume=true", "batch.dry_run=true", "pipeline.dt_ms=0.25")
        )


def test_a_finished_dataset_stays_until_its_successor_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    before = (tmp_path / "results.pt").read_bytes()
    Stop(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "pipeline.seed=1", "batch.overwrite=true")
    assert (tmp_path / "results.pt").read_bytes() == before
    run(tmp_path, "pipeline.seed=1", "batch.resume=true")
    assert (tmp_path / "results.pt").read_bytes() != before


def test_a_failed_stimulus_is_named_and_the_rest_is_saved(tmp_path: Path) -> None:
    with pytest.raises(
        FailedStimuliError, match=r"4 of 12 stimuli failed.*stimulus 4 \(.*amplitude=1e\+39"
    ):
        run(tmp_path, "stimuli.amplitude=[10, 1e39, 30]")
    results = load(tmp_path)
    assert results.complete
    assert results.table["error"].notna().sum() == 4
    assert results[0]["sa_spikes"].any()


def test_on_error_stop_stops_at_once_and_keeps_what_was_computed(tmp_path: Path) -> None:
    # On a GPU the chunk after the failed one is under way already, and is kept.
    words = ("stimuli.amplitude=[10, 1e39, 30]", "batch.on_error=stop", "pipeline.device=cpu")
    with pytest.raises(FailedStimuliError, match="stimulus 4"):
        run(tmp_path, *words)
    assert len(load(tmp_path)) == 6


@pytest.mark.parametrize("form", FORMATS)
def test_intermediates_are_saved_on_request(tmp_path: Path, form: str) -> None:
    first = run(tmp_path, f"batch.format={form}", "batch.save=[drive,filtered,voltage,stimulus]")[0]
    for name in ("sa_drive", "ra_filtered", "sa_voltage"):
        assert first[name].dtype == torch.float32
    assert first["sa_voltage"].shape == first["sa_spikes"].shape
    assert first["stimulus"].shape == (60, 12, 12)


def test_a_dataset_too_large_for_memory_is_refused_in_favour_of_hdf5(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"set batch\.format: hdf5"):
        run(tmp_path / "out", "stimuli.repetitions=100000000")
    assert not (tmp_path / "out").exists()


def test_a_run_gives_signals_and_threads_back(tmp_path: Path) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], torch.get_num_threads()
    run(tmp_path, "batch.num_workers=1")
    assert (
        [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)],
        torch.get_num_threads(),
    ) == before


def test_a_run_works_outside_the_main_thread(tmp_path: Path) -> None:
    done: list[Results] = []
    thread = threading.Thread(target=lambda: done.append(run(tmp_path)))
    thread.start()
    thread.join()
    assert len(done[0]) == 12
