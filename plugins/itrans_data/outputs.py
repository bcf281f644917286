"""Where `itrans data prepare` writes to: folders, or shards; whole, or not at all."""

from __future__ import annotations

import contextlib
import io
import shutil
import tarfile
from collections import Counter
from typing import IO, TYPE_CHECKING, Protocol

from itrans.api import DataError, OutputError
from itrans.commands import folder_made, writing
from itrans_datasets.shard_index import write_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from itrans_data.steps import Piece

_SIDES = ("source", "target")


class Output(Protocol):
    """Takes pieces, in the order of splits and names."""

    counts: Counter[str]

    def add(self, piece: Piece) -> None:
        """Write a piece."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish what is begun; after an error, only let go of it."""


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to write to, which takes its name when the block ends, and vanishes if the block fails.

    Raises:
        OutputError: there is something at that name already, or it cannot be written.
    """
    if folder.is_symlink() or not folder.name:
        folder = folder.resolve()  # so that the last step is a rename within that disk
    with writing(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} already exists, and is left as it is: give another folder with -o.")
    # One fixed name, so that what a killed process has left is removed by the next one.
    scratch = folder.with_name(f".{folder.name}.preparing")
    with folder_made(folder.parent):
        try:
            with writing(folder):
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                yield scratch
                if folder.exists():
                    folder.rmdir()  # on Windows a rename does not replace even an empty folder
                scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


class Folders:
    """Writes each picture into the folder of its split and side: `train/source/NAME.png`.

    Attributes:
        counts: how many pieces there are of each split.
    """

    def __init__(self, folder: Path, format_: str | None) -> None:
        self._folder, self._format = folder, format_
        self._written: set[str] = set()
        self.counts: Counter[str] = Counter()

    def add(self, piece: Piece) -> None:
        """Write the pictures of a piece.

        Raises:
            DataError: another one had the same name.
            OSError: they cannot be written.
        """
        split = piece.split or ""
        if (name := f"{split}/{piece.name}") in self._written:
            raise DataError(f"{piece.name}: two pictures would get this name.")
        contents = [picture.encoded(self._format) for picture in piece.pictures]
        for side, (suffix, content) in enumerate(contents):
            place = self._folder / split / (_SIDES[side] if len(contents) > 1 else "") / f"{piece.name}{suffix}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        self._written.add(name)
        self.counts[split] += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: all is written."""


class Shards:
    """Writes pairs into tar files, so many in each, and an index beside each of them.

    The same pairs give the same bytes, whenever and wherever they are written.

    Attributes:
        counts: how many pairs there are of each split.
    """

    def __init__(self, folder: Path, format_: str | None, size: int) -> None:
        self._folder, self._format, self._size = folder, format_, size
        self._file: IO[bytes] | None = None
        self._tar: tarfile.TarFile | None = None
        self._path = folder
        self._keys: set[str] = set()
        self.counts: Counter[str] = Counter()

    def add(self, piece: Piece) -> None:
        """Write a pair, into the next shard if one is full.

        Raises:
            DataError: another one had the same key.
            OSError: it cannot be written.
        """
        split = piece.split or "train"
        key = piece.name.replace(".", "_")  # a dot would end it
        if f"{split}/{key}" in self._keys:
            raise DataError(f"{piece.name}: two pairs would get the key {key}, as a key has no dots.")
        contents = [picture.encoded(self._format) for picture in piece.pictures]
        if self._tar is None or not self.counts[split] % self._size:
            self._begin(f"{split}-{self.counts[split] // self._size:06d}.tar")
        for side, (suffix, content) in zip(_SIDES, contents, strict=True):
            member = tarfile.TarInfo(f"{key}.{side}{suffix}")
            member.size = len(content)
            if self._tar is not None:
                self._tar.addfile(member, io.BytesIO(content))
        self._keys.add(f"{split}/{key}")
        self.counts[split] += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the last shard; after an error, only close it."""
        if kind is None:
            self._finish()
        elif self._file is not None:
            self._file.close()

    def _begin(self, name: str) -> None:
        self._finish()
        self._path = self._folder / name
        self._file = self._path.open("wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", errors="surrogateescape")  # noqa: SIM115  # see `_finish`

    def _finish(self) -> None:
        """Write the end of a shard, and its index."""
        if self._tar is not None and self._file is not None:
            self._tar.close()
            self._file.close()
            write_index(self._path)
