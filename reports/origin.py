"""The end of the page: numbers in print beside ours, notes, how to read it, and where everything came from."""

from reports.blocks import Block, Section
from reports.material import Material

PUBLISHED_LEDE = (
    "What others published and what was measured here, cell by cell, as bench reproduce judged it. “Not comparable” "
    "says that something else than the number differs, and what."
)
READING = (
    "Intervals are 95 % bootstrap intervals over images (BCa). They say how far a mean would move with other "
    "photographs of the same kind, not with another training seed.",
    "Two methods are compared image by image, over the photographs that every method has a value for. A lead is only "
    "called one when two things agree on its direction: the 95 % interval of the differences excludes zero, on at "
    "least six images; and Wilcoxon's signed-rank test has p below 0.05 after Holm's correction for the number of "
    "methods.",
    "Nothing is corrected for the number of metrics: among many metrics an occasional lead is luck.",
    "No-reference scores reward what they were built to measure. Look at the pictures too.",
)
TIMES = (
    "“Made by” counts finished runs and the time that they took from beginning to end; scores that a run found kept "
    "from an earlier one cost it nothing. A training's time is that of its own clock, which stands still while it is "
    "interrupted, or, where it did not tell, the time from its first beginning to its end."
)


def published_section(material: Material) -> Section | None:
    """A table of each published one."""
    if not material.published:
        return None
    blocks = (Block(tables=dict(material.published)),)
    made = material.made.get("reproduce")
    return Section("published", "In print", "Published numbers beside ours", PUBLISHED_LEDE, made=made, blocks=blocks)


def notes_section(material: Material) -> Section | None:
    """What was left out and what is not pinned."""
    if not material.notes:
        return None
    return Section("notes", "Notes", "Notes", blocks=(Block(notes=tuple(material.notes)),))


def reading_section(material: Material) -> Section:
    """What intervals and leads mean, and what the times under the headings are."""
    told = (*READING, TIMES) if material.made else READING
    return Section("reading", "How to read this", "How to read this", blocks=(Block(notes=told),))


def provenance_section(material: Material) -> Section | None:
    """Commit, versions and machine; datasets, weights and metrics with digests, seeds and licences."""
    if not material.provenance and not material.origins:
        return None
    blocks = (Block(tables=dict(material.origins)),) if material.origins else ()
    return Section("provenance", "Provenance", "Provenance", blocks=blocks, template="provenance.html",
                   view={"facts": dict(material.provenance)})  # fmt: skip
