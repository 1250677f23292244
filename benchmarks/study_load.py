"""How long does an observer wait? `python benchmarks/study_load.py --observers 10 --votes 200` prints JSON.

Starts a real `bench study serve` on a generated study. Every observer is a thread that votes without a pause and, as
the page does, fetches the pictures of the next pair; people are slower. The JSON gives latencies in milliseconds as
the observer sees them, votes a second over all, and whether every acknowledged vote is in the database after a kill -9.
"""

import argparse
import http.client
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.images import write_rgb

BENCH = Path(sys.executable).with_name("bench")


@dataclass
class Observer:
    """One browser: a connection that is kept open, and the cookie."""

    port: int
    cookie: str = ""
    waited: dict[str, list[float]] = field(default_factory=lambda: {"vote": [], "picture": []})

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def close(self) -> None:
        self.connection.close()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes]:
        """Status and body of the server's answer to one request."""
        headers = {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/json", "Cookie": self.cookie}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        if given := answer.getheader("Set-Cookie"):
            self.cookie = given.split(";")[0]
        return answer.status, answer.read()

    def state(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        status, text = self.ask(method, path, body)
        assert status == 200, text
        return dict(json.loads(text))

    def judge(self, votes: int) -> int:
        """Vote so many times; returns how many were acknowledged."""
        state = self.state("POST", "/api/join", {})
        for number in range(votes):
            body = {
                "trial": state["trial"]["token"],
                "choice": ("left", "right", "tie")[number % 3],
                "milliseconds": 900,
            }
            started = time.perf_counter()
            state = self.state("POST", "/api/vote", body)
            self.waited["vote"].append(time.perf_counter() - started)
            assert state["done"] == number + 1
            for side in ("left", "right") if state["next"] else ():
                started = time.perf_counter()
                assert self.ask("GET", f"/pictures/{state['next'][side]}")[0] == 200
                self.waited["picture"].append(time.perf_counter() - started)
        return votes


def make(folder: Path, *, votes: int, size: tuple[int, int] = (600, 400)) -> None:
    """A study of five methods below `folder` with at least so many pairs an observer."""
    random = np.random.default_rng(0)
    words = []
    for method in "abcde":
        for image in range(-(-votes // 10)):
            pixels = random.integers(0, 255, (size[1] // 20, size[0] // 20, 3), dtype=np.uint8)
            write_rgb(pixels.repeat(20, 0).repeat(20, 1), folder / method / f"{image}.png")
        words += ["--outputs", f"{method}={method}"]
    subprocess.run([BENCH, "study", "new", "load", *words], cwd=folder, check=True, stdout=sys.stderr)


def start(folder: Path, name: str, port: int) -> subprocess.Popen[bytes]:
    """A server that answers."""
    server = subprocess.Popen([BENCH, "study", "serve", name, "--port", str(port)], cwd=folder, stdout=sys.stderr)
    for _ in range(300):
        with closing(Observer(port)) as first:
            try:
                if first.ask("GET", "/api/state")[0] == 200:
                    return server
            except OSError:
                time.sleep(0.1)
        assert server.poll() is None, "the server ended"
    raise AssertionError("the server does not answer")


def load(folder: Path, *, observers: int, votes: int, port: int) -> dict[str, Any]:
    """Let them all vote at once, kill the server, and count what is on disk."""
    server = start(folder, "load", port)
    try:
        panel = [Observer(port) for _ in range(observers)]
        started = time.perf_counter()
        with ThreadPoolExecutor(observers) as threads:
            acknowledged = sum(threads.map(lambda observer: observer.judge(votes), panel))
        seconds = time.perf_counter() - started
        for observer in panel:
            observer.close()
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
    with closing(sqlite3.connect(folder / "runs/studies/load/study.db")) as database:
        kept = database.execute("SELECT count(*) FROM votes").fetchone()[0]
    waited = {kind: sorted(1000 * t for one in panel for t in one.waited[kind]) for kind in ("vote", "picture")}
    return {
        "observers": observers,
        "votes": acknowledged,
        "votes_on_disk_after_kill": kept,
        "seconds": round(seconds, 2),
        "votes_per_second": round(acknowledged / seconds, 1),
        **{f"{kind}_milliseconds": percentiles(values) for kind, values in waited.items()},
    }


def percentiles(values: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile and the longest."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        "p50": round(cuts[49], 1),
        "p95": round(cuts[94], 1),
        "p99": round(cuts[98], 1),
        "max": round(max(values), 1),
    }


def main() -> None:
    """Run the observers, kill the server, count the votes and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--observers", type=int, default=10)
    parser.add_argument("--votes", type=int, default=200)
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch), votes=options.votes)
        found = load(Path(scratch), observers=options.observers, votes=options.votes, port=options.port)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
