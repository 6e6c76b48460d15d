"""Two browser components of our own: the crystal viewer and the player. Their code is in static/, no other origin."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tenfma.site import site
from tenfma.ui.texts import Texts

_CRYSTAL_HTML = """
<div class="crystal">
  <div class="stage" tabindex="0" role="img"></div>
  <p class="words" role="status" hidden></p>
  <div class="legend"></div>
  <p class="help"></p>
</div>
"""


def _asset(name: str) -> str:
    return (site() / "static" / name).read_text(encoding="utf-8")


_crystal = st.components.v2.component(
    "tenfma_crystal", html=_CRYSTAL_HTML, css=_asset("crystal.css"), js=_asset("crystal.js")
)


def crystal(t: Texts, scene: Mapping[str, Any], alt: str, key: str = "viewer", height: int = 460) -> int | None:
    """Draw a scene of `tenfma.viz.scenes`; returns the site of the atom last clicked in this same scene.

    Where the browser has no WebGL, a sentence stands in the picture's place and the page's tables hold the data.
    """
    spoken = {"alt": alt, "help": t("materials.viewer.help"), "no_webgl": t("materials.no_webgl")}
    result = _crystal(
        key=key, data={**scene, "height": height, "texts": spoken}, default={"picked": None}, on_picked_change=_heard
    )
    picked = result.picked
    return picked["atom"] if picked and picked.get("scene") == scene["key"] else None


def _heard() -> None:
    """A component's event needs a callback to be reported; the value itself is read from the result."""
