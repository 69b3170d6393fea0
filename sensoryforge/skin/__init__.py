"""Where touch is felt: receptors, the places of afferents, and what each of them pools."""

from __future__ import annotations

from sensoryforge.skin.places import Places

__all__ = ["Places"]
