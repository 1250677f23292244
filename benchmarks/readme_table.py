"""README.md's table of methods, from the documents that commands write: no number in it is copied by hand.

python benchmarks/readme_table.py

NIQE over all images and seconds for 600 x 400 pixels come from RESULTS.md, PSNR and SSIM from results/confirmation.md,
as they stand there. Which methods the table has, and in which order, README.md itself says; a method that a document
has not gets a dash.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README, RESULTS, CONFIRMATION = (ROOT / name for name in ("README.md", "RESULTS.md", "results/confirmation.md"))
HEAD = "| | NIQE ↓ | PSNR ↑ | SSIM ↑ | seconds |"
ITSELF = "the photograph itself"
COLUMNS = (
    (RESULTS, "niqe, lower is better", "All images"),
    (CONFIRMATION, "psnr, higher is better", "All images"),
    (CONFIRMATION, "ssim\\_rgb, higher is better", "All images"),
    (RESULTS, "600 × 400 pixels", "Seconds"),
)
"""The document, the heading of the table there, and how the column begins."""


def column(document: Path, heading: str, title: str) -> dict[str, str]:
    """By method, the cells of a column of the first table below a heading, without emphasis."""
    part = document.read_text(encoding="utf-8").split(f"\n### {heading}\n", 1)[1]
    head, _, *rows = ([_plain(cell) for cell in line.strip("|").split("|")] for line in _first_table(part))
    place = next(place for place, cell in enumerate(head) if cell.startswith(title))
    return {row[0]: row[place] for row in rows}


def _first_table(part: str) -> list[str]:
    lines = part.split("\n")
    start = next(place for place, line in enumerate(lines) if line.startswith("|"))
    end = next(place for place in range(start, len(lines)) if not lines[place].startswith("|"))
    return lines[start:end]


def _plain(cell: str) -> str:
    return re.sub(r"\*\*|</?ins>|\\", "", cell).strip()


def renewed(text: str) -> str:
    """README.md's `text` with the numbers of now in its table."""
    before, rest = text.split(HEAD, 1)
    _, *rows = _first_table(rest)
    columns, made = [column(*where) for where in COLUMNS], []
    for row in rows:
        label = _plain(row.strip("|").split("|")[0])
        method = "identity" if label == ITSELF else label.strip("`")
        made.append(f"| {' | '.join([label, *(cells.get(method, '–') for cells in columns)])} |")
    return before + HEAD + rest.replace("\n".join(rows), "\n".join(made), 1)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
