"""Where checkpoints lie in the folder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from itrans import plugins
from itrans.checkpoint.safetensors_files import exported_in
from itrans.errors import CheckpointError

if TYPE_CHECKING:
    import os

_DIGITS = 20


def checkpoint_path(path: str | os.PathLike[str]) -> Path:
    """Return the checkpoint that is meant by a file, or by a run's folder: its best one or, without, its last.

    In a folder with an exported checkpoint it is the file of its first network.

    Raises:
        CheckpointError: the folder holds none.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    for folder in (path / "checkpoints", path):
        for found in (folder / "best.pt", folder / "last.pt", *reversed(step_checkpoints(folder))):
            if found.is_file():
                return found
    if (exported := exported_in(path)) is not None:
        return exported
    if model := _model_in(path):
        raise CheckpointError(f"{path} is a folder with an exported network. Name its file: {model}")
    raise CheckpointError(
        f"{path} is a folder, and no run has left a checkpoint there: neither checkpoints/best.pt nor "
        "checkpoints/last.pt. Name a checkpoint, RUN/checkpoints/best.pt, or a run's folder."
    )


def existing_checkpoint(path: str | os.PathLike[str]) -> Path:
    """Return the checkpoint that is meant, see `checkpoint_path`.

    Raises:
        CheckpointError: it does not exist.
    """
    found = checkpoint_path(path)
    if not found.is_file():
        raise CheckpointError(f"{found} does not exist. Checkpoints are in a run's folder: RUN/checkpoints/best.pt.")
    return found


def _model_in(folder: Path) -> Path | None:
    """Return a file that is no checkpoint, and that a package opens to translate with."""
    found = plugins.installed()
    files = (file for file in sorted(folder.glob("*.*")) if file.is_file())
    return next((file for file in files if found.for_file(plugins.MODEL, file)), None)


def step_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of steps in a folder, the oldest first; copies under other names are somebody's own."""
    found = {path: step_of(path) for path in folder.glob("step-*.pt")}
    return sorted((path for path, step in found.items() if step >= 0 and path.is_file()), key=found.__getitem__)


def step_of(path: Path) -> int:
    """Return the step that a checkpoint's name tells; -1 where it tells none."""
    number = path.name.removeprefix("step-").removesuffix(".pt")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < _DIGITS else -1
