"""Names of earlier versions, and objects made from configurations."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from sensoryforge.core import trust
from sensoryforge.core.errors import ConfigError
from sensoryforge.core.instances import make_instance
from sensoryforge.core.old_names import OLD_NAMES, upgraded
from sensoryforge.skin.innervation import Gaussian, Innervation


@pytest.mark.parametrize("old", OLD_NAMES)
def test_every_old_name_is_that_of_a_class_that_is_there_today(old: str) -> None:
    located = trust.locate(old, "a class", object)
    assert located is trust.locate(OLD_NAMES[old], "a class", object)
    assert OLD_NAMES[old] not in OLD_NAMES


def test_a_configuration_is_upgraded_at_any_depth_and_the_one_given_stays() -> None:
    old = "sensoryforge.innervation.GaussianInnervation"
    step = {"_target_": "sensoryforge.stimuli.step.Step", "type": old, "amplitude": [1, 2.5, None]}
    config = {
        "neurons": {"populations": {"sa": {"innervation": {"_target_": old, "sigma_mm": 0.3}}}},
        "stimuli": [step, {"_target_": "mine.Press"}, {"_target_": 3}],
    }
    before = deepcopy(config)
    assert upgraded(config) == {
        "neurons": {
            "populations": {
                "sa": {
                    "innervation": {
                        "_target_": "sensoryforge.skin.innervation.Gaussian",
                        "sigma_mm": 0.3,
                    }
                }
            }
        },
        "stimuli": [
            {**step, "_target_": "sensoryforge.stimuli.Step"},
            {"_target_": "mine.Press"},
            {"_target_": 3},
        ],
    }
    assert config == before
    assert upgraded(upgraded(config)) == upgraded(config)


@dataclass(frozen=True)
class Fussy:
    """A class with a default, that refuses some values."""

    size: int
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ConfigError(["size: got less than zero", "share: looked at too"])
        if self.size > 9:
            raise OverflowError("too large")


PATH = f"{__name__}.Fussy"


def made(**mapping: Any) -> Any:
    return make_instance("a.b", {"_target_": PATH, **mapping}, "a class of mine", Fussy)


def test_a_mapping_becomes_an_instance_and_may_leave_out_what_has_a_default() -> None:
    assert made(size=3) == Fussy(3)
    assert made(size=3, share=1.0) == Fussy(3, 1.0)


@pytest.mark.parametrize(
    ("mapping", "lines"),
    [
        ({}, ["a.b.size: missing"]),
        (
            {"siz": 3, "shar": 1},
            [
                "a.b.siz: unknown key, known are size, share; did you mean 'size'?",
                "a.b.shar: unknown key, known are size, share; did you mean 'share'?",
                "a.b.size: missing",
            ],
        ),
        ({"size": -1}, ["a.b.size: got less than zero", "a.b.share: looked at too"]),
        ({"size": 10}, ["a.b: Fussy cannot be made, OverflowError: too large"]),
        (
            {"_target_": "sensoryforge.skin.innervation.Gaussian"},
            [
                "a.b._target_: got 'sensoryforge.skin.innervation.Gaussian', allowed is the dotted"
                " path of a class of mine"
            ],
        ),
        (
            {"_target_": None},
            ["a.b._target_: got None, allowed is the dotted path of a class of mine"],
        ),
    ],
)
def test_what_is_wrong_with_a_mapping_is_a_line_each(
    mapping: dict[str, Any], lines: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**mapping)
    assert list(caught.value.problems) == lines


def test_an_option_of_a_user_that_names_an_old_class_goes_on_working() -> None:
    option = {
        "_target_": "sensoryforge.innervation.GaussianInnervation",
        "sigma_mm": 0.2,
        "connections": 8,
    }
    made = make_instance("innervation", option, "a class of innervation", Innervation)
    assert made == Gaussian(0.2, 8)
