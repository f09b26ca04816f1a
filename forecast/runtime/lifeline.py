"""Processes that end with the one that started them, and signals that end a command as Ctrl-C does.

A process that was started here asks a few times a second whether its parent is still there; a killed parent can say
nothing. SIGTERM and SIGHUP raise KeyboardInterrupt, so that what is open is closed, and half-written files are removed.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
from types import FrameType

# Seconds between two looks for the parent.
INTERVAL = 0.2
# The variable that names the parent to a process that is a command of its own.
PARENT = "FORECAST_PARENT"

# Seconds in which a command that was told to end cleans up, before it is told again.
GRACE = 5.0

_received: list[int] = []
_due = [0.0]
_noticed = threading.Event()


def end_with(parent: int) -> None:
    """End this process as soon as the process `parent` no longer is its parent."""
    if hasattr(os, "getppid") and os.name != "nt":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os._exit(1)


def end_with_parent() -> None:
    """End with the process that the variable names, if it does."""
    if (parent := os.environ.pop(PARENT, "")).isdecimal():
        end_with(int(parent))


def listen() -> None:
    """Have SIGTERM and SIGHUP raise KeyboardInterrupt; one that is ignored, as by `nohup`, stays so.

    Once, and again every GRACE seconds until the command has noticed: an exception that comes while a callback of a
    library runs is lost there.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def use_signal_stack() -> None:
    """Have signals of the main thread handled on a stack of their own; `faulthandler` sets one up.

    While oneDNN, in TensorFlow, multiplies matrices, its stack is a buffer on the heap. What the system writes there
    for a signal, as of Ctrl-C, overwrites what lies below: the program would crash (uxlfoundation/oneDNN#4845).
    """
    here = threading.current_thread() is threading.main_thread()
    if here and os.name == "posix" and not faulthandler.is_enabled():
        faulthandler.enable(sys.__stderr__ or os.open(os.devnull, os.O_WRONLY))


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if _received and time.monotonic() < _due[0]:
        return
    if not _received:
        _received.append(number)
        threading.Thread(target=_remind, args=(number,), daemon=True).start()
    _due[0] = time.monotonic() + GRACE
    raise KeyboardInterrupt


def _remind(number: int) -> None:
    """Send the signal again until the command has noticed it."""
    while not _noticed.wait(GRACE + INTERVAL):
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def received() -> int:
    """The number of the signal that came, which is noticed by this; 0 for none."""
    _noticed.set()
    return _received[0] if _received else 0
