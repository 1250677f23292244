"""The comparison as one Markdown document, which can be committed to a repository as it is.

It has the page's own titles, sentences and tables, and none of its figures; a leaderboard of one dataset alone, which
that dataset's own table has, is not given twice. What tells of the machine's files or of its system's own build is left
out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup

from reports.blocks import Block, Made, Section
from reports.layout import Table
from reports.material import Material
from reports.sections import scope
from reports.verdict import Verdict
from reports.writers import markdown, to_markdown

ANCHORS = (
    "verdict", "reading", "leaderboard", "comparison", "cost", "published", "parts", "seeds", "adaptation", "training",
    "methods", "datasets", "notes", "provenance",
)  # fmt: skip
FINDINGS = ("comparison",)  # sections whose tables' notes are what each found, in the same words where it is the same
PRIVATE = ("platform",)  # the kernel's release may carry the name of a machine or of whoever built it
PATH = re.compile(r"(?:^|[\s'\"(=,:])(?:~?/[\w.]|[A-Za-z]:\\|\\\\|file:)")


def document(sections: Sequence[Section], material: Material) -> str:
    """The document of the page's `sections`; every name in it is escaped."""
    found = {section.anchor: section for section in sections}
    paragraphs = [f"# {_text(material.title)}", _text(scope(material.frame))]
    for anchor in ANCHORS:
        if anchor in found:
            paragraphs += _section(found[anchor], material)
    more = [section.name for section in sections if section.anchor not in ANCHORS]
    also = f" Its HTML page also has: {_text(', '.join(more))}." if more else ""
    return "\n\n".join([*paragraphs, f"Written by `bench report`.{also}"]) + "\n"


def public(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts without paths and without what names a machine."""
    return {name: told for name, told in facts.items() if name not in PRIVATE and not PATH.search(told)}


def _public_note(note: str) -> str:
    """A note without the clause that names a path; nothing where that is all."""
    found = PATH.search(note)
    if not found:
        return note
    told = note[: found.start()].rpartition(":")[0]
    return f"{told}." if told else ""


def _section(section: Section, material: Material) -> list[str]:
    """Heading, how it was made, what it says; nothing where it has figures alone."""
    lede = section.lede.striptags() if isinstance(section.lede, Markup) else section.lede
    said = [*([_text(lede)] if lede else []), *_view(section)]
    told: set[str] | None = None if section.anchor in FINDINGS else set()
    blocks = [block for block in section.blocks if section.anchor != "leaderboard" or not _stands_below(block)]
    for block in blocks or section.blocks:
        said += _block(block, material, told)
    made = [_made(section.made)] if section.made else []
    return [f"## {_text(section.title)}", *made, *said] if said else []


def _stands_below(block: Block) -> bool:
    """Whether a leaderboard has a column for one dataset alone and no notes, so that its own table says as much."""
    return all(len(table.columns) == 2 and not table.notes for table in block.tables.values())


def _made(made: Made) -> str:
    return f"*Made by `{made.command}` ({made.counts}).*"


def _view(section: Section) -> Iterator[str]:
    """What the verdict, the methods and the provenance have besides blocks."""
    yield from map(_text, section.view.get("answers", ()))
    for verdict in section.view.get("verdicts", ()):
        yield from _verdict(verdict)
    cards = [(method, dict(entries)) for method, entries in section.view.get("cards", ())]
    if cards:
        asked = ("title", "year", "family", "paper", "trust")
        said = ("; ".join(card[key] for key in asked if key in card) for _, card in cards)
        yield _bullets([f"{method}: {told}" for (method, _), told in zip(cards, said, strict=True)])
    facts = public(section.view.get("facts", {}))
    if facts:
        yield _bullets([f"{name}: {told}" for name, told in facts.items()])


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f"### {_text(f'{verdict.metric}, {verdict.direction}: {verdict.headline}')}"
    yield _text(verdict.sentence)
    if verdict.details:
        yield _bullets(verdict.details)


def _block(block: Block, material: Material, told: set[str] | None) -> Iterator[str]:
    """Heading, sentence, tables and notes; nothing of a block of figures alone. `told` are the notes given before,
    None where each table has its own."""
    if not (block.text or block.tables or block.notes):
        return
    if block.title:
        yield f"### {_text(block.title)}"
    if block.text:
        yield _text(block.text)
    for table in block.tables.values():
        printed = material.printed(table)
        yield to_markdown(printed if told is None else _once(printed, told)).strip()
    notes = [note for note in map(_public_note, block.notes) if note]
    if notes:
        yield _bullets(notes)


def _once(table: Table, told: set[str]) -> Table:
    """The table without the notes that an earlier one had."""
    notes = tuple(note for note in table.notes if note not in told)
    told.update(notes)
    return replace(table, notes=notes)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_text(line)}" for line in lines)


def _text(text: str) -> str:
    return markdown(text).strip()
