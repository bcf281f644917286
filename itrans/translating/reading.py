"""Pictures that are read while those before them are translated."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from itrans.errors import ItransError
from itrans.pictures.metadata import metadata_of
from itrans.translating.preparation import Loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

    from itrans.translating.jobs import Job

READERS = 2
HELD = 1 << 28
"""Bytes of pictures that have been read, or wait to be written: about so many, however large they are."""


def read_ahead(
    readers: ThreadPoolExecutor, jobs: Sequence[Job], read: Callable[[Path], Loaded], most: int
) -> Iterator[tuple[Job, Loaded | ItransError]]:
    """Yield pictures in order while the next ones are being read: few ahead if they are large, many if small."""
    reading: deque[tuple[Job, Future[Loaded | ItransError]]] = deque()
    ahead = READERS
    for job in jobs:
        reading.append((job, readers.submit(_read, read, job.source)))
        while len(reading) > ahead:
            first, reads = reading.popleft()
            found = reads.result()
            if isinstance(found, Loaded):
                ahead = max(1, min(most, HELD // found.image.nbytes))
            yield first, found
    for job, reads in reading:
        yield job, reads.result()


def _read(read: Callable[[Path], Loaded], path: Path) -> Loaded | ItransError:
    try:
        return read(path)._replace(metadata=metadata_of(path))
    except ItransError as error:
        return error
