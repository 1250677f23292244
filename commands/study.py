"""`bench study`: people compare results pairwise; the page, the votes and, in `commands.ranking`, what they say."""

import re
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands import ranking
from commands.options import DataRoot, folders

if TYPE_CHECKING:
    from study.prepare import Scene
    from study.store import Store

STUDIES = Path("runs/studies")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LOOPBACK = "127.0.0.1"

app = typer.Typer(
    help="Pairwise comparison by people: make a study, serve it, rank the methods.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
StudyName = Annotated[str, typer.Argument(help="Name of the study, below runs/studies/.")]


def study_folder(name: str) -> Path:
    """Where the study of this name lies. Raises BenchError when it is no name for a folder."""
    from bench.errors import BenchError

    if not NAME.fullmatch(name):
        raise BenchError(
            f"A study's name is made of letters, digits, -, _ and . and starts with one of the first two, not {name!r}."
        )
    return STUDIES / name


def open_store(name: str) -> "Store":
    """The study of this name, open. Raises BenchError when there is none."""
    from study.store import Store

    return Store(study_folder(name))


@app.command()
def new(
    name: StudyName,
    outputs: Annotated[list[str], typer.Option(help="NAME=DIR: a method's results; repeatable, two at least.")],
    dataset: Annotated[str | None, typer.Option(help="Dataset or folder of the inputs, shown on demand.")] = None,
    images: Annotated[int | None, typer.Option(help="So many, drawn by the seed; all that match.")] = None,
    seed: Annotated[int, typer.Option(help="Of images, sides and orders.")] = 0,
    repeats: Annotated[float, typer.Option(help="Share of pairs that are shown twice, sides swapped.")] = 0.1,
    catches: Annotated[int, typer.Option(help="Trials with a known answer: a spoilt copy.")] = 8,
    longest: Annotated[int, typer.Option(help="Pixels of the copies' longest side.")] = 1600,
    common: Annotated[bool, typer.Option("--common", help="Leave out images that not every folder has.")] = False,
    data_root: DataRoot = None,
) -> None:
    """Make a study: match results by file name, copy them once, fix who sees what."""
    from bench.errors import BenchError
    from commands.console import progress, say
    from study.design import Plan, trials
    from study.prepare import choose, make_study, match

    folder = study_folder(name)
    if folder.exists():
        raise BenchError(f"There is a study {name} already: choose another name, or remove {folder}.")
    if not 64 <= longest <= 8192:
        raise BenchError(f"--longest must lie between 64 and 8192 pixels, not {longest}.")
    rivals = _rivals(outputs)
    inputs, known_as = _inputs(dataset, data_root)
    matched, notes = match(rivals, inputs, common=common)
    scenes: list[Scene] = choose(matched, images, seed)
    plan = Plan(len(rivals), len(scenes), seed, repeats, catches)
    for note in notes:
        say(note)
    with progress() as bar:
        task = bar.add_task("copies", total=len(scenes))
        make_study(folder, scenes, plan, methods=list(rivals), dataset=known_as, longest=longest,
                   on_image=lambda: bar.advance(task))  # fmt: skip
    count = len(trials(plan, 0))
    say(f"{folder}: {len(rivals)} methods on {len(scenes)} images, {count} pairs an observer.")
    say(f"Next: bench study serve {name}")


def _rivals(outputs: list[str]) -> dict[str, Path]:
    from bench.errors import BenchError

    found = folders(outputs)
    if len(found) < 2:
        raise BenchError("A study compares two methods at least: give --outputs NAME=DIR once for each.")
    if taken := {"method", "image"} & set(found):
        raise BenchError(f"A method of a study cannot be called {taken.pop()}: its tables have a column of that name.")
    return found


def _inputs(dataset: str | None, data_root: Path | None) -> tuple[dict[str, tuple[str, Path]] | None, str]:
    """The dataset's low-light photographs by the names of their results, and the dataset's name; or nothing."""
    if dataset is None:
        return None, ""
    from bench.data import data_root as root_of
    from bench.data import resolve
    from bench.errors import BenchError
    from study.prepare import inputs_of

    found = resolve(dataset, root_of(data_root))
    if not found.low:
        raise BenchError(f"{found.name} has no low-light side.")
    return inputs_of({found.image_name(path): path for path in found.low}), found.name


@app.command()
def serve(
    name: StudyName,
    static: Annotated[Path | None, typer.Option(help="Write a folder that works without a server, and end.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; others than this machine need a token.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    token: Annotated[str | None, typer.Option(help="Shared token where --host is not loopback; made up.")] = None,
) -> None:
    """Show the study to observers until Ctrl-C; every vote is on disk before the next pair appears."""
    from commands.console import say

    with open_store(name) as store:
        if static is not None:
            from study.exchange import export

            export(store, static)
            say(f"{static}: open index.html; bench study import {name} FILE takes the votes files that come back.")
            return
        _serve(store, host=host, port=port, token=token)
    say("Stopped. Every vote is kept.")


def _serve(store: "Store", *, host: str, port: int, token: str | None) -> None:
    import uvicorn

    from bench.errors import BenchError
    from commands.console import say
    from study.server import is_loopback, make_app

    local = is_loopback(host)
    if token is not None and (local or len(token) < 8 or not token.isascii() or not token.isalnum()):
        raise BenchError("--token takes eight letters and digits or more, and only with a --host beyond this machine.")
    token = None if local else token or secrets.token_hex(8)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        raise BenchError(f"Cannot listen on {host}, port {port}: {error}. Choose another with --port.") from error
    with listening:
        shown = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
        say(f"Study {store.name}: http://{shown}:{port}/{'' if token is None else f'?token={token}'}   Ctrl-C ends it.")
        config = uvicorn.Config(
            make_app(store, token=token), log_level="warning", access_log=False, proxy_headers=False,
            server_header=False, timeout_graceful_shutdown=3,
        )  # fmt: skip
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


@app.command("import")
def import_votes(
    name: StudyName,
    files: Annotated[list[Path], typer.Argument(help="Votes files that the folder's page saved.")],
    replace: Annotated[bool, typer.Option("--replace", help="A newer file of the same person replaces it.")] = False,
) -> None:
    """Take votes files into the study; what is not of this study, doubled or changed is refused."""
    from bench.errors import BenchError
    from commands.console import say
    from study.exchange import import_votes as taken

    refused = []
    with open_store(name) as store:
        for file in files:
            try:
                label, count = taken(file, store, replace=replace)
                say(f"{file}: {count} votes as {label}.")
            except BenchError as error:
                refused.append(str(error))
    if len(files) == len(refused) == 1:
        raise BenchError(refused[0])
    if refused:
        raise BenchError(f"{len(refused)} of {len(files)} files were refused: {' '.join(refused)} The rest is in.")


app.command("rank")(ranking.rank)
app.command("simulate")(ranking.simulate)
