"""Tables as text: csv with every digit, Markdown for an issue, LaTeX (booktabs) for a paper. All names are escaped."""

import csv
import hashlib
import io
import math
import re
import unicodedata

from bench.statistics import Interval
from reports.layout import Cell, Column, Table

APART = "\0"  # no printable text has it
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",  # after a row's \\ a bare bracket would be its optional argument, and a bare star its variant
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "−": "$-$",
    "⁹": r"\textsuperscript{9}",
    "`": r"\textasciigrave{}",
    APART: "{}",
} | {character: f"\\{character}" for character in "&%$#_"}
ARROWS = {"↓": r"$\downarrow$", "↑": r"$\uparrow$", "": ""}


def to_csv(table: Table) -> str:
    """Comma-separated; a column of means becomes four: mean, low, high, images. Missing numbers are empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    spread = [
        any(isinstance(row[i].value, Interval) for row in table.rows) for i, _ in enumerate(table.columns)
    ]  # a column of means, or one of plain values
    header: list[str] = []
    for column, wide in zip(table.columns, spread, strict=True):
        header += [column.name, *(f"{column.name} {part}" for part in ("low", "high", "images") if wide)]
    writer.writerow(header)
    for row in table.rows:
        writer.writerow([field for cell, wide in zip(row, spread, strict=True) for field in _fields(cell, wide=wide)])
    return stream.getvalue()


def to_markdown(table: Table) -> str:
    """A pipe table: best bold, second underlined, direction and image count in the header, notes below."""
    header = [markdown(" ".join(filter(None, (column.name, column.arrow)))) for column in table.columns]
    counts = [
        f"{head} ({column.sub})" if column.sub else head for head, column in zip(header, table.columns, strict=True)
    ]
    rules = [":---"] + [":---" if column.words else "---:" for column in table.columns[1:]]
    rows = [[_markdown_cell(*pair) for pair in zip(row, table.columns, strict=True)] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (counts, rules, *rows)]
    notes = [f"- {markdown(note)}" for note in table.notes]
    return "\n".join([f"{markdown(table.caption)}.", "", *lines, *([""] if notes else []), *notes]) + "\n"


def to_latex(table: Table, *, label: str) -> str:
    """A table environment for `booktabs`; `label` becomes `tab:LABEL`."""
    names = [f"{latex(column.name)} {ARROWS[column.arrow]}".strip() for column in table.columns]
    counts = ["" if column.images is None else f"({column.count})" for column in table.columns]
    key = "Image counts in parentheses." if any(counts) else ""
    key += " Best bold, second underlined." if any(cell.mark for row in table.rows for cell in row) else ""
    rows = [[_latex_cell(*pair) for pair in zip(row, table.columns, strict=True)] for row in table.rows]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{latex(table.caption)}. {key.strip()}".rstrip() + "}",
            f"  \\label{{tab:{label}}}",
            f"  \\begin{{tabular}}{{l{''.join('l' if column.words else 'r' for column in table.columns[1:])}}}",
            "    \\toprule",
            f"    {' & '.join(names)} \\\\",
            *([f"    {' & '.join(counts)} \\\\"] if any(counts) else []),
            "    \\midrule",
            *(f"    {' & '.join(cells)} \\\\" for cells in rows),
            "    \\bottomrule",
            "  \\end{tabular}",
            *(f"  \\par\\footnotesize {latex(note)}" for note in table.notes),
            "\\end{table}",
            "",
        ]
    )


def markdown(text: str) -> str:
    """`text` so that Markdown and the HTML inside it show exactly its characters, on one line."""
    plain = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = re.sub(r"([\\`*_{}\[\]|#~!$])", r"\\\1", plain)
    return re.sub(r"^(\s*\d*)([-+.)])(?=\s|$)", r"\1\\\2", escaped)  # would begin a list


def latex(text: str) -> str:
    """`text` so that LaTeX prints exactly its characters (beyond Latin that takes XeLaTeX or LuaLaTeX)."""
    apart = re.sub("-(?=-)", f"-{APART}", printable(text))  # two hyphens would be a dash
    return "".join(LATEX.get(character, character) for character in apart)


def printable(text: str, *, most: int | None = None) -> str:
    """`text` on one line without control or direction-changing characters, its middle cut to fit `most` characters."""
    shown = "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in text)
    if most is None or len(shown) <= most:
        return shown
    return f"{shown[: most // 2]}…{shown[len(shown) - (most - 1) // 2 :]}"


def file_name(*parts: str) -> str:
    """A file name without extension for these names: unchanged where safe, else cleaned and told apart by a digest."""
    return "--".join(_safe(part) for part in parts)


def _safe(part: str) -> str:
    plain = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
    clean = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9_.-]+", "-", plain)).strip("-.")[:48]
    if part and clean == part:
        return part
    return f"{clean or 'name'}-{hashlib.sha256(part.encode(errors='surrogatepass')).hexdigest()[:6]}"


def _fields(cell: Cell, *, wide: bool) -> list[str]:
    if isinstance(cell.value, Interval):
        return [_number(cell.value.mean), _number(cell.value.low), _number(cell.value.high), str(cell.value.count)]
    alone = cell.value if isinstance(cell.value, str) else _number(cell.value)
    return [alone, "", "", ""] if wide else [alone]


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def _markdown_cell(cell: Cell, column: Column) -> str:
    text = markdown(cell.text(column))
    marked = {"best": f"**{text}**", "second": f"<ins>{text}</ins>", "": text}[cell.mark]
    return " ".join(filter(None, (marked, markdown(cell.bounds(column)))))


def _latex_cell(cell: Cell, column: Column) -> str:
    text, bounds = latex(cell.text(column)), latex(cell.bounds(column))
    marked = {"best": f"\\textbf{{{text}}}", "second": f"\\underline{{{text}}}", "": text}[cell.mark]
    return f"{marked} {{\\scriptsize {bounds}}}" if bounds else marked
