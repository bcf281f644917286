"""Weights that another program has saved -> a checkpoint, with a recipe that says no more than the weights do."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from itrans.api import CheckpointError, ImageSpec, PluginError, RecipeError, scale_of
from itrans.commands import CheckpointFile, build_method, recipe_of
from itrans_import.recognition import own_state, recognize
from itrans_import.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans.api import Recognized
    from itrans.commands import Recipe

UNKNOWN_ROOT = "unknown"
"""What the recipe gives for the data set's folder: `--set dataset.root=FOLDER` says where it is."""

_OURS = {
    (kind, name): "itrans"
    for kind, names in {"loss": ("l1", "cgan", "gan"), "dataset": ("aligned", "paired"), "method": ("paired",)}.items()
    for name in names
}
"""What the recipe is filled up with, whoever else has such names."""


@dataclass(frozen=True)
class ImportedNetwork:
    """A network that has been imported.

    Attributes:
        kind: `generator` or `discriminator`.
        name: the component's name.
        found: what the component has made of the weights.
        parameters: how many there are.
    """

    kind: str
    name: str
    found: Recognized
    parameters: int


@dataclass(frozen=True)
class _File:
    kind: str
    path: Path
    name: str
    found: Recognized


def import_networks(
    generator: Path,
    discriminator: Path | None = None,
    *,
    generator_name: str | None = None,
    discriminator_name: str | None = None,
    overrides: Sequence[str] = (),
) -> tuple[CheckpointFile, list[ImportedNetwork]]:
    """Return a checkpoint of imported networks, which translates and cannot be resumed, and what is in it.

    Args:
        generator: the file with the generator's weights.
        discriminator: the file with the discriminator's, or None.
        generator_name: the component that the generator's weights are of; None asks all that are installed.
        discriminator_name: the same for the discriminator's.
        overrides: `key=value` texts laid over the recipe.

    Raises:
        CheckpointError: a file cannot be read, or holds no weights that can be imported, or the two do not belong
            together.
        PluginError: a component is not installed.
        RecipeError: an override is wrong.
    """
    files = [_recognized_file("generator", generator, generator_name)]
    if discriminator is not None:
        files.append(_recognized_file("discriminator", discriminator, discriminator_name))
    recipe = _recipe(files, overrides)
    source, target = ImageSpec(files[0].found.in_channels), ImageSpec(files[0].found.out_channels)
    try:
        states = {file.kind: file.found.state for file in files}
        cpu = torch.device("cpu")
        method = build_method(recipe, source, target, device=cpu, initialize=False, fitting=(states, generator))
        if (scale := scale_of(method.networks["generator"])) != 1:
            recipe = _recipe(files, overrides, scale)
    except (PluginError, RecipeError) as error:
        if overrides:  # which may be what is wrong
            raise
        raise CheckpointError(f"{generator} holds weights that no network is built for.\n{error}") from error
    own, networks = {}, []
    for file in files:
        if file.kind not in method.networks:
            raise CheckpointError(
                f'{file.path} has no place in the recipe: the method "{recipe.tables.method.name}" makes '
                f"{', '.join(method.networks)}."
            )
        network = method.networks[file.kind]
        own[file.kind] = own_state(network, file.found, file.path, f'the {file.kind} "{file.name}"')
        count = sum(parameter.numel() for parameter in network.parameters())
        networks.append(ImportedNetwork(file.kind, file.name, file.found, count))
    checkpoint = CheckpointFile(
        recipe=recipe.resolved,
        components=recipe.components(),
        source=source,
        target=target,
        networks=own,
    )
    return checkpoint, networks


def _recognized_file(kind: str, path: Path, name: str | None) -> _File:
    return _File(kind, path, *recognize(kind, read_weights(path), path, name))


def _recipe(files: Sequence[_File], overrides: Sequence[str], scale: Fraction = Fraction(1)) -> Recipe:
    """Return the recipe of imported networks: what the weights do not tell is the schema's default.

    Without a discriminator there is no adversarial loss, because the checkpoint has nothing to train with one.
    """
    generator = files[0]
    in_channels, out_channels = generator.found.in_channels, generator.found.out_channels
    data: dict[str, Any] = {
        "title": f"imported from {' and '.join(file.path.name for file in files)}",
        "dataset": _dataset(in_channels, out_channels, scale),
        "loss": [{"name": "l1", "weight": 100.0}],
        "train": {"epochs": 1},  # a recipe has to say so much
    }
    for file in files:
        data[file.kind] = {"name": file.name, **file.found.arguments}
    for file in files[1:]:
        data["loss"].insert(0, {"name": _adversarial(file, in_channels, out_channels)})
    return recipe_of(data, generator.path, overrides=overrides, recorded=_OURS)


def _dataset(in_channels: int, out_channels: int, scale: Fraction) -> dict[str, Any]:
    """Return the data set that pairs of so many channels, and of a scale, come from, if they come from pictures."""
    convertible = {1, 3, 4}
    if in_channels == out_channels and scale == 1:
        channels = {"channels": in_channels} if in_channels in convertible else {}
        return {"name": "aligned", "root": UNKNOWN_ROOT, **channels}
    sides = {"source_channels": in_channels, "target_channels": out_channels}
    return {
        "name": "paired",
        "root": UNKNOWN_ROOT,
        **{key: count for key, count in sides.items() if count in convertible},
        **({} if scale == 1 else {"scale": int(scale) if scale.denominator == 1 else float(scale)}),
    }


def _adversarial(discriminator: _File, in_channels: int, out_channels: int) -> str:
    """Return the loss that goes with what the discriminator sees: source and picture, or the picture alone."""
    seen = discriminator.found.in_channels
    if seen == in_channels + out_channels:
        return "cgan"
    if seen == out_channels:
        return "gan"
    raise CheckpointError(
        f"{discriminator.path} does not belong to the generator: the discriminator sees {seen} channels, where "
        f"{in_channels + out_channels} are source and output, and {out_channels} the output alone."
    )
