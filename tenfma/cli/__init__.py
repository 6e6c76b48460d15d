"""The command line, `tenfma`: one file per command; an error is one plain sentence and exit code 2.

This door imports next to nothing, so that Ctrl-C is answered while the rest is still being imported.
"""

import signal
import sys
import threading
from types import FrameType

from tenfma.cli.interrupts import Interrupted

INTERRUPTED = 130


class _Interrupts:
    """Remembers Ctrl-C: a library that is broken into while it is imported may turn it into an error of its own."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        raise KeyboardInterrupt


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code: 0 done, 2 bad input, 130 interrupted."""
    interrupts, sentence = _Interrupts(), "interrupted; what was finished is kept"
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    try:
        if ours:
            signal.signal(signal.SIGINT, interrupts)
        try:
            from tenfma.cli.application import answer

            return answer(arguments)
        finally:
            if ours:
                signal.signal(signal.SIGINT, signal.default_int_handler)
    except KeyboardInterrupt:
        pass
    except Interrupted as told:
        sentence = str(told)
    except Exception:
        if not interrupts.asked:
            raise
    print(f"tenfma: {sentence}", file=sys.stderr)
    return INTERRUPTED


def main() -> None:
    """Entry point of the console script."""
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # all is said and written: nothing is left to break into
    raise SystemExit(code)
