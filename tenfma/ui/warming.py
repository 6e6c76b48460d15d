"""What a server does before it is asked: heavy imports and the catalogue, in a thread, a while after the first page."""

import threading

import streamlit as st

#: seconds that the first page has to itself
HEAD_START = 6.0


@st.cache_resource(show_spinner=False)
def start() -> threading.Timer:
    """Start warming, once per server."""
    timer = threading.Timer(HEAD_START, _warm)
    timer.daemon = True
    timer.start()
    return timer


def _warm() -> None:
    import tenfma.embedding.pipeline
    import tenfma.explanation  # noqa: F401
    from tenfma.ui import library

    library.warm()
