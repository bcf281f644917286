"""Checkpoints: one file that knows its own architecture, and that is either whole or not there.

A checkpoint is a dict of tensors and plain values; no object in it is ever imported. See docs/checkpoints.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from itrans import __version__
from itrans.engine.torch_files import read_torch_file
from itrans.errors import CheckpointError, OutputError, PluginError, RecipeError
from itrans.files import replacing
from itrans.protocols import ImageSpec
from itrans.recipe.load import Recipe, resolved_recipe

if TYPE_CHECKING:
    import os

    from torch import Tensor

FORMAT = "itrans-checkpoint"
VERSION = 1
"""The version of the format. A file of a higher one is refused."""

_REFUSAL = "is not a checkpoint of itrans: it is no PyTorch file, or one that holds code, and is not opened."


@dataclass
class Progress:
    """How far training has come.

    Attributes:
        step: how many steps have been taken.
        epoch: how many epochs are complete, validation included.
        batch: how many steps of the next epoch have been taken.
        samples: how many pairs have been seen by all processes.
        best: the best value of the chosen metric so far, or None.
        best_step: when it was measured.
        stale: how many validations have passed without a better one.
        validated: the step after which the last epoch was ended.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    samples: int = 0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    validated: int = -1


@dataclass
class CheckpointFile:
    """What a checkpoint holds.

    Attributes:
        recipe: the resolved recipe, as plain data.
        sample: what stood in for the recipe's data: its attribution, or an empty text; None if nothing did.
        components: kind, name, distribution and version of each component, for information.
        source: what the source pictures are.
        target: what the target pictures are.
        networks: each network's state.
        method: what the method keeps besides its networks.
        progress: how far training has come.
        training: the state of optimisers, averages and loss scale; empty in a file that is for translating only.
        length: how many training pairs the data set had.
        processes: how many processes trained.
    """

    recipe: dict[str, Any]
    sample: str | None
    components: list[dict[str, str]]
    source: ImageSpec
    target: ImageSpec
    networks: dict[str, dict[str, Tensor]]
    method: dict[str, Any]
    progress: Progress
    training: dict[str, Any] = field(default_factory=dict)
    length: int = 0
    processes: int = 1

    @property
    def generator_states(self) -> dict[str, dict[str, Tensor]]:
        """The states to translate with: averaged weights where there are any."""
        return {**self.networks, **self.training.get("averages", {})}

    def checked_recipe(self, path: str | os.PathLike[str]) -> Recipe:
        """Return the recipe with its components found among what is installed here.

        Raises:
            CheckpointError: a component is not installed, or takes other arguments than it did.
        """
        try:
            return resolved_recipe(self.recipe, str(path))
        except (RecipeError, PluginError) as error:
            here = {(c["kind"], c["name"]): c for c in self.components}
            needed = sorted({f"{c['distribution']} {c['version']}".strip() for c in here.values()})
            raise CheckpointError(
                f"{path} was made with parts that are not here, or are not what they were.\n{error}\n"
                f"It was made with: {', '.join(needed)}. Install those; a part of your own file comes with --code FILE."
            ) from error


def save_checkpoint(path: str | os.PathLike[str], checkpoint: CheckpointFile) -> None:
    """Write a checkpoint, whole and durable, or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    record = {"format": FORMAT, "version": VERSION, "itrans": __version__, **asdict_shallow(checkpoint)}
    if fault := _unstorable(checkpoint.method, "method"):
        raise PluginError(f"The method's state_dict() cannot be saved: {fault}. Tensors and plain values can.")
    try:
        with replacing(path, durable=True) as file:
            torch.save(record, file)
    except RuntimeError as error:  # torch's own word for a disk that is full
        cause = error.__context__
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(error).splitlines()[0]
        raise OutputError(f"{path} cannot be written: {reason}.") from error


def _unstorable(value: Any, key: str) -> str | None:
    """Return what of a value would be code in a file, or None."""
    if isinstance(value, dict):
        return next((fault for name, inner in value.items() if (fault := _unstorable(inner, f"{key}.{name}"))), None)
    if type(value) in (list, tuple):
        return next((fault for i, inner in enumerate(value) if (fault := _unstorable(inner, f"{key}.{i}"))), None)
    if value is None or isinstance(value, torch.Tensor) or type(value) in (bool, int, float, str, bytes):
        return None
    return f"{key} is {type(value).__name__}"


def asdict_shallow(checkpoint: CheckpointFile) -> dict[str, Any]:
    """Return the record's fields as plain values, its tensors not copied."""
    plain = dict(vars(checkpoint))
    for name in ("source", "target", "progress"):
        plain[name] = asdict(plain[name])
    return plain


def load_checkpoint(path: str | os.PathLike[str], *, mapped: bool = True) -> CheckpointFile:
    """Read a checkpoint.

    Args:
        path: the file.
        mapped: leave tensors on disk until they are used; the file is then held open.

    Raises:
        CheckpointError: it is missing, truncated, not a checkpoint of itrans, or of a newer format.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder, not a checkpoint" if path.is_dir() else "does not exist"
        raise CheckpointError(f"{path} {what}. Checkpoints lie in a run's folder: RUN/checkpoints/best.pt.")
    record = read_torch_file(path, refusal=_REFUSAL, mapped=mapped)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise CheckpointError(f"{path} {_foreign(record)}")
    version = record.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise CheckpointError(
            f"{path} has the checkpoint format {version}, written by itrans {record.get('itrans')}; itrans "
            f"{__version__} reads up to {VERSION}. Update it: pip install --upgrade itrans"
        )
    try:
        fields = {name: record[name] for name in CheckpointFile.__dataclass_fields__}
        fields["source"], fields["target"] = ImageSpec(**record["source"]), ImageSpec(**record["target"])
        fields["progress"] = Progress(**record["progress"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: its record is not complete ({error}).") from error
    return CheckpointFile(**fields)


def _foreign(record: Any) -> str:
    if isinstance(record, dict) and record and all(isinstance(value, torch.Tensor) for value in record.values()):
        return (
            "is not a checkpoint of itrans but bare weights (a state dict), without the architecture that they are of."
        )
    return "is not a checkpoint of itrans."
