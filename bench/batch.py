"""Many photographs: which files become which, and the work on them with reading and writing beside it.

One bad file never stops the others: its outcome says why. While one photograph is enhanced, the next is read and the
one before is written, so that at most three are in memory.
"""

import glob
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from bench.encoding import encode
from bench.errors import BenchError
from bench.folders import OTHERS, RAW, left_out, others_in, others_told, photographs_in
from bench.images import FORMATS, beside, shown
from bench.photograph import Photograph, read_photograph

Work = Callable[[Photograph], Photograph]
COMPARED = "_compare"  # ends the name of a result that stands beside what it was made of


@dataclass(frozen=True)
class Job:
    """A photograph and the file that its result goes to."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a job: written, there (already) or failed. `notes` are sentences on what is not kept."""

    job: Job
    state: str
    error: str = ""
    notes: tuple[str, ...] = ()


def plan(
    paths: Sequence[str], *, ending: str, out: Path | None = None, tell: Callable[[str], None] = lambda _: None,
    is_method: Callable[[str], bool] = lambda _: False,
) -> list[Job]:  # fmt: skip
    """The jobs for files, folders and globs.

    Without `out` the result of NAME.ext is NAME_ENDING.ext beside it, that of a folder FOLDER_ENDING with the same
    tree. With `out`, which is a file when it has a picture's suffix and a folder otherwise, names stay. Results of an
    earlier run among the photographs, also by what else `is_method` says is one, and pictures in folders of a format
    that is not taken, are left out: `tell` gets a sentence on each. Raises BenchError when a result would overwrite a
    photograph or another result, when a glob matches nothing, and when a folder has no picture.
    """
    singles, folders = _found(paths)
    single_file = out is not None and out.suffix.lower() in FORMATS and not out.is_dir()
    if single_file and (folders or len(singles) != 1):
        raise BenchError(f"--out {shown(out or Path())} is one file, and there are several photographs: name a folder.")
    no_folder = {*Image.registered_extensions(), *OTHERS}
    if out is not None and not single_file and not out.is_dir() and out.suffix.lower() in no_folder:
        raise BenchError(f"{shown(out)} ends in none of {', '.join(FORMATS)}: give an --out that does, or a folder.")
    jobs, others = [], set()
    for path in singles:
        beside_it = path.with_name(f"{path.stem}_{ending}{path.suffix}")
        jobs.append(Job(path, beside_it if out is None else out if single_file else out / path.name))
    for folder in folders:
        whole = folder.resolve() if ".." in folder.parts else folder.absolute()  # `..` is no name to add to
        root = whole.with_name(f"{whole.name}_{ending}") if out is None else out
        inside = [path for path in photographs_in(folder) if not path.absolute().is_relative_to(root.absolute())]
        if not inside:
            kinds = f"{', '.join(FORMATS)} are taken, but for what lies in --out"
            raise BenchError(
                f"There is no picture in the folder {shown(folder)} to enhance: {kinds}.{others_told(folder)}"
            )
        jobs += [Job(path, root / path.relative_to(folder)) for path in inside]
        others |= set(others_in(folder, but=[root]))
    kept = _without_results(jobs, ending, tell, is_method)
    if others:
        tell(left_out(others))
    _check_targets(kept)
    return kept


def _found(paths: Sequence[str]) -> tuple[list[Path], list[Path]]:
    singles: list[Path] = []
    folders: list[Path] = []
    for given in dict.fromkeys(paths):
        if not given:
            raise BenchError("An empty name is no photograph: is a variable of the shell not set?")
        matches = [given]
        if not Path(given).exists() and glob.has_magic(given):
            matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute ones)
            if not matches:
                raise BenchError(f"No file matches {shown(Path(given))}.")
        for match in map(Path, matches):
            (folders if match.is_dir() else singles).append(match)
    return list(dict.fromkeys(singles)), list(dict.fromkeys(folders))


def _without_results(
    jobs: list[Job], ending: str, tell: Callable[[str], None], is_method: Callable[[str], bool]
) -> list[Job]:  # fmt: skip
    """The jobs, each once, but those on results: what another job makes, or NAME_METHOD.ext beside a NAME.ext, by this
    `ending` or another method."""
    once = {(job.source.resolve(), job.target.resolve()): job for job in jobs}
    targets = {target for _, target in once}
    names = {(job.source.parent.resolve(), job.source.stem) for job in jobs}
    kept: list[Job] = []
    results: list[Job] = []
    for (source, target), job in once.items():
        folder, stem = job.source.parent.resolve(), job.source.stem
        ends = [(stem[:k], stem[k + 1 :]) for k, letter in enumerate(stem) if letter == "_"]
        made_by = [end for name, end in ends if (folder, name) in names]
        named = any(end == ending or (end.isidentifier() and is_method(end.removesuffix(COMPARED))) for end in made_by)
        (results if named or (source in targets and source != target) else kept).append(job)
    if results:
        one = shown(results[0].source)
        tell(f"Left out, as results of an earlier run: {len(results)}, {one} for one. Name one alone if it is none.")
    return kept


def _check_targets(jobs: list[Job]) -> None:
    taken: dict[Path, Path] = {}
    for job in jobs:
        where = job.target.resolve()
        if where == job.source.resolve():
            raise BenchError(f"The result would overwrite {shown(job.source)} itself: choose another --out.")
        if where in taken:
            both = f"{shown(taken[where])} and {shown(job.source)}"
            raise BenchError(f"{both} would both be written to {shown(job.target)}: enhance them one by one.")
        taken[where] = job.source


def run(jobs: Sequence[Job], work: Work, *, force: bool = False) -> Iterator[Outcome]:
    """Do the jobs; an outcome for each, as it is finished. Results that are there are kept, unless `force`."""
    pending = [job for job in jobs if force or not job.target.exists()]
    waiting = set(map(id, pending))
    yield from (Outcome(job, "there") for job in jobs if id(job) not in waiting)
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        ahead: Future[Photograph] | None = None
        behind: Future[Outcome] | None = None
        for place, job in enumerate(pending):
            current = ahead or reader.submit(_read, job.source)
            following = pending[place + 1 : place + 2]
            ahead = reader.submit(_read, following[0].source) if following else None
            written = _attempt(job, current, work, writer)
            del current
            if behind is not None:
                yield behind.result()
            behind = written
        if behind is not None:
            yield behind.result()


def _read(path: Path) -> Photograph:
    """As `read_photograph`; the error says which formats are taken where the file is of another."""
    suffix, taken = path.suffix.lower(), f"{shown(path)} is of no format that is taken: {', '.join(FORMATS)} are."
    if suffix in RAW and path.exists():
        raise BenchError(taken)
    try:
        return read_photograph(path)
    except BenchError as error:
        if suffix not in FORMATS and isinstance(error.__cause__, UnidentifiedImageError):
            raise BenchError(taken) from error
        raise


def _attempt(job: Job, reading: Future[Photograph], work: Work, writer: ThreadPoolExecutor) -> Future[Outcome]:
    try:
        return writer.submit(_write, job, work(reading.result()))
    except Exception as error:  # whatever a file or a method does, the other photographs are still done
        failed: Future[Outcome] = Future()
        failed.set_result(Outcome(job, "failed", error=_sentence(job, error)))
        return failed


def _write(job: Job, photograph: Photograph) -> Outcome:
    try:
        kind = FORMATS.get(job.target.suffix.lower())
        if kind is None:
            raise BenchError(f"{shown(job.target)} ends in none of {', '.join(FORMATS)}: give an --out that does.")
        data, notes = encode(photograph, kind)
        if photograph.format not in (kind, "") and job.source.suffix.lower() == job.target.suffix.lower():
            notes = (f"it holds a {photograph.format}, which its name does not say; written as {kind}", *notes)
        with beside(job.target) as partial:
            partial.write_bytes(data)
        return Outcome(job, "written", notes=(*photograph.notes, *notes))
    except Exception as error:  # see above
        return Outcome(job, "failed", error=_sentence(job, error))


def _sentence(job: Job, error: Exception) -> str:
    text = (str(error).strip().splitlines() or [""])[0]
    if not isinstance(error, BenchError):
        text = f"{type(error).__name__}: {text}"
    names = (shown(job.source), shown(job.target))
    return text if any(name in text for name in names) else f"{names[0]}: {text}"


def through(data: bytes, work: Work, *, suffix: str = "") -> tuple[bytes, tuple[str, ...]]:
    """A photograph's bytes to those of its result, in its own format or that of `suffix`; and sentences on it."""
    original = read_photograph(data)
    photograph = work(original)  # a comparison has no format of its own
    encoded, notes = encode(photograph, FORMATS[suffix] if suffix else original.format)
    return encoded, (*photograph.notes, *notes)
