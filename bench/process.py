"""Which process works on a run, so that one that was killed is told from one that goes on."""

import os
import platform

import psutil


def this_process() -> str:
    """The machine, the number of this process and when it began, which no later process of that number shares."""
    return f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.2f}"


def gone(process: str) -> bool:
    """Whether `process`, as `this_process` tells it, was of this machine and is no more; of others nobody knows."""
    machine, number, begun = process.rsplit(" ", 2)
    if machine != platform.node():
        return False
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" != begun
    except psutil.NoSuchProcess:
        return True
