"""The before/after gallery as the page needs it: encoded pictures, within a budget, and what could not be shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from reports.pictures import GalleryItem, chosen, data_uri, thumbnail

BUDGET = 9_000_000
"""Characters of encoded pictures in one page, so that the whole stays under 15 MB."""


@dataclass(frozen=True)
class Shot:
    """One photograph on the page: the low-light picture and the results as `data:` addresses."""

    dataset: str
    image: str
    width: int
    height: int
    low: str
    results: tuple[tuple[str, str], ...]
    """(method, address) in the order to show."""


@dataclass(frozen=True)
class Gallery:
    """What is shown of how many, and why files are missing."""

    shots: tuple[Shot, ...]
    total: int
    unreadable: tuple[str, ...]
    items: tuple[GalleryItem, ...]
    """The items shown, without the results that could not be read."""


def gallery_of(items: Sequence[GalleryItem], *, limit: int) -> Gallery:
    """Encode at most `limit` photographs and at most `BUDGET` characters (but at least one photograph).

    A file that cannot be read costs that picture only; it is named in `unreadable`.
    """
    shots: list[Shot] = []
    shown: list[GalleryItem] = []
    unreadable: list[str] = []
    spent = 0
    for item in chosen(items, limit=limit):
        try:
            low = thumbnail(item.low)
        except BenchError as error:
            unreadable.append(str(error))
            continue
        results: dict[str, str] = {}
        for method, path in item.results.items():
            try:
                results[method] = data_uri(thumbnail(path))
            except BenchError as error:
                unreadable.append(str(error))
        if not results:
            continue
        shot = Shot(item.dataset, item.image, *low.size, data_uri(low), tuple(results.items()))
        spent += len(shot.low) + sum(map(len, results.values()))
        if shots and spent > BUDGET:
            break
        shots.append(shot)
        kept = {method: path for method, path in item.results.items() if method in results}
        shown.append(GalleryItem(item.dataset, item.image, item.low, kept))
    return Gallery(tuple(shots), len(items), tuple(unreadable), tuple(shown))
