"""The study as a web page: an observer is known by a secret cookie, and can do nothing but judge their own next pair.

Nothing here reads a path from a request: pages are a fixed list, pictures are looked up by token. What changes
something must come from our own page (Origin, Fetch Metadata), and where the server can be reached from other machines
every request must carry the study's shared token. No votes can be read over HTTP at all.
"""

import hmac
import ipaddress
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Cookie, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from study.page import FILES, page
from study.store import Store, VoteRefused

COOKIE_SECONDS = 180 * 24 * 3600
MOST_BYTES = 4096
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Vote(BaseModel):
    """What the page sends for a pair."""

    model_config = ConfigDict(extra="forbid", strict=True)
    trial: str = Field(max_length=64)
    choice: Literal["left", "right", "tie"]
    milliseconds: int = Field(ge=0)


class Undo(BaseModel):
    """How many votes the page knows of when it takes back the last."""

    model_config = ConfigDict(extra="forbid", strict=True)
    done: int = Field(ge=1, lt=1 << 31)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_app(store: Store, *, token: str | None = None) -> FastAPI:
    """The web application of a study; with a `token`, only for those who open it with `?token=...` once."""
    app = FastAPI(title="study", docs_url=None, redoc_url=None, openapi_url=None)
    # Browsers keep cookies by host, whatever the port: two studies on one machine must not share one.
    observer, access = f"observer-{store.id}", f"access-{store.id}"
    _add_pages(app, store, observer)
    _add_judging(app, store, observer)
    _add_guards(app, token, access)
    return app


def _add_pages(app: FastAPI, store: Store, cookie: str) -> None:
    @app.get("/")
    def index() -> HTMLResponse:
        return HTMLResponse(page("server"))

    @app.get("/page/{name}")
    def part(name: str) -> FileResponse:
        if name not in FILES:
            raise HTTPException(404, "There is no such page.")
        return FileResponse(FILES[name])

    @app.get("/pictures/{token}")
    def picture(token: str, observer: Annotated[str, Cookie(alias=cookie)] = "") -> FileResponse:
        """A picture of a pair that this observer has been shown."""
        _known(store, observer)
        file = store.picture_file(token)
        if file is None:
            raise HTTPException(404, "There is no such picture.")
        return FileResponse(
            file, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"}
        )


def _add_judging(app: FastAPI, store: Store, cookie: str) -> None:
    @app.get("/api/state")
    def state(observer: Annotated[str, Cookie(alias=cookie)] = "") -> dict[str, Any]:
        number = store.observer(observer) if observer else None
        return {"joined": number is not None, "pairs": _pairs(store)} | ({} if number is None else store.state(number))

    @app.post("/api/join")
    def join(response: Response, observer: Annotated[str, Cookie(alias=cookie)] = "") -> dict[str, Any]:
        """The state of this observer's session; whoever has no cookie yet becomes a new observer."""
        number = store.observer(observer) if observer else None
        if number is None:
            secret = store.join()
            response.set_cookie(cookie, secret, max_age=COOKIE_SECONDS, httponly=True, samesite="strict")
            number = _known(store, secret)
        return {"joined": True} | store.state(number)

    @app.post("/api/vote")
    def vote(given: Vote, observer: Annotated[str, Cookie(alias=cookie)] = "") -> dict[str, Any]:
        number = _known(store, observer)
        store.vote(number, given.trial, given.choice, given.milliseconds)
        return {"joined": True} | store.state(number)

    @app.post("/api/undo")
    def undo(given: Undo, observer: Annotated[str, Cookie(alias=cookie)] = "") -> dict[str, Any]:
        number = _known(store, observer)
        store.undo(number, given.done)
        return {"joined": True} | store.state(number)

    @app.post("/api/leave")
    def leave(response: Response) -> dict[str, Any]:
        response.delete_cookie(cookie, httponly=True, samesite="strict")
        return {"joined": False, "pairs": _pairs(store)}


def _known(store: Store, secret: str) -> int:
    number = store.observer(secret) if secret else None
    if number is None:
        raise HTTPException(401, "This browser has not joined the study.")
    return number


def _pairs(store: Store) -> int:
    plan = store.plan
    pairs = plan.images * plan.methods * (plan.methods - 1) // 2
    return pairs + round(plan.repeats * pairs) + plan.catches


def _add_guards(app: FastAPI, token: str | None, access: str) -> None:
    @app.exception_handler(VoteRefused)
    def refused(_: Request, error: VoteRefused) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(sqlite3.Error)
    def not_kept(_: Request, error: sqlite3.Error) -> JSONResponse:
        return JSONResponse({"detail": f"The study cannot keep votes just now ({error})."}, 503)

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, __: RequestValidationError) -> JSONResponse:
        return JSONResponse({"detail": "This is not a vote."}, 422)

    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        response = _refusal(request, token, access) or await go_on(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _refusal(request: Request, token: str | None, access: str) -> Response | None:
    """Why a request is not let through, or nothing."""
    refused = _local_only(request) if token is None else _token_only(request, token, access)
    if refused is not None or request.method in ("GET", "HEAD"):
        return refused
    if not _from_our_page(request):
        return _told(403, "This did not come from the study's own page.")
    size = request.headers.get("content-length", "")
    return None if size.isdecimal() and int(size) <= MOST_BYTES else _told(413, "This is not a vote.")


def _local_only(request: Request) -> Response | None:
    """Only this machine reaches us; under another name comes a page elsewhere that had its name point here."""
    try:
        named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:  # no address
        named = ""
    return None if is_loopback(named) else _told(421, "This study is for this machine alone, by its own address.")


def _token_only(request: Request, token: str, access: str) -> Response | None:
    if _same(request.query_params.get("token", ""), token):
        welcome = RedirectResponse("/", 303)
        welcome.set_cookie(access, token, max_age=COOKIE_SECONDS, httponly=True, samesite="lax")
        return welcome
    if _same(request.cookies.get(access, ""), token):
        return None
    return PlainTextResponse("Open the study by the full address that you were given; it has ?token= in it.", 403)


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _from_our_page(request: Request) -> bool:
    """Browsers send Origin with every POST, and pages elsewhere cannot choose it."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    host = request.headers.get("host", "")
    return origin in (f"http://{host}", f"https://{host}") and site in (None, "same-origin")


def _told(status: int, sentence: str) -> Response:
    return JSONResponse({"detail": sentence}, status)
