"""Which process works on a run, so that one that was killed is told from one that goes on."""

import os
import platform
from contextlib import suppress
from pathlib import Path

SURE = 60.0  # seconds: when a process began is told by a clock that may be set meanwhile


def this_process() -> str:
    """The machine, the number of this process, and when it began, in seconds of Unix time."""
    import psutil  # not everywhere where only trainings run

    return f"{_machine()} {os.getpid()} {psutil.Process().create_time():.2f}"


def gone(process: str) -> bool:
    """Whether `process`, as `this_process` tells it, was of this machine and is no more; of others nobody knows."""
    import psutil

    try:
        machine, number, begun = process.rsplit(" ", 2)
        if machine != _machine():
            return False
        now = psutil.Process(int(number))
        return bool(abs(now.create_time() - float(begun)) > SURE or now.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except (ValueError, psutil.AccessDenied):
        return False


def _machine() -> str:
    """Its name; and, for containers may share that, whose processes are numbered together."""
    with suppress(OSError):
        return f"{platform.node()} {Path('/proc/self/ns/pid').readlink()}"
    return platform.node()
