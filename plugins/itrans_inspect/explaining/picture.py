"""The picture that is followed: a file, or a held-out pair of the run's own data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from itrans.api import DataError, ImageSpec, as_channels, did_you_mean, kind_of, lightness_and_ab, read_image, scale_of
from itrans.commands import build_dataset, held_out_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from itrans.api import ImageArray
    from itrans.commands import Recipe, Translator

_LARGEST = 512
"""Files that are larger on a side are made smaller: a page should open at once."""

_NAMED = 8


@dataclass(frozen=True)
class Picture:
    """A picture that is followed, as networks see it.

    Attributes:
        name: of the file, or the pair's key.
        origin: where it is from, as a sentence.
        source: `(1, C, H, W)` in [-1, 1].
        target: what it should become, `(1, C', scale H, scale W)`; None where that is not known.
        given: what it is translated with besides, by name, as `Translator.translate_planes` takes it.
        extras: what a pair has besides, as `Batch.extras` has it; empty of a file.
    """

    name: str
    origin: str
    source: Tensor
    target: Tensor | None
    given: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The name of its page, without the suffix."""
        stem = str(Path(self.name).with_suffix("")) if Path(self.name).suffix else self.name
        return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in stem).strip("._") or "page"


def picture_named(
    name: str,
    translator: Translator,
    recipe: Callable[[], Recipe],
    *,
    direction: str | None = None,
    target: Path | None = None,
    options: Mapping[str, Any],
    extras: Mapping[str, Any],
) -> Picture:
    """Return the picture of a file, or else of the held-out pair that has that key.

    Args:
        name: a file, or a key.
        translator: says what it takes.
        recipe: makes the checkpoint's, for its held-out pairs.
        direction: one of the translator's.
        target: a file with what the picture should become.
        options: of translating, by name.
        extras: of the picture, by name: numbers, names, or files.

    Raises:
        DataError: there is neither, or a file is no picture that the checkpoint takes.
        ItransError: there is no such option or extra.
    """
    if Path(name).is_file():
        return _of_file(Path(name), translator, direction, target, options, extras)
    if target is not None or extras:
        given = "--target" if target is not None else "--with"
        raise DataError(f"{name} is not a file, and {given} goes with one: a held-out pair has its own.")
    return _of_pair(name, translator, recipe(), direction, options)


def _of_file(
    path: Path,
    translator: Translator,
    direction: str | None,
    target: Path | None,
    options: Mapping[str, Any],
    extras: Mapping[str, Any],
) -> Picture:
    spec, made = translator.specs(direction)
    image = _read(path, spec, translator.background)
    try:
        translator.check(image, direction)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    stored = _of_fair_size(kind_of(spec).source_of(image), spec)
    height, width = stored.shape[:2]
    origin = f"{path.name}, a file of {image.shape[1]}x{image.shape[0]} pixels"
    origin += "." if image.shape[:2] == stored.shape[:2] else f", made smaller: {width}x{height} are followed."
    scale = scale_of(translator.method)
    size = int(height * scale), int(width * scale)
    wanted = None if target is None else _target(target, made, translator.background, size)
    files = {key: value for key, value in extras.items() if isinstance(translator.accepted.extras.get(key), ImageSpec)}
    given = translator.fixed_values(options, {key: value for key, value in extras.items() if key not in files})
    for key, value in files.items():
        extra = translator.accepted.extras[key]
        given[key] = _read(Path(str(value)), extra, translator.background) if isinstance(extra, ImageSpec) else value
    return Picture(path.name, origin, _planes(stored, spec), None if wanted is None else _planes(wanted, made), given)


def _read(path: Path, spec: ImageSpec, background: str) -> ImageArray:
    kind = kind_of(spec)
    image = read_image(path, any_floats=True) if spec.has_range and spec.kind == "image" else kind.read(path)
    return kind.as_source(image, spec, background)[0]


def _target(path: Path, spec: ImageSpec, background: str, size: tuple[int, int]) -> ImageArray:
    image = _read(path, spec, background)
    if spec.kind == "ab" and image.shape[2] != 2:
        image = lightness_and_ab(as_channels(image, 3))[1]
    shape = (*size, spec.channels)
    image = _of_fair_size(image, spec, size)
    if image.shape != shape or (fault := kind_of(spec).fault(image, spec)):
        what = "x".join(map(str, image.shape)) if image.shape != shape else fault
        raise DataError(
            f"--target {path}: the picture is {what}, and outputs are {'x'.join(map(str, shape))} "
            "(height x width x channels)."
        )
    return image


def _of_fair_size(image: ImageArray, spec: ImageSpec, size: tuple[int, int] | None = None) -> ImageArray:
    """Return a picture made smaller where it is too large; with a size, made that where its sides have its ratio."""
    height, width = image.shape[:2]
    factor = min(1.0, _LARGEST / max(height, width)) if size is None else size[0] / height
    wanted = (round(height * factor), round(width * factor))
    if factor >= 1 or (size is not None and wanted != size):
        return image
    how = cv2.INTER_AREA if kind_of(spec).is_smooth else cv2.INTER_NEAREST
    smaller: Any = cv2.resize(image, wanted[::-1], interpolation=how)
    return smaller.reshape(*wanted, -1)  # type: ignore[no-any-return]


def _planes(image: ImageArray, spec: ImageSpec) -> Tensor:
    stacked = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None])
    return kind_of(spec).planes(stacked, spec)


def _of_pair(
    key: str, translator: Translator, recipe: Recipe, direction: str | None, options: Mapping[str, Any]
) -> Picture:
    split = recipe.tables.validation.split
    try:
        dataset = build_dataset(recipe, split)
    except DataError as error:
        raise DataError(f"{key} is not a file, and the held-out pairs cannot be read: {error}") from error
    known: list[str] = []
    for place in range(len(dataset)):
        found = dataset[place].key
        if found == key or Path(found).stem == key:
            break
        known.append(found)
    else:
        raise DataError(_unknown(key, known, split))
    [batch] = held_out_batches(recipe, dataset, 1, torch.device("cpu"), torch.contiguous_format, places=[place])
    sides = {"source": batch.source, "target": batch.target}
    taken, made = translator.sides(direction)
    conditions = translator.accepted.of_batch(batch.extras, translator.fixed_values(options, {}))
    wanted = sides[made] if getattr(dataset, "paired", True) and taken != made else None
    credit = str(getattr(dataset, "attribution", "") or "")
    origin = f'"{found}", a pair of the split "{split}", which the run did not train with. {credit}'.strip()
    return Picture(found, origin, sides[taken], wanted, conditions.arguments, batch.extras)


def _unknown(key: str, known: Sequence[str], split: str) -> str:
    there = ", ".join(known[:_NAMED]) + (" ..." if len(known) > _NAMED else "")
    return (
        f'{key} is not a file, and the split "{split}" has no such pair.{did_you_mean(key, known)} '
        f"It has {len(known)}: {there}"
    )
