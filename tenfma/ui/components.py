"""Browser components of our own: crystal viewer, player, energy flow. Their code is in static/, no other origin."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from tenfma.site import site
from tenfma.ui.texts import Texts
from tenfma.viz.player import Movie, packed

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


def crystal(
    t: Texts,
    scene: Mapping[str, Any],
    alt: str,
    key: str = "viewer",
    height: int = 460,
    on_pick: Callable[[], None] | None = None,
) -> None:
    """Draw a scene of `tenfma.viz.scenes`; a clicked atom is told by `picked` in the rerun that follows.

    `on_pick` is called before that rerun.
    Where the browser has no WebGL, a sentence stands in the picture's place and the page's tables hold the data.
    """
    spoken = {"alt": alt, "help": t("materials.viewer.help"), "no_webgl": t("materials.no_webgl")}
    _crystal(
        key=key,
        data={**scene, "height": height, "texts": spoken},
        default={"picked": None},
        on_picked_change=on_pick or _heard,
    )


_ahead = st.components.v2.component("tenfma_ahead", html="<span></span>", js=_asset("ahead.js"))


def chart_ahead() -> None:
    """Have the browser fetch and compile Plotly, most of a first chart's wait, while the page is being computed.

    Streamlit would ask for that file only once a chart arrives. Where it goes by another name, nothing happens.
    """
    folder = Path(st.__file__).parent / "static" / "static" / "js"
    files = sorted(file.name for file in folder.glob("PlotlyChart.*.js"))
    _ahead(key="ahead", data={"files": files})


_later = st.components.v2.component("tenfma_later", html="<span></span>", js=_asset("later.js"))
#: session key that says that everything is to be sent at once, as where no browser is there to draw
AT_ONCE = "_at_once"


def drawn(place: str, of: str = "crystal") -> bool:
    """Whether the first picture ("crystal" or "chart") stands in the browser, so that this place may follow.

    Until then nothing is sent but a question; its answer reruns the fragment, or page, that asks.
    """
    key = f"_drawn-{place}"
    if st.session_state.get(AT_ONCE) or st.session_state.get(key):
        return True

    def stands() -> None:
        st.session_state[key] = True

    _later(key=f"later-{place}", data={"of": of}, on_stands_change=stands)
    return False


def _heard() -> None:
    """A component's event needs a callback to be reported; the value itself is read by `picked`."""


def picked(structure: Any, cells: int = 1, key: str = "viewer") -> int | None:
    """The site last clicked, if it was clicked in a picture of this very structure."""
    from tenfma.viz.scenes import scene_key

    return picked_in(scene_key(structure, (cells,) * 3), len(structure), key)


def picked_in(scene: str, sites: int, key: str = "viewer") -> int | None:
    """The site last clicked in the scene of that name."""
    held = (st.session_state.get(key) or {}).get("picked")
    if held and held.get("scene") == scene and 0 <= held.get("atom", -1) < sites:
        return int(held["atom"])
    return None


#: one player for both: the second canvas is there for those who have a use for it
_PLAYER_HTML = """
<div class="player {kind}">
  <div class="panels" tabindex="0" role="img"><canvas class="plane"></canvas><canvas class="side"></canvas></div>
  <div class="legend"></div>
  <div class="controls">
    <button class="play" type="button"></button>
    <input class="time" type="range" min="0" max="1" step="1" value="0">
    <select class="speed"><option value="0.25">¼×</option><option value="0.5">½×</option>
      <option value="1" selected>1×</option><option value="2">2×</option><option value="4">4×</option></select>
  </div>
  <output class="values" aria-live="off"></output>
  <p class="help"></p>
</div>
"""


def _player_of(kind: str, file: str) -> Any:
    """A component of the player's controls with a picture of its own."""
    code = _asset("playback.js") + _asset(file)
    html = _PLAYER_HTML.format(kind=kind)
    return st.components.v2.component(f"tenfma_{file[:-3]}", html=html, css=_asset("player.css"), js=code)


_player = _player_of("", "player.js")
_flow = _player_of("single", "flow.js")


def player(t: Texts, movie: Movie, alt: str, key: str = "player", height: int = 420) -> None:
    """Play a motion in the phase plane with its energy beside it; the browser animates, the server rests."""
    spoken = {name: t(name) for name in ("play", "pause", "time", "speed", "frame")}
    spoken |= {"help": t("player.help"), "alt": alt}
    _player(key=key, data=packed(movie, spoken, height))


def flow(t: Texts, picture: Mapping[str, Any], alt: str, key: str = "flow", height: int = 400) -> None:
    """Play a picture of `tenfma.viz.flows`: parts coloured by energy, lines by the flow between them."""
    spoken = {name: t(name) for name in ("play", "pause", "speed", "frame")}
    spoken |= {"help": t("couplings.flow.help"), "energy": t("couplings.flow.energy"), "alt": alt}
    _flow(key=key, data={**picture, "height": height, "texts": spoken})
