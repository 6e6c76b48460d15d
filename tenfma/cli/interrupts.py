"""Ctrl-C between two pieces of work rather than inside one: machine code that is broken into cannot say so."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(Exception):
    """Ctrl-C, with a sentence of its own on what is kept: Typer hands on nothing of a KeyboardInterrupt."""


@contextmanager
def held_interrupts(until: str) -> Iterator[Callable[[], None]]:
    """Ctrl-C waits for the next call of the value, which then raises KeyboardInterrupt; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None  # only the main thread is told of Ctrl-C
        return
    asked = False

    def note(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            signal.default_int_handler(number, frame)
        asked = True
        print(f"tenfma: stopping {until}; Ctrl-C again to stop at once", file=sys.stderr)

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
