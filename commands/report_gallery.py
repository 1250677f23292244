"""What a report shows of the pictures: those that were asked for or kept, and the cases in which methods fail."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from commands.report_pictures import Pictures
    from reports.material import Failure
    from reports.pictures import GalleryItem


def gallery(
    pictures: "Pictures", scores: "pd.DataFrame", wanted: Sequence[str]
) -> tuple[list["GalleryItem"], list[str]]:  # fmt: skip
    """The pictures that evaluations kept, else those of the photographs `wanted`, all made; and what cannot be made.

    Raises BenchError when no photograph is called so, or no method's result can be shown of one.
    """
    from bench.errors import BenchError
    from commands.recording import artifact_name

    every = list(scores[["dataset", "image"]].drop_duplicates().itertuples(index=False, name=None))
    if not wanted:
        return pictures.kept({(dataset, artifact_name(image)): image for dataset, image in every}), []
    items, lacking, seen = [], dict[tuple[str, str], int](), set[tuple[str, str]]()
    for pattern in wanted:
        matching = [where for where in every if any(_called(name, pattern) for name in _names(*where))]
        if not matching:
            told = "say DATASET/IMAGE or a pattern like 'lime/*' of what the methods chosen were scored on"
            raise BenchError(f"No scored photograph is called {pattern}: {told}.")
        fresh = [where for where in matching if where not in seen]
        seen.update(fresh)
        found = [_shown(pictures, scores, *where, lacking=lacking) for where in fresh]
        if fresh and not any(found):
            why = next((why for _, why in lacking), "nothing has a score on it.")
            raise BenchError(f"{'/'.join(fresh[0])} cannot be shown: {why}")
        items += [item for item in found if item]
    return items, [
        f"{method} is not shown on {count} photograph{'' if count == 1 else 's'}: {why}"
        for (method, why), count in lacking.items()
    ]


def _called(name: str, pattern: str) -> bool:
    """Whether a photograph of this name is meant; brackets in a name need not be a pattern."""
    return name == pattern or fnmatch(name, pattern)


def _shown(
    pictures: "Pictures", scores: "pd.DataFrame", dataset: str, image: str, *, lacking: dict[tuple[str, str], int]
) -> "GalleryItem | None":
    """A photograph with every result that can be shown, else None; `lacking` counts the others, by method and why."""
    from bench.errors import BenchError
    from reports.pictures import GalleryItem

    rows = scores[(scores["dataset"] == dataset) & (scores["image"] == image) & scores["value"].notna()]
    made = {}
    for method in map(str, rows["method"].unique()):
        try:
            made[method] = pictures.of(method, dataset, image)
        except BenchError as error:
            lacking[method, str(error)] = lacking.get((method, str(error)), 0) + 1
    if not made:
        return None
    low = next(low for low, _ in made.values())
    return GalleryItem(dataset, image, low, {name: file for name, (_, file) in made.items()})


def _names(dataset: str, image: str) -> tuple[str, ...]:
    """What a person may call a photograph."""
    bare = str(Path(image).with_suffix(""))
    return f"{dataset}/{image}", f"{dataset}/{bare}", image, bare, Path(image).name, Path(image).stem


def failures(
    pictures: "Pictures", scores: "pd.DataFrame", directions: Mapping[str, bool], *, baseline: str
) -> list["Failure"]:
    """The cases that the rules choose, each with its picture or a sentence why there is none."""
    from bench.errors import BenchError
    from reports.failures import failure_cases
    from reports.material import Failure
    from reports.pictures import GalleryItem

    found = []
    for case in failure_cases(scores, directions, baseline=baseline):
        try:
            low, result = pictures.of(case.method, case.dataset, case.image)
        except BenchError as error:
            name = f"{case.method} on {case.dataset}/{case.image}"
            found.append(Failure(case.rule, f"{name}. {case.sentence}", None, str(error)))
            continue
        item = GalleryItem(case.dataset, case.image, low, {case.method: result})
        found.append(Failure(case.rule, case.sentence, item))
    return found
