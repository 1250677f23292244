"""What a training began from: the story that its weights, its state and its run tell of the trainings before it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from enlightengan.checkpoint import is_state, read_state, read_weights, weights_digest

TRAINING = "training "
NOT_STATED = "not stated"  # as a model card says of photographs whose terms nobody knows


def begun_from(weights: Path | None, teacher: Path | None = None) -> dict[str, str]:
    """The generator that a training began from and what its file, weights or a training state, tells of its training.

    Likewise of a `teacher` other than that (`taught_by`), briefly where the first has told of it. And the terms that
    both are under (`begun_under`), not stated where they were not published: those of their photographs go on to
    whatever begins from them. Nothing for None.
    """
    if weights is None:
        return {}
    (own, before), terms = _told_of(weights)
    found = {"begun_from": own + before}
    if teacher is not None:
        digest = weights_digest(_whole(read_weights(teacher)[0]))
        (own, before), more = _told_of(teacher)
        found["taught_by"] = own if digest in found["begun_from"] else own + before
        terms |= more
    return found | ({"begun_under": "; ".join(terms)} if terms else {})


def _told_of(weights: Path) -> tuple[tuple[str, str], dict[str, None]]:
    """What a generator's file tells of its training and of those before, and the terms that it is under."""
    stored, metadata = _generator_of_state(weights) if is_state(weights) else read_weights(weights)
    if "mean_of" in metadata:
        mean = generator_told(stored, {"method": metadata.get("method", "")})
        told, which = f"{mean}, the mean of {metadata['mean_of']}", "the first"
    else:
        what = "all networks of the training that gave " if is_state(weights) else ""
        told, which = f"{what}{generator_told(stored, metadata)}", "itself"
    before = ""
    for key, verb in (("taught_by", "taught by"), ("begun_from", "begun from")):
        if (story := metadata.get(key, "")).startswith(TRAINING):  # of a mean whose first has none
            before += f", {story}"
        elif story:
            before, which = f"{before}, {which} {verb} {story}", "and"
    terms = [metadata.get("licence", NOT_STATED), *([metadata["begun_under"]] if "begun_under" in metadata else [])]
    return (told, before), dict.fromkeys(term for told in terms for term in told.split("; "))


def together(stories: Sequence[str], verb: str = "begun from") -> str:
    """What the trainings of a mean began from: the first's story, and of the others what no story before has told.

    Those that began from chance have none; the `verb` may be `taught by`.
    """
    told = stories[0]
    for number, story in enumerate(stories[1:], start=2):
        fresh = ""
        for part in re.split("(, (?:itself|the first|and) begun from )", story):
            found = re.search("generator ([0-9a-f]{16})", part)
            if found and found[1] in told:
                fresh += f"{found[1]}, as told"
                break
            fresh += part
        if "generator" in fresh:
            told += f"{', ' if told else ''}{TRAINING}{number} {verb} {fresh}"
    return told


def generator_told(state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """A generator by the digest of its weights in float32 and, where the metadata tell them, steps, pairs and run.

    Of a refined one the steps and pairs are those of its refinement.
    """
    told = [f"{metadata[key]} {what}" for key, what in (("steps", "steps"), ("samples", "pairs")) if key in metadata]
    after = f" after {', '.join(told)}" if told else ""
    refined = "refined " if metadata.get("method") == "refine" else ""
    run = f" (run {metadata['run'][:8]})" if after and "run" in metadata else ""
    return f"{refined}generator {weights_digest(_whole(state))}{after}{run}"


def _generator_of_state(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The averaged generator of a training state, and what is known of its training, as weights files tell it."""
    state = read_state(path)
    facts = {"steps": "step", "samples": "samples", "method": "method"}
    known = {name: str(state[key]) for name, key in facts.items() if key in state}
    return state["ema"], known | state.get("begun_from", {})


def _whole(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`state` in float32."""
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
