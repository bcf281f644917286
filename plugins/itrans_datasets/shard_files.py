"""Reading pieces of many files, of which few are open at a time."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import IO, TYPE_CHECKING

from itrans.api import DataError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_OPEN = 32


class ShardFiles:
    """Opens files as pieces of them are wanted, and keeps those that were wanted last open.

    Each process has its own: one that was forked, or got this by pickle, opens them again, as two that share an open
    file would move one another's place in it.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, IO[bytes]] = OrderedDict()

    def __reduce__(self) -> tuple[type[ShardFiles], tuple[()]]:
        return ShardFiles, ()

    def read(self, path: Path, start: int, count: int) -> bytes:
        """Return so many bytes of a file, from a place on.

        Raises:
            DataError: it is not there, cannot be read, or is shorter.
        """
        if self._process != os.getpid():
            self.close()
            self._process, self._lock = os.getpid(), threading.Lock()
        try:
            with self._lock:
                file = self._file(path)
                file.seek(start)
                content = file.read(count)
        except (OSError, ValueError) as error:
            raise DataError(f"The shard {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
        if len(content) < count:
            raise DataError(f"The shard {path} is truncated: it ends before byte {start + count}.")
        return content

    def close(self) -> None:
        """Close all files; they are opened again when they are wanted."""
        while self._open:
            self._open.popitem()[1].close()

    def __del__(self) -> None:
        self.close()

    def _file(self, path: Path) -> IO[bytes]:
        if path in self._open:
            self._open.move_to_end(path)
        else:
            self._open[path] = path.open("rb")
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].close()
        return self._open[path]
