"""Checkpoints for translating as safetensors: weights in a file for each network, and in its header what they are of.

`itrans export --to safetensors` writes them. A file that has only weights, of another program, is no checkpoint. What
files are called does not matter: each says which network it holds, and all of one checkpoint have the same record.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from itrans.errors import CheckpointError, error_text, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

SUFFIX = ".safetensors"

RECORD = "itrans.checkpoint"
"""The name in the header of all of a checkpoint but its weights, as JSON; see `CheckpointFile`."""

NETWORK = "itrans.network"
"""The name in the header of the name of the network that the file holds."""

NETWORKS = "networks"
"""In the record, the names of all networks; their files are in one folder."""


def read_safetensors(path: Path, *, values: bool = True) -> dict[str, Any] | None:
    """Return the record of a checkpoint with the weights of its networks; None of any other file.

    Args:
        path: the file of any of its networks.
        values: without, no weights are read.

    Raises:
        CheckpointError: the file, or that of another network, cannot be read, or is not there.
    """
    if path.suffix.lower() != SUFFIX:
        return None
    header, state = _read(path, values=values)
    if RECORD not in header:
        return None
    record, names = _record(header[RECORD], path)
    found = {header.get(NETWORK, "") if len(names) > 1 else names[0]: state}
    for other, texts in _headers(path.parent) if values and len(names) > 1 else ():
        if other != path and texts.get(RECORD) == header[RECORD] and texts.get(NETWORK, "") not in found:
            found[texts.get(NETWORK, "")] = _read(other, values=True)[1]
    missing = [name for name in names if name not in found]
    if values and missing:
        raise CheckpointError(
            f"{path} is one of {len(names)} networks, and the file of {printable(missing[0])} is not beside it: put "
            "all that itrans export has written into one folder."
        )
    record[NETWORKS] = {name: found[name] for name in names} if values else {}
    return record


def exported_in(folder: Path) -> Path | None:
    """Return the first file in a folder that is of a checkpoint, or None."""
    return next((path for path, texts in _headers(folder) if RECORD in texts), None)


def _record(text: str, path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what a record says, and the names of the networks."""
    try:
        record = json.loads(text)
        names = record.get(NETWORKS) if isinstance(record, dict) else None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged, or was altered: its record is not JSON.") from error
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"{path} is damaged, or was altered: its record has no list of networks.")
    return record, names


def _headers(folder: Path) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Yield the files of a folder that can be read, with the texts of their headers; of others it says nothing."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with contextlib.suppress(CheckpointError):
            yield path, _read(path, values=False)[0]


def _read(path: Path, *, values: bool) -> tuple[Mapping[str, str], dict[str, Tensor]]:
    """Return the texts of a file's header and, if asked for, its tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            keys = file.keys() if values else ()
            return file.metadata() or {}, {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, OSError, ValueError) as error:
        reason = printable(str(error).splitlines()[0][:200]) if str(error) else error_text(error)
        raise CheckpointError(f"{path} cannot be read: it is truncated or damaged ({reason}).") from error
