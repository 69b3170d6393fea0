"""How skin deforms under what presses on it, a file a kind."""

from __future__ import annotations

from sensoryforge.skin.mechanics.base import Skin
from sensoryforge.skin.mechanics.contact import Pins
from sensoryforge.skin.mechanics.elastic import Elastic

__all__ = ["Elastic", "Pins", "Skin"]
