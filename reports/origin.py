"""The end of the page: numbers in print beside ours, notes, how to read it, and where everything came from."""

from reports.blocks import Block, Section
from reports.material import Material

PUBLISHED_LEDE = (
    "What was printed and what was measured here, cell by cell, as bench reproduce judged it. “Not comparable” says "
    "that something else than the number differs, and what."
)


def published_section(material: Material) -> Section | None:
    """A table of each published one."""
    if not material.published:
        return None
    blocks = (Block(tables=dict(material.published)),)
    return Section("published", "In print", "Numbers in print beside ours", PUBLISHED_LEDE, blocks)


def notes_section(material: Material) -> Section | None:
    """What was left out and what is not pinned."""
    if not material.notes:
        return None
    return Section("notes", "Notes", "Notes", template="notes.html", view={"notes": list(material.notes)})


def reading_section(material: Material) -> Section:
    """What intervals and leads mean."""
    return Section("reading", "How to read this", "How to read this", template="reading.html")


def provenance_section(material: Material) -> Section | None:
    """Commit, versions and machine; datasets, weights and metrics with digests, seeds and licences."""
    if not material.provenance and not material.origins:
        return None
    blocks = (Block(tables=dict(material.origins)),) if material.origins else ()
    return Section("provenance", "Provenance", "Provenance", blocks=blocks, template="provenance.html",
                   view={"facts": dict(material.provenance)})  # fmt: skip
