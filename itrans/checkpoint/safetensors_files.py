"""Checkpoints for translating as safetensors: weights in a file for each network, and in its header what they are of.

`itrans export --to safetensors` writes them. A file that has only weights, of another program, is no checkpoint.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.errors import CheckpointError, error_text, printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

SUFFIX = ".safetensors"

RECORD = "itrans.checkpoint"
"""The name in the header of all of a checkpoint but its weights, as JSON; see `CheckpointFile`."""

NETWORKS = "networks"
"""In that record, the names of all networks: each is a file NAME.safetensors in the same folder."""


def read_safetensors(path: Path, *, values: bool = True) -> dict[str, Any] | None:
    """Return the record of a checkpoint with the weights of its networks; None of any other file.

    Args:
        path: the file of any of its networks.
        values: without, no weights are read.

    Raises:
        CheckpointError: the file, or that of another network, cannot be read.
    """
    if path.suffix != SUFFIX:
        return None
    header, state = _read(path, values=values)
    if RECORD not in header:
        return None
    try:
        record = json.loads(header[RECORD])
        names = record[NETWORKS]
        if not all(isinstance(name, str) and name == name.rpartition("/")[2] for name in names):
            raise ValueError("networks are not called by names")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged, or was altered: {printable(error_text(error))}") from error
    record[NETWORKS] = {}
    for name in names if values else ():
        file = path.with_name(name + SUFFIX)
        if file != path and not file.is_file():
            raise CheckpointError(f"{path} is one of {len(names)} networks, and {file.name} is not beside it.")
        record[NETWORKS][name] = state if file == path else _read(file, values=True)[1]
    return dict(record)


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
