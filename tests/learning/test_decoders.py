"""Every decoder of ``conf/decoder`` keeps the contract of one, and every setting of a training has its rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from sensoryforge.config.sources import conf_dir
from sensoryforge.learning.decoding import score
from sensoryforge.learning.settings import (
    OPTIMISER_RULES,
    RULES,
    class_options,
    decoder_problems,
    locate_decoder,
    optimiser_options,
)

pytestmark = pytest.mark.usefixtures("one_thread")
DECODERS = sorted((conf_dir() / "decoder").glob("*.yaml"))


def block(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("path", DECODERS, ids=lambda path: str(path.stem))
@pytest.mark.parametrize(
    ("samples", "neurons", "outputs"), [(1, 1, 1), (2, 3, 1), (60, 9, 4), (7, 140, 20)]
)
def test_a_decoder_gives_its_outputs_for_stimuli_of_any_size(
    path: Path, samples: int, neurons: int, outputs: int
) -> None:
    decoder = locate_decoder(block(path))(samples, neurons, outputs, **class_options(block(path)))
    counts = torch.randint(0, 3, (5, samples, neurons)).float()
    told = decoder(counts)
    assert told.shape == (5, outputs)
    told.sum().backward()
    assert all(value.grad is not None for value in decoder.readout.parameters())


@pytest.mark.parametrize("path", DECODERS, ids=lambda path: str(path.stem))
def test_a_decoders_file_has_what_its_class_and_the_optimiser_take(path: Path) -> None:
    assert decoder_problems(block(path)) == []
    options = {*class_options(block(path)), *optimiser_options(block(path))}
    assert {"_target_", *options} == set(block(path))
    assert set(optimiser_options(block(path))) == set(OPTIMISER_RULES)


def test_an_option_that_is_a_whole_number_takes_no_other() -> None:
    wrong = {
        **block(conf_dir() / "decoder/conv.yaml"),
        "kernel": 2.5,
        "channels": 0,
        "layers": True,
    }
    assert decoder_problems(wrong) == [
        "decoder.channels: got 0, allowed is a whole number > 0",
        "decoder.kernel: got 2.5, allowed is a whole number > 0",
        "decoder.layers: got True, allowed is a whole number > 0",
    ]


def test_every_setting_has_its_default_unit_and_range_once() -> None:
    text = (conf_dir() / "train.yaml").read_text(encoding="utf-8")
    units = dict(re.findall(r"^(\w+): .*# ([^;]+); ", text, re.MULTILINE))
    assert [*units, "decoder", "logger"] == list(RULES)
    for key in units:
        told = re.search(r"\(([^)]+)\)$", RULES[key].text)
        assert told is None or told[1] == "{unit}"


# --- scores ---


def test_a_parameter_that_is_told_exactly_has_r2_of_one_and_the_mean_of_zero() -> None:
    target = torch.tensor([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]])
    assert score(target, target, classify=False) == 1.0
    assert score(target.mean(0).expand(3, 2), target, classify=False) == pytest.approx(0.0)


def test_r2_of_a_parameter_with_one_value_is_not_a_number() -> None:
    target = torch.tensor([[5.0], [5.0]])
    assert score(target, target, classify=False) != score(target, target, classify=False)
