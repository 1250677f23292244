"""The pictures of a report: those that evaluations kept, and others made again where that can be done faithfully."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun
    from torch import nn

    from bench.data import Dataset
    from bench.jobs import Contestant
    from bench.outputs import Found as Matched
    from bench.tracking import Suite
    from reports.pictures import GalleryItem

Found = TypeVar("Found")


def _remembered(function: Callable[[str], Found]) -> Callable[[str], Found]:
    """`function` asked once for each name, also where it raises BenchError."""
    from bench.errors import BenchError

    @cache
    def outcome(name: str) -> Found | BenchError:
        try:
            return function(name)
        except BenchError as error:
            return error

    def answer(name: str) -> Found:
        found = outcome(name)
        if isinstance(found, BenchError):
            raise found
        return found

    return answer


class Pictures:
    """Where the picture of a method on a photograph is; `checkpoints` are the scored weights by method, `scored` the
    digests of results that were made elsewhere, by method, dataset and photograph."""

    def __init__(
        self, suite: "Suite", evaluations: Sequence["MlflowRun"], checkpoints: Mapping[str, str], *, root: Path,
        scored: Mapping[tuple[str, str, str], str] | None = None,
    ) -> None:  # fmt: skip
        from commands.kept import same_photographs
        from commands.recording import bare_folder

        self.suite, self.root, self.checkpoints, self.scored = suite, root, checkpoints, scored or {}
        self.low: dict[tuple[str, str], Path] = {}
        self.results: dict[tuple[str, str], dict[str, Path]] = {}
        self.digests: dict[str, str] = {}
        newest: dict[str, Mapping[str, str]] = {}
        newest_results: dict[tuple[str, str], str] = {}
        self.folders: dict[str, Callable[[], Dataset]] = {}
        self.files: dict[tuple[str, str], tuple[str, Path]] = {}
        self.elsewhere: dict[tuple[str, str], Path] = {}
        for run in evaluations:
            for child in suite.children(run.info.run_id):
                tags = child.data.tags
                self.digests.setdefault(tags["dataset"], tags["dataset_digest"])
                alike = same_photographs(newest.setdefault(tags["dataset"], tags), tags)
                if "dataset_folder" in tags:
                    self.folders.setdefault(tags["dataset"], partial(bare_folder, tags))
                if "results_folder" in tags:
                    self.elsewhere.setdefault((tags["method"], tags["dataset"]), Path(tags["results_folder"]))
                if "weights_file" in tags:
                    key = (tags["method"], tags["weights_digest"])
                    self.files.setdefault(key, (tags["made_by"], Path(tags["weights_file"])))
                made = newest_results.setdefault((tags["method"], tags["dataset"]), tags.get("method_digest", ""))
                alike = alike and (made == tags.get("method_digest", "") or not made.startswith("results-"))
                if alike and tags["weights_digest"] == checkpoints.get(tags["method"]):
                    self._add(run.info.run_id, child.info.run_id, tags["method"], tags["dataset"])
        self.dataset, self.contestant = _remembered(self._dataset), _remembered(self._contestant)
        self.module, self.match = _remembered(self._module), cache(self._match)

    def _add(self, run_id: str, child_id: str, method: str, dataset: str) -> None:
        """The samples of one method on one dataset, unless a newer evaluation has some."""
        samples = self.suite.artifact(child_id, "samples")
        lows = self.suite.artifact(run_id, f"low/{dataset}")
        if samples is None or lows is None:
            return
        for file in sorted(samples.iterdir()):
            key = (dataset, file.name)
            if (lows / file.name).exists():
                self.low.setdefault(key, lows / file.name)
                self.results.setdefault(key, {}).setdefault(method, file)

    def kept(self, names: Mapping[tuple[str, str], str]) -> list["GalleryItem"]:
        """What evaluations kept of the photographs in `names`, which maps dataset and file to the image's name."""
        from reports.pictures import GalleryItem

        return [
            GalleryItem(dataset=key[0], image=names[key], low=self.low[key], results=found)
            for key, found in sorted(self.results.items()) if key in names
        ]  # fmt: skip

    def of(self, method: str, dataset: str, image: str) -> tuple[Path, Path]:
        """The low-light picture and the method's result, made now if nobody kept it. Raises BenchError: why not."""
        from commands.recording import artifact_name, sample_file

        key = (dataset, artifact_name(image))
        if method in self.results.get(key, {}):
            return self.low[key], self.results[key][method]
        low = self.dataset(dataset).folder / image
        if (method, dataset) in self.elsewhere:
            return low, self._made_elsewhere(method, dataset, image)
        target = sample_file(self.contestant(method), self.dataset(dataset), image)
        if not target.exists():
            self._make(method, low, target)
        return low, target

    def _made_elsewhere(self, method: str, dataset: str, image: str) -> Path:
        """Somebody's own result where it still is the file that was scored."""
        from bench.digests import file_digest
        from bench.errors import BenchError

        folder = self.elsewhere[method, dataset]
        found = self.match(method, dataset)[image] if folder.is_dir() else f"There is no folder {folder} any more."
        if isinstance(found, str):
            raise BenchError(found)
        if f"result-{file_digest(found)}" != self.scored.get((method, dataset, image)):
            raise BenchError(f"The results of {method} in {folder} are not those that were scored.")
        return found

    def _match(self, method: str, dataset: str) -> "Matched":
        """The results of each photograph of a dataset, as `bench evaluate` finds them."""
        from bench.outputs import match_all

        return match_all(method, self.elsewhere[method, dataset], [self.dataset(dataset)])[0][dataset]

    def _make(self, method: str, low: Path, target: Path) -> None:
        from bench.images import read_image, to_pixels, write_rgb
        from bench.jobs import enhance

        write_rgb(to_pixels(enhance(self.module(method), read_image(low))[0]), target)

    def _module(self, method: str) -> "nn.Module":
        return self.contestant(method).load().eval()

    def _dataset(self, name: str) -> "Dataset":
        from bench.data import resolve
        from bench.errors import BenchError

        troubles = []
        ways: list[Callable[[], Dataset]] = [lambda: resolve(name, self.root)]
        if name in self.folders:  # where it lay when it was scored, which a bare folder's name does not tell
            ways.append(self.folders[name])
        for way in ways:
            try:
                found = way()
            except BenchError as error:
                troubles.append(str(error))
                continue
            if found.digest == self.digests.get(name, found.digest):
                return found
            troubles.insert(0, f"The photographs of {name} here are not those that were scored.")
        raise BenchError(troubles[0])

    def _contestant(self, method: str) -> "Contestant":
        """`method` with the weights that were scored."""
        from bench.errors import BenchError
        from commands.beginnings import shipped_of
        from methods import METHODS, contestant

        scored = self.checkpoints.get(method, "")
        made_by, given = self.files.get((method, scored), (method, None))
        if made_by not in METHODS:
            raise BenchError(f"{method} is not a method here: its results were made elsewhere.")
        if not METHODS.card(made_by).learned:
            return contestant(method)[0]
        runs = self.suite.search(kind="train", weights_digest=scored)
        kept = [self.suite.artifact(run.info.run_id, "weights.safetensors") for run in runs]
        given = given if given and given.exists() else None
        for weights in filter(None, [*kept, *shipped_of(made_by), given]):
            found = contestant(made_by, weights)[0]
            if found.checkpoint == scored:
                return replace(found, name=method)
        raise BenchError(f"The weights of {method} that were scored ({scored}) are not here.")
