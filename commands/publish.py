"""`bench publish`: the weights of a finished training, half the size, with their digest and a model card."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import TrackingUri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from bench.tracking import Suite
    from commands.publish_from import Stored


LONGEST_STORY = 4000  # characters in a tag that must be whole to be read; a run cuts longer ones


def publish(
    training: Annotated[
        str,
        typer.Argument(
            help="ID or name of a finished fast or paper training, or a method for its newest; RUN@STEP; or a file "
            "that is published, to give its card the scores of now."
        ),
    ],
    mean_with: Annotated[
        list[str] | None,
        typer.Option(help="Another training of the method, or RUN@STEP; the mean of all is published. Repeatable."),
    ] = None,
    guided: Annotated[
        bool, typer.Option("--guided", help="The weights are for the method's guided and natural forms alone.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the weights, SHA256SUMS and the card.")] = Path("weights"),
    observed: Annotated[
        Path | None, typer.Option(help="Markdown file on what a person saw; it goes into the card and stays there.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace other weights in --out.")] = False,
    tracking_uri: TrackingUri = None,
) -> None:
    """Write a run's weights in half precision, vectors in single, with SHA256SUMS and a model card.

    The card tells data and recipe. Evaluate the written file and name that file instead of a run: then the card has its
    scores, too.

    RUN@STEP is what a run with --snapshots had after that step, when it looked at its probe pictures.

    --guided names the file after the guided form: where it lies in weights/, that form and the natural one take it, and
    the method itself, at full size, takes the other.

    --mean-with suits trainings of one chain, each begun from the one before: their mean is often better than each
    (Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018).
    """
    from bench.errors import BenchError
    from bench.tracking import open_suite

    seen = _text(observed) if observed else ""
    suite = open_suite(tracking_uri, must_exist=True)
    if training.endswith(".safetensors"):
        if mean_with or observed or force or guided or out != Path("weights"):
            raise BenchError(
                f"Of {training}, a file, only the scores in its card change: name a run for anything else."
            )
        _rescore(suite, Path(training))
    else:
        _publish(suite, (training, *(mean_with or ())), out, guided=guided, seen=seen, force=force)


def _publish(suite: "Suite", names: "Sequence[str]", out: Path, *, guided: bool, seen: str, force: bool) -> None:
    """Write the weights of the training called so, or the mean of several."""
    from bench.weights import GUIDED, write_sum
    from commands.console import say
    from commands.publish_from import alike, mean_of, related, stored, trained
    from methods import make

    trainings = [stored(suite, *trained(suite, name)) for name in names]
    runs = [one.run for one in trainings]
    alike(trainings)
    if not related(trainings):
        say("NO COMMON BEGINNING is told: a mean of networks that began apart is no good.", style="bold red")
    variant, mean = runs[0].data.tags["variant"], mean_of([one.state for one in trainings])
    members = {"mean_of": "; ".join(one.told for one in trainings)} if len(names) > 1 else {}
    known = _known(trainings) | members
    file = out / f"{variant}{GUIDED if guided else ''}.safetensors"
    _write_halved(file, mean, known, force=force)
    write_sum(file)
    checkpoint = str(make(variant, file).checkpoint)
    _mark(suite, trainings, checkpoint, mean_of=members.get("mean_of", ""))
    card = _write_card(suite, trainings, mean, known, file, seen=seen)
    told = [f"{one.named} ({one.run.info.run_id[:8]}, preset {one.run.data.tags['preset']})" for one in trainings]
    say(f"The mean of {', '.join(told)} is published." if len(names) > 1 else f"Run {told[0]} is published.")
    say(f"Weights: {file} ({file.stat().st_size / 1e6:.1f} MB). Card: {card}")


def _rescore(suite: "Suite", file: Path) -> None:
    """The card beside published weights gets the scores that the store has of them."""
    from bench.errors import BenchError
    from bench.weights import GUIDED, variant_of, write_text
    from commands.console import say
    from commands.publish_card import directions_of, scores_of
    from enlightengan.checkpoint import read_weights
    from methods import make
    from reports.card import rescored

    variant = read_weights(file)[1].get("variant")
    if variant is None:
        raise BenchError(f"{file} does not tell of which method it is: bench publish did not write it.")
    checkpoint, card = str(make(variant, file).checkpoint), file.with_suffix(".md")
    scores, guided = scores_of(suite, checkpoint), file.stem == f"{variant}{GUIDED}"
    if guided:  # full size may have had these weights, too
        scores = scores[(scores["method"] == "identity") | (scores["method"] != scores["method"].map(variant_of))]
    if (scores["checkpoint"] != checkpoint).all():
        method = f"{variant}{GUIDED if guided else ''}"
        raise BenchError(
            f"Nothing was scored with {file} in {suite.uri}: bench evaluate --checkpoint {method}={file} does it."
        )
    write_text(card, rescored(_text(card), checkpoint, scores, directions_of(scores)))
    say(f"{card} has the scores of {', '.join(scores['dataset'].unique())}.")


def _mark(suite: "Suite", trainings: "Sequence[Stored]", checkpoint: str, *, mean_of: str) -> None:
    """The runs tell which weights they, or their mean, were published as, and after how many steps if not the last."""
    from bench.trainings import Publication, mark
    from commands.publish_card import by_run

    for place, taken in enumerate(by_run(trainings)):
        latest = max(taken, key=lambda one: int(one.metadata["steps"]))
        told = Publication(latest.step, among=True) if place else Publication(latest.step, mean_of[:LONGEST_STORY])
        mark(suite, latest.run.info.run_id, checkpoint, told)


def _known(trainings: "Sequence[Stored]") -> dict[str, str]:
    """The metadata of the first's weights, with what all began from, under the terms of all."""
    from commands.publish_card import begun, licence
    from enlightengan.beginning import together

    first, terms = trainings[0], licence([one.run for one in trainings])
    began = begun(first.run.data.tags)
    for role in ("begun_from", "taught_by"):
        if told := together([one.run.data.tags.get(role, "") for one in trainings], role.replace("_", " ")):
            began[role] = told
    return first.metadata | began | {"run": first.run.info.run_id, "licence": terms}


def _write_halved(file: Path, state: "Mapping[str, Tensor]", metadata: "Mapping[str, str]", *, force: bool) -> None:
    from bench.errors import BenchError
    from enlightengan.checkpoint import save_weights

    halved = {key: value.half() if _halves(value) else value for key, value in state.items()}
    # safetensors orders its metadata anew each time, so that the same would differ in bytes.
    if not _holds(file, halved, metadata):
        if file.exists() and not force and not _holds(file, halved):
            raise BenchError(f"{file} holds other weights: --force replaces them, --out names another folder.")
        save_weights(file, halved, metadata)
        file.chmod(0o644)  # safetensors lets its owner alone read what it writes


def _halves(value: "Tensor") -> bool:
    """Whether half precision holds a tensor. Running variances lie anywhere, one was 82,416: such vectors stay."""
    import torch

    return value.is_floating_point() and value.ndim > 1 and float(value.abs().max()) <= torch.finfo(torch.half).max


def _write_card(
    suite: "Suite", trainings: "Sequence[Stored]", mean: "Mapping[str, Tensor]", metadata: "Mapping[str, str]",
    file: Path, *, seen: str,
) -> Path:  # fmt: skip
    from tempfile import TemporaryDirectory

    from bench.weights import write_text
    from commands.publish_card import model_card
    from enlightengan.checkpoint import save_weights
    from methods import make
    from reports.card import card_text, observed_in

    card = file.with_suffix(".md")
    seen = seen or observed_in(card, str(make(trainings[0].run.data.tags["variant"], file).checkpoint))
    with TemporaryDirectory() as folder:
        exact = Path(folder) / file.name
        save_weights(exact, mean, metadata)
        write_text(card, card_text(model_card(suite, trainings, exact, file, observed=seen)))
    return card


def _text(path: Path) -> str:
    from bench.errors import BenchError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"Cannot read {path}: {error}") from error


def _holds(file: Path, state: "Mapping[str, Tensor]", metadata: "Mapping[str, str] | None" = None) -> bool:
    """Whether `file` has these weights already, and this metadata if any is given."""
    from bench.errors import BenchError
    from enlightengan.checkpoint import read_weights, weights_digest

    if not file.is_file():
        return False
    try:
        stored, told = read_weights(file)
    except BenchError:  # damaged
        return False
    return metadata in (None, told) and weights_digest(stored) == weights_digest(state)
