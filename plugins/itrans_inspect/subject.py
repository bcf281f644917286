"""From a recipe or a checkpoint to its networks, and to what each of them is given."""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from itrans.api import DataError, ImageSpec, ItransError, PluginError, scale_of
from itrans.commands import (
    Recipe,
    build_dataset,
    build_method,
    checked_pair,
    checkpoint_path,
    load_checkpoint,
    load_recipe,
    recorded_in,
)
from itrans_inspect.calls import Calls, Inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from itrans.api import Dataset, Method
    from itrans.commands import CheckpointFile

_CHECKPOINTS = {".pt", ".pth", ".ckpt", ".safetensors"}
_DEFAULT_SIZE = 256
"""The paper's pictures, for recipes that do not say how large theirs are."""

_ASSUMED = ImageSpec(channels=3)


@dataclass(frozen=True)
class Network:
    """A network of a method, and what it is called with.

    Attributes:
        name: what the method calls it.
        kind: `generator`, `discriminator`, or None for one that the method makes by itself.
        module: the network.
        in_channels: of the picture that it translates or judges.
        condition_channels: of the source that a discriminator sees besides; 0 if it sees none.
        scale: how many times as large as sources the method's outputs are, which a discriminator judges.
        calls: how the method calls it; None where it takes pictures alone.
    """

    name: str
    kind: str | None
    module: nn.Module
    in_channels: int = 0
    condition_channels: int = 0
    scale: Fraction = Fraction(1)
    calls: Calls | None = None

    def size_for(self, size: int) -> int:
        """Return how high and wide what it is given is, where sources are `size` high and wide."""
        return int(size * self.scale) if self.kind == "discriminator" else size

    def size_of_output(self, size: int) -> int:
        """Return how high and wide a generator's outputs of pictures `size` high and wide are."""
        return int(size * self.scale) if self.kind == "generator" else size

    def inputs(self, size: int, device: str) -> Inputs:
        """Return what one picture of some height and width looks like to it: zeros `(1, C, size, size)`.

        Raises:
            PluginError: it takes more, and how the method calls it cannot be seen.
        """
        if self.calls is not None:
            is_judge = self.kind == "discriminator"
            return self.calls.of(self.module, int(size / self.scale) if is_judge else size).to(device)
        image = torch.zeros(1, self.in_channels, size, size, device=device)
        if self.kind == "generator":
            return Inputs((image,))
        condition = torch.zeros(1, self.condition_channels, size, size, device=device)
        return Inputs((image, condition if self.condition_channels else None))


@dataclass(frozen=True)
class Subject:
    """What is inspected.

    Attributes:
        title: of the recipe, or else the file's name.
        source: what the source pictures are.
        target: what the target pictures are.
        size: height and width that the recipe trains on.
        networks: every network of the method.
        notes: what had to be assumed, one sentence each.
        method: what the networks are of, without weights.
        recipe: what it was made by.
        dataset: the training split, where it is there.
        checkpoint: what is in the file, where it is one.
        file: the recipe or the checkpoint.
    """

    title: str
    source: ImageSpec
    target: ImageSpec
    size: int
    networks: list[Network]
    notes: list[str]
    method: Method
    recipe: Recipe
    dataset: Dataset | None = None
    checkpoint: CheckpointFile | None = None
    file: Path = Path()


def load_subject(
    path: str,
    *,
    overrides: Sequence[str] = (),
    without: Sequence[str] = (),
    sample: bool | None = None,
    channels: tuple[int, int] | None = None,
    with_dataset: bool = False,
) -> Subject:
    """Build the networks of a recipe or of a checkpoint; nothing is downloaded for them, and no weights are loaded.

    Args:
        path: a recipe (`.toml`), a checkpoint (`.pt`, `.pth`, `.ckpt`), or a run's folder, which stands for its best or
            last checkpoint.
        overrides: `key=value` texts, as given with `--set`, for a recipe.
        without: tables of a recipe to leave out.
        sample: whether `[sample]` is laid over a recipe; None lays it where the data are not there.
        channels: of source and target, in place of what the data set or the checkpoint says.
        with_dataset: whether a picture of the data set is wanted.

    Raises:
        ItransError: the file is missing, is neither, or names parts that cannot be built.
    """
    file = checkpoint_path(path)
    if not file.exists():
        raise ItransError(f"{path} does not exist. Give a recipe (.toml) or a checkpoint (RUN/checkpoints/best.pt).")
    checkpoint: CheckpointFile | None = None
    if file.suffix.lower() == ".toml":
        recipe = load_recipe(
            path, overrides=overrides, sample=sample, without=without, recorded=lambda _: recorded_in(file)
        )
        dataset, notes = _dataset(recipe, assumed=channels is None) if channels is None or with_dataset else (None, [])
        if recipe.missing_root is not None:
            notes.insert(
                0,
                f"{recipe.missing_root} is not there: this is the recipe with its [sample]; leave that out with "
                "--no-sample.",
            )
        specs = (dataset.source, dataset.target) if dataset else (_ASSUMED, _ASSUMED)
    elif file.suffix.lower() in _CHECKPOINTS:
        if overrides or without or sample is not None:
            option = "--set" if overrides else "--without" if without else "--sample" if sample else "--no-sample"
            raise ItransError(f"{option} goes with a recipe: what a checkpoint was made with cannot be changed.")
        checkpoint = load_checkpoint(file)
        kinds = ("method", "generator", *(["discriminator"] if "discriminator" in checkpoint.recipe else []))
        recipe = checkpoint.checked_recipe(file, [*kinds, *(["dataset"] if with_dataset else [])])
        specs = (checkpoint.source, checkpoint.target)
        dataset, notes = _dataset(recipe, assumed=False) if with_dataset else (None, [])
        if file != Path(path):
            notes.append(f"From the run's folder {path}, {file} is shown.")
        recipe, left_out = _with_losses_at_hand(recipe)
        notes += left_out
    else:
        raise ItransError(f"{path} is neither a recipe (.toml) nor a checkpoint (.pt): its suffix should say which.")
    if channels is not None:
        specs = (ImageSpec(channels=channels[0]), ImageSpec(channels=channels[1]))
    title = recipe.tables.title or file.stem
    try:
        fitting = None if checkpoint is None else (checkpoint.networks, file)
        extras = checkpoint.extras if checkpoint is not None else getattr(dataset, "extras", None) or {}
        method, networks = _networks(recipe, *specs, fitting, extras)
    except PluginError as error:
        if checkpoint is None:
            raise
        raise PluginError(f"{file} cannot be shown. {error}") from error
    size = _size(recipe, dataset)
    return Subject(title, *specs, size, networks, notes, method, recipe, dataset, checkpoint, file)


def _dataset(recipe: Recipe, *, assumed: bool) -> tuple[Dataset | None, list[str]]:
    """Return the training split, or None and what is assumed without it."""
    consequence = (
        "3 channels in and out are assumed (set others with --channels IN,OUT)" if assumed else "a test card is shown"
    )
    if (root := recipe.missing_folder) is not None:
        return None, [f"The data set's folder {root} is not there: {consequence}."]
    try:
        return build_dataset(recipe, "train"), []
    except DataError as error:
        return None, [f"{error}\nWithout the data set {consequence}."]


def _with_losses_at_hand(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """Return a checkpoint's recipe without the losses that are not here, and a sentence about each."""
    notes: dict[tuple[str | int, ...], str] = {}
    for part in recipe.parts:
        if part.kind == "loss":
            try:
                _ = part.component
            except PluginError as error:
                notes[part.key] = f'The loss "{part.name}" is left out: {str(error).splitlines()[0]}'
    return recipe.with_losses(lambda part: part.key not in notes), [*notes.values()]


def _size(recipe: Recipe, dataset: Dataset | None) -> int:
    """Return the size that a recipe trains on: that of `[augment]`, of the first picture, or of a data set's `size`."""
    augment = recipe.tables.augment
    size: Any = augment.crop or augment.size or augment.resize
    if size is None and dataset is not None:
        with contextlib.suppress(DataError):
            size = checked_pair(dataset, 0).source.shape[:2]
    size = size or recipe.tables.dataset.arguments.get("size")
    if isinstance(size, list | tuple):
        size = max(size, default=None, key=lambda side: side if isinstance(side, int) else 0)
    return size if isinstance(size, int) and size > 0 else _DEFAULT_SIZE


@dataclass(frozen=True)
class _Noting(Recipe):
    """A recipe that remembers what each network was built for."""

    built: list[tuple[Any, str, dict[str, Any]]] = field(default_factory=list)

    def build(self, kind: str, *, position: int = 0, **offered: Any) -> Any:
        made = super().build(kind, position=position, **offered)
        if kind in {"generator", "discriminator"}:
            self.built.append((made, kind, offered))
        return made


def _networks(
    recipe: Recipe,
    source: ImageSpec,
    target: ImageSpec,
    fitting: tuple[Mapping[str, Mapping[str, Tensor]], Path] | None,
    extras: Mapping[str, Any],
) -> tuple[Method, list[Network]]:
    noting = _Noting(**vars(recipe.with_losses(lambda part: not _is_network(part.component))))
    # Nothing is trained: weights need neither be drawn with care nor downloaded.
    cpu = torch.device("cpu")
    method = build_method(noting, source, target, device=cpu, initialize=False, fitting=fitting, extras=extras)
    found, scale, calls = [], scale_of(method), Calls(method, source, target, extras)
    for name, module in method.networks.items():
        module.eval()
        kind, offered = next(((kind, given) for made, kind, given in noting.built if made is module), (None, {}))
        channels = {key: offered[key] for key in ("in_channels", "condition_channels") if key in offered}
        how = calls if kind is not None and _takes_more(module, 1 if kind == "generator" else 2) else None
        found.append(Network(name, kind, module, **channels, scale=scale, calls=how))
    return method, found


def _takes_more(module: nn.Module, count: int) -> bool:
    """Whether a network cannot be called with so many pictures alone."""
    try:
        inspect.signature(module.forward).bind(*[None] * count)
    except TypeError:
        return True
    except ValueError:  # it has no signature
        return False
    return False


def _is_network(component: Any) -> bool:
    """Whether a loss compares features of a network of its own, which takes weights and does not learn."""
    is_network = isinstance(component, type) and issubclass(component, nn.Module)
    return is_network and getattr(component, "role", None) == "image" and not getattr(component, "trains", False)
