"""The comparison as one HTML file that opens from disk without a network, with a Markdown document, tables, figures.

A section is a function of `Material` that gives a `Section`, or None without data; SECTIONS is their order.
"""

import base64
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from bench.errors import BenchError
from reports.ablations import ablations_section
from reports.adaptation import adaptation_section
from reports.blocks import Section
from reports.comparison import comparison_section
from reports.cost import cost_section
from reports.diagnostics import diagnostics_section
from reports.document import document
from reports.failures import failures_section
from reports.gallery import gallery_section
from reports.gaming import gaming_section
from reports.layout import Table
from reports.material import Material
from reports.origin import notes_section, provenance_section, published_section, reading_section
from reports.sections import (
    datasets_section,
    leaderboard_section,
    methods_section,
    missing_section,
    scope,
    training_section,
)
from reports.seeds import seeds_section
from reports.stability import stability_section
from reports.study import people_section
from reports.style import save
from reports.verdict import verdict_section
from reports.writers import to_csv, to_latex, to_markdown

TEMPLATES = Path(__file__).parent / "templates"
LIST = "files.txt"  # of what a report wrote
CURVE_COLUMNS = ("run", "step", "name", "value")
SECTIONS: Sequence[Callable[[Material], Section | None]] = (
    verdict_section,
    leaderboard_section,
    gallery_section,
    comparison_section,
    stability_section,
    cost_section,
    failures_section,
    people_section,
    datasets_section,
    diagnostics_section,
    gaming_section,
    published_section,
    ablations_section,
    seeds_section,
    adaptation_section,
    training_section,
    methods_section,
    missing_section,
    notes_section,
    reading_section,
    provenance_section,
)


def write_report(out: Path, material: Material) -> Path:
    """Write `out`/index.html, results.md, tables/*.{csv,md,tex} and figures/*.{png,pdf}; return the page's path.

    files.txt lists them, so that the next report there removes what it does not have.

    Of the gallery at most `gallery_limit` photographs are shown, fewer where they would make the page heavy; in full
    size they go to `out`/pictures where that is asked for. Every file is written aside and renamed into place, the page
    last. Raises BenchError when the scores cannot be compared (see `reports.tables.checked`), `out` not be written, or
    its files.txt is not a report's.
    """
    curves = material.curves
    if curves is not None and not set(CURVE_COLUMNS) <= set(curves.columns):
        raise BenchError(f"Training curves need the columns {', '.join(CURVE_COLUMNS)}.")
    sections = [section for build in SECTIONS if (section := build(material)) is not None]
    try:
        earlier = _listed(out)
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".partial-") as partial:
            aside = Path(partial)
            _write_tables(aside / "tables", sections, material)
            _write_figures(aside / "figures", sections)
            _copy(aside, sections)
            page = render(sections, title=material.title, lede=scope(material.frame))
            for name, text in (("index.html", page), ("results.md", document(sections, material))):
                (aside / name).write_text(text, encoding="utf-8", errors="replace")
            _move(aside, out, earlier)
    except OSError as error:
        raise BenchError(f"Cannot write the report to {out}: {error}. Choose another folder with --out.") from error
    return out / "index.html"


def render(sections: Sequence[Section], *, title: str, lede: str) -> str:
    """The page of these sections; every name in it is escaped, and only our own script may run."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        title=title,
        lede=lede,
        sections=sections,
        style=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=f"sha256-{digest}",
    )


def breakable(text: str) -> Markup:
    """`text`, escaped, of which a long name may go on in the next line after an underscore."""
    return Markup(str(escape(text)).replace("_", "_<wbr>"))  # noqa: S704 - escaped before


def _write_tables(folder: Path, sections: Sequence[Section], material: Material) -> None:
    folder.mkdir()
    material.measured.to_csv(folder / "summary.csv", index=False)
    tables: Mapping[str, Table] = {stem: table for section in sections for stem, table in section.tables.items()}
    for stem, table in tables.items():
        printed = material.printed(table)
        for suffix, text in (
            ("csv", to_csv(table)),
            ("md", to_markdown(printed)),
            ("tex", to_latex(printed, label=stem)),
        ):
            (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8", errors="replace")


def _write_figures(folder: Path, sections: Sequence[Section]) -> None:
    for section in sections:
        for plot in section.plots:
            save(plot.figure, stem=folder / plot.stem)
        for stem, figure in section.sheets.items():
            save(figure, stem=folder / stem)


def _copy(aside: Path, sections: Sequence[Section]) -> None:
    for section in sections:
        for target, source in section.copies.items():
            (aside / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, aside / target)


def _move(aside: Path, out: Path, earlier: set[str]) -> None:
    """Rename each file into place, the page last, so that it never shows before what belongs to it.

    What an `earlier` report wrote here and this one has not is removed: its tables would be taken for this one's.
    """
    files = sorted((path for path in aside.rglob("*") if path.is_file()), key=lambda path: path.name == "index.html")
    names = [path.relative_to(aside).as_posix() for path in files]
    strange = [name for name in names if name not in earlier and os.path.lexists(out / name)]
    if strange and (earlier or not (out / LIST).exists()):  # a list that a full disk left empty tells nothing
        raise BenchError(f"{out / strange[0]} is there and no report wrote it: choose another folder with --out.")
    for name in earlier - {*names, LIST}:
        (out / name).unlink(missing_ok=True)
        for folder in (out / name).parents:
            if folder == out or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()
    (aside / LIST).write_text("".join(f"{name}\n" for name in names), encoding="utf-8", errors="surrogateescape")
    (aside / LIST).replace(out / LIST)
    for path in files:
        target = out / path.relative_to(aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _listed(out: Path) -> set[str]:
    """The files in `out` that an earlier report wrote, by its list. Raises BenchError where that is somebody else's."""
    if not (out / LIST).is_file():
        if (out / "index.html").exists():
            told = f"{out} has an index.html and no {LIST} of a report"
            raise BenchError(f"{told}: remove it, or choose another folder with --out.")
        return set()
    names = (out / LIST).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    if names and "index.html" not in names:
        raise BenchError(f"{out / LIST}, which a report writes, is no report's: choose another folder with --out.")
    return {name for name in names if name and out.resolve() in (out / name).resolve().parents}
