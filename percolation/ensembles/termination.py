"""Ctrl-C and SIGTERM between two steps of a scan, not in the middle of one: what has finished can then be kept."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Stop:
    """The signal that asked for an end, if one did."""

    signal: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:  # asked twice: at once
            raise ended_by(number)
        self.signal = number


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Inside, Ctrl-C and SIGTERM (batch systems send it before they kill) are noted, unless somebody handles them."""
    stop = Stop()
    usual: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    main = threading.current_thread() is threading.main_thread()
    ours = [number for number, handler in usual.items() if main and signal.getsignal(number) is handler]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield stop
    finally:
        for number in ours:
            signal.signal(number, usual[number])


def ended_by(number: int) -> BaseException:
    """KeyboardInterrupt for Ctrl-C; else the exit code that shells give."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
