"""The before/after gallery as the page needs it: encoded pictures, within a budget, and what could not be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from reports.blocks import Section
from reports.material import Material
from reports.pictures import GalleryItem, chosen, contact_sheets, data_uri, side_for, thumbnail
from reports.writers import file_name

BUDGET = 7_000_000
"""Characters of encoded pictures in the gallery, so that the whole page stays under 15 MB."""
LOW = "low light"
INPUT = ""  # no method is called so


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
    files: Mapping[str, str] = field(default_factory=dict)
    """Where the picture in full size lies beside the page, by method; the input is `low light`."""


@dataclass(frozen=True)
class Gallery:
    """What is shown of how many, and why files are missing."""

    shots: tuple[Shot, ...]
    total: int
    unreadable: tuple[str, ...]
    items: tuple[GalleryItem, ...]
    """The items shown, without the results that could not be read."""
    beyond: tuple[GalleryItem, ...] = ()
    """Those that were to be shown and are beyond the budget."""


def gallery_of(items: Sequence[GalleryItem], *, limit: int, budget: int = BUDGET, full_size: bool = False) -> Gallery:
    """Encode at most `limit` photographs and at most `budget` characters (but at least one photograph).

    The more pictures there are, the smaller each is. A file that cannot be read costs that picture only; it is named
    in `unreadable`.
    """
    shots: list[Shot] = []
    shown: list[GalleryItem] = []
    unreadable: list[str] = []
    spent, beyond = 0, tuple[GalleryItem, ...]()
    candidates = chosen(items, limit=limit)
    side = side_for(sum(1 + len(item.results) for item in candidates), budget=budget)
    for place, item in enumerate(candidates):
        try:
            low = thumbnail(item.low, side=side)
        except BenchError as error:
            unreadable.append(str(error))
            continue
        results: dict[str, str] = {}
        for method, path in item.results.items():
            try:
                results[method] = data_uri(thumbnail(path, side=side))
            except BenchError as error:
                unreadable.append(str(error))
        if not results:
            continue
        kept = GalleryItem(item.dataset, item.image, item.low, {name: item.results[name] for name in results})
        files = {method: target for method, (target, _) in files_of(kept).items()} if full_size else {}
        shot = Shot(item.dataset, item.image, *low.size, data_uri(low), tuple(results.items()), files)
        spent += len(shot.low) + sum(map(len, results.values()))
        if shots and spent > budget:
            beyond = tuple(candidates[place:])
            break
        shots.append(shot)
        shown.append(kept)
    return Gallery(tuple(shots), len(items), tuple(unreadable), tuple(shown), beyond)


def files_of(item: GalleryItem) -> dict[str, tuple[str, Path]]:
    """Where the full picture of the input, by INPUT, and of each method goes below the report's folder, and where it
    lies now."""
    stem = file_name(item.dataset, item.image)
    named = {name: file_name(name) if name != LOW else file_name("method", name) for name in item.results}
    return {
        name: (f"pictures/{stem}/{named.get(name, file_name(LOW))}{path.suffix.lower()}", path)
        for name, path in {INPUT: item.low, **item.results}.items()
    }


def gallery_section(material: Material) -> Section | None:
    """The sliders, the contact sheets, and the pictures in full size where they are asked for."""
    items = [_best_first(item, material) for item in material.gallery]
    shown = gallery_of(items, limit=material.gallery_limit, full_size=material.full_size)
    if not shown.shots and not shown.unreadable:
        return None
    total = f"{shown.total} photograph{'' if shown.total == 1 else 's'}"
    beside = " Every picture lies in full size beside this page." if material.full_size else ""
    lede = f"{len(shown.shots)} of {total} shown. Drag the handle or use the arrow keys.{beside}"
    copies = dict(target for item in shown.items for target in files_of(item).values()) if material.full_size else {}
    return Section("pictures", "Pictures", "Before and after", lede, template="gallery.html",
                   view={"shots": shown.shots, "unreadable": shown.unreadable},
                   sheets=contact_sheets(shown.items, order=_ranked(material)), copies=copies)  # fmt: skip


def _ranked(material: Material) -> list[str]:
    return [name for board in material.valued[:1] for name in board.methods if name != material.baseline]


def _best_first(item: GalleryItem, material: Material) -> GalleryItem:
    """Its results in the order of the first leaderboard, the input itself last."""
    place = {name: number for number, name in enumerate(_ranked(material))}
    results = dict(sorted(item.results.items(), key=lambda pair: place.get(pair[0], len(place))))
    return GalleryItem(item.dataset, item.image, item.low, results)
