"""Does any file break `bench enhance`? `python benchmarks/fuzz_photographs.py` prints JSON, exits 1 if one does.

Small JPEG, PNG, TIFF, WebP, BMP and PPM files are made here and damaged: bits flipped, bytes set to extremes, cut
short, pieces doubled, two files spliced, headers edited. Each goes through reading, enhancing (by the identity) and
writing, in a child process with bounded memory. Every input must end in a photograph or a BenchError; a traceback, a
crash of the process or an input that takes longer than the limit is a finding. Input k of a seed is always the same.
"""

import argparse
import faulthandler
import io
import json
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import nn

from bench.batch import through
from bench.brighten import develop
from bench.errors import BenchError
from bench.images import read_rgb
from bench.photograph import Photograph

LIMIT = 20.0  # seconds an input may take
MEMORY = 3_000_000_000  # bytes beyond what the process has when it starts
OUTCOMES = tuple(told + more for told in ("read", "refused") for more in ("", ", refused by evaluate"))
EXTREMES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)


@cache
def sources() -> list[bytes]:
    """Whole files of every kind that is read, 24 x 31 pixels."""
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.linspace(0, 200, 24), np.linspace(0, 55, 31))[..., None] + rng.normal(0, 6, (24, 31, 4))
    colour = np.clip(smooth, 0, 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0a comment"
    more: dict[str, Any] = {"exif": exif.tobytes(), "dpi": (300, 300)}
    rgb, rgba, grey = Image.fromarray(colour[..., :3]), Image.fromarray(colour), Image.fromarray(colour[..., 0])
    made = [
        _saved(rgb, "JPEG", quality=90, **more), _saved(rgb, "JPEG", progressive=True, comment=b"hello"),
        _saved(grey, "JPEG"), _saved(rgb.convert("CMYK"), "JPEG"), _saved(rgb, "JPEG", subsampling=0, quality=100),
        _saved(rgb, "PNG", **more), _saved(rgba, "PNG"), _saved(grey, "PNG"), _saved(rgb.convert("P"), "PNG"),
        _saved(rgb, "PNG", save_all=True, append_images=[rgb.rotate(180)]), _saved(grey.convert("1"), "PNG"),
        _saved(rgb, "TIFF", compression="tiff_lzw"), _saved(rgb, "TIFF", **more), _saved(grey, "TIFF"),
        _saved(rgb, "TIFF", compression="jpeg"), _saved(rgba, "TIFF", compression="tiff_adobe_deflate"),
        _saved(rgb, "WEBP", **more), _saved(rgba, "WEBP", lossless=True), _saved(rgb, "BMP"), _saved(grey, "BMP"),
        _saved(rgb, "PPM"), _saved(grey, "PPM"),
    ]  # fmt: skip
    deep = colour.astype(np.uint16) * 257
    for channels, kinds in ((1, ("PNG", "TIFF", "PPM")), (2, ("PNG",)), (3, ("PNG", "TIFF", "PPM")), (4, ("PNG",))):
        alpha = deep[..., 3] if channels % 2 == 0 else None
        photograph = Photograph(deep[..., : 3 if channels > 2 else 1], "", alpha=alpha, dpi=(72.0, 72.0))
        made += [_encoded(photograph, kind) for kind in kinds]
    return made


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _encoded(photograph: Photograph, kind: str) -> bytes:
    from bench.encoding import encode

    return encode(photograph, kind)[0]


def mutated(seed: int, number: int) -> bytes:
    """Input `number` of `seed`: one of the sources with one to four damages."""
    rng = np.random.default_rng([seed, number])
    files = sources()
    data = bytearray(files[int(rng.integers(len(files)))])
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        place, kind = int(rng.integers(len(data))), int(rng.integers(7))
        if kind == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[place] = int(rng.choice(EXTREMES))
        elif kind == 2:
            del data[place:]
        elif kind == 3:  # a number of the header
            place = int(rng.integers(min(len(data), 96)))
            data[place : place + 4] = rng.choice(EXTREMES, int(rng.integers(1, 5))).astype(np.uint8).tobytes()
        elif kind == 4:  # a piece doubled or left out
            data[place:place] = data[place : place + int(rng.integers(1, 64))]
        elif kind == 5:
            del data[place : place + int(rng.integers(1, 64))]
        else:
            other = files[int(rng.integers(len(files)))]
            data[place:] = other[min(place, len(other)) :]
    return bytes(data)


def attempt(data: bytes, scratch: Path) -> str:
    """What becomes of one input: read, refused, or the traceback of what should not happen."""
    told = "read"
    try:
        through(data, lambda photograph: develop(nn.Identity(), photograph))
    except BenchError as error:
        told = "refused" if "\n" not in str(error) else f"more than a line: {error}"
    except Exception:
        return traceback.format_exc(limit=-4)
    try:  # the other door, by which bench evaluate reads
        scratch.write_bytes(data)
        read_rgb(scratch)
    except BenchError:
        return f"{told}, refused by evaluate"
    except Exception:
        return traceback.format_exc(limit=-4)
    return told


def child(seed: int, start: int, stop: int, scratch: Path) -> None:
    """Inputs start .. stop, a line of JSON each; faulthandler ends the process when one takes too long."""
    sources()
    with Path("/proc/self/statm").open() as stream:
        size = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    for number in range(start, stop):
        print(json.dumps({"started": number}), flush=True)
        faulthandler.dump_traceback_later(LIMIT, exit=True)
        began = time.perf_counter()
        told = attempt(mutated(seed, number), scratch)
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps({"number": number, "told": told, "seconds": time.perf_counter() - began}), flush=True)


def fuzz(seed: int, count: int, scratch: Path) -> dict[str, Any]:
    """Everything that is printed."""
    counts: Counter[str] = Counter()
    findings: list[dict[str, Any]] = []
    slowest, place = 0.0, 0
    while place < count:
        command = [sys.executable, __file__, "--child", str(place), "--count", str(count), "--seed", str(seed)]
        begun = None
        with subprocess.Popen([*command, "--scratch", str(scratch)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                entry = json.loads(line)
                if "started" in entry:
                    begun = entry["started"]
                    continue
                place = entry["number"] + 1
                slowest = max(slowest, entry["seconds"])
                if entry["told"] in OUTCOMES:
                    counts[entry["told"]] += 1
                else:
                    findings.append({"input": entry["number"], "told": entry["told"]})
        if begun is None:
            raise SystemExit("The child process did not start: run it with --child 0.")
        if place < count:  # the process died of an input, by a crash or by the time limit
            findings.append({"input": begun, "told": f"the process ended with {process.returncode}"})
            place = begun + 1
    return {"seed": seed, "inputs": count, **counts, "slowest_seconds": slowest, "memory_limit_bytes": MEMORY,
            "findings": findings}  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, default=Path("/dev/shm/fuzzed"), help="A file to write inputs to.")  # noqa: S108
    parser.add_argument("--child", type=int, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        child(arguments.seed, arguments.child, arguments.count, arguments.scratch)
    else:
        result = fuzz(arguments.seed, arguments.count, arguments.scratch)
        print(json.dumps(result, indent=1))
        sys.exit(1 if result["findings"] else 0)
