"""Files that `torch.save` has written, read without running any code in them."""

from __future__ import annotations

import mmap
import pickle
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import torch

from itrans.checkpoint.foreign_files import foreign_kind
from itrans.errors import CheckpointError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = 30
"""Bytes of a part's header in a zip file before its name; the last four of them tell how long what follows is."""

_UNPACKED_FREELY = 2**30
_MOST_TIMES_LARGER = 20
"""Weights hardly get smaller by compression: what unpacks to more than a GB and so many times its size are none."""

_ASKS_FOR_MEMORY = b"\nbytearray\n"
"""In the record of a file: a call that takes as much memory as it says. No file of weights has one."""


def read_torch_file(
    path: Path, *, refusal: str, wanted: str = "a PyTorch file", mapped: bool = False, values: bool = True
) -> Any:
    """Return what is in a file: tensors, on the CPU, and plain values. What the tensors are like is not looked at.

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
        if kind := foreign_kind(path):
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
            raise CheckpointError(f"{path} is damaged: it holds several parts of one name.")
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
        if checksums and (damaged := archive.testzip()):
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
