"""Checkpoints: one file that knows its own architecture, and that is either whole or not there.

A checkpoint is a dict of tensors and plain values; no object in it is ever imported. See docs/checkpoints.md.
"""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans import __version__
from itrans.checkpoint.fields import (
    FieldError,
    UnknownError,
    UnknownKindError,
    checked_extras,
    checked_table,
    checked_value,
    noun,
)
from itrans.checkpoint.places import existing_checkpoint
from itrans.checkpoint.safetensors_files import read_safetensors
from itrans.checkpoint.states import unstorable
from itrans.checkpoint.torch_files import read_torch_file
from itrans.errors import CheckpointError, OutputError, PluginError, RecipeError, printable
from itrans.files import replacing
from itrans.pictures.extras import ExtraSpec, stored_extras
from itrans.pictures.kinds import KINDS
from itrans.pictures.spec import ImageSpec
from itrans.recipe.load import Recipe, has_schema_fault, recipe_of
from itrans.registry import DATASETS

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping

FORMAT = "itrans-checkpoint"
VERSION = 1
"""The version of the format. A file of a higher one is refused."""

_REFUSAL = "is not a checkpoint of itrans: it is not a PyTorch file, or it holds code, and is not opened."


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


@dataclass(kw_only=True)
class CheckpointFile:
    """What a checkpoint holds. A file that lacks a field which has a default is read as if it held that.

    Attributes:
        recipe: the resolved recipe, as plain data.
        sample: what stood in for the recipe's data: its attribution, or an empty text; None if nothing did.
        components: kind, name, distribution and version of each component; a name stands for that distribution's.
        source: what the source pictures are.
        target: what the target pictures are.
        extras: what pairs have besides.
        networks: each network's state.
        method: what the method keeps besides its networks.
        progress: how far training has come.
        training: the state of optimisers, averages and loss scale; empty in a file that is for translating only.
        length: how many training pairs the data set had.
        processes: how many processes trained.
        pairs: a digest of some training pairs' names and sizes; empty where it was not taken.
        itrans: the version of itrans that wrote it.
    """

    recipe: dict[str, Any]
    sample: str | None = None
    components: list[dict[str, str]] = field(default_factory=list)
    source: ImageSpec
    target: ImageSpec
    extras: dict[str, ExtraSpec] = field(default_factory=dict)
    networks: dict[str, dict[str, Tensor]]
    method: dict[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    training: dict[str, Any] = field(default_factory=dict)
    length: int = 0
    processes: int = 1
    pairs: str = ""
    itrans: str = __version__

    @property
    def generator_states(self) -> dict[str, dict[str, Tensor]]:
        """The states to translate with: averaged weights where there are any."""
        return {**self.networks, **self.training.get("averages", {})}

    def as_data(self) -> dict[str, Any]:
        """Return it as a dict of plain values, tensors aside, with the version of the format."""
        head = {"format": FORMAT, "version": VERSION, "itrans": __version__}
        plain = {"progress": asdict(self.progress), "extras": stored_extras(self.extras)}
        plain |= {"source": self.source.as_data(), "target": self.target.as_data()}
        if not self.extras:
            del plain["extras"]  # a file without any can be read by versions that know none
        return {**head, **{name: value for name, value in vars(self).items() if name != "extras"}, **plain, **head}

    @property
    def recorded(self) -> dict[tuple[str, str], str]:
        """The distributions of the components, by kind and name."""
        return {
            (c["kind"], c["name"]): c["distribution"]
            for c in self.components
            if {"kind", "name", "distribution"} <= set(c)
        }

    def checked_recipe(self, path: str | os.PathLike[str], kinds: Collection[str] | None = None) -> Recipe:
        """Return the recipe with its components found among what is installed here.

        Those of other `kinds` than are given may be missing.

        Raises:
            CheckpointError: a component is not installed, or takes other arguments than it did.
        """
        try:
            return recipe_of(self.recipe, path, recorded=self.recorded, kinds=kinds)
        except (RecipeError, PluginError) as error:
            if has_schema_fault(self.recipe):
                raise CheckpointError(
                    f"{path} holds a recipe that itrans {__version__} does not know how to read; itrans {self.itrans} "
                    f"wrote it, and may be newer. Update with: pip install --upgrade itrans\n{error}"
                ) from error
            here = {
                f"{c['distribution']} {c.get('version', '')}".strip()
                for c in self.components
                if "distribution" in c and (kinds is None or c.get("kind") in kinds)
            }
            raise CheckpointError(
                f"{path} was made with components that are missing here, or have changed.\n{error}\n"
                f"It was made with: {', '.join(map(printable, sorted(here))) or 'components that it does not name'}. "
                "Install those; for components in a file of your own, give --code FILE."
            ) from error


_TRAINING = {
    "optimizers": dict[str, dict[str, Any]],
    "averages": dict[str, dict[str, Tensor]],
    "updates": dict[str, int],
    "scaler": dict[str, Any],
}
"""What `CheckpointFile.training` may hold."""

_LEAST = {
    "progress.validated": -1,
    "processes": 1,
    **{f"{side}.{key}": 1 for side in ("source", "target") for key in ("channels", "labels")},
}
"""The smallest values of whole numbers, where these are not 0."""


def recorded_in(run: Path) -> dict[tuple[str, str], str]:
    """Return the distributions of a run's components, by kind and name.

    Args:
        run: its folder, or the `recipe.toml` in it. Of anything else, and without a good checkpoint, there are none.
    """
    if run.suffix == ".toml" and run.name != "recipe.toml":
        return {}
    try:
        return load_checkpoint(run.parent if run.name == "recipe.toml" else run, values=False).recorded
    except CheckpointError:  # said when it is read to go on with
        return {}


def save_checkpoint(path: str | os.PathLike[str], checkpoint: CheckpointFile) -> None:
    """Write a checkpoint, whole and durable, or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    record = checkpoint.as_data()
    if fault := unstorable(checkpoint.method, "method"):
        raise PluginError(f"The method's state_dict() cannot be saved: {fault}. Tensors and plain values can.")
    try:
        with replacing(path, durable=True) as file:
            torch.save(record, file)
    except RuntimeError as error:  # torch's own word for a disk that is full
        cause = error.__context__
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(error).splitlines()[0]
        raise OutputError(f"{path} cannot be written: {reason}.") from error


def load_checkpoint(path: str | os.PathLike[str], *, mapped: bool = True, values: bool = True) -> CheckpointFile:
    """Read a checkpoint.

    Args:
        path: the file; or a run's folder, see `checkpoint_path`.
        mapped: leave tensors on disk until they are used; the file is then held open.
        values: without, all but the tensors' values is read, which takes no time and no memory: the networks, the
            method's and the training's state are left empty.

    Raises:
        CheckpointError: it is missing, truncated, not a checkpoint of itrans, or of a newer format.
    """
    path = existing_checkpoint(path)
    record = read_safetensors(path, values=values) or read_torch_file(
        path, refusal=_REFUSAL, wanted="a checkpoint of itrans", mapped=mapped, values=values
    )
    if not isinstance(record, dict) or dict.get(record, "format") != FORMAT:
        raise CheckpointError(f"{path} {_foreign(record, path)}")
    version, written = dict.get(record, "version"), dict.get(record, "itrans")
    wrote = printable(written[:50]) if isinstance(written, str) else "of no known version"
    if type(version) is int and version > VERSION:
        raise CheckpointError(
            f"{path} has the checkpoint format {version % 10**9}, written by itrans {wrote}; itrans "
            f"{__version__} reads up to {VERSION}. Update it: pip install --upgrade itrans"
        )
    try:
        if type(version) is not int or version < 1:
            raise FieldError(f'"version" is {noun(version)}, but should be a whole number, 1 or more.')
        return _checked_file(dict(dict.items(record)), values=values)
    except UnknownKindError as error:
        raise CheckpointError(
            f"{path} is for pictures of a kind that is not known here: {error}. If the kind is your own, give the file "
            f"that registers it, --code FILE, or install its package. Or it is from a newer itrans ({wrote} wrote "
            "it): pip install --upgrade itrans"
        ) from error
    except UnknownError as error:
        raise CheckpointError(
            f"{path} is from a newer itrans ({wrote} wrote it): {error} is not known to itrans {__version__}. Update "
            "it: pip install --upgrade itrans"
        ) from error
    except FieldError as error:
        raise CheckpointError(f"{path} is damaged, or was altered: {error}") from error


def _checked_file(record: dict[str, Any], *, values: bool) -> CheckpointFile:
    """Return a record all of whose values are what they should be."""
    del record["format"], record["version"]
    if not values:
        for name in ("method", "training"):
            record.pop(name, None)
        record["networks"] = {}
    recipe, training, extras = record.pop("recipe", None), record.pop("training", {}), record.pop("extras", {})
    if recipe is None:
        raise FieldError("its record is not complete: recipe is missing.")
    if not isinstance(training, dict):
        raise FieldError(f"training is {noun(training)}, but should be a table.")
    _import_kinds(record, recipe)
    found: CheckpointFile = checked_value(record | {"recipe": {}}, CheckpointFile, "", _LEAST)
    found.recipe, found.extras = checked_table(recipe, "recipe"), checked_extras(extras, "extras")
    for name, value in dict.items(training):
        if name not in _TRAINING:
            raise UnknownError(f"training.{printable(str(name)[:100]) if isinstance(name, str) else noun(name)}")
        found.training[name] = checked_value(value, _TRAINING[name], f"training.{name}")
    return found


def _import_kinds(record: Mapping[str, Any], recipe: Any) -> None:
    """Import the data set, where a kind of pictures is not known: its package may bring that."""
    kinds = [side.get("kind") for side in (record.get("source"), record.get("target")) if isinstance(side, dict)]
    dataset = recipe.get("dataset") if isinstance(recipe, dict) else None
    if isinstance(dataset, dict) and any(isinstance(kind, str) and kind not in KINDS for kind in kinds):
        with contextlib.suppress(PluginError):
            DATASETS.get(str(dataset.get("name", "")))


def _foreign(record: Any, path: Path) -> str:
    if isinstance(record, dict) and record and all(isinstance(value, Tensor) for value in dict.values(record)):
        return (
            "is not a checkpoint of itrans but bare weights (a state dict), without their architecture. To make a "
            f"checkpoint of them: itrans import {shlex.quote(str(path))} -o NEW.pt"
        )
    if isinstance(record, dict) and any(isinstance(value, dict) for value in dict.values(record)):
        return (
            "is not a checkpoint of itrans. If there are weights in it, save them alone; to see what can be made of "
            f"them: itrans import {shlex.quote(str(path))} -o NEW.pt"
        )
    return "is not a checkpoint of itrans."
