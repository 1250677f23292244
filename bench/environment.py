"""Where a result was made: versions, commit, machine. Recorded with every run and printed in every report."""

import os
import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "lowlight-bench",
    "torch",
    "torchvision",
    "pyiqa",
    "mlflow",
    "numpy",
    "scikit-image",
    "opencv-python-headless",
)


@cache
def provenance() -> dict[str, str]:
    """Commit (with `+` when the tree was changed), Python, platform, machine and package versions, by name."""
    facts = {"git commit": _commit(), "python": platform.python_version(), "platform": platform.platform()}
    facts |= {"machine": _machine()}
    return facts | {f"{name} version": _version(name) for name in PACKAGES}


def _machine() -> str:
    """The processor's name where the system tells, and its cores."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return "unknown"
    try:
        told = [
            subprocess.run(["git", *call], cwd=root, capture_output=True, text=True, check=True, timeout=10).stdout
            for call in (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        ]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return told[0].strip() + ("+" if told[1].strip() else "")
