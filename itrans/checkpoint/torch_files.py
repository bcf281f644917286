"""Files that `torch.save` has written, read without running any code in them."""

from __future__ import annotations

import contextlib
import mmap
import pickle
import tomllib
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import torch

from itrans.checkpoint.checksums import is_whole
from itrans.checkpoint.safetensors_files import RECORD, SUFFIX
from itrans.errors import CheckpointError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = 30
"""Bytes of a part's header in a zip file before its name; the last four of them tell how long what follows is."""

_UNPACKED_FREELY = 2**30
_MOST_TIMES_LARGER = 20
"""Compression hardly makes weights smaller. A file that unpacks to over a GB and so many times its size has none."""

_ASKS_FOR_MEMORY = b"\nbytearray\n"
"""A call in a file's record that takes as much memory as it says; no file of weights has one."""

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
    (b"version https://git-lfs", "a pointer of Git LFS: git lfs pull fetches the file"),
    (b"%PDF", "a PDF file"),
)
_WEB_PAGES = (b"<!doctype", b"<html", b"<?xml")
_MOST_OF_A_TEXT = 1_000_000
_TAR = (257, b"ustar")


def read_torch_file(
    path: Path, *, refusal: str, wanted: str = "a PyTorch file", mapped: bool = False, values: bool = True
) -> Any:
    """Return what is in a file: tensors, on the CPU, and plain values. The tensors themselves are not checked.

    Args:
        path: the file, which is there.
        refusal: what is said after its name if it holds code, or is of another kind that cannot be told.
        wanted: what the file should be, to say what it is instead.
        mapped: leave tensors on disk until they are used, where the file lets them; it is then held open.
        values: without, tensors are on the device `meta`, and the file's checksums are not looked at.

    Raises:
        CheckpointError: it cannot be read, is truncated or damaged, or is refused.
    """
    try:
        return _read(path, mapped=mapped, values=values)
    except CheckpointError:
        raise
    except Exception as error:  # what is damaged can make torch raise anything
        if kind := _foreign_kind(path, error):
            raise CheckpointError(f"{path} is not {wanted}, but {kind}.") from error
        if isinstance(error, pickle.UnpicklingError):
            raise CheckpointError(f"{path} {refusal}") from error
        tells = isinstance(error, RuntimeError | OSError | NotImplementedError) and str(error)
        reason = f" ({printable(str(error).splitlines()[0][:200])})" if tells else ""
        raise CheckpointError(
            f"{path} cannot be read: it is truncated or damaged, or no PyTorch file at all{reason}."
        ) from error


def _read(path: Path, *, mapped: bool, values: bool) -> Any:
    with path.open("rb") as file:
        is_zip = file.read(4) == _ZIP  # the older format of torch.save is none, and cannot be mapped into memory
    parts = _checked_parts(path, checksums=values) if is_zip else {}
    if not is_zip and path.stat().st_size:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _refuse_hungry(path, content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a file of another program is like, nothing can be done about it
        device = "cpu" if values else "meta"
        if mapped and values and parts:
            record = torch.load(path, map_location=device, weights_only=True, mmap=True)
            if _lies_as_stored(record, parts):
                return record
        return torch.load(path, map_location=device, weights_only=True)


def _checked_parts(path: Path, *, checksums: bool) -> dict[int, int]:
    """Return where in a zip file the values of its tensors begin, and how many bytes each part has.

    Nothing is returned of a file with parts that are compressed: what is on disk is not what they hold.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        return {}  # not whole, as torch will say
    with archive:
        infos = archive.infolist()
        if len({info.filename for info in infos}) < len(infos):
            raise CheckpointError(f"{path} is damaged: it holds several parts of the same name.")
        unpacked, packed = sum(info.file_size for info in infos), path.stat().st_size
        if unpacked > max(_UNPACKED_FREELY, _MOST_TIMES_LARGER * packed):
            raise CheckpointError(
                f"{path} is not opened: its {packed / 1e6:.0f} MB would unpack to {unpacked / 1e9:.1f} GB, which "
                "weights never do."
            )
        ways = {info.compress_type for info in infos}
        if ways - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise CheckpointError(
                f"{path} is compressed in a way that PyTorch does not read. Unpack it, and pack it again as a zip "
                "file without compression."
            )
        if checksums and not is_whole(path) and (damaged := archive.testzip()):
            raise CheckpointError(f"{path} is damaged: the checksum of its part {printable(damaged)} is wrong.")
        for info in infos:
            if info.filename.endswith("/data.pkl"):
                _refuse_hungry(path, archive.read(info))
        if zipfile.ZIP_DEFLATED in ways:
            return {}
        with path.open("rb") as file:
            return {
                _start(file, info): info.file_size for info in infos if "/data/" in info.filename and info.file_size
            }


def _start(file: Any, info: zipfile.ZipInfo) -> int:
    """Return where a part's values begin: its own header may be longer than what the file's list says."""
    file.seek(info.header_offset + _LOCAL_HEADER - 4)
    name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return info.header_offset + _LOCAL_HEADER + int(name) + int(extra)


def _refuse_hungry(path: Path, record: bytes | mmap.mmap) -> None:
    """Refuse a record that has memory filled before there is anything to look at."""
    if record.find(_ASKS_FOR_MEMORY) >= 0:
        raise CheckpointError(f"{path} is not opened: it holds a bytearray, which no file of weights does.")


def _lies_as_stored(record: Any, parts: dict[int, int]) -> bool:
    """Whether the storages of mapped tensors are the parts of a file: torch does not look at how long these are."""
    found = {storage.data_ptr(): storage.nbytes() for storage in _storages(record) if storage.nbytes()}
    if len(found) != len(parts):
        return False
    if not found:
        return True
    shift = min(found) - min(parts)
    return found == {start + shift: size for start, size in parts.items()}


def _storages(record: Any) -> Iterator[torch.UntypedStorage]:
    """Yield the storages of all tensors in a record, each container being looked into once."""
    seen, waiting = set[int](), [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, torch.Tensor):
            if value.layout == torch.strided and value.device.type == "cpu" and not value.is_nested:
                yield value.untyped_storage()
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(dict.values(value) if isinstance(value, dict) else value)


def _foreign_kind(path: Path, error: Exception) -> str | None:
    """Return what a file is, to stand after "is not a checkpoint but"; None for what may be of PyTorch.

    `error` is what torch has raised on it.
    """
    from safetensors import SafetensorError

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
    if head[8:9] == b"{" and (length := int.from_bytes(head[:8], "little")) < path.stat().st_size:
        if isinstance(error, SafetensorError):  # by their suffix, torch reads those that are whole
            return "a safetensors file that is truncated or damaged"
        if _holds(path, f'"{RECORD}"'.encode(), length):
            return f"an exported one: its name has to end in {SUFFIX}"
        return (
            "a safetensors file: weights without their architecture. itrans import may make a checkpoint of them when "
            "they are a PyTorch file: torch.save(safetensors.torch.load_file(FILE), NEW.pth)"
        )
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if path.suffix.lower() == ".onnx":
        return "an ONNX file: weights with their graph, which cannot be imported"
    return _kind_of_text(path)


def _holds(path: Path, text: bytes, length: int) -> bool:
    """Whether a text is in the first so many bytes of a file, of which a million are looked at."""
    with path.open("rb") as file:
        return text in file.read(min(length, 1_000_000))


def _kind_of_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if "constants.pkl" in names:
        return "a TorchScript program: its state dict, saved alone, can be imported"
    return None if "data.pkl" in names else "a zip archive: unpack it first"


def _kind_of_text(path: Path) -> str | None:
    try:
        if path.stat().st_size > _MOST_OF_A_TEXT:
            return None
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        if not {"generator", "dataset", "extends", "train"}.isdisjoint(tomllib.loads(text)):
            return "a recipe: itrans run trains it"
    return "a text file" if all(character.isprintable() or character.isspace() for character in text) else None
