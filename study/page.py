"""The page that observers see: one template and its scripts, for the server and for the folder alike."""

from pathlib import Path
from typing import Literal

import jinja2

WEB = Path(__file__).parent / "web"
SHARED = ("style.css", "viewer.js", "page.js")
SCRIPTS = {"server": ("server.js", "viewer.js", "page.js"), "static": ("study.js", "local.js", "viewer.js", "page.js")}
FILES = {name: WEB / name for name in (*SHARED, "server.js")}
"""What the server gives out, by name."""


def page(kind: Literal["server", "static"]) -> str:
    """The HTML of the page; it holds no data of any study."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    folder = "page/" if kind == "server" else ""
    return environment.get_template("page.html").render(static=kind == "static", folder=folder, scripts=SCRIPTS[kind])
