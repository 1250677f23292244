"""The scores in files that `bench evaluate --csv` wrote: which of them count."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def of_files(tables: Mapping[Path, "pd.DataFrame"]) -> tuple[list["pd.DataFrame"], list[str]]:
    """The score tables, and notes; of sets of one name with other photographs only the first's, with other references
    what needs none."""
    known, paired, notes = dict[str, dict[str, str]](), dict[tuple[str, str], str](), list[str]()
    kept: list[pd.DataFrame] = []
    for path, whole in tables.items():
        table = whole
        notes.append(f"Scores from {path.name}.")
        pictures = table.loc[table["picture_digest"] != "", ["dataset", "image", "picture_digest"]].drop_duplicates()
        seen: dict[str, dict[str, str]] = {}
        for dataset, image, digest in pictures.itertuples(index=False, name=None):
            seen.setdefault(dataset, {})[image] = digest[:64]
        others = {name for name, these in seen.items() if not _nested(known.setdefault(name, these), these)}
        notes += [f"{name}: scores on other photographs of that name are left out." for name in sorted(others)]
        table = table[~table["dataset"].isin(others)]
        with_references = pictures[pictures["picture_digest"].str.len() > 64].itertuples(index=False, name=None)
        told = {(dataset, image): digest[64:] for dataset, image, digest in with_references}
        others = {key[0] for key, digest in told.items() if paired.setdefault(key, digest) != digest}
        notes += [f"{name}: scores against other references are left out." for name in sorted(others)]
        kept.append(table[~(needs_reference(table) & table["dataset"].isin(others))] if others else table)
    return kept, notes


def _nested(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether the photographs of one file, by name and digest, are all in the other."""
    return one.items() <= other.items() or other.items() <= one.items()


def needs_reference(scores: "pd.DataFrame") -> "pd.Series[bool]":
    from bench.metrics import get_metric

    names = [str(name) for name in scores["metric"].unique() if get_metric(str(name)).needs_reference]
    return scores["metric"].isin(names)
