"""Who may ask, and what a browser may do with the answers."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from itrans_serve.metrics import Metrics

GONE = 499
"""The status that a request is counted under whose client has gone; it is never sent."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Gate:
    """Refuses requests that other sites' pages send, counts all, and adds the headers of every answer.

    A page of another site may send requests to a server on the visitor's own machine. Its browser then says where they
    come from (`Origin`); and where the site's name was made to lead here (DNS rebinding), that name is the `Host`.

    Args:
        app: what answers.
        names: the names of this server, besides `localhost` and any address in numbers, which no site can have.
        paths: those that are counted by name.
        metrics: what counts.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], paths: Collection[str], metrics: Metrics) -> None:
        self._app, self._paths, self._metrics = app, frozenset(paths), metrics
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), GONE

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        try:
            if refusal := self._refusal(Headers(scope=scope)):
                await JSONResponse({"detail": refusal}, 403)(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except asyncio.CancelledError:  # by a server that is told to end while it computes
            if status == GONE:
                await JSONResponse({"detail": "The server is stopping."}, 503)(scope, receive, send_with_headers)
        except BaseException:
            status = 500 if status == GONE else status
            raise
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.count_request(path, status, time.perf_counter() - began)

    def _refusal(self, headers: Headers) -> str | None:
        """Return why a request is refused, or None."""
        host, origin = headers.get("host", ""), headers.get("origin")
        name = _name_of(f"//{host}")
        if name is None or not (name in self._names or _is_address(name)):
            return (
                f'"{name or host}" is not a name of this server. If it should be: itrans serve --allow-host '
                f"{name or 'NAME'}"
            )
        if origin is not None and _place_of(origin) != host.lower():
            return "Pages of other sites may not use this server."
        return None


def _name_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _place_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
