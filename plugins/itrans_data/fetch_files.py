"""Fetching a data set that is published as several files: each is downloaded and checked, and all appear at once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.commands import folder_made, writing
from itrans_data import archives
from itrans_data.archives import Progress
from itrans_data.fetch import Download
from itrans_datasets.published import FILE_SETS, FileSet

if TYPE_CHECKING:
    import os


def fetch_files(
    name: str, folder: str | os.PathLike[str], *, url: str | None = None, progress: Progress | None = None
) -> Path:
    """Download one of the `FILE_SETS` as `folder`/`name`; an existing data set is left alone.

    Until all files are there, they are in the folder `.name.fetching` beside it, and the next call goes on from them.
    A mirror's folder, `url`, has the files in its folder `name`.

    Returns:
        The folder of the data set.

    Raises:
        DataError: a file cannot be downloaded, or is not the one that was published.
        OutputError: there is not enough room, or the folder cannot be written to.
    """
    progress = progress or Progress()
    files = FILE_SETS[name]
    mirror = archives.mirror(url)
    base = f"{mirror}/{name}" if mirror else files.url
    asked = Path(folder) / name
    destination = asked.resolve() if asked.is_symlink() else asked
    with folder_made(destination.parent):
        if archives.is_there(destination, asked, progress):
            return asked
        scratch = destination.with_name(f".{name}.fetching")
        with folder_made(scratch):
            for file in files.files:
                _fetch_file(files, file, base, scratch, asked, progress)
        with writing(destination):
            if destination.exists():
                destination.rmdir()  # on Windows a rename does not replace even an empty folder
            scratch.replace(destination)
    progress.say(f"{asked} is complete: {len(files.files)} files, as published.")
    return asked


def _fetch_file(files: FileSet, file: str, base: str, folder: Path, asked: Path, progress: Progress) -> None:
    """Download a file into a folder, unless it is there; raise DataError if it is not the one that was published."""
    if (folder / file).is_file() and _checksum(folder / file) == files.files[file]:
        return
    contents = f"the files {', '.join(files.files)}"
    download = Download(f"{base}/{file}", folder / f"{file}.part", asked, progress, contents)
    try:
        download.run()
    except KeyboardInterrupt:
        if kept := download.what_is_kept():
            progress.say(kept)
        raise
    found = _checksum(download.part)
    if found != files.files[file]:
        download.forget()
        raise download.failure(
            f"its MD5 checksum is {found}, and that of the published file is {files.files[file]}",
            "The file is removed.",
        )
    with writing(folder / file):
        download.part.replace(folder / file)
    download.forget()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
