"""Files that `torch.save` has written, read without running any code in them."""

from __future__ import annotations

import contextlib
import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import torch

from itrans.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path


def read_torch_file(path: Path, *, refusal: str, mapped: bool = False) -> Any:
    """Return what is in a file: tensors, on the CPU, and plain values.

    Args:
        path: the file, which is there.
        refusal: what is said after its name if it is another kind of file, or one that holds code.
        mapped: leave tensors on disk until they are used, where the file's format allows it; it is then held open.

    Raises:
        CheckpointError: it cannot be read, is truncated or damaged, or is refused.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4)
        is_zip = head == b"PK\x03\x04"  # the older format of torch.save is none, and cannot be mapped into memory
        if is_zip and (damaged := _damaged_part(path)):
            raise CheckpointError(f"{path} is damaged: the checksum of its part {damaged} is wrong.")
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped and is_zip)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} {refusal}") from error
    except (RuntimeError, EOFError, ValueError, OSError, LookupError, TypeError, AttributeError, struct.error) as error:
        tells = isinstance(error, RuntimeError | OSError) and str(error)
        reason = f" ({str(error).splitlines()[0]})" if tells else ""
        raise CheckpointError(
            f"{path} cannot be read: it is truncated or damaged, or no PyTorch file at all{reason}."
        ) from error


def _damaged_part(path: Path) -> str | None:
    """Return the first part of a zip file whose checksum is wrong; torch does not look at them."""
    with contextlib.suppress(zipfile.BadZipFile, NotImplementedError), zipfile.ZipFile(path) as archive:
        return archive.testzip()
    return None  # not whole, as torch will say
