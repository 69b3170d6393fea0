"""Several devices in one process, and chunks that are still on their way; two CPUs stand in for GPUs."""

from __future__ import annotations

import os
import signal
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from helpers.experiments import FORMATS
from helpers.runs import bits, experiment, run
from pytorch_lightning import Trainer

from sensoryforge.analysis.results import load
from sensoryforge.core.devices import (
    backend_problems,
    devices_problems,
    resolve_device,
    triton_lacks,
)
from sensoryforge.core.errors import FailedStimuliError
from sensoryforge.running import execute as batch
from sensoryforge.running.callbacks import ExportCallback, ProgressCallback
from sensoryforge.running.devices import choose_backend, lightning_devices
from sensoryforge.simulation.encoded import Encoded, join, send
from sensoryforge.simulation.encoder import Encoder
from sensoryforge.simulation.lightning_module import (
    EncodingModule,
    OneProcess,
    StimulusDataModule,
    silence,
)

SWEEP = (
    "stimuli.amplitude=[10, 20, 30]",
    "stimuli.sigma=[0.3, 0.6]",
    "stimuli.repetitions=2",
    "pipeline.chunk_size=1",
)
SWEEP += ("pipeline.device=cpu",)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Let runs have two devices; return what happens to each chunk, in order."""
    happened: list[tuple[int, str]] = []
    monkeypatch.setattr(batch, "lightning_devices", lambda *_: 2)
    forward = Encoder.forward

    def watched(self: Encoder, ranges: Any) -> Encoded:
        number, encoded = ranges[0][0], forward(self, ranges)
        happened.append((number, "begun"))

        def arrive() -> Any:
            happened.append((number, "arrived"))
            return encoded.outcome

        return Encoded(arrive)

    monkeypatch.setattr(Encoder, "forward", watched)
    return happened


@pytest.mark.parametrize("form", FORMATS)
def test_several_devices_make_the_same_dataset(
    tmp_path: Path, form: str, two: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    several = run(tmp_path / "two", *SWEEP, f"batch.format={form}")
    assert [number for number, what in two if what == "begun"] == list(range(12))
    monkeypatch.setattr(batch, "lightning_devices", lambda *_: 1)
    assert bits(several) == bits(run(tmp_path / "one", *SWEEP, f"batch.format={form}"))


@pytest.mark.slow
def test_a_run_of_triton_shaped_on_its_devices_makes_the_same_dataset(
    tmp_path: Path, two: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = (
        "stimuli.amplitude=[20, 60]",
        "stimuli.repetitions=3",
        "pipeline.chunk_size=2",
        "batch=hdf5",
    )
    whole = run(tmp_path / "cpu", *quick, "pipeline.device=cpu")
    if torch.cuda.is_available():
        monkeypatch.setattr(batch, "lightning_devices", lambda *_: -1)
    else:
        monkeypatch.setattr(Encoder, "on_gpu", True)
    ours = run(tmp_path / "gpu", *quick, "pipeline.backend=triton", "batch.save=[]")
    assert bits(ours) == bits(whole)


def test_a_chunk_is_waited_for_when_the_next_has_begun(
    tmp_path: Path, two: list[tuple[int, str]]
) -> None:
    run(tmp_path, *SWEEP)
    wanted = [(0, "begun")]
    for number in range(1, 12):
        wanted += [(number, "begun"), (number - 1, "arrived")]
    assert two == [*wanted, (11, "arrived")]


@pytest.mark.parametrize(
    ("number", "ends"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_what_was_underway_when_a_signal_came_is_kept(
    tmp_path: Path,
    two: list[tuple[int, str]],
    number: int,
    ends: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forward = Encoder.forward

    def interrupted(self: Encoder, ranges: Any) -> Encoded:
        if ranges[0][0] == 5:
            os.kill(os.getpid(), number)
        return forward(self, ranges)

    with monkeypatch.context() as patch:
        patch.setattr(Encoder, "forward", interrupted)
        with pytest.raises(ends):
            run(tmp_path / "cut", *SWEEP)
    assert two[-1] == (4, "arrived")
    assert len(load(tmp_path / "cut")) == 5
    assert bits(run(tmp_path / "cut", *SWEEP, "batch.resume=true")) == bits(
        run(tmp_path / "whole", *SWEEP)
    )


def test_a_chunk_that_never_arrives_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> Any:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(batch, "lightning_devices", lambda *_: 2)
    forward = Encoder.forward
    with monkeypatch.context() as patch:
        patch.setattr(
            Encoder, "forward", lambda s, r: Encoded(lost) if r[0][0] == 6 else forward(s, r)
        )
        with pytest.raises(RuntimeError, match="the device is gone"):
            run(tmp_path, *SWEEP)
    assert load(tmp_path).table["index"].tolist()[:6] == list(range(6))
    assert len(run(tmp_path, *SWEEP, "batch.resume=true")) == 12


def test_a_failed_stimulus_underway_when_the_run_stops_is_kept(
    tmp_path: Path, two: list[tuple[int, str]]
) -> None:
    bad = (
        "stimuli.amplitude=[10, 1e39, 2e39, 20]",
        "stimuli.repetitions=1",
        "batch.save=[voltage]",
    )
    with pytest.raises(FailedStimuliError, match=r"stimulus 1 \(.*go on with"):
        run(tmp_path, *SWEEP[3:], *bad, "batch.on_error=stop", "pipeline.backend=torch")
    assert two[-1] == (2, "arrived")
    kept = load(tmp_path)
    assert len(kept) == 3
    assert not kept[2]["sa_spikes"].any()
    assert list(kept.errors) == [1, 2]


def test_nothing_leaves_the_device_while_something_is_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        "sensoryforge.simulation.encoder.send", lambda tensors: sent.append(1) or (lambda: tensors)
    )
    encoder = Encoder(experiment(tmp_path, *SWEEP), "torch")
    encoder.populations["sa"].learn("gain")
    assert encoder([(0, 1)]).arrays["sa_spikes"].requires_grad
    assert not sent
    encoder.eval()([(0, 1)])
    assert sent


@pytest.mark.parametrize(
    ("found", "lacks"),
    [("3.4.0", ""), ("4.0", ""), ("3.3.1", "is too old, 3.3.1"), (None, "is not installed")],
)
def test_auto_takes_triton_where_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str | None, lacks: str
) -> None:
    monkeypatch.setattr("sensoryforge.core.devices.find_spec", lambda name: found and name)
    monkeypatch.setattr("sensoryforge.core.devices.version", lambda name: found)
    monkeypatch.setattr(
        "sensoryforge.core.devices.packages_distributions", lambda: {"triton": ["pytorch-triton"]}
    )
    assert triton_lacks() == lacks
    assert choose_backend(experiment(tmp_path), "cuda:0") == ("torch" if lacks else "triton")
    assert choose_backend(experiment(tmp_path), "cpu") == "numba"
    line = next(backend_problems("triton", "cuda"), "")
    assert (f"got 'triton', which {lacks}; set auto" in line) == bool(lacks)
    monkeypatch.setattr(
        "sensoryforge.core.devices.packages_distributions", dict
    )  # a folder of that name in the way
    assert triton_lacks() == "is not installed"


def test_auto_takes_the_cpu_for_a_backend_that_runs_on_no_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto", "numba") == "cpu"
    assert [resolve_device("auto", b) for b in ("auto", "torch", "triton")] == ["cuda"] * 3


def test_what_was_made_of_a_chunk_lets_go_of_what_it_was_made_from() -> None:
    class Held(dict[str, torch.Tensor]):
        """A dictionary that can be watched."""

    held = Held(x=torch.ones(2))
    watch, encoded = weakref.ref(held), Encoded(lambda held=held: ({"x": held["x"] + 1}, {}))  # type: ignore[misc]
    del held
    assert encoded.arrays["x"].tolist() == [2, 2]
    assert encoded.errors == {}
    assert watch() is None


def test_an_encoder_on_each_device_shares_the_experiment(tmp_path: Path) -> None:
    e = experiment(tmp_path, *SWEEP)
    module, strategy = EncodingModule(e, "numba"), OneProcess()
    quiet: dict[str, Any] = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
    }
    with silence():
        trainer = Trainer(accelerator="cpu", devices=3, strategy=strategy, **quiet)
        made = trainer.predict(
            module, datamodule=StimulusDataModule([((k, k + 1),) for k in range(12)])
        )
    assert strategy.parallel_devices == [torch.device("cpu")] * 3
    encoders = module._encoders
    assert len({id(encoder) for encoder in encoders}) == 3
    assert {id(encoder.experiment) for encoder in encoders} == {id(e)}
    assert module.ahead == 2
    whole = Encoder(e, "torch")([(0, 12)]).arrays
    for name, array in join(made or []).arrays.items():  # type: ignore[arg-type]
        assert torch.equal(array, whole[name])


def test_errors_of_joined_chunks_keep_their_rows() -> None:
    parts = [({"x": torch.zeros(3)}, {1: "bad"}), ({"x": torch.ones(2)}, {0: "worse"})]
    whole = join([Encoded(lambda part=part: part) for part in parts])  # type: ignore[misc]
    assert whole.arrays["x"].tolist() == [0, 0, 0, 1, 1]
    assert whole.errors == {1: "bad", 3: "worse"}


def test_what_is_on_the_cpu_is_there_at_once() -> None:
    tensors = {"x": torch.ones(3)}
    assert send(tensors)() is tensors


class OnCard(torch.Tensor):
    """A tensor that says it is on a GPU."""

    is_cuda = True  # type: ignore[assignment]
    used: ClassVar[list[str]] = []

    def record_stream(self, stream: object) -> None:
        self.used.append(f"kept for {stream}")


class Stream:
    """Writes down what is asked of a stream."""

    def __init__(self, device: object) -> None:
        self.name = "side"

    def __str__(self) -> str:
        return self.name

    def wait_stream(self, other: str) -> None:
        OnCard.used.append(f"{self} waits for {other}")

    def record_event(self) -> Stream:
        OnCard.used.append("event")
        return self

    def synchronize(self) -> None:
        OnCard.used.append("waited for")


def test_what_leaves_a_gpu_is_copied_beside_its_work_and_waited_for_when_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def within(stream: Stream) -> Iterator[None]:
        OnCard.used.append(f"on {stream}")
        yield
        OnCard.used.append(f"off {stream}")

    empty = torch.empty
    monkeypatch.setattr(
        torch, "empty", lambda shape, dtype, pin_memory: [empty(shape, dtype=dtype)][pin_memory - 1]
    )
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", within)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: "the kernels")
    OnCard.used.clear()
    tensors = {
        "x": torch.arange(3).as_subclass(OnCard),
        "y": torch.ones(2).as_subclass(OnCard),
        "z": torch.zeros(1),
    }
    wait = send(tensors)
    kept = ["kept for side"] * 2
    assert OnCard.used == ["side waits for the kernels", "on side", *kept, "off side", "event"]
    landed = wait()
    assert list(landed) == ["x", "y", "z"]
    assert OnCard.used[-1] == "waited for"
    assert type(landed["x"]) is torch.Tensor
    assert landed["x"].tolist() == [0, 1, 2]
    assert landed["y"].tolist() == [1, 1]
    assert landed["z"] is tensors["z"]


@pytest.mark.parametrize(
    ("devices", "device", "line"),
    [
        (1, "cpu", ""),
        ("auto", "cpu", ""),
        (2, "cuda", ""),
        ([0, 1], "auto", ""),
        (
            2,
            "cpu",
            "pipeline.devices: got 2, which are GPUs, but pipeline.device is cpu; set pipeline.devices: 1",
        ),
        (
            [0, 1],
            "cuda:1",
            "pipeline.devices: got [0, 1], but pipeline.device is one GPU, cuda:1; set *: cuda",
        ),
        (
            3,
            "cuda",
            "pipeline.devices: got 3, but this machine has 2; set pipeline.devices: 1 (or auto)",
        ),
        (
            [2],
            "auto",
            "pipeline.devices: got [2], but this machine has 2; set pipeline.devices: 1 (or auto)",
        ),
    ],
)
def test_devices_that_are_not_there_are_refused(
    devices: Any, device: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensoryforge.core.devices._count_gpus", lambda: 2)
    expected = [line.replace("*", "pipeline.device")] if line else []
    assert list(devices_problems(devices, device)) == expected


@pytest.mark.parametrize(
    ("device", "devices", "taken"),
    [
        ("cpu", 1, 1),
        ("cuda", 1, 1),
        ("cuda", 3, 3),
        ("cuda", [0, 2], [0, 2]),
        ("cuda", "auto", -1),
        ("cuda:1", 1, [1]),
    ],
)
def test_lightning_takes_the_devices_that_are_asked_for(
    tmp_path: Path, device: str, devices: Any, taken: Any
) -> None:
    e = experiment(tmp_path)
    object.__setattr__(e, "devices", devices)
    assert lightning_devices(e, device) == taken


def test_a_wait_for_writing_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    e = experiment(tmp_path, *SWEEP)
    export = ExportCallback(None, e.design, 4, None)  # type: ignore[arg-type]
    bar: Any = ProgressCallback(12, export=export)
    bar.on_predict_start(None, None)
    bar.on_predict_batch_end(None, None, None, ((0, 4),), 0)
    assert "waited" not in capsys.readouterr().err
    export.waited_s = 3.2
    bar.on_predict_batch_end(None, None, None, ((4, 8),), 1)
    bar.close()
    assert "waited 3 s for writing" in capsys.readouterr().err


def test_the_wait_for_a_part_that_is_not_written_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    kept: list[ExportCallback] = []
    made, write = ExportCallback.__init__, ExportCallback._write

    def init(self: ExportCallback, *given: Any, **more: Any) -> None:
        made(self, *given, **more)
        kept.append(self)

    def slow(self: ExportCallback, *given: Any) -> None:
        time.sleep(0.2)
        write(self, *given)

    monkeypatch.setattr(ExportCallback, "__init__", init)
    monkeypatch.setattr(ExportCallback, "_write", slow)
    run(tmp_path, *SWEEP)
    assert kept[0].waited_s > 0.2  # six parts, each of them 0.2 s, and next to no simulation
