"""The photographs of a training run: both sides' datasets, chosen and told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.data import Dataset
    from enlightengan.run_config import RunConfig


@dataclass(frozen=True)
class Sides:
    """The photographs of a run: both sides' datasets, and their files; a method may take no normal side."""

    low: tuple["Dataset", ...]
    normal: tuple["Dataset", ...]

    @property
    def files(self) -> dict[str, list[Path]]:
        """Of either side, each once: a folder may be named twice, or within another."""
        low = (file for dataset in self.low for file in dataset.low)
        normal = (file for dataset in self.normal for file in dataset.normal)
        return {side: list({file.resolve(): file for file in files}.values())
                for side, files in (("low", low), ("normal", normal))}  # fmt: skip

    @property
    def is_demo(self) -> bool:
        return any(dataset.role == "demo" for dataset in (*self.low, *self.normal))

    def tested(self) -> list[str]:
        """The names of those that methods are tested on; folders are not known for what they are."""
        return sorted({d.name for d in (*self.low, *self.normal) if d.role.endswith("test") and d.title})

    def tags(self) -> dict[str, str]:
        """Names, digests and pinning of both sides, as MLflow tags."""
        from bench.data import specs

        told = {}
        for side, datasets in (("low", self.low), ("normal", self.normal)):
            # A folder that is called as a dataset is not that, and not under its terms.
            names = (d.name if d.title or d.name not in specs() else f"folder {d.name}" for d in datasets)
            told[f"{side}_data"] = ", ".join(names)
            told[f"{side}_digest"] = ", ".join(dataset.digest for dataset in datasets)
        unpinned = sorted({d.name for d in (*self.low, *self.normal) if not d.pinned})
        return told | {"not_pinned": ", ".join(unpinned)}


def tell_sides(
    low: Sequence[str] | None, normal: Sequence[str] | None, root: Path, *, unpaired: bool = True
) -> tuple[Sides, bool]:
    """What `choose_sides` chooses, and whether it came to the demo; what is absent is said."""
    from commands.console import say

    sides, left_out, fallen_back = choose_sides(low, normal, root, unpaired=unpaired)
    for sentence in left_out:
        say(sentence)
    for name in sides.tested():
        say(
            f"{name} IS A TEST SET: what learns from it must not be scored on it, or its scores mean nothing.",
            style="bold red",
        )
    return sides, fallen_back


def not_read(datasets: "Sequence[Dataset]", *, but: "Sequence[Path]" = ()) -> list[str]:
    """A sentence on each folder among `datasets` in which pictures lie that are not read, but for those in `but`."""
    from bench.folders import left_out, others_in

    folders = dict.fromkeys(found.folder for found in datasets if not found.title)
    told = ((folder, others_in(folder, but=but)) for folder in folders)
    return [f"{folder}: {left_out(others)}" for folder, others in told if others]


def say_demo(config: "RunConfig") -> None:
    """Say, loudly, that the demo photographs are trained on with `config`."""
    from commands.console import say

    features = f" and {config.features} features" if hasattr(config, "features") else ""
    say(
        f"NO TRAINING DATA is here: training on the demo photographs with the {config.preset} preset{features}. "
        "This shows that everything works; its weights are not used by any method.",
        style="bold yellow",
    )


def choose_sides(
    low: Sequence[str] | None, normal: Sequence[str] | None, root: Path, *, unpaired: bool = True
) -> tuple[Sides, list[str], bool]:
    """Both sides from what was named, else every training dataset here, else demo; no normal one unless `unpaired`.

    Also sentences on what is absent, and whether it came to the demo for want of anything else.
    """
    from bench.data import names, resolve, sides_of
    from bench.errors import BenchError

    present, absent = names(roles=("train",), root=root)
    sentences, fallen_back = [], False
    if not low and not normal:
        if absent:
            sentences.append(
                f"Left out, not below {root}: {', '.join(absent)} (bench data list says where to get them)."
            )
        if not any("low" in sides_of(name) for name in present) if not unpaired else not present:
            present, fallen_back = ["demo"], True
    chosen = {"low": list(low or [name for name in present if "low" in sides_of(name)]), "normal": list[str]()}
    if unpaired:
        chosen["normal"] = list(normal or [name for name in present if "normal" in sides_of(name)])
    datasets = {side: tuple(resolve(name, root) for name in listed) for side, listed in chosen.items()}
    for side, found in datasets.items():
        if not found and (unpaired or side == "low"):
            raise BenchError(f"There are no {side}-light photographs: give --{side} NAME_OR_DIR.")
        for dataset in found:
            if not getattr(dataset, side):
                raise BenchError(f"{dataset.name} has no {side}-light side: choose another for --{side}.")
    sentences += not_read([dataset for found in datasets.values() for dataset in found])
    return Sides(**datasets), sentences, fallen_back
