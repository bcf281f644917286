"""What a file is that should be a checkpoint or weights and is not, told from its first bytes."""

from __future__ import annotations

import contextlib
import tomllib
import zipfile
from pathlib import Path

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"RIFF", "a picture or a recording"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"\x89HDF", "an HDF5 file, such as Keras writes"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"GGUF", "a GGUF file"),
    (b"version https://git-lfs", "what Git LFS has left in its place: git lfs pull fetches it"),
    (b"%PDF", "a PDF file"),
)
_WEB_PAGES = (b"<!doctype", b"<html", b"<?xml")
_MOST_BYTES = 1_000_000
_TAR = (257, b"ustar")


def foreign_kind(path: Path) -> str | None:
    """Return what a file is, to stand after "is not a checkpoint but"; None for what may be of PyTorch."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return None
    if not head:
        return "an empty file"
    for beginning, what in _BEGINNINGS:
        if head.startswith(beginning):
            return what
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "a tar archive: unpack it first"
    if head.lstrip().lower().startswith(_WEB_PAGES):
        return "a web page: download the file itself"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return (
            "a safetensors file: weights without the architecture that they are of. As a PyTorch file, "
            "torch.save(safetensors.torch.load_file(FILE), NEW.pth), itrans import may make a checkpoint of them"
        )
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if path.suffix.lower() == ".onnx":
        return "an ONNX file: weights with their graph, which cannot be imported"
    return _kind_of_text(path)


def _kind_of_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if "constants.pkl" in names:
        return "a program of TorchScript: what can be imported is its state dict, saved by itself"
    return None if "data.pkl" in names else "a zip archive: unpack it first"


def _kind_of_text(path: Path) -> str | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        if not {"generator", "dataset", "extends", "train"}.isdisjoint(tomllib.loads(text)):
            return "a recipe: itrans run trains it"
    return "a text file" if all(character.isprintable() or character.isspace() for character in text) else None
