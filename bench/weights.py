"""Which weights a learned method gets when none are given."""

import hashlib
from pathlib import Path

from bench.errors import BenchError, MissingWeightsError
from bench.trainings import newest_weights

SHIPPED = Path(__file__).resolve().parent.parent / "weights"
SUMS = "SHA256SUMS"  # as `sha256sum --check` reads it
TRAINED_HERE = ("enlightengan", "cyclegan", "zero_dce")  # by a command of this name
GUIDED, NATURAL = "_guided", "_natural"
"""How the name of a method ends that sees the photograph small (`enlightengan.guided`), and of one that does so and
leaves texture as the photograph has it."""


def variant_of(method: str) -> str:
    """What is trained for `method`: itself, or the method that sees the photograph small for it."""
    return method.removesuffix(NATURAL if method.endswith(NATURAL) else GUIDED)


def find_weights(method: str, tracking_uri: str | None = None) -> tuple[Path, str]:
    """The weights of `method` and where they come from, in words.

    The newest finished `fast` or `paper` run in the store at `tracking_uri`, which serves all forms of the method, else
    those shipped with the project, else a cell of a grid of ablations. Raises MissingWeightsError when there are none.
    """
    variant = variant_of(method)
    found, shipped = newest_weights(variant, tracking_uri, cells=False), shipped_weights(method)
    if found is not None:
        path, source = found
        return path, f"{source}, which goes before the shipped ones" if shipped is not None else source
    if shipped is not None:
        return shipped, "shipped with the project"
    cell = newest_weights(variant, tracking_uri)
    if cell is not None:
        return cell
    trained, *left_out = variant.split("_no_")
    options = "".join(f" --without {part.replace('_', '-')}" for part in left_out)
    train = f"train it (bench train {trained}{options} --preset fast), " if trained in TRAINED_HERE else ""
    raise MissingWeightsError(
        f"There are no weights for {method}: {train}give a file "
        f"(--weights FILE to enhance, --checkpoint {method}=FILE to evaluate) or use --method clahe."
    )


def shipped_weights(method: str) -> Path | None:
    """The weights of `method` that come with the project, if any do; their SHA-256 is checked when they are read.

    Of a method that sees the photograph small, those for such forms alone where there are some. Raises BenchError where
    the SHA-256 is not told.
    """
    variant = variant_of(method)
    names = [variant] if method == variant else [f"{variant}{GUIDED}", variant]
    shipped = next((file for name in names if (file := SHIPPED / f"{name}.safetensors").is_file()), None)
    if shipped is None:
        return None
    if shipped.name not in sums(SHIPPED):
        raise BenchError(f"{SHIPPED / SUMS} does not tell the SHA-256 of {shipped.name}: fetch the project anew.")
    return shipped


def check_sum(file: Path) -> None:
    """Raise BenchError when `SHA256SUMS` beside `file` tells another SHA-256 than it has."""
    expected = sums(file.parent).get(file.name)
    if expected is not None and _sum(file) != expected:
        raise BenchError(f"{file} is damaged: its SHA-256 is not the one in {SUMS}. Fetch the file anew.")


def write_sum(file: Path) -> None:
    """Tell the SHA-256 of `file` in `SHA256SUMS` beside it; those of other files stay."""
    told = sums(file.parent) | {file.name: _sum(file)}
    lines = [f"{digest}  {name}\n" for name, digest in sorted(told.items())]
    write_text(file.parent / SUMS, "".join(lines))


def sums(folder: Path) -> dict[str, str]:
    """The SHA-256 in hex that `SHA256SUMS` in `folder` tells, by file name; nothing without such a file."""
    if not (folder / SUMS).is_file():
        return {}
    text = (folder / SUMS).read_text(encoding="utf-8", errors="surrogateescape")
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line]
    if any(len(pair) != 2 for pair in pairs):
        raise BenchError(f"{folder / SUMS} is damaged: each line has a SHA-256 and a file name.")
    return {name.removeprefix("*").removeprefix("./"): digest.lower() for digest, name in pairs}


def write_text(path: Path, text: str) -> None:
    """Write `text` aside and rename it, so that `path` is whole at any time. Raises BenchError."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", errors="surrogateescape")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BenchError(f"Cannot write {path}: {error}") from error


def _sum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
