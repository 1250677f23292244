"""`bench methods` and `bench metrics`: what there is, with cards."""


def methods() -> None:
    """The methods: what they are, how far to trust each, and whether there are weights."""
    from bench.errors import MissingWeightsError
    from commands.console import table
    from methods import METHODS, contestant

    rows = []
    for name in METHODS:
        card = METHODS.card(name)
        try:
            weights = contestant(name)[1] or "none needed"
        except MissingWeightsError:
            weights = "not there yet: train, or --checkpoint"
        rows.append((name, card.title, str(card.year or ""), card.family, card.trust, weights))
    table(("method", "title", "year", "family", "trust", "weights"), rows)


def metrics() -> None:
    """The metrics that work without a download; every other name of pyiqa works too, when its weights can be had."""
    from bench.metrics import known_metrics
    from commands.console import say, table

    rows = [
        (m.name, "lower" if m.lower_is_better else "higher", "yes" if m.needs_reference else "no", m.variant, m.digest)
        for m in known_metrics().values()
    ]
    table(("metric", "better", "reference", "variant", "digest"), rows)
    say("Every other pyiqa metric works by its name: weights are downloaded at its first use, and one sentence says so")
    say("when they cannot be had.")
