"""The pictures on which an export is checked: held-out ones of the run's data, somebody's own, or noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from itrans.api import DataError, ItransError, Split, counted, find_images, kind_of, read_image
from itrans.commands import build_dataset, held_out_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from itrans.commands import CheckpointFile, Translator

_MOST = 4
_USUAL_SIDE = 256
_SPLITS: tuple[Split, ...] = ("val", "test")


class Pictures(NamedTuple):
    """Sources as networks see them.

    Attributes:
        planes: of each picture, `(1, C, H, W)` in [-1, 1].
        phrase: which they are, for people.
    """

    planes: list[Tensor]
    phrase: str


def pictures_of(
    record: CheckpointFile, path: Path, translator: Translator, direction: str, folder: Path | None
) -> Pictures:
    """Return a few pictures to check an export on.

    Args:
        record: the checkpoint.
        path: where it is.
        translator: what the pictures are for.
        direction: of the translator.
        folder: a folder of pictures, or one picture; None for held-out ones of the run's data set.

    Raises:
        DataError: the folder has no pictures that the generator takes.
    """
    if folder is not None:
        paths = [folder] if folder.is_file() else [folder / name for name in find_images(folder)[:_MOST]]
        if not paths:
            raise DataError(f"--pictures {folder}: there are no pictures in it.")
        return Pictures(
            [_read(path, translator, direction) for path in paths], f"{counted(len(paths), 'picture')} of {folder}"
        )
    try:
        held_out = [*_held_out(record, path, back=translator.goes_back(direction))]
    except ItransError as error:
        reason = str(error).splitlines()[0].partition(". ")[0].rstrip(".")
        planes = _made_up(translator, direction, _recipe_size(record))
        return Pictures([planes], f"noise, for there are no held-out pictures here: {reason}")
    return Pictures(held_out, f"{counted(len(held_out), 'held-out picture')}")


def _made_up(translator: Translator, direction: str, size: tuple[int, int]) -> Tensor:
    source, _ = translator.specs(direction)
    shape = (*size, 1 if source.labels else source.channels)
    stored = np.random.default_rng(0).integers(0, source.labels or 256, shape).astype(np.uint8)
    if source.has_range:
        low, high = source.range
        stored = (low + stored * ((high - low) / 255)).astype(source.dtype)
    return kind_of(source).planes(_stacked(stored), source).contiguous()


def _recipe_size(record: CheckpointFile) -> tuple[int, int]:
    """Return the height and the width of pictures in training, as the recipe says them, or else the paper's."""
    table = record.recipe.get("augment", {})
    found = table.get("size") or table.get("crop") or table.get("resize") or _USUAL_SIDE
    return (found, found) if isinstance(found, int) else (int(found[0]), int(found[1]))


def _held_out(record: CheckpointFile, path: Path, *, back: bool) -> Iterator[Tensor]:
    recipe = record.checked_recipe(path, ["method", "generator", "dataset"])
    cause: ItransError | None = None
    for split in _SPLITS:
        try:
            dataset = build_dataset(recipe, split)
            break
        except ItransError as error:
            cause = cause or error
    else:
        assert cause is not None
        raise cause
    count = min(_MOST, len(dataset))
    for batch in held_out_batches(recipe, dataset, count, torch.device("cpu"), torch.contiguous_format):
        yield from torch.split((batch.target if back else batch.source).float().contiguous(), 1)


def _read(path: Path, translator: Translator, direction: str) -> Tensor:
    source, _ = translator.specs(direction)
    kind = kind_of(source)
    stored = read_image(path, any_floats=True) if source.has_range else kind.read(path)
    image, _ = kind.as_source(stored, source, translator.background)
    try:
        translator.check(image, direction)
    except DataError as error:
        raise DataError(f"--pictures {path}: {error}") from error
    return kind.planes(_stacked(kind.source_of(image)), source).contiguous()


def _stacked(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
