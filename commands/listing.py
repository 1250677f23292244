"""`bench methods` and `bench metrics`: what there is, with cards; `bench --version`."""

from importlib.metadata import version
from typing import Annotated

import typer


def _told(asked: bool) -> None:
    if asked:
        typer.echo(f"bench {version('lowlight-bench')}")
        raise typer.Exit


def versioned(
    _: Annotated[bool, typer.Option("--version", callback=_told, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Which low-light enhancement method is better, for whom, and by how much."""


def methods() -> None:
    """The methods: what they are, how far to trust each, and whether there are weights."""
    from bench.errors import MissingWeightsError
    from commands.console import entry
    from methods import METHODS, contestant

    for name in METHODS:
        card = METHODS.card(name)
        year = f" ({card.year})" if card.year else ""
        lines = [f"{card.title}{year}, {card.family}. {card.paper}", f"Trust: {card.trust}. Licence: {card.licence}."]
        if card.learned:
            try:
                made, source = contestant(name)
                lines.append(f"Weights: {made.checkpoint} from {source}.")
            except MissingWeightsError as error:
                lines.append(str(error))
        entry(name, lines)


def metrics() -> None:
    """The metrics that work without a download, and where the weights of those are that people ask for most."""
    from bench.iqa import WEIGHTS, weights_said
    from bench.metrics import get_metric, known_metrics
    from commands.console import entry, say, table

    for metric in known_metrics().values():
        reference = "needs a reference" if metric.needs_reference else "needs no reference"
        reference = "compares with the input" if metric.needs_input else reference
        direction = metric.direction[0].upper() + metric.direction[1:]
        entry(metric.name, [f"{direction}, {reference}. {metric.variant}. Digest {metric.digest}."])
    more = [get_metric(name) for name in WEIGHTS]
    rows = [[m.name, m.direction, "reference" if m.needs_reference else "-", weights_said(m.name)] for m in more]
    table(("metric", "direction", "needs", "weights"), rows, title="Through pyiqa, with weights from a hub")
    say(
        "Every other metric of pyiqa that scores single pictures works by its name. Its weights are downloaded at its "
        "first use."
    )
