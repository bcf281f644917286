"""Reading what a client sends, within limits of bytes and of time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

_SLOWEST = 16_384
"""Bytes a second that a body has to bring, on the whole, once its time is up."""

_FORM = "multipart/form-data"
_BINARY = "application/octet-stream"
_LINGER = 5.0
"""For how many seconds at most what a refused client still sends is read and forgotten."""


class GoneError(Exception):
    """The client has gone."""


class UnreadError(HTTPException):
    """A request is refused before its body's end. Its answer is a `LastAnswer`."""


class LastAnswer(JSONResponse):
    """An answer before the body's end, after which the connection is closed.

    A connection that is closed while bytes of the client are unread is reset, and a reset may take the answer from a
    client that has not read it yet. So what still comes is read, and forgotten, until the client has the answer and
    goes, or a few seconds are over.
    """

    def __init__(self, error: UnreadError) -> None:
        super().__init__({"detail": error.detail}, error.status_code, {"Connection": "close"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        try:
            async with asyncio.timeout(_LINGER):
                while (await receive()).get("more_body", False):
                    pass
        except TimeoutError:
            pass
        finally:  # also where the server ends meanwhile, which would complain of half an answer
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class Bodies(NamedTuple):
    """What a request sends.

    Attributes:
        pictures: those that are translated.
        companions: those that go with them, by the names of the extras that they are.
    """

    pictures: list[bytes]
    companions: dict[str, list[bytes]]


async def pictures_of(
    request: Request, *, most_bytes: int, most: int, seconds: float, extras: Collection[str] = ()
) -> Bodies:
    """Return the pictures that a request sends: its body, or the files of a form.

    Args:
        request: of which nothing has been read.
        extras: the names of files that are no pictures to translate, and go with these.
        most_bytes: how many the body may have.
        most: how many pictures.
        seconds: that the body may take, and more only as long as it brings 16 kB a second.

    Raises:
        UnreadError: the body is too long, too slow or of another type.
        HTTPException: it is no form of pictures.
        GoneError: the client went before the end.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type and content_type not in {_FORM, _BINARY} and not content_type.startswith("image/"):
        raise UnreadError(
            415,
            f"The body's type is {content_type[:100]}. Send a picture, with Content-Type: image/png (or another "
            f"image type, or {_BINARY}), or several as files of {_FORM}.",
        )
    body = await _body_of(request, most_bytes, seconds)
    return await _files_of(request, body, most, extras) if content_type == _FORM else Bodies([body], {})


async def _body_of(request: Request, most: int, seconds: float) -> bytes:
    too_long = UnreadError(
        413, f"The body has more than {most:,} bytes. Send less, or start the server with a larger --max-bytes."
    )
    said = request.headers.get("content-length", "0")
    if said.isdecimal() and int(said[:20]) > most:
        raise too_long
    body, began = bytearray(), asyncio.get_running_loop().time()
    while True:
        try:
            async with asyncio.timeout_at(began + seconds + len(body) / _SLOWEST):
                message = await request.receive()
        except TimeoutError:
            raise UnreadError(408, f"The body came too slowly: {len(body):,} bytes so far.") from None
        if message["type"] == "http.disconnect":
            raise GoneError
        body += message.get("body", b"")
        if len(body) > most:
            raise too_long
        if not message.get("more_body", False):
            return bytes(body)


async def _files_of(request: Request, body: bytes, most: int, extras: Collection[str]) -> Bodies:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(
            request.headers, stream(), max_files=most * (1 + len(extras)), max_fields=0
        ).parse()
    except MultiPartException as error:
        what = f"The form cannot be used: {error.message} Send pictures as files, {most} of them at most."
        raise HTTPException(400, what) from error
    except (KeyError, ValueError) as error:  # no boundary, or one that is no text
        raise HTTPException(400, "The form cannot be read: its Content-Type has no boundary.") from error
    try:
        found = Bodies([], {})
        for name, file in form.multi_items():
            if not isinstance(file, str):
                place = found.companions.setdefault(name, []) if name in extras else found.pictures
                place.append(await file.read())
        if not found.pictures:
            raise HTTPException(400, "The form has no file to translate. Send at least one picture.")
        return found
    finally:
        await form.close()
