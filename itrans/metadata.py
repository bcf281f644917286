"""The metadata of installed packages, which anybody has written: read with care, and named where it stops others."""

from __future__ import annotations

import stat
import traceback
from pathlib import Path

from itrans.errors import PluginError, printable

_MOST_BYTES = 1_000_000
_MOST_CHARACTERS = 500


def contents(file: Path) -> bytes:
    """Return what is in a small file.

    Raises:
        OSError: it cannot be read, is larger than a megabyte, or is no file but, say, a pipe that never ends.
    """
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is not a file")
    if status.st_size > _MOST_BYTES:
        raise OSError(f"it is larger than {_MOST_BYTES // 1_000_000} MB")
    return file.read_bytes()


def metadata_fault(error: BaseException) -> str | None:
    """Return what is wrong if an error was raised by the metadata of a package, which libraries read on import.

    PyTorch and pydantic look through the entry points of all packages: one that cannot be read stops them all.
    """
    for frame, _ in reversed([*traceback.walk_tb(error.__traceback__)]):
        place = getattr(frame.f_locals.get("self"), "_path", None)
        if frame.f_globals.get("__name__", "").startswith("importlib.metadata") and isinstance(place, Path):
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_CHARACTERS]
            name = frame.f_locals.get("filename")
            place = place / name if isinstance(name, str) else place
            return (
                f"{note_on(place, 'this metadata of a package cannot be read')} ({printable(reason)}). "
                "PyTorch and other libraries read that of every package, and cannot be imported until it is mended. "
                "Reinstall the package, or remove it."
            )
    return None


def refuse_unreadable_metadata() -> None:
    """Raise `PluginError` if there is metadata that stops libraries from being imported; see `metadata_fault`."""
    import importlib.metadata

    try:
        for distribution in importlib.metadata.distributions():
            _ = distribution.entry_points
    except Exception as error:
        if fault := metadata_fault(error):
            raise PluginError(f"Nothing can be checked. {fault}") from error
        raise


def note_on(place: Path, reason: str) -> str:
    """Return a sentence about a file or folder, as a terminal can show it."""
    return printable(f"{place}: {reason}")
