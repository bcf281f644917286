"""The routes of the server."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from itrans.api import CheckpointError, ItransError, PluginError, RoomError, __version__
from itrans_serve import metrics, queries
from itrans_serve.access import GONE, Gate
from itrans_serve.api_page import api_page
from itrans_serve.bodies import GoneError, LastAnswer, UnreadError
from itrans_serve.pictures import TooLargeError
from itrans_serve.served import chosen

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp

    from itrans_serve.desk import Desk

_MEDIA = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "required": True,
    "content": {
        "image/*": _BINARY,
        "application/octet-stream": _BINARY,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["picture"],
                "properties": {"picture": {"type": "array", "items": _BINARY["schema"]}},
            }
        },
    },
}
_PROBLEMS = {
    400: "The form cannot be read.",
    403: "The request comes from a page of another site.",
    404: "There is no such example.",
    408: "The body came too slowly.",
    413: "The body, or the picture, is too large.",
    415: "The body's type is not that of a picture.",
    422: "The query, or the picture, is wrong.",
    500: "The checkpoint fails.",
    503: "The server is busy; try again in a moment.",
}


def _answers(good: str | None, *codes: int) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {
        code: {"model": queries.Problem, "description": _PROBLEMS[code]} for code in (403, *codes)
    }
    if good is not None:
        types = ["image/png", "application/octet-stream", "application/zip"] if good == "pictures" else [good]
        found[200] = {"description": "What was asked for.", "content": dict.fromkeys(types, _BINARY)}
    return found


def create_app(desk: Desk, names: Collection[str] = ()) -> ASGIApp:
    """Return the server's application.

    Args:
        desk: what answers.
        names: the server's names besides `localhost` and addresses in numbers.
    """
    app = FastAPI(
        title="itrans serve",
        version=__version__,
        description="Translates pictures with trained checkpoints.",
        docs_url=None,
        redoc_url=None,
    )
    _add_errors(app)
    _add_pictures(app, desk)
    _add_records(app, desk)
    _add_page(app)
    paths = [*app.openapi()["paths"], "/", "/docs", "/openapi.json"]
    return Gate(app, names, paths, desk.metrics)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ItransError)
    async def refuse(_request: Request, error: ItransError) -> Response:
        too_large, ours = isinstance(error, TooLargeError | RoomError), isinstance(error, CheckpointError | PluginError)
        return JSONResponse({"detail": str(error)}, 413 if too_large else 500 if ours else 422)

    @app.exception_handler(UnreadError)
    async def refuse_unread(_request: Request, error: UnreadError) -> Response:
        return LastAnswer(error)

    @app.exception_handler(GoneError)
    async def forget(_request: Request, _error: GoneError) -> Response:
        return Response(status_code=GONE)

    @app.exception_handler(RequestValidationError)
    async def explain(request: Request, error: RequestValidationError) -> Response:
        parameters = app.openapi()["paths"].get(request.url.path, {}).get(request.method.lower(), {})
        known = [parameter["name"] for parameter in parameters.get("parameters", ())]
        return JSONResponse({"detail": queries.sentence_of(error.errors(), known)}, 422)


def _add_pictures(app: FastAPI, desk: Desk) -> None:
    errors = (400, 408, 413, 415, 422, 500, 503)

    @app.post(
        "/translate",
        response_class=Response,
        responses=_answers("pictures", *errors),
        openapi_extra={"requestBody": _BODY},
    )
    async def translate(request: Request, query: Annotated[queries.TranslationQuery, Query()]) -> Response:
        """Translate a picture: the body, or several as files of a form.

        A file of the form that has the name of one of the checkpoint's extras goes with the picture: one for all, or
        one for each.

        The answer is a PNG; of several outputs, a ZIP of 1.png, 2.png and so on, the samples of a picture together.
        """
        content, kind, note = await desk.translate(request, query)
        return Response(content, media_type=kind, headers=_noted(note))

    @app.post(
        "/preview",
        response_class=Response,
        responses=_answers("image/png", *errors),
        openapi_extra={"requestBody": _BODY},
    )
    async def preview(request: Request, query: Annotated[queries.SourceQuery, Query()]) -> Response:
        """Show a picture as it would be translated: read, converted, prepared, classes in colours."""
        content, note = await desk.preview(request, query)
        return Response(content, media_type="image/png", headers=_noted(note))

    @app.get("/examples", responses=_answers(None, 422))
    async def examples(query: Annotated[queries.Query, Query()]) -> queries.ExampleCount:
        """Tell how many examples of a checkpoint there are: held-out pictures of its data set, if that is here."""
        served = chosen(desk.served, query.checkpoint)
        found = await desk.by_hand(desk.examples.of, served, served.check_direction(query.direction))
        return queries.ExampleCount(count=len(found))

    @app.get("/example", response_class=Response, responses=_answers("pictures", 404, 422))
    async def example(query: Annotated[queries.ExampleQuery, Query()]) -> Response:
        """Return an example, a source."""
        served = chosen(desk.served, query.checkpoint)
        direction = served.check_direction(query.direction)
        content, kind = await desk.example(served, direction, query.number, query.view, query.format)
        return Response(content, media_type=kind)


def _add_records(app: FastAPI, desk: Desk) -> None:
    descriptions = [served.description() for served in desk.served.values()]

    @app.get("/checkpoints", responses=_answers(None))
    async def checkpoints() -> list[dict[str, Any]]:
        """Describe the checkpoints: their sizes, directions, channels, classes, options and extras."""
        return descriptions

    @app.get("/health", responses=_answers(None))
    async def health() -> queries.Health:
        """Tell that the server is up."""
        return queries.Health(status="ok", checkpoints=list(desk.served))

    @app.get("/metrics", response_class=PlainTextResponse, responses=_answers(None))
    async def counts() -> Response:
        """Return counts and times as Prometheus reads them."""
        return Response(desk.metrics.text(), media_type=metrics.CONTENT_TYPE)


def _add_page(app: FastAPI) -> None:
    """Add the page: files of the package, read once, so that no path from a client leads to a file."""
    kept = {
        entry.name: (entry.read_bytes(), _MEDIA[f".{entry.name.rpartition('.')[2]}"])
        for entry in files("itrans_serve").joinpath("page").iterdir()
        if entry.is_file()
    }

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return Response(kept["index.html"][0], media_type="text/html")

    @app.get("/page/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in kept:
            return JSONResponse({"detail": "Not Found"}, 404)
        return Response(kept[name][0], media_type=kept[name][1])

    text = api_page(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(text)


def _noted(note: str | None) -> dict[str, str]:
    return {} if note is None else {"Itrans-Note": note.encode("ascii", "replace").decode()}
