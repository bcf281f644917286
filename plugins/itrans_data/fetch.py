"""Fetching a published data set: download, going on where it stopped; check; unpack. Whole or not at all."""

from __future__ import annotations

import http.client
import json
import re
import socket
import tarfile
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import DataError, ItransError, __version__
from itrans.commands import folder_made, writing
from itrans_data import archives
from itrans_data.archives import Progress, size_text
from itrans_data.unpacking import BadArchiveError, unpack

if TYPE_CHECKING:
    import os

_TIMEOUT = 30.0
_CHUNK = 1 << 18
_PAUSES = (1.0, 2.0, 4.0, 8.0)
# A download that has grown by this much since the last failure is getting there, and gets all its retries back.
_HEADWAY = 1 << 20
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


def fetch(
    name: str,
    folder: str | os.PathLike[str],
    *,
    url: str | None = None,
    progress: Progress | None = None,
    keep: bool = False,
) -> Path:
    """Download one of the `archives.ARCHIVES` and unpack it as `folder`/`name`; an existing data set is left alone.

    An interrupted download stays beside it as `name.tar.gz.part`, and the next call goes on from there. The URL is the
    folder of a mirror; see `archives.address`. With `keep`, the archive stays beside the data set.

    Returns:
        The folder of the data set.

    Raises:
        DataError: there is no such archive, it cannot be downloaded, or it is truncated, corrupt or unsafe.
        OutputError: there is not enough room, or the folder cannot be written to.
    """
    progress = progress or Progress()
    archives.find(name)
    address = archives.address(name, url)
    asked = Path(folder) / name
    # A link to a roomier disk is followed, so that the last step is a rename within that disk.
    destination = asked.resolve() if asked.is_symlink() else asked
    if not hasattr(tarfile, "data_filter"):
        raise ItransError("Unpacking an archive safely needs Python 3.11.4 or later.")
    with folder_made(destination.parent):
        return _fetch_to(name, address, destination, asked, progress, keep=keep)


def _fetch_to(name: str, address: str, destination: Path, asked: Path, progress: Progress, *, keep: bool) -> Path:
    if archives.is_there(destination, asked, progress):
        return asked
    download = Download(address, destination.with_name(f"{name}.tar.gz.part"), asked, progress)
    try:
        download.run()
        with writing(destination):
            size = download.part.stat().st_size
            counts = unpack(download.part, name, destination, lambda n: progress.advance("unpacking", n, size))
    except KeyboardInterrupt:
        if kept := download.what_is_kept():
            progress.say(kept)
        raise
    except BadArchiveError as error:
        # Going on from a bad archive would end in the same error for ever.
        download.forget()
        raise download.failure(str(error), "The archive is removed.") from error
    if keep:
        with writing(download.part):
            download.part.replace(download.part.with_suffix(""))
    download.forget()
    progress.say(f"{asked} is complete: {', '.join(f'{count} {split}' for split, count in counts.items())} pictures.")
    return asked


class _DroppedError(Exception):
    """The connection broke while the file was coming; the text is the reason."""


@dataclass(frozen=True)
class _Version:
    """Which version of which file a partial download is the beginning of; kept beside it as JSON."""

    url: str
    size: int | None
    etag: str | None
    modified: str | None

    @property
    def validator(self) -> str | None:
        """What `If-Range` takes. A weak ETag promises too little to put two halves together."""
        return self.modified if self.etag is None or self.etag.startswith("W/") else self.etag

    def is_sound(self) -> bool:
        """Whether this is what an answer can have said, and not what something else has written into the side file."""
        texts = (self.url, self.etag, self.modified)
        return (self.size is None or (type(self.size) is int and self.size >= 0)) and all(
            text is None or (isinstance(text, str) and text.isascii() and text.isprintable()) for text in texts
        )

    def may_be(self, other: _Version) -> bool:
        """Whether nothing that both know of themselves differs."""
        pairs = ((self.size, other.size), (self.etag, other.etag), (self.modified, other.modified))
        return all(mine is None or its is None or mine == its for mine, its in pairs)


class Download:
    """The download of one URL into `part`, over as many connections and calls as it takes.

    `contents` is what the data set's folder would have if it were filled by hand.
    """

    def __init__(
        self, url: str, part: Path, asked: Path, progress: Progress, contents: str = "the folders train/ and val/"
    ) -> None:
        self.part, self._contents = part, contents
        self._url = url
        self._asked = asked
        self._progress = progress
        self._sidecar = part.with_name(f"{part.name}.json")
        self._answered = False
        self._complete = False

    def run(self) -> None:
        """Download what is missing; raises what `fetch` raises."""
        begun = self._begun()
        if begun and begun.size == self._have():
            self._progress.say(f"{self.part} is complete already.")
            archives.require_room(self.part, 0, begun.size)
            return
        self._request_until_complete()

    def forget(self) -> None:
        """Remove what has been downloaded."""
        with writing(self.part):
            self.part.unlink(missing_ok=True)
            self._sidecar.unlink(missing_ok=True)

    def what_is_kept(self) -> str:
        """Return what the next call will go on from, as a sentence; empty if there is nothing."""
        if not self._begun():
            return ""
        return f"{size_text(self._have())} are kept in {self.part}; the same command continues from there."

    def _request_until_complete(self) -> None:
        failures, furthest = 0, 0
        while not self._complete:
            reason = ""
            try:
                self._request()
            except _DroppedError as error:
                reason = str(error)
            failures = 1 if self._have() >= furthest + _HEADWAY else failures + 1
            furthest = max(furthest, self._have())
            if failures > len(_PAUSES) and not self._complete:
                raise self.failure(f"{reason or 'the server changes its answer'} (after {failures} attempts)")
            if reason:
                pause = _PAUSES[failures - 1]
                self._progress.say(f"{reason[0].upper()}{reason[1:]}. Trying again in {pause:g} s.")
                time.sleep(pause)

    def _request(self) -> None:
        """Ask for what is missing and store what comes, or forget what is stored if it is of no use any more."""
        begun = self._begun()
        start = self._have() if begun else 0
        headers = {"User-Agent": f"itrans/{__version__}"}
        if begun and begun.validator:
            headers |= {"Range": f"bytes={start}-", "If-Range": begun.validator}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(self._url, headers=headers), timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _PASSING:
                raise _DroppedError(_reason(error)) from error
            if begun is None or error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise self.failure(_reason(error)) from error
            # Nothing follows what we have: that was all, or the file has become shorter.
            self._complete = error.headers.get("Content-Range") == f"bytes */{start}"
            if not self._complete:
                self.forget()
        except (OSError, http.client.HTTPException, ValueError) as error:
            # A host that was never reached will not be in a few seconds, but one that was may have a moment's trouble.
            if isinstance(error, ConnectionResetError) or (self._answered and isinstance(error, OSError)):
                raise _DroppedError(_reason(error)) from error
            raise self.failure(_reason(error)) from error
        else:
            self._answered = True
            with answer:
                self._receive(answer, begun, start)

    def _receive(self, answer: http.client.HTTPResponse, begun: _Version | None, start: int) -> None:
        partial = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        span = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18})", answer.headers.get("Content-Range", ""))
        total = int(span[2]) if partial and span else answer.length
        offered = _Version(self._url, total, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        if start and not partial:
            self._progress.say(f"{self._url} has changed or cannot be resumed: starting again.")
            start = 0
        # Not every server heeds If-Range.
        if partial and not (begun and span and int(span[1]) == start and begun.may_be(offered)):
            self._progress.say(f"{self._url} has changed: starting again.")
            self.forget()
            return
        known = "of unknown size" if total is None else size_text(total)
        self._progress.say(f"{self._url}: {known}" + (f", {size_text(start)} of it are here already" if start else ""))
        if total is not None:
            archives.require_room(self.part, total - start, total)
        with writing(self.part):
            if not start:
                # In this order: an old beginning never stands beside the new version.
                self.part.write_bytes(b"")
                self._sidecar.write_text(json.dumps(asdict(offered)), "utf-8")
            self._store(answer, start, None if answer.length is None else start + answer.length, total)

    def _store(self, answer: http.client.HTTPResponse, done: int, end: int | None, total: int | None) -> None:
        self._progress.advance("downloading", done, total)
        # Unbuffered, so that what has come is in the file whatever ends this.
        with self.part.open("ab", buffering=0) as file:
            while end is None or done < end:
                try:
                    chunk = memoryview(answer.read1(_CHUNK if end is None else min(_CHUNK, end - done)))
                except (OSError, http.client.HTTPException) as error:
                    raise _DroppedError(_reason(error)) from error
                if not chunk:
                    break
                done += len(chunk)
                while chunk:
                    chunk = chunk[file.write(chunk) :]
                self._progress.advance("downloading", done, total)
        if end is not None and done < end:
            raise _DroppedError(f"the connection ended after {size_text(done)} of {size_text(end)}")
        self._complete = total is None or done == total

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _begun(self) -> _Version | None:
        """Return the version of the partial file, if there is one and the server can be asked for the rest of it."""
        try:
            begun = _Version(**json.loads(self._sidecar.read_text("utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        if not begun.is_sound():
            return None
        have = self._have()
        return begun if begun.url == self._url and begun.validator and 0 < have <= (begun.size or have) else None

    def failure(self, reason: str, kept: str | None = None) -> DataError:
        """Return the error that says why the data set cannot be fetched, and what is kept."""
        kept = self.what_is_kept() if kept is None else kept
        return DataError(
            f"{self._asked.name} cannot be fetched from {self._url}: {reason}.\n{kept}{kept and ' '}Try the same "
            f"command again later, give a mirror by --url or ${archives.MIRROR_VARIABLE}, or put the data there by "
            f"hand: {self._asked} with {self._contents}."
        )


def _reason(error: object) -> str:
    """Return in a few words why a request failed, to stand after a colon."""
    match error:
        case urllib.error.HTTPError():
            return f"the server answers {error.code} {http.client.responses.get(error.code, '')}".rstrip()
        case urllib.error.URLError():
            return _reason(error.reason)
        case _DroppedError() | str():
            return str(error)
        case socket.gaierror():
            return f"the host cannot be found ({error.strerror})"
        case TimeoutError():
            return f"the server has not answered for {_TIMEOUT:g} s"
        case ConnectionRefusedError():
            return "the host refuses the connection"
        case OSError():
            return f"the connection dropped ({error.strerror or error})"
        case _:
            return f"the address or the answer is not valid HTTP ({error!r})"
