"""`bench methods` and `bench metrics`: what there is, with cards."""


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
    """The metrics that work without a download; every other name of pyiqa works too, when its weights can be had."""
    from bench.metrics import known_metrics
    from commands.console import entry, say

    for metric in known_metrics().values():
        direction = "Lower" if metric.lower_is_better else "Higher"
        reference = "needs a reference" if metric.needs_reference else "needs no reference"
        reference = "compares with the input" if metric.needs_input else reference
        entry(metric.name, [f"{direction} is better, {reference}. {metric.variant}. Digest {metric.digest}."])
    say("Every other metric of pyiqa works by its name. Its weights are downloaded at its first use.")
