"""The comparison as one HTML file that opens from disk without a network, with its tables and figures beside it."""

import base64
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from bench.errors import BenchError
from reports.ablations import Effect, cost_table, effects_table
from reports.gallery import Gallery, gallery_of
from reports.gaming import GamingSection, gaming_section
from reports.layout import Table, better, leaderboard_table
from reports.pictures import GalleryItem, contact_sheet
from reports.sections import DatasetSection, Plot, dataset_sections, method_cards, missing_rows, scope, training_plot
from reports.study import StudySection, study_section
from reports.style import save
from reports.tables import Leaderboard, checked, leaderboard, summary
from reports.verdict import verdict
from reports.writers import file_name, to_csv, to_latex, to_markdown

__all__ = ["GalleryItem", "write_report"]

TEMPLATES = Path(__file__).parent / "templates"
MOST_REASONS = 100
CURVE_COLUMNS = ("run", "step", "name", "value")


def write_report(
    out: Path,
    *,
    scores: pd.DataFrame,
    directions: Mapping[str, bool],
    cards: Mapping[str, Mapping[str, str]],
    gallery: Sequence[GalleryItem],
    curves: pd.DataFrame | None,
    provenance: Mapping[str, str],
    notes: Sequence[str] = (),
    studies: Sequence[tuple[Mapping[str, Any], Mapping[str, pd.DataFrame]]] = (),
    gaming: tuple[pd.DataFrame, Mapping[str, bool]] | None = None,
    ablations: Sequence[Effect] = (),
    costs: Mapping[str, Mapping[str, float]] | None = None,
    title: str = "Low-light image enhancement, compared",
    gallery_limit: int = 12,
) -> Path:
    """Write `out`/index.html, `out`/tables/*.{csv,md,tex} and `out`/figures/*.{png,pdf}; return the page's path.

    `directions` says for each metric whether lower is better; `cards` maps a method to its title, year, family, paper,
    licence and trust; `curves` has the columns run, step, name, value; `studies` are facts and tables of human studies
    (see `reports.study`); `gaming` has the effects of probes and the directions of their metrics (see
    `reports.gaming`); `ablations` are effects of parts and `costs` what trainings cost (see
    `reports.ablations`). Of `gallery` at most `gallery_limit` photographs
    are shown, fewer where they would make the page heavy. Every file is written aside and renamed into place, the page
    last. Raises BenchError when the scores cannot be compared (see `reports.tables.checked`) or `out` not be written.
    """
    if curves is not None and not set(CURVE_COLUMNS) <= set(curves.columns):
        raise BenchError(f"Training curves need the columns {', '.join(CURVE_COLUMNS)}.")
    frame = checked(scores, directions=directions)
    metrics = [metric for metric in directions if (frame["metric"] == metric).any()]
    boards = [leaderboard(scores, directions=directions, metric=metric) for metric in metrics]
    valued = [board for board in boards if len(board.values)]
    measured = summary(scores, directions=directions)
    sections = dataset_sections(boards, summary=measured) if valued else []
    training = training_plot(curves)
    people = [study_section(facts, tables, number=number) for number, (facts, tables) in enumerate(studies)]
    probes = gaming_section(gaming[0], directions=gaming[1]) if gaming else None
    missing = missing_rows(frame)
    view = {
        "title": title,
        "scope": scope(frame),
        "verdicts": [verdict(board) for board in boards],
        "leaderboards": [(b.metric, better(b.lower_is_better), leaderboard_table(b)) for b in valued],
        "datasets": sections,
        "studies": people,
        "probes": probes,
        "gallery": gallery_of(gallery, limit=gallery_limit),
        "training": training,
        "parts": [effects_table(ablations)] if ablations else [],
        "costs": [cost_table(costs)] if costs else [],
        "cards": method_cards(cards, methods=list(scores["method"].unique())),
        "several_datasets": any(len(board.images) > 1 for board in valued),
        "several_methods": frame["method"].nunique() > 1,
        "missing": missing[:MOST_REASONS],
        "missing_left_out": len(missing[MOST_REASONS:]),
        "missing_count": int((~np.isfinite(frame["value"])).sum()),
        "notes": list(notes),
        "provenance": dict(provenance),
    }
    plots = [plot for section in sections for plot in section.plots] + [plot for one in people for plot in one.plots]
    plots += [training] if training else []
    tables = _tables(valued, sections, people, probes)
    for stem, found in (("ablations", view["parts"]), ("training-cost", view["costs"])):
        tables |= {stem: found[0]} if found else {}
    _write(out, view=view, tables=tables, plots=plots, measured=measured)
    return out / "index.html"


def render(view: Mapping[str, Any]) -> str:
    """The page for what `write_report` gathered; every name in it is escaped, and only our own script may run."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        view,
        contents=_contents(view),
        style=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=f"sha256-{digest}",
    )


def _contents(view: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Anchor and name of each section that the page has, in its order."""
    parts = [
        ("verdict", "Verdict", True),
        ("leaderboard", "Leaderboard", view["leaderboards"]),
        ("datasets", "Datasets", view["datasets"]),
        ("people", "People", view["studies"]),
        ("probes", "Probes", view["probes"]),
        ("pictures", "Pictures", view["gallery"].shots),
        ("parts", "Parts", view["parts"]),
        ("training", "Training", view["training"] or view["costs"]),
        ("methods", "Methods", view["cards"]),
        ("missing", "Missing values", view["missing"] or view["gallery"].unreadable),
        ("notes", "Notes", view["notes"]),
        ("reading", "How to read this", True),
        ("provenance", "Provenance", view["provenance"]),
    ]
    return [(anchor, name) for anchor, name, present in parts if present]


def _tables(
    boards: Sequence[Leaderboard],
    sections: Sequence[DatasetSection],
    studies: Sequence[StudySection],
    probes: GamingSection | None,
) -> dict[str, Table]:
    named = {file_name("leaderboard", board.metric): leaderboard_table(board) for board in boards}
    named |= {"probes": probes.table} if probes else {}
    named |= {stem: table for study in studies for stem, table in study.tables.items()}
    return named | {file_name("dataset", section.name): section.table for section in sections}


def _write(
    out: Path, *, view: Mapping[str, Any], tables: Mapping[str, Table], plots: Sequence[Plot], measured: pd.DataFrame
) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".partial-") as partial:
            aside = Path(partial)
            _write_tables(aside / "tables", tables, measured)
            _write_figures(aside / "figures", plots, view["gallery"])
            (aside / "index.html").write_text(render(view), encoding="utf-8", errors="replace")
            _move(aside, out)
    except OSError as error:
        raise BenchError(f"Cannot write the report to {out}: {error}. Choose another folder with --out.") from error


def _write_tables(folder: Path, tables: Mapping[str, Table], measured: pd.DataFrame) -> None:
    folder.mkdir()
    measured.to_csv(folder / "summary.csv", index=False)
    for stem, table in tables.items():
        for suffix, text in (
            ("csv", to_csv(table)),
            ("md", to_markdown(table)),
            ("tex", to_latex(table, label=stem)),
        ):
            (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8", errors="replace")


def _write_figures(folder: Path, plots: Sequence[Plot], pictures: Gallery) -> None:
    for plot in plots:
        save(plot.figure, stem=folder / plot.stem)
    if pictures.items:
        save(contact_sheet(pictures.items), stem=folder / "contact-sheet")


def _move(aside: Path, out: Path) -> None:
    """Rename each file into place, the page last, so that it never shows before what belongs to it."""
    files = sorted((path for path in aside.rglob("*") if path.is_file()), key=lambda path: path.name == "index.html")
    for path in files:
        target = out / path.relative_to(aside)
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
