"""What a person chose, kept in the address: every control can be restored from a copied link.

Each helper draws a widget whose value starts from the query parameter of the same name and is written back there;
a value equal to its default leaves no trace in the address. Values from an address are checked like any other input.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

#: parameters that one page hands to the next
CARRIED = ("lang", "crystal", "system", "formula")


def arrive(page: str) -> None:
    """Coming from another page or step of a lesson, controls start from the address, whatever they were before."""
    st.session_state["_sent"] = set() if "_page" in st.session_state else _sent()
    here = f"{page} {st.query_params.get('lesson', '')} {st.query_params.get('step', '')}"
    if st.session_state.get("_page") != here:
        st.session_state["_page"] = here
        for key in st.session_state.pop("_bound", set()):
            st.session_state.pop(key, None)


def _sent() -> set[str]:
    """Identifiers of the widgets whose values the browser already holds: none for a page that has just been opened.

    A page that was open while its server was restarted comes back to a new session with all of its values, the change
    just made among them; the address holds them as they were before.
    """
    context = get_script_run_ctx()
    return {held.id for held in context.session_state.get_widget_states()} if context else set()


def speak(language: str) -> None:
    """The page's language; after a change the choices are sent anew, for the browser holds their translated names."""
    if st.session_state.get("_language", language) != language:
        for key in st.session_state.get("_bound", set()) - {"lang"}:
            if key in st.session_state:
                st.session_state[key] = st.session_state[key]
    st.session_state["_language"] = language


def carried() -> dict[str, str]:
    """What a link to another page takes along: the newest choice first, then the address, then an earlier page's."""
    kept = st.session_state.setdefault("_carried", {})
    for key in CARRIED:
        value = st.session_state.get(key) or st.query_params.get(key) or kept.get(key)
        if value:
            kept[key] = value
    return dict(kept)


def carry(key: str, value: str) -> None:
    """What other pages are told, once it is settled; links already drawn that tell an older choice are drawn anew."""
    kept = st.session_state.setdefault("_carried", {})
    older, kept[key] = kept.get(key), value
    if older not in (None, value):
        st.rerun()


def forget(*keys: str) -> None:
    """Drop choices that no longer apply, as a step size after the system has changed."""
    for key in keys:
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


def _start(key: str, default: Any, parse: Callable[[str], Any]) -> None:
    st.session_state.setdefault("_bound", set()).add(key)
    if key in st.session_state:
        return
    if any(held.endswith(f"-{key}") for held in st.session_state.get("_sent", set())):
        return
    value = default
    if key in st.query_params:
        try:
            value = parse(st.query_params[key])
        except (ValueError, KeyError):
            value = default
    st.session_state[key] = value


def _now(key: str, default: Any) -> Any:
    """The value to draw a widget with. It is sent as the widget's own too: a browser that fetches the widget's code only
    after another run has ended never hears of a value that is set through the session alone, and shows the least one.
    """
    return st.session_state.get(key, default)


def remember(key: str, value: Any, default: Any) -> None:
    """Write a choice to the address, or take it out where it is the default."""
    if value is None or value == default:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != str(value):
        st.query_params[key] = str(value)


def choice(
    label: str,
    key: str,
    options: Sequence[str],
    names: Mapping[str, str] | Callable[[str], str] = str,
    default: str | None = None,
    kind: str = "select",
    **settings: Any,
) -> str:
    """One of `options` (slugs, the same in every language), shown under translated names."""
    first = default if default in options else options[0]

    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
    _start(key, first, parse)
    named = names if callable(names) else lambda slug: names[slug]
    if kind == "segments":
        value = st.segmented_control(
            label, options, key=key, format_func=named, default=_now(key, first), required=True, **settings
        )
    else:
        place = options.index(_now(key, first))
        value = st.selectbox(label, options, key=key, format_func=named, index=place, **settings)
    chosen = str(value or first)
    remember(key, chosen, first)
    if key in CARRIED and key != "lang":
        carry(key, chosen)
    return chosen


def choices(
    label: str,
    key: str,
    options: Sequence[str],
    names: Mapping[str, str] | Callable[[str], str] = str,
    default: Sequence[str] = (),
    **settings: Any,
) -> list[str]:
    """Several of `options`, in the address as slugs joined by commas."""

    def parse(text: str) -> list[str]:
        return [slug for slug in text.split(",") if slug in options]

    _start(key, list(default), parse)
    named = names if callable(names) else lambda slug: names[slug]
    held = [slug for slug in _now(key, default) if slug in options]
    value = st.multiselect(label, options, key=key, format_func=named, default=held, **settings)
    remember(key, ",".join(value), ",".join(default))
    return value


def number(
    label: str,
    key: str,
    default: float,
    low: float,
    high: float,
    step: float | None = None,
    kind: str = "input",
    **settings: Any,
) -> Any:
    """A number between `low` and `high`; an integer where all of them are integers."""
    cast = int if all(isinstance(value, int) for value in (default, low, high)) else float

    def parse(text: str) -> float:
        value = cast(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    _start(key, default, parse)
    widget = st.slider if kind == "slider" else st.number_input
    value = widget(label, low, high, _now(key, default), key=key, step=step, **settings)
    value = default if value is None else value
    remember(key, value, default)
    return value


def words(label: str, key: str, default: str = "", limit: int = 400, **settings: Any) -> str:
    """A line of text, at most `limit` characters."""

    def parse(text: str) -> str:
        return text[:limit]

    _start(key, default, parse)
    value = (st.text_input(label, _now(key, default), key=key, max_chars=limit, **settings) or "").strip()
    remember(key, value, default)
    return value


def switch(label: str, key: str, default: bool = False, **settings: Any) -> bool:
    """On or off; 1 or 0 in the address."""
    _start(key, default, lambda text: {"1": True, "0": False}[text])
    value = st.toggle(label, _now(key, default), key=key, **settings)
    remember(key, int(value), int(default))
    return value
